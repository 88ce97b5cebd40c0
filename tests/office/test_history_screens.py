"""The history's screens: found by person, object, time, address and request; shown in words; nothing secret."""

import csv
import datetime as dt
import io
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import Role, User
from accounts.services import create_user
from core.audit.acting import SYSTEM, acting, client_address, request_id
from core.audit.models import Access, Change
from core.audit.services import record_view
from core.errors import DomainError
from core.exchange.services import load_files
from dispatch.models import Dispatch
from experts.models import Expert

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "security"))

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(settings: Any) -> dict[str, User]:
    settings.MFA_REQUIRED = False
    names = {
        Role.OFFICE_APPROVER: "承認 花子",
        Role.OFFICE_ADMIN: "管理 次郎",
        Role.OFFICE_OPERATOR: "担当 一郎",
    }
    return {
        role: create_user(username=f"u-{role.value}", role=role, actor=SYSTEM, display_name=name)
        for role, name in names.items()
    }


@pytest.fixture
def data(people: dict[str, User]) -> None:
    from rights_story import FILES

    files = {name: io.BytesIO(text.encode("utf-8-sig")) for name, text in FILES.items()}
    assert load_files(files, actor=people[Role.OFFICE_OPERATOR]).ok


def page(user: User, path: str, **query: str) -> str:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.get(path, query)
    assert answer.status_code == 200, answer.content.decode()[:500]
    return re.sub(r"\s+", " ", answer.content.decode())


def act(user: User, request: str = "", address: str = "") -> Any:
    """One change of expert E1 as this person, from this request and address."""
    tokens = request_id.set(request), client_address.set(address)
    try:
        with acting(user, "correct", "電話で確認"):
            Expert.objects.filter(code="E1").update(phone="03-0000-1111", account_number="9998887")
    finally:
        request_id.reset(tokens[0])
        client_address.reset(tokens[1])


@pytest.mark.usefixtures("data")
def test_a_change_is_found_by_person_object_time_address_and_request_and_by_no_other(people: Any) -> None:
    act(people[Role.OFFICE_APPROVER], "aaaabbbbccccdddd", "192.0.2.44")
    approver = people[Role.OFFICE_APPROVER]
    soon = (dt.datetime.now() + dt.timedelta(hours=24)).strftime("%Y-%m-%dT%H:%M")
    finding = (
        {"person": "u-office_approver"},
        {"person": "承認 花子"},
        {"person": "承認"},
        {"table": "experts_expert", "code": "E1"},
        {"code": "E1"},
        {"address": "192.0.2.44"},
        {"request_id": "aaaabbbbccccdddd"},
        {"until": soon, "address": "192.0.2.44"},
    )
    for query in finding:
        text = page(approver, "/office/history/", **query)
        assert "03-0000-1111" in text, query
        assert "電話で確認" in text
    assert "データの取込" in page(approver, "/office/history/", code="E2")
    for query in (
        {"person": "u-office_operator"},
        {"table": "experts_expert", "code": "E2"},
        {"address": "192.0.2.45"},
        {"request_id": "aaaabbbbccccddde"},
        {"since": soon},
        {"person": "システム"},
    ):
        assert "03-0000-1111" not in page(approver, "/office/history/", **query), query


@pytest.mark.usefixtures("data")
def test_columns_have_japanese_names_values_are_words_and_account_numbers_are_masked(people: Any) -> None:
    act(people[Role.OFFICE_APPROVER])
    text = page(people[Role.OFFICE_APPROVER], "/office/history/", code="E1")
    assert "電話番号:" in text
    assert "（空）" in text
    assert "****887" in text
    for secret in ("9998887", "1112345"):
        assert secret not in text
    dispatch = page(people[Role.OFFICE_APPROVER], "/office/history/", table="dispatch_dispatch", code="D1")
    assert "派遣番号:" in dispatch
    assert "2021-07-05 10:00" in dispatch
    assert re.search(r"専門家:</span> E1", dispatch)


@pytest.mark.usefixtures("data")
def test_the_history_of_a_dispatch_holds_its_parts_also_those_that_are_gone(people: Any) -> None:
    dispatch = Dispatch.objects.get(number="D1")
    with acting(people[Role.OFFICE_OPERATOR], "replace"):
        dispatch.travel_lines.all().delete()
    text = page(people[Role.OFFICE_APPROVER], "/office/history/", table="dispatch_dispatch", code="D1")
    assert "旅費" in text
    assert "削除" in text
    assert re.search(r"\bD2\b", text) is None


