"""Making and changing accounts."""

import datetime as dt
from collections.abc import Collection

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import F
from django.http import HttpRequest

from core.audit.acting import Actor, acting
from core.errors import DomainError

from . import mails
from .links import one_time_link
from .models import Role, SignInEvent, User
from .records import record_event

__all__ = ["create_user", "one_time_link"]

Kind = SignInEvent.Kind


def create_user(
    *,
    username: str,
    role: str,
    actor: Actor,
    email: str = "",
    password: str | None = None,
    display_name: str = "",
    is_emergency: bool = False,
) -> User:
    """Makes an account with one role. Without a password nobody can sign in to it before using a one-time link.

    Refuses an unknown role, a name that is taken, and a password the policy refuses.
    """
    if role not in Role.values:
        raise DomainError(f"役割「{role}」はありません。次から選んでください: {', '.join(Role.values)}")
    if User.objects.filter(username__iexact=username).exists():
        raise DomainError(f"利用者「{username}」は既に登録されています。別の名前にしてください。")
    user = User(username=username, role=role, email=email, last_name=display_name, is_emergency=is_emergency)
    try:
        user.username = User.normalize_username(username)
        User._meta.get_field("username").run_validators(user.username)
        if email:
            validate_email(email)
        if password is not None:
            validate_password(password, user)
    except ValidationError as invalid:
        raise DomainError(" ".join(invalid.messages)) from invalid
    user.is_staff = user.is_office
    user.set_password(password)
    with acting(actor, "create_user"):
        user.save()
    return user


def _locked(user: User) -> User:
    return User.objects.select_for_update().get(pk=user.pk)


def _refuse_own(user: User, actor: Actor, what: str) -> None:
    if user.pk == actor.pk:
        raise DomainError(f"自分自身の{what}は変更できません。別の管理者に依頼してください。")


def _refuse_last_administrator(user: User) -> None:
    """Somebody must be left who can let people in."""
    others = User.objects.filter(role=Role.OFFICE_ADMIN, is_active=True).exclude(pk=user.pk)
    if user.role == Role.OFFICE_ADMIN and user.is_active and not others.exists():
        raise DomainError("管理者が一人もいなくなるため、変更できません。")


def change_role(*, user: User, role: str, actor: Actor, reason: str) -> User:
    """Gives another role; every session of the person ends, so that the next request meets the new rights."""
    _refuse_own(user, actor, "役割")
    if role not in Role.values:
        raise DomainError("役割を選んでください。")
    with acting(actor, "change_role", reason):
        person = _locked(user)
        if role != Role.OFFICE_ADMIN:
            _refuse_last_administrator(person)
        person.role = role
        person.is_staff = person.is_office
        person.save(update_fields=["role", "is_staff"])
        _forget_sessions(person)
        record_event(Kind.SESSIONS_ENDED, person, actor=actor, detail="役割の変更")
    return person


def change_contact(*, user: User, display_name: str, email: str, actor: Actor) -> User:
    """Changes name and address; a link that was mailed to the old address dies with it."""
    try:
        if email:
            validate_email(email)
    except ValidationError as invalid:
        raise DomainError(" ".join(invalid.messages)) from invalid
    with acting(actor, "change_contact"):
        person = _locked(user)
        person.last_name, person.first_name, person.email = display_name, "", email
        person.save(update_fields=["last_name", "first_name", "email"])
    return person


def stop_user(*, user: User, actor: Actor, reason: str) -> User:
    """From now on the person can't sign in, and is signed out everywhere. What they did stays under their name."""
    _refuse_own(user, actor, "状態")
    with acting(actor, "stop_user", reason):
        person = _locked(user)
        _refuse_last_administrator(person)
        person.is_active = person.is_staff = False
        person.session_generation = F("session_generation") + 1
        person.save(update_fields=["is_active", "is_staff", "session_generation"])
        _forget_sessions(person)
        record_event(Kind.SESSIONS_ENDED, person, actor=actor, detail="停止")
    person.refresh_from_db()
    return person


