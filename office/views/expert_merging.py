"""Two entries of one person: found, compared side by side, merged (ADR 0027)."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.rights import require
from core.audit.services import record_page
from core.errors import DomainError, NotAllowed
from core.japan.text import normal_code
from experts import merging
from experts.duplicates import Person, likely_duplicates
from experts.models import Expert
from office.access import office_view, person


class MergeForm(forms.Form):
    """Which value stays where the two differ, why, and that they are one person."""

    def __init__(
        self, *args: Any, choices: list[merging.Choice], codes: tuple[str, str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.choices = [choice for choice in choices if choice.differs]
        for choice in self.choices:
            self.fields[f"take-{choice.name}"] = forms.ChoiceField(
                label=f"{choice.title}に残すもの",
                choices=[
                    ("kept", f"{codes[0]}：{choice.kept or '（空）'}"),
                    ("double", f"{codes[1]}：{choice.double or '（空）'}"),
                ],
                widget=forms.RadioSelect,
                initial="kept" if choice.kept else "double",
            )
        self.fields["reason"] = forms.CharField(
            label="統合の理由",
            max_length=merging.LONGEST_REASON,
            help_text="同じ人と判断した根拠を書いてください。両方の履歴に残ります。",
        )
        self.fields["confirmed"] = forms.BooleanField(
            label="二つの登録が同じ人のものであることを確かめました",
            error_messages={"required": "同じ人であることを確かめて、チェックを入れてください。"},
        )

    def taken(self) -> list[str]:
        """The choices whose value comes from the double."""
        return [
            choice.name for choice in self.choices if self.cleaned_data[f"take-{choice.name}"] == "double"
        ]


@office_view()
@require_http_methods(["GET", "HEAD", "POST"])
def expert_merge(request: HttpRequest, code: str) -> HttpResponse:
    """Asks for the other entry (?double=), shows both side by side, merges."""
    user = person(request)
    require(user, merging.ACT)
    experts = Expert.objects.visible_to(user).select_related("recommended_by")
    kept = get_object_or_404(experts, code=code)
    asked = normal_code(request.GET.get("double", ""))
    double = experts.filter(code=asked).exclude(pk=kept.pk).first() if asked else None
    context: dict[str, Any] = {"section": "experts", "kept": kept, "double": double, "asked": asked}
    if double is None:
        found = likely_duplicates(experts.exclude(pk=kept.pk).filter(merged=None), _person(kept))
        record_page(actor=user, rows=[kept, *(each.expert for each in found)])
        return render(request, "office/experts/merge.html", {**context, "likely": found})
    choices = merging.comparison(kept, double)
    form = MergeForm(request.POST or None, choices=choices, codes=(kept.code, double.code))
    if request.method == "POST" and form.is_valid():
        try:
            merging.merge_experts(
                kept=kept,
                double=double,
                take=form.taken(),
                reason=form.cleaned_data["reason"],
                actor=user,
                seen=request.POST.get("seen", ""),
            )
        except NotAllowed:
            raise
        except DomainError as refusal:
            form.add_error("reason" if refusal.code == "reason" else None, refusal.message)
            kept, double = experts.get(pk=kept.pk), experts.get(pk=double.pk)
        else:
            messages.success(request, f"{double.code} を {kept.code} に統合しました。")
            return redirect("office:expert_detail", code=kept.code)
    record_page(actor=user, rows=[kept, double])
    context |= {
        "kept": kept,
        "double": double,
        "form": form,
        "same": [choice for choice in choices if not choice.differs],
        "obstacles": merging.obstacles(kept, double),
        "seen": merging.seen_token(kept, double),
    }
    return render(request, "office/experts/merge.html", context)


def _person(expert: Expert) -> Person:
    return Person(
        name=expert.name,
        phone=expert.phone,
        prefecture_code=expert.prefecture_code,
        address=expert.address,
        bank_code=expert.bank_code,
        branch_code=expert.branch_code,
        account_type=expert.account_type,
        account_number=expert.account_number,
    )
