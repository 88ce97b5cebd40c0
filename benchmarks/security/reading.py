"""Tools that read the source: bandit, ruff's rules S, semgrep with rules of our own, pip-audit."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from benchmarks.security.outcomes import HERE, ROOT, Finding, Outcome
from benchmarks.security.planted_sources import PLANTED

TOOLS = ROOT / ".venv-security" / "tools" / "bin"
RULES = HERE / "rules.yml"
_PLANTED_FOLDER = "planted-faults"
_LEVELS = {
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "INFO": "info",
    "WARNING": "medium",
    "ERROR": "high",
}
# Folders of the repository that are only for looking at the product: an assertion in them is what they are for.
_BESIDE = ("tests/", "benchmarks/")
# What ruff's letters weigh: what runs code, starts a program or trusts a text weighs more.
_HEAVY = {"S102", "S301", "S307", "S308", "S602", "S604", "S605", "S608", "S611"}


def run(command: list[str | Path], seconds: float, **more: Any) -> subprocess.CompletedProcess[str]:
    """A tool to its end; TimeoutExpired when it takes too long."""
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        cwd=more.pop("cwd", ROOT),
        **more,
    )


def version_of(package: str, venv: Path = TOOLS) -> str:
    """The installed version of a tool; asking the tool itself makes some of them look for news first."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return run([venv / "python", "-c", code], 60).stdout.strip()


def sources() -> list[str]:
    """Every Python file of the repository."""
    listed = run(["git", "ls-files", "*.py"], 60).stdout.split()
    return [name for name in listed if (ROOT / name).exists()]


def planted_folder(place: Path) -> Path:
    """The planted sources, written to a folder outside of the repository."""
    folder = place / _PLANTED_FOLDER
    for name, text in PLANTED.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def _shown(path: str) -> str:
    """A path as the report names it: relative to the repository, or to the planted folder."""
    if _PLANTED_FOLDER in path:
        return _PLANTED_FOLDER + path.split(_PLANTED_FOLDER, 1)[1]
    return os.path.relpath(path, ROOT) if os.path.isabs(path) else path.removeprefix("./")


def _parted(outcome: Outcome, found: list[Finding], expected: set[tuple[str, str]]) -> Outcome:
    """Keeps the findings of the repository; says whether each planted (rule, file) was among the others."""
    planted = {
        (one.rule, one.place.removeprefix(_PLANTED_FOLDER + "/"))
        for one in found
        if one.place.startswith(_PLANTED_FOLDER)
    }
    missed = sorted(expected - planted)
    outcome.findings = [one for one in found if not one.place.startswith(_PLANTED_FOLDER)]
    outcome.planted = "、".join(sorted({rule for rule, _ in expected}))
    outcome.planted_found = not missed
    if missed:
        outcome.trouble = f"仕込んだ欠陥を見つけない: {missed}"
    return outcome


def bandit(place: Path) -> Outcome:
    """Every file, without heeding any mark in the source."""
    outcome = Outcome("bandit", version_of("bandit"))
    names = sources()
    folder = planted_folder(place)
    report = place / "bandit.json"
    done = run(
        [TOOLS / "bandit", "-q", "--ignore-nosec", "-f", "json", "-o", report, "-r", folder, *names], 300
    )
    if not report.exists():
        outcome.trouble = done.stderr[-500:]
        return outcome
    data = json.loads(report.read_text())
    found = []
    for row in data["results"]:
        path = _shown(row["filename"])
        level = _LEVELS[row["issue_severity"]]
        if row["test_id"] == "B101" and path.startswith(_BESIDE):
            level = "info"
        found.append(Finding("bandit", level, row["test_id"], path, row["issue_text"], row["line_number"]))
    broken = [row["filename"] for row in data["errors"] if _PLANTED_FOLDER not in row["filename"]]
    outcome.covered = [
        f"{len(names):,} ファイル、{data['metrics']['_totals']['loc']:,} 行（印 nosec は無視）"
    ]
    _parted(outcome, found, {("B608", "queries.py"), ("B602", "shell.py"), ("B703", "views/marks.py")})
    if broken:
        outcome.trouble = f"読めないファイル: {broken}"
    return outcome


def ruff(place: Path) -> Outcome:
    """The rules S over everything, whatever pyproject.toml excepts and whatever a line excepts."""
    program = ROOT / ".venv" / "bin" / "ruff"
    outcome = Outcome("ruff S", version_of("ruff", program.parent))
    folder = planted_folder(place)
    done = run(
        [program, "check", "--isolated", "--select", "S", "--ignore-noqa", "--target-version", "py311"]
        + ["--no-cache", "--output-format", "json", *sources(), folder],
        120,
    )
    if done.returncode not in (0, 1):
        outcome.trouble = done.stderr[-500:]
        return outcome
    found = []
    for row in json.loads(done.stdout):
        path, rule = _shown(row["filename"]), row["code"]
        level = "medium" if rule in _HEAVY else "low"
        if rule == "S101" and path.startswith(_BESIDE):
            level = "info"
        found.append(Finding("ruff", level, rule, path, row["message"], row["location"]["row"]))
    outcome.covered = [f"{len(sources()):,} ファイル（pyproject.toml と行ごとの例外を外して）"]
    return _parted(outcome, found, {("S608", "queries.py"), ("S602", "shell.py"), ("S308", "views/marks.py")})


