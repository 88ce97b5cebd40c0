"""A よろず gets another operator: the guided task of the office (B3)."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Min, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.rights import may
from core.agreements.selectors import agreements_of
from core.audit.services import record_page
from core.errors import DomainError, FieldErrors
from institutions.models import OperatorChange
from institutions.operator_change import services, telling
from institutions.operator_change.answers import FIELDS, normal
from institutions.operator_change.opening import open_successor, proposed_code, proposed_name
from institutions.operator_change.selectors import answered_fields, changes_of, steps_of
from office.access import office_view, person
from office.lists import page_of
from office.roster_facts import open_dispatches
from office.waiting import Waiting, waiting_source
from office.yorozu_forms import OpenForm, StartForm, WithdrawForm

State = OperatorChange.State
SECTION = "institutions"


# What is the office's to do, and what it is called on the start page.
_OURS = (
    (Q(state=State.NOTIFIED), "登録フォームの送付"),
    (Q(state=State.CHECKING), "回答の確認"),
    (Q(state=State.READY, stopped_at__isnull=False), "新実施機関の開設"),
)


@waiting_source(48, counts=(telling.CHECK, telling.OPEN))
def operator_changes_waiting(user: User) -> list[Waiting]:
    """Changes of operators whose next step is the office's. One query a step."""
    if not may(user, services.ACT).allowed:
        return []
    lines: list[Waiting] = []
    for step, title in _OURS:
        rows = OperatorChange.objects.visible_to(user).filter(step)
        count, oldest = rows.count(), rows.aggregate(oldest=Min("started_at"))["oldest"]
        if count:
            one = rows.get() if count == 1 else None
            lines.append(
                {
                    "title": f"よろず支援拠点の実施機関の変更: {title}",
                    "url": reverse("office:yorozu_detail", args=[one.uuid])
                    if one
                    else reverse("office:yorozu_list"),
                    "count": count,
                    "oldest": oldest,
                    "note": "",
                }
            )
    return lines


def _change(request: HttpRequest, uuid: Any) -> OperatorChange:
    return get_object_or_404(changes_of(person(request)), uuid=uuid)


def _version(request: HttpRequest, name: str = "version") -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _back(uuid: Any) -> HttpResponseRedirect:
    return redirect("office:yorozu_detail", uuid=uuid)


def _add_errors(form: Any, refusal: DomainError) -> None:
    if isinstance(refusal, FieldErrors):
        for name, why in refusal.by_field.items():
            form.add_error(name if name in form.fields else None, why)
    else:
        form.add_error(None, refusal.message)


@office_view(services.ACT)
@require_safe
def change_list(request: HttpRequest) -> HttpResponse:
    """All changes, the newest first."""
    context = {"section": SECTION, "page": page_of(request, changes_of(person(request)), 20)}
    return render(request, "office/yorozu/list.html", context)


@office_view(services.ACT)
def change_new(request: HttpRequest) -> HttpResponse:
    """Begins a change: tells the old operator at once."""
    user = person(request)
    pressed = changes_of(user).filter(key=request.POST.get("key", ""), started_by=user).first()
    if pressed is not None:
        return _back(pressed.uuid)
    form = StartForm(
        user, request.POST if request.method == "POST" else None, request.GET.get("institution", "")
    )
    if request.method == "POST" and form.is_valid():
        try:
            change = services.start_change(**form.cleaned_data, actor=user)
        except DomainError as refusal:
            _add_errors(form, refusal)
        else:
            messages.success(
                request,
                "変更を始め、旧実施機関へ予告のメールを送りました。次は、登録フォームの送付です。",
            )
            return _back(change.uuid)
    return render(request, "office/yorozu/new.html", {"section": SECTION, "form": form})


@office_view(services.ACT)
@require_safe
def change_detail(request: HttpRequest, uuid: Any) -> HttpResponse:
    """The steps with who and when, the answer, and what is to be done now."""
    return _detail(request, _change(request, uuid))


def _detail(
    request: HttpRequest,
    change: OperatorChange,
    reasons: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    fields = answered_fields(change)
    answers = list(change.answers.order_by("-round")[:1])
    record_page(actor=person(request), rows=answers)
    context = {
        "section": SECTION,
        "change": change,
        "steps": steps_of(change),
        "is_checking": change.state == State.CHECKING,
        "may_send": change.state in (State.NOTIFIED, State.FILLING, State.RETURNED),
        "may_stop": change.is_open and change.stopped_at is None and change.old_operator_has_ended,
        "may_open": change.state == State.READY and change.stopped_at is not None,
        "rows": [
            {
                "answered": each,
                "reason": (reasons or {}).get(each.field.name, ""),
                "error": (errors or {}).get(each.field.name, ""),
            }
            for each in fields
        ],
        "errors": errors,
        "agreements": agreements_of(change.agreement_subject),
        "handed_over": page_of(request, change.handed_over.order_by("kind", "number"), 50),
    }
    return render(request, "office/yorozu/detail.html", context, status=status)


def _act(
    request: HttpRequest, uuid: Any, act: Callable[[OperatorChange], OperatorChange], done: str
) -> HttpResponse:
    change = _change(request, uuid)
    try:
        act(change)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, done)
    return _back(uuid)


