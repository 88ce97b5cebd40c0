"""The report's own fields: when the support took place, what was done."""

from typing import Any

from django import forms

from core import clock
from dispatch.models import Dispatch
from rules.ruleset import RuleSet
from rules.wording import seconds

from .fields import MomentField, TextField, typed_number

LONGEST_REPORT = 10_000
HEADINGS = (
    "【支援先の課題】",
    "【支援・助言した内容】",
    "【支援先が取り組むこと】",
    "【成果・今後の見通し】",
)


class MinutesField(forms.CharField):
    """Minutes; empty is none."""

    def clean(self, value: Any) -> int:
        """0 or more."""
        text = typed_number(super().clean(value), "分")
        if not text:
            return 0
        if not (text.isascii() and text.isdigit() and len(text) <= 4):
            raise forms.ValidationError("休憩は分の数字で入れてください（例: 30）。")
        return int(text)


class ReportForm(forms.Form):
    """支援の時刻, 支援実績報告 and 行程番号."""

    use_required_attribute = False
    start = MomentField(label="支援の開始")
    end = MomentField(label="支援の終了")
    breaks = MinutesField(
        label="休憩（分）",
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "amount"}),
    )
    report = TextField(
        label="支援内容",
        longest=LONGEST_REPORT,
        help_text=f"支援先の課題と、助言したこと、これから取り組むことを書いてください。{LONGEST_REPORT:,}文字まで。",
        widget=forms.Textarea(attrs={"rows": 14}),
        error_messages={"required": "支援内容を入れてください。"},
    )
    itinerary = TextField(
        label="行程番号",
        required=False,
        longest=64,
        help_text="ほかの訪問と続けて回ったときだけ。続けて回ったすべての報告に、同じ番号を入れてください。",
        widget=forms.TextInput(attrs={"list": "itineraries"}),
    )

    def __init__(self, *args: Any, dispatch: Dispatch, rules: RuleSet | None, **given: Any) -> None:
        super().__init__(*args, **given)
        self.dispatch = dispatch
        for name in ("start", "end"):
            self.fields[name].error_messages["required"] = (
                f"{self.fields[name].label}の日時を入れてください。"
            )
        if rules is not None:
            self.fields["start"].help_text = self.fields["end"].help_text = (
                f"記録と{seconds(rules.time_tolerance_seconds)}を超えて違うときは、申告書（時刻訂正）が必要です。"
            )

    def clean(self) -> dict[str, Any]:
        """What the service would refuse, said beside the field."""
        given = super().clean() or {}
        start, end = given.get("start"), given.get("end")
        if end is not None and end > clock.now():
            self.add_error("end", "先の時刻になっています。支援が終わってから報告してください。")
        elif start is not None and end is not None:
            if end <= start:
                self.add_error("end", "終了は開始より後にしてください。")
            elif given.get("breaks", 0) * 60 >= (end - start).total_seconds():
                self.add_error("breaks", "休憩が支援の時間以上になっています。")
        return given


# columns of the files, as the services name them in a refusal → fields of the form
FIELD_OF = {
    "実施開始": "start",
    "実施終了": "end",
    "休憩分": "breaks",
    "支援内容": "report",
    "支援場所": "start",
}
