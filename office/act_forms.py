"""What the office does with one dispatch, as forms: each act asks for what its service needs, and calls it.

A form is bound to a dispatch and a person; `perform` takes the act and answers what to tell the person. Refusals of
the service go back into the form (office/views/dispatch_acts.py), with everything that was typed.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms

from core.exchange.registry import table_named
from core.programme.models import CodeItem
from dispatch import services
from dispatch.models import Declaration, Dispatch, Escalation, Inquiry, Waiver
from dispatch.services.corrections import stored_texts
from dispatch.services.findings import review_finding
from office.act_form_base import ActForm, ReasonedForm


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
    reason_label = "対象外とする理由（事務局内の記録）"
    field_order = ["reasons", "comment", "told", "sure"]

    told = forms.CharField(
        label="機関と専門家へ伝える理由",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="機関と専門家の画面とメールに表示されます。通報者や調査の経緯など、事務局内の事情は書かないでください。",
        error_messages={"required": "機関と専門家へ伝える理由を入力してください。"},
    )
    sure = forms.BooleanField(
        label="謝金も旅費も支払わないことと、専門家と機関へ知らせることを確かめました",
        error_messages={"required": "内容を確かめて、チェックしてください。"},
    )

    def perform(self) -> str:
        """Excludes: neither fee nor travel."""
        services.exclude_dispatch(
            dispatch=self.dispatch,
            reason=self.reason,
            told=self.cleaned_data["told"],
            actor=self.user,
            edit_token=self.token,
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


class EscalateForm(ActForm):
    """中小企業庁への報告 of a doubt."""

    act, right, button, tone = "escalate", "escalate_dispatch", "報告を記録する", "secondary"

    kind = forms.ChoiceField(label="種類", choices=Escalation.Kind.choices, widget=forms.RadioSelect)
    text = forms.CharField(
        label="報告の内容",
        max_length=2000,
        help_text="中小企業庁へ伝えた内容です。支払を止めるには、あわせて「保留にする」を使ってください。",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def perform(self) -> str:
        """Records the report; its answer is recorded in the list of reports."""
        services.escalate_dispatch(
            dispatch=self.dispatch,
            kind=self.cleaned_data["kind"],
            text=self.cleaned_data["text"],
            actor=self.user,
        )
        return "中小企業庁への報告を記録しました。回答は「中小企業庁への報告」の一覧で記録します。"


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
        EscalateForm, ConfirmForm, CorrectForm, CorrectDeclarationForm,
    )
)  # fmt: skip
