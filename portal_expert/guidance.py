"""Findings for the expert who reports: whose turn it is, and where to mend what can be mended (rules.md §5).

The words are those of every portal (dispatch/finding_words.py); while the report is still open they say what to press.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from dispatch.finding_words import Told, told
from rules.findings import Finding

from .causes import FINDING_OF

YOU, OTHERS, NEXT = "you", "others", "next"
_SLUG_OF_CODE = {code: slug for slug, code in FINDING_OF.items()}
# code → what to do on the page that is open, and the part of it
_HERE = {
    "T01": ("領収書と半券の画像を、その行に付けてください。", "travel"),
    "T02": ("領収書の画像を、その行に付けてください。", "travel"),
    "T03": ("公共交通機関がなかった場合は、その行の欄にチェックを入れてください。", "travel"),
    "T04": ("その行に、泊まる必要があった理由を書いてください。", "travel"),
    "T05": ("座席の記入を確かめてください。普通席でないときは、事務局が判断します。", "travel"),
    "L03": ("ほかの派遣と時間が重なっています。支援の時刻を確かめてください。", "times"),
}
# the steps that come anyway
_COMING = ("P01", "P02", "P03")
# what the institution states when it approves
_OF_APPROVAL = ("P04", "P05")
_BANK = ("B01", "B02")


@dataclass(frozen=True, slots=True)
class Advice:
    """A finding in plain words with what to do: whose turn (you, others, next: a step that comes anyway), and where."""

    told: Told
    turn: str
    text: str
    # part of the report's page, or the declaration to hand in
    section: str = ""
    declaration: str = ""


def advice(finding: Finding, *, writing: bool) -> Advice:
    """What to do about one finding; `writing` while the report can still be changed."""
    code = finding.code
    words = told(code, finding.kind, finding.expected, finding.actual)
    if code in _COMING:
        return Advice(words, NEXT, words.next_step)
    if code in _SLUG_OF_CODE:
        text = "申告書を提出してください。" if writing else words.next_step
        return Advice(words, YOU, text, "times" if writing else "", _SLUG_OF_CODE[code])
    if code in _HERE:
        text, section = _HERE[code]
        return Advice(words, YOU, text, section) if writing else Advice(words, YOU, words.next_step)
    return Advice(words, YOU if code in _BANK else OTHERS, words.next_step)


def advised(findings: Iterable[Finding], *, writing: bool, approved: bool = False) -> dict[str, list[Advice]]:
    """Findings by whose turn it is; what the institution's approval asks for is told once it has `approved`."""
    found: dict[str, list[Advice]] = {YOU: [], OTHERS: [], NEXT: []}
    for finding in findings:
        if finding.code in _OF_APPROVAL and not approved:
            continue
        one = advice(finding, writing=writing)
        found[one.turn].append(one)
    return found
