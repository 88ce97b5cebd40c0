"""The acceptance months come out of the command itself as they are expected to."""

import hashlib
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from closing import ACCEPTANCE, assert_as_expected, checker, contents, load, maker, rows
from django.core.management import call_command
from pypdf import PdfReader

from payments.models import PayoutRun, RunFile

pytestmark = pytest.mark.django_db


def close(month: str, pay_date: str, output: Path, **options: Any) -> None:
    call_command(
        "close_month",
        month,
        maker=maker().username,
        checker=checker().username,
        pay_date=pay_date,
        output=str(output),
        **options,
    )


def test_july_comes_out_exactly(tmp_path: Path) -> None:
    load("2021-07")
    close("2021-07", "2021-08-25", tmp_path / "out")
    assert_as_expected(tmp_path / "out", ACCEPTANCE / "expected" / "2021-07")


def test_the_edges_come_out_exactly_over_three_runs(tmp_path: Path) -> None:
    expected = ACCEPTANCE / "edges" / "expected"
    load("edges/stage1")
    close("2021-07", "2021-08-25", tmp_path / "first")
    assert_as_expected(tmp_path / "first", expected / "2021-07")
    load("edges/stage2")
    close("2021-07", "2021-08-31", tmp_path / "second")
    assert_as_expected(tmp_path / "second", expected / "2021-07-2")
    close("2021-08", "2021-09-27", tmp_path / "third")
    assert_as_expected(tmp_path / "third", expected / "2021-08")
    assert list(PayoutRun.objects.order_by("month", "ordinal").values_list("name", flat=True)) == [
        "2021-07",
        "2021-07-2",
        "2021-08",
    ]


def test_the_summary_names_every_other_file_with_its_hash(tmp_path: Path) -> None:
    load("2021-07")
    close("2021-07", "2021-08-25", tmp_path / "out")
    files = contents(tmp_path / "out")
    summary = json.loads(files.pop("summary.json"))
    assert summary["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert (summary["run"], summary["month"], summary["pay_date"]) == ("2021-07", "2021-07", "2021-08-25")
    payouts = rows(tmp_path / "out" / "payouts.csv")[1:]
    assert summary["totals"]["net"] == sum(int(row[7]) for row in payouts)
    assert summary["counts"]["payouts"] == len(payouts)
    assert {file.name: file.sha256 for file in RunFile.objects.all() if file.name in files} == summary[
        "files"
    ]


def test_each_payout_has_a_notice_that_names_its_payee_and_amount(tmp_path: Path) -> None:
    load("edges/stage1")
    close("2021-07", "2021-08-25", tmp_path / "out")
    payouts = rows(tmp_path / "out" / "payouts.csv")[1:]
    notices = tmp_path / "out" / "notices"
    assert {path.name for path in notices.iterdir()} == {f"支払通知書_{row[0]}.pdf" for row in payouts}
    for code, name, *_, net, _tax in payouts[:5]:
        text = "".join(
            page.extract_text()
            for page in PdfReader(BytesIO((notices / f"支払通知書_{code}.pdf").read_bytes())).pages
        )
        assert name.replace(" ", "") in text.replace(" ", "").replace("\u3000", "")
        assert f"{int(net):,}" in text


def test_a_second_export_gives_the_same_bytes(tmp_path: Path) -> None:
    load("2021-07")
    close("2021-07", "2021-08-25", tmp_path / "out")
    call_command("close_month", "2021-07", export_approved=True, output=str(tmp_path / "again"))
    assert contents(tmp_path / "again") == contents(tmp_path / "out")


def test_tables_are_utf8_with_bom_and_crlf(tmp_path: Path) -> None:
    load("2021-07")
    close("2021-07", "2021-08-25", tmp_path / "out")
    for name in ("payouts.csv", "payout_lines.csv", "holds.csv", "withholding.csv"):
        content = (tmp_path / "out" / name).read_bytes()
        assert content.startswith(b"\xef\xbb\xbf")
        assert content.endswith(b"\r\n")
        assert content.count(b"\n") == content.count(b"\r\n")


def test_an_earlier_cutoff_leaves_the_rest_for_the_next_run(tmp_path: Path) -> None:
    load("2021-07")
    close("2021-07", "2021-08-25", tmp_path / "first", cutoff="2021-07-16 00:00")
    close("2021-07", "2021-08-31", tmp_path / "second")
    numbers = [
        [row[1] for row in rows(tmp_path / name / "payout_lines.csv")[1:] if row[2] == "謝金"]
        for name in ("first", "second")
    ]
    whole = [
        row[1]
        for row in rows(ACCEPTANCE / "expected" / "2021-07" / "payout_lines.csv")[1:]
        if row[2] == "謝金"
    ]
    assert numbers[0]
    assert numbers[1]
    assert sorted(numbers[0] + numbers[1]) == sorted(whole)
