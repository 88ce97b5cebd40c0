"""Template tags and filters of all surfaces; a builtin of the template engine, so no {% load %} is needed."""

import datetime as dt
import decimal
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard, TypeVar

from django import template
from django.core.paginator import Page
from django.forms import BaseForm, BoundField, CheckboxInput
from django.template.context import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from core.clock import today
from core.ui.icons import ICONS
from core.ui.tones import FINDING_LOOKS, NEUTRAL, STATUS_LOOKS, Look

register = template.Library()

WEEKDAYS = "月火水木金土日"
DASH = "—"

Given = TypeVar("Given")

RUN_STEPS = (
    ("draft", "下書き"),
    ("computed", "計算済"),
    ("approved", "承認済"),
    ("exported", "出力済"),
    ("transferred", "振込済"),
)


@register.filter
def yen(value: int | decimal.Decimal | None) -> str:
    """13200 → 13,200円; a dash for nothing."""
    return f"{value:,.0f}円" if _given(value) else DASH


@register.filter
def count(value: int | None) -> str:
    """1234 → 1,234; a dash for nothing."""
    return f"{value:,}" if _given(value) else DASH


@register.filter
def jdate(value: dt.date | dt.datetime | None) -> str:
    """2026年11月20日（金）; aware times are shown as Japan's date."""
    if not value:
        return DASH
    day = _local(value) if isinstance(value, dt.datetime) else value
    return f"{day.year}年{day.month}月{day.day}日（{WEEKDAYS[day.weekday()]}）"


@register.filter
def jdatetime(value: dt.datetime | None) -> str:
    """2026年11月20日（金） 13:05, with seconds only where there are some."""
    if not value:
        return DASH
    return f"{jdate(value)} {jtime(value)}"


@register.filter
def shortdate(value: dt.date | dt.datetime | None) -> str:
    """2026/11/20（金）, for tables."""
    if not value:
        return DASH
    day = _local(value) if isinstance(value, dt.datetime) else value
    return f"{day:%Y/%m/%d}（{WEEKDAYS[day.weekday()]}）"


@register.filter
def shortdatetime(value: dt.datetime | None) -> str:
    """2026/11/20 13:05, for tables."""
    if not value:
        return DASH
    return f"{_local(value):%Y/%m/%d} {jtime(value)}"


@register.filter
def jtime(value: dt.datetime | None) -> str:
    """13:05, with seconds only where there are some."""
    if not value:
        return DASH
    moment = _local(value)
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"


@register.filter
def monthday(value: dt.date | dt.datetime | None) -> str:
    """11/20（金）, for tables of one month."""
    if not value:
        return DASH
    day = _local(value) if isinstance(value, dt.datetime) else value
    return f"{day.month}/{day.day}（{WEEKDAYS[day.weekday()]}）"


@register.filter
def jmonth(value: dt.date | str | None) -> str:
    """2026年11月, from a date or from the text 2026-11."""
    if not value:
        return DASH
    if isinstance(value, str):
        year, month = value.split("-")[:2]
        return f"{int(year)}年{int(month)}月"
    return f"{value.year}年{value.month}月"


@register.filter
def minutes(value: int | None) -> str:
    """150 → 2時間30分."""
    if not _given(value):
        return DASH
    sign, rest = ("-", -value) if value < 0 else ("", value)
    hours, left = divmod(rest, 60)
    if not hours:
        return f"{sign}{left}分"
    return f"{sign}{hours}時間{left}分" if left else f"{sign}{hours}時間"


@register.filter
def seconds(value: float | None) -> str:
    """A difference of times as minutes and seconds with its sign: -90 → −1分30秒, 45 → +45秒, 0 → 差なし."""
    if not _given(value):
        return DASH
    whole = round(value)
    if not whole:
        return "差なし"
    sign = "+" if whole > 0 else "−"
    mins, secs = divmod(abs(whole), 60)
    return f"{sign}{f'{mins}分' if mins else ''}{f'{secs}秒' if secs else ''}"


