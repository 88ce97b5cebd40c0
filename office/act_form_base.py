"""What the forms of the office's acts share: the dispatch's version, a key, drafts, and reasons from dated lists."""

import secrets
from typing import Any, ClassVar

from django import forms

from accounts.models import User
from core import clock
from core.programme.models import CodeItem
from core.programme.selectors import code_lists
from dispatch import services
from dispatch.models import Dispatch

REASON_LENGTH = 2000
# The form under which drafts of acts are kept, and the target of an act about the whole dispatch in an address.
DRAFTS = "office_act"
WHOLE = "-"
_LISTS = (
    CodeItem.List.INQUIRY_REASON,
    CodeItem.List.RETURN_REASON,
    CodeItem.List.CORRECTION_REASON,
    CodeItem.List.WAIVER_REASON,
    CodeItem.List.DECISION_REASON,
)


def draft_name(dispatch: Dispatch, act: str, target: str) -> str:
    """The object of a draft: which act of which dispatch, about what."""
    return f"{dispatch.number}:{act}:{target}"


class Chosen:
    """The ready-made reasons of today, read once for a page with many forms."""

    def __init__(self) -> None:
        self._lists = code_lists(_LISTS, clock.today())

    def of(self, name: str) -> list[tuple[str, str]]:
        """The choices of a code list."""
        return [(item, item) for item in self._lists.get(name, [])]


class ActForm(forms.Form):
    """The base of all: which version of the dispatch was on the screen, and a key against a second press."""

    act: ClassVar[str] = ""
    right: ClassVar[str] = ""
    button: ClassVar[str] = ""
    tone: ClassVar[str] = "primary"

    # neither belongs to what a person typed: a draft never brings an old one back
    edit_token = forms.CharField(widget=forms.HiddenInput(attrs={"data-no-autosave": True}), required=False)
    key = forms.CharField(
        widget=forms.HiddenInput(attrs={"data-no-autosave": True}), required=False, max_length=64
    )

    def __init__(
        self,
        data: Any = None,
        *,
        dispatch: Dispatch,
        user: User,
        chosen: Chosen | None = None,
        target: str = "",
        initial: dict[str, Any] | None = None,
        typed: dict[str, Any] | None = None,
    ) -> None:
        self.dispatch, self.user, self.target = dispatch, user, target
        # what was typed before and not sent (a draft)
        self.begun = bool(typed)
        self.chosen = chosen or Chosen()
        first = {
            "edit_token": services.edit_token(dispatch),
            "key": secrets.token_urlsafe(12),
            **(typed or {}),
            **(initial or {}),
        }
        super().__init__(
            data, initial=first, auto_id=f"{self.act}-{target}-%s" if target else f"{self.act}-%s"
        )
        self.fill()

    def fill(self) -> None:
        """Choices that depend on the dispatch or the day."""

    @property
    def draft(self) -> str:
        """How this form's draft is called."""
        return draft_name(self.dispatch, self.act, self.target)

    @property
    def place(self) -> str:
        """The target in an address, where it can't be empty."""
        return self.target or WHOLE

    @property
    def token(self) -> str:
        """The version of the dispatch that was on the screen."""
        return str(self.cleaned_data["edit_token"])

    def perform(self) -> str:
        """Takes the act; answers what was done, in one sentence. Raises DomainError."""
        raise NotImplementedError


class ReasonedForm(ActForm):
    """An act with a reason: ready-made ones, own words, or both."""

    reason_list: ClassVar[str] = ""
    reason_label: ClassVar[str] = "理由"
    text_label: ClassVar[str] = "補足（自由記入）"

    reasons = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    comment = forms.CharField(
        required=False, max_length=REASON_LENGTH, widget=forms.Textarea(attrs={"rows": 2})
    )

    def fill(self) -> None:
        """The list's items of today."""
        self.fields["reasons"].label = self.reason_label
        self.fields["comment"].label = self.text_label
        choices = self.chosen.of(self.reason_list) if self.reason_list else []
        if choices:
            self.fields["reasons"].choices = choices  # type: ignore[attr-defined]
            self.fields["reasons"].help_text = "当てはまるものを選ぶか、下に入力してください。"
        else:
            del self.fields["reasons"]
            self.fields["comment"].required = True

    def clean(self) -> dict[str, Any]:
        """At least one reason, chosen or written."""
        data = super().clean() or {}
        if not self.errors and not self.reason:
            first = "reasons" if "reasons" in self.fields else "comment"
            self.add_error(first, f"{self.reason_label}を選ぶか、入力してください。")
        return data

    @property
    def reason(self) -> str:
        """All reasons as one text."""
        texts = [*self.cleaned_data.get("reasons", []), self.cleaned_data.get("comment", "").strip()]
        return "、".join(text for text in texts if text)
