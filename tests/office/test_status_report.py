"""The registration status report: filters, counts, files, and the record of who took it and what for."""

import csv
import datetime as dt
import io
import time
from typing import Any

import pytest
from desk import browser, stage, strangers, text_of
from django.test import Client
from openpyxl import load_workbook
from stage import Stage

from core import clock
from core.audit.acting import SYSTEM, acting
from core.audit.models import Access
from experts import status_report
from experts.models import Expert
from institutions.models import Institution

__all__ = ["stage"]

REPORT = "/office/experts/report/"


@pytest.fixture
def client(stage: Stage) -> Client:
    found = browser(stage.operator)
    session = found.session
    session["confirmed_at"] = time.time()
    session.save()
    with acting(SYSTEM, "test"):
        Expert.objects.filter(code="E1").update(
            name="=見本 一郎", address="東京都千代田区見本1-1", topics=["販路開拓", "経営革新"]
        )
    return found


def take(client: Client, ending: str = "csv", purpose: str = "庁への報告のため", query: str = "") -> Any:
    return client.post(REPORT + query, {"ending": ending, "purpose": purpose})


def lines(answer: Any) -> list[dict[str, str]]:
    content = b"".join(answer.streaming_content)
    assert content.startswith(b"\xef\xbb\xbf") and b"\r\n" in content
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def institution_of(code: str) -> Institution:
    return Expert.objects.select_related("recommended_by").get(code=code).recommended_by


def test_the_csv_has_a_line_for_each_expert_and_is_recorded_with_its_purpose(client: Client) -> None:
    found = lines(take(client))
    assert [line["専門家コード"] for line in found] == sorted(Expert.objects.values_list("code", flat=True))
    line = next(each for each in found if each["専門家コード"] == "E1")
    # nothing in a cell is a formula
    assert line["氏名"] == "'=見本 一郎" and line["専門分野"] == "販路開拓;経営革新"
    assert "口座" not in "".join(line)
    record = Access.objects.get(what=Access.What.EXPORT)
    assert record.reason == "庁への報告のため" and record.row_count == len(found)
    assert "すべて" in record.label


def test_a_certified_body_is_one_until_its_last_day(client: Client) -> None:
    today = clock.today()
    for until, mark in (
        (today, "該当"),
        (None, "該当"),
        (today - dt.timedelta(days=1), "期限切れ"),
    ):
        with acting(SYSTEM, "test"):
            Institution.objects.update(certification_number="第1号", certified_until=until)
        assert {line["認定経営革新等支援機関"] for line in lines(take(client))} == {mark}
        counted = status_report.counts(Expert.objects.all(), today)
        assert counted["certified"] == (counted["total"] if mark == "該当" else 0)
    with acting(SYSTEM, "test"):
        Institution.objects.update(certification_number="")
    assert status_report.certified(institution_of("E1"), today) == "非該当"
    assert status_report.counts(Expert.objects.all(), today)["certified"] == 0


def test_filters_narrow_the_page_and_the_file_alike(client: Client) -> None:
    with acting(SYSTEM, "test"):
        Expert.objects.filter(code="E1").update(
            prefecture_code="01", valid_until=clock.today() - dt.timedelta(days=1)
        )
    for query in ("?prefecture=01", "?standing=ended", "?bureau=北海道経済産業局&standing=ended"):
        assert [line["専門家コード"] for line in lines(take(client, query=query))] == ["E1"]
    code = institution_of("E1").code
    assert "E1" in {line["専門家コード"] for line in lines(take(client, query=f"?institution={code}"))}
    far = "2090-01-01"
    assert "条件に合う専門家はいません" in text_of(client.get(f"{REPORT}?registered_from={far}"))


def test_days_in_the_wrong_order_are_refused_beside_the_field_and_nothing_leaves(client: Client) -> None:
    query = "?registered_from=2021-02-01&registered_to=2021-01-01"
    assert "登録日の終わりが始まりより前です" in text_of(client.get(REPORT + query))
    assert "登録日の終わりが始まりより前です" in text_of(take(client, query=query))
    assert client.get(REPORT + "?prefecture=99").status_code == 200
    assert not Access.objects.filter(what=Access.What.EXPORT).exists()


def test_without_a_purpose_nothing_leaves(client: Client) -> None:
    for purpose in ("", "報"):
        answer = take(client, purpose=purpose)
        assert answer.headers["Content-Type"].startswith("text/html")
    assert "選んでください" in text_of(take(client, ending="exe")) or "選択" in text_of(
        take(client, ending="exe")
    )
    assert not Access.objects.filter(what=Access.What.EXPORT).exists()


def test_the_workbook_and_the_pdf_say_the_same(client: Client) -> None:
    book = load_workbook(io.BytesIO(take(client, "xlsx").content))
    rows = list(book["登録状況"].values)
    assert rows[0] == status_report.HEADER and len(rows) == Expert.objects.count() + 1
    assert any(row[1] == "=見本 一郎" for row in rows)
    assert take(client, "pdf").content.startswith(b"%PDF")


def test_what_is_too_long_for_paper_says_what_to_do(client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(status_report, "MOST_ON_PAPER", 0)
    assert "PDF にできるのは0人までです" in text_of(take(client, "pdf"))
    assert not Access.objects.filter(what=Access.What.EXPORT).exists()


def test_nobody_but_the_office_opens_it(stage: Stage) -> None:
    for user in strangers(stage):
        assert browser(user).get(REPORT).status_code in (302, 403)
