"""登録の更新: preparing a year end, its figures while it runs, and its people."""

import io
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from accounts.rights import may
from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.errors import DomainError, FieldErrors, NotAllowed
from experts.renewal import campaigns, closing, selectors
from experts.renewal.answering import record_answer
from experts.renewal.models import Ask, Campaign
from experts.standing import ACT as END
from office.access import office_view, person
from office.lists import containing, page_of, prefecture_choices, prefecture_name
from office.renewal_forms import ExemptForm, PrepareForm, ToldForm, change_form, first_days
from payments.files.cells import ENCODING, write_csv

SECTION = "experts"
HEADER = ("年度", "都道府県コード", "都道府県", "対象", "メール不達", "更新する", "更新しない", "未回答",
          "登録内容に変更あり", "例外", "登録終了")  # fmt: skip
_SEARCHED = ("expert__name", "expert__kana", "expert__code", "expert__email", "expert__phone")


def campaign_of(request: HttpRequest, year: int) -> Campaign:
    """The campaign of a year that the person may see; 404 otherwise."""
    return get_object_or_404(Campaign.objects.visible_to(person(request)), fiscal_year=year)


@office_view(campaigns.ACT)
def renewal_list(request: HttpRequest) -> HttpResponse:
    """The renewals of all years, and the form that begins one."""
    user = person(request)
    years = campaigns.years_to_renew()
    running = selectors.open_campaign()
    form: PrepareForm | None = None
    if years and (running is None or request.method == "POST"):
        form = PrepareForm(
            request.POST if request.method == "POST" else None,
            years=years,
            initial={"fiscal_year": years[-1], **first_days(years[-1])},
        )
    if form is not None and form.is_bound and form.is_valid():
        data = form.cleaned_data
        try:
            made = campaigns.prepare_campaign(
                fiscal_year=data["fiscal_year"],
                answer_by=data["answer_by"],
                remind_on=form.remind_on,
                message=data["message"],
                actor=user,
            )
        except FieldErrors as refusal:
            form.refuse(refusal.by_field)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, "更新を準備しました。まだ誰にも送っていません。")
            return redirect("office:renewal_detail", year=made.fiscal_year)
    rows = selectors.campaigns_with_counts(Campaign.objects.visible_to(user))
    context = {
        "section": SECTION,
        "form": form,
        "running": running,
        "recipients": selectors.recipients() if form is not None else None,
        "page": page_of(
            request, rows.order_by("-fiscal_year"), 20, counted=Campaign.objects.visible_to(user)
        ),
    }
    return render(request, "office/renewal/list.html", context)


@office_view(campaigns.ACT)
@require_safe
def renewal_detail(request: HttpRequest, year: int) -> HttpResponse:
    """How a renewal stands, and the people of one group."""
    user = person(request)
    campaign = campaign_of(request, year)
    waves = list(campaign.waves.select_related("job", "asked_by").order_by("number"))
    rows = selectors.figures_by_prefecture(campaign)
    total = selectors.total_of(rows)
    group = request.GET.get("group", "silent")
    asks = selectors.of_group(Ask.objects.visible_to(user).filter(campaign=campaign), group)
    asks = asks.filter(containing(request.GET.get("q", ""), *_SEARCHED))
    if prefecture := request.GET.get("prefecture"):
        asks = asks.filter(expert__prefecture_code=prefecture)
    page = page_of(request, asks.select_related("expert").order_by("expert__code"))
    people = list(page.object_list)
    mails = selectors.latest_mails(people)
    record_page(actor=user, rows=people)
    open_wave = next((wave for wave in waves if wave.done_at is None), None)
    context: dict[str, Any] = {
        "section": SECTION,
        "campaign": campaign,
        "waves": waves,
        "job": open_wave.job if open_wave else None,
        "stuck": open_wave if open_wave and not (open_wave.job and open_wave.job.is_open) else None,
        "recipients": selectors.recipients() if campaign.state == Campaign.State.PREPARING else None,
        "rows": rows,
        "total": total,
        "group": group,
        "groups": [
            ("", "全員", total.asked),
            *((name, label, getattr(total, name)) for name, label in selectors.GROUPS.items()),
        ],
        "page": page,
        "people": [
            {"ask": ask, "mail": mails.get(ask.pk), "prefecture": prefecture_name(ask.expert.prefecture_code)}
            for ask in people
        ],
        "prefectures": prefecture_choices(),
        "why_not_close": closing.why_not_closable(campaign, total.silent),
        "may_close": may(user, END).allowed,
    }
    return render(request, "office/renewal/detail.html", context)


