"""Background work, visible to everybody of the office."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from core.jobs import services
from core.jobs.models import Job
from office.access import office_view, person
from office.lists import page_of


@office_view("see_office")
def job_list(request: HttpRequest) -> HttpResponse:
    """The jobs this person may see, newest first."""
    rows = Job.objects.visible_to(person(request)).select_related("created_by").order_by("-pk")
    if status := request.GET.get("status"):
        rows = rows.filter(status=status)
    context = {"section": "jobs", "page": page_of(request, rows), "statuses": Job.Status.choices}
    return render(request, "office/jobs/list.html", context)


def target_of(job: Job) -> tuple[str, str]:
    """Where the thing is that a job works on, and what it is called; two empty texts when it has no page."""
    if run := job.arguments.get("run"):
        return reverse("office:run_detail", args=[run]), f"支払データ {run}"
    if year := job.arguments.get("renewal"):
        return reverse("office:renewal_detail", args=[year]), f"{year}年度末の登録の更新"
    if job.kind == "load_exchange":
        return reverse("office:import_detail", args=[job.pk]), "取込の結果"
    return "", ""


@office_view("see_office")
def job_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One job: how far it is or how it ended."""
    job = get_object_or_404(Job.objects.visible_to(person(request)).select_related("created_by"), pk=pk)
    target_url, target_label = target_of(job)
    context = {
        "section": "jobs",
        "job": job,
        "result": [(label, value) for label, value in job.result.items() if isinstance(value, str | int)],
        "can_requeue": job.status == Job.Status.FAILED,
        "can_cancel": services.can_cancel(job),
        "target_url": target_url,
        "target_label": target_label,
    }
    return render(request, "office/jobs/detail.html", context)


@office_view("see_office")
def job_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress bar alone; once the job has ended the page around it loads anew."""
    job = get_object_or_404(Job.objects.visible_to(person(request)), pk=pk)
    response = render(request, "office/jobs/progress.html", {"job": job})
    if not job.is_open:
        response["HX-Refresh"] = "true"
    return response


@require_POST
@office_view("manage_jobs")
def job_requeue(request: HttpRequest, pk: int) -> HttpResponse:
    """Lets a failed job run again."""
    user = person(request)
    services.requeue_job(job=get_object_or_404(Job.objects.visible_to(user), pk=pk), actor=user)
    return redirect("office:job_detail", pk=pk)


@require_POST
@office_view("manage_jobs")
def job_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancels a waiting job."""
    user = person(request)
    services.cancel_job(job=get_object_or_404(Job.objects.visible_to(user), pk=pk), actor=user)
    return redirect("office:job_detail", pk=pk)
