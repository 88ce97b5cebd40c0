"""What an institution fills in about a dispatch on its way: requests, answers, the client's address."""

from typing import Any

from django import forms

from core import clock
from core.programme.models import CodeItem
from core.programme.selectors import code_items
from dispatch.models import ApprovalRequest, Dispatch
from rules import codes


class RequestForm(forms.Form):
    """例外承認の申請: what the office is asked to allow, and why."""

    kind = forms.ChoiceField(
        label="申請の種類",
        widget=forms.RadioSelect,
        error_messages={"required": "申請の種類を選んでください。"},
    )
    web_reason = forms.ChoiceField(label="WEB支援が必要な理由", required=False)
    reason = forms.CharField(
        label="理由の説明",
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="事務局が判断できるように、事情を具体的に書いてください。",
    )

    def __init__(self, *args: Any, dispatch: Dispatch, begun: dict[str, Any] | None = None, **kwargs: Any):
        kwargs["initial"] = begun or {}
        super().__init__(*args, **kwargs)
        waiting = set(dispatch.approval_requests.filter(decided_at=None).values_list("kind", flat=True))
        kinds = [choice for choice in ApprovalRequest.Kind.choices if choice[0] not in waiting]
        if dispatch.method != codes.METHOD_WEB:
            kinds = [choice for choice in kinds if choice[0] != ApprovalRequest.Kind.WEB]
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]
        day = clock.jst(dispatch.planned_from).date()
        names = code_items(CodeItem.List.WEB_REASON, day)
        self.fields["web_reason"].choices = [("", "選んでください"), *((name, name) for name in names)]  # type: ignore[attr-defined]
        if not any(value == ApprovalRequest.Kind.WEB for value, _ in kinds):
            del self.fields["web_reason"]

    @property
    def has_kinds(self) -> bool:
        """Whether anything can be asked for now."""
        return bool(self.fields["kind"].choices)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """WEB wants a reason of the list, the others want words."""
        said = super().clean() or {}
        if said.get("kind") == ApprovalRequest.Kind.WEB:
            if not said.get("web_reason"):
                self.add_error("web_reason", "WEB支援が必要な理由を、一覧から選んでください。")
        elif said.get("kind") and not said.get("reason", "").strip():
            self.add_error("reason", "例外が必要な理由を書いてください。")
        return said

    def words(self) -> str:
        """The reason as the office reads it."""
        said = self.cleaned_data
        listed = said.get("web_reason", "") if said["kind"] == ApprovalRequest.Kind.WEB else ""
        return "：".join(part for part in (listed, said["reason"].strip()) if part)


class AnswerForm(forms.Form):
    """The answer to an inquiry of the office."""

    answer = forms.CharField(
        label="回答",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={"required": "回答を入れてください。"},
    )


class AddressForm(forms.Form):
    """The client's mail address, corrected where the old one didn't work."""

    email = forms.EmailField(
        label="支援先のメールアドレス",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "メールアドレスを入れてください。",
            "invalid": "メールアドレスは name@example.jp のような形で入れてください。",
        },
    )
