"""A よろず gets another operator: told, stopped, asked, checked, opened; what runs goes over, what is done stays."""

import datetime as dt
import io
import re
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from stage import Stage, at

from accounts.models import Role, SignInEvent, User
from core import clock
from core.agreements.models import Agreement, TextCode
from core.agreements.services import current_text, load_first_texts
from core.audit.acting import SYSTEM, acting
from core.database.rotation import cipher_columns, rotate_column
from core.errors import DomainError, FieldErrors, NotAllowed
from core.exchange.services import load_files
from core.notify.models import Mail, Task
from core.notify.services import open_task
from core.secrets import decrypt, new_key, seal
from dispatch.models import Case, Dispatch
from dispatch.services import cancel_dispatch
from experts.registration.services import recommend
from institutions.models import HandedOver, Institution, Member, OperatorAnswer, OperatorChange
from institutions.operator_change import services
from institutions.operator_change.answers import check, normal
from institutions.operator_change.entering import change_by_token, save_entry, submit_answer
from institutions.operator_change.opening import open_successor, proposed_code, proposed_name
from institutions.operator_change.selectors import operators_of_base, returned_fields, steps_of
from institutions.operator_change.steps import LinkUnusable

State = OperatorChange.State
ENTRY = {
    "operator_name": "一般社団法人見本",
    "address": "東京都千代田区見本1-2-3",
    "phone": "０３－１２３４－５６７８",
    "email": "base@example.jp",
    "chief_name": "新田 責任",
    "chief_email": "chief@example.jp",
    "user_1_name": "新井 一",
    "user_1_email": "user1@example.jp",
}


@pytest.fixture
def base(stage: Stage) -> Institution:
    """K1 of the stage as a よろず with an address."""
    load_first_texts(actor=SYSTEM)
    text = (
        "機関コード,機関名,機関区分,都道府県コード,メールアドレス\n"
        "K1,東京都よろず支援拠点（財団法人旧）,よろず支援拠点,13,old@example.jp\n"
    )
    assert load_files({"institutions.csv": io.BytesIO(text.encode())}, actor=SYSTEM).ok
    return Institution.objects.get(code="K1")


def started(stage: Stage, **values: Any) -> OperatorChange:
    given = {
        "former": Institution.objects.get(code="K1"),
        "last_day": dt.date(2021, 7, 9),
        "message": "",
        "form_name": "一般社団法人見本",
        "form_person": "見本 太郎",
        "form_email": "taro@example.jp",
        "key": "k",
        "actor": stage.operator,
        **values,
    }
    return services.start_change(**given)


def now(change: OperatorChange) -> OperatorChange:
    return OperatorChange.objects.get(pk=change.pk)


def token_mailed() -> str:
    mail = Mail.objects.filter(template__in=["operator_form", "operator_returned"]).latest("pk")
    found = re.search(r"/y/([^/\s]+)/", decrypt(mail.body_cipher))
    assert found
    return found[1]


def sent(stage: Stage, change: OperatorChange) -> str:
    services.send_form(change=change, version=now(change).version, actor=stage.operator)
    return token_mailed()


def answer(token: str, **values: str) -> OperatorChange:
    change = change_by_token(token)
    assert change is not None
    version = current_text(TextCode.YOROZU_TERMS).version
    return submit_answer(change=change, entry={**ENTRY, **values}, agreed=True, text_version=version)


def ready(stage: Stage) -> OperatorChange:
    change = started(stage)
    answer(sent(stage, change))
    services.confirm_answer(change=change, version=now(change).version, actor=stage.operator)
    stage.travel("07-10 09:00")
    services.stop_due()
    return now(change)


def opened(stage: Stage) -> OperatorChange:
    change = ready(stage)
    return open_successor(
        change=change, code="K1-2", name="新しい拠点", version=change.version, actor=stage.operator
    )


