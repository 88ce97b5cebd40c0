"""What an institution asks for when it looks for an expert; read from the address, so that it can be kept and sent on."""

from typing import Any

from django import forms

from core import clock
from core.japan.industries import CHOICES as INDUSTRIES
from core.japan.prefectures import BUREAUS
from core.japan.prefectures import CHOICES as PREFECTURES
from core.programme.models import CodeItem
from core.programme.selectors import code_items
from experts.search import ORDERS, Criteria
from portal_institution.forms.fields import PlaceField

DISTANCES = (10, 30, 50, 100, 200)


class ExpertSearchForm(forms.Form):
    """Every condition may be left open; one that can't be understood is named and left out."""

    q = forms.CharField(
        label="氏名・カナ・分野・資格など", required=False, max_length=100, widget=forms.SearchInput
    )
    topic = forms.ChoiceField(label="専門分野", required=False)
    industry = forms.ChoiceField(label="得意業種", required=False, choices=[("", "すべて"), *INDUSTRIES])
    qualification = forms.CharField(label="保有資格", required=False, max_length=100)
    prefecture = forms.ChoiceField(label="都道府県", required=False, choices=[("", "すべて"), *PREFECTURES])
    bureau = forms.ChoiceField(
        label="経済産業局の管内",
        required=False,
        choices=[("", "すべて"), *((name, name) for name in BUREAUS)],
    )
    within = forms.TypedChoiceField(
        label="距離",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "すべて"), *((km, f"{km}km以内") for km in DISTANCES)],
    )
    place = PlaceField(label="距離を測る場所（緯度,経度）", required=False)
    day = forms.DateField(
        label="支援を希望する日",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    order = forms.ChoiceField(label="並び順", required=False, choices=list(ORDERS.items()))

    def __init__(self, asked: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(asked, *args, **kwargs)
        topics = code_items(CodeItem.List.TOPIC, clock.today())
        self.fields["topic"].choices = [("", "すべて"), *((name, name) for name in topics)]  # type: ignore[attr-defined]
        self.fields["q"].widget.attrs |= {
            "autocomplete": "off",
            "placeholder": "例：たかはし、販路開拓、中小企業診断士",
        }

    def asked(self) -> dict[str, Any]:
        """What was asked for and understood."""
        self.is_valid()
        return self.cleaned_data

    def not_understood(self) -> list[str]:
        """The conditions that were left out, as people call them."""
        return [str(self.fields[name].label) for name in self.errors if name in self.fields]

    def criteria(self) -> Criteria:
        """What the search takes."""
        said = self.asked()
        return Criteria(
            text=said.get("q", ""),
            topic=said.get("topic", ""),
            industry=said.get("industry", ""),
            qualification=said.get("qualification", ""),
            prefecture=said.get("prefecture", ""),
            bureau=said.get("bureau", ""),
            within_km=said.get("within"),
            order=said.get("order") or "fit",
        )

    def narrowed(self) -> int:
        """How many of the folded conditions are set."""
        names = ("industry", "qualification", "prefecture", "bureau", "within", "place", "day")
        return sum(bool(self.asked().get(name)) for name in names)
