"""The matrix of rights is whole, means what it says, and is what people read in docs/permissions.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from rights_story import Story

from accounts import rights
from accounts.models import Role, User
from accounts.permission_document import document
from accounts.rights import BASIC, GENERAL, Reach, may, named_acts, reach
from core.errors import NotAllowed

BASE = Path(__file__).resolve().parent.parent.parent
OURS = ("core.", "accounts", "institutions", "experts", "dispatch", "payments", "surveys", "office")
ROLES = [pytest.param(role, id=role.value) for role in Role]


def our_models() -> list[type]:
    return [model for model in apps.get_models() if model._meta.app_config.name.startswith(OURS)]


def somebody(role: str, **values: object) -> User:
    return User(username=f"somebody-{role}", role=role, **values)


def test_every_table_of_ours_says_who_reads_it() -> None:
    decided = {right.table for right in rights.rights().values() if right.act == "read"}
    assert {model._meta.label_lower for model in our_models()} - decided == set()


def test_the_matrix_names_only_roles_tables_and_groups_that_exist() -> None:
    for right in rights.rights().values():
        assert set(right.roles) == set(Role.values)
        assert apps.get_model(right.table)
        groups = {BASIC, *(group.name for group in rights.field_groups().get(right.table, ()))}
        assert right.fields in groups, right
        assert right.act in GENERAL or (right.title and right.refusal), right


def test_each_group_of_fields_exists_once_and_has_a_reader_decided() -> None:
    for table, groups in rights.field_groups().items():
        names = [name for group in groups for name in group.fields]
        assert len(names) == len(set(names))
        for name in names:
            apps.get_model(table)._meta.get_field(name)
        for group in groups:
            assert (table, group.name, "read") in rights.rights()


def test_no_bank_data_stands_among_the_basic_fields() -> None:
    of_banks = ("account_number", "account_holder", "account_type", "bank_code", "branch_code", "payer_copy")
    for model in our_models():
        grouped = {
            name for group in rights.field_groups().get(model._meta.label_lower, ()) for name in group.fields
        }
        found = {field.name for field in model._meta.concrete_fields if field.name.startswith(of_banks)}
        assert found - grouped == set(), model


def test_the_document_is_what_the_matrix_says() -> None:
    assert (BASE / "docs" / "permissions.md").read_text(encoding="utf-8") == document()


def asked_acts() -> Iterator[str]:
    """Every act that code, screens and templates ask for by name."""
    calls = {"may", "require", "office_view", "reach", "_may"}
    for folder in (
        "core",
        "accounts",
        "institutions",
        "experts",
        "dispatch",
        "payments",
        "office",
        "surveys",
    ):
        for path in (BASE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                    if name in calls:
                        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                        yield from [text for text in texts if isinstance(text, str) and text.isidentifier()][
                            :1
                        ]


def test_every_act_that_code_asks_for_is_in_the_matrix() -> None:
    assert set(asked_acts()) - set(GENERAL) - set(named_acts()) == set()


@pytest.mark.parametrize("role", ROLES)
def test_every_cell_of_the_matrix_is_what_may_answers(role: Role) -> None:
    user = somebody(role)
    for (table, fields, act), right in rights.rights().items():
        allowed, reason = may(user, act, table, fields)
        assert allowed == (right.of(role) is not Reach.NONE), (table, fields, act)
        assert allowed or len(reason) > 10
        if right.of(role) is Reach.NONE:
            with pytest.raises(NotAllowed):
                rights.require(user, act, table, fields)


@pytest.mark.parametrize("role", ROLES)
def test_a_stopped_account_may_nothing_and_is_told_so(role: Role) -> None:
    user = somebody(role, is_active=False)
    for table, fields, act in rights.rights():
        allowed, reason = may(user, act, table, fields)
        assert not allowed
        assert "停止" in reason


@pytest.mark.parametrize("role", ROLES)
def test_the_superusers_flag_gives_nothing(role: Role) -> None:
    plain, flagged = somebody(role), somebody(role, is_superuser=True, is_staff=True)
    for table, fields, act in rights.rights():
        assert may(plain, act, table, fields) == may(flagged, act, table, fields)
    assert not flagged.has_perm("experts.view_expert")
    assert not flagged.has_module_perms("experts")


def test_an_administrator_sees_no_business_data() -> None:
    admin = somebody(Role.OFFICE_ADMIN)
    for model in our_models():
        if model._meta.app_label in ("dispatch", "payments", "exchange"):
            assert reach(admin, "read", model) is Reach.NONE, model
    assert {"address", "phone", "email", "account_number", "bank_code", "payee_class"} <= (
        admin.hidden_fields("experts.expert")
    )


def test_the_agency_reads_no_table_of_persons() -> None:
    viewer = somebody(Role.AGENCY_VIEWER)
    read = {right.table for right in rights.rights().values() if reach(viewer, "read", right.table)}
    assert read == {"jobs.job", "notify.task"}


def test_account_numbers_are_masked_for_everybody_but_their_owner() -> None:
    for table in ("experts.expert", "payments.payout", "payments.payer"):
        for role in Role:
            sight = reach(somebody(role), "read", table, "bank_account")
            assert sight in (Reach.NONE, Reach.MASKED) or (role == Role.EXPERT and sight is Reach.OWN)


@pytest.mark.parametrize("role", ROLES)
def test_visible_to_gives_each_role_what_the_matrix_says(story: Story, role: Role) -> None:
    user = story.people[role]
    walked = 0
    for model in our_models():
        rows = model._default_manager.all()
        if not hasattr(rows, "visible_to") or not rows.exists():
            continue
        walked += 1
        seen, sight = rows.visible_to(user), reach(user, "read", model)
        if sight is Reach.ALL:
            assert seen.count() == rows.count(), model
        elif sight is Reach.NONE:
            assert not seen.exists(), model
        else:
            assert seen.count() < rows.count(), model
    assert walked >= 15


OWN = {
    Role.INSTITUTION_CHIEF: {"dispatch.dispatch": {"D1", "D3"}, "institutions.institution": {"K1 試験商工会"}},
    Role.INSTITUTION_STAFF: {"dispatch.dispatch": {"D1", "D3"}, "dispatch.declaration": {"D1 終了報告失念"}},
    Role.EXPERT: {
        "dispatch.dispatch": {"D1", "D3"},
        "experts.expert": {"E1 吉田 太郎"},
        "dispatch.travelline": {"D1 1"},
        "payments.payout": {"E1 吉田 太郎"},
    },
}  # fmt: skip


@pytest.mark.parametrize("role", OWN)
def test_own_records_are_exactly_ones_own(story: Story, role: Role) -> None:
    for table, expected in OWN[role].items():
        rows = apps.get_model(table)._default_manager.visible_to(story.people[role])
        assert {str(row) for row in rows} == expected
        assert rows.count() == len(expected), "each row once"


def test_an_expert_sees_no_money_before_it_is_approved(story: Story) -> None:
    seen = apps.get_model("payments.payout")._default_manager.visible_to(story.people[Role.EXPERT])
    assert {payout.run.name for payout in seen} == {"2021-07"}


def test_a_stopped_account_sees_no_record(story: Story) -> None:
    for model in our_models():
        rows = model._default_manager.all()
        if hasattr(rows, "visible_to"):
            assert not rows.visible_to(story.stopped).exists(), model
