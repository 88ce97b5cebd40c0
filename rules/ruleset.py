"""A dated rule set: every number and every reading of rules.md as data, with what a form needs to show it.

No value has a default here: a rule set says all of them. R3 is `rules/data/R3.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Annotated, Any, cast, get_type_hints

from rules import codes, readings
from rules import fields as kinds
from rules.dates import MonthDay
from rules.fields import Field

_INSTITUTION_CHOICES = tuple((kind, kind) for kind in codes.INSTITUTION_KINDS)
_LODGING_CHOICES = tuple((kind, kind) for kind in codes.LODGING_KINDS)


def _whole(label: str, unit: str, help: str, minimum: int = 0, maximum: int = 9_999_999_999) -> Field:
    return Field(label=label, kind=kinds.INT, unit=unit, help=help, minimum=minimum, maximum=maximum)


def _decimal(label: str, unit: str, help: str, maximum: int = 99_999) -> Field:
    return Field(label=label, kind=kinds.DECIMAL, unit=unit, help=help, maximum=maximum)


def _day(label: str, help: str) -> Field:
    return Field(label=label, kind=kinds.DATE_RULE, unit="月日", help=help)


def _yes(label: str, help: str) -> Field:
    return Field(label=label, kind=kinds.BOOL, help=help)


def _choice(label: str, help: str, *choices: kinds.Choice) -> Field:
    return Field(label=label, kind=kinds.CHOICE, help=help, choices=choices)


class RuleSetError(ValueError):
    """Values that make no rule set. `problems` lists (field name, Japanese message)."""

    def __init__(self, code: str, problems: tuple[tuple[str, str], ...]) -> None:
        self.code = code
        self.problems = problems
        listed = "\n".join(f"・{LABELS.get(name, name)}（{name}）: {message}" for name, message in problems)
        super().__init__(f"規程「{code}」の値に誤りがあります。\n{listed}")


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All values and readings in force on a day. Amounts in yen, distances in km or m, as the field says."""

    code: str
    # 謝金 (rules.md §2)
    fee_unit_yen: Annotated[
        int, _whole("謝金の単価", "円／単位", "1単位の謝金（消費税込み）。rules.md §1", 1)
    ]
    fee_unit_minutes: Annotated[int, _whole("謝金の単位時間", "分", "1単位の長さ。rules.md §1", 1, 1440)]
    fee_day_cap_yen: Annotated[int, _whole("謝金の1日上限", "円", "専門家1人・1日の上限。rules.md §1")]
    fee_rounding: Annotated[
        str,
        _choice(
            "端数時間の扱い",
            "rules.md §2、§6",
            (readings.HALF_HOUR_UNITS, "単位時間未満を切り捨てる"),
            (readings.PER_MINUTE_IF_30, "単位時間に達したら分単位で支払う"),
            (readings.ROUND_HALF_UP_HOURS, "1時間単位に四捨五入する"),
        ),
    ]
    fee_cut: Annotated[
        str,
        _choice(
            "端数を切る単位",
            "rules.md §2、§6",
            (readings.PER_DISPATCH, "派遣ごと"),
            (readings.PER_DAY, "1日の支援時間の合計"),
        ),
    ]
    fee_cap_scope: Annotated[
        str,
        _choice(
            "1日上限の適用",
            "同じ日の派遣は開始の早い順に上限を使う。rules.md §2、§6",
            (readings.CAP_EXPERT_DAY, "専門家の1日で共有する"),
            (readings.CAP_DISPATCH, "派遣ごとに適用する"),
        ),
    ]
    fee_earlier_runs_use_cap: Annotated[
        bool,
        _yes("支払済みの謝金が先に上限を使う", "前の支払で同じ日に支払った額を上限から引く。rules.md §2"),
    ]
    # 派遣の期間と回数 (rules.md §1, §5 L01, L02)
    dispatch_period_from: Annotated[MonthDay, _day("派遣期間の初日", "年度内の月日。rules.md §1")]
    dispatch_period_to: Annotated[
        MonthDay, _day("派遣期間の末日", "年度内の月日。月末は「02-末」。rules.md §1")
    ]
    pay_by: Annotated[MonthDay, _day("支払期限", "この日までに振り込む。rules.md §1、§4")]
    client_limit: Annotated[int, _whole("支援先の年度内の派遣回数", "回", "rules.md §1、§5 L01", 0, 999)]
    client_limit_by_topic: Annotated[
        Mapping[str, int],
        Field(
            label="経営課題別の派遣回数",
            kind=kinds.INT_MAPPING,
            unit="回",
            help="記載のない経営課題は「支援先の年度内の派遣回数」による。rules.md §1",
            maximum=999,
            keys=codes.TOPICS,
        ),
    ]
    limit_order: Annotated[
        str,
        _choice(
            "派遣回数を数える順",
            "rules.md §5 L01、§6",
            (readings.START_TIME, "実施開始の早い順（同時刻は派遣番号順）"),
        ),
    ]
    # 旅費 (rules.md §3)
    car_yen_per_km: Annotated[
        int, _whole("私有車の単価", "円／km", "全路程を通算し1km未満を切り捨てる。rules.md §3")
    ]
    express_min_km: Annotated[
        Decimal, _decimal("特急・指定席を払う距離", "km", "片道の区間。rules.md §1、§3")
    ]
    express_threshold_inclusive: Annotated[
        bool, _yes("特急・指定席はちょうどの距離を含む", "100.0kmを含むか。rules.md §6")
    ]
    ordinary_fare_reading: Annotated[
        str,
        _choice(
            "往復割引がない航空・船の通常運賃",
            "rules.md §3、§6",
            (readings.CEILING, "実費の上限とする"),
            (readings.FLAT, "通常運賃の額を支払う"),
        ),
    ]
    rental_needs_receipt: Annotated[bool, _yes("レンタカーに領収書が必要", "rules.md §3、§6")]
    rental_needs_no_public_transport: Annotated[
        bool, _yes("レンタカーは公共交通機関がない場合に限る", "rules.md §3、§6")
    ]
    lodging_cap_yen: Annotated[int, _whole("宿泊費の上限", "円／泊", "rules.md §1")]
    lodging_unpaid_kinds: Annotated[
        frozenset[str],
        Field(
            label="支給しない宿泊種別",
            kind=kinds.LIST,
            help="0円とし、理由を明細に記す。rules.md §1、§3",
            choices=_LODGING_CHOICES,
        ),
    ]
    lodging_reason: Annotated[
        str,
        _choice(
            "宿泊の必要理由",
            "rules.md §3、§6",
            (readings.EVERY_NIGHT, "毎泊に必要"),
            (readings.SEVERAL_NIGHTS, "2泊以上のときに必要"),
        ),
    ]
    per_diem_yen: Annotated[int, _whole("日当", "円／日", "rules.md §1")]
    per_diem_min_km: Annotated[Decimal, _decimal("日当を払う全行程の距離", "km", "rules.md §1、§3")]
    per_diem_min_minutes: Annotated[
        int, _whole("日当を払う支援時間", "分", "その日の合計。rules.md §1", 0, 1440)
    ]
    per_diem_threshold_inclusive: Annotated[
        bool, _yes("日当はちょうどの距離を含む", "100.0kmを含むか。rules.md §6")
    ]
    per_diem_scope: Annotated[
        str,
        _choice(
            "日当の全行程",
            "rules.md §3、§6",
            (readings.DAY_AND_ITINERARY, "その日の派遣と同じ行程番号の派遣"),
            (readings.DAY_ONLY, "その日の派遣だけ"),
        ),
    ]
    # 確認 (rules.md §1, §5)
    time_tolerance_seconds: Annotated[int, _whole("時刻の許容差", "秒", "rules.md §1、§5 E05", 0, 86_400)]
    place_tolerance_m: Annotated[int, _whole("位置の許容差", "m", "rules.md §1、§5 E04", 0, 1_000_000)]
    accuracy_cap_m: Annotated[int, _whole("位置精度を加える上限", "m", "rules.md §1", 0, 1_000_000)]
    web_checks_place: Annotated[bool, _yes("WEBでも位置を確認する", "rules.md §5、§6")]
    web_checks_signature: Annotated[bool, _yes("WEBでも署名を確認する", "rules.md §5、§6")]
    web_without_approval: Annotated[
        str,
        _choice(
            "事前承認のないWEB",
            "rules.md §5 X05、§6",
            (readings.INELIGIBLE, "対象外とする"),
            (readings.PAYABLE, "支払う"),
        ),
    ]
    own_institution_exempt_kinds: Annotated[
        frozenset[str],
        Field(
            label="所属機関でも対象とする機関区分",
            kind=kinds.LIST,
            help="rules.md §5 X03",
            choices=_INSTITUTION_CHOICES,
        ),
    ]
    account_name_wo_allowed: Annotated[
        bool, _yes("口座名義のヲを認める", "銀行が認める場合だけ「はい」にする。rules.md §5 B02")
    ]
    warn_after_days: Annotated[int, _whole("支払が遅いと知らせる日数", "日", "実施日から振込日まで", 0, 366)]
    # 源泉徴収と消費税 (rules.md §1, §4)
    withholding_percent: Annotated[
        Decimal, _decimal("源泉徴収の税率", "％", "復興特別所得税を含む。rules.md §1", 100)
    ]
    withholding_high_percent: Annotated[Decimal, _decimal("超える部分の税率", "％", "rules.md §1", 100)]
    withholding_tier_yen: Annotated[int, _whole("税率が変わる額", "円", "1回の支払額。rules.md §1")]
    withholding_deduction_yen: Annotated[
        int, _whole("司法書士等の控除額", "円", "1回の支払につき。rules.md §1")
    ]
    withholding_non_resident_percent: Annotated[Decimal, _decimal("非居住者の税率", "％", "rules.md §1", 100)]
    withholding_base: Annotated[
        str,
        _choice(
            "源泉徴収の対象額",
            "rules.md §4、§6",
            (readings.TAX_INCLUDED, "消費税込みの支払総額"),
            (readings.TAX_EXCLUDED, "消費税を除いた額"),
        ),
    ]
    withholding_method_by_class: Annotated[
        Mapping[str, str],
        Field(
            label="源泉区分ごとの計算",
            kind=kinds.CHOICE_MAPPING,
            help="rules.md §1",
            choices=readings.WITHHOLDING_METHOD_CHOICES,
            keys=codes.PAYEE_CLASSES,
            all_keys=True,
        ),
    ]
    slip_by_class: Annotated[
        Mapping[str, str],
        Field(
            label="源泉区分ごとの納付書",
            kind=kinds.CHOICE_MAPPING,
            help="rules.md §4",
            choices=readings.SLIP_CHOICES,
            keys=codes.PAYEE_CLASSES,
            all_keys=True,
        ),
    ]
    consumption_tax_percent: Annotated[int, _whole("消費税率", "％", "rules.md §4", 0, 100)]

    @classmethod
    def from_values(cls, code: str, values: Mapping[str, Any]) -> RuleSet:
        """The rule set of JSON values; RuleSetError lists each missing, unknown or wrong field."""
        problems: list[tuple[str, str]] = []
        parsed: dict[str, Any] = {}
        for field in FIELDS:
            if field.name not in values:
                problems.append((field.name, "値がありません"))
                continue
            try:
                parsed[field.name] = field.parse(values[field.name])
            except ValueError as error:
                problems.append((field.name, str(error)))
        problems += [(str(name), "知らない項目です") for name in values if name not in LABELS]
        if problems:
            raise RuleSetError(code, tuple(problems))
        return cls(code=code, **parsed)

    def values(self) -> dict[str, Any]:
        """The values as JSON; `from_values` reads them back."""
        return {field.name: field.dump(getattr(self, field.name)) for field in FIELDS}

    def limit_for(self, topic: str) -> int:
        """Dispatches a client may have in the fiscal year for a 経営課題 (rules.md §1)."""
        return self.client_limit_by_topic.get(topic, self.client_limit)

    def dispatch_period(self, year: int) -> tuple[date, date]:
        """First and last day of the dispatch period of fiscal year `year` (rules.md §1)."""
        return self.dispatch_period_from.within(year), self.dispatch_period_to.within(year)

    def pay_by_date(self, year: int) -> date:
        """The last day a transfer of fiscal year `year` may have (rules.md §1, §4)."""
        return self.pay_by.within(year)


