"""The manuals of the product, and who reads which."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from accounts.models import Role, User
from core.errors import NotAllowed
from core.manuals.reading import Manual, read_manual

_OFFICE = frozenset({Role.OFFICE_OPERATOR, Role.OFFICE_APPROVER, Role.OFFICE_ADMIN})
_INSTITUTION = frozenset({Role.INSTITUTION_CHIEF, Role.INSTITUTION_STAFF})


@dataclass(frozen=True, slots=True)
class Shelved:
    """A manual on the shelf: its address, its file, for whom it is, and who may read it (everybody when public)."""

    slug: str
    file_name: str
    summary: str
    readers: frozenset[Role] = frozenset()
    is_public: bool = False

    @property
    def path(self) -> Path:
        """Where its file is."""
        return Path(settings.MANUAL_DIR) / self.file_name


# The office reads what it is asked about on the telephone; institutions read what they show their experts.
SHELF = (
    Shelved("institution", "institution.md", "派遣可能機関の責任者と担当の方へ", _INSTITUTION | _OFFICE),
    Shelved("expert", "expert.md", "専門家の方へ（スマートフォンでの使い方）", frozenset({Role.EXPERT}) | _INSTITUTION | _OFFICE),
    Shelved("office", "office.md", "事務局の担当者と承認者へ", _OFFICE),
    Shelved("office-admin", "office_admin.md", "事務局の管理者へ", frozenset({Role.OFFICE_ADMIN})),
    Shelved("history", "history.md", "変更履歴を調べる承認者と管理者へ", frozenset({Role.OFFICE_APPROVER, Role.OFFICE_ADMIN})),
    Shelved("registration", "registration.md", "専門家の登録を希望する方へ（登録案内のリンクを受け取った方）", is_public=True),
    Shelved("sign-in", "sign_in.md", "ログインするすべての方へ", is_public=True),
)  # fmt: skip


def readable_by(user: User | AnonymousUser) -> list[Shelved]:
    """The manuals a person may read; the public ones when nobody is signed in."""
    role = user.role if isinstance(user, User) else None
    return [each for each in SHELF if each.is_public or role in each.readers]


def manual_for(user: User | AnonymousUser, slug: str) -> Shelved | None:
    """The manual at an address, None when there is none. NotAllowed when it is for other roles."""
    found = next((each for each in SHELF if each.slug == slug), None)
    if found is not None and found not in readable_by(user):
        raise NotAllowed(
            "この手引きは、ほかの役割の方のものです。「使い方」の一覧から、ご自分の手引きを開いてください。"
        )
    return found


def contents(shelved: Shelved, user: User | AnonymousUser) -> Manual:
    """The manual itself; links to manuals that the person may not read are plain text."""
    readable = frozenset(each.slug for each in readable_by(user))
    return _read(shelved, readable, shelved.path.stat().st_mtime_ns)


@cache
def _read(shelved: Shelved, readable: frozenset[str], written: int) -> Manual:
    """`written` makes a changed file a new one."""
    addresses = {each.file_name.removesuffix(".md"): each.slug for each in SHELF if each.slug in readable}

    def link(stem: str) -> str | None:
        return reverse("manual", args=[addresses[stem]]) if stem in addresses else None

    return read_manual(shelved.path, link)
