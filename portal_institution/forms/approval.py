"""What an institution fills in to approve a dispatch, or to send it back."""

import datetime as dt
from typing import Any

from django import forms

from core import clock
from core.programme.models import CodeItem
from core.programme.selectors import code_items
from dispatch.models import Dispatch
from dispatch.services import Accompaniment

YES, NO = "yes", "no"
# The value of the dated list that says nothing by itself.
OTHER = "その他"
# The service's names of what it refuses → the fields of the form.
FIELD_OF = {"同行開始": "start", "同行終了": "end", "同行者": "by", "同行無の理由": "reason"}


class _Time(forms.TimeInput):
    input_type = "time"


class ApprovalForm(forms.Form):
    """同行: who went along and when, prefilled with the visit's times, or why nobody did."""

    accompanied = forms.ChoiceField(
        label="同行",
        choices=[(YES, "同行した"), (NO, "同行しなかった")],
        widget=forms.RadioSelect,
        error_messages={"required": "同行したかどうかを選んでください。"},
    )
    by = forms.CharField(
        label="同行した人",
        max_length=200,
        required=False,
        help_text="機関の職員の氏名。複数の場合は「、」で区切ります。",
    )
    start = forms.TimeField(
        label="同行の開始", required=False, widget=_Time(format="%H:%M"),
        error_messages={"invalid": "時刻は 13:30 のように入れてください。"},
    )  # fmt: skip
    end = forms.TimeField(
        label="同行の終了", required=False, widget=_Time(format="%H:%M"),
        error_messages={"invalid": "時刻は 13:30 のように入れてください。"},
    )  # fmt: skip
    reason = forms.ChoiceField(label="同行しなかった理由", required=False)
    detail = forms.CharField(
        label="理由の補足",
        max_length=500,
        required=False,
        help_text="「その他」を選んだときは、必ず入れてください。",
    )

    def __init__(self, *args: Any, dispatch: Dispatch, begun: dict[str, Any] | None = None, **kwargs: Any):
        kwargs["initial"] = {**_first_values(dispatch), **(begun or {})}
        super().__init__(*args, **kwargs)
        self.dispatch = dispatch
        day = clock.jst(dispatch.visited_from or dispatch.planned_from).date()
        names = code_items(CodeItem.List.ABSENCE_REASON, day)
        said = kwargs["initial"].get("reason", "")
        if said and said not in names:
            # a value of another year stays choosable where it is said already
            names = [said, *names]
        self.fields["reason"].choices = [("", "選んでください"), *((name, name) for name in names)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Who and when, or why not: what belongs to the choice must be there."""
        said = super().clean() or {}
        if said.get("accompanied") == YES:
            if not said.get("by", "").strip():
                self.add_error("by", "同行した人の氏名を入れてください。")
            for name, label in (("start", "開始"), ("end", "終了")):
                if said.get(name) is None and name not in self.errors:
                    self.add_error(name, f"同行の{label}の時刻を入れてください。")
        elif said.get("accompanied") == NO:
            if not said.get("reason"):
                self.add_error("reason", "同行しなかった理由を選んでください。")
            elif said["reason"] == OTHER and not said.get("detail", "").strip():
                self.add_error("detail", "「その他」の内容を入れてください。")
        return said

    def accompaniment(self) -> Accompaniment:
        """What was said, as the service takes it; times are of the visit's day."""
        said = self.cleaned_data
        if said["accompanied"] == NO:
            detail = said["detail"].strip()
            return Accompaniment(False, reason=f"{said['reason']}：{detail}" if detail else said["reason"])
        return Accompaniment(
            True,
            _on(self.dispatch.visited_from, said["start"]),
            _on(self.dispatch.visited_to, said["end"]),
            by=said["by"],
        )


def _first_values(dispatch: Dispatch) -> dict[str, Any]:
    """The visit's times; what was recorded before, where the office returned the approval; else what was planned."""
    start, end = (
        dispatch.accompanied_from or dispatch.visited_from,
        dispatch.accompanied_to or dispatch.visited_to,
    )
    recorded, _, detail = dispatch.no_accompaniment_reason.partition("：")
    return {
        "accompanied": YES if dispatch.accompanied else NO if recorded else "",
        "by": dispatch.accompanied_by,
        "start": clock.jst(start).time() if start else None,
        "end": clock.jst(end).time() if end else None,
        "reason": recorded,
        "detail": detail,
    }


def _on(moment: dt.datetime | None, time: dt.time) -> dt.datetime | None:
    return clock.from_jst(dt.datetime.combine(clock.jst(moment).date(), time)) if moment else None


class ReturnForm(forms.Form):
    """差戻し: ready-made reasons, several at once, and words of one's own."""

    reasons = forms.MultipleChoiceField(
        label="差戻しの理由", required=False, widget=forms.CheckboxSelectMultiple
    )
    comment = forms.CharField(
        label="専門家への説明",
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="どこを、どう直すかを書くと、早く戻ってきます。専門家の画面とメールに表示されます。",
    )

    def __init__(self, *args: Any, begun: dict[str, Any] | None = None, **kwargs: Any):
        kwargs["initial"] = begun or {}
        super().__init__(*args, **kwargs)
        names = code_items(CodeItem.List.RETURN_REASON, clock.today())
        self.fields["reasons"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """At least one reason, ready-made or free."""
        said = super().clean() or {}
        if not said.get("reasons") and not said.get("comment", "").strip() and not self.errors:
            self.add_error("reasons", "理由を一つ以上選ぶか、説明を書いてください。")
        return said