@register.filter
def metres(value: float | None) -> str:
    """380.4 → 380m, 1530 → 1.5km."""
    if not _given(value):
        return DASH
    return f"{value:,.0f}m" if value < 1000 else f"{value / 1000:,.1f}km"


@register.filter
def km(value: decimal.Decimal | float | None) -> str:
    """12.40 → 12.4km."""
    if not _given(value):
        return DASH
    return f"{decimal.Decimal(str(value)).normalize():,f}km"


@register.filter
def dash(value: object) -> object:
    """The value, or a dash where there is none."""
    return value if _given(value) else DASH


@register.filter
def total(rows: Iterable[dict[str, int]], key: str) -> int:
    """The sum of one figure over rows of figures."""
    return sum(row[key] for row in rows)


@register.filter
def after(value: str, prefix: str) -> str:
    """An explanation without the item it starts with, where that already stands beside it."""
    return value.removeprefix(prefix).lstrip(" 　:：")


@register.filter
def yes_no(value: bool | None) -> str:
    """有 / 無, as in the exchange files."""
    return "有" if value else "無"


@register.filter
def masked(value: str | None) -> str:
    """An account number with all but its last three digits covered: 1234567 → ****567."""
    if not value:
        return DASH
    return "*" * max(0, len(value) - 3) + value[-3:]


@register.filter
def days_ago(value: dt.date | dt.datetime | None) -> str:
    """How old something is in whole days: 今日, 昨日, 12日前."""
    if not value:
        return DASH
    day = _local(value).date() if isinstance(value, dt.datetime) else value
    age = (today() - day).days
    return "今日" if age <= 0 else "昨日" if age == 1 else f"{age}日前"


@register.filter
def without_style(value: str) -> str:
    """Takes style attributes, which the CSP forbids, out of generated markup (import preview)."""
    cleaned = re.sub(r'\sstyle="[^"]*"', "", value)
    # Only attributes were removed: what was escaped or trusted before is so still.
    return mark_safe(cleaned) if isinstance(value, SafeString) else cleaned  # noqa: S308


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An inline icon; hidden from screen readers unless it has a label of its own."""
    shape = mark_safe(ICONS[name])  # noqa: S308 - a constant of core.ui.icons
    if label:
        return format_html(
            '<svg class="icon" viewBox="0 0 24 24" role="img" aria-label="{}">{}</svg>', label, shape
        )
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>', shape
    )


@register.simple_tag
def chip(label: str, tone: str = "", icon_name: str = "") -> SafeString:
    """A word in a box; tone is info, success, warning, error, solid, quiet or empty."""
    classes = f"chip chip--{tone}" if tone else "chip"
    return format_html('<span class="{}">{}{}</span>', classes, icon(icon_name) if icon_name else "", label)


@register.simple_tag
def status_chip(thing: Any, label: str = "") -> SafeString:
    """The chip of a dispatch's, run's or job's status; for a bare value the word is given as label."""
    if isinstance(thing, str):
        value, word = thing, label or thing
    else:
        value, word = thing.status, label or thing.get_status_display()
    look = STATUS_LOOKS.get(str(value), NEUTRAL)
    return chip(word, look.tone, look.icon)


@register.simple_tag
def finding_chip(kind: str, text: str = "") -> SafeString:
    """The chip of a finding's 区分 (保留, 対象外, 未了, 支払可); text replaces the word, e.g. a code."""
    look: Look = FINDING_LOOKS.get(str(kind), NEUTRAL)
    return chip(text or str(kind), look.tone, look.icon)


