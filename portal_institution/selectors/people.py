"""The people of an institution, as its chief sees them."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from core.audit.models import Change
from core.ui.lists import containing
from institutions.models import Institution, Member
from institutions.services import ROLES
from portal_institution.selectors.clients import plain_words

STATES = (
    ("active", "使える"),
    ("stopped", "停止中"),
    ("unused", "未使用"),
)
_CONDITIONS = {
    "active": Q(is_active=True),
    "stopped": Q(is_active=False),
    "unused": Q(last_login=None),
}
# What the history calls the acts on a person.
ACTIONS = {
    "add_member": "登録",
    "create_user": "登録",
    "add_user": "登録",
    "change_role": "役割の変更",
    "change_contact": "氏名・メールアドレスの変更",
    "stop_user": "停止",
    "resume_user": "再開",
    "set_password": "パスワードの設定",
    "change_password": "パスワードの変更",
    "remove_second_factor": "二段階認証の解除",
}


def people_of(user: User, institution: Institution) -> QuerySet[User]:
    """The people of the chief's institution whom the chief may manage, each with whether a second factor is set."""
    members = Member.objects.visible_to(user).filter(institution=institution)
    factor = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
    return User.objects.filter(pk__in=members.values("user"), role__in=ROLES, is_emergency=False).annotate(
        has_factor=Exists(factor)
    )


def asked_for(rows: QuerySet[User], *, words: str = "", state: str = "") -> QuerySet[User]:
    """Those with these words in name, user name or address, in this state."""
    rows = rows.filter(containing(plain_words(words), "username", "last_name", "first_name", "email"))
    return rows.filter(_CONDITIONS[state]) if state in _CONDITIONS else rows


def history_of(person: User) -> list[dict[str, Any]]:
    """What was changed about a person, by whom and why, newest first. One query."""
    changes = Change.objects.filter(table="accounts_user", row_id=person.pk, action__in=ACTIONS)
    return [
        {
            "at": change.at,
            "actor": change.actor_name or "システム",
            "action": ACTIONS[change.action],
            "reason": change.reason,
        }
        for change in changes.order_by("-pk")[:15]
    ]
