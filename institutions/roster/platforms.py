"""What a 地域プラットフォーム must be (spec 002 §1 注2): a representative, at least 4 institutions, several kinds that may dispatch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rules import codes

from .difference import dispatching_kinds
from .entries import VALID_UNTIL

LEAST_MEMBERS = 4
LEAST_KINDS = 2

Entry = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PlatformFault:
    """A rule a platform wouldn't meet. It blocks, unless the platform doesn't meet it today either."""

    platform: str
    name: str
    rule: str
    expected: str
    actual: str
    blocks: bool


def check_platforms(before: Iterable[Entry], after: Iterable[Entry]) -> list[PlatformFault]:
    """The rules that platforms touched by a change wouldn't meet, by code; a platform without members is no more."""
    was, will = _by_platform(before), _by_platform(after)
    found: list[PlatformFault] = []
    for code in sorted(was.keys() | will.keys()):
        members = will.get(code, [])
        if not members or members == was.get(code, []):
            continue
        stood = {rule for rule, _, _ in _faults(was.get(code, []))} if code in was else set()
        name = next((entry["地域PF名"] for entry in members if entry["地域PF名"]), "")
        found.extend(
            PlatformFault(code, name, rule, expected, actual, rule not in stood)
            for rule, expected, actual in _faults(members)
        )
    return found


def _by_platform(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda each: each["機関コード"]):
        if entry["地域PFコード"] and not entry[VALID_UNTIL]:
            found.setdefault(entry["地域PFコード"], []).append(entry)
    return found


def _faults(members: list[Entry]) -> list[tuple[str, str, str]]:
    """Rule, expected and actual of each rule that these members don't meet."""
    found = []
    leaders = [entry for entry in members if entry["地域PF役割"] == codes.PLATFORM_REPRESENTATIVE]
    if len(leaders) != 1:
        named = "、".join(entry["機関名"] for entry in leaders[:3])
        found.append(("代表機関", "1機関", f"{len(leaders)}機関" + (f"（{named}）" if named else "")))
    if len(members) < LEAST_MEMBERS:
        found.append(("支援機関の数", f"{LEAST_MEMBERS}機関以上", f"{len(members)}機関"))
    kinds = {entry["機関区分"] for entry in members} & set(dispatching_kinds())
    if len(kinds) < LEAST_KINDS:
        listed = "、".join(sorted(kinds)) or "なし"
        found.append(("派遣可能な機関の種類", f"{LEAST_KINDS}種類以上", f"{len(kinds)}種類（{listed}）"))
    return found
