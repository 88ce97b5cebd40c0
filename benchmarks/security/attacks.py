"""Tools that attack the running installation: schemathesis, sqlmap, wapiti, each as every role."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from benchmarks.security.crawl import NOT_TOUCHED, Crawl, Target, each_once
from benchmarks.security.instance import NOBODY, Instance, Person
from benchmarks.security.outcomes import ROOT, Finding, Outcome, plain
from benchmarks.security.reading import TOOLS, version_of
from benchmarks.security.watching import PLANTED_AT as PREFIX
from benchmarks.security.watching import SAYS_WHO, arrived

WAPITI = ROOT / ".venv-security" / "wapiti" / "bin"
# Not among wapiti's: what asks hosts elsewhere (ssrf, xxe, takeover), guesses names (buster, nikto), needs TLS (ssl), and
# the tokens against forged requests, which are off here.
WAPITI_MODULES = (
    "cookieflags,crlf,csp,exec,file,http_headers,methods,permanentxss,redirect,sql,timesql,upload,xss"
)


def bounded(command: Sequence[str | Path], seconds: float, log: Path, place: Path) -> tuple[int | None, str]:
    """Runs a tool; None as status when its time was over. It and its children end then; what it said is kept."""
    home = place / "home"
    home.mkdir(exist_ok=True)
    environment = {**os.environ, "HOME": str(home), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    for name in ("DJANGO_SETTINGS_MODULE", "PYTHONPATH"):
        environment.pop(name, None)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        status: int | None
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
    return status, plain(log.read_text(encoding="utf-8", errors="replace"))


def seen(instance: Instance, tool: str) -> list[str]:
    """What of a tool arrived, as the installation counted it: per role requests, routes, fields, answers."""
    lines = []
    for person in instance.people:
        mine = [one for one in arrived(instance.var) if one.who.startswith(f"{tool}/{person.role}")]
        if not mine:
            lines.append(f"{person.role}：なし")
            continue
        known = [one for one in mine if one.route != "?"]
        fields = {(one.method, one.route, name) for one in known for name in one.fields}
        answers = {f"{n}xx": sum(one.status // 100 == n for one in mine) for n in (2, 3, 4, 5)}
        said = "、".join(f"{name} {count:,}" for name, count in answers.items() if count)
        lines.append(
            f"{person.role}：依頼 {len(mine):,}、住所の種類 {len({one.route for one in known})}、"
            f"欄 {len(fields)}（{said}）"
        )
    return lines


def failed_requests(instance: Instance, tools: Sequence[str]) -> list[Finding]:
    """Answers of 500 and more that a tool brought about: whatever it thinks of them, the product did not expect it."""
    found = {}
    for one in arrived(instance.var):
        tool = one.who.partition("/")[0]
        # not ready is what /healthz/ready rightly says here: there is no worker
        meant = one.path.startswith(PREFIX) or one.route == "healthz_ready"
        if one.status >= 500 and tool in tools and not meant:
            key = (tool, one.route, one.cause.partition(":")[0])
            found[key] = Finding(
                tool, "high", "server-error", one.route, f"{one.status} {one.cause} {one.method} {one.path}"
            )
    return list(found.values())


def _closing(outcome: Outcome, instance: Instance, tool: str, *, needed: Sequence[Person]) -> None:
    outcome.findings += failed_requests(instance, [tool])
    outcome.covered = seen(instance, tool) + outcome.covered
    gone = [person.role for person in instance.people if not instance.still_in(person)]
    counted = {
        one.who.partition("/")[2].partition("/")[0]
        for one in arrived(instance.var)
        if one.who.startswith(tool)
    }
    absent = [person.role for person in needed if person.role not in counted]
    if gone:
        outcome.trouble = f"途中でサインアウトした役割: {gone}"
    elif absent:
        outcome.trouble = f"何も送らなかった役割: {absent}"
    elif not outcome.planted_found:
        outcome.trouble = outcome.trouble or "仕込んだ欠陥を見つけない"


# ---- schemathesis


def schemathesis(instance: Instance, place: Path, seconds: float) -> Outcome:
    """The API against its own description: with a token of each role, and with the session of each."""
    outcome = Outcome(
        "schemathesis", version_of("schemathesis"), planted="説明と違う型を答える API（/planted/api/）"
    )
    ways = [(person, "token") for person in instance.people if person.token]
    ways += [(person, "session") for person in instance.people]
    each = seconds / len(ways)

    def run(way: tuple[Person, str]) -> tuple[list[Finding], bool, str]:
        person, by = way
        name = f"schemathesis-{person.role}-{by}"
        report = place / f"{name}.xml"
        proof = (
            ["-H", f"Authorization: Bearer {person.token}"]
            if by == "token"
            else ["-H", f"Cookie: {person.cookie}"]
        )
        if person.role == NOBODY:
            proof = []
        # the description itself is for whoever is signed in, so it is fetched once and given as a file
        command = [
            TOOLS / "schemathesis",
            "--no-color",
            "run",
            place / "openapi.json",
            "-u",
            instance.url,
            *proof,
        ]
        command += [
            "-H",
            f"{SAYS_WHO}: schemathesis/{person.role}/{by}",
            "--phases",
            "examples,coverage,fuzzing",
        ]
        command += [
            "--max-examples",
            "40" if person.role == "expert" else "5",
            "--continue-on-failure",
            "--seed",
            "119",
        ]
        command += ["--max-time", str(int(each * 2)), "--report", "junit", "--report-junit-path", report]
        command += [
            "--request-timeout",
            "30",
            "--suppress-health-check",
            "all",
            "--generation-database",
            ":memory:",
        ]
        _, said = bounded(command, each * 2 + 30, place / f"{name}.log", place)
        if not report.exists():
            return [], False, said[-300:]
        found, planted = [], False
        for case in ET.parse(report).getroot().iter("testcase"):
            operation = case.get("name", "")
            for failure in [*case.iter("failure"), *case.iter("error")]:
                text = failure.get("message", "") + "\n" + (failure.text or "")
                if PREFIX in operation:
                    planted = planted or "schema" in text.lower()
                    continue
                for title in sorted(set(re.findall(r"^\s*- ([A-Z][^\n]+)$", plain(text), re.M))) or [
                    "failure"
                ]:
                    found.append(
                        Finding(
                            "schemathesis", "medium", title.strip(), f"{operation} ({by})", plain(text)[:700]
                        )
                    )
        return found, planted, ""

    import urllib.request

    asked = urllib.request.Request(
        f"{instance.url}/api/v1/schema/?format=json",
        headers={"Authorization": f"Bearer {instance.people[0].token}", SAYS_WHO: "own"},
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        described = answer.read()
    (place / "openapi.json").write_bytes(described)
    outcome.covered.append("操作：" + "、".join(sorted(json.loads(described)["paths"])))
    with ThreadPoolExecutor(2) as pool:
        for (person, by), (found, planted, trouble) in zip(ways, pool.map(run, ways), strict=True):
            known = {(one.rule, one.place) for one in outcome.findings}
            outcome.findings += [one for one in found if (one.rule, one.place) not in known]
            outcome.planted_found = outcome.planted_found or planted
            if trouble:
                outcome.trouble = f"{person.role}（{by}）: {trouble}"
    _closing(outcome, instance, "schemathesis", needed=instance.people)
    return outcome


# ---- sqlmap


def _written(instance: Instance, targets: Sequence[Target], people: dict[str, Person]) -> str:
    """Requests in the form of a proxy's log, which sqlmap reads: they may be of any method, each with its cookie."""
    rule = "=" * 54
    host = urlsplit(instance.url).netloc
    parts = []
    for target in targets:
        fields = urlencode(target.fields)
        path = target.path + (f"?{fields}" if target.method == "GET" and fields else "")
        head = [f"{target.method} {path} HTTP/1.1", f"Host: {host}", f"{SAYS_WHO}: sqlmap/{target.role}"]
        if people[target.role].cookie:
            head.append(f"Cookie: {people[target.role].cookie}")
        body = ""
        if target.method == "POST":
            head += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(fields)}"]
            body = fields
        parts.append(
            f"{rule}\n10:00:00 AM  {instance.url}  [127.0.0.1]\n{rule}\n"
            + "\n".join(head)
            + f"\n\n{body}\n{rule}\n\n"
        )
    return "\n".join(parts)


