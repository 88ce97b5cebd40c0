"""What an expert answers: by the own page, by the link in the mail, or through the office. Until the campaign is closed."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from accounts.models import User
from accounts.rights import require
from core import clock
from core.agreements.models import TextCode, TextVersion
from core.agreements.selectors import agreed_subjects
from core.agreements.services import agree, current_text, shown_text
from core.audit.acting import Actor, System, acting
from core.errors import DomainError, FieldErrors, NotAllowed
from core.notify.models import Task
from experts.models import Expert

from .campaigns import ACT, State
from .models import Ask, Campaign, Link
from .sending import TASK, task_object, token_hash

ANSWER: Final = "answer_renewal"
# The texts an expert's registration rests on.
TEXTS: Final = (TextCode.EXPERT_TERMS, TextCode.EXPERT_PRIVACY)
LONGEST_REASON: Final = 500
# Ready-made reasons of a decline; 「その他」 is told in own words.
OTHER: Final = "その他"
REASONS: Final = (
    "本業が忙しいため",
    "転職・転居のため",
    "健康上の理由・高齢のため",
    "派遣の依頼が少ないため",
    "事務の負担が大きいため",
    "所属先の都合",
    OTHER,
)
# So long the same answer sent again counts as the same press of the button.
_SAME_PRESS: Final = dt.timedelta(minutes=30)
# How the office may have been told.
TOLD: Final = (Ask.Source.PHONE, Ask.Source.MAIL, Ask.Source.LETTER)


class LinkUnusable(DomainError):
    """Wrong, used and ended links get the same answer."""

    def __init__(self) -> None:
        super().__init__(
            "このリンクは使えません。回答が済んでいるか、受付が終わっています。"
            "回答を変えるときや、お困りのときは、専門家の画面にログインするか、事務局へご連絡ください。",
            code="link",
        )


@dataclass(frozen=True)
class LinkSystem(System):
    """The expert who came by the link in the mail, without signing in, as the history names them."""

    name: str = "専門家（メールのリンク）"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer as a form says it. `agreed` are the versions ticked, by code of the text."""

    answer: str
    reason: str = ""
    data_right: bool | None = None
    agreed: Mapping[str, str]


def subject_of(expert: Expert) -> str:
    """How agreements name an expert."""
    return f"expert:{expert.code}"


def pending_texts(expert: Expert) -> list[TextVersion]:
    """The versions now in force that the expert has not agreed to, here or when registering. Five queries."""
    subjects = [subject_of(expert)]
    registration = getattr(expert, "registration", None)
    if registration is not None:
        subjects.append(registration.agreement_subject)
    found = []
    for code in TEXTS:
        try:
            text = current_text(code)
        except DomainError:
            continue  # a text that isn't published yet can't be agreed to
        if not agreed_subjects(subjects, text.pk):
            found.append(text)
    return found


def own_ask(user: User) -> Ask | None:
    """The question that waits for this person, else the latest one; None when never asked. One query."""
    return (
        Ask.objects.visible_to(user)
        .filter(expert__user=user)
        .select_related("campaign", "expert")
        .order_by("-campaign__fiscal_year")
        .first()
    )


def link_of(token: str) -> Link | None:
    """The usable link of a token; None for every other. Changes nothing."""
    return (
        Link.objects.select_related("ask__campaign", "ask__expert")
        .filter(token_hash=token_hash(token), ended_at=None, ask__campaign__state=State.ASKING)
        .first()
    )


def answer_on_page(
    *, ask: Ask, said: Said, version: int, actor: User, address: str | None, agent: str
) -> Ask:
    """The expert answers, or answers anew, on the own pages. FieldErrors; DomainError when closed or stale."""
    require(actor, ANSWER)
    if not Ask.objects.visible_to(actor).filter(pk=ask.pk, expert__user=actor).exists():
        raise NotAllowed("ほかの専門家の更新には回答できません。ご自分の画面からお答えください。")
    with acting(actor, ANSWER):
        row = _open_ask(ask, version)
        return _answer(row, said, Ask.Source.PAGE, actor, address, agent)


def answer_by_link(*, token: str, said: Said, address: str | None, agent: str) -> Ask:
    """The expert answers by the link in the mail, once. LinkUnusable for every other link; FieldErrors."""
    link = link_of(token)
    if link is None:
        raise LinkUnusable
    actor = LinkSystem()
    with acting(actor, ANSWER):
        try:
            row = _open_ask(link.ask)
        except DomainError:
            raise LinkUnusable from None
        if not Link.objects.filter(pk=link.pk, ended_at=None).exists():
            raise LinkUnusable
        return _answer(row, said, Ask.Source.LINK, actor, address, agent)


def answered_just_so(*, token: str, said: Said) -> bool:
    """Whether exactly this answer came a moment ago by this link: a second press of the button. Changes nothing."""
    return Link.objects.filter(
        token_hash=token_hash(token),
        ask__source=Ask.Source.LINK,
        ask__answer=said.answer,
        ask__reason=said.reason,
        ask__data_right=said.data_right,
        ask__answered_at__gt=clock.now() - _SAME_PRESS,
    ).exists()


