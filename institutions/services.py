"""What the chief of an institution does about its people (requirement B4).

Built on the accounts' services, with the limits of a chief: only people of the own institution, only the two roles of
institutions, never oneself out. Everybody else's record is as if it weren't there (Member.DoesNotExist).
"""

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import IntegrityError
from django.http import HttpRequest

from accounts import services as accounts
from accounts.models import Role, User
from accounts.rights import require
from core.audit.acting import acting
from core.errors import DomainError

from .models import Institution, Member

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLES = (Role.INSTITUTION_STAFF, Role.INSTITUTION_CHIEF)


def _role(role: str) -> str:
    if role not in ROLES:
        names = "、".join(each.label for each in ROLES)
        raise DomainError(f"機関の利用者の役割は、次から選んでください: {names}")
    return role


def _institution(actor: User) -> Institution:
    """The actor's own institution, locked: what a chief may is asked again while nobody else changes its people."""
    require(actor, "manage_members")
    institution = Institution.objects.select_for_update().filter(members__user=actor).first()
    if institution is None:
        raise DomainError("利用者に機関が登録されていません。事務局へお問い合わせください。")
    require(User.objects.get(pk=actor.pk), "manage_members")
    return institution


@contextmanager
def _own_person(user: User, actor: User, action: str, reason: str = "") -> "Iterator[User]":
    """The person as they are now, when the actor may manage them."""
    require(actor, "manage_members")
    with acting(actor, action, reason):
        institution = _institution(actor)
        found = Member.objects.select_related("user").get(user=user.pk, institution=institution).user
        if found.role not in ROLES or found.is_emergency:
            raise Member.DoesNotExist
        yield found


def add_member(
    *,
    username: str,
    display_name: str,
    email: str,
    role: str,
    actor: User,
    request: HttpRequest | None = None,
) -> User:
    """A new person of the actor's institution; the one-time link for the password goes to them by mail.

    Refuses a role of others, a missing address, and a user name that is taken.
    """
    if not email.strip():
        raise DomainError("パスワードを設定するリンクを送るため、メールアドレスを入力してください。")
    try:
        with acting(actor, "add_member"):
            institution = _institution(actor)
            user = accounts.create_user(
                username=username, role=_role(role), email=email, display_name=display_name, actor=actor
            )
            Member.objects.create(user=user, institution=institution)
            accounts.invite(user=user, actor=actor, request=request)
    except IntegrityError:
        raise DomainError(f"利用者「{username}」は既に登録されています。別の名前にしてください。") from None
    return user


def change_member(*, user: User, display_name: str, email: str, actor: User) -> User:
    """Another name or address; a link that was mailed to the old address dies."""
    if not display_name.strip() or not email.strip():
        raise DomainError("氏名とメールアドレスを入力してください。")
    with _own_person(user, actor, "change_contact") as found:
        return accounts.change_contact(user=found, display_name=display_name, email=email, actor=actor)


def change_member_role(*, user: User, role: str, actor: User, reason: str) -> User:
    """Staff becomes chief or the other way round; the person signs in anew. Not oneself."""
    with _own_person(user, actor, "change_role", reason) as found:
        return accounts.change_role(user=found, role=_role(role), actor=actor, reason=reason)


def stop_member(*, user: User, actor: User, reason: str) -> User:
    """From now on the person can't sign in. Not oneself: so a chief is always left."""
    require(actor, "manage_members")
    if user.pk == actor.pk:
        raise DomainError(
            "自分自身は停止できません。機関のほかの責任者に依頼してください。"
            "ほかに責任者がいない場合は、後任の責任者を登録してから、その人に依頼してください。"
        )
    with _own_person(user, actor, "stop_user", reason) as found:
        return accounts.stop_user(user=found, actor=actor, reason=reason)


def resume_member(*, user: User, actor: User, reason: str) -> User:
    """Lets a stopped person sign in again."""
    with _own_person(user, actor, "resume_user", reason) as found:
        return accounts.resume_user(user=found, actor=actor, reason=reason)


def invite_member(*, user: User, actor: User, request: HttpRequest | None = None) -> None:
    """Mails a new one-time link for the password. Nobody but the person ever sees it."""
    with _own_person(user, actor, "invite_member") as found:
        if not found.email:
            raise DomainError("メールアドレスが登録されていません。先に登録してください。")
        accounts.invite(user=found, actor=actor, request=request)


def remove_member_factor(*, user: User, actor: User, reason: str, request: HttpRequest | None = None) -> None:
    """For a person who lost the phone: the next sign-in enrols a new app. Not one's own."""
    with _own_person(user, actor, "remove_second_factor", reason) as found:
        accounts.remove_second_factor(user=found, actor=actor, reason=reason, request=request)
