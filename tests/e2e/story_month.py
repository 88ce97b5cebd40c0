"""How the story ends: the claim on the phone, the office's check, the month until it is closed, the expert's notice."""

import datetime as dt
import io
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import story_people
from django.core.management import call_command
from django.db import connections
from PIL import Image
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from core import clock
from core.audit.acting import SYSTEM
from core.exchange.services import load_folder
from core.japan.calendar import next_bank_day
from core.jobs.models import Job
from core.jobs.services import execute_job
from dispatch.models import Dispatch, Receipt, Status
from payments.models import Payout, PayoutRun
from payments.services import export_run

GPS = 0x8825


def photo() -> bytes:
    """A JPEG as a phone takes it: its EXIF says where."""
    exif = Image.Exif()
    exif.get_ifd(GPS).update({1: "N", 2: (35.0, 40.0, 52.0), 3: "E", 4: (139.0, 46.0, 1.0)})
    file = io.BytesIO()
    Image.new("RGB", (600, 800), "white").save(file, "JPEG", exif=exif)
    assert Image.open(io.BytesIO(file.getvalue())).getexif().get_ifd(GPS)
    return file.getvalue()


def claim(phone: Page) -> None:
    """A drive of one's own and a taxi with its receipt, into the open report."""
    phone.get_by_role("button", name="私有車", exact=True).click()
    drive = phone.locator("#line-1")
    drive.get_by_label("出発地").fill("自宅")
    drive.get_by_label("到着地").fill("支援先")
    drive.get_by_label("距離km").fill("110.4")
    drive.get_by_label("請求額").fill("5,000")
    phone.get_by_role("button", name="タクシー", exact=True).click()
    taxi = phone.locator("#line-2")
    taxi.get_by_label("出発地").fill("駅")
    taxi.get_by_label("請求額").fill("2,400")
    taxi.get_by_label("公共交通機関がない").check()
    with phone.expect_file_chooser() as choosing:
        taxi.get_by_role("button", name="領収書を撮る・選ぶ").click()
    choosing.value.set_files({"name": "taxi.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    expect(taxi.get_by_text("領収書 添付済")).to_be_visible()
    expect(drive.get_by_label("請求額")).to_have_value("5,000")


def check(office: Page, number: str, fine: Callable[[Page], None]) -> None:
    """The finding in the queue, the distance accepted, the finding gone, 確認済, the evidence file."""
    office.goto("/office/queue/?code=T07")
    expect(office.get_by_role("link", name=number).first).to_be_visible()
    fine(office)
    office.goto(f"/office/travel/{number}/")
    picture = office.request.get(f"/receipts/{Receipt.objects.get().uuid}/")
    assert picture.status == 200
    assert not Image.open(io.BytesIO(picture.body())).getexif().get_ifd(GPS)
    office.get_by_label("1行目（私有車）の認定距離km").fill("108.7")
    office.get_by_label("1行目の理由").fill("最短経路")
    fine(office)
    office.get_by_role("button", name="認定する", exact=True).dblclick()
    expect(office.get_by_text("旅費 1行を認定しました")).to_be_visible()
    assert not Dispatch.objects.get().findings.filter(code="T07").exists()
    office.goto("/office/queue/?code=T07")
    expect(office.get_by_role("link", name=number)).to_have_count(0)
    # the phone's clock was set to the plan's hours: a finding that a person looks at
    office.goto(f"/office/dispatches/{number}/")
    review = office.locator("[data-act=review]").first
    review.locator("summary").click()
    review.locator("textarea").fill("支援先に時刻を確認した。")
    review.get_by_role("button", name="確認した", exact=True).click()
    expect(office.locator("[data-act=review]")).to_have_count(0)
    office.goto(f"/office/dispatches/{number}/#acts")
    office.locator("summary").filter(has_text="確認済にする").click()
    with office.expect_response(lambda answer: "/acts/verify/" in answer.url):
        office.get_by_role("button", name="確認済にする", exact=True).dblclick()
    expect(office.get_by_text("確認済にしました").first).to_be_visible()
    assert Dispatch.objects.get().status == Status.VERIFIED
    evidence = office.request.get(f"/office/dispatches/{number}/evidence.pdf")
    assert evidence.body().startswith(b"%PDF")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(evidence.body())).pages)
    assert "販路の助言をした。" in re.sub(r"\s", "", text)


