"""Finding an expert, for a case or without one."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers

from core import clock
from core.audit.services import record_page
from dispatch.models import Case
from experts import search
from experts.models import Expert
from experts.standing import active_on
from portal_institution import matching
from portal_institution.access import institution_view, own_institution, person
from portal_institution.forms.experts import ExpertSearchForm

# More open cases than this nobody looks through in a list; the case's own page leads here as well.
_MOST_CASES = 100


def _page_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1


@institution_view()
def expert_search(request: HttpRequest) -> HttpResponse:
    """Experts by words and conditions, the fittest for a case first, each with the reasons why."""
    user = person(request)
    institution = own_institution(user)
    own = Case.objects.visible_to(user).select_related("company")
    code = request.GET.get("case", "")
    case = get_object_or_404(own, code=code) if code else None
    form = ExpertSearchForm(request.GET)
    asked, criteria = form.asked(), form.criteria()
    typed = asked.get("place")
    position = (float(typed[0]), float(typed[1])) if typed else None
    if position is None and case is not None:
        position = matching.position_of(case.company, user)
    need = matching.need_of(institution, case, position, criteria.topic, criteria.industry)
    known = matching.known_of(user, case, asked.get("day"))
    # whoever is no longer registered on the day can't be applied for
    registered = active_on(
        Expert.objects.visible_to(user), max(asked.get("day") or clock.today(), clock.today())
    )
    found = search.search(
        registered.defer("account_number", "account_holder_kana"),
        criteria,
        need,
        known=known,
        page=_page_number(request.GET.get("page", "")),
    )
    cards = matching.cards_of(found.hits, user, need)
    record_page(actor=user, rows=[card.expert for card in cards])
    context: dict[str, Any] = {
        "section": "experts",
        "form": form,
        "case": case,
        "found": found,
        "cards": cards,
        "need": need,
        "asked": asked,
        "not_understood": form.not_understood(),
        "weights": _weights(),
        "first": (found.page - 1) * search.PAGE + 1,
        "last": (found.page - 1) * search.PAGE + len(cards),
        "most": search.MOST,
        "can_apply": case is not None and case.state == Case.State.OPEN,
    }
    part = request.headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in request.headers
    if not part:
        context["cases"] = list(own.filter(institution=institution, state=Case.State.OPEN)[:_MOST_CASES])
    answer = render(
        request, "institution/experts/results.html" if part else "institution/experts/search.html", context
    )
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _weights() -> list[tuple[str, str]]:
    """What the order is made of, in words and points."""
    near = "、".join(f"{km}km以内 +{points}" for km, points in search.NEAR)
    return [
        ("氏名・カナが言葉と一致", f"+{search.NAME}"),
        ("専門分野が支援案件の経営課題と一致", f"+{search.TOPIC}"),
        ("得意業種が支援先の業種と一致", f"+{search.INDUSTRY}"),
        ("支援先と同じ都道府県", f"+{search.SAME_PREFECTURE}"),
        ("同じ経済産業局の管内", f"+{search.SAME_BUREAU}"),
        ("支援先からの直線距離", near),
        ("この支援先を過去に担当", f"+{matching.SERVED_CLIENT}"),
        ("貴機関の派遣の実績", f"+{matching.KNOWN_HERE}"),
        (
            f"今後{matching.SOON.days}日間の予定（1件につき）",
            f"{matching.PLANNED_VISIT}（最大 {matching.PLANNED_MOST}）",
        ),
        ("希望する日に別の派遣の予定", str(matching.BUSY_THAT_DAY)),
        ("貴機関の派遣で支援先から相違の申し出", str(matching.OBJECTED)),
        ("この案件の派遣を辞退", str(matching.DECLINED_CASE)),
        ("派遣しても謝金が支払われない（所属・人件費補助）", str(search.NOT_PAYABLE)),
    ]
