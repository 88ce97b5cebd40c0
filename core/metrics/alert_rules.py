"""The limits as alert rules of Prometheus: deploy/monitoring/alerts.yml is this text and nothing else."""

import json

from .limits import LIMITS, Level, Limit
from .registry import PREFIX

_HEAD = """\
# Alert rules for Prometheus. Made by `manage.py print_alert_rules`; the limits stand in core/metrics/limits.py.
groups:
  - name: dispatch-office
    rules:
"""


def alert_rules() -> str:
    """The whole file, the same bytes for the same limits."""
    rules = [
        _rule(
            "metrics_away", 'up{job="dispatch-office"} == 0', "bad", 2, "値を取れません",
            "web と proxy が動いているかを確かめてください（docs/operations/incident.md「止まった」）。",
        )
    ]  # fmt: skip
    for limit in LIMITS:
        for level, value in ((Level.WARNING, limit.warning), (Level.BAD, limit.bad)):
            if value is not None:
                rules.append(_limit_rule(limit, level, _expression(limit, level, value)))
        if limit.when_absent is not None:
            expression = f"absent({PREFIX}{limit.reading})"
            rules.append(_limit_rule(limit, limit.when_absent, expression, "_absent"))
    return _HEAD + "".join(rules)


def _expression(limit: Limit, level: Level, value: float) -> str:
    """A reading that is bad is not told as a warning, too."""
    name, compare, other = (
        f"{PREFIX}{limit.reading}",
        "<=" if limit.below else ">=",
        ">" if limit.below else "<",
    )
    expression = f"{name} {compare} {value:.10g}"
    if level is Level.WARNING and limit.bad is not None:
        expression += f" and {name} {other} {limit.bad:.10g}"
    return expression


def _limit_rule(limit: Limit, level: Level, expression: str, ending: str = "") -> str:
    severity = {Level.WARNING: "warning", Level.BAD: "bad"}[level]
    return _rule(
        f"{limit.reading}{ending}_{severity}",
        expression,
        severity,
        limit.minutes,
        f"{level.word}：{limit.title}（{limit.meaning}）",
        limit.next_step,
    )


def _rule(name: str, expression: str, severity: str, minutes: int, summary: str, description: str) -> str:
    # a JSON text is a YAML text, too
    def text(value: str) -> str:
        return json.dumps(value, ensure_ascii=False)

    return (
        f"      - alert: {PREFIX}{name}\n"
        f"        expr: {text(expression)}\n"
        f"        for: {minutes}m\n"
        f"        labels: {{severity: {severity}}}\n"
        f"        annotations:\n"
        f"          summary: {text(summary)}\n"
        f"          description: {text(description)}\n"
    )
