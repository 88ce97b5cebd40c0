"""Clients and cases as an institution keeps them (requirements C1, C2)."""

import datetime as dt
import re
import unicodedata
from collections.abc import Collection
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Q

from core import clock
from core.audit.acting import Actor, System, acting
from core.database.numbers import next_number
from core.errors import DomainError, FieldErrors
from core.exchange.cells import NULL, BadCell, plain_text
from core.exchange.registry import Table, table_of
from core.programme.selectors import code_items
from institutions.models import Institution, Member

from ..models import Case, Company, ConsultationNote, Status
from .steps import allow, person, refuse_stale, require_reason

# Nothing more happens with these.
ENDED = (Status.PAID, Status.DECLINED, Status.CANCELLED, Status.INELIGIBLE)


@dataclass(frozen=True, slots=True)
class ClientData:
    """A client as it was typed; employees and capital as numbers, the place in degrees (both or none)."""

    name: str
    prefecture_code: str
    address: str
    industry: str
    employees: int
    kind: str
    corporate_number: str = ""
    phone: str = ""
    email: str = ""
    capital: int | None = None
    latitude: Decimal | None = None
    longitude: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CaseData:
    """What can be changed about a case."""

    topic: str
    problem: str
    why_not_alone: str


@dataclass(frozen=True, slots=True)
class Consent:
    """The client's consent to sharing its data: who gave it, to which version of the text, when (None: now)."""

    given_by: str
    text_version: str
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class DuplicateHint:
    """A client that is probably the same, and why."""

    company: Company
    reasons: tuple[str, ...]


class DuplicateClient(DomainError):
    """The client is probably registered already."""

    def __init__(self, hints: list[DuplicateHint]) -> None:
        self.hints = hints
        named = "、".join(f"{hint.company.name}（{'・'.join(hint.reasons)}）" for hint in hints[:3])
        super().__init__(
            f"同じと思われる支援先が登録されています: {named}。"
            "同じ支援先ならそれを選び、別の支援先なら「別の支援先として登録」を選んでください。",
            code="duplicate",
        )


_CLEAN_KEY = "dispatch_name_key(name)"


def duplicate_hints(
    *,
    name: str,
    prefecture_code: str,
    corporate_number: str = "",
    phone: str = "",
    excluding: Company | None = None,
) -> list[DuplicateHint]:
    """Clients with the same corporate number, the same name in the prefecture, or the same telephone. Two queries."""
    digits = re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", phone))
    number = unicodedata.normalize("NFKC", corporate_number).strip()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT id, corporate_number = %(number)s AND %(number)s <> '',
                   {_CLEAN_KEY} = dispatch_name_key(%(name)s) AND prefecture_code = %(prefecture)s,
                   regexp_replace(phone, '[^0-9]', '', 'g') = %(phone)s AND %(phone)s <> ''
              FROM dispatch_company
             WHERE id <> %(excluding)s AND (
                   (%(number)s <> '' AND corporate_number <> '' AND corporate_number = %(number)s)
                OR ({_CLEAN_KEY} = dispatch_name_key(%(name)s) AND prefecture_code = %(prefecture)s)
                OR (%(phone)s <> '' AND phone <> ''
                    AND regexp_replace(phone, '[^0-9]', '', 'g') = %(phone)s))
             ORDER BY 2 DESC, 3 DESC, code LIMIT 10
            """,  # noqa: S608
            {
                "number": number,
                "name": name,
                "prefecture": prefecture_code,
                "phone": digits if len(digits) >= 9 else "",
                "excluding": excluding.pk if excluding else 0,
            },
        )
        rows = cursor.fetchall()
    companies = Company.objects.in_bulk([row[0] for row in rows])
    words = ("法人番号が同じ", "名称と都道府県が同じ", "電話番号が同じ")
    return [
        DuplicateHint(
            companies[pk], tuple(word for word, same in zip(words, same_parts, strict=True) if same)
        )
        for pk, *same_parts in rows
    ]


def read_cells(table: Table, values: dict[str, str]) -> dict[str, str]:
    """Column → text as a file's cell is read (NFKC, code lists, limits); FieldErrors names every bad one."""
    read, bad = {}, {}
    for name, value in values.items():
        column = table.by_name[name]
        try:
            text = column.kind.reader(column.required)(value)
        except BadCell as why:
            bad[name] = str(why)
        else:
            read[name] = "" if text == NULL else plain_text(text)
    if bad:
        raise FieldErrors(bad)
    return read


