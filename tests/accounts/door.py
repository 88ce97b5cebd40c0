"""People who sign in through the real pages, for the tests of accounts."""

import base64
import struct
import time
from hmac import digest

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.http import HttpResponse
from django.test import Client

from accounts.models import Role, User
from accounts.services import create_user
from core import secrets
from core.audit.acting import SYSTEM

PASSWORD = "tsukinami-shiharai-2021"
SECRET = base64.b32encode(b"a secret of 20 bytes").decode()


def make_person(username: str = "tanaka", role: str = Role.OFFICE_OPERATOR, email: str = "") -> User:
    """An account with the password everybody has here."""
    return create_user(username=username, role=role, actor=SYSTEM, password=PASSWORD, email=email)


def enrol(user: User) -> list[str]:
    """Gives the person an authenticator app with SECRET; answers the recovery codes."""
    Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": secrets.encrypt(SECRET)}
    )
    return RecoveryCodes.activate(user).generate_codes()


def code_at(moment: float, secret: str = SECRET) -> str:
    """The code an authenticator app shows at a moment (RFC 6238: SHA-1, 30 seconds, 6 digits)."""
    value = digest(base64.b32decode(secret), struct.pack(">Q", int(moment) // 30), "sha1")
    start = value[-1] & 15
    return f"{(struct.unpack('>I', value[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def code_now(secret: str = SECRET) -> str:
    """The code the app shows now."""
    return code_at(time.time(), secret)


def sign_in(client: Client, username: str = "tanaka", password: str = PASSWORD, **given: str) -> HttpResponse:
    """Fills in the sign-in page; `next` and headers may be given."""
    headers = {name: value for name, value in given.items() if name.isupper()}
    fields = {name: value for name, value in given.items() if not name.isupper()}
    return client.post("/sign-in/", {"username": username, "password": password, **fields}, **headers)


def is_signed_in(client: Client) -> bool:
    """Whether the next request of this browser is that of a signed-in person."""
    answer = client.get("/account/second-factor/")
    return answer.status_code == 200