def record_answer(
    *,
    ask: Ask,
    answer: str,
    reason: str,
    data_right: bool | None,
    source: str,
    note: str,
    version: int,
    actor: User,
) -> Ask:
    """The office records what the expert told it, with how and when. New texts can't be agreed to for somebody."""
    require(actor, ACT)
    problems: dict[str, str] = {}
    note = " ".join(note.split())
    if source not in TOLD:
        problems["source"] = "回答をどう受けたかを選んでください。"
    if not note:
        problems["note"] = "誰から、いつ受けたかを入れてください（例：2月3日 本人から電話）。"
    elif len(note) > LONGEST_REASON:
        problems["note"] = f"{LONGEST_REASON}文字以内で入れてください。"
    said = Said(answer=answer, reason=reason, data_right=data_right, agreed={})
    problems |= _problems(said, asks_data=False)
    if problems:
        raise FieldErrors(problems)
    with acting(actor, "record_renewal_answer", note):
        return _write(_open_ask(ask, version), said, source, actor, note)


def agree_to_texts(
    *, ask: Ask, agreed: Mapping[str, str], actor: User, address: str | None, agent: str
) -> None:
    """The expert agrees to texts that became new since, whatever was answered. FieldErrors."""
    require(actor, ANSWER)
    if not Ask.objects.visible_to(actor).filter(pk=ask.pk, expert__user=actor).exists():
        raise NotAllowed("ほかの専門家の規約には同意できません。ご自分の画面からお願いします。")
    with acting(actor, ANSWER):
        _agree(ask.expert, agreed, actor, address, agent)


def _open_ask(ask: Ask, version: int | None = None) -> Ask:
    """The ask, locked, while its campaign takes answers and (with a version) as a page showed it."""
    row = Ask.objects.select_for_update(of=("self",)).select_related("expert").get(pk=ask.pk)
    # read after the lock: whoever closes takes the same lock first
    campaign = Campaign.objects.get(pk=row.campaign_id)
    if campaign.state != State.ASKING:
        raise DomainError(
            f"{campaign}の受付は終わりました。回答は変えられません。事情があるときは、事務局へご連絡ください。",
            code="closed",
        )
    if version is not None and row.version != version:
        raise DomainError(
            "この回答は、別の画面または事務局で変わりました。いまの内容を確かめて、もう一度送ってください。",
            code="stale",
        )
    row.campaign = campaign
    return row


def _problems(said: Said, *, asks_data: bool = True) -> dict[str, str]:
    problems: dict[str, str] = {}
    if said.answer not in (Ask.Answer.RENEW, Ask.Answer.DECLINE):
        problems["answer"] = "「更新する」か「更新しない」を選んでください。"
    if said.answer == Ask.Answer.DECLINE and not said.reason.strip():
        problems["reason"] = "更新しない理由を選んでください。"
    if len(said.reason) > LONGEST_REASON:
        problems["reason"] = f"理由は{LONGEST_REASON}文字以内で入れてください。"
    if asks_data and said.answer == Ask.Answer.RENEW and said.data_right is None:
        problems["data_right"] = "登録内容に変更があるかを選んでください。"
    return problems


def _answer(row: Ask, said: Said, source: str, actor: Actor, address: str | None, agent: str) -> Ask:
    problems = _problems(said)
    if not problems and said.answer == Ask.Answer.RENEW:
        _agree(row.expert, said.agreed, actor, address, agent)
    if problems:
        raise FieldErrors(problems)
    return _write(row, said, source, actor, "")


def _agree(expert: Expert, agreed: Mapping[str, str], actor: Actor, address: str | None, agent: str) -> None:
    problems: dict[str, str] = {}
    for text in pending_texts(expert):
        if text.code not in agreed:
            problems[f"text_{text.code}"] = f"「{text.title}」を読んで、同意にチェックを入れてください。"
        else:
            shown_text(text.code, agreed[text.code])
            agree(
                text=text,
                subject=subject_of(expert),
                name=expert.name,
                actor=actor,
                address=address,
                user_agent=agent,
            )
    if problems:
        raise FieldErrors(problems)


def _write(row: Ask, said: Said, source: str, actor: Actor, note: str) -> Ask:
    declined = said.answer == Ask.Answer.DECLINE
    row.answer = said.answer
    row.reason = said.reason.strip() if declined else ""
    row.data_right = None if declined else said.data_right
    row.source, row.note = source, note
    row.answered_at, row.answered_by_id = clock.now(), actor.pk
    row.version += 1
    row.save(
        update_fields=[
            "answer", "reason", "data_right", "source", "note", "answered_at", "answered_by", "version",
        ]
    )  # fmt: skip
    row.links.filter(ended_at=None).update(ended_at=clock.now())
    if row.expert.user_id is not None:
        Task.objects.open().filter(
            code=TASK, object=task_object(row.campaign), person=row.expert.user_id
        ).update(closed_at=clock.now(), closed_by_id=actor.pk)
    return row
