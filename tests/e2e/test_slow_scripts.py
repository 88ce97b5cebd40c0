"""On a slow line a person types before the page's scripts have come: nothing of it is passed over."""

import datetime as dt
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, expect

from core import clock

sys.path.append(str(Path(__file__).resolve().parent))

import story_people


def test_what_is_typed_before_the_scripts_come_is_saved_and_checked(desk: Any, site: Any) -> None:
    story_people.gather(site)
    page: Page = desk.sign_in("kikan")
    held: list[Route] = []
    came = False

    def hold(route: Route) -> None:
        if came:
            route.continue_()
        else:
            held.append(route)

    page.route("**/*.js", hold)
    page.goto(f"/portal/cases/{story_people.case().code}/apply/?expert=E1", wait_until="commit")
    page.locator("#id_day").fill(f"{clock.today() + dt.timedelta(days=1)}")
    page.locator("#id_start").fill("12:00")
    page.locator("#id_end").fill("10:00")
    page.locator("[name=place]").fill("見本町1")
    assert held
    came = True
    for route in held:
        route.continue_()
    expect(page.locator("#checks")).to_contain_text("予定の時刻")
    expect(page.locator("[data-autosave-status]")).to_contain_text("保存しました")
    page.reload()
    expect(page.locator("#id_start")).to_have_value("12:00")
    expect(page.locator("[name=place]")).to_have_value("見本町1")
