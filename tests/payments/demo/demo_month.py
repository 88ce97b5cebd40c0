"""The rules applied to the story's rows without a database: what would be paid and held at a cut-off."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from zengin_code import Bank

from payments.demo.rows import CLAIMS, DECLARATIONS, DISPATCHES, EVENTS, EXPERTS, INSTITUTIONS, Row
from payments.demo.story import Story
from rules.dates import fiscal_year
from rules.facts import NOTHING_EARLIER, Declaration, Event, Payee, TravelLine, Visit
from rules.findings import Finding
from rules.month import ExpertMonth, calculate_expert
from rules.ruleset import RuleSet, load_builtin

RULES = load_builtin("R3")


@dataclass
class Outcome:
    """What a run would take and what it would leave, over all experts."""

    months: list[ExpertMonth]

    @property
    def payable(self) -> set[str]:
        return {number for month in self.months for number in month.payable}

    @property
    def holds(self) -> list[tuple[str, Finding]]:
        return [hold for month in self.months for hold in month.holds]

    @property
    def codes(self) -> set[str]:
        return {finding.code for _, finding in self.holds}


def moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def number(text: str) -> float | None:
    return float(text) if text else None


def whole(text: str) -> int | None:
    return int(text) if text else None


def exact(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def run(story: Story, cutoff: datetime, without: frozenset[str] | set[str] = frozenset()) -> Outcome:
    """A run over all experts at a cut-off; `without` are the numbers that earlier runs took."""
    visits = all_visits(story)
    by_expert: dict[str, list[Visit]] = defaultdict(list)
    for row in story.tables[DISPATCHES]:
        if row["派遣番号"] in visits and row["派遣番号"] not in without:
            by_expert[row["専門家コード"]].append(visits[row["派遣番号"]])
    return Outcome(
        [
            calculate_expert(
                payee(row), by_expert[row["専門家コード"]], NOTHING_EARLIER, cutoff, rules_for_day, RULES
            )
            for row in story.tables[EXPERTS]
        ]
    )


def rules_for_day(day: date) -> RuleSet | None:
    return RULES


def payee(row: Row) -> Payee:
    bank = Bank.all.get(row["銀行コード"])
    return Payee(
        row["専門家コード"],
        row["氏名"],
        row["源泉区分"],
        row["人件費補助"] == "有",
        frozenset(filter(None, row["所属機関コード"].split(";"))),
        bank is not None,
        bank is not None and row["支店コード"] in bank.branches,
        row["銀行コード"],
        row["支店コード"],
        row["口座名義カナ"],
    )


def all_visits(story: Story) -> dict[str, Visit]:
    rows = [row for row in story.tables[DISPATCHES] if row["実施開始"] and not row["状態"]]
    rows.sort(key=lambda row: (row["実施開始"], row["派遣番号"]))
    kinds = {row["機関コード"]: row["機関区分"] for row in story.tables[INSTITUTIONS]}
    belonging: dict[str, dict[str, list[Row]]] = {}
    for table in (EVENTS, DECLARATIONS, CLAIMS):
        belonging[table] = defaultdict(list)
        for row in story.tables[table]:
            belonging[table][row["派遣番号"]].append(row)
    by_expert: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_expert[row["専門家コード"]].append(row)
    counts: dict[tuple[str, int], int] = defaultdict(int)
    visits = {}
    for row in rows:
        client_year = row["企業コード"], fiscal_year(date.fromisoformat(row["実施開始"][:10]))
        counts[client_year] += 1
        own = {table: belonging[table][row["派遣番号"]] for table in belonging}
        overlaps = [other["派遣番号"] for other in by_expert[row["専門家コード"]] if overlap(row, other)]
        visits[row["派遣番号"]] = visit(row, kinds, own, counts[client_year], overlaps)
    return visits


def overlap(row: Row, other: Row) -> bool:
    return row is not other and other["実施開始"] < row["実施終了"] and other["実施終了"] > row["実施開始"]


def visit(
    row: Row, kinds: dict[str, str], own: dict[str, list[Row]], ordinal: int, overlaps: list[str]
) -> Visit:
    start, end = moment(row["実施開始"]), moment(row["実施終了"])
    assert start is not None
    assert end is not None
    return Visit(
        number=row["派遣番号"],
        institution_kind=kinds[row["機関コード"]],
        institution_code=row["機関コード"],
        company_code=row["企業コード"],
        topic=row["経営課題"],
        method=row["実施方式"],
        web_approved=row["WEB事前承認"] == "有",
        lat=number(row["緯度"]),
        lon=number(row["経度"]),
        start=start,
        end=end,
        break_minutes=int(row["休憩分"] or 0),
        accompanied=row["同行"] == "有",
        accompanied_from=moment(row["同行開始"]),
        accompanied_to=moment(row["同行終了"]),
        no_accompaniment_reason=row["同行無の理由"],
        requested_by_expert=row["専門家からの要請"] == "有",
        paid_by_institution=row["機関からの給与謝金"] == "有",
        limit_exception=row["上限例外承認"] == "有",
        report_at=moment(row["報告日時"]),
        attested_at=moment(row["従事証明日時"]),
        approved_at=moment(row["機関承認日時"]),
        itinerary=row["行程番号"],
        office_decision=row["事務局判断"],
        office_reason=row["事務局判断理由"],
        events=tuple(event(one) for one in own[EVENTS]),
        declarations=tuple(
            Declaration(one["事由"], moment(one["申告開始"]), moment(one["申告終了"]), one["理由"])
            for one in own[DECLARATIONS]
        ),
        travel_lines=tuple(travel_line(one) for one in own[CLAIMS]),
        client_ordinal=ordinal,
        overlaps=tuple(overlaps),
    )


def event(row: Row) -> Event:
    at = moment(row["端末時刻"])
    assert at is not None
    return Event(
        row["イベントID"],
        row["種別"],
        at,
        number(row["緯度"]),
        number(row["経度"]),
        number(row["精度m"]),
        row["署名者氏名"],
    )


def travel_line(row: Row) -> TravelLine:
    return TravelLine(
        int(row["行番号"]),
        date.fromisoformat(row["利用日"]),
        row["種別"],
        row["出発地"],
        row["到着地"],
        exact(row["距離km"]),
        whole(row["運賃"]),
        whole(row["特急料金"]),
        whole(row["指定席料金"]),
        whole(row["往復割引運賃"]),
        whole(row["通常運賃"]),
        int(row["請求額"]),
        row["領収書"] == "有",
        row["半券"] == "有",
        row["座席"],
        row["公共交通機関なし"] == "有",
        row["高速船"] == "有",
        row["並行航路"] == "有",
        row["宿泊種別"],
        exact(row["認定距離km"]),
        whole(row["認定額"]),
        row["必要理由"],
    )
