"""Clients of an institution: found, registered once, changed without overwriting anybody."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from stage import Stage, at

from core.audit.models import Access
from dispatch.models import Company
from dispatch.services import ClientData, change_client, edit_token, register_client
from portal_institution.drafts import begun

FORM = {
    "name": "株式会社新規",
    "prefecture_code": "27",
    "corporate_number": "",
    "phone": "06-1111-2222",
    "address": "大阪市試験1",
    "place": "",
    "email": "",
    "kind": "小規模事業者",
    "industry": "E",
    "employees": "4",
    "capital": "",
}
DATA = ClientData(
    name="株式会社新規", prefecture_code="27", address="大阪市試験1", industry="E", employees=4, kind="小規模事業者",
    phone="06-1111-2222",
)  # fmt: skip


def page(client: Client, path: str, **asked: Any) -> str:
    answer = client.get(path, asked)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_client_is_registered_with_its_place(stage: Stage, chief: Client) -> None:
    answer = chief.post(
        "/portal/clients/new/",
        {**FORM, "place": "（３４．６９, 135.50）"},
    )
    made = Company.objects.get(name="株式会社新規")
    assert answer["Location"] == f"/portal/clients/{made.code}/"
    assert (made.latitude, made.longitude) == (Decimal("34.69"), Decimal("135.50"))
    assert made.registered_by is not None
    assert made.registered_by.code == "K1"
    shown = page(chief, f"/portal/clients/{made.code}/")
    assert "34.69, 135.5" in shown
    assert "上限3回のうち、0回" in shown


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("corporate_number", "12345", "13桁の数字"),
        ("corporate_number", "1234567890123", "検査用の数字"),
        ("place", "東京駅", "の形で入力"),
        ("place", "139.767, 35.681", "順番が逆"),
        ("place", "51.5, -0.12", "日本の中の場所ではありません"),
        ("employees", "-1", "0"),
        ("employees", "たくさん", "整数"),
        ("email", "見本", "メール"),
        ("prefecture_code", "48", "48"),
        ("name", "", "必須"),
    ],
)
def test_a_refused_field_says_why_and_everything_typed_stays(
    stage: Stage, chief: Client, field: str, value: str, words: str
) -> None:
    shown = chief.post("/portal/clients/new/", {**FORM, field: value}).content.decode()
    assert words in shown
    assert 'aria-invalid="true"' in shown
    assert "大阪市試験1" in shown
    assert not Company.objects.filter(address="大阪市試験1").exists()


def test_probable_duplicates_are_shown_while_typing(stage: Stage, chief: Client) -> None:
    path = "/portal/clients/duplicates/"
    shown = chief.post(path, {"name": "㈱試験製作所", "prefecture_code": "13"}).content.decode()
    assert "株式会社試験製作所" in shown
    assert "名称と都道府県が同じ" in shown
    assert "ほかの機関が登録した支援先" in shown
    assert "03-1234-5678" not in shown
    assert "支援先" not in chief.post(path, {"name": "まだない", "prefecture_code": "13"}).content.decode()
    assert chief.get(path).status_code == 405


def test_a_duplicate_is_registered_only_by_saying_so(stage: Stage, chief: Client) -> None:
    again = {**FORM, "name": "試験製作所", "prefecture_code": "13"}
    shown = chief.post("/portal/clients/new/", again).content.decode()
    assert "まだ登録していません" in shown
    assert 'name="despite" value="C1"' in shown
    assert Company.objects.filter(address="大阪市試験1").count() == 0
    assert chief.post("/portal/clients/new/", {**again, "despite": "C1"}).status_code == 302
    # the same form sent a second time finds what it made
    assert chief.post("/portal/clients/new/", {**again, "despite": "C1"}).status_code == 200
    assert Company.objects.filter(address="大阪市試験1").count() == 1


def test_a_form_sent_twice_registers_one_client(stage: Stage, chief: Client) -> None:
    assert chief.post("/portal/clients/new/", FORM).status_code == 302
    assert "同じと思われる" in chief.post("/portal/clients/new/", FORM).content.decode()
    assert Company.objects.filter(name=FORM["name"]).count() == 1


def test_a_found_client_of_others_can_be_used_for_a_case_and_no_other_can(
    stage: Stage, chief: Client
) -> None:
    assert chief.get("/portal/cases/new/?client=C1").status_code == 404
    chief.post("/portal/clients/duplicates/", {"phone": "03-1234-5678"})
    assert "株式会社試験製作所" in page(chief, "/portal/cases/new/?client=C1")
    assert chief.get("/portal/clients/C1/").status_code == 404
    assert chief.get("/portal/cases/new/?client=C2").status_code == 404


def test_another_institutions_client_is_not_there(stage: Stage, chief: Client, other_chief: Client) -> None:
    own = register_client(values=DATA, actor=stage.chief)
    assert chief.get(f"/portal/clients/{own.code}/").status_code == 200
    for path in ("", "change/"):
        assert other_chief.get(f"/portal/clients/{own.code}/{path}").status_code == 404
    assert other_chief.post(f"/portal/clients/{own.code}/change/", FORM).status_code == 404
    assert own.name not in page(other_chief, "/portal/clients/")


def test_two_people_changing_one_client_see_both_values(stage: Stage, chief: Client) -> None:
    own = register_client(values=DATA, actor=stage.chief)
    token = edit_token(own)
    stage.travel(at("07-01 10:00"))
    own = change_client(
        company=own,
        values=replace(DATA, phone="06-9999-9999", kind="中小企業"),
        actor=stage.operator,
    )
    path = f"/portal/clients/{own.code}/change/"
    answer = chief.post(path, {**FORM, "phone": "06-3333-3333", "edit_token": token})
    shown = answer.content.decode()
    assert "ほかの人が先に変更しました" in shown
    for value in ("06-1111-2222", "06-9999-9999", "06-3333-3333", "小規模事業者", "中小企業"):
        assert value in shown
    assert Company.objects.get(pk=own.pk).phone == "06-9999-9999"
    # having seen it, the person sends again
    assert (
        chief.post(path, {**FORM, "phone": "06-3333-3333", "edit_token": edit_token(own)}).status_code == 302
    )
    assert Company.objects.get(pk=own.pk).phone == "06-3333-3333"


def test_a_number_that_came_with_a_file_stays_until_it_is_touched(stage: Stage, chief: Client) -> None:
    stage.case("C1")
    form = {
        **FORM,
        "corporate_number": "1234567890123",
        "edit_token": edit_token(Company.objects.get(code="C1")),
    }
    assert chief.post("/portal/clients/C1/change/", form).status_code == 302


def test_what_was_typed_comes_back_and_goes_when_sent(stage: Stage, chief: Client) -> None:
    chief.post(
        "/portal/drafts/client/new/",
        json.dumps({"values": {**FORM, "name": "途中の会社"}}),
        content_type="application/json",
    )
    shown = page(chief, "/portal/clients/new/")
    assert 'value="途中の会社"' in shown
    assert "入力の続きです" in shown
    assert "支援先の登録" in page(chief, "/portal/")
    chief.post("/portal/clients/new/", FORM)
    assert begun(stage.chief, "client") is None
    assert "途中の会社" not in page(chief, "/portal/clients/new/")


def test_clients_are_found_by_name_number_and_telephone(stage: Stage, chief: Client) -> None:
    register_client(values=DATA, actor=stage.chief)
    for words in ("新規", "株式会社 新規", "0611112222", "０６-1111"):
        assert "株式会社新規" in page(chief, "/portal/clients/", q=words)
    assert "条件に合う支援先はありません" in page(chief, "/portal/clients/", q="ほかの会社")


def test_the_list_asks_the_same_number_of_queries_for_one_and_for_many(stage: Stage, chief: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            page(chief, "/portal/clients/")
        return len(asked)

    register_client(values=DATA, actor=stage.chief)
    queries()
    few = queries()
    for number in range(12):
        register_client(values=replace(DATA, name=f"会社{number}", phone=""), actor=stage.chief)
    assert queries() == few
    assert few <= 14


def test_a_page_that_showed_clients_is_recorded(stage: Stage, chief: Client) -> None:
    own = register_client(values=DATA, actor=stage.chief)
    page(chief, f"/portal/clients/{own.code}/")
    assert Access.objects.filter(actor_id=stage.chief.pk, table="dispatch_company", row_ids=[own.pk]).exists()


def test_nobody_else_enters(stage: Stage) -> None:
    for user in (stage.operator, stage.experts["E1"]):
        client = Client()
        client.force_login(user)
        assert client.get("/portal/clients/").status_code == 403
