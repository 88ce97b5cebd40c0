"""The form of one 申告書（支援実施証明兼再発防止誓約書）; each cause asks for the time it is about."""

from typing import Any

from django import forms

from core import clock

from .fields import MomentField, TextField

PLEDGE = "上記のとおり支援を実施したことに相違ありません。今後は再発防止に努めることを誓約します。"
LONGEST = 2_000
# which times a cause declares
TIMES_OF = {
    "start": ("declared_from",),
    "end": ("declared_to",),
    "time": ("declared_from", "declared_to"),
    "position": (),
    "signature": (),
}
# columns of the files, as the service names them in a refusal → fields of the form
FIELD_OF = {
    "申告開始": "declared_from",
    "申告終了": "declared_to",
    "理由": "reason",
    "再発防止策": "measures",
}


class DeclarationForm(forms.Form):
    """Reason, measures against recurrence, the declared time where the cause needs one, and the pledge."""

    use_required_attribute = False
    declared_from = MomentField(label="実際に開始した日時")
    declared_to = MomentField(label="実際に終了した日時")
    reason = TextField(
        label="理由",
        longest=LONGEST,
        help_text="何が起きて、記録できなかった（違っていた）のかを書いてください。",
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "理由を入れてください。"},
    )
    measures = TextField(
        label="再発防止策",
        longest=LONGEST,
        help_text="次から同じことが起きないように、どうするかを書いてください。",
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "再発防止策を入れてください。"},
    )
    pledge = forms.BooleanField(
        label=PLEDGE, error_messages={"required": "内容を確認して、チェックを入れてください。"}
    )

    def __init__(self, *args: Any, slug: str, **given: Any) -> None:
        super().__init__(*args, **given)
        for name in ("declared_from", "declared_to"):
            if name not in TIMES_OF[slug]:
                del self.fields[name]
            else:
                self.fields[name].error_messages["required"] = f"{self.fields[name].label}を入れてください。"

    def clean(self) -> dict[str, Any]:
        """Times in order and past."""
        given = super().clean() or {}
        start, end = given.get("declared_from"), given.get("declared_to")
        for name, moment in (("declared_from", start), ("declared_to", end)):
            if moment is not None and moment > clock.now():
                self.add_error(name, "先の時刻になっています。実際の時刻を入れてください。")
        if start is not None and end is not None and end <= start:
            self.add_error("declared_to", "終了は開始より後にしてください。")
        return given
