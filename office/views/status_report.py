"""The registration status report (requirement A9): filters, counts, and the files for the agency."""

import datetime as dt
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import reauthentication
from accounts.rights import may, require
from core import clock
from core.audit.models import Access
from core.audit.services import record_view
from core.errors import DomainError
from core.exports.services import SHORTEST_PURPOSE
from core.japan.calendar import long_date_with_weekday
from core.japan.prefectures import BUREAUS
from core.japan.prefectures import CHOICES as PREFECTURE_CHOICES
from core.programme.models import CodeItem
from core.programme.selectors import code_items
from core.ui.lists import containing
from experts import search, status_report
from experts.models import Expert, ExpertQuerySet
from experts.standing import active_on
from office.access import office_view, person
from rules import codes

_ALL = ("", "すべて")
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}


def _begin(day: dt.date) -> dt.datetime:
    """The first moment of a day of Japan."""
    return clock.from_jst(dt.datetime.combine(day, dt.time()))


class ReportForm(forms.Form):
    """Which experts the report is about; every condition may be left open."""

    prefecture = forms.ChoiceField(label="都道府県", required=False, choices=[_ALL, *PREFECTURE_CHOICES])
    bureau = forms.ChoiceField(
        label="経済産業局の管内", required=False, choices=[_ALL, *((name, name) for name in BUREAUS)]
    )
    institution = forms.CharField(label="推薦機関（コード・名称）", required=False, max_length=100)
    topic = forms.ChoiceField(label="専門分野", required=False)
    qualification = forms.CharField(label="保有資格", required=False, max_length=100)
    requirement = forms.ChoiceField(label="登録要件", required=False)
    registered_from = forms.DateField(
        label="登録日（から）", required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    registered_to = forms.DateField(
        label="登録日（まで）", required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    standing = forms.ChoiceField(
        label="登録の状態",
        required=False,
        choices=[_ALL, ("active", "登録中"), ("ended", "終了")],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        topics = code_items(CodeItem.List.TOPIC, clock.today())
        self.fields["topic"].choices = [_ALL, *((name, name) for name in topics)]  # type: ignore[attr-defined]
        self.fields["requirement"].choices = [  # type: ignore[attr-defined]
            _ALL,
            *((name, name) for name in codes.REGISTRATION_GROUNDS),
        ]

    def clean(self) -> dict[str, Any]:
        """The span of days must have an order."""
        asked = super().clean() or {}
        first, last = asked.get("registered_from"), asked.get("registered_to")
        if first and last and first > last:
            self.add_error(
                "registered_to",
                "登録日の終わりが始まりより前です。終わりを始まりと同じ日か、後の日にしてください。",
            )
        return asked

    def chosen(self, experts: ExpertQuerySet) -> ExpertQuerySet:
        """Those of the experts the report is about; none while a condition can't be understood."""
        if not self.is_valid():
            return experts.none()
        asked = self.cleaned_data
        criteria = search.Criteria(
            topic=asked["topic"],
            qualification=asked["qualification"],
            prefecture=asked["prefecture"],
            bureau=asked["bureau"],
        )
        rows = search.matching(experts, criteria)
        rows = rows.filter(containing(asked["institution"], "recommended_by__code", "recommended_by__name"))
        if asked["requirement"]:
            rows = rows.filter(requirement=asked["requirement"])
        if first := asked["registered_from"]:
            rows = rows.filter(created_at__gte=_begin(first))
        if last := asked["registered_to"]:
            rows = rows.filter(created_at__lt=_begin(last + dt.timedelta(days=1)))
        if asked["standing"] == "active":
            rows = active_on(rows, clock.today())
        elif asked["standing"] == "ended":
            rows = rows.filter(valid_until__lt=clock.today())
        return rows

    def words(self) -> str:
        """The conditions as the report and the record of looks say them."""
        parts = []
        for name, bound in self.fields.items():
            value = self.cleaned_data.get(name)
            if value:
                choices = dict(getattr(bound, "choices", ()))
                parts.append(f"{bound.label}：{choices.get(value, value)}")
        return "、".join(parts) or "すべて"


class TakeForm(forms.Form):
    """As what the report leaves, and for what purpose."""

    ending = forms.ChoiceField(
        label="ファイルの形式",
        choices=[("csv", "CSV（UTF-8）"), ("xlsx", "Excel（XLSX）"), ("pdf", "PDF")],
    )
    purpose = forms.CharField(
        label="目的",
        max_length=500,
        min_length=SHORTEST_PURPOSE,
        help_text="「中小企業庁への10月分の報告のため」のように、何のためかを書いてください。",
    )


@never_cache
@office_view()
@require_http_methods(["GET", "HEAD", "POST"])
def status_report_page(request: HttpRequest) -> HttpResponseBase:
    """Counts for the conditions of the address; POST hands the report out, which is recorded with its purpose."""
    user, day = person(request), clock.today()
    form = ReportForm(request.GET)
    experts = form.chosen(Expert.objects.visible_to(user))
    counts = status_report.counts(experts, day)
    taking = TakeForm(request.POST or None, initial={"ending": "csv"})
    if request.method == "POST":
        require(user, "export_data")
        if form.is_valid() and taking.is_valid():
            if not reauthentication.is_recent(request):
                return reauthentication.suspend(request)
            try:
                return _file(request, form, taking, experts, counts)
            except DomainError as refusal:
                taking.add_error(None, refusal.message)
    context = {
        "section": "experts",
        "form": form,
        "counts": counts,
        "taking": taking if may(user, "export_data").allowed else None,
        "columns": status_report.HEADER,
        "most_on_paper": status_report.MOST_ON_PAPER,
    }
    return render(request, "office/experts/report.html", context)


def _file(
    request: HttpRequest,
    form: ReportForm,
    taking: TakeForm,
    experts: ExpertQuerySet,
    counts: dict[str, int],
) -> HttpResponseBase:
    day, ending = clock.today(), taking.cleaned_data["ending"]
    facts = [
        ("基準日", long_date_with_weekday(day)),
        ("条件", form.words()),
        ("人数", f"{counts['total']:,}人（うち登録中 {counts['active']:,}人）"),
        ("認定経営革新等支援機関の推薦", f"{counts['certified']:,}人"),
    ]
    answer: HttpResponseBase
    if ending == "csv":
        answer = StreamingHttpResponse(status_report.csv_parts(experts, day), content_type=_TYPES[ending])
    else:
        make = status_report.report_xlsx if ending == "xlsx" else status_report.report_pdf
        answer = HttpResponse(make(experts, day, facts), content_type=_TYPES[ending])
    record_view(
        actor=person(request),
        what=Access.What.EXPORT,
        object=Expert,
        ids=list(experts.order_by("code").values_list("pk", flat=True)),
        reason=taking.cleaned_data["purpose"],
        fields=status_report.HEADER,
        label=f"登録状況報告（{form.words()}）.{ending}"[:500],
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="expert-status-{day:%Y%m%d}.{ending}"'
    return answer
