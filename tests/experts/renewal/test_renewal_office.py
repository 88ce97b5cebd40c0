"""The renewal on the office's screens: prepared, sent, watched, answered for, closed; one registration's end."""

import html
import re
from typing import Any

import pytest
from campaign import DECLINE, Year, expert
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from stage import at

from accounts.models import Role, User
from core.audit.acting import SYSTEM, acting
from core.audit.models import Access
from core.jobs.models import Job
from core.notify.models import Mail
from experts.models import Expert
from experts.renewal.models import Ask, Campaign, Wave

LIST = "/office/renewal/"
PAGE = "/office/renewal/2021/"
DAYS = {
    "fiscal_year": "2021",
    "answer_by": "2022-02-28",
    "remind_1": "2022-02-15",
    "remind_2": "",
    "message": "",
}
TOLD = {"act": "answer", "answer": "renew", "source": "phone", "note": "2月3日 本人から電話", "version": "1"}


@pytest.fixture(autouse=True)
def no_second_factor(settings: Any) -> None:
    settings.MFA_REQUIRED = False


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def sent(year: Year) -> Campaign:
    return year.asked()


def test_a_renewal_is_prepared_looked_at_and_sent_from_the_screen(year: Year) -> None:
    client = browser(year.stage.operator)
    first = text_of(client.get(LIST))
    assert "3人" in first
    assert 'value="2022-02-28"' in first
    made = client.post(LIST, DAYS)
    assert made["Location"] == PAGE
    assert not Mail.objects.exists()
    assert "まだ誰にも送っていません" in text_of(client.get(PAGE))
    confirm = text_of(client.get(f"{PAGE}start/"))
    assert "3人へ送る" in confirm
    for key in ("a", "b"):
        client.post(f"{PAGE}start/", {"shown": "1", "key": key})
    assert Wave.objects.count() == Job.objects.count() == 1
    page = text_of(client.get(PAGE))
    assert "hx-get" in page
    assert "ジョブの詳細と中止" in page
    job = text_of(client.get(f"/office/jobs/{Job.objects.get().pk}/"))
    assert f'href="{PAGE}"' in job
    year.send(Wave.objects.get())
    page = text_of(client.get(PAGE))
    assert re.search(r"対象</span>\s*<span class=\"tile__value\">3", page)
    assert "回答 0％" in page


def test_wrong_days_are_said_at_their_field_and_stay(year: Year) -> None:
    client = browser(year.stage.operator)
    page = text_of(client.post(LIST, {**DAYS, "answer_by": "2022-06-30", "message": "よろしく"}))
    assert page.count("回答期限は、明日から") >= 2
    assert "よろしく</textarea>" in page
    page = text_of(client.post(LIST, {**DAYS, "answer_by": "きのう"}))
    assert "入力内容を確認してください" in page
    assert not Campaign.objects.exists()


def test_a_second_renewal_is_not_offered_and_refused(year: Year) -> None:
    client = browser(year.stage.operator)
    client.post(LIST, DAYS)
    assert "締め切っていない更新があります" in text_of(client.get(LIST))
    client.post(LIST, DAYS)
    assert Campaign.objects.count() == 1


def test_a_stopped_sending_is_told_and_resumed(year: Year) -> None:
    client = browser(year.stage.operator)
    client.post(LIST, DAYS)
    client.post(f"{PAGE}start/", {"shown": "1", "key": "a"})
    Job.objects.update(status=Job.Status.CANCELLED)
    assert "送信が止まっています" in text_of(client.get(PAGE))
    client.post(f"{PAGE}resume/")
    assert Job.objects.count() == 2
    assert "送信が止まっています" not in text_of(client.get(PAGE))


def test_an_older_page_sends_nothing(year: Year) -> None:
    client = browser(year.stage.operator)
    client.post(LIST, DAYS)
    client.post(f"{PAGE}change/", {"answer_by": "2022-03-05", "message": "", "version": "1"})
    answer = client.post(f"{PAGE}start/", {"shown": "1", "key": "a"}, follow=True)
    assert "別の画面で変わりました" in text_of(answer)
    assert not Wave.objects.exists()
    old = client.post(f"{PAGE}change/", {"answer_by": "2022-03-06", "message": "", "version": "1"})
    assert "別の画面で変わりました" in text_of(old)


