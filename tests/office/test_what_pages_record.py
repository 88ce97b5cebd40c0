"""Every page of the office that shows personal data leaves a record of whose (security.md R-036)."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Role, User
from accounts.services import create_user
from core.audit.acting import SYSTEM
from core.audit.models import Access
from core.exchange.services import load_files
from dispatch.models import Dispatch
from experts.models import Expert

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "security"))

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(settings: Any) -> User:
    from rights_story import FILES

    settings.MFA_REQUIRED = False
    files = {name: io.BytesIO(text.encode("utf-8-sig")) for name, text in FILES.items()}
    assert load_files(files, actor=SYSTEM).ok
    return create_user(username="tanaka", role=Role.OFFICE_OPERATOR, actor=SYSTEM)


def seen(user: User, path: str) -> list[tuple[str, str, list[int]]]:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    last = Access.objects.order_by("-id").values_list("id", flat=True).first() or 0
    answer = client.get(path, REMOTE_ADDR="192.0.2.5")
    assert answer.status_code == 200
    rows = Access.objects.filter(id__gt=last).order_by("id")
    assert all((row.actor_id, row.address) == (user.pk, "192.0.2.5") for row in rows)
    assert all(row.request_id == answer.headers["X-Request-ID"] for row in rows)
    return [(row.table, row.what, sorted(row.row_ids)) for row in rows]


def test_lists_and_details_say_whose_data_they_showed(operator: User) -> None:
    experts = sorted(Expert.objects.values_list("pk", flat=True))
    first, dispatch = Expert.objects.get(code="E1"), Dispatch.objects.get(number="D1")
    dispatches = sorted(Dispatch.objects.values_list("pk", flat=True))
    assert seen(operator, "/office/experts/") == [("experts_expert", "view", experts)]
    assert seen(operator, "/office/experts/?q=E1") == [("experts_expert", "view", [first.pk])]
    assert seen(operator, "/office/experts/?q=niemand") == []
    assert seen(operator, "/office/experts/E1/") == [("experts_expert", "view", [first.pk])]
    assert seen(operator, "/office/dispatches/") == [("dispatch_dispatch", "view", dispatches)]
    assert seen(operator, "/office/dispatches/D1/") == [("dispatch_dispatch", "evidence", [dispatch.pk])]
    assert seen(operator, "/admin/experts/expert/") == [("experts_expert", "view", experts)]
    assert seen(operator, f"/admin/experts/expert/{first.pk}/change/") == [
        ("experts_expert", "view", [first.pk])
    ]
