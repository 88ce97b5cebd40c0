"""What is registered about an expert changes by two persons of the office, and nobody learns of it too late."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from stage import Stage

from accounts.models import User
from core import clock
from core.audit.models import Change
from core.errors import DomainError, FieldErrors, NotAllowed
from core.notify.models import Mail, Task
from core.secrets import decrypt
from experts.changes import services
from experts.changes.models import ChangeRequest
from experts.changes.selectors import lines_of, others_with_the_same, to_check, to_make
from experts.models import Expert

State = ChangeRequest.State
ACCOUNT = {
    "bank_code": "0001",
    "branch_code": "001",
    "account_type": "普通",
    "account_number": "7776655",
    "account_holder_kana": "ヨシダ　タロウ",
}
CONTACT = {
    "name": "吉田 太郎",
    "kana": "ヨシダ タロウ",
    "prefecture_code": "14",
    "address": "横浜市西区試験2-3",
    "phone": "090-1234-5678",
    "email": "new@example.jp",
    "base_latitude": "",
    "base_longitude": "",
}


def expert(code: str = "E1") -> Expert:
    return Expert.objects.select_related("user").get(code=code)


def ask(stage: Stage, kind: str = "account", key: str = "k1", **values: Any) -> ChangeRequest:
    entry = {"account": ACCOUNT, "contact": CONTACT}.get(kind, {}) | values
    return services.ask_change(
        expert=expert(),
        kind=kind,
        entry=entry,
        reason="口座を作り直したため",
        key=key,
        actor=stage.experts["E1"],
    )


def seen(row: ChangeRequest) -> str:
    row = ChangeRequest.objects.get(pk=row.pk)
    return services.seen_token(row, expert(row.expert.code))


def checked(row: ChangeRequest, by: User) -> ChangeRequest:
    return services.check_change(request=row, note="通帳の写しと照合した", seen=seen(row), actor=by)


def made(row: ChangeRequest, by: User, **values: Any) -> ChangeRequest:
    return services.make_change(request=row, seen=seen(row), actor=by, **values)


def test_one_asks_one_checks_another_makes_and_the_old_value_stays_in_the_history(stage: Stage) -> None:
    row = ask(stage)
    assert expert().account_number == "1112345"
    made(checked(row, stage.operator), stage.approver)
    row.refresh_from_db()
    assert (row.state, row.checked_by, row.made_by) == (State.MADE, stage.operator, stage.approver)
    assert (expert().account_number, expert().account_holder_kana) == ("7776655", "ヨシダ タロウ")
    assert Change.objects.filter(table="experts_expert", action="make_change", row_id=expert().pk).exists()


def test_who_checked_may_not_make_it_and_the_database_refuses_it_as_well(stage: Stage) -> None:
    row = checked(ask(stage), stage.operator)
    with pytest.raises(NotAllowed, match="確認した人は反映できません"):
        made(row, stage.operator)
    assert expert().account_number == "1112345"
    with pytest.raises(IntegrityError, match="two_persons"), transaction.atomic():
        ChangeRequest.objects.filter(pk=row.pk).update(
            state=State.MADE, made_by=stage.operator, made_at=clock.now()
        )


def test_what_nobody_checked_is_not_made(stage: Stage) -> None:
    row = ask(stage)
    with pytest.raises(DomainError, match="反映待ち"):
        made(row, stage.approver)
    with pytest.raises(IntegrityError, match="two_persons"), transaction.atomic():
        ChangeRequest.objects.filter(pk=row.pk).update(
            state=State.MADE, made_by=stage.operator, made_at=clock.now()
        )


def test_an_account_the_bank_file_cannot_write_is_refused_when_it_is_asked(stage: Stage) -> None:
    with pytest.raises(FieldErrors) as refusal:
        ask(stage, branch_code="999", account_holder_kana="吉田 太郎")
    assert set(refusal.value.by_field) == {"branch_code", "account_holder_kana"}
    assert not ChangeRequest.objects.exists()


def test_a_yucho_account_is_converted(stage: Stage) -> None:
    row = ask(
        stage, yucho="on", yucho_kigo="10140", yucho_bango="12345671", bank_code="", branch_code="",
        account_type="", account_number="",
    )  # fmt: skip
    assert (row.new_values["bank_code"], row.new_values["branch_code"]) == ("9900", "018")
    assert row.new_values["account_number"] == "1234567"


def test_the_same_values_are_no_change(stage: Stage) -> None:
    with pytest.raises(FieldErrors, match="同じです"):
        ask(stage, account_number="1112345", account_holder_kana="ヨシダ タロウ")


def test_a_double_click_is_one_request_and_a_second_tab_is_told(stage: Stage) -> None:
    first = ask(stage)
    assert ask(stage, account_number="9998877").pk == first.pk
    assert ChangeRequest.objects.get().new_values["account_number"] == "7776655"
    with pytest.raises(DomainError, match="確認待ち"):
        ask(stage, key="k2", account_number="9998877")
    assert Mail.objects.filter(template="change_asked").count() == 1


def test_nobody_asks_for_another_expert_and_no_expert_handles_requests(stage: Stage) -> None:
    with pytest.raises(NotAllowed):
        services.ask_change(
            expert=expert("E2"), kind="account", entry=ACCOUNT, reason="x", key="k", actor=stage.experts["E1"]
        )
    row = ask(stage)
    for stranger in (stage.experts["E1"], stage.experts["E2"], stage.chief):
        with pytest.raises(NotAllowed):
            checked(row, stranger)
        with pytest.raises(NotAllowed):
            made(row, stranger)
    with pytest.raises(ChangeRequest.DoesNotExist):
        services.withdraw_change(request=row, actor=stage.experts["E2"])
    assert not ChangeRequest.objects.visible_to(stage.experts["E2"]).exists()
    assert not ChangeRequest.objects.visible_to(stage.chief).exists()


def test_a_page_that_is_no_longer_the_newest_is_refused(stage: Stage) -> None:
    row = ask(stage)
    old = seen(row)
    checked(row, stage.operator)
    with pytest.raises(services.StaleRequest):
        services.return_change(request=row, reason="不足", seen=old, actor=stage.approver)


def test_what_changed_in_between_is_shown_and_overwritten_only_when_seen(stage: Stage) -> None:
    row = checked(ask(stage), stage.operator)
    shown = seen(row)
    Expert.objects.filter(code="E1").update(branch_code="009")
    with pytest.raises(services.StaleRequest):
        services.make_change(request=row, seen=shown, actor=stage.approver)
    crossed = [line.name for line in lines_of(ChangeRequest.objects.get(), expert()) if line.crossed]
    assert crossed == ["branch_code"]
    with pytest.raises(DomainError, match="上書きしてよければ"):
        made(row, stage.approver)
    made(row, stage.approver, conflict_seen=True)
    assert expert().account_number == "7776655"


def test_what_was_not_asked_to_change_stays_as_it_is_now(stage: Stage) -> None:
    Expert.objects.filter(code="E1").update(phone="03-1111-2222")
    row = checked(ask(stage, "contact", phone="03-1111-2222"), stage.operator)
    Expert.objects.filter(code="E1").update(phone="03-3333-4444")
    made(row, stage.approver, conflict_seen=True)
    assert (expert().address, expert().phone) == ("横浜市西区試験2-3", "03-3333-4444")


def test_old_and_new_address_are_told_and_the_account_follows(stage: Stage) -> None:
    row = ask(stage, "contact")
    assert list(Mail.objects.filter(template="change_asked").values_list("to", flat=True)) == [
        "e1@example.jp"
    ]
    assert services.waits_until(row) == clock.today() + services.dt.timedelta(days=services.WAIT_DAYS)
    made(checked(row, stage.operator), stage.approver)
    told = Mail.objects.filter(template="change_made").order_by("to")
    assert [mail.to for mail in told] == ["e1@example.jp", "new@example.jp"]
    assert expert().user.email == "new@example.jp"
    assert "7776655" not in "".join(decrypt(mail.body_cipher) for mail in Mail.objects.all())


def test_a_returned_request_is_sent_again_as_the_same_one(stage: Stage) -> None:
    row = checked(ask(stage), stage.operator)
    services.return_change(
        request=row, reason="通帳の写しがありません。", seen=seen(row), actor=stage.approver
    )
    assert Task.objects.open().filter(person=stage.experts["E1"], code="expert_change_returned").count() == 1
    again = ask(stage, key="k2", account_number="9998877")
    assert (again.pk, again.state, again.checked_by) == (row.pk, State.ASKED, None)
    assert not Task.objects.open().filter(code="expert_change_returned").exists()
    made(checked(again, stage.approver), stage.operator)
    assert expert().account_number == "9998877"


def test_a_refused_and_a_withdrawn_request_change_nothing_and_make_room(stage: Stage) -> None:
    row = ask(stage)
    services.refuse_change(
        request=row, reason="本人の申請ではなかった。", seen=seen(row), actor=stage.operator
    )
    assert Mail.objects.filter(template="change_refused").count() == 1
    second = ask(stage, key="k2")
    services.withdraw_change(request=second, actor=stage.experts["E1"])
    with pytest.raises(DomainError, match="取下げ"):
        checked(second, stage.operator)
    assert expert().account_number == "1112345"
    ask(stage, key="k3")


def test_paper_is_entered_by_the_office_with_where_it_came_from(stage: Stage) -> None:
    given: dict[str, Any] = {
        "expert": expert(), "kind": "account", "entry": ACCOUNT, "reason": "口座の変更", "key": "p1",
        "actor": stage.operator,
    }  # fmt: skip
    with pytest.raises(FieldErrors) as refusal:
        services.enter_request(**given, source="page", source_note=" ")
    assert set(refusal.value.by_field) == {"source", "source_note"}
    row = services.enter_request(**given, source="letter", source_note="7月1日着の変更届")
    assert (row.source, row.asked_by, row.source_note) == ("letter", stage.operator, "7月1日着の変更届")
    made(checked(row, stage.operator), stage.approver)
    assert expert().account_number == "7776655"


def test_another_expert_with_the_same_account_is_shown(stage: Stage) -> None:
    row = ask(stage, account_number="2223456")
    found = others_with_the_same(row, expert(), stage.operator)
    assert [(hit.expert.code, list(hit.reasons)) for hit in found] == [("E2", ["同じ振込口座"])]


def test_what_waits_for_whom(stage: Stage) -> None:
    row = ask(stage)
    assert (to_check(stage.operator).count(), to_make(stage.operator).count()) == (1, 0)
    checked(row, stage.operator)
    assert (to_check(stage.approver).count(), to_make(stage.approver).count()) == (0, 1)
    assert to_make(stage.operator).count() == 0


def test_values_lie_sealed_and_the_number_is_shown_covered(stage: Stage) -> None:
    from django.db import connection

    row = ask(stage)
    with connection.cursor() as cursor:
        cursor.execute('SELECT "before", wanted FROM expert_changes_changerequest')
        assert "7776655" not in str(cursor.fetchone())
    assert [line.wanted for line in lines_of(row, expert()) if line.name == "account_number"] == ["****655"]


def test_a_forms_key_that_was_used_for_something_else_is_refused_in_words(stage: Stage) -> None:
    row = ask(stage)
    with pytest.raises(DomainError, match="画面を開き直して"):
        ask(stage, kind="contact")
    with pytest.raises(DomainError, match="画面を開き直して"):
        services.enter_request(
            expert=expert("E2"),
            kind="account",
            entry=ACCOUNT,
            reason="口座を作り直したため",
            source="letter",
            source_note="7月1日着の変更届",
            key="k1",
            actor=stage.operator,
        )
    assert list(ChangeRequest.objects.all()) == [row]
