"""Every change leaves a row of history, whoever makes it and however; the application can't touch it."""

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from accounts.models import Role, User
from accounts.services import create_user
from core.audit.acting import SYSTEM, acting
from core.audit.models import Change
from core.programme.models import CodeItem

pytestmark = pytest.mark.django_db


def person() -> User:
    return create_user(username="tanaka", role=Role.OFFICE_OPERATOR, actor=SYSTEM, display_name="田中 一郎")


def changes(row: CodeItem) -> list[Change]:
    return list(Change.objects.filter(table="programme_codeitem", row_id=row.pk).order_by("id"))


def test_the_person_the_act_and_the_reason_are_in_the_row() -> None:
    user = person()
    with acting(user, "rename_topic", "名称の統一"):
        item = CodeItem.objects.get(name="IT活用")
        item.name = "IT活用の課題"
        item.save()
    change = changes(item)[-1]
    assert (change.actor_id, change.actor_name, change.action, change.reason) == (
        user.pk,
        "田中 一郎",
        "rename_topic",
        "名称の統一",
    )
    assert (change.old["name"], change.new["name"]) == ("IT活用", "IT活用の課題")


def test_a_bulk_update_and_raw_sql_leave_history_row_by_row() -> None:
    before = Change.objects.count()
    changed = CodeItem.objects.update(position=99)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE programme_codeitem SET position = 98 WHERE name = '創業'")
    assert Change.objects.count() == before + changed + 1


def test_an_update_that_changes_nothing_leaves_none() -> None:
    item = CodeItem.objects.get(name="創業")
    before = len(changes(item))
    CodeItem.objects.filter(pk=item.pk).update(name="創業")
    assert len(changes(item)) == before


def test_the_names_of_an_inner_act_end_with_it() -> None:
    user = person()
    item = CodeItem.objects.get(name="創業")
    with acting(user, "outer"):
        with acting(SYSTEM, "inner"):
            CodeItem.objects.filter(pk=item.pk).update(position=50)
        CodeItem.objects.filter(pk=item.pk).update(position=51)
    CodeItem.objects.filter(pk=item.pk).update(position=52)
    assert [change.action for change in changes(item)][-3:-1] == ["inner", "outer"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_change SET actor_name = '別の人'",
        "DELETE FROM audit_change",
        "TRUNCATE audit_change",
        'INSERT INTO audit_change (at, transaction, "table", row_id, operation, actor_name, action, reason,'
        " request_id, database_role) VALUES (now(), 1, 'x', 1, 'I', '', '', '', '', '')",
        "SELECT setval('audit_change_id_seq', 1)",
        "ALTER TABLE programme_codeitem DISABLE TRIGGER audit_update",
        "SELECT audit_record()",
    ],
)
def test_the_application_cannot_write_change_or_silence_history(statement: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_rolled_back_work_leaves_no_history() -> None:
    item = CodeItem.objects.get(name="創業")
    before = len(changes(item))
    with pytest.raises(ZeroDivisionError), acting(SYSTEM, "fails"):
        CodeItem.objects.filter(pk=item.pk).update(position=77)
        raise ZeroDivisionError
    assert len(changes(item)) == before
