"""Accounts tied to an institution or an expert, where the role asks for one (exchange.md §4)."""

from accounts.models import Role, User
from accounts.services import create_user
from core.audit.acting import Actor, acting
from core.errors import DomainError
from institutions.models import Institution, Member

from .models import Expert

NEEDS_INSTITUTION = frozenset({Role.INSTITUTION_CHIEF, Role.INSTITUTION_STAFF})


def create_tied_user(
    *,
    username: str,
    role: str,
    actor: Actor,
    email: str = "",
    display_name: str = "",
    password: str | None = None,
    is_emergency: bool = False,
    institution: str = "",
    expert: str = "",
    action: str = "add_user",
) -> User:
    """Makes an account with the tie its role asks for (codes of institution and expert), or nothing at all."""
    with acting(actor, action):
        user = create_user(
            username=username,
            role=role,
            email=email,
            display_name=display_name,
            password=password,
            is_emergency=is_emergency,
            actor=actor,
        )
        if institution:
            found = Institution.objects.filter(code=institution).first()
            if found is None:
                raise DomainError(f"機関コード「{institution}」は登録されていません。")
            Member.objects.create(user=user, institution=found)
        if expert:
            person = Expert.objects.select_for_update().filter(code=expert).first()
            if person is None:
                raise DomainError(f"専門家コード「{expert}」は登録されていません。")
            if person.user_id is not None:
                raise DomainError(f"専門家「{person}」には、既に利用者が登録されています。")
            person.user = user
            person.save(update_fields=["user", "updated_at"])
    return user
