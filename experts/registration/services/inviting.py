"""Recommending somebody, the personal link, withdrawing."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection

from accounts.rights import require
from core import clock
from core.audit.acting import Actor, acting
from core.database.numbers import next_number
from core.errors import DomainError, FieldErrors, NotAllowed
from core.japan.text import normal_code, normal_digits
from institutions.models import Institution, Member

from ..models import Registration
from ..states import ENTERING, OPEN, State
from . import telling
from .steps import Side, change, fresh_link, hash_of, locked, require_state, side_of, somebody, step

MOST_TEXT: Final = 4_000
# So old may an interview be: what it says is about the person of today.
_OLDEST_INTERVIEW: Final = dt.timedelta(days=366)
_MOST_NOTE: Final = 200


def recommend(
    *,
    institution: Institution,
    candidate_name: str,
    candidate_email: str,
    candidate_phone: str = "",
    interview_on: dt.date,
    interview_manner: str,
    interviewer: str,
    interview_notes: str,
    recommendation: str,
    actor: Actor,
    key: str,
) -> tuple[Registration, str]:
    """Records the interview and invites the person by mail; answers the registration and the link's token.

    The same key twice answers the first one, with "" for the token: it is known once. Raises FieldErrors by field,
    DomainError when this institution has invited the same address already.
    """
    user = somebody(actor)
    require(user, "recommend_expert")
    if not Member.objects.filter(user=user, institution=institution).exists():
        raise NotAllowed("推薦できるのは、自分の機関からだけです。")
    key = key.strip()
    if not key or len(key) > 64:
        raise DomainError("送信の番号がありません。画面を開き直して、もう一度送信してください。", code="key")
    values = _checked(
        {
            "candidate_name": candidate_name,
            "candidate_email": candidate_email,
            "candidate_phone": candidate_phone,
            "interviewer": interviewer,
            "interview_notes": interview_notes,
            "recommendation": recommendation,
        },
        interview_on,
        interview_manner,
    )
    with acting(actor, "recommend_expert"):
        # one at a time per institution: two presses at once, or two colleagues with the same person
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtext(%s), %s)", ["recommend_expert", institution.pk]
            )
        of_institution = Registration.objects.filter(institution=institution)
        if first := of_institution.filter(key=key).first():
            return first, ""
        _require_in_force(institution)
        same = of_institution.filter(
            candidate_email__iexact=values["candidate_email"], state__in=OPEN
        ).first()
        if same is not None:
            raise DomainError(
                f"同じメールアドレスの登録手続きがあります（{same.number} {same.display_name}、"
                f"{same.get_state_display()}）。案内を送り直すときは、その画面から送ってください。",
                code="invited_already",
            )
        token, link = fresh_link()
        row = Registration.objects.create(
            number=next_number("registration_number_seq", "R", clock.today().year),
            institution=institution,
            recommended_by=user,
            key=key,
            interview_on=interview_on,
            interview_manner=interview_manner,
            state=State.INVITED,
            state_since=clock.now(),
            **values,
            **link,
        )
        telling.mail_invitation(row, token, actor)
    return row, token


def _checked(texts: Mapping[str, str], interview_on: dt.date, manner: str) -> dict[str, Any]:
    values = {name: text.strip() for name, text in texts.items()}
    values["candidate_email"] = normal_code(values["candidate_email"])
    bad: dict[str, str] = {}
    if not values["candidate_name"]:
        bad["candidate_name"] = "候補者の氏名を入力してください。"
    try:
        validate_email(values["candidate_email"])
    except ValidationError:
        bad["candidate_email"] = "メールアドレスの形式が正しくありません。例：taro@example.jp"
    digits = normal_digits(values["candidate_phone"])
    if values["candidate_phone"] and not (digits.isdecimal() and 10 <= len(digits) <= 11):
        bad["candidate_phone"] = (
            "電話番号は10桁または11桁の数字で入力してください。分からないときは空にしてください。"
        )
    if interview_on > clock.today():
        bad["interview_on"] = "面談日は今日までの日付にしてください。推薦は、面談の後に行います。"
    elif interview_on < clock.today() - _OLDEST_INTERVIEW:
        bad["interview_on"] = "面談日が1年以上前です。あらためて面談を行ってから推薦してください。"
    if manner not in Registration.Manner.values:
        bad["interview_manner"] = "面談の方法を選んでください。"
    if not values["interviewer"]:
        bad["interviewer"] = "面談した人の氏名を入力してください。"
    if not values["interview_notes"]:
        bad["interview_notes"] = "面談で確かめた内容を入力してください。"
    if not values["recommendation"]:
        bad["recommendation"] = "推薦の理由を入力してください。"
    longest = {
        "candidate_name": 200,
        "interviewer": 200,
        "interview_notes": MOST_TEXT,
        "recommendation": MOST_TEXT,
    }
    for name, most in longest.items():
        if len(values[name]) > most:
            bad[name] = f"{most:,}文字以内で入力してください（いまは{len(values[name]):,}文字）。"
    if bad:
        raise FieldErrors(bad)
    return values


def _require_in_force(institution: Institution) -> None:
    if institution.valid_until is not None and institution.valid_until < clock.today():
        raise DomainError(
            f"{institution.name}の利用は終わっているため、専門家を推薦できません。事務局へお問い合わせください。",
            code="ended",
        )


def send_invitation_again(*, registration: Registration, actor: Actor, seen: str = "") -> str:
    """Mails a new link and answers its token (for a QR code); the former link is dead from now on."""
    with acting(actor, "invite_candidate_again"):
        row = locked(registration, actor, "recommend_expert", seen)
        require_state(row, ENTERING, "登録案内の再送を")
        token, link = fresh_link()
        change(row, **link)
        telling.settle(row, actor, telling.LATE)
        telling.mail_invitation(row, token, actor)
    return token


def withdraw(*, registration: Registration, reason: str, actor: Actor, seen: str = "") -> Registration:
    """Ends a registration before the approval: the link is dead, what was typed is kept."""
    reason = reason.strip()
    if not reason:
        raise DomainError("取下げの理由を入力してください。", code="reason")
    with acting(actor, "withdraw_registration", reason):
        row = locked(registration, actor, "withdraw_registration", seen)
        require_state(row, OPEN, "取下げを")
        step(row, "withdraw_registration", State.WITHDRAWN, token_hash="", closed_reason=reason[:MOST_TEXT])
        telling.settle(row, actor)
        if side_of(actor) == Side.OFFICE:
            title = f"{row.number} {row.display_name}さんの登録手続きを、事務局が取り下げました"
            telling.mail_recommender(row, title, reason[:_MOST_NOTE], actor)
    return row


def registration_by_token(token: str) -> Registration | None:
    """The registration whose live link this is, for showing and typing; None for every other token. Changes nothing.

    Expired, replaced and unknown tokens, withdrawn and approved registrations: all None, so that all say the same.
    """
    return (
        Registration.objects.select_related("institution", "recommended_by", "typed")
        .filter(token_hash=hash_of(token), expires_at__gt=clock.now(), state__in=OPEN)
        .first()
    )