def work(kind: str) -> None:
    """The worker's part: the one job of this kind that waits."""
    waiting = Job.objects.filter(kind=kind, status=Job.Status.QUEUED)
    end = time.monotonic() + 15
    while not waiting.exists() and time.monotonic() < end:
        time.sleep(0.1)
    job = waiting.get()
    execute_job(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.DONE, job.error


def decide(page: Page, run: str, act: str, label: str) -> None:
    """One of the run's acts through its confirmation, pressed twice."""
    page.goto(f"/office/runs/{run}/")
    page.get_by_role("link", name=label, exact=True).click()
    page.wait_for_url(f"**/{act}/")
    page.get_by_role("button", name=label, exact=True).dblclick()
    page.wait_for_url(f"**/office/runs/{run}/")


def pay(office: Page, approver: Page, fine: Callable[[Page], None]) -> PayoutRun:
    """The month of the visit: drafted, computed, approved by another, exported, transferred, closed."""
    visited = Dispatch.objects.get().visited_from
    assert visited is not None
    visited = visited.astimezone(clock.JST)
    # what was approved in this minute is before the cut-off from the next one on
    time.sleep(61 - clock.now().second)
    office.goto("/office/runs/new/")
    office.locator("#id_month").fill(f"{visited:%Y-%m}")
    office.locator("#id_pay_date").fill(next_bank_day(clock.today() + dt.timedelta(days=10)).isoformat())
    if (visited.year, visited.month) == (clock.today().year, clock.today().month):
        office.locator("#id_cutoff").fill(f"{clock.now().astimezone(clock.JST):%Y-%m-%dT%H:%M}")
    fine(office)
    office.get_by_role("button", name="下書きを作り計算する").dblclick()
    office.wait_for_url(re.compile(r"/office/runs/\d{4}-\d\d/$"))
    run = PayoutRun.objects.get()
    work("compute_run")
    run.refresh_from_db()
    held = list(run.holds.values_list("code", "reason"))
    assert (run.status, run.dispatch_count, run.payee_count) == (PayoutRun.Status.COMPUTED, 1, 1), held
    office.goto(f"/office/runs/{run.name}/")
    expect(
        office.get_by_text("作成者は承認できません").or_(office.get_by_text("承認者")).first
    ).to_be_visible()
    fine(office)
    decide(approver, run.name, "approve", "承認する")
    assert Dispatch.objects.get().status == Status.SCHEDULED
    office.goto(f"/office/runs/{run.name}/")
    office.get_by_role("button", name="出力する", exact=True).dblclick()
    office.wait_for_load_state("load")
    work("export_run")
    decide(office, run.name, "transfer", "振込済にする")
    assert Dispatch.objects.get().status == Status.PAID
    decide(office, run.name, "close", "完了にする")
    run.refresh_from_db()
    assert run.status == PayoutRun.Status.CLOSED
    return run


def take_notice(phone: Page, fine: Callable[[Page], None]) -> None:
    """The expert reads what was paid and opens the payment notice."""
    payout = Payout.objects.get()
    # the pay date may lie in the next year
    phone.goto(f"/expert/fees/?by=calendar&year={payout.run.pay_date.year}")
    expect(phone.get_by_text(f"{payout.net:,}円").first).to_be_visible()
    fine(phone)
    with phone.expect_download() as taking:
        phone.get_by_role("button", name="支払通知書").click()
    content = Path(taking.value.path()).read_bytes()
    assert content.startswith(b"%PDF")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    assert f"{payout.net:,}" in text


def close_again(run: PayoutRun, exported: Path, folder: Path, template: str, clones: Any) -> None:
    """Another database that was given the exported files alone closes the month to the same bytes."""
    from accounts.models import User

    export_run(run=run, directory=folder / "lived", actor=run.maker)
    here = connections["default"].settings_dict["NAME"]
    name = f"{here}_b"
    clones._clone(template, name)
    clones._point_to(name)
    try:
        result = load_folder(exported, actor=SYSTEM)
        assert result.ok, list(result.problems)
        story_people.amounts_of_today()
        story_people.two_of_the_office(User)
        cutoff = run.cutoff.astimezone(clock.JST)
        given = {"maker": "tanto", "checker": "shonin", "pay_date": run.pay_date.isoformat()}
        if cutoff.date() <= clock.today():
            given["cutoff"] = f"{cutoff:%Y-%m-%d %H:%M}"
        call_command("close_month", f"{run.month:%Y-%m}", output=str(folder / "loaded"), **given)
    finally:
        clones._point_to(here)
        clones._drop(name)
    first, second = (
        {
            str(path.relative_to(folder / part)): path.read_bytes()
            for path in (folder / part).rglob("*")
            if path.is_file()
        }
        for part in ("lived", "loaded")
    )
    assert {"zengin.txt", "payouts.csv"} <= set(first)
    assert sorted(first) == sorted(second)
    for file_name, content in first.items():
        assert second[file_name] == content, file_name
