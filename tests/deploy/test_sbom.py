"""The bill of materials: everything in production is known, allowed and looked after today."""

import csv
import datetime as dt
import importlib.metadata
import json
import re
import shutil
import warnings
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from core import clock
from deploy.sbom import licences, support
from deploy.sbom.bill import bill
from deploy.sbom.licences import Licence, is_allowed
from deploy.sbom.parts import PROJECT, VENDORED, Piece, Wrong, pieces
from deploy.sbom.support import End

DAY = dt.date(2026, 11, 21)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the files that decide about the pieces."""
    for name in (
        "requirements/base.txt", "Dockerfile", "docker-compose.yml", "deploy/clamd/Dockerfile", VENDORED,
        licences.TABLE, support.TABLE,
    ):  # fmt: skip
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, target)
    shutil.copytree(PROJECT / "static/vendor", tmp_path / "static/vendor")
    shutil.copytree(PROJECT / "core/documents/fonts", tmp_path / "core/documents/fonts")
    return tmp_path


def test_everything_in_production_may_be_used_and_is_looked_after_today() -> None:
    found, today = pieces(), clock.today()
    assert licences.problems(found, licences.licences()) == []
    assert support.problems(found, support.ends(), today) == []
    for line in support.warnings(found, support.ends(), today):
        warnings.warn(line, UserWarning, stacklevel=1)


def test_no_row_of_the_tables_is_left_of_something_that_is_gone() -> None:
    found = pieces()
    assert [row.component for row in support.ends() if not any(row.covers(piece) for piece in found)] == []
    rows = list(csv.DictReader((PROJECT / support.TABLE).open(encoding="utf-8", newline="")))
    assert all(row["source"] for row in rows)


def test_the_pieces_are_the_locked_packages_the_vendored_files_and_the_images() -> None:
    found = {piece.name: piece for piece in pieces()}
    locked = re.findall(r"^([a-z0-9._-]+)==", (PROJECT / "requirements/base.txt").read_text(), re.M)
    # for other systems only
    assert set(locked) - set(found) == {"async-timeout", "colorama", "tzdata"}
    assert {"htmx", "biz-udgothic", "python", "postgresql", "redis-server", "nginx", "debian"} <= set(found)
    assert found["django"].hashes
    assert found["python"].version == "3.12"


def test_the_licence_table_says_what_the_installed_packages_say_of_themselves() -> None:
    """Where a package states its licence in SPDX's words, the table has the same ones."""
    compared = 0
    for name, licence in licences.licences().items():
        try:
            stated = importlib.metadata.metadata(name).get("License-Expression")
        except importlib.metadata.PackageNotFoundError:
            continue
        if stated:
            compared += 1
            assert licence.expression == stated, name
    assert compared > 20


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 OR GPL-3.0-only", True),
        ("Apache-2.0 AND GPL-3.0-only", False),
        ("(Apache-2.0 OR AGPL-3.0-only) AND BSD-3-Clause", True),
        ("AGPL-3.0-only", False),
        ("LGPL-3.0-only", True),
        ("free for private use", False),
        ("", False),
    ],
)
def test_a_licence_is_one_of_ours_or_leaves_the_choice(expression: str, allowed: bool) -> None:
    assert is_allowed(expression) is allowed


def test_an_unknown_or_foreign_licence_is_found() -> None:
    piece = Piece("thing", "1.0", "library", "PyPI")
    (unknown,) = licences.problems([piece], {})
    assert "thing 1.0 のライセンスが分かりません" in unknown
    (foreign,) = licences.problems([piece], {"thing": Licence("AGPL-3.0-only", "")})
    assert "AGPL-3.0-only は使えません" in foreign
    assert licences.problems([piece], {"thing": Licence("AGPL-3.0-only", "理由")}) == []
    (left,) = licences.problems([], {"thing": Licence("MIT", "")})
    assert "もう使っていません" in left


def row(end: dt.date | None, confirmed: dt.date = DAY) -> End:
    return End("thing", "1", end, confirmed, "source", "")


@pytest.mark.parametrize(
    ("end", "wrong", "soon"),
    [
        (DAY - dt.timedelta(days=1), 1, 0),
        (DAY, 0, 1),
        (DAY + dt.timedelta(days=180), 0, 1),
        (DAY + dt.timedelta(days=181), 0, 0),
        (None, 0, 0),
    ],
)
def test_support_that_has_ended_fails_and_one_that_ends_soon_is_told(
    end: dt.date | None, wrong: int, soon: int
) -> None:
    found = [Piece("thing", "1.4", "library", "PyPI")]
    assert len(support.problems(found, [row(end)], DAY)) == wrong
    assert len(support.warnings(found, [row(end)], DAY)) == soon


def test_a_new_release_line_has_no_row_until_somebody_looks() -> None:
    table = [row(None)]
    assert support.problems([Piece("thing", "1.4", "library", "")], table, DAY) == []
    for version in ("2.0", "10.0", "11"):
        (wrong,) = support.problems([Piece("thing", version, "library", "")], table, DAY)
        assert "サポート終了日が" in wrong


def test_a_line_nobody_looked_at_for_a_year_fails() -> None:
    found = [Piece("thing", "1.4", "library", "")]
    (wrong,) = support.problems(found, [row(None, DAY - dt.timedelta(days=366))], DAY)
    assert "最後に確かめたのは" in wrong


def test_a_vendored_file_that_was_changed_is_found(project: Path) -> None:
    assert pieces(project)
    file = project / "static/vendor/htmx/htmx.min.js"
    file.write_bytes(file.read_bytes() + b"\n")
    with pytest.raises(Wrong, match="htmx.min.js が版 2.0.11 のものと違います"):
        pieces(project)


def test_a_vendored_file_nobody_noted_is_found(project: Path) -> None:
    (project / "static/vendor/htmx/extra.js").write_text("//")
    with pytest.raises(Wrong, match="extra.js が deploy/sbom/vendored.csv にありません"):
        pieces(project)


def test_a_version_that_was_raised_without_its_file_is_found(project: Path) -> None:
    note = project / "static/vendor/htmx/VERSION"
    note.write_text(note.read_text().replace("2.0.11", "2.0.12"))
    with pytest.raises(Wrong, match=r"版 2\.0\.12 と"):
        pieces(project)


def test_an_image_of_another_line_is_another_piece(project: Path) -> None:
    compose = project / "docker-compose.yml"
    compose.write_text(compose.read_text().replace("redis:8.10-trixie", "redis:9.0-trixie"))
    (wrong,) = support.problems(pieces(project), support.ends(project), DAY)
    assert wrong.startswith("redis-server 9.0 のサポート終了日が")


def test_the_bill_is_cyclonedx_and_the_same_bytes_each_time() -> None:
    given = (pieces(), licences.licences(), support.ends())
    text = bill(*given)
    assert bill(*given) == text
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert "timestamp" not in document["metadata"]
    parts = {part["name"]: part for part in document["components"]}
    assert len(parts) == len(given[0])
    assert parts["django"]["purl"] == f"pkg:pypi/django@{parts['django']['version']}"
    assert parts["htmx"]["hashes"][0]["alg"] == "SHA-256"


def test_the_bill_that_is_delivered_is_of_these_pieces() -> None:
    delivered = (PROJECT / "docs/evidence/sbom.json").read_text(encoding="utf-8")
    assert delivered == bill(pieces(), licences.licences(), support.ends()), "make sbom"