def test_the_old_operators_people_are_told_at_once_and_nothing_new_counts_after_the_last_day(
    stage: Stage, base: Institution
) -> None:
    with acting(SYSTEM, "test"):
        User.objects.filter(pk=stage.chief.pk).update(email="k1@example.jp")
    started(stage, message="鍵を返してください。")
    mails = Mail.objects.filter(template="operator_stop_notice")
    assert {mail.to for mail in mails} == {"k1@example.jp", "old@example.jp"}
    body = decrypt(mails[0].body_cipher)
    assert "2021年7月9日（金）" in body and "鍵を返してください。" in body
    base.refresh_from_db()
    assert base.valid_until == dt.date(2021, 7, 9)
    assert User.objects.get(pk=stage.chief.pk).is_active


def test_a_change_begins_once_however_often_it_is_sent(stage: Stage, base: Institution) -> None:
    assert started(stage).pk == started(stage).pk
    with pytest.raises(DomainError, match="既に始まっています"):
        started(stage, key="other")


def test_only_a_yorozu_changes_its_operator(stage: Stage, base: Institution) -> None:
    with pytest.raises(DomainError, match="よろず支援拠点だけ"):
        started(stage, former=Institution.objects.get(code="K2"))


def test_what_is_wrong_at_the_start_is_said_field_by_field(stage: Stage, base: Institution) -> None:
    with pytest.raises(FieldErrors) as refusal:
        started(stage, last_day=dt.date(2030, 1, 1), form_name=" ", form_email="nobody")
    assert set(refusal.value.by_field) == {"last_day", "form_name", "form_email"}
    assert not OperatorChange.objects.exists()


def test_nobody_but_the_office_changes_an_operator(stage: Stage, base: Institution) -> None:
    with pytest.raises(NotAllowed):
        started(stage, actor=stage.chief)


def test_the_old_ids_end_the_day_after_and_not_before(stage: Stage, base: Institution) -> None:
    change = started(stage)
    assert services.stop_due() == 0
    with pytest.raises(DomainError, match="7月9日"):
        services.stop_old_ids(change=change, actor=stage.operator)
    stage.travel("07-10 00:05")
    assert services.stop_due() == 1
    assert not User.objects.get(pk=stage.chief.pk).is_active
    assert User.objects.get(pk=stage.other_chief.pk).is_active
    assert now(change).stopped_count == 1
    assert now(change).stopped_by is None
    assert Mail.objects.filter(template="operator_stopped", to="old@example.jp").count() == 1
    assert services.stop_due() == 0


def test_a_link_opens_its_form_until_it_is_replaced_or_runs_out(stage: Stage, base: Institution) -> None:
    change = started(stage)
    first = sent(stage, change)
    assert change_by_token(first) is not None
    second = sent(stage, change)
    assert change_by_token(first) is None
    assert change_by_token("") is None
    stage.travel("08-15 09:00")
    assert change_by_token(second) is None
    assert now(change).is_expired


def test_what_is_typed_is_kept_for_the_next_link(stage: Stage, base: Institution) -> None:
    change = started(stage)
    found = change_by_token(sent(stage, change))
    assert found is not None
    save_entry(change=found, entry={"operator_name": "途中", "unknown": "x", "phone": 3})
    again = change_by_token(sent(stage, change))
    assert again is not None and again.entry == {"operator_name": "途中"}
    with pytest.raises(LinkUnusable):
        save_entry(change=found, entry={"operator_name": "遅れて届いた"})


def test_a_wrong_answer_is_refused_by_field_and_leaves_no_trace(stage: Stage, base: Institution) -> None:
    change = change_by_token(sent(stage, started(stage)))
    assert change is not None
    entry = {**ENTRY, "phone": "12", "user_1_email": "CHIEF@example.jp", "operator_name": "  "}
    with pytest.raises(FieldErrors) as refusal:
        submit_answer(change=change, entry=entry, agreed=False, text_version="x")
    assert set(refusal.value.by_field) == {"phone", "user_1_email", "operator_name", "agreed"}
    assert not OperatorAnswer.objects.exists()
    assert not Agreement.objects.exists()


