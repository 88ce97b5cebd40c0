"""What the office does with one dispatch, as forms: each act asks for what its service needs, and calls it.

A form is bound to a dispatch and a person; `perform` takes the act and answers what to tell the person. Refusals of
the service go back into the form (office/views/dispatch_acts.py), with everything that was typed.
"""

import secrets
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms

from accounts.models import User
from core import clock
from core.exchange.registry import table_named
from core.programme.models import CodeItem
from core.programme.selectors import code_lists
from dispatch import services
from dispatch.models import Declaration, Dispatch, Inquiry, Waiver
from dispatch.services.corrections import stored_texts
from dispatch.services.findings import review_finding

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


class AskForm(ReasonedForm):
    """照会, about one finding (`code`) or about the whole dispatch."""

    act, right, button = "ask", "ask_back", "照会を送る"
    reason_list = CodeItem.List.INQUIRY_REASON
    reason_label = "照会の内容"
    text_label = "質問（自由記入）"

    code = forms.CharField(required=False, max_length=3, widget=forms.HiddenInput)
    asked_of = forms.ChoiceField(
        label="照会先", choices=Inquiry.AskedOf.choices, widget=forms.RadioSelect, initial="expert"
    )
    field_order = ["asked_of", "reasons", "comment"]

    def perform(self) -> str:
        """Asks; the asked one gets a task and a mail."""
        asked = services.ask_back(
            dispatch=self.dispatch,
            asked_of=self.cleaned_data["asked_of"],
            question=self.reason,
            finding_code=self.cleaned_data["code"],
            actor=self.user,
        )
        return f"{asked.get_asked_of_display()}へ照会しました（回答期限 {asked.due_on.month}月{asked.due_on.day}日）。"


class ReturnForm(ReasonedForm):
    """差戻し, one step back."""

    act, right, button = "return", "return_dispatch", "差し戻す"
    reason_list = CodeItem.List.RETURN_REASON
    reason_label = "差戻しの理由"

    def perform(self) -> str:
        """Returns; whose turn it is gets a task and a mail."""
        services.return_dispatch(
            dispatch=self.dispatch,
            reasons=self.cleaned_data.get("reasons", []),
            comment=self.cleaned_data["comment"],
            actor=self.user,
            edit_token=self.token,
        )
        return "差し戻しました。"


class WaiveForm(ReasonedForm):
    """解除 of one 保留 (`code`)."""

    act, right, button = "waive", "waive_finding", "保留を解除する"
    reason_list = CodeItem.List.WAIVER_REASON
    reason_label = "解除の理由"

    code = forms.CharField(max_length=3, widget=forms.HiddenInput)

    def perform(self) -> str:
        """Waives; the calculation leaves the finding out."""
        code = self.cleaned_data["code"]
        services.waive_finding(
            dispatch=self.dispatch, code=code, reason=self.reason, actor=self.user, edit_token=self.token
        )
        return f"{code} の保留を解除しました。"


class RevokeForm(ReasonedForm):
    """Takes a waiver (`waiver`) back."""

    act, right, button, tone = "revoke", "waive_finding", "解除を取り消す", "secondary"
    reason_label = "取り消す理由"
    text_label = "取り消す理由"

    waiver = forms.IntegerField(widget=forms.HiddenInput)

    def perform(self) -> str:
        """Revokes; the finding counts again."""
        waivers = Waiver.objects.visible_to(self.user).filter(dispatch=self.dispatch)
        waiver = waivers.filter(pk=self.cleaned_data["waiver"]).first()
        if waiver is None:
            raise forms.ValidationError("この解除は見つかりません。画面を更新してください。")
        services.revoke_waiver(waiver=waiver, reason=self.reason, actor=self.user)
        return f"{waiver.code} の解除を取り消しました。"


class ReviewForm(ReasonedForm):
    """A 要確認 (`code`) was looked into."""

    act, right, button = "review", "review_finding", "確認した"
    reason_label = "確認の結果"
    text_label = "確認の結果"

    code = forms.CharField(max_length=3, widget=forms.HiddenInput)

    def perform(self) -> str:
        """Says what came of it."""
        code = self.cleaned_data["code"]
        review_finding(dispatch=self.dispatch, code=code, reason=self.reason, actor=self.user)
        return f"{code} を確認しました。"


class HoldForm(ReasonedForm):
    """事務局判断 保留."""

    act, right, button = "hold", "decide_dispatch", "保留にする"
    reason_list = CodeItem.List.DECISION_REASON
    reason_label = "保留の理由"

    def perform(self) -> str:
        """Holds; nothing is paid until it is released."""
        services.hold_dispatch(
            dispatch=self.dispatch, reason=self.reason, actor=self.user, edit_token=self.token
        )
        return "保留にしました。"


