"""使い方: everybody reads the manuals of their role, finds chapters by words, and nobody needs to sign in to sign in."""

import pytest
from django.conf import settings
from django.test import Client

from accounts.manuals import SHELF
from accounts.models import Role
from accounts.services import create_user
from core.audit.acting import SYSTEM

pytestmark = pytest.mark.django_db


def reader(role: str) -> Client:
    user = create_user(username=f"reader.{role}", role=Role(role), password="tsubame-119-haken", actor=SYSTEM)
    client = Client()
    client.force_login(user)
    session = client.session
    session["has_second_factor"] = True
    session.save()
    return client


def test_the_sign_in_page_leads_to_its_manual_which_is_public(client: Client) -> None:
    assert "/help/sign-in/" in client.get("/sign-in/").content.decode()
    page = client.get("/help/sign-in/")
    assert page.status_code == 200
    assert "二段階認証を登録する" in page.content.decode()


def test_without_signing_in_only_the_public_manual_is_listed_and_found(client: Client) -> None:
    listing = client.get("/help/").content.decode()
    assert "/help/sign-in/" in listing
    assert "/help/institution/" not in listing
    assert "見つかりません" in client.get("/help/", {"q": "差し戻す"}).content.decode()


@pytest.mark.parametrize(
    "role, own, foreign",
    [
        (Role.INSTITUTION_STAFF, "institution", "office"),
        (Role.EXPERT, "expert", "institution"),
        (Role.OFFICE_OPERATOR, "office", "office-admin"),
        (Role.OFFICE_ADMIN, "office-admin", ""),
    ],
)
def test_each_role_reads_its_own_manual_and_is_told_why_not_another(
    role: str, own: str, foreign: str
) -> None:
    client = reader(role)
    listing = client.get("/help/").content.decode()
    assert f"/help/{own}/" in listing
    assert client.get(f"/help/{own}/").status_code == 200
    if foreign:
        assert f'href="/help/{foreign}/"' not in listing
        refused = client.get(f"/help/{foreign}/")
        assert refused.status_code == 403
        assert "ほかの役割の方" in refused.content.decode()


def test_words_lead_to_the_chapter_in_which_they_stand() -> None:
    text = reader(Role.EXPERT).get("/help/", {"q": "未送信 電波"}).content.decode()
    assert "/help/expert/#電波がないとき未送信" in text


def test_words_that_are_no_words_do_no_harm() -> None:
    client = reader(Role.EXPERT)
    text = client.get("/help/", {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in text
    assert client.get("/help/", {"q": "　" * 500}).status_code == 200


def test_every_manual_file_is_on_the_shelf_and_travels_with_the_product() -> None:
    files = {path.name for path in settings.MANUAL_DIR.glob("*.md")}
    assert files == {each.file_name for each in SHELF}
    kept = (settings.BASE_DIR / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "!docs/manual/" in kept


def test_a_manual_asks_the_database_for_the_reader_alone(django_assert_max_num_queries) -> None:
    client = reader(Role.EXPERT)
    client.get("/help/expert/")
    with django_assert_max_num_queries(6):
        client.get("/help/expert/")