def test_a_sent_answer_follows_a_new_key_and_can_otherwise_not_be_changed(
    stage: Stage, base: Institution, settings: Any
) -> None:
    change = started(stage)
    answer(sent(stage, change))
    kept = OperatorAnswer.objects.get()
    settings.FIELD_KEYS = [new_key(), *settings.FIELD_KEYS]
    with connection.cursor() as cursor:
        for forged in ("content = %s", "content = %s, round = 2"):
            with pytest.raises(DatabaseError), transaction.atomic():
                cursor.execute(f"UPDATE institutions_operatoranswer SET {forged}", [seal('{"phone": "0"}')])
    (column,) = (one for one in cipher_columns() if one.table == "institutions_operatoranswer")
    assert rotate_column(column) == 1
    assert rotate_column(column) == 0
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    assert OperatorAnswer.objects.get().fields == kept.fields


def test_an_answer_is_kept_with_the_agreement_and_waits_for_the_office_once(
    stage: Stage, base: Institution
) -> None:
    change = started(stage)
    token = sent(stage, change)
    answer(token)
    answer(token)
    assert now(change).state == State.CHECKING
    assert OperatorAnswer.objects.get().fields["phone"] == "03-1234-5678"
    agreement = Agreement.objects.get(subject=change.agreement_subject)
    assert agreement.name == "新田 責任" and agreement.text.code == TextCode.YOROZU_TERMS
    assert Task.objects.open().get(code="operator_change_check").role == Role.OFFICE_OPERATOR


def test_single_fields_go_back_with_a_reason_and_come_again(stage: Stage, base: Institution) -> None:
    change = started(stage)
    answer(sent(stage, change))
    with pytest.raises(FieldErrors):
        services.return_fields(
            change=change, fields={"phone": " "}, version=now(change).version, actor=stage.operator
        )
    services.return_fields(
        change=change, fields={"phone": "代表番号です。"}, version=now(change).version, actor=stage.operator
    )
    assert now(change).state == State.RETURNED
    assert returned_fields(change) == {"phone": "代表番号です。"}
    assert not Task.objects.open().filter(code="operator_change_check").exists()
    answer(token_mailed(), phone="03-9999-9999")
    assert now(change).state == State.CHECKING
    assert OperatorAnswer.objects.get(round=2).fields["phone"] == "03-9999-9999"


def test_an_act_on_a_stale_page_is_refused(stage: Stage, base: Institution) -> None:
    change = started(stage)
    sent(stage, change)
    with pytest.raises(DomainError, match="開いた後に変わりました"):
        services.send_form(change=change, version=change.version, actor=stage.operator)


def test_nobody_opens_before_the_old_ids_are_stopped(stage: Stage, base: Institution) -> None:
    change = started(stage)
    answer(sent(stage, change))
    services.confirm_answer(change=change, version=now(change).version, actor=stage.operator)
    with pytest.raises(DomainError, match="まだ停止していません"):
        open_successor(
            change=change, code="K1-2", name="新", version=now(change).version, actor=stage.operator
        )


def test_the_opening_makes_the_institution_and_its_people_with_their_links(
    stage: Stage, base: Institution
) -> None:
    change = opened(stage)
    assert change.state == State.OPENED
    successor = Institution.objects.get(code="K1-2")
    assert (successor.kind, successor.prefecture_code) == ("よろず支援拠点", "13")
    people = {member.user.email: member.user for member in Member.objects.filter(institution=successor)}
    assert people["chief@example.jp"].role == Role.INSTITUTION_CHIEF
    assert people["user1@example.jp"].role == Role.INSTITUTION_STAFF
    assert people["chief@example.jp"].username == "k1-2"
    links = SignInEvent.objects.filter(kind=SignInEvent.Kind.LINK_MADE)
    assert {event.user for event in links} == set(people.values())
    again = open_successor(change=change, code="K1-2", name="新しい拠点", version=1, actor=stage.operator)
    assert again.successor == successor
    assert [step.state for step in steps_of(again)] == ["done"] * 6


