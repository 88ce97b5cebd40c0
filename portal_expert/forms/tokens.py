"""What a new key to the API needs."""

from django import forms

from portal_expert.tokens import LONGEST_DAYS

_DAYS = f"有効日数は、1から{LONGEST_DAYS}の整数で入れてください。"


class TokenForm(forms.Form):
    """What the key is for, and for how long."""

    name = forms.CharField(
        label="名前",
        max_length=100,
        help_text="どのソフトウェアで使うものかが分かる名前にしてください。",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "トークンの名前を入れてください。",
            "max_length": "名前は100文字までです。",
        },
    )
    days = forms.IntegerField(
        label="有効日数",
        initial=90,
        min_value=1,
        max_value=LONGEST_DAYS,
        help_text=f"{LONGEST_DAYS}日までです。",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": _DAYS, "invalid": _DAYS, "min_value": _DAYS, "max_value": _DAYS},
    )
