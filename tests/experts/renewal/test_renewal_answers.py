"""Answers: by the own page, by the link, through the office; never another's, never after closing."""

import datetime as dt

import pytest
from campaign import DECLINE, RENEW, TEXTS, Year, expert
from django.db import transaction

from core.agreements.models import Agreement
from core.agreements.selectors import agreements_of
from core.agreements.services import publish_text
from core.audit.models import Change
from core.errors import DomainError, FieldErrors, NotAllowed
from core.notify.services import waiting_for
from experts.renewal import answering
from experts.renewal.answering import (
    LinkUnusable,
    Said,
    answer_by_link,
    link_of,
    pending_texts,
    record_answer,
)
from experts.renewal.models import Ask, Link


def by_link(token: str, said: Said = RENEW) -> Ask:
    return answer_by_link(token=token, said=said, address="203.0.113.9", agent="phone")


def test_renewed_on_the_own_page_with_consents_to_the_texts_in_force(year: Year) -> None:
    year.asked()
    ask = year.answer("E1")
    assert (ask.answer, ask.source, ask.data_right, ask.reason) == ("renew", "page", True, "")
    assert ask.answered_by == year.stage.experts["E1"]
    assert {(each.text.code, each.text.version) for each in agreements_of("expert:E1")} == set(TEXTS.items())
    assert waiting_for(year.stage.experts["E1"]) == []
    assert pending_texts(expert()) == []


def test_an_answer_can_be_changed_until_closing(year: Year) -> None:
    year.asked()
    year.answer("E1")
    ask = year.answer("E1", DECLINE)
    assert (ask.answer, ask.reason, ask.data_right) == ("decline", "転職・転居のため", None)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (Said(answer="", agreed=TEXTS), "answer"),
        (Said(answer="maybe", agreed=TEXTS), "answer"),
        (Said(answer="decline", agreed={}), "reason"),
        (Said(answer="decline", reason="あ" * 501, agreed={}), "reason"),
        (Said(answer="renew", agreed=TEXTS), "data_right"),
        (Said(answer="renew", data_right=True, agreed={"expert_terms": "2021-1"}), "text_expert_privacy"),
    ],
)
def test_what_is_missing_is_said_at_its_field_and_nothing_is_kept(year: Year, said: Said, field: str) -> None:
    year.asked()
    with pytest.raises(FieldErrors) as refused:
        year.answer("E1", said)
    assert set(refused.value.by_field) == {field}
    assert year.ask().answer == ""
    assert not Agreement.objects.exists()


def test_a_text_published_meanwhile_is_shown_before_it_is_agreed_to(year: Year) -> None:
    year.asked()
    admin = year.stage.operator.__class__(username="kanri", role="office_admin")
    admin.save()
    publish_text(
        code="expert_terms",
        version="2022-1",
        title="専門家登録規約",
        body="新しい規約",
        valid_from=dt.date(2022, 2, 2),
        actor=admin,
    )
    year.travel("2022-02-02 00:00")
    with pytest.raises(DomainError, match="新しくなりました"):
        year.answer("E1")
    year.answer("E1", Said(answer="renew", data_right=True, agreed={**TEXTS, "expert_terms": "2022-1"}))
    assert "2022-1" in {each.text.version for each in agreements_of("expert:E1")}


def test_another_experts_question_cannot_be_answered(year: Year) -> None:
    year.asked()
    ask = year.ask("E1")
    for person in (year.stage.experts["E2"], year.stage.operator, year.stage.chief):
        with pytest.raises(NotAllowed):
            answering.answer_on_page(
                ask=ask, said=RENEW, version=ask.version, actor=person, address=None, agent=""
            )
        with pytest.raises(NotAllowed):
            answering.agree_to_texts(ask=ask, agreed=TEXTS, actor=person, address=None, agent="")
    assert year.ask("E1").answer == ""
    assert not Agreement.objects.exists()


def test_two_windows_the_older_page_is_told(year: Year) -> None:
    year.asked()
    year.answer("E1")
    with pytest.raises(DomainError, match="別の画面または事務局で変わりました"):
        year.answer("E1", DECLINE, version=1)
    assert year.ask().answer == "renew"