def test_a_code_that_is_taken_is_refused(stage: Stage, base: Institution) -> None:
    change = ready(stage)
    with pytest.raises(FieldErrors) as refusal:
        open_successor(change=change, code="K2", name="新", version=change.version, actor=stage.operator)
    assert "code" in refusal.value.by_field
    assert proposed_code(base) == "K1-2"
    assert proposed_name(base, "一般社団法人見本") == "東京都よろず支援拠点（一般社団法人見本）"


def test_what_runs_goes_over_and_what_is_done_stays(stage: Stage, base: Institution) -> None:
    running = stage.confirmed()
    done = stage.applied(
        stage.application(case=stage.case("C2"), planned_from=at("07-08 10:00"), planned_to=at("07-08 12:00"))
    )
    with acting(SYSTEM, "test"):
        Case.objects.filter(company__code="C2").update(state=Case.State.CLOSED, close_reason="済")
    cancel_dispatch(dispatch=done, reason="都合", actor=stage.chief)
    change = opened(stage)
    successor = change.successor
    assert Dispatch.objects.get(number=running.number).institution == successor
    assert Dispatch.objects.get(number=done.number).institution == base
    assert Case.objects.get(company__code="C1").institution == successor
    assert Case.objects.get(company__code="C2").institution == base
    noted = set(HandedOver.objects.values_list("kind", "number"))
    assert noted == {("派遣", running.number), ("支援案件", Case.objects.get(company__code="C1").code)}
    chief = User.objects.get(institution_member__institution=successor, role=Role.INSTITUTION_CHIEF)
    assert list(Dispatch.objects.visible_to(chief)) == [Dispatch.objects.get(number=running.number)]


def test_what_waited_for_the_old_people_waits_for_the_new_chief(stage: Stage, base: Institution) -> None:
    running = stage.confirmed()
    open_task(
        code="dispatch_approve",
        object=running,
        title="承認",
        path=f"/portal/dispatches/{running.number}/",
        actor=SYSTEM,
        person=stage.chief,
    )
    opened(stage)
    task = Task.objects.open().get(code="dispatch_approve")
    assert task.person is not None and task.person.email == "chief@example.jp"


def test_a_change_that_is_called_off_leaves_the_operator_as_it_was(stage: Stage, base: Institution) -> None:
    change = started(stage)
    token = sent(stage, change)
    with pytest.raises(FieldErrors):
        services.withdraw_change(change=change, reason=" ", version=now(change).version, actor=stage.operator)
    services.withdraw_change(
        change=change, reason="再委託になった", version=now(change).version, actor=stage.operator
    )
    base.refresh_from_db()
    assert base.valid_until is None
    assert change_by_token(token) is None
    assert Mail.objects.filter(template="operator_stop_called_off").exists()
    stage.travel("07-20 09:00")
    assert services.stop_due() == 0
    assert started(stage, key="anew", last_day=clock.today()).pk != change.pk


def test_a_base_keeps_the_history_of_all_its_operators(stage: Stage, base: Institution) -> None:
    first = opened(stage)
    assert first.successor is not None
    started(stage, former=first.successor, key="next", last_day=dt.date(2021, 12, 31))
    for institution in (base, first.successor):
        assert [change.pk for change in operators_of_base(institution)] == [first.pk]
    assert operators_of_base(Institution.objects.get(code="K2")) == []


def test_a_user_without_an_address_or_a_name_is_asked_for_it() -> None:
    bad = check(normal({**ENTRY, "user_2_name": "名だけ", "user_3_email": "u3@example.jp"}))
    assert set(bad) == {"user_2_email", "user_3_name"}


def test_a_registration_under_way_goes_over_too(stage: Stage, base: Institution) -> None:
    row, _ = recommend(
        institution=base,
        candidate_name="候補 者",
        candidate_email="kouho@example.jp",
        interview_on=clock.today(),
        interview_manner="来所",
        interviewer="面談者",
        interview_notes="記録",
        recommendation="理由",
        actor=stage.chief,
        key="recommended",
    )
    change = opened(stage)
    row.refresh_from_db()
    assert row.institution == change.successor
    assert HandedOver.objects.get().number == row.number
