"""The opening of the new operator: its institution, its people, and what it takes over, in one transaction."""

import re

from django.db import IntegrityError

from accounts import services as accounts
from accounts.models import Role, User
from accounts.rights import require
from core import clock
from core.audit.acting import acting
from core.errors import DomainError, FieldErrors
from core.japan.text import normal_code
from institutions.account_names import free_name
from institutions.models import YOROZU, HandedOver, Institution, Member, OperatorChange

from . import telling
from .answers import check, normal, users_of
from .handover import hand_over
from .services import ACT, lock_codes
from .steps import State, locked, put, require_state


def proposed_code(former: Institution) -> str:
    """The next code of the base: Y13 → Y13-2 → Y13-3, leaving out what is taken."""
    stem = re.sub(r"-[0-9]{1,3}$", "", former.code)
    taken = set(Institution.objects.filter(code__startswith=stem).values_list("code", flat=True))
    return next(code for n in range(2, len(taken) + 3) if (code := f"{stem}-{n}") not in taken)


def proposed_name(former: Institution, operator_name: str) -> str:
    """The base's name with the operator behind it: 東京都よろず支援拠点（一般社団法人見本）."""
    return f"{former.name.partition('（')[0]}（{operator_name}）"[:200]


def open_successor(
    *, change: OperatorChange, code: str, name: str, version: int, actor: User
) -> OperatorChange:
    """Registers the new operator as an institution of its own, with its chief's and users' one-time links by mail.

    What is under way at the former goes over and is noted row by row; what is done stays with the former. Once the old
    IDs are stopped and the answer is confirmed. Pressed twice, it is one. Raises FieldErrors by field.
    """
    require(actor, ACT)
    code, name = normal_code(code), name.strip()
    bad = {}
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}", code):
        bad["code"] = "機関コードは、半角の英数字・ハイフン・アンダーバーで64文字以内にしてください。"
    elif Institution.objects.filter(code=code).exclude(operator_change_before=change.pk).exists():
        bad["code"] = f"機関コード「{code}」は既に使われています。別のコードにしてください。"
    if not 0 < len(name) <= 200:
        bad["name"] = "機関名を200文字以内で入力してください。"
    if bad:
        raise FieldErrors(bad)
    try:
        return _open(change, code, name, version, actor)
    except IntegrityError:
        raise FieldErrors(
            {"code": "同じ機関コードまたは利用者が、いま登録されました。もう一度、確かめてください。"}
        ) from None


def _open(change: OperatorChange, code: str, name: str, version: int, actor: User) -> OperatorChange:
    with acting(actor, "open_operator", f"変更 {change.number}"):
        lock_codes()
        now = locked(change)
        if now.state == State.OPENED:
            return now
        row = locked(change, version)
        require_state(row, (State.READY,), "開設")
        if row.stopped_at is None:
            raise DomainError(
                "旧実施機関のIDがまだ停止していません。二つの実施機関が同時に使うことはできません。"
                "旧IDが停止してから、開設してください。"
            )
        answer = row.answers.order_by("-round")[:1].get()
        values = normal(answer.fields)
        if check(values):
            raise DomainError(
                "回答が、いまの決まりに合わなくなりました。手続きを中止して、始め直してください。"
            )
        former = Institution.objects.select_for_update().get(pk=row.former_id)
        successor = Institution.objects.create(
            code=code,
            name=name,
            kind=YOROZU,
            prefecture_code=former.prefecture_code,
            address=values["address"],
            phone=values["phone"],
            email=values["email"],
            platform_code=former.platform_code,
            platform_name=former.platform_name,
            platform_role=former.platform_role,
        )
        _add(successor, values["chief_name"], values["chief_email"], Role.INSTITUTION_CHIEF, actor)
        for person, email in users_of(values):
            _add(successor, person, email, Role.INSTITUTION_STAFF, actor)
        HandedOver.objects.bulk_create(
            HandedOver(change=row, kind=moved.kind, number=moved.number)
            for moved in hand_over(former, successor)
        )
        put(row, state=State.OPENED, successor=successor, opened_by=actor, opened_at=clock.now())
        telling.settle(row, actor)
    return row


def _add(successor: Institution, name: str, email: str, role: str, actor: User) -> None:
    user = accounts.create_user(
        username=free_name(successor.code), role=role, email=email, display_name=name, actor=actor
    )
    Member.objects.create(user=user, institution=successor)
    accounts.invite(user=user, actor=actor)