def resume_user(*, user: User, actor: Actor, reason: str) -> User:
    """Lets a stopped person sign in again."""
    with acting(actor, "resume_user", reason):
        person = _locked(user)
        person.is_active = True
        person.is_staff = person.is_office
        person.save(update_fields=["is_active", "is_staff"])
    return person


def set_limits(
    *,
    user: User,
    actor: Actor,
    weekdays: Collection[int],
    start: dt.time | None,
    end: dt.time | None,
    networks: list[str],
) -> User:
    """Sets when and from where the person may be signed in. Bites at the person's next request."""
    _refuse_own(user, actor, "使える時間と接続元")
    if (start is None) != (end is None):
        raise DomainError("使える時刻は、始めと終わりの両方を指定してください。")
    if start is not None and start == end:
        raise DomainError("使える時刻の始めと終わりは、別の時刻にしてください。")
    with acting(actor, "set_sign_in_limits"):
        person = _locked(user)
        person.allowed_weekdays = sorted(set(weekdays))
        person.allowed_from, person.allowed_until = start, end
        person.allowed_networks = networks
        person.save(update_fields=["allowed_weekdays", "allowed_from", "allowed_until", "allowed_networks"])
    return person


def set_emergency(*, user: User, actor: Actor, is_emergency: bool) -> User:
    """Marks an account for emergencies: each sign-in with it raises an alarm."""
    with acting(actor, "set_emergency"):
        person = _locked(user)
        person.is_emergency = is_emergency
        person.save(update_fields=["is_emergency"])
    return person


def _forget_sessions(user: User) -> int:
    sessions = list(UserSession.objects.filter(user=user))
    for session in sessions:
        session.end()
    return len(sessions)


def end_sessions(*, user: User, actor: Actor, request: HttpRequest | None = None, detail: str = "") -> None:
    """Signs the person out everywhere, at once."""
    with acting(actor, "end_sessions"):
        User.objects.filter(pk=user.pk).update(session_generation=F("session_generation") + 1)
        _forget_sessions(user)
        record_event(Kind.SESSIONS_ENDED, user, request, actor=actor, detail=detail or "管理者")


def remove_second_factor(
    *, user: User, actor: Actor, reason: str, request: HttpRequest | None = None
) -> None:
    """For a person who lost the phone: the next sign-in enrols a new app. Ends the person's sessions."""
    _refuse_own(user, actor, "二段階認証")
    with acting(actor, "remove_second_factor", reason):
        Authenticator.objects.filter(user=user).delete()
        record_event(Kind.FACTOR_REMOVED, user, request, actor=actor, detail=reason)
        end_sessions(user=user, actor=actor, request=request, detail="二段階認証の解除")
        mails.send_later("sign_in_factor", user)


def invite(*, user: User, actor: Actor, request: HttpRequest | None = None) -> str:
    """Answers a one-time link for the person, to be handed over, and mails one when there is an address."""
    if not user.is_active:
        raise DomainError("停止中の利用者には、リンクを発行できません。")
    record_event(Kind.LINK_MADE, user, request, actor=actor, detail="管理者")
    mails.send_later("sign_in_invitation", user)
    return one_time_link(user)


def ask_reset(*, email: str, request: HttpRequest) -> None:
    """Mails a link to whoever has this address. Does the same work whether there is somebody or not."""
    users = list(User.objects.filter(email__iexact=email, is_active=True).order_by("pk")[:10])
    record_event(Kind.RESET_ASKED, users[0] if users else None, request)
    mails.send_later("sign_in_reset", *users)


def after_password_change(*, user: User, request: HttpRequest, detail: str) -> None:
    """Records a new password and tells the person; sessions that knew the old one have ended by themselves."""
    record_event(Kind.PASSWORD_SET, user, request, detail=detail)
    UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key or "").delete()
    mails.send_later("sign_in_password", user)
