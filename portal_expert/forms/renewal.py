"""What an expert answers at a year end: 更新する or 更新しない, whether the data are right, and consents to new texts."""

from collections.abc import Mapping
from typing import Any

from django import forms

from core.agreements.models import TextVersion
from experts.renewal.answering import LONGEST_REASON, OTHER, REASONS, Said
from experts.renewal.models import Ask

RENEW, DECLINE = Ask.Answer.RENEW.value, Ask.Answer.DECLINE.value
RIGHT, CHANGED = "right", "changed"
_DATA = {RIGHT: True, CHANGED: False}
# what is kept while it is typed
KEPT = ("answer", "data_right", "reason_code", "reason_text")
_CHOOSE = "「更新する」か「更新しない」を選んでください。"


def text_field(code: str) -> str:
    """The name of the consent to a text; FieldErrors of the service use the same."""
    return f"text_{code}"


class ConsentForm(forms.Form):
    """One box per text; the version that was shown comes back with it."""

    def __init__(self, data: Any = None, *, texts: list[TextVersion], initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        self.texts = texts
        for text in texts:
            self.fields[text_field(text.code)] = forms.CharField(
                label=f"「{text.title}」（{text.version}版）に同意します",
                required=False,
                max_length=20,
                # a consent is given with the answer it belongs to, never brought back from a draft
                widget=forms.CheckboxInput(
                    attrs={"value": text.version, "data-no-autosave": True}, check_test=bool
                ),
            )

    @property
    def consents(self) -> list[tuple[TextVersion, Any]]:
        """Each text with its box."""
        return [(text, self[text_field(text.code)]) for text in self.texts]

    @property
    def agreed(self) -> Mapping[str, str]:
        """The versions that were ticked, by code; read as sent, since a box that came back with another is told so."""
        names = {text.code: self.data.get(text_field(text.code), "") for text in self.texts}
        return {code: version for code, version in names.items() if version}


class RenewalForm(ConsentForm):
    """The whole answer. What belongs to the other choice is left aside."""

    answer = forms.ChoiceField(
        label="登録を更新しますか",
        choices=[(RENEW, "更新する"), (DECLINE, "更新しない")],
        widget=forms.RadioSelect,
        error_messages={"required": _CHOOSE, "invalid_choice": _CHOOSE},
    )
    data_right = forms.ChoiceField(
        label="登録内容に変更はありますか",
        choices=[(RIGHT, "変更はない"), (CHANGED, "変更がある")],
        widget=forms.RadioSelect,
        required=False,
        help_text="「変更がある」ときは、回答のあとに、専門家の画面から変更を申請してください。",
    )
    reason_code = forms.ChoiceField(
        label="更新しない理由",
        choices=[("", "選んでください"), *((each, each) for each in REASONS)],
        required=False,
    )
    reason_text = forms.CharField(
        label="理由の補足",
        max_length=LONGEST_REASON - 30,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="「その他」を選んだときは、必ず入れてください。",
    )
    version = forms.IntegerField(
        widget=forms.HiddenInput(attrs={"data-no-autosave": True}),
        required=False,
        min_value=0,
        max_value=2**31 - 1,
    )

    def clean(self) -> dict[str, Any]:
        """What belongs to the choice must be there."""
        said = super().clean() or {}
        if said.get("answer") == RENEW and not said.get("data_right"):
            self.add_error("data_right", "登録内容に変更があるかを選んでください。")
        if said.get("answer") == DECLINE:
            if not said.get("reason_code"):
                self.add_error("reason_code", "更新しない理由を選んでください。")
            elif said["reason_code"] == OTHER and not said.get("reason_text", "").strip():
                self.add_error("reason_text", "「その他」の内容を入れてください。")
        if said.get("answer") == RENEW:
            for text, bound in self.consents:
                if not self.data.get(bound.html_name):
                    self.add_error(bound.name, f"「{text.title}」を読んで、同意にチェックを入れてください。")
        return said

    @property
    def said(self) -> Said:
        """The answer as the service takes it; call `is_valid` before."""
        data = self.cleaned_data
        if data["answer"] == DECLINE:
            words = data["reason_text"].strip()
            reason = f"{data['reason_code']}：{words}" if words else data["reason_code"]
            return Said(answer=DECLINE, reason=reason, agreed={})
        return Said(answer=RENEW, data_right=_DATA[data["data_right"]], agreed=self.agreed)


def first_values(ask: Ask) -> dict[str, Any]:
    """What the form shows of an answer that stands."""
    code, _, words = ask.reason.partition("：")
    return {
        "answer": ask.answer,
        "data_right": "" if ask.data_right is None else RIGHT if ask.data_right else CHANGED,
        "reason_code": code if code in REASONS else "",
        "reason_text": words,
        "version": ask.version,
    }