_AT = re.compile(r"(?:GET|POST) (http://\S+)|testing URL '([^']+)'")
# Only what sqlmap stands by in the end; "appears to be … injectable" comes before it has ruled out chance.
_HIT = re.compile(r"parameter '([^']+)' is vulnerable")
_CHANCE = "false positive or unexploitable"


def sqlmap(instance: Instance, crawls: Sequence[Crawl], place: Path, seconds: float) -> Outcome:
    """Every field of every kind of request the crawl found: first quickly, then the words people search by without haste.

    Quickly: a field is looked into when spoiling it changes what the database says, which this installation shows. Without
    haste: also fields that show nothing, by true and false, by errors, by unions, by time.
    """
    outcome = Outcome("sqlmap", version_of("sqlmap"), planted="検索語を SQL につなぐページ（/planted/sql/）")
    people = {person.role: person for person in instance.people}
    mine = [one for one in each_once(list(crawls)) if not one.path.startswith(PREFIX)]
    words = ("q", "word", "words", "search", "name", "o", "order", "sort", "number", "code", "p", "page")
    deep = [one for one in mine if one.method == "GET" and any(name in words for name, _ in one.fields)][:10]
    trap = Target(NOBODY, "GET", f"{PREFIX}sql/", (("word", "abc"),), ("GET", "planted", ("word",)))
    by_role: dict[str, list[Target]] = {}
    for one in mine:
        by_role.setdefault(one.role, []).append(one)
    # each role in turn, so that whatever the time allows is some of everybody's
    mine = [one for turn in zip_longest(*by_role.values()) for one in turn if one is not None]
    runs = [
        ("planted", [trap], [], 60.0),
        *((f"quick-{n}", mine[n::4], ["--smart"], seconds * 0.75) for n in range(4)),
        ("deep", deep, ["--technique", "BEUST", "--time-sec", "2"], seconds * 0.75),
    ]
    outcome.covered.append(
        f"試した依頼の種類 {len(mine)}（欄 {sum(len(one.fields) for one in mine)}）、時間をかけた検索 {len(deep)}"
    )

    def run(one: tuple[str, Sequence[Target], list[str], float]) -> tuple[str, str]:
        name, targets, more, most = one
        log = place / f"sqlmap-{name}.targets"
        log.write_text(_written(instance, targets, people), encoding="utf-8")
        command = [
            TOOLS / "sqlmap",
            "-l",
            log,
            "--batch",
            "--disable-coloring",
            "--flush-session",
            "--dbms",
            "PostgreSQL",
        ]
        command += [
            "--level",
            "1",
            "--risk",
            "1",
            "--threads",
            "2",
            "--timeout",
            "20",
            "--retries",
            "0",
            "--ignore-redirects",
        ]
        command += ["--ignore-code", "*", "--skip-waf", "--output-dir", place / f"sqlmap-{name}", *more]
        status, said = bounded(command, most, place / f"sqlmap-{name}.log", place)
        late = "（時間切れ、そこまで）" if status is None else ""
        outcome.covered.append(f"{name}：{most:.0f} 秒まで{late}")
        return name, said

    # they wait for answers most of the time
    with ThreadPoolExecutor(5) as pool:
        for name, said in pool.map(run, runs):
            at = ""
            for line in said.splitlines():
                if where := _AT.search(line):
                    at = (where.group(1) or where.group(2)).partition("?")[0]
                hit = _HIT.search(line)
                if _CHANCE in line and name != "planted":
                    outcome.covered.append(
                        f"{urlsplit(at).path}：偶然と分かった疑い 1 件（sqlmap が自分で取り消した）"
                    )
                if hit:
                    if name == "planted":
                        outcome.planted_found = True
                    else:
                        path = urlsplit(at).path or name
                        found = Finding(
                            "sqlmap", "high", "sql-injection", path, f"{hit.group(1)}: {line.strip()[:200]}"
                        )
                        if found not in outcome.findings:
                            outcome.findings.append(found)
    needed = [person for person in instance.people if any(one.role == person.role for one in mine)]
    _closing(outcome, instance, "sqlmap", needed=needed)
    return outcome


