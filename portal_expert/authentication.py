"""`Authorization: Bearer dsp_…`: a token instead of a session."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import User
from core.client_address import address_of
from portal_expert import tokens

KEYWORD = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """Knows the holder of a token; a wrong, ended or revoked one says nothing about which."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """The holder, or None when no token was sent."""
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != KEYWORD.lower().encode():
            return None
        user = (
            tokens.holder_of(parts[1].decode("ascii", "replace"), address_of(request))
            if len(parts) == 2
            else None
        )
        if user is None:
            raise AuthenticationFailed("このトークンは使えません。")
        return user, None

    def authenticate_header(self, request: Request) -> str:
        """Makes "nobody is signed in" a 401."""
        return KEYWORD


class TokenScheme(OpenApiAuthenticationExtension):
    """How the description of the API calls it."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """A bearer token."""
        return {"type": "http", "scheme": "bearer"}
