"""Log lines are JSON, carry ids, and hold nothing personal: whoever writes them, whatever broke."""

import io
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import structlog
from django.db import IntegrityError

from config.logging import HIDDEN, json_formatter, scrub_text
from core.audit.acting import request_id

Written = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written() -> Iterator[Written]:
    """What any logger writes from now on, as it would stand on stderr."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(before)


def test_our_own_lines_keep_their_ids_and_the_id_of_the_request(written: Written) -> None:
    token = request_id.set("0123456789abcdef")
    logging.getLogger("core.jobs.services").warning("job %s (%s) failed", 12, "compute_run")
    request_id.reset(token)
    [line] = written()
    assert line["event"] == "job 12 (compute_run) failed"
    assert (line["level"], line["logger"], line["request_id"]) == (
        "warning",
        "core.jobs.services",
        "0123456789abcdef",
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line["timestamp"])


def test_of_other_peoples_lines_only_the_fixed_sentence_is_kept(written: Written) -> None:
    logging.getLogger("axes.handlers").warning("failure by %s from %r", "山田 太郎", "203.0.113.9")
    logging.getLogger("django.request").warning("Not Found: %s", "/x/山田/", extra={"status_code": 404})
    logging.getLogger("django.security.DisallowedHost").error("Invalid HTTP_HOST header: 'yamada.test'")
    assert [line["event"] for line in written()] == [
        "failure by … from …",
        "answered 404",
        "refused as suspicious",
    ]


def test_an_exception_is_told_by_kind_and_place_never_by_the_values_in_its_message(
    written: Written,
) -> None:
    try:
        try:
            raise psycopg.errors.UniqueViolation("Key (email)=(yamada@example.jp) already exists.")
        except psycopg.Error as cause:
            raise IntegrityError("Key (氏名)=(山田 太郎) already exists.") from cause
    except IntegrityError:
        logging.getLogger("core.jobs.services").exception("job %s failed", 3)
    [line] = written()
    assert [one["kind"] for one in line["exception"]] == [
        "django.db.utils.IntegrityError",
        "psycopg.errors.UniqueViolation",
    ]
    assert "test_log_lines.py" in line["exception"][0]["at"][-1]
    assert "yamada" not in json.dumps(line, ensure_ascii=False)
    assert "山田" not in json.dumps(line, ensure_ascii=False)


def test_a_warning_is_told_by_kind_and_place(written: Written) -> None:
    told = warnings.formatwarning("DateTimeField got 山田", RuntimeWarning, "/srv/fields.py", 12, "x = 山田")
    logging.getLogger("py.warnings").warning(told)  # as the standard library does
    assert [line["event"] for line in written()] == ["/srv/fields.py:12: RuntimeWarning"]


def test_a_defect_of_the_program_is_still_told(written: Written) -> None:
    try:
        None.missing  # type: ignore[attr-defined]  # noqa: B018
    except AttributeError:
        logging.getLogger("django.request").error("x", exc_info=True)
    assert "has no attribute 'missing'" in written()[0]["exception"][0]["says"]


def test_personal_keys_are_hidden_at_any_depth(written: Written) -> None:
    structlog.stdlib.get_logger("core.web").info(
        "x", email="a@b.jp", row={"氏名": "山田", "口座番号": 1234567, "count": 3}, token="abc", status=200
    )
    [line] = written()
    assert (line["email"], line["row"], line["token"], line["status"]) == (
        HIDDEN,
        {"氏名": HIDDEN, "口座番号": HIDDEN, "count": 3},
        HIDDEN,
        200,
    )


@pytest.mark.parametrize(
    "text",
    [
        "yamada.taro+1@example.co.jp",
        "03-1234-5678",
        "090-1234-5678",
        "09012345678",
        "1234567",
        "/set-password/MQ/cq1x2y-0123456789abcdef0123456789abcdef/",
        "/c/abcDEF/",
        "/renew/abcDEF/",
        "/r/abcDEF/",
        "/y/abcDEF/",
        "dGhpcyBpcyBhIHRva2VuIDEyMw",
    ],
)
def test_what_looks_like_somebodys_is_taken_out_of_any_text(text: str) -> None:
    scrubbed = scrub_text(f"see {text} there")
    assert HIDDEN in scrubbed
    assert text.strip("/").rpartition("/")[2] not in scrubbed


@pytest.mark.parametrize(
    "text", ["job 12", "2026-11-20", "run 2026-11-2", "row 123456", "core.jobs.tasks.run_job"]
)
def test_ids_months_and_names_of_the_program_stay(text: str) -> None:
    assert scrub_text(text) == text
