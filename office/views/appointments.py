"""委嘱: opening a year, its figures and people, reminding, issuing letters, handing them out."""

import io
from typing import Any

from django.contrib import messages
from django.db.models import Count, Min, Q
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.rights import may
from core import clock
from core.agreements.models import TextCode
from core.agreements.services import current_text
from core.audit.services import record_page
from core.errors import DomainError, FieldErrors, NotAllowed
from core.japan.calendar import long_date
from experts.appointment import handing, issuing, offering, selectors
from experts.appointment.issuing import ACT as ISSUE
from experts.appointment.models import Acceptance, Appointment, Letter, Round
from experts.appointment.offering import ACT
from experts.models import Expert
from office.access import office_view, person
from office.appointment_forms import IssueForm, OpenForm
from office.lists import containing, page_of
from office.renewal_forms import KeyForm
from office.waiting import Waiting, waiting_source
from rules.dates import fiscal_year

SECTION = "experts"
_SEARCHED = ("expert__name", "expert__kana", "expert__code")
_FILES = {"zip": (handing.letters_zip, "application/zip"), "pdf": (handing.letters_print, "application/pdf")}


@waiting_source(45)
def appointments_waiting(user: User) -> list[Waiting]:
    """Of each year: how many agreed and have no letter yet, and for how many none can be written. One query a year."""
    if not may(user, ISSUE).allowed:
        return []
    lines: list[Waiting] = []
    for row in Round.objects.visible_to(user).filter(appointments__state=Appointment.State.AGREED).distinct():
        found = issuing.issuable(row).aggregate(
            count=Count("pk"), oldest=Min("answered_at"), stuck=Count("pk", filter=~Q(problem=""))
        )
        if found["count"]:
            lines.append(
                {
                    "title": f"{row}: 委嘱状の発行",
                    "url": reverse("office:appointment_round", args=[row.fiscal_year]),
                    "count": found["count"],
                    "oldest": found["oldest"],
                    "note": f"うち{found['stuck']:,}人は、いまのままでは発行できません。"
                    if found["stuck"]
                    else "",
                }
            )
    return lines


def _round(request: HttpRequest, year: int) -> Round:
    return get_object_or_404(
        Round.objects.visible_to(person(request)).select_related("job"), fiscal_year=year
    )


def _back(year: int) -> HttpResponseRedirect:
    return redirect("office:appointment_round", year=year)


@office_view(ACT)
def appointment_list(request: HttpRequest) -> HttpResponse:
    """The years, and the form that opens one for all."""
    user = person(request)
    years = offering.years_to_open()
    form = OpenForm(request.POST or None, years=years) if years or request.method == "POST" else None
    if form is not None and form.is_bound and form.is_valid():
        try:
            sending = offering.open_round(actor=user, **form.cleaned_data)
        except FieldErrors as refusal:
            form.refuse(refusal.by_field)
        except NotAllowed:
            raise
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(
                request, "委嘱条件の案内のメールの用意を始めました。進み具合はこの画面で見られます。"
            )
            return _back(sending.round.fiscal_year)
    try:
        text = current_text(TextCode.APPOINTMENT_TERMS)
    except DomainError:
        text = None
    context = {
        "section": SECTION,
        "form": form,
        "text": text,
        "whom": offering.active_experts(form.initial["first_day"]).count() if form and years else 0,
        "page": page_of(request, selectors.rounds_with_counts(user), counted=Round.objects.visible_to(user)),
    }
    return render(request, "office/appointments/list.html", context)


@office_view(ACT)
@require_safe
def appointment_round(request: HttpRequest, year: int) -> HttpResponse:
    """One year: figures, what runs, and the experts by state."""
    user = person(request)
    row = _round(request, year)
    figures = selectors.figures(row)
    sendings = list(row.sendings.select_related("asked_by", "job"))
    unsent = next((each for each in sendings if each.done_at is None), None)
    group = request.GET.get("group", "")
    rows = selectors.of_group(Appointment.objects.visible_to(user).filter(round=row), group)
    rows = rows.filter(containing(request.GET.get("q", ""), *_SEARCHED))
    rows = rows.select_related("expert", "agreement__text", "letter", "acceptance").order_by("expert__code")
    page = page_of(request, rows)
    people = list(page.object_list)
    record_page(actor=user, rows=people)
    sending_job = unsent.job if unsent else None
    context = {
        "section": SECTION,
        "round": row,
        "figures": figures,
        "sendings": sendings,
        "sending_job": sending_job,
        "stuck": unsent if unsent and not (sending_job and sending_job.is_open) else None,
        "issuing": row.job,
        "issuable": issuing.issuable(row).count(),
        "group": group if group in selectors.GROUPS else "",
        "groups": [
            ("", "全員", figures.total),
            *((name, label, getattr(figures, name)) for name, label in selectors.GROUPS.items()),
        ],
        "page": page,
        "people": people,
    }
    return render(request, "office/appointments/round.html", context)