def rules() -> list[dict[str, Any]]:
    """Our rules for semgrep."""
    return list(yaml.safe_load(RULES.read_text(encoding="utf-8"))["rules"])


def semgrep(place: Path) -> Outcome:
    """Our own rules; each has something planted that it must find."""
    outcome = Outcome("semgrep", version_of("semgrep"))
    folder = planted_folder(place)
    environment = {
        **os.environ,
        "PATH": f"{TOOLS}:{os.environ['PATH']}",
        "SEMGREP_SEND_METRICS": "off",
        "SEMGREP_ENABLE_VERSION_CHECK": "0",
        "SEMGREP_SETTINGS_FILE": str(place / "semgrep-settings.yml"),
        "SEMGREP_LOG_FILE": str(place / "semgrep.log"),
    }
    code = ["accounts", "config", "core", "dispatch", "experts", "institutions", "office", "payments"]
    code += ["portal_expert", "portal_institution", "rules", "surveys", "templates", "static/js", "manage.py"]
    code = [name for name in code if (ROOT / name).exists()]
    # paths in the rules are of the repository, so a copy of what is planted lies in a tree of its own
    data: dict[str, Any] = {"results": [], "errors": [], "paths": {"scanned": []}}
    for targets, where in ((code, ROOT), (["."], folder)):
        done = run(
            [TOOLS / "semgrep", "scan", "--config", RULES, "--metrics", "off", "--disable-version-check"]
            + ["--json", "--quiet", "--no-git-ignore", "--disable-nosem", "--jobs", "2", *targets],
            240,
            cwd=where,
            env=environment,
        )
        if done.returncode not in (0, 1) or not done.stdout.strip():
            outcome.trouble = (done.stderr or done.stdout)[-600:]
            return outcome
        said = json.loads(done.stdout)
        if where is folder:
            for row in said["results"]:
                row["path"] = f"{_PLANTED_FOLDER}/{row['path'].removeprefix('./')}"
        else:
            data["paths"]["scanned"] += said["paths"]["scanned"]
        data["results"] += said["results"]
        data["errors"] += said["errors"]
    found = [
        Finding(
            "semgrep",
            _LEVELS[row["extra"]["severity"]],
            row["check_id"].rsplit(".", 1)[-1],
            _shown(row["path"]),
            row["extra"]["message"].strip(),
            row["start"]["line"],
        )
        for row in data["results"]
    ]
    outcome.covered = [
        f"{len(data['paths']['scanned']):,} ファイル、自作の規則 {len(rules())} 件（登録所の規則と通信は使わない）"
    ]
    expected = {(rule["id"], rule["metadata"]["planted"]) for rule in rules()}
    _parted(outcome, found, expected)
    serious = [row for row in data["errors"] if row.get("level") == "error"]
    if serious:
        outcome.trouble = f"規則かファイルを読めない: {serious[0].get('message', '')[:300]}"
    return outcome


def pip_audit(place: Path) -> Outcome:
    """Known holes in what the product installs; it needs a service that not every machine reaches."""
    outcome = Outcome("pip-audit", version_of("pip-audit"))
    planted = place / "old-requirements.txt"
    planted.write_text("urllib3==1.24.1\n")
    base = [TOOLS / "pip-audit", "--strict", "--progress-spinner", "off", "-f", "json"]
    base += ["--timeout", "10", "--cache-dir", place / "pip-audit-cache"]
    outcome.planted = "urllib3 1.24.1"
    unreachable = (
        "公開された欠陥の一覧に届かない機械では検査できない。"
        "届く場所で「.venv-security/tools/bin/pip-audit --strict --require-hashes --disable-pip -r requirements/base.txt」を実行する"
    )
    try:
        proof = run([*base, "--disable-pip", "--no-deps", "-r", planted], 60)
    except subprocess.TimeoutExpired:
        outcome.stands_aside = unreachable
        return outcome
    if proof.returncode != 1 or '"vulns": [{' not in proof.stdout:
        outcome.stands_aside = unreachable
        return outcome
    outcome.planted_found = True
    done = run([*base, "--disable-pip", "--require-hashes", "-r", ROOT / "requirements" / "base.txt"], 240)
    if done.returncode not in (0, 1) or not done.stdout.startswith("{"):
        outcome.trouble = done.stderr[-500:]
        return outcome
    packages = json.loads(done.stdout)["dependencies"]
    outcome.covered = [f"requirements/base.txt の {len(packages)} 件"]
    for package in packages:
        for hole in package.get("vulns", ()):
            outcome.findings.append(
                Finding("pip-audit", "high", hole["id"], package["name"], hole["description"][:200])
            )
    return outcome


READERS: tuple[Callable[[Path], Outcome], ...] = (bandit, ruff, semgrep, pip_audit)


def read_sources() -> list[Outcome]:
    """Each of them, one after the other."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="security-") as folder:
        for tool in READERS:
            began = time.monotonic()
            try:
                outcome = tool(Path(folder))
            except subprocess.TimeoutExpired as late:
                outcome = Outcome(tool.__name__, trouble=f"{late.timeout:.0f} 秒で終わらない")
            outcome.seconds = time.monotonic() - began
            outcomes.append(outcome)
            print(f"  {outcome.tool}: {len(outcome.findings)} 件、{outcome.seconds:.0f} 秒", file=sys.stderr)
    return outcomes
