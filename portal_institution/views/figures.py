"""実績: an institution's applications, dispatches and what was paid for them, by month and since April."""

import io
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import clock
from core.audit.models import Access
from core.audit.services import record_page, record_view
from institutions.models import Institution
from payments.files.cells import ENCODING, write_csv
from portal_institution.access import institution_view, own_institution, person
from portal_institution.selectors import figures as selectors
from rules.dates import fiscal_year

ACT = "see_figures"
HEADER = (
    "年度", "月", "機関コード", "機関名", "派遣申請件数", "実施した派遣", "支払済の派遣", "謝金", "旅費", "支払額",
    "累計派遣申請件数", "累計実施した派遣", "累計支払済の派遣", "累計謝金", "累計旅費", "累計支払額",
)  # fmt: skip


def _year(request: HttpRequest, years: list[int]) -> int:
    asked = request.GET.get("year", "")
    found = next((year for year in years if str(year) == asked), None)
    return found if found is not None else fiscal_year(clock.today())


def _chosen(request: HttpRequest, bodies: list[Institution]) -> list[Institution]:
    """All, or the one that the address names; another's is not there."""
    code = request.GET.get("body", "")
    if not code:
        return bodies
    chosen = [body for body in bodies if body.code == code]
    if not chosen:
        raise Http404
    return chosen


@institution_view(ACT)
@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """The own figures, or the own and each member's, as table and chart."""
    user = person(request)
    institution = own_institution(user)
    bodies = selectors.bodies_of(institution)
    chosen = _chosen(request, bodies)
    years = selectors.years_of(bodies)
    year = _year(request, years)
    found = selectors.figures_of(bodies, year)
    rows = selectors.rows_of(found, chosen, year)
    record_page(actor=user, rows=chosen)
    context = {
        "section": "figures",
        "institution": institution,
        "is_representative": selectors.is_representative(institution),
        "chosen": chosen[0] if len(chosen) == 1 else None,
        "year": year,
        "years": [(str(each), f"{each}年度") for each in years],
        "choices": [(body.code, f"{body.code} {body.name}") for body in bodies],
        "rows": rows,
        "total": rows[-1].cumulative,
        "bars": _bars(rows),
        "bodies": [(body, selectors.total_of(found, body)) for body in bodies] if len(bodies) > 1 else [],
    }
    return render(request, "institution/figures/figures.html", context)


def _bars(rows: list[selectors.MonthRow]) -> list[dict[str, Any]]:
    """The chart: each month's fee and travel as shares (percent) of the largest month."""
    most = max((row.own.paid for row in rows), default=0) or 1
    return [
        {
            "month": row.month,
            "fee": round(row.own.fee * 100 / most, 2),
            "travel": round(row.own.travel * 100 / most, 2),
            "figures": row.own,
        }
        for row in rows
    ]


@institution_view(ACT)
@require_safe
def figures_csv(request: HttpRequest) -> HttpResponse:
    """The same as a file: each institution's months, each with what has come together since April."""
    user = person(request)
    bodies = selectors.bodies_of(own_institution(user))
    chosen = _chosen(request, bodies)
    year = _year(request, selectors.years_of(bodies))
    found = selectors.figures_of(chosen, year)
    lines = [
        (year, f"{row.month:%Y-%m}", body.code, body.name, *_numbers(row.own), *_numbers(row.cumulative))
        for body in sorted(chosen, key=lambda each: each.code)
        for row in selectors.rows_of(found, [body], year)
    ]
    record_view(
        actor=user,
        what=Access.What.DOWNLOAD,
        object=chosen,
        label=f"実績 {year}年度",
        row_count=len(lines),
    )
    text = io.StringIO(newline="")
    write_csv(text, HEADER, lines)
    answer = HttpResponse(text.getvalue().encode(ENCODING), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="figures-{year}.csv"'
    return answer


def _numbers(figures: selectors.Figures) -> tuple[int, ...]:
    return (
        figures.applications, figures.visits, figures.paid_dispatches, figures.fee, figures.travel, figures.paid,
    )  # fmt: skip
