"""People who sign in: the list, one person, and what an administrator may do about them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import messages
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from accounts import limiter, reauthentication, services
from accounts.links import absolute
from accounts.models import Role, User
from accounts.second_factor import is_compulsory
from core import clock
from core.audit.models import Change
from core.errors import DomainError
from experts.accounts import create_tied_user
from office.access import office_view, person
from office.lists import containing, page_of, sorted_by
from office.people_forms import WEEKDAYS, ContactForm, LimitsForm, NewPersonForm, ReasonForm, RoleForm
from portal_expert.models import ApiToken
from portal_expert.tokens import revoke_token

STATES = [
    ("active", "使える"),
    ("stopped", "停止中"),
    ("no_factor", "二段階認証が未登録"),
    ("unused", "未使用"),
]

_FACTOR = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)


@office_view("manage_users")
def person_list(request: HttpRequest) -> HttpResponse:
    """Everybody who has an account."""
    rows = User.objects.annotate(has_factor=Exists(_FACTOR))
    rows = rows.filter(containing(request.GET.get("q", ""), "username", "last_name", "first_name", "email"))
    if role := request.GET.get("role"):
        rows = rows.filter(role=role)
    conditions = {
        "active": Q(is_active=True),
        "stopped": Q(is_active=False),
        "no_factor": Q(is_active=True, has_factor=False),
        "unused": Q(last_login__isnull=True),
    }
    if condition := conditions.get(request.GET.get("state", "")):
        rows = rows.filter(condition)
    columns = {"name": "username", "role": "role", "last": "last_login"}
    context = {
        "section": "people",
        "page": page_of(request, sorted_by(request, rows, columns, ("username",))),
        "roles": Role.choices,
        "states": STATES,
    }
    return render(request, "office/people/list.html", context)


@office_view("manage_users")
@reauthentication.required
def person_new(request: HttpRequest) -> HttpResponse:
    """Makes an account and shows its one-time link, once."""
    form = NewPersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = create_tied_user(actor=person(request), action="create_user", **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            link = services.invite(user=user, actor=person(request), request=request)
            return _show_link(request, user, link)
    return render(request, "office/people/new.html", {"section": "people", "form": form})


def _show_link(request: HttpRequest, user: User, link: str) -> HttpResponse:
    context = {"section": "people", "person": user, "link": absolute(link)}
    return render(request, "office/people/link.html", context)


def _hours(user: User) -> str:
    days = "・".join(label for number, label in WEEKDAYS if number in user.allowed_weekdays) or "毎日"
    if user.allowed_from is None or user.allowed_until is None:
        return f"{days}　終日"
    next_day = "翌日の" if user.allowed_until <= user.allowed_from else ""
    return f"{days}　{user.allowed_from:%H:%M}から{next_day}{user.allowed_until:%H:%M}まで"


@office_view("manage_users")
def person_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: what they may, how they signed in, what was changed about them."""
    user = get_object_or_404(User.objects.annotate(has_factor=Exists(_FACTOR)), pk=pk)
    context = {
        "section": "people",
        "person": user,
        "compulsory": is_compulsory(user),
        "hours": _hours(user),
        "locks": limiter.locks(user),
        "tokens": ApiToken.objects.visible_to(person(request)).filter(user=user),
        "session_count": UserSession.objects.filter(user=user).count(),
        "events": user.sign_in_events.select_related("actor")[:15],
        "history": [
            {
                "at": change.at,
                "actor": change.actor_name or "システム",
                "action": ACTIONS.get(change.action, "変更"),
                "reason": change.reason,
            }
            for change in Change.objects.filter(
                table="accounts_user", row_id=user.pk, action__in=ACTIONS
            ).order_by("-pk")[:15]
        ],
        "own": user.pk == person(request).pk,
    }
    return render(request, "office/people/detail.html", context)


# What the history calls the acts on a person.
ACTIONS = {
    "create_user": "登録",
    "add_user": "登録",
    "change_role": "役割の変更",
    "change_contact": "氏名・メールアドレスの変更",
    "stop_user": "停止",
    "resume_user": "再開",
    "set_sign_in_limits": "使える時間・接続元の変更",
    "set_emergency": "緊急用の変更",
    "set_password": "パスワードの設定",
    "change_password": "パスワードの変更",
    "end_sessions": "ログインの終了",
    "remove_second_factor": "二段階認証の解除",
}

Do = Callable[[HttpRequest, User, dict[str, Any]], str | None]


@dataclass(frozen=True)
class Act:
    """One thing an administrator may do about a person: shown for confirmation, done on POST."""

    title: str
    label: str
    do: Do
    done: str
    form: type[forms.Form] = forms.Form
    consequences: tuple[str, ...] = ()
    tone: str = "primary"
    initial: Callable[[User], dict[str, Any]] = lambda user: {}


