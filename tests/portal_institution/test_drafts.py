"""Forms are saved while they are typed, by their own person for records they may see."""

import json
from typing import Any

import pytest
from django.test import Client
from stage import Stage

from dispatch.models import Draft
from portal_institution.drafts import begun

NEW = "/portal/drafts/client/new/"


def save(client: Client, address: str, values: Any) -> Any:
    return client.post(address, json.dumps({"values": values}), content_type="application/json")


def test_what_is_typed_is_kept_and_the_latest_words_count(stage: Stage, chief: Client) -> None:
    assert save(chief, NEW, {"name": "株式"}).json() == {"shown": "09:00"}
    save(chief, NEW, {"name": "株式会社途中", "topics": ["a", "b"]})
    found = begun(stage.chief, "client")
    assert found is not None
    assert found.values == {"name": "株式会社途中", "topics": ["a", "b"]}
    assert begun(stage.other_chief, "client") is None


def test_characters_no_database_holds_are_left_out(stage: Stage, chief: Client) -> None:
    assert save(chief, NEW, {"name": "a\0b\ud800"}).status_code == 200
    assert begun(stage.chief, "client").values == {"name": "ab?"}  # type: ignore[union-attr]


def test_a_form_of_another_institutions_record_is_not_there(stage: Stage, other_chief: Client) -> None:
    case = stage.case()
    assert save(other_chief, f"/portal/drafts/case_note/{case.code}/", {"text": "x"}).status_code == 404
    assert save(other_chief, f"/portal/drafts/client_change/{case.company.code}/", {}).status_code == 404
    assert save(other_chief, "/portal/drafts/unknown/new/", {}).status_code == 404
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    "body", ["", "[]", '{"values": 3}', '{"values": {"a": {}}}', '{"values": {"a": [1]}}', "[" * 100_000]
)
def test_anything_but_fields_is_refused(chief: Client, body: str) -> None:
    assert chief.post(NEW, body, content_type="application/json").status_code == 400


def test_what_is_too_large_is_said_to_be(chief: Client) -> None:
    answer = save(chief, NEW, {"text": "あ" * 200_001})
    assert answer.status_code == 413
    assert "大きすぎる" in answer.json()["message"]


def test_a_draft_is_made_by_sending_alone(chief: Client) -> None:
    assert chief.get(NEW).status_code == 405