@pytest.mark.usefixtures("data")
def test_each_role_sees_the_tables_it_may_read_and_no_other(people: Any) -> None:
    create_user(
        username="neu", role=Role.OFFICE_OPERATOR, actor=people[Role.OFFICE_ADMIN], display_name="新人"
    )
    approver = page(people[Role.OFFICE_APPROVER], "/office/history/")
    admin = page(people[Role.OFFICE_ADMIN], "/office/history/")
    assert "利用者名" not in approver or "neu" not in approver
    assert "neu" in admin
    assert 'value="dispatch_dispatch"' in approver
    assert 'value="dispatch_dispatch"' not in admin
    assert 'value="accounts_user"' in admin
    assert 'value="accounts_user"' not in approver
    for path in ("/office/history/", "/office/history/accesses/"):
        text = page(people[Role.OFFICE_ADMIN], path, table="dispatch_dispatch", code="D1")
        assert "この条件では調べられません" in text
        assert "創業" not in text


@pytest.mark.usefixtures("data")
def test_who_has_no_right_is_told_so(people: Any) -> None:
    client = Client()
    client.force_login(
        people[Role.OFFICE_OPERATOR], backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    for path in ("/office/history/", "/office/history/accesses/", "/office/history/reach/"):
        assert client.get(path).status_code == 403
    assert client.post("/office/history/reach.csv").status_code == 403


def test_passwords_and_cipher_texts_are_never_shown(people: Any) -> None:
    user = people[Role.OFFICE_APPROVER]
    user.set_password("Ein-langes-Wort-2026")
    user.first_name = "gAAAAABmZm9vYmFy"
    with acting(people[Role.OFFICE_ADMIN], "reset"):
        user.save()
    assert not Change.objects.filter(table="accounts_user", new__has_key="password").exists()
    text = page(people[Role.OFFICE_ADMIN], "/office/history/", table="accounts_user", code=user.username)
    assert "gAAAA" not in text
    assert "（表示しません）" in text
    assert "argon2" not in text


@pytest.mark.usefixtures("data")
def test_pages_follow_each_other_without_gap_or_repetition(people: Any) -> None:
    with acting(people[Role.OFFICE_OPERATOR], "number"):
        for number in range(120):
            Expert.objects.filter(code="E1").update(phone=f"03-{number:04d}")
    seen: list[str] = []
    query: dict[str, str] = {"table": "experts_expert", "code": "E1"}
    for _ in range(3):
        text = page(people[Role.OFFICE_APPROVER], "/office/history/", **query)
        seen += re.findall(r"<ins>(03-\d{4})</ins>", text)
        following = re.search(r"before=(\d+-\d+)", text)
        if 'rel="next"' not in text:
            break
        assert following
        query["before"] = re.findall(r"before=(\d+-\d+)", text)[-1]
    assert seen == [f"03-{number:04d}" for number in reversed(range(120))]


@pytest.mark.parametrize("path", ["/office/history/", "/office/history/accesses/", "/office/history/reach/"])
def test_a_question_that_makes_no_sense_gets_an_answer(people: Any, path: str) -> None:
    for query in (
        {"before": "x"}, {"before": "99999999999999999999999-1"}, {"before": "1-99999999999999999999999999"},
        {"since": "gestern"}, {"address": "' OR 1=1"}, {"person": "いない人"}, {"code": "いない"},
        {"table": "audit_seal"}, {"table": "x; DROP TABLE"}, {"request_id": "%' --"}, {"since": "0001-01-01"},
        {"until": "9999-12-31"},
    ):  # fmt: skip
        assert page(people[Role.OFFICE_APPROVER], path, **query)


@pytest.mark.usefixtures("data")
def test_looks_and_exports_are_found_by_person_and_by_the_row_they_touched(people: Any) -> None:
    expert = Expert.objects.get(code="E1")
    operator, approver = people[Role.OFFICE_OPERATOR], people[Role.OFFICE_APPROVER]
    record_view(
        actor=operator, what=Access.What.BANK, object=expert, reason="振込の照会", fields=["account_number"]
    )
    for query in ({"person": "u-office_operator"}, {"table": "experts_expert", "code": "E1"}):
        text = page(approver, "/office/history/accesses/", **query)
        assert "口座の全桁表示" in text
        assert "振込の照会" in text
        assert "口座番号" in text
    assert "振込の照会" not in page(approver, "/office/history/accesses/", code="E2")
    assert "振込の照会" not in page(approver, "/office/history/accesses/", person="u-office_admin")


@pytest.mark.usefixtures("data")
def test_reading_the_history_is_recorded_itself(people: Any) -> None:
    expert = Expert.objects.get(code="E1")
    page(people[Role.OFFICE_APPROVER], "/office/history/", table="experts_expert", code="E1")
    row = Access.objects.get(table="experts_expert")
    assert (row.actor_id, row.row_ids, row.label) == (
        people[Role.OFFICE_APPROVER].pk,
        [expert.pk],
        "変更履歴",
    )


@pytest.mark.usefixtures("data")
def test_the_reach_of_an_incident_names_every_record_changed_seen_or_taken(
    people: Any, tmp_path: Path
) -> None:
    operator, approver = people[Role.OFFICE_OPERATOR], people[Role.OFFICE_APPROVER]
    act(approver, "", "192.0.2.44")
    token = client_address.set("192.0.2.44")
    record_view(actor=approver, what=Access.What.VIEW, object=Expert.objects.filter(code="E2"))
    record_view(
        actor=approver, what=Access.What.EXPORT, object=Dispatch, reason="報告",
        ids=Dispatch.objects.filter(number__in=("D1", "D3")).values_list("pk", flat=True),
    )  # fmt: skip
    record_view(
        actor=approver, what=Access.What.EXPORT, object=Expert, reason="名簿", label="専門家一覧", row_count=2
    )
    client_address.reset(token)
    record_view(actor=operator, what=Access.What.VIEW, object=Dispatch.objects.get(number="D2"))
    target = tmp_path / "reach.csv"
    call_command("incident_reach", person="u-office_approver", address="192.0.2.44", output=target)
    rows = list(csv.reader(target.read_text("utf-8-sig").splitlines()))
    assert [row[:5] for row in rows[1:]] == [
        ["派遣", "D1", "0", "0", "1"],
        ["派遣", "D3", "0", "0", "1"],
        ["専門家", "E1", "1", "0", "0"],
        ["専門家", "E2", "0", "1", "0"],
    ]
    text = page(approver, "/office/history/reach/", person="u-office_approver", address="192.0.2.44")
    assert text.count("<tr><td>") == 4
    assert "専門家一覧" in text
    out = io.StringIO()
    call_command("incident_reach", address="192.0.2.44", stdout=out)
    assert "専門家: 2件（変更 1、閲覧 1、出力 0）" in out.getvalue()
    assert "専門家一覧" in out.getvalue()
    for wrong in ({}, {"person": "いない人"}, {"since": "x"}, {"address": "x"}):
        with pytest.raises(DomainError):
            call_command("incident_reach", **wrong)


@pytest.mark.usefixtures("data")
def test_the_csv_of_an_incident_wants_a_reason_and_is_recorded(people: Any) -> None:
    act(people[Role.OFFICE_APPROVER], "", "192.0.2.44")
    client = Client()
    client.force_login(
        people[Role.OFFICE_APPROVER], backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    assert (
        client.post("/office/history/reach.csv", {"address": "192.0.2.44", "reason": " "}).status_code == 409
    )
    assert not Access.objects.filter(what="export").exists()
    answer = client.post("/office/history/reach.csv", {"address": "192.0.2.44", "reason": "事故の調査"})
    assert answer.status_code == 200
    rows = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert rows[1].startswith("専門家,E1,1,0,0,")
    record = Access.objects.get(what="export")
    assert (record.reason, record.row_count, record.actor_id) == (
        "事故の調査", 1, people[Role.OFFICE_APPROVER].pk,
    )  # fmt: skip


@pytest.mark.usefixtures("data")
def test_a_page_of_the_history_costs_a_bounded_number_of_queries(
    people: Any, django_assert_max_num_queries: Any
) -> None:
    client = Client()
    client.force_login(
        people[Role.OFFICE_APPROVER], backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    assert Change.objects.count() > 20
    with django_assert_max_num_queries(45):
        assert client.get("/office/history/").status_code == 200


def test_the_indexes_serve_each_search() -> None:
    """Small tables are read whole, so the planner is told not to; what remains possible must be an index."""
    queries = {
        "audit_change_actor": "actor_id = 1 AND at < now() ORDER BY at DESC, id DESC",
        "audit_change_row": "\"table\" = 'x' AND row_id = 1 ORDER BY id DESC",
        "audit_change_at": "at < now() ORDER BY at DESC, id DESC",
        "audit_change_address": "address = '192.0.2.1' ORDER BY at DESC, id DESC",
        "audit_change_request": "request_id = 'a'",
        "audit_change_dispatch": "(coalesce(new, old) ->> 'dispatch_id')::bigint = 1"
        " AND coalesce(new, old) ? 'dispatch_id'",
        "audit_change_transaction": "(transaction, id) > (1, 1) ORDER BY transaction, id",
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
        )
        for index, where in queries.items():
            cursor.execute(f"EXPLAIN SELECT * FROM audit_change WHERE {where} LIMIT 50")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert index in plan, plan
