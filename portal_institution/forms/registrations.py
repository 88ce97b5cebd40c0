"""The forms of recommending an expert and checking what the person entered."""

from typing import Any

from django import forms

from core.errors import FieldErrors
from experts.registration.criteria import RETURN_REASONS, Criterion
from experts.registration.fields import OFFICE_ONLY, RETURNABLE
from experts.registration.models import Registration

_MOST = 4_000


class RecommendationForm(forms.Form):
    """The interview, why the person is recommended, and where the invitation goes."""

    candidate_name = forms.CharField(
        label="候補者の氏名", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    candidate_email = forms.EmailField(
        label="候補者のメールアドレス",
        max_length=254,
        help_text="ご本人だけが読めるアドレスにしてください。登録案内のリンクを送ります。",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    candidate_phone = forms.CharField(
        label="候補者の電話番号",
        required=False,
        max_length=50,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
    )
    interview_on = forms.DateField(
        label="面談日", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    interview_manner = forms.ChoiceField(
        label="面談の方法", choices=[("", "選んでください"), *Registration.Manner.choices]
    )
    interviewer = forms.CharField(
        label="面談した人",
        max_length=200,
        help_text="面談した職員の氏名です。何人かのときは「、」で区切ってください。",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    interview_notes = forms.CharField(
        label="面談の記録",
        max_length=_MOST,
        help_text="経歴、専門分野、支援の実績など、面談で確かめた内容です。事務局も読みます。",
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    recommendation = forms.CharField(
        label="推薦の理由",
        max_length=_MOST,
        help_text="中小企業の支援に必要な知識・技術・技能があると判断した理由を入力してください。",
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def put(self, errors: FieldErrors) -> None:
        """Shows a refusal of the services beside its fields."""
        for name, why in errors.by_field.items():
            self.add_error(name if name in self.fields else None, why)


class CriteriaForm(forms.Form):
    """One box per criterion; what is missing in the entry can't be confirmed."""

    def __init__(self, *args: Any, criteria: list[Criterion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.criteria = criteria
        for criterion in criteria:
            self.fields[self.name_of(criterion.code)] = forms.BooleanField(
                label=criterion.wording,
                help_text=criterion.missing or criterion.hint,
                required=not criterion.missing,
                disabled=bool(criterion.missing),
                error_messages={"required": "確かめて、チェックを入れてください。"},
            )

    @staticmethod
    def name_of(code: str) -> str:
        """The name of a criterion's box: field names have no colon of their own in ids."""
        return f"ok-{code.replace(':', '-')}"

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing in the entry."""
        return not any(criterion.missing for criterion in self.criteria)

    def confirmed(self) -> list[str]:
        """The codes of the boxes that are ticked."""
        return [point.code for point in self.criteria if self.cleaned_data.get(self.name_of(point.code))]


class ReturnFieldsForm(forms.Form):
    """For each field that can be sent back: a ready-made reason and words of one's own. No reason: it stays."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field, title in self.returnable().items():
            self.fields[f"reason-{field}"] = forms.ChoiceField(
                label=f"{title}の差戻しの理由", required=False, choices=_REASONS
            )
            self.fields[f"words-{field}"] = forms.CharField(
                label=f"{title}の補足",
                required=False,
                max_length=1_000,
                widget=forms.Textarea(attrs={"rows": 2}),
            )

    @staticmethod
    def returnable() -> dict[str, str]:
        """What an institution may send back, with its title."""
        return {field: title for field, title in RETURNABLE.items() if field not in OFFICE_ONLY}

    def chosen(self) -> dict[str, tuple[str, str]]:
        """Field → reason code and words, as the service takes them; words alone count as a reason of one's own."""
        found = {}
        for field in self.returnable():
            code = self.cleaned_data.get(f"reason-{field}", "")
            words = self.cleaned_data.get(f"words-{field}", "")
            if code or words:
                found[field] = (code or "other", words)
        return found

    def put(self, errors: FieldErrors) -> None:
        """Shows a refusal of the service beside its field."""
        for field, why in errors.by_field.items():
            name = f"words-{field}"
            self.add_error(name if name in self.fields else None, why)


_REASONS = [
    ("", "差し戻さない"),
    *((code, words or "その他（下に入力）") for code, words in RETURN_REASONS.items()),
]


class WithdrawForm(forms.Form):
    """Why a registration ends without an expert."""

    reason = forms.CharField(
        label="取下げの理由",
        max_length=1_000,
        help_text="記録に残り、事務局も読みます。本人には送りません。",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
