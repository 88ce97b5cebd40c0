"""What the office asks for when it looks for an expert; read from the address, so that it can be kept and sent on."""

from typing import Any

from django import forms

from core import clock
from core.japan.prefectures import BUREAUS
from core.japan.prefectures import CHOICES as PREFECTURES
from core.programme.models import CodeItem
from core.programme.selectors import code_items
from core.ui.lists import containing
from experts.models import ExpertQuerySet
from experts.search import Criteria
from experts.standing import active_on
from rules import codes

ACTIVE, ENDED = "active", "ended"
_ALL = ("", "すべて")


class OfficeExpertForm(forms.Form):
    """Every condition may be left open; one that can't be understood is left out."""

    q = forms.CharField(
        label="氏名・カナ・コード・分野・資格", required=False, max_length=100, widget=forms.SearchInput
    )
    prefecture = forms.ChoiceField(label="都道府県", required=False, choices=[_ALL, *PREFECTURES])
    bureau = forms.ChoiceField(
        label="経済産業局の管内", required=False, choices=[_ALL, *((name, name) for name in BUREAUS)]
    )
    topic = forms.ChoiceField(label="専門分野", required=False)
    qualification = forms.CharField(label="保有資格", required=False, max_length=100)
    where = forms.CharField(label="住所・メールアドレス", required=False, max_length=100)
    payee_class = forms.ChoiceField(
        label="源泉区分", required=False, choices=[_ALL, *((name, name) for name in codes.PAYEE_CLASSES)]
    )
    standing = forms.ChoiceField(
        label="登録の状態",
        required=False,
        choices=[_ALL, (ACTIVE, "登録中"), (ENDED, "登録が終了")],
    )
    order = forms.ChoiceField(
        label="並び順", required=False, choices=[("fit", "言葉に合う順"), ("name", "氏名順")]
    )

    def __init__(self, asked: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(asked, *args, **kwargs)
        topics = code_items(CodeItem.List.TOPIC, clock.today())
        self.fields["topic"].choices = [_ALL, *((name, name) for name in topics)]  # type: ignore[attr-defined]
        self.fields["q"].widget.attrs |= {
            "autocomplete": "off",
            "placeholder": "例：たかはし、E000123、中小企業診断士",
        }
        self.is_valid()

    def _asked(self, name: str) -> str:
        return str(self.cleaned_data.get(name, ""))

    def criteria(self) -> Criteria:
        """What the search itself knows."""
        return Criteria(
            text=self._asked("q"),
            topic=self._asked("topic"),
            qualification=self._asked("qualification"),
            prefecture=self._asked("prefecture"),
            bureau=self._asked("bureau"),
            order=self._asked("order") or "fit",
        )

    def narrowed_to(self, experts: ExpertQuerySet) -> ExpertQuerySet:
        """Those of the experts who meet what only the office asks for."""
        rows = experts.filter(containing(self._asked("where"), "address", "email"))
        if payee_class := self._asked("payee_class"):
            rows = rows.filter(payee_class=payee_class)
        match self._asked("standing"):
            case "active":
                rows = active_on(rows, clock.today())
            case "ended":
                rows = rows.filter(valid_until__lt=clock.today())
        return rows

    @property
    def is_narrowed(self) -> bool:
        """Whether one of the further conditions is set."""
        further = ("bureau", "topic", "qualification", "where", "payee_class", "standing")
        return any(self._asked(name) for name in further)
