"""People of the registrations' tests: two institutions, an office, and somebody on the way into the register."""

import datetime as dt
import io
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from accounts.models import Role, User
from core import clock
from core.agreements.services import current_text
from core.audit.acting import SYSTEM, acting
from core.banks.models import Branch
from core.notify.models import Mail
from experts.accounts import create_tied_user
from experts.registration.criteria import criteria_for
from experts.registration.models import Registration
from experts.registration.services import (
    TEXTS,
    add_certificate,
    kinds_of,
    pass_to_office,
    recommend,
    registration_by_token,
    save_entry,
    submit,
)
from institutions.models import Institution


@dataclass
class People:
    """Who there is."""

    institution: Institution
    chief: User
    staff: User
    other_chief: User
    operator: User
    approver: User
    administrator: User


def build() -> People:
    """Institutions K00001 and K00002 with their people, and the office."""
    with acting(SYSTEM, "test"):
        first = Institution.objects.create(
            code="K00001", name="見本商工会", kind="商工会", prefecture_code="20", phone="026-000-0000"
        )
        Institution.objects.create(code="K00002", name="別件商工会", kind="商工会", prefecture_code="13")

    def user(name: str, role: str, institution: str = "") -> User:
        return create_tied_user(
            username=name,
            role=role,
            email=f"{name}@example.jp",
            display_name=name,
            institution=institution,
            actor=SYSTEM,
        )

    return People(
        institution=first,
        chief=user("chief", Role.INSTITUTION_CHIEF, "K00001"),
        staff=user("staff", Role.INSTITUTION_STAFF, "K00001"),
        other_chief=user("other", Role.INSTITUTION_CHIEF, "K00002"),
        operator=user("operator", Role.OFFICE_OPERATOR),
        approver=user("approver", Role.OFFICE_APPROVER),
        administrator=user("admin", Role.OFFICE_ADMIN),
    )


def interview(**values: Any) -> dict[str, Any]:
    """What an institution records."""
    return {
        "candidate_name": "見本 花子",
        "candidate_email": "hanako@example.jp",
        "candidate_phone": "090-1234-5678",
        "interview_on": clock.today() - dt.timedelta(days=1),
        "interview_manner": "来所",
        "interviewer": "面談 太郎",
        "interview_notes": "経営革新計画の策定支援に詳しい。",
        "recommendation": "会員企業の支援で実績がある。",
        "key": secrets.token_hex(8),
        **values,
    }


def invited(people: People, **values: Any) -> tuple[Registration, str]:
    """Somebody who was recommended by K00001, and the token of the link."""
    return recommend(institution=people.institution, actor=people.chief, **interview(**values))


def entry(**values: Any) -> dict[str, Any]:
    """A whole entry that can be submitted (with an identity document and a certificate)."""
    branch = (
        Branch.objects.select_related("bank").exclude(bank__code="9900").order_by("bank__code", "code")[0]
    )
    return {
        "name": "見本 花子",
        "kana": "みほん はなこ",
        "prefecture_code": "20",
        "address": "長野県松本市見本町1-2-3",
        "phone": "090-1234-5678",
        "email": "hanako@example.jp",
        "topics": ["販路開拓"],
        "industries": ["E"],
        "qualifications": ["中小企業診断士"],
        "requirement": "資格",
        "payee_class": "報酬2号",
        "bank_code": branch.bank.code,
        "branch_code": branch.code,
        "account_type": "普通",
        "account_number": "1234567",
        "account_holder_kana": "ミホン ハナコ",
        **values,
    }


def picture(color: str = "white") -> io.BytesIO:
    """A small photograph."""
    out = io.BytesIO()
    Image.new("RGB", (60, 40), color).save(out, "JPEG")
    out.seek(0)
    return out


def with_certificates(registration: Registration, *kinds: str) -> None:
    """Adds one picture of each kind."""
    for kind in kinds or ("本人確認書類", "資格証明書"):
        add_certificate(registration=registration, kind=kind, upload=picture(), key=secrets.token_hex(8))


def agreed() -> dict[str, str]:
    """Yes to both texts as they are."""
    return {code: current_text(code).version for code in TEXTS}


def live(token: str) -> Registration:
    """What the link opens."""
    found = registration_by_token(token)
    assert found is not None
    return found


def submitted(
    people: People, fields: Mapping[str, Any] | None = None, **values: Any
) -> tuple[Registration, str]:
    """Somebody whose entry waits for the institution."""
    _, token = invited(people, **values)
    row = live(token)
    revision = save_entry(registration=row, entry=fields or entry(), revision=0)
    with_certificates(row)
    submit(registration=live(token), agreed=agreed(), revision=revision, address="192.0.2.1")
    return live(token), token


def fill_in(token: str, **values: Any) -> Registration:
    """The person's part by the link: everything filled in (certificates the first time) and submitted."""
    row = live(token)
    revision = save_entry(registration=row, entry=entry(**values), revision=row.entry_revision)
    if not kinds_of(row):
        with_certificates(row)
    submit(registration=live(token), agreed=agreed(), revision=revision, address="192.0.2.1")
    return live(token)


def mailed_token(registration: Registration) -> str:
    """The token in the newest mail about what was sent back."""
    mails = Mail.objects.filter(key__startswith=f"registration_returned:{registration.pk}:")
    return mails.latest("pk").body.split("/r/")[1].split("/")[0]


def confirmed(registration: Registration) -> list[str]:
    """The codes of all criteria."""
    return [point.code for point in criteria_for(registration.entry, kinds_of(registration))]


def at_office(
    people: People, fields: Mapping[str, Any] | None = None, **values: Any
) -> tuple[Registration, str]:
    """Somebody whom the institution has passed on to the office."""
    row, token = submitted(people, fields, **values)
    pass_to_office(registration=row, checks=confirmed(row), actor=people.staff)
    return live(token), token
