"""The written parts of the evidence file: contents, application, report and answers, findings, history, receipts."""

from typing import Any

from core.documents.flow import Column, Flow
from core.documents.wording import long_date
from dispatch.models import Dispatch, Receipt
from office.evidence_file.words import NONE, moment, name_of, short, span, yes_no


def contents(flow: Flow, facts: dict[str, Any]) -> None:
    """What there is and what is missing, at a glance."""
    dispatch: Dispatch = facts["dispatch"]
    starts = sum(1 for event in facts["events"] if event.kind == "開始")
    ends = len(facts["events"]) - starts
    receipts = [row for row in facts["receipts"] if row.pk in facts["contents"]]
    answers = facts["attestations"]
    calculation = facts["calculation"]
    rows = [
        (
            "申請",
            moment(facts["application"].applied_at) if facts["application"] else "記録なし（取り込んだ派遣）",
        ),
        ("チェックイン", f"{starts}件" if starts else "記録なし"),
        ("チェックアウト", f"{ends}件" if ends else "記録なし"),
        ("支援先の署名", "あり" if facts["signature"] else "画像なし"),
        ("申告書", f"{len(facts['declarations'])}件" if facts["declarations"] else "なし"),
        ("支援実績報告書", moment(dispatch.reported_at) if dispatch.reported_at else "未提出"),
        ("従事証明", moment(dispatch.attested_at) if dispatch.attested_at else "未証明"),
        ("従事証明の回答", f"{len(answers)}件" if answers else "なし"),
        ("機関承認", moment(dispatch.approved_at) if dispatch.approved_at else "未承認"),
        ("旅費請求", f"{len(facts['travel'].lines)}行"),
        ("領収書等", f"{len(receipts)}件" if receipts else "なし"),
        ("確認事項", "、".join(found.code for found in facts["findings"]) or "なし"),
        (
            "計算",
            f"{calculation['total']:,}円{'' if calculation['run'] else '（見込）'}"
            if calculation
            else "なし",
        ),
    ]
    flow.table([Column("書類", 2), Column("有無・日時", 6)], rows)


def application(flow: Flow, facts: dict[str, Any]) -> None:
    """Who, where, what for, and what was answered when it was applied for."""
    dispatch: Dispatch = facts["dispatch"]
    expert, company, institution = dispatch.expert, dispatch.company, dispatch.institution
    flow.heading("派遣の申請")
    rows = [
        ("派遣可能機関", f"{institution.name}（{institution.kind}）　{institution.code}"),
        ("専門家", f"{expert.name}　{expert.code}　源泉区分 {expert.payee_class}"),
        ("支援先", f"{company.name}　{company.code}　{company.kind}\n{company.address}"),
        ("経営課題", dispatch.topic),
        (
            "実施方式",
            dispatch.method
            + (f"（事前承認 {yes_no(dispatch.web_approved)}）" if dispatch.method == "WEB" else ""),
        ),
        (
            "支援場所",
            dispatch.place
            + (
                f"\n緯度 {dispatch.latitude}　経度 {dispatch.longitude}"
                if dispatch.latitude is not None
                else ""
            ),
        ),
        ("予定", span(dispatch.planned_from, dispatch.planned_to)),
        (
            "申告事項",
            f"専門家からの要請 {yes_no(dispatch.requested_by_expert)}　"
            f"機関からの給与・謝金 {yes_no(dispatch.paid_by_institution)}　"
            f"上限例外の承認 {yes_no(dispatch.limit_exception)}",
        ),
    ]
    applied = facts["application"]
    if applied:
        rows += [
            (
                "申請",
                f"{moment(applied.applied_at)}　{name_of(applied.applied_by)}　案件 {applied.case.code}",
            ),
            (
                "申請時の回答",
                f"人件費補助 {yes_no(applied.subsidised_labour)}　機関からの給与・謝金 {yes_no(applied.paid_by_institution)}　"
                f"所属専門家 {yes_no(applied.member_of_institution)}　専門家からの要請 {yes_no(applied.requested_by_expert)}",
            ),
            ("課題の整理", applied.case.problem),
            ("機関だけで解決できない理由", applied.case.why_not_alone),
        ]
    for request in facts["requests"]:
        decision = "判断待ち" if request.approved is None else "承認" if request.approved else "不承認"
        text = f"{request.reason}\n{decision}"
        if request.decided_at:
            text += (
                f"：{request.decision_reason}（{name_of(request.decided_by)}　{short(request.decided_at)}）"
            )
        rows.append((request.get_kind_display(), text))
    if dispatch.itinerary:
        rows.append(("行程番号", dispatch.itinerary))
    if dispatch.office_decision:
        rows.append(("事務局判断", f"{dispatch.office_decision}　{dispatch.office_decision_reason}"))
    if dispatch.end_reason:
        rows.append(("取消・辞退の理由", dispatch.end_reason))
    flow.facts(rows)


