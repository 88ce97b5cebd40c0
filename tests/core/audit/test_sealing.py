"""The chain over the history: whole when nothing was touched, broken at the entry that was."""

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.models import F

from core.audit.acting import SYSTEM, acting
from core.audit.models import Change, Seal
from core.audit.sealing import seal_audit, witness_file
from core.audit.verifying import verify_audit
from core.errors import DomainError
from core.programme.models import CodeItem

Rename = Callable[[str, int], None]
Login = Callable[[str], psycopg.Connection[Any]]

pytestmark = pytest.mark.usefixtures("fresh_database")


def some_history(rename: Rename) -> None:
    for position in range(60, 66):
        rename("創業", position)
    assert seal_audit()[0] > 0


def test_untouched_history_is_whole_and_sealing_again_adds_nothing(rename: Rename) -> None:
    some_history(rename)
    before = Seal.objects.count()
    assert seal_audit()[0] == 0
    assert Seal.objects.count() == before
    result = verify_audit()
    assert result.problem == ""
    assert result.unsealed == 0
    assert result.head.rows == Change.objects.count()


def test_what_is_younger_than_the_last_seal_is_counted_as_not_yet_provable(rename: Rename) -> None:
    some_history(rename)
    rename("創業", 70)
    assert verify_audit().unsealed == 1


def test_a_transaction_that_commits_late_is_neither_skipped_nor_waited_for(
    rename: Rename, login: Login
) -> None:
    some_history(rename)
    early, late = login("default"), login("default")
    try:
        late.execute("UPDATE programme_codeitem SET position = 71 WHERE name = '創業'")
        early.execute("UPDATE programme_codeitem SET position = 72 WHERE name = 'IT活用'")
        early.commit()
        waiting = Change.objects.latest("id").pk
        seal_audit()  # the first transaction is still open: what came after its start waits for it
        assert verify_audit().unsealed == 1
        late.commit()
    finally:
        early.close()
        late.close()
    assert Change.objects.latest("id").pk > 0
    sealed, _ = seal_audit()
    assert sealed == 2
    result = verify_audit()
    assert (result.problem, result.unsealed) == ("", 0)
    assert waiting


def test_two_open_transactions_write_history_without_waiting_for_each_other_or_the_sealer(
    login: Login,
) -> None:
    first, second = login("default"), login("default")
    try:
        for open_transaction, name in ((first, "創業"), (second, "IT活用")):
            open_transaction.execute("SET lock_timeout = '2s'")
            open_transaction.execute("UPDATE programme_codeitem SET position = 73 WHERE name = %s", [name])
        seal_audit()
        second.commit()
        seal_audit()
        first.commit()
    finally:
        first.close()
        second.close()
    seal_audit()
    assert (verify_audit().problem, verify_audit().unsealed) == ("", 0)


@pytest.mark.parametrize(
    "statement, words",
    [
        (
            "UPDATE audit_change SET actor_name = '別の人' WHERE id = {id}",
            "{id} の内容が書き換えられています",
        ),
        ("UPDATE audit_change SET new = new || '{{\"position\": 1}}' WHERE id = {id}", "{id} の内容"),
        ("UPDATE audit_change SET at = at + interval '1 microsecond' WHERE id = {id}", "{id} の内容"),
        ("UPDATE audit_change SET reason = NULL, action = 'x' WHERE false", ""),
        ("DELETE FROM audit_change WHERE id = {id}", "{id} が削除されています"),
        ("UPDATE audit_change SET transaction = transaction - 1 WHERE id = {id}", ""),
        ("UPDATE audit_change SET id = id + 1000000 WHERE id = {id}", "{id} が削除されています"),
        (
            'INSERT INTO audit_change (id, at, transaction, "table", row_id, operation, actor_name, action, reason,'
            " request_id, address, database_role) SELECT id + 1000000, at, transaction, \"table\", row_id, 'I', '', '',"
            " '', '', '', '' FROM audit_change WHERE id = {id}",
            "が後から挿入されています",
        ),
        (
            "UPDATE audit_change a SET old = b.old, new = b.new FROM audit_change b"
            " WHERE (a.id, b.id) IN (({id}, {id} + 1), ({id} + 1, {id}))",
            "{id} の内容が書き換えられています",
        ),
    ],
)
def test_a_row_touched_by_the_owner_is_found(
    tampering: Any, statement: str, words: str, rename: Rename
) -> None:
    some_history(rename)
    row = Change.objects.filter(table="programme_codeitem", action="rename").order_by("id")[2].pk
    tampering(statement.format(id=row))
    problem = verify_audit().problem
    if "WHERE false" in statement:
        assert problem == ""
    else:
        assert problem
        assert words.format(id=row) in problem
        assert "\n" not in problem
        with pytest.raises(DomainError, match=problem.partition("（")[0]):
            call_command("verify_audit")


