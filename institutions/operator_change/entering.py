"""What the new operator does by the form's link: typing, sending. Nobody is signed in; the change stands for them."""

import json
from collections.abc import Mapping

from core import clock
from core.agreements.models import TextCode
from core.agreements.services import agree, shown_text
from core.audit.acting import acting
from core.errors import FieldErrors
from institutions.models import OperatorAnswer, OperatorChange, OperatorEntry

from . import telling
from .answers import check, normal, taken
from .steps import ENTERING, NewOperator, State, hash_of, locked_by_operator, put, require_state


def change_by_token(token: str) -> OperatorChange | None:
    """The change whose live link this is; None for every other token. Changes nothing."""
    return (
        OperatorChange.objects.select_related("former", "typed")
        .filter(token_hash=hash_of(token), expires_at__gt=clock.now(), state__in=(*ENTERING, State.CHECKING))
        .exclude(token_hash="")
        .first()
    )


def save_entry(*, change: OperatorChange, entry: Mapping[str, object]) -> OperatorEntry:
    """Keeps what was typed, right or wrong. Raises LinkUnusable, and DomainError once the form was sent."""
    fields = taken(entry)
    with acting(NewOperator.of(change), "save_operator_form"):
        row = locked_by_operator(change)
        require_state(row, ENTERING, "入力の変更を")
        content = json.dumps({**row.entry, **fields}, ensure_ascii=False)
        kept, _ = OperatorEntry.objects.update_or_create(
            change=row, defaults={"content": content, "saved_at": clock.now()}
        )
    return kept


def submit_answer(
    *,
    change: OperatorChange,
    entry: Mapping[str, object],
    agreed: bool,
    text_version: str,
    address: str | None = None,
    user_agent: str = "",
) -> OperatorChange:
    """Sends the form to the office, with the agreement to the terms (the version that was shown).

    Raises FieldErrors by field (`agreed`: the terms), LinkUnusable. Pressed twice, the second changes nothing.
    """
    values = normal(taken(entry))
    actor = NewOperator.of(change)
    with acting(actor, "submit_operator_form"):
        row = locked_by_operator(change)
        if row.state == State.CHECKING:
            return row
        require_state(row, ENTERING, "送信")
        bad = check(values)
        if not agreed:
            bad["agreed"] = "利用規約をお読みのうえ、同意のチェックを入れてください。"
        if bad:
            raise FieldErrors(bad)
        text = shown_text(TextCode.YOROZU_TERMS, text_version)
        content = json.dumps(values, ensure_ascii=False)
        OperatorEntry.objects.update_or_create(
            change=row, defaults={"content": content, "saved_at": clock.now()}
        )
        OperatorAnswer.objects.create(
            change=row,
            round=row.answers.count() + 1,
            content=content,
            at=clock.now(),
            address=address or None,
            user_agent=user_agent[:200],
        )
        agree(
            text=text,
            subject=row.agreement_subject,
            name=values["chief_name"],
            actor=actor,
            address=address,
            user_agent=user_agent,
        )
        put(row, state=State.CHECKING, answered_at=clock.now())
        telling.tell_office(row, telling.CHECK, f"{row.number} よろず支援拠点登録フォームの確認", actor)
    return row