class ExcludeForm(ReasonedForm):
    """事務局判断 対象外; asks once more, because expert and institution are told."""

    act, right, button, tone = "exclude", "decide_dispatch", "対象外にする", "danger"
    reason_list = CodeItem.List.DECISION_REASON
    reason_label = "対象外とする理由"

    sure = forms.BooleanField(
        label="謝金も旅費も支払わないことと、専門家と機関へ知らせることを確かめました",
        error_messages={"required": "内容を確かめて、チェックしてください。"},
    )

    def perform(self) -> str:
        """Excludes: neither fee nor travel."""
        services.exclude_dispatch(
            dispatch=self.dispatch, reason=self.reason, actor=self.user, edit_token=self.token
        )
        return "対象外にしました。専門家と機関へ知らせました。"


class ReleaseForm(ReasonedForm):
    """Takes the office's own decision back."""

    act, right, button = "release", "decide_dispatch", "事務局判断を取り消す"
    reason_label = text_label = "取り消す理由"

    def perform(self) -> str:
        """Releases."""
        services.release_dispatch(
            dispatch=self.dispatch, reason=self.reason, actor=self.user, edit_token=self.token
        )
        return "事務局判断を取り消しました。"


class VerifyForm(ActForm):
    """確認済."""

    act, right, button = "verify", "verify_dispatch", "確認済にする"

    def perform(self) -> str:
        """Verifies; refused while a finding stands."""
        services.verify_dispatch(dispatch=self.dispatch, actor=self.user, edit_token=self.token)
        return "確認済にしました。"


class ConfirmForm(ActForm):
    """受付."""

    act, right, button = "confirm", "confirm_dispatch", "受け付ける"

    def perform(self) -> str:
        """Confirms the plan."""
        services.confirm_dispatch(dispatch=self.dispatch, actor=self.user)
        return "受け付けました。"


class CorrectForm(ReasonedForm):
    """訂正 of one value of dispatches.csv; the received value stays beside it."""

    act, right, button = "correct", "correct_dispatch", "訂正する"
    reason_list = CodeItem.List.CORRECTION_REASON
    reason_label = "訂正の理由"
    file: ClassVar[str] = "dispatches"

    column = forms.ChoiceField(label="項目")
    value = forms.CharField(
        label="正しい値",
        required=False,
        max_length=4000,
        help_text="日時は 2026-11-20 10:00、有無は 有 または 無 と入力します。空にすると値を消します。",
        widget=forms.Textarea(attrs={"rows": 1}),
    )
    field_order = ["column", "value", "reasons", "comment"]

    def row(self) -> Dispatch | Declaration:
        """What is corrected."""
        return self.dispatch

    def fill(self) -> None:
        """The columns with what stands there now."""
        super().fill()
        now = stored_texts(table_named(self.file), self.row().pk)
        choices = [
            (column.name, f"{column.name}（いま: {_short(now[column.name])}）")
            for column in services.correctable(self.file)
        ]
        self.fields["column"].choices = [("", "選んでください"), *choices]  # type: ignore[attr-defined]

    def perform(self) -> str:
        """Corrects; what is the same as before is refused, so that nobody believes it was changed."""
        column = self.cleaned_data["column"]
        values = {column: self.cleaned_data["value"].strip().replace("\r\n", "\n")}
        if not self.correct(values):
            raise forms.ValidationError({"value": "いまの値と同じです。正しい値を入力してください。"})
        return f"{column}を訂正しました。受け取った値も残っています。"

    def correct(self, values: dict[str, str]) -> list[Any]:
        """The service's corrections."""
        return services.correct_dispatch(
            dispatch=self.dispatch,
            values=values,
            reason=self.reason,
            actor=self.user,
            edit_token=self.token,
        )


class CorrectDeclarationForm(CorrectForm):
    """訂正 of one value of a declaration (`target` is its cause)."""

    act, button = "correct_declaration", "申告書を訂正する"
    file = "declarations"

    def row(self) -> Declaration:
        """The declaration of the cause; the form of one that is gone can't be made."""
        return Declaration.objects.visible_to(self.user).get(dispatch=self.dispatch, cause=self.target)

    def correct(self, values: dict[str, str]) -> list[Any]:
        """The service's corrections."""
        return services.correct_declaration(
            declaration=self.row(),
            values=values,
            reason=self.reason,
            actor=self.user,
            edit_token=self.token,
        )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f"{line[:24]}…" if len(line) > 24 else line or "空"


def _by_act(forms_of_acts: Iterable[type[ActForm]]) -> dict[str, type[ActForm]]:
    return {form.act: form for form in forms_of_acts}


ACTS: dict[str, type[ActForm]] = _by_act(
    (
        AskForm, ReturnForm, WaiveForm, RevokeForm, ReviewForm, HoldForm, ExcludeForm, ReleaseForm, VerifyForm,
        ConfirmForm, CorrectForm, CorrectDeclarationForm,
    )
)  # fmt: skip
