"""What an expert answers to the conditions of an appointment."""

from typing import Any

from django import forms

from experts.appointment.answering import LONGEST_REASON

AGREE, DECLINE = "agree", "decline"
_CHOOSE = "「同意する」か「辞退する」を選んでください。"


class ConditionsForm(forms.Form):
    """同意する or 辞退する; with the version of the text that was shown, and of the page."""

    answer = forms.ChoiceField(
        label="委嘱条件に同意しますか",
        choices=[(AGREE, "条件を読み、同意する"), (DECLINE, "辞退する")],
        widget=forms.RadioSelect,
        error_messages={"required": _CHOOSE, "invalid_choice": _CHOOSE},
    )
    reason = forms.CharField(
        label="辞退の理由",
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="辞退するときだけ、必ず入れてください。",
    )
    text_version = forms.CharField(max_length=20, widget=forms.HiddenInput, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0, max_value=2**31 - 1)

    def clean(self) -> dict[str, Any]:
        """A decline needs its reason."""
        said = super().clean() or {}
        if said.get("answer") == DECLINE and "reason" in said and not said["reason"].strip():
            self.add_error("reason", "辞退の理由を入力してください。")
        return said