@office_view(campaigns.ACT)
def renewal_change(request: HttpRequest, year: int) -> HttpResponse:
    """Other days or words, until the renewal is closed."""
    campaign = campaign_of(request, year)
    form = change_form(campaign, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            campaigns.change_campaign(
                campaign=campaign,
                answer_by=form.cleaned_data["answer_by"],
                remind_on=form.remind_on,
                message=form.cleaned_data["message"],
                version=form.cleaned_data["version"] or 0,
                actor=person(request),
            )
        except FieldErrors as refusal:
            form.refuse(refusal.by_field)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, "期限・督促日・案内の文を変えました。")
            return redirect("office:renewal_detail", year=year)
    context = {"section": SECTION, "campaign": campaign, "form": form}
    return render(request, "office/renewal/change.html", context)


@office_view(campaigns.ACT)
@require_safe
def renewal_figures(request: HttpRequest, year: int) -> HttpResponse:
    """The figures by prefecture as a file; no person stands in it."""
    campaign = campaign_of(request, year)
    lines = [
        (
            year, row.prefecture, row.name, row.asked, row.unreached, row.renewed, row.declined, row.silent,
            row.changed, row.exempt, row.retired,
        )
        for row in selectors.figures_by_prefecture(campaign)
    ]  # fmt: skip
    record_view(
        actor=person(request),
        what=Access.What.DOWNLOAD,
        object=campaign,
        label=f"登録の更新 {year}年度末",
        row_count=len(lines),
    )
    text = io.StringIO(newline="")
    write_csv(text, HEADER, lines)
    answer = HttpResponse(text.getvalue().encode(ENCODING), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="renewal-{year}.csv"'
    return answer


@office_view(campaigns.ACT)
def renewal_person(request: HttpRequest, year: int, code: str) -> HttpResponse:
    """One expert in a renewal: contacts, mails, the answer on the person's behalf, the exception."""
    user = person(request)
    ask = get_object_or_404(
        Ask.objects.visible_to(user).select_related("campaign", "expert", "answered_by", "exempt_by"),
        campaign__fiscal_year=year,
        expert__code=code,
    )
    first = {"version": ask.version}
    told = ToldForm(initial={**first, "act": "answer"})
    excepted = ExemptForm(initial={**first, "act": "exempt", "exempt_reason": ask.exempt_reason})
    if request.method == "POST":
        if request.POST.get("act") == "exempt":
            excepted = ExemptForm(request.POST)
            done = _exempt(request, ask, excepted)
        else:
            told = ToldForm(request.POST)
            done = _record(request, ask, told)
        if done:
            messages.success(request, done)
            return redirect("office:renewal_person", year=year, code=code)
        ask.refresh_from_db()
    record_page(actor=user, rows=ask)
    context = {
        "section": SECTION,
        "campaign": ask.campaign,
        "ask": ask,
        "expert": ask.expert,
        "is_open": ask.campaign.state == Campaign.State.ASKING,
        "links": ask.links.select_related("wave", "mail").order_by("wave__number"),
        "told": told,
        "excepted": excepted,
    }
    return render(request, "office/renewal/person.html", context)


def _record(request: HttpRequest, ask: Ask, form: ToldForm) -> str:
    if not form.is_valid():
        return ""
    try:
        record_answer(ask=ask, actor=person(request), **form.said)
    except NotAllowed:
        raise
    except FieldErrors as refusal:
        for name, why in refusal.by_field.items():
            form.add_error(name if name in form.fields else None, why)
    except DomainError as refusal:
        form.add_error(None, refusal.message)
    else:
        return f"{ask.expert.name} さんの回答を記録しました。"
    return ""


def _exempt(request: HttpRequest, ask: Ask, form: ExemptForm) -> str:
    if not form.is_valid():
        return ""
    reason = form.cleaned_data["exempt_reason"]
    try:
        closing.exempt(ask=ask, reason=reason, version=form.cleaned_data["version"], actor=person(request))
    except NotAllowed:
        raise
    except DomainError as refusal:
        form.add_error("exempt_reason" if refusal.code == "reason" else None, refusal.message)
        return ""
    return "例外として登録を続けます。" if reason.strip() else "例外を取り消しました。"
