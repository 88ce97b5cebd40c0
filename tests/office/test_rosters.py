"""Rosters on the office's screens: taken in, chosen from, applied; refusals keep the page."""

import io
from typing import Any

from desk import browser, stage, strangers, text_of
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from stage import Stage, at

from core.audit.acting import SYSTEM, acting
from core.audit.models import Access
from core.exchange.services import load_files
from core.jobs.models import Job
from core.jobs.progress import Progress
from core.jobs.registry import KINDS
from institutions.models import Institution, Roster

__all__ = ["stage"]

HEAD = "機関コード,機関名,機関区分,都道府県コード,電話番号,地域PFコード,地域PF名,地域PF役割"
STANDING = f"""{HEAD}
K1,試験商工会,商工会,13,,P1,見本PF,代表
K2,別の商工会議所,商工会議所,13,,P1,見本PF,構成
K3,丙銀行,認定金融機関,13,,P1,見本PF,構成
K4,丁商工会,商工会,13,,P1,見本PF,構成
K5,戊商工会,商工会,13,,P1,見本PF,構成
"""
ROSTER = f"""{HEAD}
K2,別の商工会議所,商工会議所,13,03-22,P1,見本PF,代表
K3,丙銀行,認定金融機関,13,,P1,見本PF,構成
K4,丁商工会,商工会,13,,P1,見本PF,構成
K5,戊商工会,商工会,13,,P1,見本PF,構成
N1,己中央会,中央会,13,03-66,P1,見本PF,構成
X1,庚商会,商会,13,,P1,見本PF,構成
"""


def sent(client: Client, text: str = ROSTER, name: str = "名簿.csv", **values: Any) -> Any:
    given = {"kind": "platforms", "effective_on": "2021-07-10", "key": "k", **values}
    upload = SimpleUploadedFile(name, text.encode("utf-8-sig"))
    return client.post("/office/rosters/", {**given, "upload": upload})


def standing() -> None:
    load_files({"institutions.csv": io.BytesIO(STANDING.encode())}, actor=SYSTEM)


def test_a_roster_goes_from_the_file_to_the_register(stage: Stage) -> None:
    standing()
    client = browser(stage.operator)
    answer = sent(client)
    roster = Roster.objects.get()
    assert answer["Location"] == f"/office/rosters/{roster.pk}/"
    page = text_of(client.get(f"/office/rosters/{roster.pk}/?outcome=changed"))
    assert "<del>（空）</del> → <ins>03-22</ins>" in page
    assert "決められた値ではありません" in text_of(client.get(f"/office/rosters/{roster.pk}/?outcome=bad"))
    client.post(f"/office/rosters/{roster.pk}/choose/", {"version": 1, "outcome": "gone", "choice": "all"})
    before = text_of(client.get(f"/office/rosters/{roster.pk}/apply/"))
    assert "3行を反映する" in before
    done = client.post(f"/office/rosters/{roster.pk}/apply/", {"version": 2}, follow=True)
    assert "名簿を反映しました" in text_of(done)
    assert Institution.objects.get(code="K2").platform_role == "代表"
    assert str(Institution.objects.get(code="K1").valid_until) == "2021-07-09"
    assert "2021" in text_of(client.get("/office/institutions/K1/")).split("名簿の有効期限")[1][:60]


def test_the_report_is_there_once_it_is_applied_and_its_download_is_recorded(stage: Stage) -> None:
    standing()
    client = browser(stage.operator)
    sent(client, f"{HEAD}\nK5,戊商工会,商工会,13,03-9,P1,見本PF,構成\n", kind="notice")
    path = f"/office/rosters/{Roster.objects.get().pk}/"
    assert client.get(f"{path}report.pdf").status_code == 409
    client.post(f"{path}apply/", {"version": 1})
    assert "完了報告（PDF）" in text_of(client.get(path))
    assert client.get(f"{path}report.pdf").content.startswith(b"%PDF")
    assert client.get(f"{path}report.xlsx").content.startswith(b"PK")
    assert client.get(f"{path}report.exe").status_code == 404
    assert Access.objects.filter(what=Access.What.DOWNLOAD, table="institutions_roster").count() == 2


def test_open_dispatches_of_what_ends_are_told(stage: Stage) -> None:
    stage.applied(stage.application(planned_from=at("07-12 10:00"), planned_to=at("07-12 12:00")))
    standing()
    client = browser(stage.operator)
    sent(client)
    roster = Roster.objects.get()
    client.post(f"/office/rosters/{roster.pk}/choose/", {"version": 1, "outcome": "gone", "choice": "all"})
    for path in ("?outcome=gone", "apply/"):
        page = text_of(client.get(f"/office/rosters/{roster.pk}/{path}"))
        assert "進行中の派遣" in page and "/office/dispatches/?institution=K1" in page and "1件" in page