def test_whom_no_mail_reached_stands_there_with_a_phone_number(year: Year) -> None:
    with acting(SYSTEM, "test"):
        Expert.objects.filter(code="E1").update(phone="03-1111-2222")
        Expert.objects.filter(code="E2").update(email="なし", phone="03-3333-4444")
    sent(year)
    Mail.objects.filter(key="renewal:2021:0:E1").update(state=Mail.State.FAILED)
    client = browser(year.stage.operator)
    page = text_of(client.get(f"{PAGE}?group=unreached"))
    assert "メール不達 2" in page
    assert "tel:03-1111-2222" in page
    assert "tel:03-3333-4444" in page
    assert "送信できず" in page
    assert "宛先なし" in page
    assert "e3@example.jp" not in page
    assert "メールが届いていない人" in text_of(client.get("/office/"))


def test_the_office_answers_for_somebody_who_called(year: Year) -> None:
    sent(year)
    client = browser(year.stage.operator)
    person = f"{PAGE}people/E2/"
    refused = text_of(client.post(person, {**TOLD, "note": "", "answer": "decline"}))
    assert "誰から、いつ受けたかを入れてください" in refused
    assert "更新しない理由を選んでください" in refused
    client.post(person, {**TOLD, "data_right": "changed"})
    ask = year.ask("E2")
    assert (ask.answer, ask.source, ask.data_right, ask.answered_by) == (
        "renew",
        "phone",
        False,
        year.stage.operator,
    )
    page = text_of(client.get(person))
    assert "2月3日 本人から電話" in page
    assert "変更がある" in page
    old = text_of(client.post(person, {**TOLD, "answer": "decline", "reason_code": "所属先の都合"}))
    assert "別の画面または事務局で変わりました" in old
    assert year.ask("E2").answer == "renew"


def test_an_exception_is_kept_with_its_reason_and_shown_before_closing(year: Year) -> None:
    sent(year)
    client = browser(year.stage.operator)
    client.post(f"{PAGE}people/E3/", {"act": "exempt", "exempt_reason": "入院中", "version": "1"})
    assert year.ask("E3").exempt_by == year.stage.operator
    page = text_of(client.get(f"{PAGE}close/"))
    assert "入院中" in page
    assert "締め切れるのは" not in page
    assert "まだ締め切れません" in page


def test_closing_shows_the_work_that_goes_on_and_ends_what_it_showed(year: Year) -> None:
    stage = year.stage
    year.stage.travel(at("07-01 09:00"))
    stage.applied(stage.application(planned_from=at("07-12 10:00"), planned_to=at("07-12 12:00")))
    year.travel("2022-02-01 09:00")
    campaign = sent(year)
    year.answer("E2", DECLINE)
    year.answer("E3")
    year.travel("2022-03-01 09:00")
    assert "締め切れるのは、事務局の承認者です" in text_of(browser(stage.operator).get(f"{PAGE}close/"))
    client = browser(stage.approver)
    assert "登録の更新: 締め切り" in text_of(client.get("/office/"))
    page = text_of(client.get(f"{PAGE}close/"))
    assert "これからの派遣 1件" in page
    assert "2人の登録を終了して締め切る" in page
    mark = re.search(r'name="mark" value="([0-9a-f]{64})"', page)
    assert mark
    assert "チェックを入れてください" in text_of(client.post(f"{PAGE}close/", {"mark": mark[1]}))
    assert browser(stage.operator).post(f"{PAGE}close/", {"mark": mark[1], "sure": "on"}).status_code == 403
    assert expert("E1").valid_until is None
    done = client.post(f"{PAGE}close/", {"mark": mark[1], "sure": "on"}, follow=True)
    assert "締め切りました" in text_of(done)
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.CLOSED
    for path in ("/office/experts/", "/office/experts/E1/"):
        assert "登録 2022/03/31（木） まで" in text_of(client.get(path))


