"""Every stored cipher moves to the newest key; afterwards nothing needs the old one (security.md R-025)."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.models import Role, User
from core import secrets
from core.audit.acting import SYSTEM
from core.database import rotation
from core.database.rotation import cipher_columns, renewed, rotate_keys
from core.exchange.services import load_folder
from core.files.vault import Vault
from experts.models import Expert
from payments.models import Payout, PayoutRun
from payments.services import approve_run, compute_run, draft_run
from payments.services.export import downloads, export_run

pytestmark = pytest.mark.django_db

DATA = Path(__file__).resolve().parent.parent.parent / "data" / "acceptance"


@pytest.fixture
def keys(settings: Any) -> tuple[str, str]:
    """An old key that everything is written under, and a new one."""
    old, new = secrets.new_key(), secrets.new_key()
    settings.FIELD_KEYS = [old]
    return old, new


@pytest.fixture
def written(keys: tuple[str, str], settings: Any, tmp_path: Path) -> PayoutRun:
    """Experts, a second factor, an approved and exported run, an upload: all under the old key."""
    settings.UPLOAD_DIR, settings.EVIDENCE_DIR = tmp_path / "uploads", tmp_path / "evidence"
    assert load_folder(DATA / "2021-07", actor=SYSTEM).ok
    maker = User.objects.create(username="tanto", role=Role.OFFICE_OPERATOR)
    checker = User.objects.create(username="shonin", role=Role.OFFICE_APPROVER)
    Authenticator.objects.create(
        user=maker, type=Authenticator.Type.TOTP, data={"secret": secrets.encrypt("SECRET"), "n": 1}
    )
    Vault(tmp_path / "uploads" / "office").save("a", [b"upload"])
    run = draft_run(month=dt.date(2021, 7, 1), pay_date=dt.date(2021, 8, 25), actor=maker, past_allowed=True)
    run = approve_run(run=compute_run(run=run, actor=maker), actor=checker)
    return export_run(run=run, actor=maker)


def readable(run: PayoutRun, tmp_path: Path) -> dict[str, Any]:
    """Everything that was written, opened."""
    run.refresh_from_db()
    assert run.payer_copy is not None
    with downloads(run).open("zengin.txt") as file:
        bank_file = file.read()
    with Vault(tmp_path / "uploads" / "office").open("a") as upload:
        kept = upload.read()
    return {
        "experts": list(Expert.objects.order_by("code").values_list("account_number", "account_holder_kana")),
        "payouts": list(Payout.objects.order_by("pk").values_list("account_number", "account_holder_kana")),
        "payer": secrets.unseal(run.payer_copy["account_number"]),
        "second factor": secrets.decrypt(Authenticator.objects.get().data["secret"]),
        "bank file": bank_file,
        "upload": kept,
    }


def test_R_025_after_the_old_key_is_gone_everything_is_readable(
    written: PayoutRun, keys: tuple[str, str], settings: Any, tmp_path: Path, capsys: Any
) -> None:
    before = readable(written, tmp_path)
    old, new = keys
    settings.FIELD_KEYS = [new, old]
    call_command("rotate_keys")
    assert "変更 0 件" not in capsys.readouterr().out
    settings.FIELD_KEYS = [new]
    assert readable(written, tmp_path) == before
    call_command("rotate_keys")
    assert "変更 0 件" in capsys.readouterr().out
    settings.FIELD_KEYS = [old]
    with pytest.raises(secrets.Unreadable):
        Expert.objects.first()


def test_a_key_taken_away_too_early_is_told_in_one_line(
    written: PayoutRun, keys: tuple[str, str], settings: Any
) -> None:
    settings.FIELD_KEYS = [keys[1]]
    with pytest.raises(CommandError, match="末尾に戻してください"):
        call_command("rotate_keys")


def test_cut_off_in_the_middle_it_goes_on_where_it_was(
    written: PayoutRun, keys: tuple[str, str], settings: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    before = readable(written, tmp_path)
    settings.FIELD_KEYS = [keys[1], keys[0]]
    monkeypatch.setattr(rotation, "BATCH", 7)

    def killed(place: str, changed: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate_keys(killed)
    assert readable(written, tmp_path) == before
    done = []
    rotate_keys(lambda place, changed: done.append(changed))
    assert 0 in done
    assert sum(done) > 0
    settings.FIELD_KEYS = [keys[1]]
    assert readable(written, tmp_path) == before


def test_in_frozen_rows_the_cipher_may_change_but_never_what_it_says(written: PayoutRun) -> None:
    first, second = Payout.objects.order_by("pk")[:2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_number FROM payments_payout WHERE id = %s", [first.pk])
        sealed = cursor.fetchone()[0]
        update = "UPDATE payments_payout SET account_number = %s WHERE id = %s"
        cursor.execute(update, [secrets.seal(first.account_number), first.pk])
        for forged in (sealed, secrets.seal("0000001")):
            with pytest.raises(DatabaseError, match="承認済み"), transaction.atomic():
                cursor.execute(update, [forged, second.pk])
        with pytest.raises(DatabaseError, match="承認済み"), transaction.atomic():
            cursor.execute("UPDATE payments_payout SET net = net, name = 'x' WHERE id = %s", [first.pk])
        with pytest.raises(DatabaseError, match="承認済み"), transaction.atomic():
            cursor.execute('UPDATE payments_payoutrun SET payer_copy = payer_copy || \'{"name": "x"}\'')


def test_a_cipher_put_under_another_fingerprint_is_noticed(written: PayoutRun) -> None:
    cipher = secrets.seal("0000001").partition(".")[0]
    with pytest.raises(secrets.Unreadable):
        secrets.unseal(f"{cipher}.{secrets.fingerprint('1234567')}")


def test_the_application_may_renew_every_cipher_there_is() -> None:
    with connection.cursor() as cursor:
        kept = []
        for column in cipher_columns():
            cursor.execute(
                "SELECT has_column_privilege(current_user, %s, %s, 'UPDATE')", [column.table, column.name]
            )
            if cursor.fetchone() != (True,):
                kept.append(f"{column.table}.{column.name}")
    assert kept == []


def test_no_column_with_ciphers_is_forgotten(written: PayoutRun) -> None:
    known = {(column.table, column.name) for column in cipher_columns()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name, c.column_name FROM information_schema.columns c"
            " JOIN information_schema.tables t USING (table_schema, table_name)"
            " WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.data_type IN ('text', 'jsonb',"
            " 'character varying') AND c.table_name NOT LIKE 'audit_%%' AND c.table_name NOT LIKE 'staging_%%'"
        )
        for table, column in cursor.fetchall():
            cursor.execute(f'SELECT EXISTS (SELECT 1 FROM "{table}" WHERE "{column}"::text LIKE \'%gAAAA%\')')
            assert not cursor.fetchone()[0] or (table, column) in known, (table, column)


def test_what_is_no_cipher_stays_as_it_is() -> None:
    value = {"a": 1, "b": ["gA", None, True], "c": "text."}
    assert renewed(value) == value