def _client_values(values: ClientData) -> dict[str, Any]:
    table = table_of(Company)
    by_field = {column.field: column.name for column in table.columns}
    typed = {name: value for name, value in asdict(values).items() if name in by_field}
    read = read_cells(table, {by_field[name]: "" if it is None else str(it) for name, it in typed.items()})
    checked: dict[str, Any] = {name: read[by_field[name]] for name in typed}
    checked["employees"], checked["capital"] = values.employees, values.capital
    checked["latitude"], checked["longitude"] = _place(values.latitude, values.longitude)
    return checked


def _place(latitude: Decimal | None, longitude: Decimal | None) -> tuple[Decimal | None, Decimal | None]:
    """Degrees on the earth, both or none."""
    if (latitude is None) != (longitude is None):
        raise FieldErrors({"緯度": "緯度と経度は、両方を入れるか、両方を空欄にしてください。"})
    for name, value, most in (("緯度", latitude, 90), ("経度", longitude, 180)):
        if value is not None and not (value.is_finite() and abs(value) <= most):
            raise FieldErrors({name: f"{name}は -{most} から {most} までの度で入れてください。"})
    return latitude, longitude


def register_client(
    *, values: ClientData, actor: Actor, despite_duplicates: bool = False, despite: Collection[str] = ()
) -> Company:
    """Adds a client with a code of its own. Refuses bad fields, and a probable duplicate unless told otherwise.

    `despite` are the codes of the clients the person was shown and knows to be others: one that is not among them,
    such as the one the same form made a moment ago, is refused still.
    """
    allow(actor, "manage_clients")
    checked = _client_values(values)
    with acting(actor, "register_client"):
        _one_at_a_time("register_client", checked["prefecture_code"])
        if not despite_duplicates:
            hints = duplicate_hints(
                name=checked["name"],
                prefecture_code=checked["prefecture_code"],
                corporate_number=checked["corporate_number"],
                phone=checked["phone"],
            )
            if any(hint.company.code not in despite for hint in hints):
                raise DuplicateClient(hints)
        member = None if isinstance(actor, System) else Member.objects.filter(user=person(actor)).first()
        code = next_number("dispatch_company_code_seq", "C", clock.today().year)
        return Company.objects.create(
            code=code, registered_by=member.institution if member else None, **checked
        )


def _one_at_a_time(act: str, among: str) -> None:
    """Waits until no other transaction does this among the same, so that each sees what the one before made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{act}:{among}"])


def change_client(*, company: Company, values: ClientData, actor: Actor, edit_token: str = "") -> Company:
    """Changes a client's data. Company.DoesNotExist for one the actor can't see."""
    allow(actor, "manage_clients")
    checked = _client_values(values)
    with acting(actor, "change_client"):
        seen = Company.objects.all() if isinstance(actor, System) else Company.objects.visible_to(actor)  # type: ignore[arg-type]
        row = Company.objects.select_for_update().get(pk=company.pk, pk__in=seen.values("pk"))
        refuse_stale(row, edit_token)
        for name, value in checked.items():
            setattr(row, name, value)
        row.save(update_fields=[*checked, "updated_at"])
        return row


def _locked_case(case: Case, actor: Actor, edit_token: str = "", *, state: str = Case.State.OPEN) -> Case:
    allow(actor, "manage_cases")
    seen = Case.objects.all() if isinstance(actor, System) else Case.objects.visible_to(actor)  # type: ignore[arg-type]
    row = Case.objects.select_for_update(of=("self",)).get(pk=case.pk, pk__in=seen.values("pk"))
    refuse_stale(row, edit_token)
    if row.state != state:
        doing = "再開してから操作してください" if row.state == Case.State.CLOSED else "終了していません"
        raise DomainError(f"支援案件 {row.code} は「{row.get_state_display()}」です。{doing}。", code="state")
    return row


def _case_values(values: CaseData) -> dict[str, str]:
    bad = {}
    if values.topic not in code_items("topic", clock.today()):
        bad["経営課題"] = "一覧にある経営課題を選んでください。"
    if not values.problem.strip():
        bad["課題の整理"] = "支援先の課題を入れてください。"
    if not values.why_not_alone.strip():
        bad["機関だけで解決できない理由"] = "専門家の派遣が必要な理由を入れてください。"
    if bad:
        raise FieldErrors(bad)
    return {
        "topic": values.topic,
        "problem": values.problem.strip(),
        "why_not_alone": values.why_not_alone.strip(),
    }


def open_case(
    *,
    institution: Institution,
    company: Company,
    topic: str,
    problem: str,
    why_not_alone: str,
    actor: Actor,
    consent: Consent | None = None,
) -> Case:
    """Opens a case of an institution for a client, with the client's consent where it is there already.

    The same words sent again while the case is open answer the case that is there: a form sent twice opens one.
    """
    allow(actor, "manage_cases")
    if (
        not isinstance(actor, System)
        and not Member.objects.filter(user=person(actor), institution=institution).exists()
    ):
        raise Institution.DoesNotExist
    values = _case_values(CaseData(topic, problem, why_not_alone))
    with acting(actor, "open_case"):
        _one_at_a_time("open_case", f"{institution.pk}:{company.pk}")
        same = Case.objects.filter(
            institution=institution,
            company=company,
            state=Case.State.OPEN,
            created_by=person(actor),
            **values,
        ).first()
        if same is not None:
            return same
        case = Case.objects.create(
            code=next_number("dispatch_case_code_seq", "K", clock.today().year),
            institution=institution,
            company=company,
            created_by=person(actor),
            **values,
        )
        if consent is not None:
            _consent(case, consent)
        return case


def change_case(*, case: Case, values: CaseData, actor: Actor, edit_token: str = "") -> Case:
    """Changes the case's topic and texts while it is open."""
    with acting(actor, "change_case"):
        row = _locked_case(case, actor, edit_token)
        for name, value in _case_values(values).items():
            setattr(row, name, value)
        row.save()
        return row


