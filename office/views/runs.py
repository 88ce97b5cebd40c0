"""Runs: the list, drafting one, and one run from calculation to transfer."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts import reauthentication
from accounts.models import User
from accounts.rights import may
from core import clock
from core.errors import DomainError
from core.japan.calendar import next_bank_day
from core.jobs.models import Job
from core.jobs.services import queue_job
from office.access import office_view, person
from office.forms import RunForm
from office.lists import month_of, page_of
from payments.models import PayoutRun
from payments.selectors import month_summary, run_warnings, withholding_of
from payments.services.approve import approve_run
from payments.services.draft import draft_run, drop_run, open_run
from payments.services.settle import close_run, mark_transferred

Status = PayoutRun.Status


def get_run(request: HttpRequest, name: str) -> PayoutRun:
    """The run of this name, when the person may see it; else 404."""
    runs = PayoutRun.objects.visible_to(person(request)).select_related("maker", "approver", "payer")
    return get_object_or_404(runs, name=name)


def may_create(user: User) -> tuple[bool, str]:
    """Whether a new run can be made now, and why not."""
    allowed, reason = may(user, "make_run")
    if not allowed:
        return False, reason
    other = open_run()
    if other is not None:
        return (
            False,
            f"支払データ {other.name} が{other.get_status_display()}です。承認するか破棄してください。",
        )
    return True, ""


@office_view()
def run_list(request: HttpRequest) -> HttpResponse:
    """All runs, newest first."""
    user = person(request)
    runs = (
        PayoutRun.objects.visible_to(user).select_related("maker", "approver").order_by("-month", "-ordinal")
    )
    can_create, reason = may_create(user)
    context = {
        "section": "months",
        "page": page_of(request, runs),
        "can_create": can_create,
        "create_reason": reason,
    }
    return render(request, "office/runs/list.html", context)


def _suggested_pay_date() -> dt.date:
    """The first banking day ten days from now: time to approve and for the bank to take the file."""
    return next_bank_day(clock.today() + dt.timedelta(days=10))


def _last_month() -> dt.date:
    return (clock.today().replace(day=1) - dt.timedelta(days=1)).replace(day=1)


@office_view("make_run")
def run_new(request: HttpRequest) -> HttpResponse:
    """Drafts a run and starts its calculation."""
    user = person(request)
    month = month_of(request.GET.get("month", "")) or _last_month()
    suggested = _suggested_pay_date()
    initial = {"month": f"{month:%Y-%m}", "pay_date": suggested.isoformat()}
    form = RunForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            run = draft_run(month=data["month"], pay_date=data["pay_date"], cutoff=data["cutoff"], actor=user)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            _queue("compute_run", run, f"支払データ {run.name} の計算", user)
            return redirect("office:run_detail", name=run.name)
    context = {
        "section": "months",
        "form": form,
        "pay_date_hint": f"10日後以降の最初の銀行営業日は {suggested.month}月{suggested.day}日です。",
        "summary": month_summary(month),
    }
    return render(request, "office/runs/new.html", context)


def _queue(kind: str, run: PayoutRun, title: str, user: User) -> None:
    """One job of a kind for a run at a time: a double click finds the first one still open."""
    if (
        not Job.objects.visible_to(user)
        .filter(kind=kind, arguments__run=run.name, status__in=(Job.Status.QUEUED, Job.Status.RUNNING))
        .exists()
    ):
        queue_job(kind=kind, title=title, arguments={"run": run.name, "actor": user.pk}, actor=user)


def _job_of(run: PayoutRun, user: User) -> Job | None:
    job = (
        Job.objects.visible_to(user)
        .filter(kind__in=("compute_run", "export_run"), arguments__run=run.name)
        .order_by("-pk")
        .first()
    )
    return job if job and (job.is_open or job.status == Job.Status.FAILED) else None


def _action(
    label: str, url: str, answer: tuple[bool, str], tone: str = "primary", confirm: bool = False
) -> dict[str, Any]:
    return {
        "label": label,
        "url": url,
        "allowed": answer[0],
        "reason": answer[1],
        "tone": tone,
        "needs_confirm": confirm,
    }


def _may_approve(run: PayoutRun, user: User) -> tuple[bool, str]:
    allowed, reason = may(user, "approve_run")
    if not allowed:
        return False, reason
    if run.maker_id == user.pk:
        return False, "作成者は承認できません。別の承認者に依頼してください。"
    if run.payee_count == 0:
        return False, "支払がありません。破棄してください。"
    return True, ""


def _actions(run: PayoutRun, user: User, job: Job | None) -> list[dict[str, Any]]:
    make = may(user, "make_run")
    if job and job.is_open:
        make = type(make)(False, "処理が終わるまでお待ちください。")

    def url(act: str) -> str:
        return reverse(f"office:run_{act}", args=[run.name])

    if run.status == Status.DRAFT:
        return [
            _action("計算する", url("compute"), make),
            _action("破棄する", url("drop"), make, "danger", confirm=True),
        ]
    if run.status == Status.COMPUTED:
        approve = make if job and job.is_open else _may_approve(run, user)
        return [
            _action("承認する", url("approve"), approve, confirm=True),
            _action("計算をやり直す", url("compute"), make, "secondary"),
            _action("破棄する", url("drop"), make, "danger", confirm=True),
        ]
    if run.status == Status.APPROVED:
        return [_action("出力する", url("export"), make)]
    if run.status == Status.EXPORTED:
        return [
            _action("振込済にする", url("transfer"), make, confirm=True),
            _action("もう一度出力する", url("export"), make, "secondary"),
        ]
    if run.status == Status.TRANSFERRED:
        return [_action("完了にする", url("close"), make, confirm=True)]
    return []


def _dates(run: PayoutRun) -> list[dict[str, Any]]:
    approver = run.approver.get_full_name() if run.approver else ""
    steps = (
        ("下書き", run.created_at, run.maker.get_full_name()),
        ("計算", run.computed_at, ""),
        ("承認", run.approved_at, approver),
        ("出力", run.exported_at, ""),
        ("振込", run.transferred_at, ""),
        ("完了", run.closed_at, ""),
    )
    return [{"label": label, "at": at, "person": name} for label, at, name in steps if at]


def _tab_rows(run: PayoutRun) -> dict[str, tuple[str, QuerySet[Any]]]:
    return {
        "payouts": ("支払先", run.payouts.order_by("expert_code")),
        "lines": (
            "明細",
            run.lines.select_related("dispatch", "expert").order_by(
                "expert__code", "dispatch__number", "item", "line_no"
            ),
        ),
        "holds": (
            "支払わないもの",
            run.holds.select_related("dispatch__expert", "dispatch__institution").order_by(
                "dispatch__number", "kind", "code"
            ),
        ),
    }


@office_view()
def run_detail(request: HttpRequest, name: str) -> HttpResponse:
    """One run: where it stands, what may be done, what it pays and leaves out."""
    user = person(request)
    run = get_run(request, name)
    job = _job_of(run, user)
    rows = _tab_rows(run)
    counts = {key: queryset.count() for key, (_, queryset) in rows.items()}
    withholding = withholding_of(run) if run.status != Status.DRAFT else []
    files = list(run.files.all())
    tabs = [{"key": key, "label": label, "count": counts[key]} for key, (label, _) in rows.items()]
    tabs += [
        {"key": "withholding", "label": "源泉徴収", "count": len(withholding)},
        {"key": "files", "label": "出力ファイル", "count": len(files)},
    ]
    tab = request.GET.get("tab", "")
    if tab not in {entry["key"] for entry in tabs}:
        tab = "files" if files and run.status == Status.EXPORTED else "payouts"
    can_download, download_reason = may(user, "make_run")
    context = {
        "section": "months",
        "run": run,
        "job": job,
        "actions": _actions(run, user, job),
        "warnings": run_warnings(run),
        "dates": _dates(run),
        "tab": tab,
        "tabs": tabs,
        "page": page_of(request, rows[tab][1]) if tab in rows else None,
        "withholding": withholding,
        "files": files,
        "downloads": run.downloads.select_related("user")[:20] if files else [],
        "zip_url": reverse("office:run_archive", args=[run.name]) if files else "",
        "can_download": can_download,
        "download_reason": download_reason,
    }
    return render(request, "office/runs/detail.html", context)


@require_POST
@office_view("make_run")
def run_compute(request: HttpRequest, name: str) -> HttpResponse:
    """Calculates the run (again), as a job."""
    run = get_run(request, name)
    if run.status not in (Status.DRAFT, Status.COMPUTED):
        raise DomainError(f"支払データ {run.name} は{run.get_status_display()}のため、計算し直せません。")
    _queue("compute_run", run, f"支払データ {run.name} の計算", person(request))
    return redirect("office:run_detail", name=name)


@require_POST
@office_view("make_run")
@reauthentication.required
def run_export(request: HttpRequest, name: str) -> HttpResponse:
    """Writes the files of the run, as a job."""
    run = get_run(request, name)
    if run.status in (Status.DRAFT, Status.COMPUTED):
        raise DomainError(f"支払データ {run.name} は{run.get_status_display()}のため、まだ出力できません。")
    _queue("export_run", run, f"支払データ {run.name} の出力", person(request))
    return redirect("office:run_detail", name=name)


def _shown(run: PayoutRun) -> str:
    """What a confirmation page showed: a name is used again after a drop, a result is calculated again."""
    return f"{run.pk}:{run.status}:{run.digest}"


def _confirmed(
    request: HttpRequest,
    name: str,
    *,
    title: str,
    label: str,
    consequences: list[str],
    tone: str,
    act: Callable[[PayoutRun], None],
) -> HttpResponse | None:
    """Shows the confirmation page on GET, does it on POST; None once done."""
    run = get_run(request, name)
    if request.method == "POST":
        if request.POST.get("shown") != _shown(run):
            raise DomainError(
                f"確認画面を開いた後に、支払データ {run.name} の内容か状態が変わりました。"
                "画面を開き直し、内容を確認してからもう一度行ってください。"
            )
        act(run)
        return None
    context = {
        "section": "months",
        "title": title,
        "lead": f"支払データ {run.name}",
        "facts": [
            ("支払日", f"{run.pay_date.year}年{run.pay_date.month}月{run.pay_date.day}日"),
            ("支払人数", f"{run.payee_count:,}人"),
            ("派遣件数", f"{run.dispatch_count:,}件"),
            ("支払総額", f"{run.gross:,}円"),
            ("源泉徴収額", f"{run.withholding:,}円"),
            ("振込額", f"{run.net:,}円"),
        ],
        "consequences": consequences,
        "label": label,
        "tone": tone,
        "action_url": request.path,
        "shown": _shown(run),
        "back_url": reverse("office:run_detail", args=[name]),
    }
    return render(request, "office/confirm.html", context)


@office_view("approve_run")
@reauthentication.required
def run_approve(request: HttpRequest, name: str) -> HttpResponse:
    """The second person's decision."""
    return _confirmed(
        request,
        name,
        title="支払データを承認しますか",
        label="承認する",
        tone="primary",
        consequences=[
            "支払先・口座・金額が確定し、以後は誰も変更できません。",
            "含まれる派遣は「支払予定」になり、取込でも変更できなくなります。",
            "訂正は、次の支払データで行います。",
        ],
        act=lambda run: _done(approve_run(run=run, actor=person(request), digest=run.digest)),
    ) or redirect("office:run_detail", name=name)


