"""The bank master: its edition, and loading it again."""

import datetime as dt

import pytest

from core.audit.acting import SYSTEM
from core.banks.models import Bank, Branch, Master
from core.banks.services import load_bank_master
from core.errors import DomainError

pytestmark = pytest.mark.django_db

EDITION = "1.1.0.20260824"


def test_the_edition_of_the_package_is_loaded_with_its_date() -> None:
    Master.objects.filter(edition=EDITION).update(edition="old", as_of=dt.date(2020, 1, 1))
    Bank.objects.create(code="ZZZZ", name="廃止銀行", kana="ハイシ")
    Branch.objects.create(bank=Bank.objects.get(code="0001"), code="ZZZ", name="廃止支店", kana="ハイシ")
    Bank.objects.filter(code="0001").update(name="古い名前")
    kept = Bank.objects.get(code="0005").pk
    master = load_bank_master(actor=SYSTEM)
    assert (master.edition, master.as_of, master.loaded) == (EDITION, dt.date(2026, 8, 24), True)
    assert master.banks > 1_000
    assert master.branches > 20_000
    assert Bank.objects.get(code="0001").name == "みずほ"
    assert Bank.objects.get(code="0005").pk == kept
    assert not Bank.objects.filter(code="ZZZZ").exists()
    assert not Branch.objects.filter(code="ZZZ").exists()
    assert Branch.objects.get(bank__code="0001", code="001").kana == "トウキヨウ"


def test_the_same_edition_is_not_loaded_twice_unless_forced() -> None:
    load_bank_master(actor=SYSTEM)
    Bank.objects.filter(code="0001").update(name="古い名前")
    assert not load_bank_master(actor=SYSTEM).loaded
    assert Bank.objects.get(code="0001").name == "古い名前"
    assert load_bank_master(actor=SYSTEM, force=True).loaded
    assert Bank.objects.get(code="0001").name == "みずほ"


def test_an_older_edition_does_not_take_the_place_of_a_newer_one() -> None:
    Master.objects.create(edition="2.0", as_of=dt.date(2030, 1, 1))
    with pytest.raises(DomainError, match="より新しい"):
        load_bank_master(actor=SYSTEM)
