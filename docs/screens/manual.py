"""Takes the pictures of the manuals (docs/manual/pictures): `python -m docs.screens.manual` (make manual).

Each walk is a person of the demonstration who goes through the product; what changes data comes last in a walk.
Names on the command line take only the walks so called.
"""

# ruff: noqa: T201 - it speaks to a person

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from docs.screens.stage import PROJECT, Stage, keep, stage, window

FOLDER = PROJECT / "docs" / "manual" / "pictures"
# No picture of a manual is larger (bytes).
LARGEST = 150_000
FIRST_ROW = "main tbody a.row-link"

# What a worker does every night in a real office.
NIGHT = (
    "from core.audit.acting import SYSTEM\n"
    "from dispatch.services.signals import look_for_signals\n"
    "look_for_signals(actor=SYSTEM)"
)

Take = Callable[..., Path]


@dataclass(frozen=True, slots=True)
class Walk:
    """Who walks (nobody signed in when empty), on what, and where to."""

    username: str
    steps: Callable[[Page, Take], None]
    phone: bool = False


def sign_in(page: Page, take: Take) -> None:
    """The page for those who aren't signed in."""
    page.goto("/sign-in/")
    take("sign-in")


def institution(page: Page, take: Take) -> None:
    """From the start page over a case and its experts to an application; dispatch and approval."""
    page.goto("/portal/")
    take("portal-home")
    page.goto("/portal/clients/")
    take("portal-clients")
    page.goto("/portal/cases/?sort=code")
    page.locator(FIRST_ROW).first.click()
    take("portal-case")
    page.locator("main a:has-text('専門家を探す')").first.click()
    take("portal-experts")
    page.goto("/portal/dispatches/?status=reported")
    page.locator(FIRST_ROW).first.click()
    take("portal-dispatch")
    page.goto("/portal/figures/")
    take("portal-figures")
    page.goto("/portal/approvals/")
    page.locator(FIRST_ROW).first.click()
    take("portal-approval")
    page.goto("/portal/cases/?sort=code")
    page.locator(FIRST_ROW).first.click()
    page.locator("main a:has-text('専門家を探す')").first.click()
    page.locator("main a:has-text('申請に進む')").first.click()
    page.get_by_label("対面").check()
    page.fill("#id_place", "本社 2階 会議室")
    page.locator("#id_place").blur()
    take("portal-apply", top="main h1")


def expert(page: Page, take: Take) -> None:
    """An offer, a report, declarations, the QR code; then a visit with its signature."""
    page.goto("/expert/")
    take("expert-home")
    page.goto("/expert/")
    _open(page, "承諾または辞退の回答")
    take("expert-offer")
    page.goto("/expert/")
    _open(page, "支援実績報告と旅費請求")
    report = page.locator("a[href$='/report/']").first.get_attribute("href") or ""
    number = report.split("/")[-3]
    page.goto(f"/expert/dispatches/{number}/declarations/")
    take("expert-declarations")
    page.goto(f"/expert/visits/{number}/")
    with page.expect_navigation():
        page.get_by_role("button", name="QRコードを表示する").click()
    take("expert-qr")
    page.goto(report)
    page.get_by_role("button", name="見出しを入れる").click()
    page.locator("button[value='add:鉄道']").click()
    for name, value in {
        "origin": "自宅最寄り駅",
        "destination": "支援先最寄り駅",
        "km": "12.5",
        "fare": "330",
    }.items():
        page.fill(f"[name='l1-{name}']", value)
    page.get_by_role("button", name="帰りも同じ").click()
    take("expert-report", top="#travel")
    with page.expect_navigation():
        page.get_by_role("button", name="確認へ進む").click()
    take("expert-check")
    page.goto("/expert/dispatches/?status=reported")
    page.locator("main h2 a").first.click()
    take("expert-dispatch")
    page.goto("/expert/fees/")
    take("expert-fees")
    page.goto("/expert/")
    page.locator(
        "section[aria-labelledby=today] .visit-card a, section[aria-labelledby=coming] .visit-card a"
    ).first.click()
    take("expert-visit")
    page.locator("#check-in").click()
    page.locator("#hand-over").click()
    page.locator("#signer-name").fill("代表者")
    take("expert-sign")


def _open(page: Page, waits_for: str) -> None:
    """Opens the first thing on the expert's start page that waits for this."""
    page.locator(f"section[aria-labelledby=to-do] li:has-text('{waits_for}') a").first.click()


def office(page: Page, take: Take) -> None:
    """From the start page through the day's work to the month."""
    page.goto("/office/")
    take("office-home")
    page.goto("/office/reception/")
    take("office-reception")
    page.goto("/office/queue/")
    take("office-queue")
    page.goto("/office/queue/?code=E04")
    page.locator(FIRST_ROW).first.click()
    take("office-dispatch")
    page.goto("/office/travel/")
    page.locator(FIRST_ROW).first.click()
    take("office-travel")
    page.goto("/office/signals/?kind=copied_report")
    page.locator("main tbody a").first.click()
    take("office-signals")
    page.goto("/office/months/")
    page.locator(FIRST_ROW).first.click()
    take("office-month")
    page.goto("/office/runs/")
    page.locator(FIRST_ROW).first.click()
    take("office-run")


WALKS = {
    "sign-in": Walk("", sign_in),
    "institution": Walk("demo.chief", institution),
    "office": Walk("demo.approver", office),
    "expert": Walk("demo.expert", expert, phone=True),
}


def walk(where: Stage, one: Walk) -> None:
    """Takes the pictures of one walk. SystemExit for one that is too large."""
    with window(where, one.username, phone=one.phone) as page:

        def take(name: str, top: str = "") -> Path:
            path = keep(page, FOLDER / f"{name}.png", top=top)
            size = path.stat().st_size
            print(path.relative_to(PROJECT), f"{size:,}")
            if size > LARGEST:
                sys.exit(f"写真が大きすぎます（{size:,}バイト）：{name}")
            return path

        one.steps(page, take)


def main() -> None:
    """Builds the demonstration and takes the pictures of every walk, or of those named."""
    FOLDER.mkdir(exist_ok=True)
    with stage(("manage.py", "shell", "--no-imports", "-c", NIGHT)) as where:
        for name in sys.argv[1:] or WALKS:
            walk(where, WALKS[name])


if __name__ == "__main__":
    main()
