"""One expert's money of a run, and the files of an exported run."""

from itertools import groupby
from pathlib import PurePosixPath

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache

from accounts import reauthentication
from accounts.models import User
from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.errors import DomainError
from core.exports.services import release, released
from experts.models import Expert
from office.access import office_view, person
from office.views.exports import PurposeForm
from office.views.runs import get_run
from payments.files.notices import notice_name
from payments.models import FEE, PayoutRun
from payments.selectors import withholding_explanation
from payments.services.downloads import record_download
from payments.services.export import archive_name, downloads

# What the files of a run hold of each payee.
RELEASED_FIELDS = ("氏名", "住所", "振込先", "口座番号", "口座名義カナ", "支払額", "源泉徴収額")


@office_view()
def payout_detail(request: HttpRequest, name: str, expert: str) -> HttpResponse:
    """Each dispatch of the payout with its lines, and how the net amount comes about."""
    run = get_run(request, name)
    payout = get_object_or_404(run.payouts, expert_code=expert)
    record_page(actor=person(request), rows=payout)
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


def _payees_in(run: PayoutRun, name: str) -> list[int]:
    """The experts whose data a file of the run holds: of a notice its own, of every other file all."""
    payees = run.payouts.order_by("expert_code")
    if name.endswith(".pdf"):
        return [payout.expert_id for payout in payees if name.endswith(notice_name(payout.expert_code))]
    return list(payees.values_list("expert_id", flat=True))


def _answer(run: PayoutRun, name: str, actor: User, *, as_attachment: bool, shown: str) -> HttpResponseBase:
    """A file of the run, decrypted on its way, to whoever has said what for; who takes it is recorded before."""
    opened = released(actor=actor, source=run.name)
    if opened is None:
        return redirect(f"{reverse('office:run_release', args=[run.name])}?{urlencode({'file': name})}")
    try:
        file = downloads(run).open(name)
    except FileNotFoundError:
        raise DomainError(
            "出力ファイルがこのサーバに見つかりません。「もう一度出力する」で、同じ内容のファイルを作り直せます。"
        ) from None
    record_download(run=run, name=name, actor=actor)
    record_view(
        actor=actor,
        what=Access.What.DOWNLOAD,
        object=Expert,
        ids=_payees_in(run, name),
        label=f"{run.name} {name}",
        reason=opened.purpose,
    )
    return FileResponse(file, as_attachment=as_attachment, filename=shown)


@office_view("make_run")
@reauthentication.required
def run_file(request: HttpRequest, name: str, file_name: str) -> HttpResponseBase:
    """One file of the run; only names that the run's list holds."""
    run = get_run(request, name)
    file = get_object_or_404(run.files, name=file_name)
    shown = f"{run.name}_{PurePosixPath(file.name).name}"
    return _answer(run, file.name, person(request), as_attachment=not file.name.endswith(".pdf"), shown=shown)


@office_view("make_run")
@reauthentication.required
def run_archive(request: HttpRequest, name: str) -> HttpResponseBase:
    """All files of the run as one ZIP."""
    run = get_run(request, name)
    if not run.files.exists():
        raise Http404
    archive = archive_name(run)
    return _answer(run, archive, person(request), as_attachment=True, shown=archive)


@never_cache
@office_view("make_run")
@reauthentication.required
def run_release(request: HttpRequest, name: str) -> HttpResponse:
    """Asks what the files of the run are for; then they are open to this person until the term ends."""
    user = person(request)
    run = get_run(request, name)
    if not run.files.exists():
        raise Http404
    back_url = f"{reverse('office:run_detail', args=[run.name])}?tab=files"
    form = PurposeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        release(
            actor=user,
            source=run.name,
            title=f"支払データ {run.name} のファイル",
            purpose=form.cleaned_data["purpose"],
            model=Expert,
            ids=_payees_in(run, ""),
            fields=list(RELEASED_FIELDS),
        )
        wanted = request.GET.get("file", "")
        if wanted == archive_name(run):
            return redirect("office:run_archive", run.name)
        if run.files.filter(name=wanted).exists():
            return redirect("office:run_file", run.name, wanted)
        return redirect(back_url)
    context = {
        "section": "months",
        "title": "ファイルを受け取る目的を入力してください",
        "lead": f"支払データ {run.name}",
        "facts": [("支払人数", f"{run.payee_count:,}人")],
        "consequences": [
            f"これから{settings.EXPORT_KEEP_HOURS}時間、この支払データのファイルを受け取れます。",
            "氏名・日時・目的と、受け取ったファイルが記録されます。",
        ],
        "label": "目的を記録して受け取る",
        "tone": "primary",
        "action_url": request.get_full_path(),
        "back_url": back_url,
        "form": form,
    }
    return render(request, "office/confirm.html", context)