def _done(result: object) -> None:
    """Services answer the changed row; the page reads it anew."""


@office_view("make_run")
def run_drop(request: HttpRequest, name: str) -> HttpResponse:
    """Drops a run that isn't approved."""
    return _confirmed(
        request,
        name,
        title="支払データを破棄しますか",
        label="破棄する",
        tone="danger",
        consequences=["計算した内容は消えます。派遣や請求のデータは変わりません。"],
        act=lambda run: drop_run(run=run, actor=person(request)),
    ) or redirect("office:run_list")


@office_view("make_run")
def run_transfer(request: HttpRequest, name: str) -> HttpResponse:
    """The bank has paid."""
    return _confirmed(
        request,
        name,
        title="振込済にしますか",
        label="振込済にする",
        tone="primary",
        consequences=["含まれる派遣は「支払済」になります。銀行での振込が終わってから行ってください。"],
        act=lambda run: _done(mark_transferred(run=run, actor=person(request))),
    ) or redirect("office:run_detail", name=name)


@office_view("make_run")
def run_close(request: HttpRequest, name: str) -> HttpResponse:
    """Nothing remains to be done."""
    return _confirmed(
        request,
        name,
        title="完了にしますか",
        label="完了にする",
        tone="primary",
        consequences=["この支払データの手続きをすべて終えます。"],
        act=lambda run: _done(close_run(run=run, actor=person(request))),
    ) or redirect("office:run_detail", name=name)
