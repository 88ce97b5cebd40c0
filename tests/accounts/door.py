"""People who sign in through the real pages, for the tests of accounts."""

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from authenticator import SECRET
from django.http import HttpResponse
from django.test import Client

from accounts.models import Role, User
from accounts.services import create_user
from core import secrets
from core.audit.acting import SYSTEM

PASSWORD = "tsukinami-shiharai-2021"


def make_person(username: str = "tanaka", role: str = Role.OFFICE_OPERATOR, email: str = "") -> User:
    """An account with the password everybody has here."""
    return create_user(username=username, role=role, actor=SYSTEM, password=PASSWORD, email=email)


def enrol(user: User) -> list[str]:
    """Gives the person an authenticator app with SECRET; answers the recovery codes."""
    Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": secrets.encrypt(SECRET)}
    )
    return RecoveryCodes.activate(user).generate_codes()


def sign_in(client: Client, username: str = "tanaka", password: str = PASSWORD, **given: str) -> HttpResponse:
    """Fills in the sign-in page; `next` and headers may be given."""
    headers = {name: value for name, value in given.items() if name.isupper()}
    fields = {name: value for name, value in given.items() if not name.isupper()}
    return client.post("/sign-in/", {"username": username, "password": password, **fields}, **headers)


def is_signed_in(client: Client) -> bool:
    """Whether the next request of this browser is that of a signed-in person."""
    answer = client.get("/account/second-factor/")
    return answer.status_code == 200
