"""Making and changing accounts."""

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from core.audit.acting import Actor, acting
from core.errors import DomainError

from .models import Role, User


def create_user(
    *,
    username: str,
    role: str,
    actor: Actor,
    email: str = "",
    password: str | None = None,
    display_name: str = "",
) -> User:
    """Makes an account with one role. Without a password nobody can sign in to it before using a one-time link.

    Refuses an unknown role, a name that is taken, and a password the policy refuses.
    """
    if role not in Role.values:
        raise DomainError(f"役割「{role}」はありません。次から選んでください: {', '.join(Role.values)}")
    if User.objects.filter(username=username).exists():
        raise DomainError(f"利用者「{username}」は既に登録されています。別の名前にしてください。")
    user = User(username=username, role=role, email=email, last_name=display_name)
    try:
        user.username = User.normalize_username(username)
        User._meta.get_field("username").run_validators(user.username)
        if password is not None:
            validate_password(password, user)
    except ValidationError as invalid:
        raise DomainError(" ".join(invalid.messages)) from invalid
    user.is_staff = user.is_office
    user.set_password(password)
    with acting(actor, "create_user"):
        user.save()
    return user


def one_time_link(user: User) -> str:
    """The path at which the person sets a password, once; it expires (settings.PASSWORD_RESET_TIMEOUT)."""
    return reverse(
        "set_password",
        kwargs={
            "uidb64": urlsafe_base64_encode(force_bytes(user.pk)),
            "token": default_token_generator.make_token(user),
        },
    )