def _read_fields() -> tuple[Field, ...]:
    hints = get_type_hints(RuleSet, include_extras=True)
    read = []
    for entry in fields(RuleSet):
        for extra in getattr(hints[entry.name], "__metadata__", ()):
            read.append(replace(cast(Field, extra), name=entry.name))
    return tuple(read)


FIELDS: tuple[Field, ...] = _read_fields()
LABELS: Mapping[str, str] = {field.name: field.label for field in FIELDS}


@dataclass(frozen=True, slots=True)
class Builtin:
    """A rule set that comes with the product; in force from `first_day` to the day before `end_day`."""

    code: str
    name: str
    first_day: date
    end_day: date
    values: Mapping[str, Any]


def builtin(code: str) -> Builtin:
    """The rule set `rules/data/<code>.json` with its days; KeyError when there is none."""
    source = files("rules") / "data" / f"{code}.json"
    if not source.is_file():
        raise KeyError(code)
    document = json.loads(source.read_text(encoding="utf-8"))
    return Builtin(
        code=document["code"],
        name=document["name"],
        first_day=date.fromisoformat(document["first_day"]),
        end_day=date.fromisoformat(document["end_day"]),
        values=document["values"],
    )


def load_builtin(code: str) -> RuleSet:
    """The rule set that comes with the product under `code`; KeyError when there is none."""
    return RuleSet.from_values(code, builtin(code).values)
