"""Loading the bank master from the package zengin-code, whose version carries its date (exchange.md §3)."""

import datetime as dt
import importlib.metadata
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from core.audit.acting import Actor, acting
from core.errors import DomainError

from .models import Bank, Branch, Master

PACKAGE = "zengin-code"
_ONE_AT_A_TIME = 0x62616E6B

_SET_BANKS = """
INSERT INTO banks_bank AS b (code, name, kana)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
    ON CONFLICT (code) DO UPDATE SET name = excluded.name, kana = excluded.kana
 WHERE (b.name, b.kana) IS DISTINCT FROM (excluded.name, excluded.kana)
"""
_SET_BRANCHES = """
INSERT INTO banks_branch AS b (bank_id, code, name, kana)
SELECT k.id, n.code, n.name, n.kana
  FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS n (bank, code, name, kana)
  JOIN banks_bank k ON k.code = n.bank
    ON CONFLICT (bank_id, code) DO UPDATE SET name = excluded.name, kana = excluded.kana
 WHERE (b.name, b.kana) IS DISTINCT FROM (excluded.name, excluded.kana)
"""
_DROP_BRANCHES = """
DELETE FROM banks_branch b USING banks_bank k
 WHERE k.id = b.bank_id AND (k.code, b.code) NOT IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""
_DROP_BANKS = "DELETE FROM banks_bank WHERE code <> ALL (%s::text[])"


@dataclass(frozen=True)
class LoadedMaster:
    """Which edition is in the tables now, and whether it was loaded just now."""

    edition: str
    as_of: dt.date
    banks: int
    branches: int
    loaded: bool


def _package_data() -> Path:
    # Importing the package would build every bank as an object.
    spec = importlib.util.find_spec("zengin_code")
    if spec is None or not spec.origin:
        raise DomainError(f"金融機関マスタのパッケージ {PACKAGE} が入っていません。")
    return Path(spec.origin).parent / "source-data" / "data"


def load_bank_master(*, actor: Actor, force: bool = False) -> LoadedMaster:
    """Loads the edition of the installed package; one that is loaded already is left alone unless `force`.

    DomainError when the tables hold a newer edition, or the package can't be read.
    """
    data = _package_data()
    try:
        edition = importlib.metadata.version(PACKAGE)
        as_of = dt.datetime.strptime((data / "updated_at").read_text().strip(), "%Y%m%d").date()  # noqa: DTZ007
    except (OSError, ValueError, importlib.metadata.PackageNotFoundError) as error:
        raise DomainError(
            f"金融機関マスタのパッケージ {PACKAGE} を読めません。入れ直してください。"
        ) from error
    with acting(actor, "load_bank_master"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        newest = Master.objects.order_by("-as_of", "-pk").first()
        if newest is not None and newest.as_of > as_of:
            raise DomainError(f"より新しい金融機関マスタ（{newest.edition}）が読み込まれています。")
        known = newest is not None and newest.edition == edition
        if not known or force:
            _replace(data)
            Master.objects.get_or_create(edition=edition, defaults={"as_of": as_of})
        return LoadedMaster(edition, as_of, Bank.objects.count(), Branch.objects.count(), not known or force)


def _replace(data: Path) -> None:
    """Makes the tables say what the package says; rows that stay the same are not touched."""
    banks: dict[str, dict[str, Any]] = json.loads((data / "banks.json").read_text(encoding="utf-8"))
    branches: list[tuple[str, str, str, str]] = []
    for code in banks:
        path = data / "branches" / f"{code}.json"
        if path.exists():
            of_bank: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
            branches += [(code, key, branch["name"], branch["kana"]) for key, branch in of_bank.items()]
    codes = list(banks)
    names, kanas = [bank["name"] for bank in banks.values()], [bank["kana"] for bank in banks.values()]
    columns = [list(column) for column in zip(*branches, strict=True)] or [[], [], [], []]
    with connection.cursor() as cursor:
        cursor.execute(_SET_BANKS, [codes, names, kanas])
        cursor.execute(_SET_BRANCHES, columns)
        cursor.execute(_DROP_BRANCHES, columns[:2])
        cursor.execute(_DROP_BANKS, [codes])
