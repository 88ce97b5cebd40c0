"""The money in the evidence file: the claim line by line, and every yen that is or would be paid."""

from typing import Any

from core.documents.flow import Column, Flow
from core.documents.wording import yen
from office.evidence_file.words import NONE
from office.travel_lines import Section


def travel(flow: Flow, facts: dict[str, Any]) -> None:
    """What was claimed, what the rules say, what the office accepted."""
    section: Section = facts["travel"]
    if not section.lines:
        return
    flow.heading("旅費請求")
    rows = []
    for each in section.lines:
        line = each.line
        accepted = f"{line.accepted_km}km" if each.by_km and line.accepted_km is not None else NONE
        if line.accepted_yen is not None:
            accepted = yen(line.accepted_yen)
        facts_text = "　".join(
            f"{fact.label} {fact.value}" + (f"（受領時 {fact.received}）" if fact.received else "")
            for fact in each.facts
        )
        problems = "".join(f"\n{code} {text}" for code, text in each.problems)
        rows.append(
            (
                str(line.line_no),
                f"{line.day:%Y/%m/%d}\n{line.kind}",
                f"{line.origin} → {line.destination}" if line.origin or line.destination else NONE,
                facts_text,
                yen(line.claimed),
                accepted,
                f"{each.explanation}{problems}",
            )
        )
    flow.table(
        [
            Column("行", 0.7, figures=True),
            Column("利用日・種別", 2.2),
            Column("区間", 3),
            Column("内訳", 4),
            Column("請求額", 1.8, figures=True),
            Column("認定", 1.8, figures=True),
            Column("基準による額と説明", 5),
        ],
        rows,
    )


def calculation(flow: Flow, facts: dict[str, Any]) -> None:
    """Every amount with its arithmetic."""
    found = facts["calculation"]
    if not found:
        return
    run = found["run"]
    flow.heading(f"計算（支払データ {run.name}）" if run else "計算（いまの内容で支払う場合の見込み）")
    rows = [(line.item, line.explanation, yen(line.amount)) for line in found["lines"]]
    rows.append(
        ("合計", f"謝金 {yen(found['fee'])} ＋ 旅費 {yen(found['travel'])}（税込）", yen(found["total"]))
    )
    flow.table([Column("項目", 2), Column("計算", 8), Column("金額", 2, figures=True)], rows)
