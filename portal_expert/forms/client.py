"""What a client answers about a visit."""

from typing import Any

from django import forms

from dispatch.services.attesting import MOST_COMMENT

CONFIRM, OBJECT = "confirm", "object"
# The service's names of what it refuses → the fields of the form.
FIELD_OF = {"氏名": "name", "コメント": "comment"}


class AnswerForm(forms.Form):
    """このとおりです, or what is different; and who says so."""

    answer = forms.ChoiceField(
        label="ご回答",
        choices=[(CONFIRM, "このとおりです"), (OBJECT, "違うところがあります")],
        widget=forms.RadioSelect,
        error_messages={
            "required": "「このとおりです」か「違うところがあります」を選んでください。",
            "invalid_choice": "「このとおりです」か「違うところがあります」を選んでください。",
        },
    )
    comment = forms.CharField(
        label="違うところ",
        max_length=MOST_COMMENT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="例：終わったのは15時ごろです。／来ていません。",
        error_messages={"max_length": f"{MOST_COMMENT:,}文字以内で入れてください。"},
    )
    name = forms.CharField(
        label="お名前",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name", "enterkeyhint": "done"}),
        help_text="回答する方の氏名",
        error_messages={
            "required": "回答する方の氏名を入れてください。",
            "max_length": "氏名は200文字以内で入れてください。",
        },
    )

    def clean(self) -> dict[str, Any]:
        """An objection says what is different."""
        said = super().clean() or {}
        if (
            said.get("answer") == OBJECT
            and "comment" not in self.errors
            and not said.get("comment", "").strip()
        ):
            self.add_error("comment", "どこが違うかを入れてください。")
        return said

    @property
    def said(self) -> dict[str, Any]:
        """The answer as the service takes it; words written under the other choice are not sent along."""
        data = self.cleaned_data
        confirmed = data["answer"] == CONFIRM
        return {
            "confirmed": confirmed,
            "name": data["name"],
            "comment": "" if confirmed else data["comment"],
        }
