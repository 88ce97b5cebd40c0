"""One table of limits: the page, the tasks and Prometheus judge alike."""

import re
from pathlib import Path

import pytest
import yaml

from core.metrics.alert_rules import alert_rules
from core.metrics.judging import judge, shown, size, worst
from core.metrics.limits import BY_READING, LIMITS, Level, Limit, Unit
from core.metrics.registry import HELP, Reading

PROJECT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.reading)
def test_a_limit_is_of_a_reading_that_exists_and_gets_worse_one_way(limit: Limit) -> None:
    assert limit.reading in HELP
    assert limit.warning is not None or limit.bad is not None
    if limit.warning is not None and limit.bad is not None:
        assert (limit.bad < limit.warning) if limit.below else (limit.warning < limit.bad)
    assert limit.next_step.endswith("。")
    assert limit.meaning and not limit.meaning.endswith("。")


def test_no_reading_has_two_limits() -> None:
    assert len(BY_READING) == len(LIMITS)


@pytest.mark.parametrize(
    ("reading", "value", "level"),
    [
        ("disk_used_ratio", 0.6999, Level.GOOD),
        ("disk_used_ratio", 0.70, Level.WARNING),
        ("disk_used_ratio", 0.85, Level.BAD),
        ("certificate_days", 30.1, Level.GOOD),
        ("certificate_days", 30, Level.WARNING),
        ("certificate_days", 21, Level.BAD),
        ("certificate_days", -3, Level.BAD),
        ("part_answers", 1, Level.GOOD),
        ("part_answers", 0, Level.BAD),
        ("backup_scheduled", 0, Level.WARNING),
        ("findings_oldest_days", 4000, Level.WARNING),
    ],
)
def test_the_limit_itself_is_already_worse(reading: str, value: float, level: Level) -> None:
    (judged,) = (each for each in judge([Reading(reading, value)]) if each.value is not None)
    assert judged.level is level


def test_a_worker_nobody_has_heard_of_is_bad_and_a_missing_certificate_is_nothing() -> None:
    judged = judge([])
    assert [(each.limit.reading, each.level, each.shown) for each in judged] == [
        ("worker_silent_seconds", Level.BAD, "読めません")
    ]
    assert worst([]) is Level.GOOD


def test_values_are_shown_as_people_read_them_and_never_better_than_they_are() -> None:
    assert shown(0.6991, Unit.RATIO) == "70.0％"
    assert shown(20.9, Unit.DAYS, below=True) == "20日"
    assert [shown(each, Unit.AGE) for each in (0.25, 45, 200, 3600, 5400, 26 * 3600, 86400 * 3)] == [
        "0.2秒", "45秒", "3分20秒", "1時間", "1時間30分", "26時間", "3日0時間",
    ]  # fmt: skip
    assert (size(512), size(3.4 * 1024**2), size(1024**4 * 2)) == ("512B", "3.4MB", "2.0TB")
    assert (shown(1, Unit.YES), shown(0, Unit.YES), shown(1200, Unit.COUNT)) == ("はい", "いいえ", "1,200件")


def test_the_alert_rules_that_are_delivered_are_these_limits() -> None:
    assert (PROJECT / "deploy/monitoring/alerts.yml").read_text() == alert_rules(), (
        "manage.py print_alert_rules > deploy/monitoring/alerts.yml"
    )
    (group,) = yaml.safe_load(alert_rules())["groups"]
    rules = {rule["alert"]: rule for rule in group["rules"]}
    assert len(rules) == len(group["rules"])
    wanted = sum((each.warning is not None) + (each.bad is not None) for each in LIMITS)
    assert len(rules) == 1 + wanted + sum(each.when_absent is not None for each in LIMITS)
    assert rules["office_disk_used_ratio_bad"]["expr"] == "office_disk_used_ratio >= 0.85"
    assert rules["office_disk_used_ratio_warning"]["expr"] == (
        "office_disk_used_ratio >= 0.7 and office_disk_used_ratio < 0.85"
    )
    assert rules["office_certificate_days_bad"]["expr"] == "office_certificate_days <= 21"
    assert rules["office_worker_silent_seconds_absent_bad"]["expr"] == "absent(office_worker_silent_seconds)"


def test_prometheus_is_told_of_the_rules() -> None:
    told = yaml.safe_load((PROJECT / "deploy/monitoring/prometheus.yml").read_text())
    assert told["rule_files"] == ["/etc/prometheus/alerts.yml"]
    (job,) = told["scrape_configs"]
    assert (job["job_name"], job["metrics_path"]) == ("dispatch-office", "/metrics")


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.reading)
def test_the_guide_a_limit_names_is_there_with_its_heading(limit: Limit) -> None:
    for guide, heading in re.findall(r"(docs/operations/[a-z-]+\.md)(?:「([^」]+)」)?", limit.next_step):
        text = (PROJECT / guide).read_text(encoding="utf-8")
        assert not heading or re.search(rf"^#+ .*{re.escape(heading)}$", text, re.M), (guide, heading)
