"""The office's list of experts: found while typing, whatever way a name is written, with the reasons."""

import datetime as dt

import pytest
from desk import browser, stage, text_of
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from stage import Stage

from core import clock
from core.audit.acting import SYSTEM, acting
from core.notify.models import Mail
from experts.models import Expert

__all__ = ["stage"]

LIST = "/office/experts/"


@pytest.fixture
def client(stage: Stage) -> Client:
    return browser(stage.operator)


def renamed(code: str, **values: object) -> None:
    with acting(SYSTEM, "test"):
        Expert.objects.filter(code=code).update(**values)


def test_any_way_of_writing_a_name_finds_it_and_says_so(client: Client) -> None:
    renamed("E1", name="髙橋 渡邉", kana="タカハシ ワタナベ")
    for words in ("高橋", "渡辺", "たかはし", "ﾀｶﾊｼ", "E1"):
        html = text_of(client.get(LIST, {"q": words}))
        assert "髙橋 渡邉" in html
        assert ("氏名が一致" in html) == (words not in ("E1", "渡辺"))
    assert "条件に合う専門家はいません" in text_of(client.get(LIST, {"q": "niemand"}))


def test_while_typing_only_the_results_are_sent(client: Client) -> None:
    part = client.get(LIST, {"q": "E1"}, headers={"HX-Request": "true"})
    assert "<html" not in text_of(part) and "E1" in text_of(part)
    assert "HX-Request" in part.headers["Vary"]
    assert "<html" in text_of(client.get(LIST, {"q": "E1"}))


def test_conditions_of_the_office_narrow_and_nonsense_is_left_out(client: Client) -> None:
    renamed("E1", valid_until=clock.today() - dt.timedelta(days=1), email="only@example.jp")
    link = '<a class="row-link" href="/office/experts/E1/">'
    assert link in text_of(client.get(LIST, {"standing": "ended"}))
    assert link not in text_of(client.get(LIST, {"standing": "active"}))
    assert link in text_of(client.get(LIST, {"where": "only@example"}))
    assert link not in text_of(client.get(LIST, {"where": "nobody@example"}))
    nonsense = {"prefecture": "99", "order": "x", "page": "-1", "topic": "x"}
    assert link in text_of(client.get(LIST, nonsense))


def test_the_list_needs_the_same_queries_however_many_are_found(client: Client) -> None:
    client.get(LIST)

    def counted() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(LIST).status_code == 200
        return len(queries)

    before = counted()
    first = Expert.objects.get(code="E1")
    with acting(SYSTEM, "test"):
        for number in range(5):
            Expert.objects.create(
                code=f"E0000{number}",
                name="見本 追加",
                prefecture_code="13",
                address="東京都千代田区1-1",
                email="x@example.jp",
                recommended_by=first.recommended_by,
                requirement="資格",
                bank_code="0001",
                branch_code="001",
                account_type="普通",
                account_number="1234567",
                account_holder_kana="ミホン",
                payee_class=first.payee_class,
            )
    assert counted() == before


def test_an_experts_page_leads_to_what_is_under_way_and_to_what_can_be_begun(stage: Stage) -> None:
    office = browser(stage.approver)
    page = text_of(office.get(f"{LIST}E1/"))
    assert 'href="/office/experts/E1/merge/"' in page
    assert 'href="/office/experts/E1/appointment/"' in page
    assert "案内していません" in page
    done = text_of(office.post(f"{LIST}E1/appointment/", follow=True))
    assert "2021年度の委嘱の条件を案内します" in done
    page = text_of(office.get(f"{LIST}E1/"))
    assert 'href="/office/appointments/2021/people/E1/"' in page
    assert "回答待ち" in page
    assert 'href="/office/experts/E1/appointment/"' not in page
    # again, nobody is told twice
    before = Mail.objects.count()
    office.post(f"{LIST}E1/appointment/")
    assert Mail.objects.count() == before


def test_whose_registration_has_ended_gets_no_offer_and_the_office_reads_why(stage: Stage) -> None:
    renamed("E1", valid_until=clock.today() - dt.timedelta(days=1))
    office = browser(stage.operator)
    page = text_of(office.get(f"{LIST}E1/"))
    assert 'href="/office/experts/E1/appointment/"' not in page
    assert 'href="/office/experts/E1/merge/"' not in page
    refused = text_of(office.post(f"{LIST}E1/appointment/", follow=True))
    assert "先に登録を戻してください" in refused
