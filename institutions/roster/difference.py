"""The difference between a roster and the register, line by line. Pure: reads no database."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from institutions.exchange import INSTITUTIONS
from institutions.models import Roster, RosterLine
from rules import codes

from .entries import VALID_UNTIL
from .reading import ACTION, ADDED, ALTERED, CHIEF_EMAIL, CHIEF_NAME, COLUMNS, ENDED, KEY, Fault, Row

Outcome = RosterLine.Outcome
MAY_NOT_DISPATCH = "構成機関（派遣対象外）"
_PLATFORM, _PLATFORM_NAME, _ROLE = "地域PFコード", "地域PF名", "地域PF役割"
_REQUIRED = tuple(column.name for column in INSTITUTIONS.columns if column.required)


@dataclass(slots=True)
class Difference:
    """One line of the difference. `values` is what the line would set, `before` the entry as it stands."""

    line: int
    code: str
    name: str
    outcome: str
    values: dict[str, str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    chief_name: str = ""
    chief_email: str = ""


def compare(
    rows: list[Row], register: Mapping[str, dict[str, str]], kind: str, effective_on: dt.date
) -> list[Difference]:
    """Lines in the order of the file, then what is gone, by code.

    `register`: the entries (`entries.texts_of`) by code. Which entries an absence means depends on Roster.Kind.
    """
    found = [_of_row(row, register, kind, effective_on) for row in rows]
    if kind == Roster.Kind.NOTICE:
        return found
    named = {row.code for row in rows if row.code}
    # a line whose code can't be read may mean anybody: then nobody is called gone
    if any(not row.code for row in rows):
        return found
    platforms = {row.values.get(_PLATFORM) or register.get(row.code, {}).get(_PLATFORM, "") for row in rows}
    for code in sorted(register.keys() - named):
        entry = register[code]
        covered = entry[_PLATFORM] and (kind == Roster.Kind.NATION or entry[_PLATFORM] in platforms)
        if covered and not entry[VALID_UNTIL]:
            found.append(Difference(0, code, entry["機関名"], Outcome.GONE, before=entry))
    return found


def _of_row(row: Row, register: Mapping[str, dict[str, str]], kind: str, effective_on: dt.date) -> Difference:
    before = register.get(row.code, {})
    values = {name: row.values[name] for name in COLUMNS if name in row.values}
    whole = {**dict.fromkeys(COLUMNS, ""), **before, **values}
    action = row.values.get(ACTION, "")
    faults = [*row.faults, *_action_faults(action, row.code, before, kind)]
    found = Difference(row.line, row.code, whole["機関名"][:200], Outcome.BAD, values, before, faults)
    found.chief_name = row.values.get(CHIEF_NAME, "")
    found.chief_email = row.values.get(CHIEF_EMAIL, "")
    if action != ENDED:
        faulty = {fault.column for fault in faults}
        faults.extend(fault for fault in _entry_faults(whole) if fault.column not in faulty)
    if faults:
        return found
    if action == ENDED:
        found.outcome = Outcome.UNCHANGED if before[VALID_UNTIL] else Outcome.GONE
        found.values = {}
    elif not before:
        found.outcome = Outcome.NEW
        found.notes = [*_entry_notes(whole, effective_on), *_chief_notes(found, whole)]
    elif changes(values, before):
        found.outcome = Outcome.CHANGED
        found.notes = _entry_notes(whole, effective_on)
    else:
        found.outcome = Outcome.UNCHANGED
    return found


def changes(values: Mapping[str, str], before: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Column, old and new value of everything a line would change; an ended institution comes to life again."""
    # the order of the file's definition: what is kept as JSON has none of its own
    found = [
        (name, before.get(name, ""), values[name])
        for name in COLUMNS
        if name in values and before.get(name, "") != values[name]
    ]
    if before.get(VALID_UNTIL):
        found.append((VALID_UNTIL, before[VALID_UNTIL], ""))
    return found


def _action_faults(action: str, code: str, before: dict[str, str], kind: str) -> list[Fault]:
    if not action or not code:
        return []
    if action == ADDED and before:
        return [
            Fault(ACTION, action, "この機関コードは登録済みです。「変更」にするか、コードをご確認ください。")
        ]
    if action in (ALTERED, ENDED) and not before:
        return [
            Fault(
                ACTION,
                action,
                "この機関コードは登録されていません。「新規」にするか、コードをご確認ください。",
            )
        ]
    if action == ENDED and kind != Roster.Kind.NOTICE:
        return [Fault(ACTION, action, "「廃止」は変更届出書で使えます。名簿では、行を除いてください。")]
    return []


def _entry_faults(whole: dict[str, str]) -> list[Fault]:
    """What an entry of a roster must not be, whatever of it the file says."""
    found = [
        Fault(name, "", "必須の項目が空です。") for name in _REQUIRED if name != KEY and not whole.get(name)
    ]
    platform, name, role = whole[_PLATFORM], whole[_PLATFORM_NAME], whole[_ROLE]
    if platform and not role:
        found.append(Fault(_ROLE, role, "地域PFコードがあるときは、代表 または 構成 を入れてください。"))
    if platform and not name:
        found.append(Fault(_PLATFORM_NAME, name, "地域PFコードがあるときは、名前を入れてください。"))
    if role and not platform:
        found.append(Fault(_PLATFORM, platform, "地域PF役割があるときは、コードを入れてください。"))
    if whole["機関区分"] == MAY_NOT_DISPATCH and not platform and not role:
        found.append(
            Fault(
                _PLATFORM,
                platform,
                "派遣対象外の機関は、地域プラットフォームの構成機関だけです。コードを入れてください。",
            )
        )
    return found


def _entry_notes(whole: dict[str, str], effective_on: dt.date) -> list[str]:
    found: list[str] = []
    if whole["機関区分"].startswith("認定") and not whole["認定支援機関番号"]:
        found.append("認定の機関区分ですが、認定支援機関番号がありません。")
    until = whole["認定有効期限"]
    if until and until < effective_on.isoformat():
        found.append(f"認定の有効期限（{until}）が適用日より前です。")
    return found


def _chief_notes(found: Difference, whole: dict[str, str]) -> list[str]:
    if whole["機関区分"] == MAY_NOT_DISPATCH or found.chief_email or whole["メールアドレス"]:
        return []
    return ["メールアドレスがないため、IDの案内を送れません。反映した後に、利用者を登録してください。"]


def dispatching_kinds() -> tuple[str, ...]:
    """The kinds of institutions that may dispatch (spec 002 §1 注2 ①–⑫)."""
    return tuple(kind for kind in codes.INSTITUTION_KINDS if kind not in (MAY_NOT_DISPATCH, "よろず支援拠点"))