def record_consent(
    *, case: Case, given_by: str, text_version: str, actor: Actor, at: dt.datetime | None = None
) -> Case:
    """Records the client's consent to sharing its data: who gave it, when, to which version of the text."""
    with acting(actor, "record_consent"):
        row = _locked_case(case, actor)
        _consent(row, Consent(given_by, text_version, at))
        return row


def _consent(case: Case, consent: Consent) -> None:
    at = consent.at or clock.now()
    if not consent.given_by.strip() or not consent.text_version.strip():
        raise FieldErrors({"同意した人": "同意した人の氏名と同意文の版を入れてください。"})
    if at > clock.now():
        raise FieldErrors({"同意日時": "同意の日時が先の日時になっています。"})
    case.consent_by, case.consent_version, case.consent_at = (
        consent.given_by.strip(),
        consent.text_version,
        at,
    )
    case.save(update_fields=["consent_by", "consent_version", "consent_at", "updated_at"])


def add_note(
    *, case: Case, held_on: dt.date, channel: str, text: str, actor: Actor, attendees: str = ""
) -> ConsultationNote:
    """Adds an entry to the case's log; the same entry sent again by the same person is the one that is there."""
    bad = {}
    if held_on > clock.today():
        bad["相談日"] = "今日までの日付を入れてください。"
    if channel not in ConsultationNote.Channel.values:
        bad["方法"] = "方法を選んでください。"
    if not text.strip():
        bad["内容"] = "相談の内容を入れてください。"
    if bad:
        raise FieldErrors(bad)
    with acting(actor, "add_note"):
        row = _locked_case(case, actor)
        note, _ = ConsultationNote.objects.get_or_create(
            case=row,
            held_on=held_on,
            channel=channel,
            attendees=attendees.strip()[:200],
            text=text.strip(),
            written_by=person(actor),
        )
        return note


def close_case(*, case: Case, reason: str, actor: Actor) -> Case:
    """Closes a case. Refuses while one of its dispatches is still on its way."""
    reason = require_reason(reason, "終了の理由")
    with acting(actor, "close_case", reason):
        row = _locked_case(case, actor)
        waiting = list(
            row.applications.filter(~Q(dispatch__status__in=ENDED))
            .order_by("dispatch__number")
            .values_list("dispatch__number", flat=True)
        )
        if waiting:
            raise DomainError(
                f"終わっていない派遣（{'、'.join(waiting[:5])}）があるため、支援案件を終了できません。"
                "派遣の支払または取消の後に終了してください。"
            )
        row.state, row.close_reason = Case.State.CLOSED, reason
        row.save(update_fields=["state", "close_reason", "updated_at"])
        return row


def reopen_case(*, case: Case, reason: str, actor: Actor) -> Case:
    """Opens a closed case again."""
    reason = require_reason(reason, "再開の理由")
    with acting(actor, "reopen_case", reason):
        row = _locked_case(case, actor, state=Case.State.CLOSED)
        row.state, row.close_reason = Case.State.OPEN, ""
        row.save(update_fields=["state", "close_reason", "updated_at"])
        return row
