"""Doubts the agency was told of: from the page of the dispatch to the recorded answer."""

import pytest
from desk import browser, stage, strangers, text_of
from django.db import IntegrityError, transaction
from stage import Stage

from core.audit.models import Change
from core.errors import DomainError, NotAllowed
from dispatch.models import Dispatch, Escalation
from dispatch.selectors import timeline
from dispatch.services import close_escalation, escalate_dispatch

__all__ = ["stage"]


def test_a_doubt_is_told_from_the_page_and_its_answer_recorded(stage: Stage) -> None:
    dispatch = stage.approved()
    client = browser(stage.operator)
    act = f"/office/dispatches/{dispatch.number}/acts/escalate/"
    assert "field--invalid" in text_of(client.post(act, {"kind": "falsehood", "text": "　"}))
    client.post(act, {"kind": "falsehood", "text": "支援先が訪問を覚えていない"})
    escalation = Escalation.objects.get()
    assert (escalation.reported_by, escalation.kind) == (stage.operator, "falsehood")
    assert "支援先が訪問を覚えていない" in text_of(client.get("/office/escalations/"))
    assert "中小企業庁への報告（回答待ち）" in text_of(client.get("/office/"))
    # a second press is not a second report
    again = text_of(client.post(act, {"kind": "falsehood", "text": "支援先が訪問を覚えていない"}))
    assert "既に報告し" in again and Escalation.objects.count() == 1
    page = f"/office/escalations/{escalation.pk}/"
    refused = client.post(page, {"answer": "調査する", "answered_on": "2031-01-01"})
    assert refused.status_code == 422 and "調査する" in text_of(refused)
    client.post(page, {"answer": "対象外とするよう指示", "answered_on": "2021-07-12"})
    escalation.refresh_from_db()
    assert (escalation.answer, escalation.closed_by) == ("対象外とするよう指示", stage.operator)
    assert "対象外とするよう指示" in text_of(client.get("/office/escalations/?state=closed"))
    told = [entry.what for entry in timeline(dispatch, stage.operator)]
    assert "中小企業庁の回答の記録" in told
    assert Change.objects.filter(table="dispatch_escalation", action="close_escalation").count() == 1


def test_neither_expert_nor_institution_learns_of_it(stage: Stage) -> None:
    dispatch = stage.approved()
    escalate_dispatch(dispatch=dispatch, kind="falsehood", text="通報あり", actor=stage.approver)
    for person in (stage.chief, stage.experts["E1"]):
        assert not Escalation.objects.visible_to(person).exists()
        assert "通報あり" not in str(timeline(dispatch, person))
        with pytest.raises(NotAllowed):
            escalate_dispatch(dispatch=dispatch, kind="other", text="x", actor=person)
    for person in strangers(stage):
        assert browser(person).get("/office/escalations/").status_code == 403


def test_the_payment_goes_on_unless_it_is_held(stage: Stage) -> None:
    dispatch = stage.approved()
    escalate_dispatch(dispatch=dispatch, kind="other", text="念のため", actor=stage.operator)
    assert Dispatch.objects.get().status == dispatch.status


def test_an_answer_is_recorded_once(stage: Stage) -> None:
    dispatch = stage.approved()
    escalation = escalate_dispatch(dispatch=dispatch, kind="other", text="念のため", actor=stage.operator)
    day = stage.application().planned_from.date()  # type: ignore[union-attr]
    close_escalation(escalation=escalation, answer="了解", answered_on=day, actor=stage.operator)
    with pytest.raises(DomainError, match="既に記録"):
        close_escalation(escalation=escalation, answer="了解", answered_on=day, actor=stage.operator)
    with pytest.raises(IntegrityError), transaction.atomic():
        Escalation.objects.filter(pk=escalation.pk).update(closed_at=None)


def test_before_the_confirmation_there_is_nothing_to_tell(stage: Stage) -> None:
    dispatch = stage.applied()
    with pytest.raises(DomainError, match="受付済"):
        escalate_dispatch(dispatch=dispatch, kind="other", text="x", actor=stage.operator)
