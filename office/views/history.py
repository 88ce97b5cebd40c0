"""The history: who changed, saw or took out what, and how far an incident reaches."""

from io import TextIOWrapper
from itertools import islice
from tempfile import TemporaryFile
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from accounts.rights import readable_tables
from core import clock
from core.audit import searching
from core.audit.incident import reach, unlisted
from core.audit.models import Access, Change
from core.audit.naming import models_by_table
from core.audit.searching import Criteria
from core.audit.services import record_view
from core.errors import DomainError
from office.access import office_view, person
from office.history import (
    HistoryForm,
    changed_tables,
    entries,
    key_of,
    key_text,
    looks,
    seal_status,
    write_reach,
)  # fmt: skip

# The screen shows so many records of an incident; the CSV has all.
SHOWN_RECORDS = 300


def _asked(data: Any, tables: frozenset[str]) -> tuple[HistoryForm, Criteria | None, str]:
    """The form, the question (None when it can't be answered) and why not."""
    form = HistoryForm(data, tables=tables)
    if not form.is_valid():
        return form, None, " ".join(str(error) for errors in form.errors.values() for error in errors)
    try:
        return form, form.criteria(), ""
    except DomainError as unknown:
        return form, None, unknown.message


def _record(request: HttpRequest, rows: list[Change]) -> None:
    """Who reads the history sees what it is about."""
    models = models_by_table()
    seen: dict[str, set[int]] = {}
    for row in rows:
        seen.setdefault(row.table, set()).add(row.row_id)
    for table, ids in seen.items():
        if table in models:
            record_view(
                actor=person(request),
                what=Access.What.VIEW,
                object=models[table],
                ids=sorted(ids),
                label="変更履歴",
            )


@office_view("see_history")
def history(request: HttpRequest) -> HttpResponse:
    """Changes of rows, newest first, before and after."""
    form, criteria, problem = _asked(request.GET, changed_tables(person(request)))
    rows: list[Change] = []
    following = None
    if criteria is not None:
        rows, following = searching.page(searching.changes(criteria), key_of(request.GET.get("before", "")))
    _record(request, rows)
    context = {
        "section": "history",
        "part": "changes",
        "form": form,
        "problem": problem,
        "entries": entries(rows, person(request)),
        "following": key_text(following),
        "status": seal_status(),
    }
    return render(request, "office/history/changes.html", context)


@office_view("see_history")
def history_accesses(request: HttpRequest) -> HttpResponse:
    """What was looked at, downloaded and exported, newest first."""
    form, criteria, problem = _asked(request.GET, readable_tables(person(request)))
    rows: list[Access] = []
    following = None
    if criteria is not None:
        rows, following = searching.page(searching.accesses(criteria), key_of(request.GET.get("before", "")))
    context = {
        "section": "history",
        "part": "accesses",
        "form": form,
        "problem": problem,
        "looks": looks(rows),
        "following": key_text(following),
        "status": seal_status(),
    }
    return render(request, "office/history/accesses.html", context)


@office_view("see_history")
def history_reach(request: HttpRequest) -> HttpResponse:
    """The records that a person, a span of time or an address touched."""
    form, criteria, problem = _asked(request.GET, readable_tables(person(request)))
    records, acts, more = [], [], False
    if criteria is not None and request.GET and not criteria.is_empty:
        if criteria.objects is not None:
            problem = (
                "影響範囲は、利用者・期間・接続元・リクエストIDで調べます。コード・番号は空にしてください。"
            )
        else:
            records = list(islice(reach(criteria), SHOWN_RECORDS + 1))
            more = len(records) > SHOWN_RECORDS
            acts = looks(list(unlisted(criteria)[:SHOWN_RECORDS]))
    context = {
        "section": "history",
        "part": "reach",
        "form": form,
        "problem": problem,
        "asked": criteria is not None and not criteria.is_empty and not problem,
        "records": records[:SHOWN_RECORDS],
        "more": more,
        "acts": acts,
        "question": [(name, request.GET.get(name, "")) for name in form.fields],
        "status": seal_status(),
    }
    return render(request, "office/history/reach.html", context)


@require_POST
@office_view("see_history")
def history_reach_csv(request: HttpRequest) -> HttpResponse | FileResponse:
    """All records of an incident as CSV, for a reason that is recorded."""
    _, criteria, problem = _asked(request.POST, readable_tables(person(request)))
    if criteria is None:
        raise DomainError(problem)
    file = TemporaryFile()  # noqa: SIM115 - the answer closes it
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
    count = write_reach(text, criteria)
    text.detach()
    record_view(
        actor=person(request),
        what=Access.What.EXPORT,
        object=Change,
        label="影響範囲の一覧",
        reason=request.POST.get("reason", ""),
        row_count=count,
    )
    file.seek(0)
    name = f"reach_{clock.now():%Y%m%d_%H%M%S}.csv"
    return FileResponse(file, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")
