"""What every page is asked: axe-core's rules, no sideways scrolling from 360 to 1920 px and with text twice as large."""

from pathlib import Path
from typing import Any

AXE = (Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
# WCAG 2.2 AA, which JIS X 8341-3 follows, and axe's own advice on headings and landmarks.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (360, 1920)
HEIGHT = 900
# The rest of what axe-core tells is long, and slow to hand over.
_RUN = """async tags => {
  const told = await axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]});
  return told.violations;
}"""
# A table may scroll inside its own box; the page may not.
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def complaints(page: Any) -> list[str]:
    """What axe-core says against the page as it is shown now: rule, element, reason."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(_RUN, TAGS)
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ]


def overflows(page: Any) -> list[str]:
    """The widths at which the page scrolls sideways, also with text twice as large (WCAG 1.4.4, 1.4.10)."""
    found = []
    before = page.viewport_size
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        if (wider := page.evaluate(_WIDER)) > 0:
            found.append(f"{wider} px too wide at {width} px")
    # 1280 px enlarged twice are 640; a larger text alone must fit there, too
    page.set_viewport_size({"width": 640, "height": HEIGHT})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    if (wider := page.evaluate(_WIDER)) > 0:
        found.append(f"{wider} px too wide with text of 200 %")
    page.evaluate("document.documentElement.style.fontSize = ''")
    page.set_viewport_size(before)
    return found


def judge(page: Any, *, phone: bool = False) -> list[str]:
    """Everything against the page at desktop and phone width; `phone`: only as a phone shows it."""
    found = [] if phone else complaints(page)
    before = page.viewport_size
    page.set_viewport_size({"width": 375, "height": HEIGHT})
    found += [f"375 px: {each}" for each in complaints(page)]
    page.set_viewport_size(before)
    return found + overflows(page)