def test_a_list_that_changed_since_is_shown_again_before_anything_ends(year: Year) -> None:
    sent(year)
    year.travel("2022-03-01 09:00")
    client = browser(year.stage.approver)
    mark = re.search(r'name="mark" value="(\w+)"', text_of(client.get(f"{PAGE}close/")))
    assert mark
    year.answer("E1")
    page = text_of(client.post(f"{PAGE}close/", {"mark": mark[1], "sure": "on"}, follow=True))
    assert "いま登録が終わるのは 2人です" in page
    assert "2人の登録を終了して締め切る" in page
    assert expert("E2").valid_until is None


def test_the_figures_leave_as_a_file_by_prefecture_without_names(year: Year) -> None:
    sent(year)
    year.answer("E1")
    answer = browser(year.stage.operator).get(f"{PAGE}figures.csv")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("年度,都道府県コード,都道府県,対象")
    assert lines[1:] == ["2021,13,東京都,3,0,1,0,2,0,0,0"]
    assert Access.objects.filter(what=Access.What.DOWNLOAD, table="renewal_campaign").count() == 1


def test_one_registration_is_ended_and_restored_with_a_reason(year: Year) -> None:
    client = browser(year.stage.approver)
    path = "/office/renewal/standing/E1/"
    assert "登録を終了する" in text_of(client.get("/office/experts/E1/"))
    page = text_of(client.post(path, {"last_day": "2022-02-10", "reason": ""}))
    assert "入力内容を確認してください" in page
    assert 'value="2022-02-10"' in page
    assert "前後1年以内" in text_of(client.post(path, {"last_day": "2202-02-10", "reason": "本人の申し出"}))
    client.post(path, {"last_day": "2022-02-10", "reason": "本人の申し出"})
    assert str(expert().valid_until) == "2022-02-10"
    assert "本人の申し出" in text_of(client.get(path))
    client.post(path, {"reason": "取りやめの申し出"})
    assert expert().valid_until is None
    assert browser(year.stage.operator).get(path).status_code == 403
    assert client.get("/office/renewal/standing/E99/").status_code == 404


def test_the_pages_take_as_many_queries_for_many_people(year: Year) -> None:
    sent(year)
    year.travel("2022-03-01 09:00")
    client = browser(year.stage.approver)
    paths = (PAGE, f"{PAGE}?group=", f"{PAGE}close/", LIST, "/office/")
    few = [queries(client, path) for path in paths]
    with acting(SYSTEM, "test"):
        template = expert("E1")
        campaign = Campaign.objects.get()
        for number in range(30):
            template.pk, template.code, template.user = None, f"F{number}", None
            template._state.adding = True
            template.save()
            Ask.objects.create(campaign=campaign, expert=Expert.objects.get(code=template.code))
    assert [queries(client, path) for path in paths] == few


def queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as caught:
        assert client.get(path).status_code == 200
    return len(caught)


def test_the_look_at_people_is_recorded_and_strangers_see_nothing(year: Year) -> None:
    sent(year)
    browser(year.stage.operator).get(PAGE)
    assert Access.objects.filter(table="renewal_ask", actor_id=year.stage.operator.pk).exists()
    with acting(SYSTEM, "test"):
        admin = User.objects.create(username="kanri", role=Role.OFFICE_ADMIN)
    for stranger in (admin, year.stage.chief, year.stage.experts["E1"]):
        for path in (LIST, PAGE, f"{PAGE}close/", f"{PAGE}people/E2/", f"{PAGE}figures.csv"):
            assert browser(stranger).get(path).status_code == 403, path


def test_what_is_not_there_is_404(year: Year) -> None:
    sent(year)
    client = browser(year.stage.operator)
    for path in (
        "/office/renewal/1999/",
        "/office/renewal/99999999999/",
        f"{PAGE}people/E99/",
        f"{PAGE}nothing/",
    ):
        assert client.get(path).status_code == 404, path
