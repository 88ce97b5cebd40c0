"""The acts of a renewal with a page before them: sending, reminding, closing; and one registration's end."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.rights import may
from core import clock
from core.audit.services import record_page
from core.errors import DomainError, NotAllowed
from core.japan.calendar import long_date
from experts.models import Expert
from experts.renewal import campaigns, closing, selectors, sending
from experts.renewal.models import Ask, Campaign
from experts.standing import ACT as END
from experts.standing import end_registration, restore_registration
from office.access import office_view, person
from office.lists import page_of
from office.renewal_facts import Work, work_left, work_of
from office.renewal_forms import CloseForm, EndForm, KeyForm, standing_form
from office.views.renewals import SECTION, campaign_of


def _back(year: int) -> HttpResponseRedirect:
    return redirect("office:renewal_detail", year=year)


def _shown(request: HttpRequest) -> int:
    text = request.POST.get("shown", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _key(request: HttpRequest) -> str:
    form = KeyForm(request.POST)
    return str(form.cleaned_data["key"]) if form.is_valid() else ""


@office_view(campaigns.ACT)
def renewal_start(request: HttpRequest, year: int) -> HttpResponse:
    """Whom the question goes to, and sending it."""
    campaign = campaign_of(request, year)
    if request.method == "POST":
        try:
            sending.start_campaign(
                campaign=campaign, version=_shown(request), key=_key(request), actor=person(request)
            )
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, "案内のメールの用意を始めました。進み具合はこの画面で見られます。")
        return _back(year)
    if campaign.state != Campaign.State.PREPARING:
        return _back(year)
    reached = selectors.recipients()
    return _confirm(
        request,
        campaign,
        title="更新の案内を送る",
        facts=[
            ("対象の専門家", f"{reached.asked:,}人"),
            ("うちメールアドレスなし", f"{reached.without_address:,}人"),
            ("うち専門家の画面の利用者なし", f"{reached.without_account:,}人"),
            ("登録に終わりがあり、送らない人", f"{reached.ended:,}人"),
            ("回答期限", long_date(campaign.answer_by)),
        ],
        consequences=[
            f"{reached.asked:,}人へ、一人ずつのリンクの付いたメールを送ります。送ったメールは取り消せません。",
            "メールアドレスのない人は、一覧に電話番号とともに残ります。",
            "用意している間は、ジョブの画面から中止できます。中止すると、誰にも送られません。",
        ],
        label=f"{reached.asked:,}人へ送る",
        action_url=reverse("office:renewal_start", args=[year]),
    )


@office_view(campaigns.ACT)
def renewal_remind(request: HttpRequest, year: int) -> HttpResponse:
    """How many have not answered, and reminding them."""
    campaign = campaign_of(request, year)
    if request.method == "POST":
        try:
            sending.remind(campaign=campaign, key=_key(request), actor=person(request))
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, "督促のメールの用意を始めました。")
        return _back(year)
    if campaign.state != Campaign.State.ASKING:
        return _back(year)
    total = selectors.total_of(selectors.figures_by_prefecture(campaign))
    days = [long_date(day) for day in campaign.remind_on]
    return _confirm(
        request,
        campaign,
        title="未回答の人へ督促する",
        facts=[
            ("未回答", f"{total.silent:,}人"),
            ("回答期限", long_date(campaign.answer_by)),
            ("自動の督促日", "、".join(days) or "なし"),
        ],
        consequences=["いま回答のない人だけへ、もう一度メールを送ります。前のメールのリンクも使えます。"],
        label=f"{total.silent:,}人へ督促する",
        action_url=reverse("office:renewal_remind", args=[year]),
    )


def _confirm(request: HttpRequest, campaign: Campaign, **context: Any) -> HttpResponse:
    context |= {
        "section": SECTION,
        "lead": str(campaign),
        "tone": "primary",
        "form": KeyForm(),
        "shown": campaign.version,
        "back_url": reverse("office:renewal_detail", args=[campaign.fiscal_year]),
    }
    return render(request, "office/confirm.html", context)


@require_POST
@office_view(campaigns.ACT)
def renewal_resume(request: HttpRequest, year: int) -> HttpResponse:
    """Begins a sending anew that stopped."""
    campaign = campaign_of(request, year)
    wave = campaign.waves.filter(done_at=None).first()
    if wave is None:
        messages.info(request, "止まっている送信はありません。")
        return _back(year)
    try:
        sending.send_again(wave=wave, actor=person(request))
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "送信を再開しました。同じ人へ二度送ることはありません。")
    return _back(year)


@office_view(campaigns.ACT)
def renewal_close(request: HttpRequest, year: int) -> HttpResponse:
    """Whose registration would end, with what is still on its way, and closing."""
    user = person(request)
    campaign = campaign_of(request, year)
    found = closing.preview(campaign)
    form = CloseForm(initial={"mark": found.mark})
    if request.method == "POST":
        form = CloseForm(request.POST)
        if form.is_valid():
            try:
                closing.close_campaign(campaign=campaign, mark=form.cleaned_data["mark"], actor=user)
            except NotAllowed:
                raise
            except DomainError as refusal:
                messages.error(request, refusal.message)
                return redirect("office:renewal_close", year=year)
            messages.success(
                request,
                f"{campaign}を締め切りました。{found.retiring:,}人の登録は {long_date(campaign.last_day)} までです。",
            )
            return _back(year)
    if campaign.state == Campaign.State.CLOSED:
        return _back(year)
    page = page_of(request, closing.retirees(campaign).select_related("expert").order_by("expert__code"))
    people = list(page.object_list)
    work = work_of(user, [ask.expert_id for ask in people], campaign.last_day)
    record_page(actor=user, rows=people)
    context = {
        "section": SECTION,
        "campaign": campaign,
        "found": found,
        "form": form,
        "page": page,
        "rows": [{"ask": ask, "work": work.get(ask.expert_id, Work())} for ask in people],
        "left": work_left(user, campaign),
        "exempt": Ask.objects.visible_to(user)
        .filter(campaign=campaign)
        .exclude(exempt_reason="")
        .select_related("expert", "exempt_by")
        .order_by("expert__code")[:200],
        "why_not": closing.why_not_closable(campaign, found.silent),
        "may_close": may(user, END).allowed,
    }
    return render(request, "office/renewal/close.html", context)


@office_view(END)
def standing(request: HttpRequest, code: str) -> HttpResponse:
    """Ending one registration, or taking its end back."""
    user = person(request)
    expert = get_object_or_404(Expert.objects.visible_to(user), code=code)
    form = standing_form(expert, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        data = form.cleaned_data
        try:
            if isinstance(form, EndForm):
                end_registration(expert=expert, last_day=data["last_day"], reason=data["reason"], actor=user)
                done = f"{expert.name} さんの登録を、{long_date(data['last_day'])} までにしました。"
            else:
                restore_registration(expert=expert, reason=data["reason"], actor=user)
                done = f"{expert.name} さんの登録を戻しました。"
        except NotAllowed:
            raise
        except DomainError as refusal:
            form.add_error(refusal.code if refusal.code in form.fields else None, refusal.message)
        else:
            messages.success(request, done)
            return redirect("office:expert_detail", code=code)
    record_page(actor=user, rows=expert)
    last_day = expert.valid_until or clock.today()
    context = {
        "section": SECTION,
        "expert": expert,
        "form": form,
        "ends": isinstance(form, EndForm),
        "work": work_of(user, [expert.pk], last_day).get(expert.pk, Work()),
    }
    return render(request, "office/renewal/standing.html", context)
