"""The year of experts and institutions in the demonstration: appointment, renewal, changes, a roster, another operator.

Done through the services, as the persons themselves would; what a job would do is done at once.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from typing import Final

from accounts.models import Role, User
from core import clock
from core.agreements.models import TextCode
from core.agreements.services import current_text
from core.audit.acting import SYSTEM
from core.banks.models import Branch
from core.jobs.progress import Progress
from experts.accounts import create_tied_user
from experts.appointment import offering
from experts.appointment.models import Appointment, Round
from experts.appointment.services import accept_letter, answer_conditions, issue_one
from experts.changes.entry import values_of
from experts.changes.models import ChangeRequest
from experts.changes.services import ask_change, check_change, seen_token
from experts.models import Expert
from experts.renewal.answering import Said, answer_on_page, pending_texts, record_answer
from experts.renewal.campaigns import prepare_campaign, years_to_renew
from experts.renewal.models import Ask, Campaign
from experts.renewal.sending import send_wave, start_campaign
from institutions.models import YOROZU, Institution, Roster
from institutions.operator_change.entering import submit_answer
from institutions.operator_change.services import send_form, start_change
from institutions.roster.services import take_roster
from rules.dates import fiscal_year

from . import logins

# So many experts beside the one who signs in have answered by their own page.
_WITH_PAGE: Final = 9
_LETTERS: Final = 7
_ACCEPTED: Final = 5
_ANSWER_DAYS: Final = dt.timedelta(days=14)
_LAST_DAY: Final = dt.timedelta(days=30)
_ISSUER: Final = ("専門家派遣事務局株式会社", "代表取締役　見本 太郎")
_ROSTER: Final = "構成機関変更届出書.csv"


def live_the_year(institution_code: str) -> None:
    """What waits for the office and for the expert besides the dispatches."""
    operator = logins.account(logins.OPERATOR)
    own = Expert.objects.get(user=logins.account(logins.EXPERT))
    others = _with_pages()
    _appoint(own, others, operator)
    _renew(own, others, operator)
    _change(own, others, operator)
    _bring_a_roster(institution_code, operator)
    _change_an_operator(operator)


def _with_pages() -> list[Expert]:
    """Experts who got their accounts, without passwords: nobody signs in as one of them."""
    codes = Expert.objects.filter(user=None, valid_until=None).exclude(email="").order_by("code")
    for expert in codes[:_WITH_PAGE]:
        create_tied_user(
            username=expert.code.lower(),
            role=Role.EXPERT,
            email=expert.email,
            display_name=expert.name,
            expert=expert.code,
            actor=SYSTEM,
            action="demo_data",
        )
    rows = Expert.objects.exclude(user=None).exclude(user__username=logins.EXPERT.username)
    return list(rows.select_related("user").order_by("code"))


def _page_of(expert: Expert) -> User:
    assert expert.user is not None
    return expert.user


def _appoint(own: Expert, others: Sequence[Expert], operator: User) -> None:
    """The year's conditions are out; some agreed and have their letters, some accepted; one letter waits for `own`."""
    today = clock.today()
    # in the last days of a year it is the next one's
    year = fiscal_year(today + _ANSWER_DAYS)
    sending = offering.open_round(
        fiscal_year=year,
        first_day=max(today, dt.date(year, 4, 1)),
        answer_by=today + _ANSWER_DAYS,
        message="",
        key="demo",
        actor=operator,
    )
    offering.send(sending=sending, actor=operator, progress=Progress())
    row = Round.objects.get(pk=sending.round_id)
    text = current_text(TextCode.APPOINTMENT_TERMS).version
    for expert in (own, *others[:_LETTERS]):
        _agree(row, expert, text)
    name, title = _ISSUER
    for expert in (own, *others[:_LETTERS]):
        issue_one(
            appointment=_appointment(row, expert),
            issued_on=today,
            issuer_name=name,
            issuer_title=title,
            actor=operator,
        )
    for expert in others[:_ACCEPTED]:
        accept_letter(appointment=_appointment(row, expert), actor=_page_of(expert))
    # agreed after the letters went out: the next letters are for them
    for expert in others[_LETTERS:]:
        _agree(row, expert, text)


def _appointment(row: Round, expert: Expert) -> Appointment:
    return Appointment.objects.select_related("round", "expert").get(round=row, expert=expert)


def _agree(row: Round, expert: Expert, text: str) -> None:
    one = _appointment(row, expert)
    answer_conditions(
        appointment=one, agrees=True, text_version=text, version=one.version, actor=_page_of(expert)
    )


