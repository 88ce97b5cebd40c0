"""登録内容の変更: requests that wait, old against new, checked by one person and made by another (A7)."""

import uuid
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db.models import Min
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts.models import User
from accounts.rights import may
from core import clock
from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.errors import DomainError, FieldErrors, NotAllowed
from experts.changes import services
from experts.changes.forms import FORMS, ChangeForm
from experts.changes.models import OPEN, ChangeRequest
from experts.changes.selectors import lines_of, others_with_the_same, to_check, to_make
from experts.models import Expert
from office.access import office_view, person
from office.lists import containing, page_of
from office.waiting import Waiting, waiting_source

SECTION: Final = "experts"
State, Kind, Source = ChangeRequest.State, ChangeRequest.Kind, ChangeRequest.Source
_SEARCHED = ("expert__name", "expert__kana", "expert__code")
_RELATED = ("expert", "asked_by", "checked_by", "made_by", "answered_by")


@waiting_source(30)
def changes_waiting(user: User) -> list[Waiting]:
    """Requests to check, and checked ones that this person may make."""
    if not may(user, services.HANDLE).allowed:
        return []
    lines: list[Waiting] = []
    for rows, title, state in (
        (to_check(user), "登録内容の変更の確認", State.ASKED),
        (to_make(user), "登録内容の変更の反映", State.CHECKED),
    ):
        oldest = rows.aggregate(oldest=Min("asked_at"))["oldest"]
        if oldest is not None:
            lines.append(
                {
                    "title": title,
                    "url": f"{reverse('office:change_list')}?state={state.value}",
                    "count": rows.count(),
                    "oldest": oldest,
                    "note": "",
                }
            )
    return lines


class CheckForm(forms.Form):
    """With what the request was compared."""

    note = forms.CharField(
        label="確認した資料と内容",
        required=False,
        max_length=services.LONGEST,
        help_text="例：通帳の写しと照合した。本人に電話（登録の番号）で確かめた。",
    )