@office_view(ACT)
def appointment_offer(request: HttpRequest, code: str) -> HttpResponse:
    """Offers one expert the appointment of this year: whom the round didn't reach, or whose registration was restored."""
    user = person(request)
    expert = get_object_or_404(Expert.objects.visible_to(user), code=code)
    if request.method == "POST":
        try:
            offered = offering.offer_appointment(expert=expert, actor=user)
        except NotAllowed:
            raise
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return redirect("office:expert_detail", code=code)
        if offered is None:
            messages.error(
                request,
                f"{expert.name} さんの登録は終わっているため、委嘱を案内できません。"
                "続けるときは、先に登録を戻してください。",
            )
            return redirect("office:expert_detail", code=code)
        messages.success(request, f"{expert.name} さんへ、{offered.round}の条件を案内します。")
        return redirect("office:appointment_person", year=offered.round.fiscal_year, code=code)
    record_page(actor=user, rows=expert)
    today = clock.today()
    context = {
        "section": SECTION,
        "title": "委嘱を案内する",
        "lead": f"{expert.code}　{expert.name}",
        "facts": [("年度", f"{fiscal_year(today)}年度"), ("メール", expert.email or "（ありません）")],
        "consequences": [
            "委嘱の条件を本人へ案内します（画面の「委嘱」とメール）。送ったメールは取り消せません。",
            "本人が同意すると、委嘱状を発行できます。委嘱期間は今日から年度末までです。",
            "既に案内した人には、何も送りません。",
        ],
        "label": "案内する",
        "tone": "primary",
        "action_url": reverse("office:appointment_offer", args=[code]),
        "back_url": reverse("office:expert_detail", args=[code]),
    }
    return render(request, "office/confirm.html", context)


@office_view(ACT)
def appointment_remind(request: HttpRequest, year: int) -> HttpResponse:
    """For whom something waits, and reminding them."""
    row = _round(request, year)
    if request.method == "POST":
        form = KeyForm(request.POST)
        key = form.cleaned_data["key"] if form.is_valid() else ""
        try:
            offering.remind_waiting(round=row, key=key, actor=person(request))
        except NotAllowed:
            raise
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, "督促のメールの用意を始めました。")
        return _back(year)
    figures = selectors.figures(row)
    count = offering.waiting(row).count()
    context = {
        "section": SECTION,
        "title": "待っている人へ督促する",
        "lead": str(row),
        "facts": [
            ("督促する人", f"{count:,}人"),
            ("条件への回答を待っている人", f"{figures.offered:,}人"),
            ("就任承諾書を待っている人", f"{figures.issued:,}人"),
        ],
        "consequences": [
            "いま回答・承諾のない人だけへ、もう一度メールを送ります。送ったメールは取り消せません。",
            "登録が終わった人には送りません。",
        ],
        "label": f"{count:,}人へ督促する",
        "tone": "primary",
        "form": KeyForm(),
        "action_url": reverse("office:appointment_remind", args=[year]),
        "back_url": reverse("office:appointment_round", args=[year]),
    }
    return render(request, "office/confirm.html", context)


@require_POST
@office_view(ACT)
def appointment_resume(request: HttpRequest, year: int) -> HttpResponse:
    """Begins a sending anew that stopped."""
    row = _round(request, year)
    sending = row.sendings.filter(done_at=None).first()
    if sending is None:
        messages.info(request, "止まっている送信はありません。")
        return _back(year)
    offering.send_again(sending=sending, actor=person(request))
    messages.success(request, "送信を再開しました。同じ人へ二度送ることはありません。")
    return _back(year)


