"""What the person does by the link: typing, submitting. Nobody is signed in; the registration stands for the person."""

import json
from collections.abc import Mapping
from typing import Any, Final

from core import clock
from core.agreements.models import TextCode
from core.agreements.services import agree, shown_text
from core.audit.acting import acting
from core.errors import DomainError, FieldErrors

from .. import checking
from ..fields import BY_NAME, taken
from ..models import Certificate, Entry, FieldReturn, Registration, Submission
from ..states import ENTERING, State
from . import telling
from .steps import Candidate, Side, locked_by_person, require_state, step

TEXTS: Final = (TextCode.EXPERT_TERMS, TextCode.EXPERT_PRIVACY)
"""The texts that a person agrees to with the submission."""


class EntryConflict(DomainError):
    """The entry was changed elsewhere (another tab, another device). `entry` and `revision` are what stands there."""

    def __init__(self, entry: dict[str, Any], revision: int) -> None:
        self.entry, self.revision = entry, revision
        super().__init__(
            "別の画面で入力が進んでいます。ここでの入力は画面に残っています。"
            "最新の内容を読み込むか、この画面の内容で置き換えるかを選んでください。",
            code="conflict",
        )


class EntryRefused(FieldErrors):
    """What was typed can't be submitted yet. `by_field`: field → sentence; `problems`: field → every sentence."""

    def __init__(self, problems: checking.Problems) -> None:
        self.problems = problems
        super().__init__({name: " ".join(why) for name, why in problems.items()})


def save_entry(*, registration: Registration, entry: Mapping[str, Any], revision: int) -> int:
    """Keeps what was typed, right or wrong; answers the new revision. Raises EntryConflict when it isn't the newest.

    `registration` is what `registration_by_token` answered; LinkUnusable when its link has died since. Unknown names
    are dropped. The same content again changes nothing.
    """
    fields = taken(entry)
    content = json.dumps(fields, ensure_ascii=False, sort_keys=True)
    with acting(Candidate.of(registration), "save_registration_entry"):
        row = locked_by_person(registration)
        require_state(row, ENTERING, "入力の変更を")
        if row.entry_revision and row.entry == fields:
            return row.entry_revision
        if row.entry_revision != revision:
            raise EntryConflict(row.entry, row.entry_revision)
        if row.entry_revision:
            Entry.objects.filter(registration=row).update(
                content=content, revision=revision + 1, saved_at=clock.now()
            )
        else:
            Entry.objects.create(registration=row, content=content, revision=1)
        if row.state == State.INVITED:
            step(row, "save_registration_entry", State.FILLING)
        return revision + 1


def kinds_of(registration: Registration) -> set[str]:
    """The kinds of certificates that are there. One query."""
    rows = Certificate.objects.filter(registration=registration, removed_at=None)
    return set(rows.exclude(state=Certificate.State.REFUSED).values_list("kind", flat=True))


def check_entry(registration: Registration, entry: Mapping[str, Any] | None = None) -> checking.Problems:
    """What stands against submitting: field (or `certificate:<kind>`) → sentences; {} for nothing. Reads only.

    `entry` is what is typed right now; None: what is saved.
    """
    return checking.check(
        registration.entry if entry is None else taken(entry), kinds_of(registration)
    ).problems


def entry_hints(registration: Registration, entry: Mapping[str, Any] | None = None) -> checking.Problems:
    """What to look at again without being refused: field → sentences."""
    return checking.check(registration.entry if entry is None else taken(entry), kinds_of(registration)).hints


def submit(
    *,
    registration: Registration,
    agreed: Mapping[str, str],
    revision: int,
    address: str | None = None,
    user_agent: str = "",
) -> Registration:
    """Hands the saved entry in to whoever checks next. `agreed`: text code → the version that was shown and agreed to.

    Raises EntryRefused by field, EntryConflict when `revision` isn't the newest, LinkUnusable. Pressed twice, the
    second changes nothing.
    """
    actor = Candidate.of(registration)
    with acting(actor, "submit_registration"):
        row = locked_by_person(registration)
        if row.state in (State.INSTITUTION, State.OFFICE) and row.entry_revision == revision:
            return row
        require_state(row, (State.FILLING, State.RETURNED), "提出")
        if row.entry_revision != revision:
            raise EntryConflict(row.entry, row.entry_revision)
        checked = checking.check(row.entry, kinds_of(row))
        problems = dict(checked.problems)
        for code in TEXTS:
            if not agreed.get(code):
                problems[f"agreed_{code}"] = [f"「{code.label}」を読んで、同意を選んでください。"]
        if problems:
            raise EntryRefused(problems)
        for code in TEXTS:
            agree(
                text=shown_text(code, agreed[code]),
                subject=row.agreement_subject,
                name=checked.values["name"],
                actor=actor,
                address=address,
                user_agent=user_agent,
            )
        _hand_in(row, checked, address, user_agent, actor)
    return row


def _hand_in(
    row: Registration, checked: checking.Checked, address: str | None, user_agent: str, actor: Candidate
) -> None:
    now = clock.now()
    last = row.submissions.order_by("-round").first()
    certificates = [
        str(found) for found in row.certificates.filter(removed_at=None).values_list("uuid", flat=True)
    ]
    target = State.INSTITUTION
    if row.returned_side == Side.OFFICE and last is not None and not _judged_changed(row, last, certificates):
        target = State.OFFICE
    Submission.objects.create(
        registration=row,
        round=last.round + 1 if last else 1,
        content=json.dumps(row.entry, ensure_ascii=False, sort_keys=True),
        certificates=certificates,
        at=now,
        address=address,
        user_agent=user_agent[:200],
    )
    FieldReturn.objects.filter(registration=row, answered_at=None).update(answered_at=now)
    step(
        row,
        "submit_registration",
        target,
        submitted_at=now,
        name=checked.values["name"],
        kana=checked.values["kana"],
        requirement=checked.values["requirement"],
        returned_side="",
        **(
            {}
            if target == State.OFFICE
            else {"checked_by": None, "checked_at": None, "confirmed_criteria": []}
        ),
    )
    telling.settle(row, actor)
    again = "再提出" if last else "入力"
    if target == State.OFFICE:
        telling.tell_office(
            row, telling.OFFICE_CHECK, f"{row.number} {row.display_name}さんの登録の確認（{again}）", actor
        )
    else:
        telling.tell_institution(
            row,
            telling.CHECK,
            f"{row.number} {row.display_name}さんの登録内容の確認をお願いします（{again}）",
            actor,
        )


def _judged_changed(row: Registration, last: Submission, certificates: list[str]) -> bool:
    """Whether something the criteria are judged by is another than in the last submission."""
    before, after = last.fields, row.entry
    judged = (name for name, field in BY_NAME.items() if field.judged)
    if any(before.get(name) != after.get(name) for name in judged):
        return True
    # a bank book or portrait is no matter of the criteria
    other = (Certificate.Kind.BANK, Certificate.Kind.PORTRAIT)
    rows = Certificate.objects.filter(registration=row, uuid__in={*last.certificates} ^ {*certificates})
    return rows.exclude(kind__in=other).exists()
