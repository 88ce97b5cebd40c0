"""What the invited person sees and sends. Whose registration it is, the link alone says."""

import json
import secrets
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from core import clock
from core.agreements.services import current_text
from core.client_address import address_of
from core.errors import DomainError
from experts.registration.criteria import certificates_needed
from experts.registration.fields import CERTIFICATE, title_of
from experts.registration.models import Certificate, Registration
from experts.registration.services import (
    TEXTS,
    EntryConflict,
    EntryRefused,
    LinkUnusable,
    check_entry,
    save_entry,
    submit,
)
from portal_expert.account_answers import answer_account

from .forms import EntryForm, shown_in, typed
from .link import by_link

_MOST_BYTES = 100_000
_SECTIONS = (
    ("person", "氏名・連絡先", ("name", "kana", "prefecture_code", "address", "phone", "email")),
    ("activity", "活動拠点・専門分野", ("base_address", "base_latitude", "base_longitude", "topics", "industries")),
    ("route", "登録要件・経歴", ("requirement", "qualifications", "practice_from", "practice_text")),
    ("affiliation", "所属", ("affiliated", "affiliated_codes", "subsidised_labour")),
    (
        "payment",
        "支払",
        (
            "payee_class", "invoice_number", "yucho", "yucho_kigo", "yucho_bango", "bank_code", "branch_code",
            "account_type", "account_number", "account_holder_kana",
        ),
    ),
)  # fmt: skip


def _returned(registration: Registration) -> dict[str, str]:
    """What was sent back and isn't mended yet: field or `certificate:<kind>` → why."""
    return dict(registration.returns.filter(answered_at=None).values_list("field", "reason"))


@require_http_methods(["GET", "HEAD", "POST"])
@by_link
def entry(request: HttpRequest, token: str, registration: Registration) -> HttpResponseBase:
    """The form as it was left, and its sending; afterwards where the registration stands."""
    if not registration.can_enter:
        return render(request, "registration_entry/status.html", {"registration": registration})
    returned = _returned(registration)
    if request.method != "POST":
        form = _checked(request, registration, returned) if "check" in request.GET else None
        form = form or EntryForm(registration, returned=returned)
        return _page(request, token, registration, form, registration.entry_revision, returned)
    form = EntryForm(registration, request.POST, returned=returned)
    form.is_valid()
    form.errors.clear()
    revision = registration.entry_revision
    try:
        revision = save_entry(
            registration=registration, entry=typed(_values(request)), revision=_revision(request)
        )
        submit(
            registration=registration,
            agreed={code: _agreed(request, code) for code in TEXTS},
            revision=revision,
            address=address_of(request) or None,
            user_agent=request.META.get("HTTP_USER_AGENT", ""),
        )
    except EntryRefused:
        # what was typed is kept: a page that can be loaded again says what lacks
        return _to_check(token, [code for code in TEXTS if _agreed(request, code)])
    except EntryConflict as refusal:
        # what stands here was seen: sent once more, it takes the place of what was typed elsewhere
        form.add_error(None, "別の画面で入力が進んでいます。下の案内から選んでください。")
        return _page(request, token, registration, form, refusal.revision, returned, conflict=True)
    except LinkUnusable:
        raise
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        return _page(request, token, registration, form, revision, returned)
    return redirect("registration_entry:entry", token)


def _to_check(token: str, agreed: list[str]) -> HttpResponse:
    response = redirect("registration_entry:entry", token)
    response["Location"] += "?" + urlencode({"check": "1", "yes": agreed}, doseq=True)
    return response


def _checked(request: HttpRequest, registration: Registration, returned: dict[str, str]) -> EntryForm:
    """The form with what is kept, and beside each field what lacks."""
    yes = dict.fromkeys(request.GET.getlist("yes"), "on")
    data = shown_in(registration.entry) | {f"agreed_{code}": "on" for code in TEXTS if code in yes}
    form = EntryForm(registration, data, returned=returned)
    form.is_valid()
    form.errors.clear()
    for name, why in check_entry(registration).items():
        _refuse(form, name, why)
    for code in TEXTS:
        if code not in yes:
            form.add_error(f"agreed_{code}", f"「{code.label}」を読んで、同意を選んでください。")
    return form


