"""One expert's money of a run, and the files of an exported run."""

from itertools import groupby
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from accounts import reauthentication
from core.errors import DomainError
from office.access import office_view, person
from office.views.runs import get_run
from payments.files.notices import notice_name
from payments.models import FEE, PayoutRun
from payments.selectors import withholding_explanation
from payments.services.downloads import record_download


@office_view()
def payout_detail(request: HttpRequest, name: str, expert: str) -> HttpResponse:
    """Each dispatch of the payout with its lines, and how the net amount comes about."""
    run = get_run(request, name)
    payout = get_object_or_404(run.payouts, expert_code=expert)
    lines = payout.lines.select_related("dispatch").order_by("dispatch__number", "item", "line_no")
    groups = []
    for _, own in groupby(lines, key=lambda line: line.dispatch_id):
        own_lines = sorted(
            own, key=lambda line: (line.item != FEE, line.line_no)
        )  # the fee first, as in the notice
        groups.append(
            {
                "dispatch": own_lines[0].dispatch,
                "lines": own_lines,
                "total": sum(line.amount for line in own_lines),
            }
        )
    notice = f"notices/{notice_name(payout.expert_code)}".replace("notices/notices/", "notices/")
    exported = run.files.filter(name=notice).exists()
    context = {
        "section": "months",
        "run": run,
        "payout": payout,
        "groups": groups,
        "notice_url": reverse("office:run_file", args=[run.name, notice]) if exported else "",
        "withholding_explanation": withholding_explanation(payout),
    }
    return render(request, "office/runs/payout.html", context)


def _stored(run: PayoutRun, file_name: str) -> Path:
    path = Path(settings.EXPORT_DIR) / run.name / file_name
    if not path.is_file():
        raise DomainError(
            "出力ファイルがこのサーバに見つかりません。「もう一度出力する」で、同じ内容のファイルを作り直せます。"
        )
    return path


@office_view("make_run")
@reauthentication.required
def run_file(request: HttpRequest, name: str, file_name: str) -> FileResponse:
    """One file of the run; only names that the run's list holds."""
    run = get_run(request, name)
    file = get_object_or_404(run.files, name=file_name)
    path = _stored(run, file.name)
    record_download(run=run, name=file.name, actor=person(request))
    as_page = file.name.endswith(".pdf")
    return FileResponse(path.open("rb"), as_attachment=not as_page, filename=f"{run.name}_{path.name}")


@office_view("make_run")
@reauthentication.required
def run_archive(request: HttpRequest, name: str) -> FileResponse:
    """All files of the run as one ZIP."""
    run = get_run(request, name)
    if not run.files.exists():
        raise Http404
    archive = f"{run.name}.zip"
    path = _stored(run, archive)
    record_download(run=run, name=archive, actor=person(request))
    return FileResponse(path.open("rb"), as_attachment=True, filename=archive)
