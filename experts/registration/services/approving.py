"""Approval: the person becomes an expert with an account, in one transaction with everything that comes of it."""

from collections.abc import Collection

from django.db import connection

from accounts.links import absolute, one_time_link
from accounts.models import Role, SignInEvent, User
from accounts.records import record_event
from core import clock
from core.audit.acting import Actor, acting
from core.errors import DomainError
from experts.accounts import create_tied_user
from experts.appointment.services import offer_appointment
from experts.duplicates import Duplicate, Person, likely_duplicates
from experts.models import Expert

from .. import checking
from ..models import Certificate, Registration
from ..states import State
from . import telling
from .deciding import last_submission, refuse_unseen_files
from .entering import EntryRefused, kinds_of
from .steps import locked, require_state, somebody, step

# E000123, as the programme's own files number experts
_CODE = r"^E[0-9]{6,9}$"
_NEXT_CODE = "SELECT coalesce(max(substr(code, 2)::bigint), 0) + 1 FROM experts_expert WHERE code ~ %s"


class DuplicatesChanged(DomainError):
    """Others may be the same person than those that were shown. `duplicates`: those of now."""

    def __init__(self, duplicates: list[Duplicate]) -> None:
        self.duplicates = duplicates
        named = "、".join(f"{found.expert.code} {found.expert.name}" for found in duplicates[:5])
        super().__init__(
            "同じ人の可能性がある専門家が、画面に表示した後に変わりました"
            f"（いまは{named or 'いません'}）。最新の内容を確認して、もう一度承認してください。",
            code="duplicates",
        )


def duplicates_of(registration: Registration, user: User) -> list[Duplicate]:
    """Experts who may be this person already, with the reasons; by what was submitted last. Eight queries at most."""
    return _duplicates(
        checking.check(last_submission(registration).fields, set(Certificate.Kind.values)), user
    )


def _duplicates(checked: checking.Checked, user: User) -> list[Duplicate]:
    values = checked.values
    person = Person(
        name=values["name"],
        phone=values["phone"],
        prefecture_code=values["prefecture_code"],
        address=values["address"],
        bank_code=values["bank_code"],
        branch_code=values["branch_code"],
        account_type=values["account_type"],
        account_number=values["account_number"],
    )
    return likely_duplicates(Expert.objects.visible_to(user), person)


def approve(
    *, registration: Registration, actor: Actor, duplicates_seen: Collection[int], seen: str = ""
) -> Expert:
    """Makes the expert with code and account, mails the approval with the one-time link, offers the appointment.

    `duplicates_seen`: keys of the experts that were shown as likely duplicates (`duplicates_of`); DuplicatesChanged
    when they are others by now. What was submitted is judged again: EntryRefused when it can't be registered any more.
    """
    user = somebody(actor)
    with acting(actor, "approve_registration"):
        # one approval at a time: codes in sequence, and the second of one person's two meets the first
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('approve_registration'))")
        row = locked(registration, actor, "approve_registration", seen)
        require_state(row, (State.OFFICE,), "承認")
        checked = checking.check(last_submission(row).fields, kinds_of(row))
        if checked.problems:
            raise EntryRefused(checked.problems)
        refuse_unseen_files(row)
        duplicates = _duplicates(checked, user)
        if {found.expert.pk for found in duplicates} != set(duplicates_seen):
            raise DuplicatesChanged(duplicates)
        expert = Expert.objects.create(code=_next_code(), recommended_by=row.institution, **checked.values)
        account = create_tied_user(
            username=expert.code,
            role=Role.EXPERT,
            email=expert.email,
            display_name=expert.name,
            expert=expert.code,
            actor=actor,
            action="approve_registration",
        )
        expert.refresh_from_db()
        step(
            row,
            "approve_registration",
            State.APPROVED,
            approved_by=user,
            approved_at=clock.now(),
            expert=expert,
            token_hash="",
        )
        telling.settle(row, actor)
        record_event(SignInEvent.Kind.LINK_MADE, account, None, actor=actor, detail="登録の承認")
        offer_appointment(expert=expert, actor=actor)
        title = f"{row.number} {row.display_name}さんが専門家として登録されました"
        telling.mail_recommender(row, title, f"専門家コード {expert.code}", actor)
        telling.mail_approved(row, expert.email, expert.code, absolute(one_time_link(account)), actor)
    return expert


def _next_code() -> str:
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_CODE, [_CODE])
        return f"E{cursor.fetchone()[0]:06}"