def _page(
    request: HttpRequest,
    token: str,
    registration: Registration,
    form: EntryForm,
    revision: int,
    returned: dict[str, str],
    conflict: bool = False,
) -> HttpResponse:
    if not form.is_bound and not registration.entry_revision:
        form.initial = {
            "name": registration.candidate_name,
            "phone": registration.candidate_phone,
            "email": registration.candidate_email,
        }
    problems = check_entry(registration)
    certificates = list(registration.certificates.filter(removed_at=None).order_by("uploaded_at", "pk"))
    needed = certificates_needed(str(registration.entry.get("requirement", "")))
    context = {
        "registration": registration,
        "token": token,
        "form": form,
        "revision": revision,
        "conflict": conflict,
        "texts": [(current_text(code), form[f"agreed_{code}"]) for code in TEXTS],
        "returned": [
            (title_of(name), "id_certificate" if name.startswith(CERTIFICATE) else f"id_{name}", why)
            for name, why in returned.items()
        ],
        "sections": _progress(problems, registration),
        "certificates": certificates,
        "kinds": [
            {
                "value": kind.value,
                "label": kind.label,
                "needed": kind.value in needed,
                "there": any(each.kind == kind.value and each.counts for each in certificates),
                "returned": returned.get(f"{CERTIFICATE}{kind.value}", ""),
                "problems": problems.get(f"{CERTIFICATE}{kind.value}", []) if form.is_bound else [],
            }
            for kind in Certificate.Kind
        ],
        "key": secrets.token_urlsafe(12),
    }
    refused = request.method == "POST"
    return render(request, "registration_entry/entry.html", context, status=422 if refused else 200)


def _progress(problems: dict[str, list[str]], registration: Registration) -> list[dict[str, Any]]:
    """The sections with how many fields of each still lack something, as it is saved."""
    found = [
        {"id": code, "title": title, "open": sum(name in problems for name in names)}
        for code, title, names in _SECTIONS
    ]
    lacking = sum(name.startswith(CERTIFICATE) for name in problems)
    return [*found, {"id": "certificates", "title": "証明書類", "open": lacking}]


def _refuse(form: EntryForm, name: str, why: list[str]) -> None:
    if name in form.fields:
        for sentence in why:
            form.add_error(name, sentence)
    else:
        form.add_error(None, f"{title_of(name)}：{' '.join(why)}")


def _values(request: HttpRequest) -> dict[str, Any]:
    """The sent fields as they were typed; lists stay lists."""
    lists = {"topics", "industries"}
    return {
        name: request.POST.getlist(name) if name in lists else request.POST[name] for name in request.POST
    } | {name: request.POST.getlist(name) for name in lists}


def _agreed(request: HttpRequest, code: str) -> str:
    """The version of a text that was shown, where it was agreed to."""
    return request.POST.get(f"version_{code}", "") if request.POST.get(f"agreed_{code}") else ""


def _revision(request: HttpRequest) -> int:
    text = request.POST.get("entry_revision", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


@require_POST
@by_link
def draft(request: HttpRequest, token: str, registration: Registration) -> HttpResponseBase:
    """Keeps what was typed so far (static/js/autosave.js)."""
    if len(request.body) > _MOST_BYTES:
        return JsonResponse({"message": "入力が長すぎます。"}, status=413)
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError):
        sent = None
    values = sent.get("values") if isinstance(sent, dict) else None
    revision = sent.get("revision") if isinstance(sent, dict) else None
    if not isinstance(values, dict):
        return JsonResponse({"message": "入力内容を読み取れませんでした。"}, status=400)
    try:
        kept = save_entry(
            registration=registration,
            entry=typed({name: _plain(value) for name, value in values.items()}),
            revision=revision if isinstance(revision, int) else 0,
        )
    except LinkUnusable:
        raise
    except DomainError as refusal:
        return JsonResponse({"message": refusal.message}, status=409)
    return JsonResponse({"shown": f"{clock.now():%H:%M}", "revision": kept})


def _plain(value: Any) -> Any:
    """Text that UTF-8 can hold, also in lists; nothing else comes from a form."""
    if isinstance(value, list):
        return [_plain(each) for each in value if isinstance(each, str)]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


@require_POST
@by_link
def account(request: HttpRequest, token: str, registration: Registration) -> HttpResponseBase:
    """Answers the account fields while they are typed (static/js/account-entry.js)."""
    entered = registration.entry
    person = {"kana": entered.get("kana", ""), "payee_class": entered.get("payee_class", "")}
    return answer_account(request, who=f"registration:{registration.pk}", person=person)