@office_view(services.ACT)
@require_POST
def change_send(request: HttpRequest, uuid: Any) -> HttpResponse:
    """Mails the form with a new link."""
    user, version = person(request), _version(request)
    return _act(
        request,
        uuid,
        lambda change: services.send_form(change=change, version=version, actor=user),
        "登録フォームのリンクをメールで送りました。前のリンクは使えなくなりました。",
    )


@office_view(services.ACT)
@require_POST
def change_stop(request: HttpRequest, uuid: Any) -> HttpResponse:
    """Ends the old IDs by hand, where the timer hasn't yet."""
    user = person(request)
    return _act(
        request,
        uuid,
        lambda change: services.stop_old_ids(change=change, actor=user),
        "旧実施機関のIDを停止し、メールで知らせました。",
    )


@office_view(services.ACT)
@require_POST
def change_confirm(request: HttpRequest, uuid: Any) -> HttpResponse:
    """The answer can be registered."""
    user, version = person(request), _version(request)
    return _act(
        request,
        uuid,
        lambda change: services.confirm_answer(change=change, version=version, actor=user),
        "回答を確認しました。旧IDの停止の後に、開設できます。",
    )


@office_view(services.ACT)
@require_POST
def change_return(request: HttpRequest, uuid: Any) -> HttpResponse:
    """Sends the fields with a reason back; what was typed stays on a refusal."""
    change = _change(request, uuid)
    reasons = {field.name: request.POST.get(f"reason_{field.name}", "") for field in FIELDS}
    fields = {name: reason for name, reason in reasons.items() if reason.strip()}
    try:
        services.return_fields(change=change, fields=fields, version=_version(request), actor=person(request))
    except FieldErrors as refusal:
        return _detail(request, change, reasons, refusal.by_field, status=422)
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return _detail(request, _change(request, uuid), reasons, {}, status=422)
    messages.success(request, f"{len(fields)}項目を差し戻し、新しいリンクをメールで送りました。")
    return _back(uuid)


@office_view(services.ACT)
def change_open(request: HttpRequest, uuid: Any) -> HttpResponse:
    """What the opening would do, and doing it."""
    user = person(request)
    change = _change(request, uuid)
    if change.state == State.OPENED:
        return _back(uuid)
    answer = change.answers.order_by("-round").first()
    if change.state != State.READY or answer is None:
        messages.error(request, "回答の確認が済んでから、開設できます。")
        return _back(uuid)
    values = normal(answer.fields)
    initial = {
        "code": proposed_code(change.former),
        "name": proposed_name(change.former, values["operator_name"]),
    }
    form = OpenForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            open_successor(change=change, **form.cleaned_data, version=_version(request, "shown"), actor=user)
        except DomainError as refusal:
            _add_errors(form, refusal)
        else:
            messages.success(request, "新実施機関を開設し、責任者と利用者へIDの案内を送りました。")
            return _back(uuid)
    count = open_dispatches(user, [change.former.code]).get(change.former.code, 0)
    context = {
        "section": SECTION,
        "title": "新実施機関の開設",
        "lead": f"{change.former.name}　{change.number}",
        "facts": [
            ("新実施機関", values["operator_name"]),
            ("責任者", f"{values['chief_name']}（{values['chief_email']}）"),
            ("引き継ぐ進行中の派遣", f"{count:,}件"),
        ],
        "consequences": [
            "新しい機関を登録し、責任者と利用者へ、パスワードを設定する一度限りのリンクをメールで送ります。",
            "進行中の支援案件と派遣は新実施機関へ移り、移したものを一件ずつ記録します。",
            "支払の済んだ派遣、取消・対象外の派遣は、旧実施機関のものとして残ります。",
            "開設は取り消せません。",
        ],
        "label": "開設する",
        "tone": "primary",
        "shown": change.version,
        "action_url": reverse("office:yorozu_open", args=[uuid]),
        "back_url": reverse("office:yorozu_detail", args=[uuid]),
        "form": form,
    }
    return render(request, "office/confirm.html", context)


@office_view(services.ACT)
def change_withdraw(request: HttpRequest, uuid: Any) -> HttpResponse:
    """Calls a change off, with a reason."""
    change = _change(request, uuid)
    if not change.is_open:
        return _back(uuid)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            services.withdraw_change(
                change=change,
                reason=form.cleaned_data["reason"],
                version=_version(request, "shown"),
                actor=person(request),
            )
        except DomainError as refusal:
            _add_errors(form, refusal)
        else:
            messages.success(request, "変更を中止しました。")
            return _back(uuid)
    stopped = (
        "停止したIDは、停止したままです。使い続ける人のIDは、管理者が「利用者」の画面で再開してください。"
        if change.stopped_at
        else "旧実施機関の利用者へ、使用中止の取消しをメールで知らせます。"
    )
    context = {
        "section": SECTION,
        "title": "変更を中止する",
        "lead": f"{change.former.name}　{change.number}",
        "facts": [("いまの状態", change.get_state_display())],
        "consequences": [
            "登録フォームのリンクは使えなくなります。",
            "旧実施機関の有効期限を、変更の前に戻します。",
            stopped,
        ],
        "label": "中止する",
        "tone": "danger",
        "shown": change.version,
        "action_url": reverse("office:yorozu_withdraw", args=[uuid]),
        "back_url": reverse("office:yorozu_detail", args=[uuid]),
        "form": form,
    }
    return render(request, "office/confirm.html", context)
