"""Adding and changing rule sets and code lists."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Max

from core import clock
from core.audit.acting import Actor, acting
from core.errors import DomainError
from rules import codes
from rules.ruleset import RuleSet as Rules
from rules.ruleset import RuleSetError, builtin

from .models import CodeItem, DispatchTerms, RuleSet

# The first version of the lists that people choose reasons from (spec 002; reference of R3's accompaniment report).
FIRST_ITEMS = {
    CodeItem.List.TOPIC: codes.TOPICS,
    CodeItem.List.WEB_REASON: (
        "感染や接触のリスクが高い",
        "地域で感染が急増している",
        "事業所が閉鎖・休業している",
    ),
    CodeItem.List.RETURN_REASON: (
        "支援内容の記載が不足している",
        "実施時刻が実際と異なる",
        "旅費請求の経路・金額に誤りがある",
        "領収書などの証拠書類が不足している",
        "支援先の確認内容と一致しない",
    ),
    CodeItem.List.ABSENCE_REASON: ("人員不足", "感染対策", "他業務", "遠方", "先方の希望", "その他"),
    CodeItem.List.TRAVEL_REASON: (
        "最短経路で測った距離による",
        "通常の経路の運賃による",
        "領収書の金額による",
        "支援に必要な区間だけを認める",
        "レンタカーは必要な部分だけを認める",
        "ほかの派遣で支払う区間を除く",
    ),
    # what the office asks, corrects, waives and decides again and again (reasons of the checks of rules.md §5)
    CodeItem.List.INQUIRY_REASON: (
        "申告書を提出してください",
        "実際の実施時刻を教えてください",
        "支援場所の住所を確認してください",
        "領収書などの証拠書類を提出してください",
        "同行の有無と時刻を確認してください",
        "旅費の経路・金額を確認してください",
    ),
    CodeItem.List.CORRECTION_REASON: (
        "本人に確認した誤記",
        "機関に確認した誤記",
        "支援場所の登録の誤り",
        "証拠書類と一致させる",
    ),
    CodeItem.List.WAIVER_REASON: (
        "支援先への確認で実施を確かめた",
        "機関が同行して実施を確かめた",
        "証拠書類で確かめた",
        "端末または通信の障害による",
        "災害・交通の乱れによる",
    ),
    CodeItem.List.DECISION_REASON: (
        "実施の事実を確認できない",
        "報告の内容に疑いがある",
        "支援先の申立てがある",
    ),
    CodeItem.List.PLAN_REASON: ("支援先の都合", "専門家の都合", "機関の都合", "天候・交通の事情", "その他"),
    CodeItem.List.CANCEL_REASON: (
        "支援先の希望",
        "専門家の都合",
        "課題が解決した",
        "別の専門家に依頼する",
        "申請の誤り",
        "その他",
    ),
}


def save_rule_set(
    *,
    code: str,
    name: str,
    first_day: dt.date,
    end_day: dt.date | None,
    values: Mapping[str, Any],
    actor: Actor,
    rule_set: RuleSet | None = None,
) -> RuleSet:
    """Adds a rule set, or changes `rule_set`; in force from `first_day` to the day before `end_day`.

    Refuses values that make no rule set, days that overlap another one, and a rule set that an approved run used.
    """
    try:
        checked = Rules.from_values(code, values).values()
    except RuleSetError as wrong:
        raise DomainError(str(wrong)) from wrong
    if end_day is not None and end_day <= first_day:
        raise DomainError("有効期間の終わりは、始まりより後の日にしてください。")
    row = rule_set or RuleSet()
    row.code, row.name, row.values = code, name, checked
    row.valid = DateRange(first_day, end_day)
    try:
        with acting(actor, "save_rule_set"), transaction.atomic():
            row.save()
    except IntegrityError as refused:
        raise DomainError(_why(refused, code)) from refused
    return row


def _why(refused: IntegrityError, code: str) -> str:
    detail = str(refused)
    if "programme_ruleset_no_overlap" in detail:
        return "有効期間がほかの支出基準と重なっています。期間を確認してください。"
    if "programme_ruleset_code" in detail:
        return f"コード「{code}」の支出基準は既にあります。別のコードにしてください。"
    return (
        f"支出基準「{code}」は承認済みの月次支払で使われているため、変更できません。"
        "金額や解釈を変える場合は、新しい期間の支出基準を追加してください。"
    )


def load_first_values(*, actor: Actor) -> bool:
    """Adds what every installation needs where it is missing: rule set R3, the first code lists, the deadlines.

    Answers whether anything was added; never changes what is there.
    """
    added = False
    with acting(actor, "setup"):
        r3 = builtin("R3")
        if not RuleSet.objects.filter(code=r3.code).exists():
            save_rule_set(
                code=r3.code,
                name=r3.name,
                first_day=r3.first_day,
                end_day=r3.end_day,
                values=r3.values,
                actor=actor,
            )
            added = True
        for list_name, names in FIRST_ITEMS.items():
            if CodeItem.objects.filter(list=list_name).exists():
                continue
            CodeItem.objects.bulk_create(
                CodeItem(list=list_name, name=name, position=position, valid=DateRange(None, None))
                for position, name in enumerate(names, start=1)
            )
            added = True
        if not DispatchTerms.objects.exists():
            DispatchTerms.objects.create(name="標準", valid=DateRange(None, None))
            added = True
    return added


def add_topic(*, name: str, first_day: dt.date, actor: Actor) -> CodeItem:
    """Adds a value to the list of 経営課題, from a day on."""
    with acting(actor, "add_topic"):
        last = CodeItem.objects.filter(list=CodeItem.List.TOPIC).aggregate(last=Max("position"))["last"] or 0
        return CodeItem.objects.create(
            list=CodeItem.List.TOPIC, name=name, position=last + 1, valid=DateRange(first_day, None)
        )


def _known_terms(values: Mapping[str, int]) -> set[str]:
    """The fields of the terms that are values; refuses others and what is below 0."""
    known = {field.name for field in DispatchTerms._meta.fields} - {
        "id",
        "name",
        "valid",
        "created_at",
        "updated_at",
    }
    unknown = sorted(set(values) - known)
    if unknown:
        raise DomainError(f"派遣の期限にない項目です: {'、'.join(unknown)}")
    if any(value < 0 for value in values.values()):
        raise DomainError("日数は 0 以上にしてください。")
    return known


def change_dispatch_terms(
    *, terms: DispatchTerms, name: str, values: Mapping[str, int], actor: Actor
) -> DispatchTerms:
    """Changes terms that have not begun. Those in force stay: what was asked of people by them must stay readable."""
    _known_terms(values)
    with acting(actor, "save_dispatch_terms"), transaction.atomic():
        row = DispatchTerms.objects.select_for_update().get(pk=terms.pk)
        if row.valid.lower is None or row.valid.lower <= clock.today():
            raise DomainError(
                f"「{row.name}」は既に始まっているため、変更できません。"
                "新しい初日の期限を追加すると、その日から新しい値になります。"
            )
        row.name = name
        for field, value in values.items():
            setattr(row, field, value)
        row.save()
        return row


def save_dispatch_terms(
    *,
    name: str,
    first_day: dt.date,
    end_day: dt.date | None,
    values: Mapping[str, int],
    actor: Actor,
) -> DispatchTerms:
    """New lead time and deadlines from `first_day` to the day before `end_day`; those in force then end the day before.

    `values` are fields of DispatchTerms; what isn't named stays as it was on that day. Refuses days that overlap
    terms which begin later.
    """
    known = _known_terms(values)
    if end_day is not None and end_day <= first_day:
        raise DomainError("有効期間の終わりは、始まりより後の日にしてください。")
    try:
        with acting(actor, "save_dispatch_terms"), transaction.atomic():
            before = DispatchTerms.objects.select_for_update().filter(valid__contains=first_day).first()
            kept = {field: getattr(before, field) for field in known} if before else {}
            if before is not None:
                if before.valid.lower == first_day:
                    raise DomainError("この日に始まる期限が既にあります。別の初日にしてください。")
                old_end = before.valid.upper
                before.valid = DateRange(before.valid.lower, first_day)
                before.save(update_fields=["valid", "updated_at"])
                end_day = end_day or old_end
            return DispatchTerms.objects.create(
                name=name, valid=DateRange(first_day, end_day), **(kept | dict(values))
            )
    except IntegrityError as refused:
        raise DomainError("有効期間がほかの期限と重なっています。期間を確認してください。") from refused