@office_view(issuing.ACT)
def appointment_issue(request: HttpRequest, year: int) -> HttpResponse:
    """What the letters will say, and issuing them for all who agreed."""
    user = person(request)
    row = _round(request, year)
    form = IssueForm(request.POST or None, round=row)
    if form.is_bound and form.is_valid():
        data = form.cleaned_data
        try:
            issuing.queue_issue(round=row, actor=user, **{**data, "version": data["version"] or 0})
        except FieldErrors as refusal:
            form.refuse(refusal.by_field)
        except NotAllowed:
            raise
        except DomainError as refusal:
            form.add_error(None, refusal.message)
            if refusal.code == "stale":
                row.refresh_from_db()
                form.data = {**form.data.dict(), "version": str(row.version)}  # type: ignore[attr-defined]
        else:
            messages.success(request, "委嘱状の発行を始めました。進み具合はこの画面で見られます。")
            return _back(year)
    context = {
        "section": SECTION,
        "round": row,
        "form": form,
        "count": issuing.issuable(row).count(),
        "figures": selectors.figures(row),
    }
    return render(request, "office/appointments/issue.html", context)


@require_safe
@office_view(ACT)
def appointment_files(request: HttpRequest, year: int, ending: str) -> HttpResponseBase:
    """All letters of a year, given out while they are drawn."""
    row = _round(request, year)
    if ending not in _FILES:
        raise Http404
    make, media_type = _FILES[ending]
    try:
        pieces = make(round=row, actor=person(request))
    except NotAllowed:
        raise
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return _back(year)
    answer = StreamingHttpResponse(pieces, content_type=media_type)
    answer["Content-Disposition"] = content_disposition_header(True, f"{handing.file_stem(row)}.{ending}")
    answer["Cache-Control"] = "no-store"
    return answer


@office_view(ACT)
def appointment_person(request: HttpRequest, year: int, code: str) -> HttpResponse:
    """One expert's appointment: what happened when, the papers, and issuing the letter at once."""
    user = person(request)
    one = get_object_or_404(
        Appointment.objects.visible_to(user).select_related(
            "round", "expert", "agreement__text", "letter__issued_by", "acceptance__user"
        ),
        round__fiscal_year=year,
        expert__code=code,
    )
    issuable = issuing.issuable(one.round).filter(pk=one.pk).exists()
    form = IssueForm(request.POST or None, round=one.round) if issuable or request.method == "POST" else None
    if form is not None and form.is_bound and form.is_valid():
        data = form.cleaned_data
        try:
            letter = issuing.issue_one(
                appointment=one,
                issued_on=data["issued_on"],
                issuer_name=data["issuer_name"],
                issuer_title=data["issuer_title"],
                actor=user,
            )
        except FieldErrors as refusal:
            form.refuse(refusal.by_field)
        except NotAllowed:
            raise
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, f"委嘱状 {letter.label} を発行し、本人へ知らせました。")
            return redirect("office:appointment_person", year=year, code=code)
    record_page(actor=user, rows=one)
    context: dict[str, Any] = {
        "section": SECTION,
        "round": one.round,
        "one": one,
        "expert": one.expert,
        "form": form,
        "period": f"{long_date(one.first_day)} から {long_date(one.last_day)} まで",
    }
    return render(request, "office/appointments/person.html", context)


@require_safe
@office_view(ACT)
def appointment_paper(request: HttpRequest, year: int, code: str, paper: str) -> HttpResponseBase:
    """One 委嘱状 or 就任承諾書 as PDF."""
    user = person(request)
    own: dict[str, Any] = {"appointment__round__fiscal_year": year, "appointment__expert__code": code}
    match paper:
        case "letter":
            letter = get_object_or_404(Letter.objects.visible_to(user), **own)
            name, content = handing.take_letter(letter=letter.pk, actor=user)
        case "acceptance":
            acceptance = get_object_or_404(Acceptance.objects.visible_to(user), **own)
            name, content = handing.take_acceptance(acceptance=acceptance.pk, actor=user)
        case _:
            raise Http404
    answer = FileResponse(
        io.BytesIO(content), as_attachment=True, filename=name, content_type="application/pdf"
    )
    answer["Cache-Control"] = "no-store"
    return answer
