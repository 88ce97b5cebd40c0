"""Refusals of the services beside the fields of a form, and two people changing the same record."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model

from dispatch.services import FieldErrors, StaleEdit


@dataclass(frozen=True, slots=True)
class Difference:
    """A field somebody else changed: what it was, what it is now, by whom and when, and what stands in the form."""

    field: str
    before: str
    now: str
    typed: str
    by: str
    at: dt.datetime


def _labels(form: forms.Form, model: type[Model]) -> dict[str, str]:
    """Name of the table's column as people call it → name of the form's field."""
    found = {}
    for name in form.fields:
        try:
            found[str(model._meta.get_field(name).verbose_name)] = name  # type: ignore[union-attr]
        except FieldDoesNotExist:
            found[str(form.fields[name].label)] = name
    # the place is one field of the form and two of the table
    if "place" in form.fields:
        found |= {"緯度": "place", "経度": "place"}
    return found


def _words(form: forms.Form, name: str, value: Any) -> str:
    """A value as the form's list calls it."""
    choices = dict(getattr(form.fields[name], "choices", ()))
    return str(choices.get(value, value if value is not None else ""))


def conflict_of(stale: StaleEdit, form: forms.Form, model: type[Model]) -> list[Difference]:
    """What others changed since the form was opened, beside what was typed; empty when nothing of it is shown here."""
    by_label = _labels(form, model)
    found = []
    for change in stale.changes:
        name = by_label.get(change.field)
        if name is None:
            continue
        found.append(
            Difference(
                change.field,
                _words(form, name, change.before),
                _words(form, name, change.after),
                _words(form, name, form[name].value()),
                change.by or "システム",
                change.at,
            )
        )
    return found


def put_errors(form: forms.Form, errors: FieldErrors, model: type[Model]) -> None:
    """Puts the services' refusals beside their fields; what has no field here stands above the form."""
    by_label = _labels(form, model)
    for label, why in errors.by_field.items():
        name = by_label.get(label)
        form.add_error(name, why if name else f"{label}：{why}")