# ---- wapiti


def wapiti(instance: Instance, crawls: Sequence[Crawl], place: Path, seconds: float) -> Outcome:
    """The pages of each role, started at one of each kind the crawl found."""
    outcome = Outcome(
        "wapiti", version_of("wapiti3", WAPITI), planted="入力をそのまま描くページ（/planted/script/）"
    )
    outcome.covered.append(f"部品：{WAPITI_MODULES}")
    each = seconds * 2 / len(crawls)

    def run(one: Crawl) -> tuple[str, dict[str, dict[str, list[dict[str, str]]]] | None, str]:
        role = one.person.role
        report = place / f"wapiti-{role}.json"
        modules = len(WAPITI_MODULES.split(","))
        command: list[str | Path] = [
            WAPITI / "wapiti",
            "-u",
            f"{instance.url}/",
            "--scope",
            "domain",
            "-m",
            WAPITI_MODULES,
        ]
        command += [
            "-H",
            f"{SAYS_WHO}: wapiti/{role}",
            "--flush-session",
            "--store-session",
            place / f"wapiti-{role}",
        ]
        command += [
            "--max-scan-time",
            str(int(each * 0.25)),
            "--max-attack-time",
            str(max(3, int(each * 0.75 / modules * 1.6))),
        ]
        command += [
            "--depth",
            "2",
            "--max-links-per-page",
            "40",
            "--max-files-per-dir",
            "30",
            "--max-parameters",
            "25",
        ]
        command += [
            "-S",
            "normal",
            "-l",
            "1",
            "--tasks",
            "4",
            "-t",
            "20",
            "--no-bugreport",
            "-f",
            "json",
            "-o",
            report,
        ]
        command += ["--drop-set-cookie", "--store-config", place / f"wapiti-config-{role}"]
        if one.person.cookie:
            command += ["-H", f"Cookie: {one.person.cookie}"]
        for word in NOT_TOUCHED:
            command += ["-x", f"{instance.url}/*{word.strip('/')}*"]
        command += ["-s", f"{instance.url}{PREFIX}script/?name=abc"]
        for start in list(one.starts.values())[:60]:
            command += ["-s", instance.url + start]
        for _ in range(3):  # its own little database is sometimes locked at the start
            status, said = bounded(command, each * 1.5 + 20, place / f"wapiti-{role}.log", place)
            if report.exists() or "database is locked" not in said:
                break
        if not report.exists():
            return role, None, ("時間切れ " if status is None else "") + said[-300:]
        return role, json.loads(report.read_text()), said

    with ThreadPoolExecutor(2) as pool:
        for role, said, text in pool.map(run, crawls):
            if said is None:
                outcome.trouble = f"{role}: 報告がない（{text}）"
                continue
            for group in ("vulnerabilities", "anomalies", "additionals"):
                for kind, rows in said.get(group, {}).items():
                    for row in rows:
                        path = row.get("path", "")
                        if path.startswith(PREFIX):
                            outcome.planted_found |= "scripting" in kind.lower()
                            continue
                        level = {"vulnerabilities": "medium", "anomalies": "medium", "additionals": "info"}[
                            group
                        ]
                        found = Finding("wapiti", level, kind, path, row.get("info", "")[:300])
                        if found not in outcome.findings:
                            outcome.findings.append(found)
    _closing(outcome, instance, "wapiti", needed=instance.people)
    return outcome


def attack(instance: Instance, crawls: Sequence[Crawl], place: Path, seconds: float) -> list[Outcome]:
    """Each of them, one after the other, within so many seconds in all."""
    outcomes = []
    parts = (
        ("schemathesis", 0.2, lambda most: schemathesis(instance, place, most)),
        ("sqlmap", 0.4, lambda most: sqlmap(instance, crawls, place, most)),
        ("wapiti", 0.4, lambda most: wapiti(instance, crawls, place, most)),
    )
    for name, share, part in parts:
        began = time.monotonic()
        outcome = part(seconds * share)
        outcome.seconds = time.monotonic() - began
        outcomes.append(outcome)
        print(
            f"  {name}: {len(outcome.findings)} 件、{outcome.seconds:.0f} 秒 {outcome.trouble}",
            file=sys.stderr,
        )
    return outcomes
