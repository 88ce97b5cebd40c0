"""Who may sign in to the demonstration: one person per role (design.md §8), with passwords known to everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from accounts.models import Role, User
from accounts.services import create_user
from core.audit.acting import SYSTEM, acting
from core.errors import DomainError
from experts.models import Expert
from institutions.models import Institution, Member


@dataclass(frozen=True, slots=True)
class Login:
    """A person of the demonstration."""

    role: Role
    username: str
    secret: str
    name: str

    @property
    def email(self) -> str:
        """An address that leads nowhere."""
        return f"{self.username}@demo.example.jp"


OPERATOR: Final = Login(Role.OFFICE_OPERATOR, "demo.operator", "sakura-119-haken", "田中 陽子")
APPROVER: Final = Login(Role.OFFICE_APPROVER, "demo.approver", "momiji-119-haken", "山口 誠")
ADMINISTRATOR: Final = Login(Role.OFFICE_ADMIN, "demo.admin", "tsubaki-119-haken", "小野 直樹")
CHIEF: Final = Login(Role.INSTITUTION_CHIEF, "demo.chief", "himawari-119-haken", "清水 修")
STAFF: Final = Login(Role.INSTITUTION_STAFF, "demo.staff", "suzuran-119-haken", "今井 香織")
EXPERT: Final = Login(Role.EXPERT, "demo.expert", "ajisai-119-haken", "")
AGENCY: Final = Login(Role.AGENCY_VIEWER, "demo.agency", "sumire-119-haken", "渡辺 亮")
LOGINS: Final = (OPERATOR, APPROVER, ADMINISTRATOR, CHIEF, STAFF, EXPERT, AGENCY)


def add(login: Login, *, name: str = "") -> User:
    """Makes the account of a login."""
    return create_user(
        username=login.username,
        role=login.role,
        password=login.secret,
        email=login.email,
        display_name=name or login.name,
        actor=SYSTEM,
    )


def account(login: Login) -> User:
    """The account of a login. DomainError when it is gone."""
    found = User.objects.filter(username=login.username).first()
    if found is None:
        raise DomainError(
            f"デモの利用者「{login.username}」がありません。空のデータベースからやり直してください。"
        )
    return found


def exists(login: Login) -> bool:
    """Whether the account of a login has been made."""
    return User.objects.filter(username=login.username).exists()


def add_people_outside(institution_code: str, expert_code: str) -> None:
    """The logins beyond the office, tied to their institution and expert. All or none."""
    with acting(SYSTEM, "demo_data"):
        institution = Institution.objects.get(code=institution_code)
        for login in (CHIEF, STAFF):
            Member.objects.create(user=add(login), institution=institution)
        expert = Expert.objects.select_for_update().get(code=expert_code)
        if expert.user_id is None:
            expert.user = add(EXPERT, name=expert.name)
            expert.save(update_fields=["user", "updated_at"])
        add(AGENCY)


def listing() -> list[str]:
    """One line per login: role, name to sign in with, password."""
    return [f"  {login.username:<14}  {login.secret:<19}  {login.role.label}" for login in LOGINS]
