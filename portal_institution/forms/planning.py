"""Another date for a dispatch, and calling one off (C5)."""

from typing import Any

from django import forms

from core import clock
from core.programme.models import CodeItem
from dispatch.models import Dispatch
from portal_institution.forms.applying import WhenForm, choices_of
from portal_institution.forms.approval import OTHER


class _WithReason(forms.Form):
    """A reason of a dated list and words of one's own."""

    reasons: CodeItem.List

    reason = forms.ChoiceField(label="理由", error_messages={"required": "理由を選んでください。"})
    detail = forms.CharField(
        label="理由の補足", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="専門家と事務局にも見えます。「その他」を選んだときは、必ず入れてください。",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        said = str(self["reason"].value() or "")
        # only what is in the list can be said anew
        listed = choices_of(self.reasons, clock.today())
        self.fields["reason"].choices = listed  # type: ignore[attr-defined]
        if said and said not in dict(listed):
            self.initial.pop("reason", None)

    def clean(self) -> dict[str, Any]:
        """The words that "other" needs."""
        said = super().clean() or {}
        if said.get("reason") == OTHER and not said.get("detail", "").strip():
            self.add_error("detail", "「その他」の内容を入れてください。")
        return said

    @property
    def words(self) -> str:
        """The reason as it is recorded."""
        detail = self.cleaned_data["detail"].strip()
        return f"{self.cleaned_data['reason']}：{detail}" if detail else str(self.cleaned_data["reason"])


class RescheduleForm(_WithReason, WhenForm):
    """日程変更: the new day and times, and why."""

    reasons = CodeItem.List.PLAN_REASON

    lead_reason = forms.CharField(
        label="急ぐ理由", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="事務局が読んで判断します。",
    )  # fmt: skip

    field_order = ("day", "start", "end", "lead_reason", "reason", "detail")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.describe()

    @staticmethod
    def first_values(dispatch: Dispatch) -> dict[str, Any]:
        """The plan as it stands."""
        start, end = clock.jst(dispatch.planned_from), clock.jst(dispatch.planned_to)
        return {"day": start.date(), "start": start.time(), "end": end.time()}


class CancelForm(_WithReason):
    """取消: why."""

    reasons = CodeItem.List.CANCEL_REASON