def report(flow: Flow, facts: dict[str, Any]) -> None:
    """The expert's report, the client's answers, the institution's approval, questions and answers."""
    dispatch: Dispatch = facts["dispatch"]
    flow.heading("支援実績報告書・従事証明・機関承認")
    rows = [
        ("報告日時", moment(dispatch.reported_at)),
        ("支援内容", dispatch.report),
        ("従事証明日時", moment(dispatch.attested_at)),
    ]
    for answer in facts["attestations"]:
        text = (
            f"{'相違なし' if answer.confirmed else '相違あり'}　{answer.name}　{moment(answer.answered_at)}"
        )
        text += f"\n示した実施時刻 {span(answer.shown_from, answer.shown_to)}"
        rows.append(("従事証明の回答", text + (f"\n{answer.comment}" if answer.comment else "")))
    going = yes_no(dispatch.accompanied)
    if dispatch.accompanied_from:
        going += f"　{span(dispatch.accompanied_from, dispatch.accompanied_to)}"
    if dispatch.no_accompaniment_reason:
        going += f"　理由：{dispatch.no_accompaniment_reason}"
    rows += [("機関承認日時", moment(dispatch.approved_at)), ("同行", going)]
    for inquiry in facts["inquiries"]:
        text = f"{inquiry.question}\n{name_of(inquiry.asked_by)}　{short(inquiry.asked_at)}　期限 {long_date(inquiry.due_on)}"
        if inquiry.answered_at:
            text += f"\n回答：{inquiry.answer}\n{name_of(inquiry.answered_by)}　{short(inquiry.answered_at)}"
        else:
            text += "\n回答待ち"
        rows.append((f"照会（{inquiry.get_asked_of_display()}）{inquiry.finding_code}", text))
    flow.facts(rows)
    corrections = [
        (
            f"{row['column']}（{row['file']}{row['row_key']}）",
            row["received"] or NONE,
            row["corrected"] or NONE,
            "\n".join(
                f"{short(step.corrected_at)} {name_of(step.corrected_by)} {step.reason}"
                for step in row["steps"]
            ),
        )
        for row in facts["corrections"]
    ]
    if corrections:
        flow.gap(8)
        columns = [
            Column("訂正した項目", 3),
            Column("受け取った値", 3),
            Column("いまの値", 3),
            Column("いつ・誰が・理由", 5),
        ]
        flow.table(columns, corrections)


def findings(flow: Flow, facts: dict[str, Any]) -> None:
    """What stands in the way now, and how earlier findings ended."""
    now, ended = facts["findings"], facts["ended"]
    if not now and not ended:
        return
    flow.heading("確認事項")
    columns = [
        Column("コード", 1),
        Column("区分", 1),
        Column("理由", 5),
        Column("期待", 4),
        Column("実際", 4),
        Column("経過", 4),
    ]
    rows = [
        (row.code, row.kind, row.reason, row.expected, row.actual, f"{short(row.first_seen_at)} から")
        for row in now
    ]
    rows += [
        (
            row.code,
            row.kind,
            row.reason,
            row.expected,
            row.actual,
            f"{row.get_how_display()} {short(row.ended_at)} {row.note}",
        )
        for row in ended
    ]
    flow.table(columns, rows)


def history(flow: Flow, facts: dict[str, Any]) -> None:
    """Who did what, when and why, oldest first; and every change of a column."""
    flow.heading("経過")
    columns = [Column("日時", 3), Column("誰が", 3), Column("何を", 5), Column("理由", 7)]
    story = list(reversed(facts["story"]))
    flow.table(columns, [_entry(entry) for entry in story])
    changes = list(reversed(facts["changes"]))
    if changes:
        flow.heading("項目ごとの変更の記録")
        flow.table(columns, [_entry(entry) for entry in changes])


def _entry(entry: dict[str, Any]) -> tuple[str, str, str, str]:
    return short(entry["at"]), entry["actor"], entry["action"], entry["reason"]


def receipt_name(receipt: Receipt) -> str:
    """領収書 行2 receipt.jpg"""
    line = f"行{receipt.line_number}　" if receipt.line_number else ""
    return f"{receipt.purpose}　{line}{receipt.original_name}"


def receipt_list(flow: Flow, facts: dict[str, Any]) -> None:
    """Every receipt there is or was, with the fingerprint of what is kept; the pictures follow."""
    if not facts["receipts"]:
        return
    flow.heading("領収書等の一覧")
    rows = []
    for receipt in facts["receipts"]:
        state = receipt.get_state_display()
        if receipt.removed_at:
            state = (
                f"取り除き {short(receipt.removed_at)} {name_of(receipt.removed_by)} {receipt.remove_reason}"
            )
        rows.append(
            (
                receipt_name(receipt),
                f"{short(receipt.uploaded_at)} {name_of(receipt.uploaded_by)}",
                state,
                receipt.kept_sha256,
            )
        )
    flow.table(
        [Column("書類", 5), Column("追加", 4), Column("状態", 4), Column("保管する内容の SHA-256", 6)], rows
    )