@register.simple_tag
def run_steps(status: str) -> list[dict[str, object]]:
    """The steps of a payout run with where it stands: name, label, state (done, current, next), number."""
    names = [name for name, _ in RUN_STEPS]
    # 完了 follows 振込済 and shows every step as done.
    at = names.index(status) if status in names else len(names) if status == "closed" else -1
    return [
        {
            "name": name,
            "label": label,
            "number": number + 1,
            "state": "done" if number < at else "current" if number == at else "next",
        }
        for number, (name, label) in enumerate(RUN_STEPS)
    ]


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, optional_mark: bool = True) -> dict[str, object]:
    """One form field: label with 必須 or 任意, help, errors beside it, the control tied to them."""
    return {
        "field": bound,
        "is_single_choice": isinstance(bound.field.widget, CheckboxInput),
        "optional_mark": optional_mark,
    }


@register.inclusion_tag("components/error_summary.html")
def error_summary(form: BaseForm) -> dict[str, object]:
    """All errors of a form at its top, each a link to its field; of a group of choices, to the first one."""
    return {"form": form, "fields": [(bound, _target(bound)) for bound in form if bound.errors]}


def _target(bound: BoundField) -> str:
    if bound.id_for_label:
        return str(bound.id_for_label)
    first = next(iter(bound.subwidgets), None)
    return first.id_for_label if first is not None else ""


@dataclass(frozen=True, slots=True)
class PageLink:
    """A number in the pagination; 0 is a gap."""

    number: int
    is_current: bool


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: Context, page: Page[Any], unit: str = "件") -> dict[str, object]:
    """Range, total and links of a page; keeps the other query parameters."""
    paginator = page.paginator
    elided: Iterator[str | int] = paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    links = [PageLink(n if isinstance(n, int) else 0, n == page.number) for n in elided]
    return {"page": page, "links": links, "unit": unit, "request": context.get("request")}


@register.inclusion_tag("components/filter_select.html", takes_context=True)
def filter_select(
    context: Context, name: str, label: str, options: Iterable[tuple[object, object]], empty: str = "すべて"
) -> dict[str, object]:
    """A choice of the filter bar: options are (value, label) pairs; what the address says is chosen."""
    current = context["request"].GET.get(name, "")
    rows = [(str(value), text, str(value) == current) for value, text in options]
    return {"name": name, "label": label, "rows": rows, "empty": empty}


@register.inclusion_tag("components/filter_text.html", takes_context=True)
def filter_text(context: Context, name: str, label: str) -> dict[str, object]:
    """A search field of the filter bar, holding what the address says."""
    return {"name": name, "label": label, "value": context["request"].GET.get(name, "")}


@register.inclusion_tag("components/sort_header.html", takes_context=True)
def sort_header(context: Context, key: str, label: str, numeric: bool = False) -> dict[str, object]:
    """A head cell that sorts by ?sort=key; a second press turns the order round."""
    request = context["request"]
    current = request.GET.get("sort", "")
    direction = "ascending" if current == key else "descending" if current == f"-{key}" else ""
    return {
        "label": label,
        "numeric": numeric,
        "direction": direction,
        "target": f"-{key}" if direction == "ascending" else key,
        "request": request,
    }


@register.inclusion_tag("components/share.html")
def share(label: str, success: int, warning: int, quiet: int, error: int) -> dict[str, object]:
    """A bar of four shares (payable, held, incomplete, excluded); the label says it in words."""
    total = success + warning + quiet + error
    parts, start = [], decimal.Decimal(0)
    for tone, amount in (("success", success), ("warning", warning), ("quiet", quiet), ("error", error)):
        width = decimal.Decimal(amount) * 100 / total if total else decimal.Decimal(0)
        parts.append({"tone": tone, "start": f"{start:.2f}", "width": f"{width:.2f}"})
        start += width
    return {"label": label, "parts": parts, "total": total}


def _local(value: dt.datetime) -> dt.datetime:
    """Aware times in Japan's time; naive ones are Japan's already."""
    return timezone.localtime(value) if timezone.is_aware(value) else value


def _given(value: Given | None) -> TypeGuard[Given]:
    """Whether there is something to show: not None, nor the empty text a template makes of an unknown name."""
    return value is not None and value != ""
