"""Clients and cases: duplicates are found on entry, the log is added to, consent is whole."""

import datetime as dt
from dataclasses import replace

import pytest
from stage import Stage, at

from core.errors import DomainError, NotAllowed
from dispatch.models import Case, Company
from dispatch.services import (
    CaseData,
    ClientData,
    DuplicateClient,
    FieldErrors,
    StaleEdit,
    add_note,
    cancel_dispatch,
    change_case,
    change_client,
    close_case,
    duplicate_hints,
    edit_token,
    record_consent,
    register_client,
    reopen_case,
)
from institutions.models import Institution

NEW = ClientData(
    name="株式会社新規", prefecture_code="27", address="大阪市試験1", industry="Ｅ", employees=4, kind="小規模事業者",
    phone="06-1111-2222",
)  # fmt: skip


def test_a_new_client_gets_a_code_and_is_seen_by_its_institution_alone(stage: Stage) -> None:
    client = register_client(values=NEW, actor=stage.chief)
    assert client.code.startswith("C2021-")
    assert client.industry == "E"
    assert client.registered_by == Institution.objects.get(code="K1")
    assert Company.objects.visible_to(stage.chief).filter(pk=client.pk).exists()
    assert not Company.objects.visible_to(stage.other_chief).filter(pk=client.pk).exists()
    with pytest.raises(Company.DoesNotExist):
        change_client(company=client, values=NEW, actor=stage.other_chief)
    with pytest.raises(NotAllowed):
        register_client(values=NEW, actor=stage.experts["E1"])


@pytest.mark.parametrize(
    ("values", "reasons"),
    [
        ({"name": "㈱試験製作所", "prefecture_code": "13"}, ("名称と都道府県が同じ",)),
        ({"name": "試験 製作所", "prefecture_code": "13"}, ("名称と都道府県が同じ",)),
        ({"corporate_number": "１２３４５６７８９０１２３"}, ("法人番号が同じ",)),
        ({"phone": "０３（１２３４）５６７８"}, ("電話番号が同じ",)),
    ],
)
def test_duplicates_are_found_however_they_are_written(
    stage: Stage, values: dict[str, str], reasons: tuple[str, ...]
) -> None:
    with pytest.raises(DuplicateClient) as refused:
        register_client(values=replace(NEW, **values), actor=stage.chief)
    (hint,) = refused.value.hints
    assert (hint.company.code, hint.reasons) == ("C1", reasons)
    assert register_client(values=replace(NEW, **values), actor=stage.chief, despite_duplicates=True)


def test_the_same_name_in_another_prefecture_is_no_duplicate(stage: Stage) -> None:
    assert duplicate_hints(name="株式会社試験製作所", prefecture_code="27") == []


def test_fields_that_no_file_would_take_are_refused_by_name(stage: Stage) -> None:
    with pytest.raises(FieldErrors) as refused:
        register_client(
            values=replace(NEW, corporate_number="12", industry="Z", prefecture_code="99", name=" "),
            actor=stage.chief,
        )
    assert set(refused.value.by_field) == {"法人番号", "業種コード", "都道府県コード", "企業名"}


def test_a_stale_change_of_a_client_is_refused(stage: Stage) -> None:
    client = register_client(values=NEW, actor=stage.chief)
    token = edit_token(client)
    stage.travel(at("07-01 10:00"))
    change_client(company=client, values=replace(NEW, employees=5), actor=stage.chief, edit_token=token)
    with pytest.raises(StaleEdit) as refused:
        change_client(company=client, values=NEW, actor=stage.operator, edit_token=token)
    assert [(each.field, each.before, each.after) for each in refused.value.changes] == [
        ("従業員数", "4", "5")
    ]


def test_a_case_keeps_its_log_its_consent_and_its_end(stage: Stage) -> None:
    case = stage.case()
    add_note(
        case=case,
        held_on=dt.date(2021, 6, 30),
        channel="電話",
        text="販路の相談",
        actor=stage.chief,
        attendees="社長",
    )
    with pytest.raises(FieldErrors):
        add_note(case=case, held_on=dt.date(2021, 7, 2), channel="手紙", text="", actor=stage.chief)
    with pytest.raises(FieldErrors, match="先の日時"):
        record_consent(
            case=case, given_by="社長", text_version="2021-1", actor=stage.chief, at=at("07-01 10:00")
        )
    change_case(case=case, values=CaseData("販路開拓", "課題", "理由"), actor=stage.chief)
    dispatch = stage.applied(stage.application(case))
    with pytest.raises(DomainError, match=dispatch.number):
        close_case(case=case, reason="解決", actor=stage.chief)
    cancel_dispatch(dispatch=dispatch, reason="中止", actor=stage.chief)
    close_case(case=case, reason="解決", actor=stage.chief)
    with pytest.raises(DomainError, match="再開"):
        add_note(case=case, held_on=dt.date(2021, 7, 1), channel="電話", text="追記", actor=stage.chief)
    assert reopen_case(case=case, reason="再発", actor=stage.chief).state == Case.State.OPEN


def test_cases_are_an_institutions_own(stage: Stage) -> None:
    case = stage.case()
    assert not Case.objects.visible_to(stage.other_chief).exists()
    assert Case.objects.visible_to(stage.operator).count() == 1
    with pytest.raises(Case.DoesNotExist):
        close_case(case=case, reason="解決", actor=stage.other_chief)
    with pytest.raises(NotAllowed):
        close_case(case=case, reason="解決", actor=stage.operator)
