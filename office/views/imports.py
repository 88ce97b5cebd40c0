"""Loading exchange files from the browser: uploaded, then loaded as a job that can be watched."""

from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts.rights import may, require
from core.audit.models import Access
from core.audit.services import record_view
from core.exchange import registry
from core.exchange.services import known_file
from core.files.vault import random_name
from core.jobs.models import Job
from core.jobs.services import queue_job
from office.access import office_view, person
from office.forms import ImportForm
from office.lists import page_of
from office.tasks import LOAD, error_lists, uploads


def _tables() -> list[dict[str, Any]]:
    return [
        {
            "file_name": table.file_name,
            "title": table.title,
            "required": [column.name for column in table.columns if column.required],
        }
        for table in registry.tables()
    ]


@office_view()
def import_list(request: HttpRequest) -> HttpResponse:
    """The form, what can be loaded, and what was loaded."""
    user = person(request)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        require(user, "load_data")
        if form.is_valid() and _acceptable(form):
            job = _queue(form.cleaned_data["uploads"], dry_run=form.cleaned_data["dry_run"], user=user)
            return redirect("office:import_detail", pk=job.pk)
    jobs = Job.objects.visible_to(user).filter(kind=LOAD).select_related("created_by").order_by("-pk")
    context = {
        "section": "imports",
        "form": form,
        "can_import": may(user, "load_data").allowed,
        "tables": _tables(),
        "page": page_of(request, jobs, 20),
    }
    return render(request, "office/imports/list.html", context)


def _acceptable(form: ImportForm) -> bool:
    files: list[UploadedFile] = form.cleaned_data["uploads"]
    names = [file.name or "" for file in files]
    for name in names:
        if not known_file(name):
            form.add_error(
                "uploads", f"「{name}」は交換ファイルの名前ではありません。一覧にある名前にしてください。"
            )
    if len(set(names)) < len(names):
        form.add_error("uploads", "同じ名前のファイルが二つあります。一つだけ選んでください。")
    if sum(file.size or 0 for file in files) > settings.IMPORT_MAX_BYTES:
        limit = settings.IMPORT_MAX_BYTES // (1024 * 1024)
        form.add_error("uploads", f"ファイルが大きすぎます。合計 {limit}MB までにしてください。")
    return not form.errors


def _queue(files: list[UploadedFile], *, dry_run: bool, user: Any) -> Job:
    kept = {}
    for file in files:
        kept[str(file.name)] = random_name()
        uploads().save(kept[str(file.name)], file.chunks())
    names = "、".join(str(file.name) for file in files)
    return queue_job(
        kind=LOAD,
        title=f"データ取込{'（確認だけ）' if dry_run else ''}: {names}"[:200],
        arguments={"uploads": kept, "dry_run": dry_run, "actor": user.pk},
        actor=user,
    )


@office_view()
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One load: counts per file, every bad row."""
    job = get_object_or_404(
        Job.objects.visible_to(person(request)).select_related("created_by"), pk=pk, kind=LOAD
    )
    errors = job.result.get("errors", [])
    context = {
        "section": "imports",
        "job": job,
        "is_dry_run": bool(job.arguments.get("dry_run")),
        "rejected": bool(job.result.get("rejected")),
        "files": job.result.get("files", []),
        "page": page_of(request, errors, 100),
        "errors_url": "errors.csv" if errors and error_lists().exists(str(job.pk)) else "",
    }
    return render(request, "office/imports/detail.html", context)


@office_view()
def import_errors(request: HttpRequest, pk: int) -> FileResponse:
    """The whole list of bad rows as a file."""
    job = get_object_or_404(Job.objects.visible_to(person(request)), pk=pk, kind=LOAD)
    try:
        file = error_lists().open(str(job.pk))
    except FileNotFoundError:
        raise Http404 from None
    record_view(
        actor=person(request),
        what=Access.What.DOWNLOAD,
        object=job,
        label=f"errors.csv {job.title}",
        row_count=len(job.result.get("errors", [])),
    )
    return FileResponse(file, as_attachment=True, filename="errors.csv", content_type="text/csv")