def test_an_unsound_platform_leaves_no_button(stage: Stage) -> None:
    standing()
    client = browser(stage.operator)
    sent(client)
    roster = Roster.objects.get()
    page = text_of(client.get(f"/office/rosters/{roster.pk}/apply/"))
    # K2 would be the second representative as long as K1 isn't ended
    assert "2機関（試験商工会、別の商工会議所）" in page and "反映する</button>" not in page
    client.post(f"/office/rosters/{roster.pk}/apply/", {"version": 1})
    assert Institution.objects.get(code="K2").platform_role == "構成"


def test_ticked_lines_are_kept_and_an_old_page_is_told(stage: Stage) -> None:
    standing()
    client = browser(stage.operator)
    sent(client)
    roster = Roster.objects.get()
    line = roster.lines.get(code="N1")
    path = f"/office/rosters/{roster.pk}/choose/"
    assert client.post(path, {"version": 1, "outcome": "new", "shown": line.pk, "choice": "page"})[
        "Location"
    ].endswith("?outcome=new")
    assert not roster.lines.get(code="N1").accepted
    old = client.post(
        path, {"version": 1, "outcome": "new", "shown": line.pk, "accepted": line.pk}, follow=True
    )
    assert "別の画面で変わりました" in text_of(old)
    for rubbish in ({}, {"version": "x" * 50}, {"version": 2, "outcome": "bad", "choice": "all"}):
        client.post(path, rubbish)
    assert not roster.lines.get(code="N1").accepted


def test_a_file_that_is_no_roster_says_why_and_keeps_the_form(stage: Stage) -> None:
    client = browser(stage.operator)
    page = text_of(sent(client, "機関名\n甲\n", kind="notice"))
    assert "見出し「機関コード」がありません" in page
    assert 'value="notice"' in page and 'value="2021-07-10"' in page
    assert "前後1年以内" in text_of(sent(client, effective_on="2031-07-10"))
    assert not Roster.objects.exists()


def test_a_dropped_roster_changes_nothing_and_is_kept(stage: Stage) -> None:
    standing()
    client = browser(stage.operator)
    sent(client)
    roster = Roster.objects.get()
    assert "取り下げる" in text_of(client.get(f"/office/rosters/{roster.pk}/drop/"))
    client.post(f"/office/rosters/{roster.pk}/drop/", {"shown": 1})
    assert "取り下げ" in text_of(client.get("/office/rosters/"))
    client.post(f"/office/rosters/{roster.pk}/apply/", {"version": 1})
    assert not Institution.objects.filter(code="N1").exists()


def test_the_difference_takes_as_many_queries_for_many_lines(stage: Stage) -> None:
    client = browser(stage.operator)
    small = take(client, 3, "a")
    large = take(client, 90, "b")
    assert queries(client, small) == queries(client, large)


def take(client: Client, count: int, key: str) -> str:
    lines = "\n".join(f"{key}{number},機関{number},商工会,13" for number in range(count))
    answer = sent(client, f"機関コード,機関名,機関区分,都道府県コード\n{lines}\n", kind="notice", key=key)
    return str(answer["Location"])


def queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as caught:
        client.get(path)
    return len(caught)


def test_the_list_takes_as_many_queries_for_many_rosters(stage: Stage) -> None:
    client = browser(stage.operator)
    take(client, 2, "a")
    one = queries(client, "/office/rosters/")
    for key in "bcd":
        take(client, 2, key)
    assert queries(client, "/office/rosters/") == one


def test_the_look_at_lines_is_recorded_and_strangers_see_none(stage: Stage) -> None:
    client = browser(stage.operator)
    path = take(client, 2, "a")
    client.get(path)
    assert Access.objects.filter(table="institutions_rosterline", actor_id=stage.operator.pk).exists()
    for stranger in strangers(stage):
        assert browser(stranger).get(path).status_code == 403


def test_another_persons_change_is_told_on_the_page(stage: Stage) -> None:
    standing()
    client = browser(stage.operator)
    sent(client, f"{HEAD}\nK5,戊商工会,商工会,13,03-9,P1,見本PF,構成\n", kind="notice")
    with acting(SYSTEM, "desk"):
        Institution.objects.filter(code="K5").update(phone="03-8")
    roster = Roster.objects.get()
    answer = client.post(f"/office/rosters/{roster.pk}/apply/", {"version": 1}, follow=True)
    assert "K5 戊商工会" in text_of(answer) and "もう一度読み込んで" in text_of(answer)


def test_many_lines_are_applied_by_a_job_whose_progress_stands_on_the_page(stage: Stage) -> None:
    client = browser(stage.operator)
    text = HEAD + "\n" + "".join(f"J{n},機関{n},商工会,13,,,,\n" for n in range(301))
    sent(client, text, kind="notice")
    path = f"/office/rosters/{Roster.objects.get().pk}/"
    assert client.post(f"{path}apply/", {"version": 1})["Location"] == path
    page = text_of(client.get(path))
    assert "構成機関名簿の反映: 名簿.csv" in page
    assert "採用した301行の反映へ" not in page
    assert not Institution.objects.filter(code="J0").exists()
    job = Job.objects.get(kind="apply_roster")
    KINDS[job.kind].run(job.arguments, Progress())
    assert "反映済" in text_of(client.get(path))
