"""The office's part of a registration in the browser: beside the papers, one likely double, approval; report and merge."""

import sys
import time
from pathlib import Path
from typing import Any

from accessibility import judge
from django.test import Client

sys.path.append(str(Path(__file__).resolve().parent.parent / "experts"))

import registration_story as story

from experts.models import Expert
from experts.registration.services import approve


def signed_in(desk: Any, site: Any, user: Any, path: str) -> Any:
    """A browser of somebody who has just signed in."""
    client = Client()
    client.force_login(user)
    session = client.session
    session["confirmed_at"] = time.time()
    session["has_second_factor"] = True
    session.save()
    page = desk.open("/sign-in/")
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site.url}]
    )
    page.goto(path)
    return page


def quiet(desk: Any, page: Any) -> None:
    """Nothing against the page; axe-core sets styles while it measures, of which the policy complains."""
    assert desk.trouble == []
    assert judge(page) == []
    desk.trouble.clear()


def test_a_registration_is_approved_reported_and_its_double_merged(desk: Any, site: Any) -> None:
    people = story.build()
    first, _ = story.at_office(people)
    there = approve(registration=first, actor=people.operator, duplicates_seen=())
    row, _ = story.at_office(
        people, story.entry(email="again@example.jp"), candidate_email="again@example.jp"
    )
    page = signed_in(desk, site, people.approver, "/office/registrations/")
    quiet(desk, page)
    page.get_by_role("link", name=row.number).click()
    page.get_by_role("heading", name="同じ人の可能性").wait_for()
    quiet(desk, page)
    page.get_by_role("button", name="承認して登録する").click()
    page.locator(".error-summary").wait_for()
    quiet(desk, page)
    page.get_by_label("どれとも別の人であることを確認しました").check()
    page.get_by_role("button", name="承認して登録する").click()
    page.get_by_text("として登録しました").wait_for()
    quiet(desk, page)
    double = Expert.objects.get(registration=row)

    page.goto("/office/experts/")
    page.get_by_label("氏名・カナ・コード・分野・資格").press_sequentially("みほん")
    page.get_by_text("氏名が一致").first.wait_for()
    quiet(desk, page)
    page.goto("/office/experts/report/")
    quiet(desk, page)
    page.get_by_label("目的").fill("庁への報告のため")
    with page.expect_download() as download:
        page.get_by_role("button", name="書き出す").click()
    assert download.value.suggested_filename.endswith(".csv")

    page.goto(f"/office/experts/{there.code}/merge/")
    quiet(desk, page)
    page.get_by_role("link", name="並べて見る").first.click()
    page.get_by_role("button", name="統合する").wait_for()
    quiet(desk, page)
    page.get_by_label("統合の理由").fill("本人に確認した")
    page.get_by_label("二つの登録が同じ人のものであることを確かめました").check()
    page.get_by_role("button", name="統合する").click()
    page.get_by_text(f"{double.code} を {there.code} に統合しました").wait_for()
    quiet(desk, page)
