"""The expert's answer to a question of the office."""

from django import forms


class AnswerForm(forms.Form):
    """The answer in words."""

    answer = forms.CharField(
        label="回答",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={
            "required": "回答を入れてください。",
            "max_length": "回答は4,000文字までです。短くするか、分けて事務局へ連絡してください。",
        },
    )
