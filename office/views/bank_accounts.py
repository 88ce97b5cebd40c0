"""A bank account in full: an act of its own, with a reason that is recorded (security.md R-035)."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts import reauthentication
from core.audit.models import Access
from core.audit.services import record_view
from experts.models import Expert
from office.access import office_view, person
from office.selectors import bank_names

SHOWN = ("bank_code", "branch_code", "account_type", "account_number", "account_holder_kana")


class ReasonForm(forms.Form):
    """Why the whole number is needed."""

    reason = forms.CharField(
        label="閲覧の理由",
        max_length=200,
        help_text="「振込不能の照会のため」のように、何のためかを書いてください。氏名・日時とともに記録されます。",
    )


@never_cache
@office_view("view_bank_account")
@reauthentication.required
def bank_account(request: HttpRequest, code: str) -> HttpResponse:
    """Asks for the reason; then shows the account once, on this page alone."""
    user = person(request)
    expert = get_object_or_404(Expert.objects.visible_to(user), code=code)
    form = ReasonForm(request.POST or None)
    back_url = reverse("office:expert_detail", args=[code])
    if request.method == "POST" and form.is_valid():
        record_view(
            actor=user, what=Access.What.BANK, object=expert, reason=form.cleaned_data["reason"], fields=SHOWN
        )
        bank_name, branch_name = bank_names(expert.bank_code, expert.branch_code)
        context = {
            "section": "experts",
            "expert": expert,
            "bank_name": bank_name,
            "branch_name": branch_name,
            "reason": form.cleaned_data["reason"],
            "back_url": back_url,
        }
        return render(request, "office/experts/bank_account.html", context)
    context = {
        "section": "experts",
        "title": "口座番号をすべて表示しますか",
        "lead": f"専門家 {expert.code} {expert.name}",
        "facts": [],
        "consequences": ["誰が、いつ、何のために見たかが記録され、承認者と管理者が確かめます。"],
        "label": "理由を記録して表示する",
        "tone": "primary",
        "action_url": request.path,
        "back_url": back_url,
        "form": form,
    }
    return render(request, "office/confirm.html", context)
