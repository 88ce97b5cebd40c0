"""Takes the pictures in this folder: `python -m docs.screens.take` (make screens)."""

# ruff: noqa: T201 - it speaks to a person

from dataclasses import dataclass
from pathlib import Path

from docs.screens.stage import PROJECT, keep, stage, window

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: its file name, who looks, where the way starts, and which links lead on from there."""

    name: str
    username: str
    start: str
    links: tuple[str, ...] = ()


# the newest month, and in it the tile of what is held
MONTH = "main tbody a.row-link"
HELD = 'main a[href*="kind=保留"]'

SHOTS = (
    Shot("home", "demo.approver", "/office/"),
    Shot("month", "demo.operator", "/office/months/", (MONTH,)),
    Shot("dispatch", "demo.operator", "/office/months/", (MONTH, HELD, "#list tbody a.row-link")),
    Shot("run", "demo.approver", "/office/runs/", ("tbody a.row-link",)),
    Shot("payout", "demo.operator", "/office/runs/", ("tbody a.row-link", "#rows tbody a.row-link")),
    Shot("admin", "demo.admin", "/admin/programme/ruleset/", ("#result_list tbody a",)),
)


def main() -> None:
    """Builds the story, takes every picture."""
    with stage() as where:
        for shot in SHOTS:
            with window(where, shot.username) as page:
                page.goto(shot.start)
                for link in shot.links:
                    page.locator(link).first.click()
                    page.wait_for_load_state()
                print(keep(page, FOLDER / f"{shot.name}.png").relative_to(PROJECT))


if __name__ == "__main__":
    main()
