"""Approving dispatches one after another with the accompaniment, and sending them back."""

import datetime as dt
import html
import re
from typing import Any

import pytest
from django.test import Client
from stage import Stage, at

from core.audit.acting import acting
from core.notify.services import waiting_for
from dispatch.models import Dispatch, Draft, Status, StatusChange
from dispatch.services import ReportData, return_dispatch, save_draft, submit_report

WITH = {"act": "approve", "accompanied": "yes", "by": "担当 花子", "start": "10:00", "end": "12:00"}
WITHOUT = {"act": "approve", "accompanied": "no", "reason": "遠方"}
RETURN = {"act": "return", "reasons": ["支援内容の記載が不足している"], "comment": "結論を書いてください"}


@pytest.fixture
def ready(stage: Stage) -> Dispatch:
    """Reported and attested."""
    return stage.attested(stage.reported())


def client_of(stage: Stage) -> Client:
    client = Client()
    client.force_login(stage.chief)
    return client


def address_of(dispatch: Dispatch) -> str:
    return f"/portal/dispatches/{dispatch.number}/approval/"


def send(stage: Stage, dispatch: Dispatch, **values: Any) -> Any:
    return client_of(stage).post(address_of(dispatch), values)


def page(stage: Stage, dispatch: Dispatch) -> str:
    answer = client_of(stage).get(address_of(dispatch))
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def words_of(answer: Any) -> str:
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def token_of(stage: Stage, dispatch: Dispatch) -> str:
    found = re.search(r'name="edit_token" value="([^"]+)"', page(stage, dispatch))
    assert found is not None
    return found[1]


def test_the_form_is_prefilled_with_the_visits_times(stage: Stage, ready: Dispatch) -> None:
    shown = page(stage, ready)
    assert 'value="10:00"' in shown
    assert 'value="12:00"' in shown


def test_an_approval_records_who_went_along_and_when(stage: Stage, ready: Dispatch) -> None:
    answer = send(stage, ready, **WITH)
    assert answer["Location"] == "/portal/approvals/"
    row = Dispatch.objects.get()
    assert (row.status, row.accompanied, row.accompanied_by) == (Status.APPROVED, True, "担当 花子")
    assert (row.accompanied_from, row.accompanied_to) == (at("07-12 10:00"), at("07-12 12:00"))


def test_an_absence_takes_a_reason_of_the_list(stage: Stage, ready: Dispatch) -> None:
    assert "理由を選んでください" in words_of(send(stage, ready, act="approve", accompanied="no"))
    assert "「その他」の内容" in words_of(send(stage, ready, **{**WITHOUT, "reason": "その他"}))
    assert send(stage, ready, **{**WITHOUT, "reason": "その他", "detail": "電話で確認"}).status_code == 302
    assert Dispatch.objects.get().no_accompaniment_reason == "その他：電話で確認"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"accompanied": ""}, "同行したかどうか"),
        ({"by": " "}, "同行した人の氏名"),
        ({"start": ""}, "同行の開始の時刻"),
        ({"end": "25:99"}, "13:30 のように"),
        ({"end": "09:00"}, "同行開始より後"),
        ({"start": "13:00", "end": "14:00"}, "重なっていません"),
        ({"start": "08:00", "end": "10:00"}, "重なっていません"),
        ({"accompanied": "no", "reason": "一覧にない"}, "同行しなかった理由"),
    ],
)
def test_what_cant_be_is_said_beside_its_field_and_all_stays_typed(
    stage: Stage, ready: Dispatch, change: dict[str, str], words: str
) -> None:
    shown = words_of(send(stage, ready, **{**WITH, **change}))
    assert words in shown
    assert 'class="error-summary"' in shown
    if "by" not in change:
        assert 'value="担当 花子"' in shown
    assert Dispatch.objects.get().status == Status.REPORTED


def test_without_an_attestation_it_says_what_to_do_and_nothing_gets_through(stage: Stage) -> None:
    dispatch = stage.reported()
    shown = page(stage, dispatch)
    assert "まだ承認できません" in shown
    assert f"/portal/dispatches/{dispatch.number}/attestation/" in shown
    assert "従事証明がまだない" in words_of(send(stage, dispatch, **WITH))
    assert Dispatch.objects.get().status == Status.REPORTED


def test_an_objection_stands_in_the_way_until_it_is_answered(stage: Stage) -> None:
    dispatch = stage.reported()
    stage.attested(dispatch, confirmed=False, comment="来ていない")
    shown = page(stage, dispatch)
    assert "違うところがある" in shown
    assert "来ていない" in shown
    assert "相違あり" in words_of(send(stage, dispatch, **WITH))
    assert send(stage, dispatch, **RETURN).status_code == 302
    assert Dispatch.objects.get().status == Status.VISITED


def test_a_return_takes_several_reasons_and_words_of_ones_own(stage: Stage, ready: Dispatch) -> None:
    assert "理由を一つ以上" in words_of(send(stage, ready, act="return", comment=" "))
    two = ["支援内容の記載が不足している", "実施時刻が実際と異なる"]
    assert send(stage, ready, **{**RETURN, "reasons": two}).status_code == 302
    step = StatusChange.objects.get(action="return")
    assert step.reason == "、".join([*two, "結論を書いてください"])
    assert waiting_for(stage.experts["E1"])[-1].note == step.reason


