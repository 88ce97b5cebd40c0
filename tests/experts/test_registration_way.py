"""From the recommendation to the expert, and what is refused on the way."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import registration_story as story
import time_machine
from django.db import DatabaseError, connection, transaction

from accounts.models import Role
from core import clock
from core.agreements.selectors import agreements_of
from core.audit.models import Access, Change
from core.errors import DomainError, FieldErrors, NotAllowed
from core.notify.models import Mail, Task
from experts.appointment.models import Appointment
from experts.models import Expert
from experts.registration.models import Certificate, Registration, Submission
from experts.registration.selectors import others_under_way
from experts.registration.services import (
    DuplicatesChanged,
    EntryConflict,
    EntryRefused,
    LinkUnusable,
    StaleRegistration,
    approve,
    check_entry,
    duplicates_of,
    open_certificate,
    pass_to_office,
    recommend,
    registration_by_token,
    remove_certificate,
    return_fields,
    save_entry,
    seen_token,
    send_invitation_again,
    submit,
    withdraw,
)
from institutions.models import Institution
from rules.dates import fiscal_year

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> story.People:
    return story.build()


@pytest.fixture(autouse=True)
def _evidence(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_DIR = tmp_path / "evidence"


def mails(template: str) -> list[Mail]:
    return list(Mail.objects.filter(template=template).order_by("pk"))


def test_the_whole_way_from_recommendation_to_expert(people: story.People) -> None:
    row, token = story.invited(people)
    assert row.number.startswith("R") and row.state == "invited"
    invitation = mails("registration_invitation")[0]
    assert (
        invitation.to == "hanako@example.jp"
        and f"/r/{token}/" in invitation.body
        and not invitation.keeps_body
    )

    person = story.live(token)
    revision = save_entry(registration=person, entry={"name": "見本"}, revision=0)
    assert story.live(token).state == "filling"
    revision = save_entry(registration=person, entry=story.entry(), revision=revision)
    story.with_certificates(person)
    assert check_entry(story.live(token)) == {}
    submit(registration=story.live(token), agreed=story.agreed(), revision=revision, address="192.0.2.1")

    waiting = story.live(token)
    assert (waiting.state, waiting.name, waiting.kana, waiting.requirement) == (
        "institution",
        "見本 花子",
        "ミホン ハナコ",
        "資格",
    )
    assert {task.person for task in Task.objects.open().filter(code="registration_check")} == {
        people.chief,
        people.staff,
    }
    assert {found.text.code for found in agreements_of(waiting.agreement_subject)} == {
        "expert_terms",
        "expert_privacy",
    }
    pass_to_office(registration=waiting, checks=story.confirmed(waiting), actor=people.staff)
    assert not Task.objects.open().filter(code="registration_check").exists()
    assert len(mails("registration_passed")) == 1

    expert = approve(registration=waiting, actor=people.operator, duplicates_seen=())
    done = Registration.objects.get(pk=row.pk)
    assert (done.state, done.expert, done.approved_by) == ("approved", expert, people.operator)
    assert (expert.code, expert.name, expert.recommended_by) == ("E000001", "見本 花子", people.institution)
    assert (expert.account_number, expert.account_holder_kana) == ("1234567", "ミホン ハナコ")
    assert (
        expert.user is not None and expert.user.role == Role.EXPERT and not expert.user.has_usable_password()
    )
    assert Appointment.objects.get(expert=expert).round.fiscal_year == fiscal_year(clock.today())
    approval = mails("registration_approved")[0]
    assert "/set-password/" in approval.body and expert.code in approval.body
    assert registration_by_token(token) is None
    assert not Task.objects.open().filter(object=f"registration.registration:{row.pk}").exists()
    acts = set(Change.objects.filter(table="registration_registration").values_list("action", "actor_name"))
    assert ("submit_registration", f"登録希望者（{row.number}）") in acts
    assert ("approve_registration", people.operator.get_full_name()) in acts


def test_pressing_twice_recommends_once(people: story.People) -> None:
    values = story.interview()
    first, token = recommend(institution=people.institution, actor=people.chief, **values)
    again, nothing = recommend(institution=people.institution, actor=people.chief, **values)
    assert (again, nothing) == (first, "") and token
    assert len(mails("registration_invitation")) == 1


def test_the_same_address_is_invited_once_by_an_institution(people: story.People) -> None:
    row, _ = story.invited(people)
    with pytest.raises(DomainError, match=row.number):
        story.invited(people, candidate_email="HANAKO@example.jp")
    withdraw(registration=row, reason="本人の都合", actor=people.chief)
    assert story.invited(people)[0] != row


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("candidate_name", " "),
        ("candidate_email", "hanako"),
        ("candidate_phone", "12"),
        ("interview_on", clock.today() + dt.timedelta(days=2)),
        ("interview_on", clock.today() - dt.timedelta(days=400)),
        ("interview_manner", "手紙"),
        ("interviewer", ""),
        ("interview_notes", ""),
        ("recommendation", "あ" * 4_001),
    ],
)
def test_a_recommendation_says_what_is_wrong(people: story.People, field: str, value: Any) -> None:
    with pytest.raises(FieldErrors) as refusal:
        story.invited(people, **{field: value})
    assert list(refusal.value.by_field) == [field]
    assert not Registration.objects.exists()


def test_only_people_of_the_institution_recommend_and_act(people: story.People) -> None:
    for user in (people.other_chief, people.operator):
        with pytest.raises(NotAllowed):
            recommend(institution=people.institution, actor=user, **story.interview())
    row, _ = story.submitted(people)
    for act in (
        lambda: send_invitation_again(registration=row, actor=people.other_chief),
        lambda: withdraw(registration=row, reason="x", actor=people.other_chief),
        lambda: pass_to_office(registration=row, checks=story.confirmed(row), actor=people.other_chief),
        lambda: return_fields(registration=row, fields={"name": ("missing", "")}, actor=people.other_chief),
    ):
        with pytest.raises(Registration.DoesNotExist):
            act()
    with pytest.raises(NotAllowed):
        pass_to_office(registration=row, checks=story.confirmed(row), actor=people.operator)
    with pytest.raises(NotAllowed):
        approve(registration=row, actor=people.chief, duplicates_seen=())


def test_links_expire_and_are_replaced_and_say_nothing_about_whom(people: story.People) -> None:
    row, token = story.invited(people)
    person = story.live(token)
    revision = save_entry(registration=person, entry={"name": "途中"}, revision=0)
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=31), tick=False):
        assert registration_by_token(token) is None
        with pytest.raises(LinkUnusable) as refusal:
            save_entry(registration=person, entry={"name": "遅い"}, revision=revision)
        assert "見本" not in refusal.value.message and row.number not in refusal.value.message
        assert Registration.objects.get(pk=row.pk).is_expired
        fresh = send_invitation_again(registration=row, actor=people.staff)
        assert story.live(fresh).entry == {"name": "途中"}
        assert registration_by_token(token) is None
        with pytest.raises(LinkUnusable):
            save_entry(registration=person, entry={"name": "前の画面"}, revision=revision)


def test_another_tab_is_told_what_stands_there(people: story.People) -> None:
    _, token = story.invited(people)
    person = story.live(token)
    save_entry(registration=person, entry={"name": "一"}, revision=0)
    with pytest.raises(EntryConflict) as conflict:
        save_entry(registration=person, entry={"name": "二"}, revision=0)
    assert (conflict.value.entry, conflict.value.revision) == ({"name": "一"}, 1)
    assert save_entry(registration=person, entry={"name": "一"}, revision=0) == 1
    with pytest.raises(EntryConflict):
        submit(registration=person, agreed=story.agreed(), revision=9)


def test_anything_typed_is_kept_and_unknown_names_are_not(people: story.People) -> None:
    _, token = story.invited(people)
    typed = {
        "name": "\x00名",
        "kana": None,
        "topics": "販路開拓",
        "yucho": "on",
        "is_staff": True,
        "state": "approved",
    }
    save_entry(registration=story.live(token), entry=typed, revision=0)
    assert story.live(token).entry == {"name": "名", "kana": "", "topics": ["販路開拓"], "yucho": True}
    save_entry(registration=story.live(token), entry={"practice_text": "あ" * 9_000}, revision=1)
    assert len(story.live(token).entry["practice_text"]) == 4_000


def test_what_is_missing_is_said_field_by_field(people: story.People) -> None:
    _, token = story.invited(people)
    revision = save_entry(registration=story.live(token), entry={"name": "見本 花子"}, revision=0)
    with pytest.raises(EntryRefused) as refusal:
        submit(registration=story.live(token), agreed={}, revision=revision)
    named = set(refusal.value.by_field)
    assert {"kana", "address", "topics", "requirement", "bank_code", "certificate:本人確認書類"} <= named
    assert {"agreed_expert_terms", "agreed_expert_privacy"} <= named
    assert story.live(token).state == "filling" and not Submission.objects.exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"requirement": "資格", "qualifications": []}, "qualifications"),
        ({"requirement": "実務経験", "practice_from": "2020-04", "practice_text": "工場長"}, "practice_from"),
        ({"requirement": "実務経験", "practice_from": "2001-04", "practice_text": ""}, "practice_text"),
        ({"requirement": "教育研究", "practice_from": "2001-04", "practice_text": "教授"}, "affiliated"),
        ({"account_holder_kana": "見本花子"}, "account_holder_kana"),
        ({"bank_code": "0000"}, "bank_code"),
        ({"account_number": "12345678"}, "account_number"),
        ({"yucho": True, "yucho_kigo": "1", "yucho_bango": "1"}, "yucho_kigo"),
        ({"invoice_number": "T123"}, "invoice_number"),
        ({"base_latitude": "35.0"}, "base_longitude"),
        ({"base_latitude": "0", "base_longitude": "135"}, "base_latitude"),
        ({"base_latitude": "NaN", "base_longitude": "135"}, "base_latitude"),
        ({"topics": ["占い"]}, "topics"),
        ({"affiliated_codes": ["K99999"]}, "affiliated_codes"),
        ({"phone": "1234"}, "phone"),
        ({"kana": "見本"}, "kana"),
    ],
)
def test_an_entry_that_cannot_be_registered_is_refused(
    people: story.People, values: dict[str, Any], field: str
) -> None:
    _, token = story.invited(people)
    row = story.live(token)
    story.with_certificates(row)
    assert field in check_entry(row, story.entry(**values))


def test_short_support_experience_is_the_institution_s_to_judge(people: story.People) -> None:
    _, token = story.invited(people)
    row = story.live(token)
    story.with_certificates(row, "本人確認書類")
    short = story.entry(requirement="支援経験", practice_from="2026-01", practice_text="支援員")
    assert check_entry(row, short) == {}


def test_the_institution_passes_on_what_it_confirmed_whole(people: story.People) -> None:
    row, _ = story.submitted(people)
    codes = story.confirmed(row)
    with pytest.raises(FieldErrors) as refusal:
        pass_to_office(registration=row, checks=codes[:-1], actor=people.staff)
    assert list(refusal.value.by_field) == codes[-1:]
    with pytest.raises(StaleRegistration):
        pass_to_office(registration=row, checks=codes, actor=people.staff, seen="older")
    pass_to_office(registration=row, checks=codes, actor=people.staff, seen=seen_token(row))
    row.refresh_from_db()
    assert [point["code"] for point in row.confirmed_criteria] == codes
    with pytest.raises(DomainError, match="事務局確認中"):
        pass_to_office(registration=row, checks=codes, actor=people.staff)


def test_single_fields_come_back_with_a_reason_and_a_new_link(people: story.People) -> None:
    row, token = story.submitted(people)
    return_fields(
        registration=row,
        fields={
            "qualifications": ("other", "登録証の資格名で書いてください。"),
            "certificate:資格証明書": ("unreadable", ""),
        },
        actor=people.staff,
    )
    assert registration_by_token(token) is None
    mail = mails("registration_returned")[0]
    assert "登録証の資格名" in mail.body and "撮り直して" in mail.body
    fresh = mail.body.split("/r/")[1].split("/")[0]
    person = story.live(fresh)
    assert person.state == "returned" and person.can_enter
    revision = save_entry(
        registration=person, entry=story.entry(qualifications=["技術士"]), revision=person.entry_revision
    )
    submit(registration=story.live(fresh), agreed=story.agreed(), revision=revision)
    row.refresh_from_db()
    assert row.state == "institution" and row.submissions.count() == 2
    assert not row.returns.filter(answered_at=None).exists()


@pytest.mark.parametrize(
    ("change", "state"),
    [({"account_number": "7654321"}, "office"), ({"qualifications": ["技術士"]}, "institution")],
)
def test_what_the_office_sent_back_returns_to_it_unless_the_criteria_are_touched(
    people: story.People, change: dict[str, Any], state: str
) -> None:
    row, _ = story.at_office(people)
    return_fields(registration=row, fields={"account_number": ("differs", "")}, actor=people.operator)
    fresh = mails("registration_returned")[-1].body.split("/r/")[1].split("/")[0]
    person = story.live(fresh)
    revision = save_entry(registration=person, entry=story.entry(**change), revision=person.entry_revision)
    submit(registration=story.live(fresh), agreed=story.agreed(), revision=revision)
    row.refresh_from_db()
    assert row.state == state
    assert (row.checked_at is None) == (state == "institution")


def test_the_institution_neither_sees_nor_returns_the_bank_account(people: story.People) -> None:
    row, _ = story.submitted(people)
    with pytest.raises(DomainError, match="差し戻せない"):
        return_fields(registration=row, fields={"account_number": ("differs", "")}, actor=people.staff)
    assert not Certificate.objects.visible_to(people.staff).filter(kind="通帳").exists()


def test_looking_at_a_certificate_is_recorded_and_only_for_those_who_check(people: story.People) -> None:
    row, _ = story.submitted(people)
    certificate = row.certificates.get(kind="資格証明書")
    with open_certificate(certificate=certificate, user=people.staff) as file:
        assert file.read(2) == b"\xff\xd8"
    assert Access.objects.filter(actor_id=people.staff.pk, what="evidence", row_ids=[certificate.pk]).exists()
    with pytest.raises(Certificate.DoesNotExist):
        open_certificate(certificate=certificate, user=people.other_chief)
    with pytest.raises(NotAllowed):
        open_certificate(certificate=certificate, user=people.administrator)


def test_certificates_are_the_person_s_only_while_typing(people: story.People) -> None:
    row, token = story.submitted(people)
    with pytest.raises(DomainError, match="機関確認中"):
        story.with_certificates(story.live(token), "その他")
    with pytest.raises(DomainError, match="機関確認中"):
        remove_certificate(registration=story.live(token), certificate=row.certificates.all()[0])
    _, second = story.invited(people, candidate_email="other@example.jp")
    with pytest.raises(Certificate.DoesNotExist):
        remove_certificate(registration=story.live(second), certificate=row.certificates.all()[0])


def test_a_withdrawn_registration_is_over(people: story.People) -> None:
    row, token = story.submitted(people)
    person = story.live(token)
    with pytest.raises(DomainError, match="理由"):
        withdraw(registration=row, reason=" ", actor=people.chief)
    withdraw(registration=row, reason="別の機関から登録するため", actor=people.chief)
    assert registration_by_token(token) is None
    for act in (
        lambda: save_entry(registration=person, entry={}, revision=1),
        lambda: submit(registration=person, agreed=story.agreed(), revision=1),
    ):
        with pytest.raises(LinkUnusable):
            act()
    with pytest.raises(DomainError, match="取下げ"):
        pass_to_office(registration=row, checks=[], actor=people.staff)
    with pytest.raises(DomainError, match="取下げ"):
        send_invitation_again(registration=row, actor=people.staff)


def test_an_approval_counts_for_the_duplicates_that_were_shown(people: story.People) -> None:
    first, _ = story.at_office(people)
    second, _ = story.at_office(people, candidate_email="second@example.jp")
    assert duplicates_of(second, people.operator) == []
    made = approve(registration=first, actor=people.operator, duplicates_seen=())
    with pytest.raises(DuplicatesChanged) as refusal:
        approve(registration=second, actor=people.operator, duplicates_seen=())
    assert [found.expert for found in refusal.value.duplicates] == [made]
    with pytest.raises(DuplicatesChanged):
        approve(registration=second, actor=people.operator, duplicates_seen=(made.pk, 0))
    assert Expert.objects.count() == 1
    another = approve(registration=second, actor=people.operator, duplicates_seen=(made.pk,))
    assert another.code == "E000002"


def test_approving_twice_makes_one_expert(people: story.People) -> None:
    row, _ = story.at_office(people)
    approve(registration=row, actor=people.operator, duplicates_seen=())
    with pytest.raises(DomainError, match="登録済"):
        approve(registration=row, actor=people.approver, duplicates_seen=())
    assert Expert.objects.count() == 1


def test_a_stale_page_approves_nothing(people: story.People) -> None:
    row, _ = story.at_office(people)
    seen = seen_token(row)
    return_fields(registration=row, fields={"address": ("incomplete", "")}, actor=people.operator)
    with pytest.raises(StaleRegistration):
        approve(registration=row, actor=people.operator, duplicates_seen=(), seen=seen)


def test_codes_go_on_after_those_that_were_loaded(people: story.People) -> None:
    row, _ = story.at_office(people)
    values = {
        "name": "先 人",
        "prefecture_code": "13",
        "address": "x",
        "email": "x@example.jp",
        "requirement": "資格",
    }
    bank = {"bank_code": "0001", "branch_code": "001", "account_type": "普通", "payee_class": "報酬2号"}
    sealed = {"account_number": "1", "account_holder_kana": "サキ"}
    for code in ("E007000", "EX1"):
        Expert.objects.create(code=code, recommended_by=people.institution, **values, **bank, **sealed)
    assert approve(registration=row, actor=people.operator, duplicates_seen=()).code == "E007001"


def test_the_database_knows_the_steps_too(people: story.People) -> None:
    row, _ = story.invited(people)
    with (
        pytest.raises(DatabaseError, match="進められません"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE registration_registration SET state = 'institution' WHERE id = %s", [row.pk])
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM registration_registration WHERE id = %s", [row.pk])


def test_no_account_number_stands_in_the_history(people: story.People) -> None:
    story.at_office(people)
    tables = Change.objects.filter(table__startswith="registration_")
    assert tables.exists()
    assert not any("1234567" in str(change.new) + str(change.old) for change in tables)


def test_the_office_sees_who_else_recommends_the_same_person(people: story.People) -> None:
    row, _ = story.submitted(people)
    other = Institution.objects.get(code="K00002")
    elsewhere, _ = recommend(
        institution=other,
        actor=people.other_chief,
        **story.interview(candidate_name="見本花子", candidate_email="h@example.jp"),
    )
    recommend(
        institution=other,
        actor=people.other_chief,
        **story.interview(candidate_name="別 人", candidate_email="b@example.jp"),
    )
    assert others_under_way(row) == [elsewhere]
