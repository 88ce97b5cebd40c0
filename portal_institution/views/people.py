"""The people of an institution, managed by its chief (requirement B4)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from accounts import reauthentication
from accounts.models import User
from accounts.second_factor import is_compulsory
from core.errors import DomainError
from core.ui.lists import page_of, sorted_by
from institutions import services
from institutions.models import Member
from portal_institution.access import institution_view, own_institution, person
from portal_institution.forms.people import ContactForm, NewMemberForm, ReasonForm, RoleForm
from portal_institution.selectors import people as selectors

Do = Callable[[HttpRequest, User, dict[str, Any]], None]


@institution_view("manage_members")
def person_list(request: HttpRequest) -> HttpResponse:
    """Everybody of the institution, by words and state."""
    user = person(request)
    institution = own_institution(user)
    rows = selectors.asked_for(
        selectors.people_of(user, institution),
        words=request.GET.get("q", ""),
        state=request.GET.get("state", ""),
    )
    columns = {"name": "username", "role": "role", "last": "last_login"}
    page = page_of(request, sorted_by(request, rows, columns, ("-is_active", "username")))
    context = {"section": "people", "institution": institution, "page": page, "states": selectors.STATES}
    return render(request, "institution/people/list.html", context)


@institution_view("manage_members")
@reauthentication.required
def person_new(request: HttpRequest) -> HttpResponse:
    """Adds a person; the one-time link goes to them by mail."""
    user = person(request)
    form = NewMemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.add_member(actor=user, request=request, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(
                request,
                f"{made.get_full_name()}さんを登録し、パスワードを設定するリンクを {made.email} へ送りました。",
            )
            return redirect("portal:person_detail", pk=made.pk)
    context = {"section": "people", "institution": own_institution(user), "form": form}
    return render(request, "institution/people/new.html", context)


def _own(request: HttpRequest, pk: int) -> User:
    user = person(request)
    return get_object_or_404(selectors.people_of(user, own_institution(user)), pk=pk)


@institution_view("manage_members")
def person_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One person of the institution, and what the chief may do about them."""
    one = _own(request, pk)
    context = {
        "section": "people",
        "person": one,
        "compulsory": is_compulsory(one),
        "own": one.pk == person(request).pk,
        "history": selectors.history_of(one),
    }
    return render(request, "institution/people/detail.html", context)


@dataclass(frozen=True)
class Act:
    """One thing a chief may do about a person: shown for confirmation, done on POST."""

    title: str
    label: str
    do: Do
    done: str
    form: type[forms.Form] = forms.Form
    consequences: tuple[str, ...] = ()
    tone: str = "primary"
    initial: Callable[[User], dict[str, Any]] = lambda user: {}


def _change(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.change_member(user=user, actor=person(request), **data)


def _role(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.change_member_role(user=user, actor=person(request), **data)


def _stop(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.stop_member(user=user, actor=person(request), reason=data["reason"])


def _resume(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.resume_member(user=user, actor=person(request), reason=data["reason"])


def _link(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.invite_member(user=user, actor=person(request), request=request)


def _remove_factor(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    services.remove_member_factor(user=user, actor=person(request), reason=data["reason"], request=request)


ACTS = {
    "contact": Act(
        "氏名・メールアドレスを変更しますか",
        "変更する",
        _change,
        "変更しました。",
        ContactForm,
        ("送付済みのパスワード設定のリンクは使えなくなります。",),
        initial=lambda user: {"display_name": user.get_full_name(), "email": user.email},
    ),
    "role": Act(
        "役割を変更しますか",
        "変更する",
        _role,
        "役割を変更しました。",
        RoleForm,
        ("この人のログインはすべて終わり、次のログインから新しい役割になります。",),
        initial=lambda user: {"role": user.role},
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
    "link": Act(
        "パスワードを設定するリンクを送りますか",
        "送る",
        _link,
        "パスワードを設定するリンクを、ご本人のメールアドレスへ送りました。",
        consequences=("リンクは一度だけ使え、期限が過ぎると使えなくなります。",),
    ),
    "remove-factor": Act(
        "二段階認証を解除しますか",
        "解除する",
        _remove_factor,
        "二段階認証を解除しました。",
        ReasonForm,
        (
            "本人であることを、対面や電話などで必ず確かめてから行ってください。",
            "ログインはすべて終わり、次のログインで登録し直します。ご本人へメールで知らせます。",
        ),
        "danger",
    ),
}


@institution_view("manage_members")
@reauthentication.required
def person_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Asks for confirmation, then does one of ACTS about a person of the own institution."""
    if act not in ACTS:
        raise Http404
    one, chosen = _own(request, pk), ACTS[act]
    form = chosen.form(request.POST if request.method == "POST" else None, initial=chosen.initial(one))
    if request.method == "POST" and form.is_valid():
        try:
            chosen.do(request, one, form.cleaned_data)
        except Member.DoesNotExist:
            raise Http404 from None
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, chosen.done)
            return redirect("portal:person_detail", pk=pk)
    context = {
        "section": "people",
        "act": chosen,
        "person": one,
        "form": form,
        "back_url": reverse("portal:person_detail", args=[pk]),
    }
    return render(request, "institution/people/act.html", context)