def _renew(own: Expert, others: Sequence[Expert], operator: User) -> None:
    """The year end's question is out; most of `others` answered, one declined by telephone, `own` has not."""
    today = clock.today()
    campaign = prepare_campaign(
        fiscal_year=years_to_renew()[-1],
        answer_by=today + _ANSWER_DAYS,
        remind_on=[today + _ANSWER_DAYS / 2],
        message="",
        actor=operator,
    )
    wave = start_campaign(campaign=campaign, version=campaign.version, key="demo", actor=operator)
    send_wave(wave=wave, actor=operator, progress=Progress())
    for expert in others[:-2]:
        ask = _ask(campaign, expert)
        said = Said(
            answer=Ask.Answer.RENEW,
            data_right=True,
            agreed={text.code: text.version for text in pending_texts(expert)},
        )
        answer_on_page(
            ask=ask, said=said, version=ask.version, actor=_page_of(expert), address=None, agent=""
        )
    ask = _ask(campaign, others[-1])
    record_answer(
        ask=ask,
        answer=Ask.Answer.DECLINE,
        reason="本業が多忙のため",
        data_right=None,
        source=Ask.Source.PHONE,
        note="本人から電話で連絡があった。",
        version=ask.version,
        actor=operator,
    )


def _ask(campaign: Campaign, expert: Expert) -> Ask:
    return Ask.objects.select_related("expert").get(campaign=campaign, expert=expert)


def _change(own: Expert, others: Sequence[Expert], operator: User) -> None:
    """One request waits for its check; of another expert, checked by the operator, one waits to be made."""
    kind = ChangeRequest.Kind
    ask_change(
        expert=own,
        kind=kind.CONTACT,
        entry=values_of(own, kind.CONTACT) | {"phone": "090-0000-1900"},
        reason="携帯電話の番号が変わったため。",
        key="demo-contact",
        actor=_page_of(own),
    )
    other = others[0]
    branch = Branch.objects.select_related("bank").order_by("bank__code", "code").first()
    assert branch is not None
    row = ask_change(
        expert=other,
        kind=kind.ACCOUNT,
        entry={
            "bank_code": branch.bank.code,
            "branch_code": branch.code,
            "account_type": "普通",
            "account_number": "9000009",
            "account_holder_kana": other.kana,
        },
        reason="事業用の口座に変更するため。",
        key="demo-account",
        actor=_page_of(other),
    )
    check_change(
        request=row,
        note="郵送された通帳の写しと照合し、登録の電話番号で本人に確かめた。",
        seen=seen_token(row, Expert.objects.get(pk=other.pk)),
        actor=operator,
    )


def _bring_a_roster(institution_code: str, operator: User) -> None:
    """The agency's notice of changes, read and not applied: a moved member, and a new one."""
    known = Institution.objects.get(code=institution_code)
    text = (
        "変更区分,機関コード,機関名,機関区分,都道府県コード,電話番号,責任者氏名,責任者メールアドレス\r\n"
        f"変更,{known.code},{known.name},{known.kind},{known.prefecture_code},03-0000-1901,,\r\n"
        "新規,9990001,みほん高原商工会,商工会,20,03-0000-1902,高原 一郎,kogen@kikan.example.jp\r\n"
    )
    take_roster(
        file=io.BytesIO(text.encode("utf-8-sig")),
        name=_ROSTER,
        kind=Roster.Kind.NOTICE,
        effective_on=clock.today(),
        key="demo",
        actor=operator,
    )


def _change_an_operator(operator: User) -> None:
    """A よろず gets another operator: the form came back and waits for the office."""
    base = Institution.objects.filter(kind=YOROZU, platform_name="").order_by("code").last()
    assert base is not None  # the story has one for each region
    change = start_change(
        former=base,
        last_day=clock.today() + _LAST_DAY,
        message="",
        form_name="みほん地域経済振興財団",
        form_person="新垣 みほ",
        form_email="shin-uketsuke@kikan.example.jp",
        key="demo",
        actor=operator,
    )
    submit_answer(
        change=send_form(change=change, version=change.version, actor=operator),
        entry={
            "operator_name": "みほん地域経済振興財団",
            "address": base.address,
            "phone": "03-0000-1903",
            "email": "yorozu@kikan.example.jp",
            "chief_name": "新垣 みほ",
            "chief_email": "shin-sekinin@kikan.example.jp",
        },
        agreed=True,
        text_version=current_text(TextCode.YOROZU_TERMS).version,
    )