@pytest.mark.parametrize(
    "statement, words",
    [
        (
            "UPDATE audit_seal SET sealed_at = sealed_at - interval '1 day' WHERE number = 2",
            "封印 2 が書き換え",
        ),
        ("UPDATE audit_seal SET count = count - 1 WHERE number = 2", "封印 2 が書き換え"),
        ("UPDATE audit_seal SET entries = '' WHERE number = 2", "封印 2 の行の要約"),
        ("UPDATE audit_seal SET hash = repeat('a', 64) WHERE number = 2", "封印 2 が書き換え"),
        ("DELETE FROM audit_seal WHERE number = 2", "封印 2 がありません"),
        ("DELETE FROM audit_seal WHERE number = 3", "封印 3 が連鎖にありません"),
        ("DELETE FROM audit_seal", "封印 3 が連鎖にありません"),
    ],
)
def test_a_block_touched_by_the_owner_is_found(
    tampering: Any, statement: str, words: str, rename: Rename
) -> None:
    for position in (80, 81, 82):
        rename("創業", position)
        seal_audit()
    assert Seal.objects.count() == 3
    tampering(statement)
    assert words in verify_audit().problem


def test_a_tail_cut_together_with_its_seals_is_found_by_a_head_kept_elsewhere(
    tampering: Any, rename: Rename
) -> None:
    some_history(rename)
    old = verify_audit().head.hash
    rename("創業", 90)
    _, head = seal_audit()
    assert verify_audit(old).problem == ""
    tampering(
        "DELETE FROM audit_change WHERE id = (SELECT max(id) FROM audit_change);"
        "DELETE FROM audit_seal WHERE number = (SELECT max(number) FROM audit_seal)"
    )
    assert f"封印 {head.number}" in verify_audit().problem  # the sealer's own file knows
    with connection.cursor() as cursor:
        from core.audit.sealing import database_name

        witness_file(database_name(cursor)).unlink()
    assert verify_audit().problem == ""  # without any head from outside it can't be known
    assert head.hash in verify_audit(head.hash).problem


def test_a_rewritten_chain_is_found_by_the_head_kept_elsewhere(tampering: Any, rename: Rename) -> None:
    some_history(rename)
    _, head = seal_audit()
    tampering("UPDATE audit_change SET actor_name = '別の人' WHERE id = (SELECT max(id) FROM audit_change)")
    tampering("DELETE FROM audit_seal")
    assert json.loads(next(witness_file("x").parent.iterdir()).read_text())["hash"] == head.hash
    assert "連鎖にありません" in verify_audit().problem


def test_a_row_slipped_below_the_horizon_before_the_next_sealing_is_found(
    tampering: Any, rename: Rename
) -> None:
    some_history(rename)
    tampering(
        'INSERT INTO audit_change (at, transaction, "table", row_id, operation, actor_name, action, reason,'
        " request_id, address, database_role) SELECT at, transaction, \"table\", row_id, 'U', '', '', '', '',"
        " '', '' FROM audit_change ORDER BY id DESC LIMIT 1"
    )
    seal_audit()
    assert "が後から挿入されています" in verify_audit().problem


def test_large_transactions_are_sealed_in_blocks_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.audit import sealing

    seal_audit()
    monkeypatch.setattr(sealing, "BLOCK_ROWS", 7)
    before = Seal.objects.count()
    with acting(SYSTEM, "all"):
        changed = CodeItem.objects.update(position=F("position") + 1000)
    assert changed > 7
    seal_audit()
    assert Seal.objects.count() == before + -(-changed // 7)
    assert verify_audit().problem == ""


def test_the_application_itself_cannot_seal() -> None:
    with connections["default"].cursor() as cursor, pytest.raises(Exception, match="permission denied"):
        cursor.execute("INSERT INTO audit_seal SELECT * FROM audit_seal WHERE false")


def test_the_sealer_reads_history_and_nothing_else() -> None:
    for statement in (
        "SELECT * FROM accounts_user",
        "UPDATE audit_change SET reason = ''",
        "DELETE FROM audit_change",
        "UPDATE audit_seal SET count = 0",
        "DELETE FROM audit_seal",
        "INSERT INTO audit_change (at) VALUES (now())",
    ):
        with pytest.raises(Exception, match="permission denied"), connections["sealer"].cursor() as cursor:
            cursor.execute(statement)
