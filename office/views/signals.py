"""Fraud signals: the list for review, and one signal with its facts side by side and what was decided (C13)."""

from django import forms
from django.contrib import messages
from django.db.models import Count, Max, Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.rights import may
from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.errors import DomainError, NotAllowed
from core.jobs.models import Job
from core.jobs.services import queue_job
from core.ui.lists import containing, page_of
from dispatch.models import Dispatch, ReviewSignal
from dispatch.services.signals import MOST_WORDS, decide_signal, signal_version, thresholds
from dispatch.signals_found import KINDS
from dispatch.signals_found.thresholds import TITLES
from dispatch.tasks import LOOK
from office.access import office_view, person
from office.signal_facts import evidence, fact_rows
from office.waiting import Waiting, waiting_source

STATES = [
    ("", "判断待ち"),
    *ReviewSignal.Decision.choices,
    ("ended", "検出されなくなったもの"),
    ("all", "すべて"),
]
_SCORES = [("70", "70以上"), ("50", "50以上"), ("30", "30以上")]
_SEARCHED = ("expert__name", "expert__kana", "expert__code", "institution__name", "company__name", "key")


class DecisionForm(forms.Form):
    """What came of a look."""

    decision = forms.ChoiceField(
        label="判断",
        choices=ReviewSignal.Decision.choices,
        widget=forms.RadioSelect,
        help_text="判断しても、派遣の支払は変わりません。支払を止めるときは、派遣の画面で保留または対象外にします。",
    )
    reason = forms.CharField(
        label="理由",
        max_length=MOST_WORDS,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="何を確かめ、どう考えたかを書いてください。ほかの担当者も読みます。",
    )
    version = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput)


@waiting_source(35)
def signals_waiting(user: User) -> list[Waiting]:
    """Signals that nobody has decided about."""
    if not may(user, "see_signals").allowed:
        return []
    waiting = ReviewSignal.objects.visible_to(user).waiting()
    found = waiting.aggregate(count=Count("pk"), oldest=Min("first_seen_at"), strongest=Max("score"))
    if not found["count"]:
        return []
    return [
        {
            "title": "不正の兆候の確認",
            "url": reverse("office:signal_list"),
            "count": found["count"],
            "oldest": found["oldest"],
            "note": f"最も強いもの {found['strongest']}",
        }
    ]


@office_view("see_signals")
def signal_list(request: HttpRequest) -> HttpResponse:
    """What nobody has decided about, the strongest first; by kind, state, strength and words."""
    user = person(request)
    rows = ReviewSignal.objects.visible_to(user)
    state = request.GET.get("state", "")
    if state == "ended":
        rows = rows.exclude(ended_at=None)
    elif state in ReviewSignal.Decision.values:
        rows = rows.filter(decision=state)
    elif state != "all":
        rows = rows.waiting()
    counts = dict(
        rows.order_by().values_list("kind").annotate(count=Count("pk")).values_list("kind", "count")
    )
    if (kind := request.GET.get("kind", "")) in KINDS:
        rows = rows.filter(kind=kind)
    if (score := request.GET.get("score", "")) in dict(_SCORES):
        rows = rows.filter(score__gte=int(score))
    if words := request.GET.get("q", "").strip():
        rows = rows.filter(containing(words, *_SEARCHED) | Q(dispatch_ids__overlap=_numbered(user, words)))
    page = page_of(
        request,
        rows.select_related("expert", "institution", "company", "decided_by").order_by(
            "-score", "first_seen_at", "pk"
        ),
    )
    record_page(actor=user, rows=page.object_list)
    last = Job.objects.filter(kind=LOOK).order_by("-pk").first()
    context = {
        "section": "signals",
        "page": page,
        "lines": [(signal, KINDS.get(signal.kind), fact_rows(signal)) for signal in page.object_list],
        "states": STATES[1:],
        "kinds": [(code, f"{KINDS[code].title}（{counts[code]:,}）") for code in KINDS if code in counts],
        "scores": _SCORES,
        "last": last,
        "looking": last is not None and last.status in (Job.Status.QUEUED, Job.Status.RUNNING),
    }
    return render(request, "office/signals/list.html", context)


def _numbered(user: User, words: str) -> list[int]:
    """The dispatches of these numbers, so that a number finds what is about it."""
    return list(
        Dispatch.objects.visible_to(user).filter(number__in=words.split()[:20]).values_list("pk", flat=True)
    )


@require_POST
@office_view("see_signals")
def signal_look(request: HttpRequest) -> HttpResponse:
    """Looks now instead of tonight; one look at a time."""
    if Job.objects.filter(kind=LOOK, status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).exists():
        messages.info(request, "検出は既に行われています。終わるまでお待ちください。")
    else:
        queue_job(kind=LOOK, title="不正の兆候の検出", arguments={}, actor=person(request))
        messages.success(request, "検出を始めました。終わると一覧に出ます。")
    return redirect("office:signal_list")


@office_view("see_signals")
def signal_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One signal with its facts side by side; takes the decision."""
    user = person(request)
    signal = get_object_or_404(
        ReviewSignal.objects.visible_to(user).select_related(
            "expert", "institution", "company", "decided_by"
        ),
        pk=pk,
    )
    form = DecisionForm(
        request.POST if request.method == "POST" else None, initial={"version": signal_version(signal)}
    )
    if request.method == "POST" and form.is_valid() and _decided(form, signal, user):
        messages.success(request, "判断を記録しました。")
        return redirect(_next(user, signal))
    dispatches = list(
        Dispatch.objects.visible_to(user)
        .filter(pk__in=signal.dispatch_ids)
        .select_related("expert", "company", "institution")
        .order_by("visited_from", "number")
    )
    record_view(actor=user, what=Access.What.EVIDENCE, object=dispatches)
    terms = thresholds(signal.last_seen_at.date()).values()
    context = {
        "section": "signals",
        "signal": signal,
        "kind": KINDS.get(signal.kind),
        "facts": fact_rows(signal),
        "form": form,
        "decisions": signal.decisions.visible_to(user).select_related("decided_by").order_by("-pk"),
        "terms": [(TITLES[name], value) for name, value in terms.items()],
        **evidence(signal, dispatches),
    }
    return render(request, "office/signals/detail.html", context, status=200 if not form.errors else 422)


def _decided(form: DecisionForm, signal: ReviewSignal, user: User) -> bool:
    """Whether the decision was taken; a refusal stands in the form, with the facts of now for the next try."""
    try:
        decide_signal(signal=signal, actor=user, **form.cleaned_data)
    except NotAllowed:
        raise
    except DomainError as refusal:
        form.add_error("reason" if refusal.code == "reason" else None, refusal.message)
        signal.refresh_from_db()
        form.data = form.data.copy()  # type: ignore[attr-defined]
        form.data["version"] = signal_version(signal)  # type: ignore[index]
        return False
    return True


def _next(user: User, signal: ReviewSignal) -> str:
    """The next one of the kind that waits, else the list."""
    waiting = ReviewSignal.objects.visible_to(user).waiting().filter(kind=signal.kind).first()
    return reverse("office:signal_detail", args=[waiting.pk]) if waiting else reverse("office:signal_list")