def test_the_link_answers_once_without_an_account_and_the_history_says_so(year: Year) -> None:
    year.asked()
    token = year.token("E1")
    ask = by_link(token)
    assert (ask.answer, ask.source, ask.answered_by) == ("renew", "link", None)
    change = Change.objects.filter(table="renewal_ask", row_id=ask.pk, operation="U").latest("pk")
    assert (change.action, change.actor_name) == ("answer_renewal", "専門家（メールのリンク）")
    agreement = Agreement.objects.filter(subject="expert:E1").first()
    assert agreement is not None
    assert (agreement.name, agreement.address) == ("吉田 太郎", "203.0.113.9")
    assert link_of(token) is None
    with pytest.raises(LinkUnusable):
        by_link(token, DECLINE)
    assert year.ask().answer == "renew"


def test_looking_at_a_link_changes_nothing(year: Year) -> None:
    year.asked()
    token, before = year.token("E1"), Change.objects.count()
    for _ in range(3):
        link = link_of(token)
        assert link is not None
        assert link.ask.expert.code == "E1"
    assert Change.objects.count() == before


def test_wrong_links_and_links_of_answered_and_closed_renewals_say_the_same(year: Year) -> None:
    campaign = year.asked()
    used, ended = year.token("E1"), year.token("E2")
    year.answer("E1", DECLINE)
    year.travel("2022-03-01 09:00")
    year.close(campaign)
    said = set()
    for token in (used, ended, "x" * 43, ""):
        assert link_of(token) is None
        with pytest.raises(LinkUnusable) as refused:
            by_link(token)
        said.add(refused.value.message)
    assert len(said) == 1


def test_a_refused_answer_leaves_the_link_usable(year: Year) -> None:
    year.asked()
    token = year.token("E1")
    with pytest.raises(FieldErrors), transaction.atomic():
        by_link(token, Said(answer="decline", agreed={}))
    assert link_of(token) is not None


def test_the_office_records_an_answer_with_source_and_note(year: Year) -> None:
    year.asked()
    ask = year.ask("E2")
    kept = record_answer(
        ask=ask,
        answer="renew",
        reason="",
        data_right=False,
        source="phone",
        note="2月3日 本人から電話",
        version=ask.version,
        actor=year.stage.operator,
    )
    assert (kept.source, kept.note, kept.answered_by) == ("phone", "2月3日 本人から電話", year.stage.operator)
    # nobody agrees to a text for somebody else
    assert not Agreement.objects.exists()
    assert len(pending_texts(expert("E2"))) == 2
    assert not Link.objects.filter(ask=ask, ended_at=None).exists()
    answering.agree_to_texts(ask=kept, agreed=TEXTS, actor=year.stage.experts["E2"], address=None, agent="")
    assert pending_texts(expert("E2")) == []


def test_without_source_note_or_reason_the_office_records_nothing(year: Year) -> None:
    year.asked()
    ask = year.ask("E2")
    with pytest.raises(FieldErrors) as refused:
        record_answer(
            ask=ask, answer="decline", reason=" ", data_right=None, source="page", note="",
            version=ask.version, actor=year.stage.operator,
        )  # fmt: skip
    assert set(refused.value.by_field) == {"reason", "source", "note"}
    with pytest.raises(NotAllowed):
        record_answer(
            ask=ask, answer="renew", reason="", data_right=None, source="phone", note="電話",
            version=ask.version, actor=year.stage.experts["E2"],
        )  # fmt: skip
    assert year.ask("E2").answer == ""


def test_an_answer_after_closing_is_refused_on_every_way(year: Year) -> None:
    campaign = year.asked()
    year.travel("2022-03-01 00:00")
    year.close(campaign)
    with pytest.raises(DomainError, match="受付は終わりました"):
        year.answer("E1")
    with pytest.raises(DomainError, match="受付は終わりました"):
        record_answer(
            ask=year.ask("E1"), answer="renew", reason="", data_right=None, source="phone", note="電話",
            version=1, actor=year.stage.operator,
        )  # fmt: skip
    assert year.ask("E1").answer == ""