def test_a_reason_of_ones_own_alone_is_enough_and_a_foreign_one_is_refused(
    stage: Stage, ready: Dispatch
) -> None:
    assert send(stage, ready, act="return", reasons=["一覧にない"]).status_code == 200
    assert Dispatch.objects.get().status == Status.REPORTED
    assert send(stage, ready, act="return", comment="自分の言葉").status_code == 302


def test_what_an_expert_was_returned_before_is_shown(stage: Stage, ready: Dispatch) -> None:
    for _ in range(2):
        return_dispatch(dispatch=ready, reasons=["実施時刻が実際と異なる"], actor=stage.chief)
        submit_report(dispatch=ready, report=ReportData("直しました。"), lines=(), actor=stage.experts["E1"])
    shown = page(stage, ready)
    assert "これまでの差戻し（2件）" in shown
    assert "実施時刻が実際と異なる（2回）" in shown


def test_pressing_twice_approves_once_and_says_nothing_bad(stage: Stage, ready: Dispatch) -> None:
    token = token_of(stage, ready)
    for _ in range(2):
        assert send(stage, ready, **WITH, edit_token=token).status_code == 302
    assert StatusChange.objects.filter(action="approve").count() == 1


def test_pressing_twice_returns_once(stage: Stage, ready: Dispatch) -> None:
    token = token_of(stage, ready)
    for _ in range(2):
        assert send(stage, ready, **RETURN, edit_token=token).status_code == 302
    assert StatusChange.objects.filter(action="return").count() == 1


def test_what_somebody_changed_meanwhile_is_shown_and_nothing_is_lost(stage: Stage, ready: Dispatch) -> None:
    token = token_of(stage, ready)
    stage.travel(ready.planned_to + dt.timedelta(hours=3))
    from dispatch.services import correct_dispatch

    correct_dispatch(dispatch=ready, values={"休憩分": "15"}, reason="電話で確認", actor=stage.operator)
    shown = words_of(send(stage, ready, **WITH, edit_token=token))
    assert "ほかの人が変更しました" in shown
    assert "休憩分" in shown
    assert 'value="担当 花子"' in shown
    again = re.search(r'name="edit_token" value="([^"]+)"', shown)
    assert again is not None
    assert send(stage, ready, **WITH, edit_token=again[1]).status_code == 302


def test_a_dispatch_approved_by_a_colleague_is_not_approved_again(stage: Stage, ready: Dispatch) -> None:
    token = token_of(stage, ready)
    with acting(stage.operator, "story"):
        from accounts.models import Role, User
        from institutions.models import Institution, Member

        colleague = User.objects.create(username="colleague", role=Role.INSTITUTION_STAFF)
        Member.objects.create(user=colleague, institution=Institution.objects.get(code="K1"))
    stage.travel(ready.planned_to + dt.timedelta(hours=2))
    client = Client()
    client.force_login(colleague)
    assert client.post(address_of(ready), {**WITH, "edit_token": token}).status_code == 302
    answer = send(stage, ready, **WITH, edit_token=token)
    assert "ほかの人が変更しました" in words_of(answer)
    assert StatusChange.objects.filter(action="approve").count() == 1


def test_the_queue_leads_from_one_to_the_next(stage: Stage) -> None:
    first = stage.attested(stage.reported())
    case = stage.case("C2")
    second = stage.attested(
        stage.reported(
            stage.application(case, expert="E2", planned_from=at("07-16 10:00"), planned_to=at("07-16 11:00"))
        )
    )
    listed = client_of(stage).get("/portal/approvals/").content.decode()
    assert listed.index(first.number) < listed.index(second.number)
    shown = page(stage, first)
    assert "1 / 2件" in shown
    assert address_of(second) in shown
    answer = send(stage, first, **WITH, then="next")
    assert answer["Location"] == address_of(second)
    answer = send(stage, second, **{**WITH, "end": "11:00"}, then="next")
    assert answer["Location"] == "/portal/approvals/"
    assert "承認を待っている派遣はありません" in client_of(stage).get("/portal/approvals/").content.decode()


def test_an_approval_returned_by_the_office_shows_what_was_said(stage: Stage, ready: Dispatch) -> None:
    send(stage, ready, **{**WITH, "start": "10:30"})
    return_dispatch(dispatch=ready, reasons=["同行の時刻を確かめてください"], actor=stage.operator)
    shown = page(stage, ready)
    assert 'value="10:30"' in shown
    assert 'value="担当 花子"' in shown


def test_what_was_typed_before_comes_back_and_goes_when_it_was_sent(stage: Stage, ready: Dispatch) -> None:
    save_draft(person=stage.chief, form="approval", object=ready.number, values={**WITH, "by": "書きかけ"})
    save_draft(person=stage.chief, form="return", object=ready.number, values={"comment": "途中の理由"})
    shown = page(stage, ready)
    assert "書きかけ" in shown
    assert "途中の理由" in shown
    send(stage, ready, **WITH)
    assert list(Draft.objects.values_list("form", flat=True)) == ["return"]


def test_an_odd_act_changes_nothing(stage: Stage, ready: Dispatch) -> None:
    assert send(stage, ready, act="destroy").status_code == 200
    assert Dispatch.objects.get().status == Status.REPORTED
