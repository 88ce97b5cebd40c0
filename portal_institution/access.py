"""Who may open the institutions' pages, and for which institution a person works."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.models import User
from accounts.rights import require
from core.errors import NotAllowed
from institutions.models import Institution

View = Callable[..., HttpResponseBase]


def person(request: HttpRequest) -> User:
    """The signed-in person of a request that has passed the sign-in."""
    assert isinstance(request.user, User)  # the sign-in middleware has made sure
    return request.user


def own_institution(user: User) -> Institution:
    """The institution this person works for. NotAllowed when the account belongs to none."""
    found = Institution.objects.visible_to(user).filter(members__user=user).first()
    if found is None:
        raise NotAllowed(
            "利用者に機関が登録されていません。機関の画面は、機関に所属する利用者だけが使えます。事務局へお問い合わせください。"
        )
    return found


def institution_view(act: str = "use_portal") -> Callable[[View], View]:
    """A page for those of an institution who may do `act`; others are told why not."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            require(person(request), act)
            return view(request, *args, **kwargs)

        return guarded

    return decorate