def _change_role(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.change_role(user=user, actor=person(request), **data)


def _change_contact(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.change_contact(user=user, actor=person(request), **data)


def _set_limits(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.set_limits(user=user, actor=person(request), **data)


def _stop(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.stop_user(user=user, actor=person(request), reason=data["reason"])


def _resume(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.resume_user(user=user, actor=person(request), reason=data["reason"])


def _unlock(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    limiter.unlock(user=user, actor=person(request), request=request)


def _end_sessions(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.end_sessions(user=user, actor=person(request), request=request)


def _remove_factor(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.remove_second_factor(user=user, actor=person(request), reason=data["reason"], request=request)


def _link(request: HttpRequest, user: User, data: dict[str, Any]) -> str:
    return services.invite(user=user, actor=person(request), request=request)


def _emergency(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.set_emergency(user=user, actor=person(request), is_emergency=not user.is_emergency)


ACTS = {
    "role": Act(
        "役割を変更しますか",
        "変更する",
        _change_role,
        "役割を変更しました。",
        RoleForm,
        ("この人のログインはすべて終わり、次の操作から新しい役割になります。",),
        initial=lambda user: {"role": user.role},
    ),
    "contact": Act(
        "氏名・メールアドレスを変更しますか",
        "変更する",
        _change_contact,
        "変更しました。",
        ContactForm,
        ("送付済みのパスワード再設定のリンクは使えなくなります。",),
        initial=lambda user: {"display_name": user.get_full_name(), "email": user.email},
    ),
    "limits": Act(
        "使える時間と接続元を変更しますか",
        "変更する",
        _set_limits,
        "使える時間と接続元を変更しました。",
        LimitsForm,
        ("ログイン中でも、使える時間と接続元から外れると、次の操作でログアウトします。",),
        initial=LimitsForm.values_of,
    ),
    "stop": Act(
        "この利用者を停止しますか",
        "停止する",
        _stop,
        "停止しました。",
        ReasonForm,
        ("直ちにログアウトし、ログインできなくなります。", "これまでの記録は、そのまま残ります。"),
        "danger",
    ),
    "resume": Act("この利用者を再開しますか", "再開する", _resume, "再開しました。", ReasonForm),
    "unlock": Act("ロックを解除しますか", "解除する", _unlock, "ロックを解除しました。"),
    "end-sessions": Act(
        "ログインをすべて終わらせますか",
        "終わらせる",
        _end_sessions,
        "ログインをすべて終わらせました。",
        consequences=("保存していない入力は失われます。",),
        tone="danger",
    ),
    "remove-factor": Act(
        "二段階認証を解除しますか",
        "解除する",
        _remove_factor,
        "二段階認証を解除しました。",
        ReasonForm,
        (
            "本人であることを、電話などで必ず確かめてから行ってください。",
            "ログインはすべて終わり、次のログインで登録し直します。",
        ),
        "danger",
    ),
    "link": Act(
        "パスワードを設定するリンクを発行しますか",
        "発行する",
        _link,
        "",
        consequences=("リンクは一度だけ表示します。メールアドレスがあれば、メールでも送ります。",),
    ),
    "emergency": Act(
        "緊急用の指定を変更しますか",
        "変更する",
        _emergency,
        "緊急用の指定を変更しました。",
        consequences=("緊急用のIDでログインすると、警報が記録され、管理者へ知らせます。",),
    ),
}


@office_view("manage_users")
@reauthentication.required
def person_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Asks for confirmation, then does one of ACTS about a person."""
    if act not in ACTS:
        raise Http404
    user, chosen = get_object_or_404(User, pk=pk), ACTS[act]
    form = chosen.form(request.POST if request.method == "POST" else None, initial=chosen.initial(user))
    if request.method == "POST" and form.is_valid():
        try:
            link = chosen.do(request, user, form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            if link:
                return _show_link(request, user, link)
            messages.success(request, chosen.done)
            return redirect("office:person_detail", pk=pk)
    context = {
        "section": "people",
        "title": chosen.title,
        "lead": f"{user.get_full_name()}さん（{user.username}）",
        "facts": [("役割", user.get_role_display()), ("状態", "使える" if user.is_active else "停止中")],
        "consequences": chosen.consequences,
        "label": chosen.label,
        "tone": chosen.tone,
        "action_url": request.path,
        "back_url": reverse("office:person_detail", args=[pk]),
        "form": form,
    }
    return render(request, "office/confirm.html", context)


@office_view("manage_users")
@reauthentication.required
def token_revoke(request: HttpRequest, pk: int, token_id: int) -> HttpResponse:
    """Asks for the reason, then ends one key of a person to the API; the person is told."""
    rows = ApiToken.objects.visible_to(person(request)).select_related("user")
    token = get_object_or_404(rows, pk=token_id, user=pk)
    if not token.is_usable:
        messages.info(request, f"APIトークン「{token.name}」は、もう使えなくなっています。")
        return redirect("office:person_detail", pk=pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        revoke_token(token=token, actor=person(request), reason=form.cleaned_data["reason"])
        messages.success(request, f"APIトークン「{token.name}」を失効させました。")
        return redirect("office:person_detail", pk=pk)
    context = {
        "section": "people",
        "title": "APIトークンを失効させますか",
        "lead": f"{token.user.get_full_name()}さん（{token.user.username}）の「{token.name}」",
        "facts": [("発行", clock.jst(token.created_at).strftime("%Y年%-m月%-d日 %H:%M"))],
        "consequences": (
            "このトークンを使うソフトウェアは、すぐに送れなくなります。元に戻せません。",
            "本人へメールで知らせます。端末の画面からのチェックインには影響しません。",
        ),
        "label": "失効させる",
        "tone": "danger",
        "action_url": request.path,
        "back_url": reverse("office:person_detail", args=[pk]),
        "form": form,
    }
    return render(request, "office/confirm.html", context)