class AnswerForm(forms.Form):
    """Why it goes back, or isn't made."""

    reason = forms.CharField(
        label="理由",
        required=False,
        max_length=services.LONGEST,
        help_text="本人にメールで伝わります。口座番号などは書かないでください。",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class MakeForm(forms.Form):
    """Whether values that became others meanwhile may be overwritten."""

    conflict_seen = forms.BooleanField(
        label="いまの登録内容と見比べて、申請の内容で上書きしてよいことを確認しました", required=False
    )


class WholeForm(forms.Form):
    """Why whole account numbers are needed."""

    why = forms.CharField(
        label="閲覧の理由",
        required=False,
        max_length=200,
        help_text="「通帳の写しと照合するため」のように書いてください。氏名・日時とともに記録されます。",
    )


class PaperForm(forms.Form):
    """How a request came to the office."""

    source = forms.ChoiceField(
        label="届いた経路",
        required=False,
        choices=[(each.value, each.label) for each in (Source.LETTER, Source.MAIL)],
        widget=forms.RadioSelect,
    )
    source_note = forms.CharField(
        label="受付の経緯",
        required=False,
        max_length=services.LONGEST,
        help_text="誰から、いつ、何で届いたか。例：11月20日着の変更届（郵送、本人の署名あり）",
    )


@office_view(services.HANDLE)
def change_list(request: HttpRequest) -> HttpResponse:
    """Requests of one state, oldest first while they wait; ended ones newest first."""
    user = person(request)
    rows = ChangeRequest.objects.visible_to(user).select_related(*_RELATED)
    state = request.GET.get("state", "open")
    if state in State.values:
        rows = rows.filter(state=state)
    elif state != "all":
        state = "open"
        rows = rows.filter(state__in=OPEN)
    kind = request.GET.get("kind", "")
    if kind in Kind.values:
        rows = rows.filter(kind=kind)
    waits = state == "open" or state in OPEN
    rows = rows.filter(containing(request.GET.get("q", ""), *_SEARCHED))
    page = page_of(request, rows.order_by("asked_at", "pk") if waits else rows.order_by("-asked_at", "-pk"))
    record_page(actor=user, rows=page.object_list)
    context = {
        "section": SECTION,
        "page": page,
        "states": [("all", "すべて"), *State.choices],
        "kinds": Kind.choices,
        "state": state,
    }
    return render(request, "office/changes/list.html", context)


@never_cache
@office_view(services.HANDLE)
def change_detail(request: HttpRequest, request_id: uuid.UUID) -> HttpResponse:
    """One request with everything its check needs, and the acts on it."""
    user = person(request)
    row = _found(user, request_id)
    act = request.POST.get("act", "") if request.method == "POST" else ""
    bound = {
        name: request.POST if act == name else None for name in ("check", "return", "refuse", "make", "whole")
    }
    shown: dict[str, Any] = {
        "check": CheckForm(bound["check"], auto_id="check_%s"),
        "return": AnswerForm(bound["return"], auto_id="return_%s"),
        "refuse": AnswerForm(bound["refuse"], auto_id="refuse_%s"),
        "make": MakeForm(bound["make"], auto_id="make_%s"),
        "whole": WholeForm(bound["whole"], auto_id="whole_%s"),
    }
    whole = False
    if act in shown and shown[act].is_valid():
        if act == "whole":
            whole = _look(row, shown[act], user)
        elif (done := _do(request, row, act, shown[act], user)) is not None:
            return done
        row = _found(user, request_id)
    expert = row.expert
    why_not_make = may(user, services.MAKE).reason or services.why_not_make(row, user)
    record_page(actor=user, rows=row)
    context = {
        "section": SECTION,
        "row": row,
        "expert": expert,
        "lines": lines_of(row, expert, whole=whole),
        "whole": whole,
        "crossed": bool(services.conflicts(row, expert)) if row.is_open else False,
        "others": others_with_the_same(row, expert, user) if row.is_open else [],
        "waits_until": services.waits_until(row) if row.is_open else None,
        "today": clock.today(),
        "seen": services.seen_token(row, expert),
        "forms": shown,
        "why_not_make": why_not_make,
    }
    return render(request, "office/changes/detail.html", context)


def _found(user: User, request_id: uuid.UUID) -> ChangeRequest:
    return get_object_or_404(
        ChangeRequest.objects.visible_to(user).select_related(*_RELATED), uuid=request_id
    )


def _look(row: ChangeRequest, form: forms.Form, user: User) -> bool:
    """Records why somebody reads whole numbers; without a reason they stay covered."""
    why = form.cleaned_data["why"].strip()
    if not why:
        form.add_error("why", "閲覧の理由を入力してください。")
        return False
    if not may(user, "view_bank_account").allowed:
        raise NotAllowed(may(user, "view_bank_account").reason)
    fields = ["account_number", "account_holder_kana"]
    record_view(actor=user, what=Access.What.BANK, object=row.expert, reason=why, fields=fields)
    return True


def _do(
    request: HttpRequest, row: ChangeRequest, act: str, form: forms.Form, user: User
) -> HttpResponse | None:
    """One act of the page; None with the refusal in its form."""
    seen, data = request.POST.get("seen", ""), form.cleaned_data
    try:
        match act:
            case "check":
                services.check_change(request=row, note=data["note"], seen=seen, actor=user)
                said = "確認済みにしました。反映は、別の担当者または承認者が行います。"
            case "return":
                services.return_change(request=row, reason=data["reason"], seen=seen, actor=user)
                said = "差し戻しました。本人にメールで知らせました。"
            case "refuse":
                services.refuse_change(request=row, reason=data["reason"], seen=seen, actor=user)
                said = "反映しないことにしました。本人にメールで知らせました。"
            case "make":
                services.make_change(request=row, seen=seen, actor=user, conflict_seen=data["conflict_seen"])
                said = "登録内容に反映しました。変更前と変更後のメールアドレスに知らせました。"
            case _:
                raise Http404
    except FieldErrors as refusal:
        form.add_error(None, "いまの登録の基準では反映できません。" + " ".join(refusal.by_field.values()))
        return None
    except NotAllowed:
        raise
    except DomainError as refusal:
        field = {"note": "note" if act == "check" else "reason", "conflict": "conflict_seen"}.get(
            refusal.code
        )
        form.add_error(field if field in form.fields else None, refusal.message)
        return None
    messages.success(request, f"{row.number}：{said}")
    return redirect("office:change_detail", request_id=row.uuid)


@never_cache
@office_view(services.HANDLE)
def change_new(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """Entering what came on paper or by mail."""
    user = person(request)
    if kind not in FORMS:
        raise Http404
    expert = get_object_or_404(Expert.objects.visible_to(user).select_related("user"), code=code)
    posted = request.POST if request.method == "POST" else None
    form: ChangeForm = FORMS[kind](posted, expert=expert)
    paper = PaperForm(posted)
    if posted is not None and form.is_valid() and paper.is_valid():
        row = _entered(form, paper, kind, user)
        if row is not None:
            messages.success(request, f"{row.number} を受け付けました。本人にメールで知らせました。")
            return redirect("office:change_detail", request_id=row.uuid)
    record_page(actor=user, rows=expert)
    context = {
        "section": SECTION,
        "expert": expert,
        "kind": Kind(kind),
        "kinds": Kind.choices,
        "form": form,
        "paper": paper,
    }
    return render(request, "office/changes/new.html", context)


def _entered(form: ChangeForm, paper: PaperForm, kind: str, user: User) -> ChangeRequest | None:
    try:
        return services.enter_request(
            expert=form.expert,
            kind=kind,
            entry=form.entry(),
            reason=form.cleaned_data["reason"],
            source=paper.cleaned_data["source"],
            source_note=paper.cleaned_data["source_note"],
            key=form.cleaned_data["key"] or "-",
            actor=user,
        )
    except FieldErrors as refusal:
        of_paper = {name: why for name, why in refusal.by_field.items() if name in paper.fields}
        for name, why in of_paper.items():
            paper.add_error(name, why)
        form.refuse({name: why for name, why in refusal.by_field.items() if name not in of_paper})
    except NotAllowed:
        raise
    except DomainError as refusal:
        form.add_error(None, refusal.message)
    return None
