"""Those who check: single fields back to the person, on to the office."""

from collections.abc import Collection, Mapping

from accounts.rights import require
from core import clock
from core.audit.acting import Actor, acting
from core.audit.models import Access
from core.audit.services import record_view
from core.errors import DomainError, FieldErrors

from ..criteria import RETURN_REASONS, criteria_for
from ..fields import OFFICE_ONLY, RETURNABLE, title_of
from ..models import Certificate, FieldReturn, Registration, Submission
from ..states import State
from . import telling
from .entering import kinds_of
from .steps import Side, fresh_link, locked, require_state, side_of, somebody, step

_MOST_REASON = 1_000
_TURN = {Side.INSTITUTION: State.INSTITUTION, Side.OFFICE: State.OFFICE}


def last_submission(registration: Registration) -> Submission:
    """What is being checked. Raises Submission.DoesNotExist before anything was submitted."""
    return registration.submissions.order_by("-round")[:1].get()


def return_fields(
    *, registration: Registration, fields: Mapping[str, tuple[str, str]], actor: Actor, seen: str = ""
) -> Registration:
    """Sends single fields back to the person, each with a reason: field → (code of RETURN_REASONS, words of one's own).

    By the institution in 機関確認中, by the office in 事務局確認中. The person gets a new link by mail. Raises
    FieldErrors by field, StaleRegistration.
    """
    user = somebody(actor)
    with acting(actor, "return_registration"):
        row = locked(registration, actor, "return_registration", seen)
        side = side_of(actor)
        require_state(row, (_TURN[Side(side)],), "差戻しを")
        reasons = _reasons(fields, side)
        round_ = last_submission(row).round
        now = clock.now()
        returns = [
            FieldReturn(
                registration=row,
                round=round_,
                field=field,
                reason_code=code,
                reason=reason,
                side=side,
                by=user,
                at=now,
            )
            for field, (code, reason) in reasons.items()
        ]
        FieldReturn.objects.bulk_create(returns)
        token, link = fresh_link()
        step(row, "return_registration", State.RETURNED, returned_side=side, **link)
        telling.settle(row, actor)
        telling.mail_return(row, token, returns, actor)
    return row


def _reasons(fields: Mapping[str, tuple[str, str]], side: str) -> dict[str, tuple[str, str]]:
    """Field → code and the sentence the person reads: the ready-made one, then the words of one's own."""
    if not fields:
        raise DomainError("差し戻す項目を1つ以上選んでください。", code="fields")
    bad: dict[str, str] = {}
    found: dict[str, tuple[str, str]] = {}
    for field, (code, words) in fields.items():
        if field not in RETURNABLE or (side == Side.INSTITUTION and field in OFFICE_ONLY):
            raise DomainError("差し戻せない項目が選ばれています。画面を開き直してください。", code="fields")
        words = words.strip()
        if code not in RETURN_REASONS:
            bad[field] = f"「{title_of(field)}」の差戻しの理由を選んでください。"
        elif not RETURN_REASONS[code] and not words:
            bad[field] = f"「{title_of(field)}」の差戻しの理由を入力してください。"
        elif len(words) > _MOST_REASON:
            bad[field] = f"理由は{_MOST_REASON:,}文字以内で入力してください。"
        else:
            found[field] = (code, " ".join(part for part in (RETURN_REASONS[code], words) if part))
    if bad:
        raise FieldErrors(bad)
    return found


def refuse_unseen_files(row: Registration) -> None:
    """Raises DomainError while a file waits for the scanner: nobody can have looked at it."""
    if row.certificates.filter(state=Certificate.State.WAITING, removed_at=None).exists():
        raise DomainError(
            "ウイルス検査が終わっていない書類があります。検査が終わってから、書類を開いて確認してください。",
            code="waiting",
        )


def pass_to_office(
    *, registration: Registration, checks: Collection[str], actor: Actor, seen: str = ""
) -> Registration:
    """The institution confirms every criterion (`checks`: codes of `criteria_of`) and hands on to the office.

    Refused while something is missing, or a criterion isn't confirmed (FieldErrors by code).
    """
    user = somebody(actor)
    with acting(actor, "pass_registration"):
        row = locked(registration, actor, "pass_registration", seen)
        require_state(row, (State.INSTITUTION,), "事務局への送付を")
        submission = last_submission(row)
        criteria = criteria_for(submission.fields, kinds_of(row))
        bad = {
            criterion.code: criterion.missing or f"確かめて、チェックを入れてください：{criterion.wording}"
            for criterion in criteria
            if criterion.missing or criterion.code not in checks
        }
        if bad:
            raise FieldErrors(bad)
        refuse_unseen_files(row)
        confirmed = [{"code": criterion.code, "wording": criterion.wording} for criterion in criteria]
        step(
            row,
            "pass_registration",
            State.OFFICE,
            confirmed_criteria=confirmed,
            checked_by=user,
            checked_at=clock.now(),
        )
        telling.settle(row, actor)
        telling.mail_passed(row, actor)
        telling.tell_office(
            row,
            telling.OFFICE_CHECK,
            f"{row.number} {row.display_name}さんの登録の確認",
            actor,
            row.institution.name,
        )
    return row


def account_in_full(*, registration: Registration, reason: str, actor: Actor) -> dict[str, str]:
    """The account's digits as submitted, for comparing with the bank book; by the office, with a reason, recorded.

    Answers account_number, yucho_kigo, yucho_bango (those that were entered).
    """
    user = somebody(actor)
    require(user, "view_bank_account")
    row = Registration.objects.visible_to(user).get(pk=registration.pk)
    fields = last_submission(row).fields
    names = ("account_number", "yucho_kigo", "yucho_bango")
    record_view(actor=user, what=Access.What.BANK, object=row, reason=reason, fields=names)
    return {name: str(fields[name]) for name in names if fields.get(name)}
