"""What is tried, step by step; each answers what came of it, in Japanese, or raises."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

import psycopg

from .place import HOST, Place, answers, until

Step = Callable[[Place], str]
STEPS: list[tuple[str, str, Step]] = []


def step(guide: str, title: str) -> Callable[[Step], Step]:
    """Registers a step: the guide it is from, and what is done."""

    def register(function: Step) -> Step:
        STEPS.append((guide, title, function))
        return function

    return register


def fetch(place: Place, path: str) -> tuple[int, str]:
    """One page over TLS, as a browser asks the proxy: status and body."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", place.tls, timeout=20, context=context)
    # the certificate is for the public name, which this machine doesn't know
    connection.sock = context.wrap_socket(
        socket.create_connection(("127.0.0.1", place.tls), 20), server_hostname=HOST
    )
    try:
        connection.request("GET", path, headers={"Host": HOST})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def readings(place: Place) -> dict[str, float]:
    """What Prometheus gets from the port that is not published."""
    connection = http.client.HTTPConnection("127.0.0.1", place.inside, timeout=20)
    connection.request("GET", "/metrics", headers={"Host": f"proxy:{place.inside}"})
    text = connection.getresponse().read().decode()
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def expect(truth: object, words: str) -> None:
    """RuntimeError with the words unless it is true."""
    if not truth:
        raise RuntimeError(words)


@step("install.md 1", "秘密情報を作る（make-secrets.sh）、証明書を置く")
def _secrets(place: Place) -> str:
    place.make_secrets()
    return f"{len(list(place.secrets.iterdir()))} 個のファイル。フォルダーは所有者だけが開ける"


@step("install.md 2", "PostgreSQL（設定、接続の規則、ロール）と Redis を動かす")
def _servers(place: Place) -> str:
    place.start_postgres()
    place.start_redis()
    return "どちらもパスワード付きで応答"


@step("install.md 2", "setup（構造、権限、基本の値）と静的ファイル")
def _setup(place: Place) -> str:
    begun = time.monotonic()
    place.manage("setup", "setup")
    seconds = time.monotonic() - begun
    place.manage("web", "collectstatic", "--noinput", "--verbosity", "0")
    return f"{seconds:.0f} 秒で終了状態 0"


@step("install.md 2", "web 2 つ、worker・quick・backup・sealer・beat、nginx を動かす")
def _start(place: Place) -> str:
    for number in range(2):
        place.start_web(number)
    place.start_workers()
    place.start_proxy()
    return "すべて起動"


@step("install.md 3", "外からの応答（サインイン 200、/metrics と /healthz/ready は 404）")
def _outside(place: Place) -> str:
    status, page = fetch(place, "/sign-in/")
    expect(status == 200 and "パスワード" in page, f"/sign-in/ が {status} です。")
    for path in ("/metrics", "/healthz", "/healthz/ready"):
        expect(fetch(place, path)[0] == 404, f"{path} が外から見えます。")
    return "決めたとおり"


@step("install.md 3", "監視の窓口（9145）の値")
def _metrics(place: Place) -> str:
    waited = until(lambda: "office_worker_silent_seconds" in readings(place), "合図の処理", 150)
    found = readings(place)
    parts = {name: value for name, value in found.items() if name.startswith("office_part_answers")}
    expect(parts and set(parts.values()) == {1.0}, f"応答しない部品があります（{parts}）。")
    expect(found["office_migrations_applied"] == 1, "構造が最新ではありません。")
    expect(89 <= found["office_certificate_days"] <= 90, "証明書の残りを読めていません。")
    return f"部品 {len(parts)} 個がすべて応答、値 {len(found)} 個。最初の合図の処理まで {waited:.0f} 秒"


@step("install.md 4", "最初の利用者を作り、リンクを開く")
def _first_user(place: Place) -> str:
    answer = place.manage("web", "add_user", "kanri", "--role", "office_admin", "--email", "kanri@example.jp")
    link = next(word for word in answer.stdout.split() if "/set-password/" in word)
    path = link[link.index("/set-password/") :]
    status, _ = fetch(place, path)
    expect(status in (200, 302), f"リンクが {status} です。")
    return f"リンクを表示し、開ける（{status}）"


@step("install.md 5", "最初の控えを取り、見張りに出る")
def _backup(place: Place) -> str:
    begun = time.monotonic()
    place.manage("backup", "backup", "--full")
    seconds = time.monotonic() - begun
    place.manage("backup", "backup", "--status")
    waited = until(lambda: "office_backup_age_seconds" in readings(place), "控えの見張り", 150)
    found = readings(place)
    expect(found["office_backup_problems"] == 0, "控えに異常があります。")
    return f"{seconds:.0f} 秒。控えに届かない web からも {waited:.0f} 秒後に古さが見える"


@step("running.md 3", "列ごとの worker が処理する（封印、控え、合図）")
def _queues(place: Place) -> str:
    until(lambda: readings(place).get("office_seal_age_seconds", 0) > 0, "封印", 150)

    def caught_up() -> bool:
        found = readings(place)
        return all(value == 0 for name, value in found.items() if name.startswith("office_queue_length"))

    until(caught_up, "列が空になること", 150)
    found = readings(place)
    return f"4 つの列が空、封印されていない最も古い記録 {found['office_unsealed_oldest_seconds']:.0f} 秒"


@step("upgrade.md 2", "setup をもう一度行う（何も変わらない）")
def _setup_again(place: Place) -> str:
    begun = time.monotonic()
    place.manage("setup", "setup")
    return f"{time.monotonic() - begun:.0f} 秒で終了状態 0。その間も画面は動いたまま"


class Visitors:
    """Somebody who opens a page again and again while something is done; what was answered is counted."""

    def __init__(self, place: Place) -> None:
        self.place, self.seen, self._end = place, Counter[str](), threading.Event()
        self._thread = threading.Thread(target=self._open, daemon=True)

    def _open(self) -> None:
        while not self._end.wait(0.05):
            try:
                self.seen[str(fetch(self.place, "/sign-in/")[0])] += 1
            except OSError as trouble:
                self.seen[type(trouble).__name__] += 1

    def __enter__(self) -> "Visitors":
        self._thread.start()
        time.sleep(1)
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(1)
        self._end.set()
        self._thread.join()


def _all_well(visitors: Visitors) -> str:
    expect(set(visitors.seen) == {"200"}, f"応えられなかったものがあります（{dict(visitors.seen)}）。")
    return f"その間の {visitors.seen['200']} 回がすべて 200"


@step("upgrade.md 2", "web を一つずつ入れ替える間、誰も断られない")
def _rolling(place: Place) -> str:
    with Visitors(place) as visitors:
        for number in range(2):
            process = place.processes[f"web{number + 1}"]
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            place.start_web(number)
            # until the proxy looks again (deploy/nginx/start.sh: fail_timeout)
            time.sleep(4)
    return _all_well(visitors)


@step("scale-out.md 2", "web の一つを強制終了しても、もう一つが応える")
def _killed(place: Place) -> str:
    with Visitors(place) as visitors:
        process = place.processes["web1"]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(2)
        place.start_web(0)
    return _all_well(visitors)


@step("upgrade.md 4", "保守の画面を出し、終わる")
def _maintenance(place: Place) -> str:
    script = str(place.folder / "deploy/nginx/maintenance.sh")
    environment = {"PATH": os.defpath, "MAINTENANCE_DIR": str(place.folder / "nginx/maintenance")}
    place.run(["sh", script, "on", "2026年11月22日（日） 2:00"], env=environment)
    status, page = fetch(place, "/office/")
    expect(
        status == 503 and "終了の予定は 2026年11月22日（日） 2:00 です" in page,
        f"保守の画面が出ません（{status}）。",
    )
    expect(readings(place)["office_migrations_applied"] == 1, "保守の間、監視が見えません。")
    place.run(["sh", script, "off"], env=environment)
    expect(fetch(place, "/sign-in/")[0] == 200, "保守の画面が終わりません。")
    return "全員に 503 と終了の予定。監視は続く。終わるとすぐ 200"


@step("upgrade.md 2", "表の鍵を取れない構造の変更は、あきらめて何も止めない")
def _lock(place: Place) -> str:
    change = (
        "from django.db import connections; connections['owner'].cursor()"
        ".execute('ALTER TABLE jobs_job ADD COLUMN rehearsal integer')"
    )
    environment = {**place.environment("setup"), "DATABASE_LOCK_TIMEOUT": "2"}
    with psycopg.connect(place.secret("database_url")) as holder:
        holder.execute("LOCK TABLE jobs_job IN ACCESS SHARE MODE")
        begun = time.monotonic()
        try:
            place.run([sys.executable, "manage.py", "shell", "-c", change], env=environment)
        except RuntimeError as refusal:
            expect("lock timeout" in str(refusal), f"別の理由で失敗しました（{refusal}）。")
        else:
            raise RuntimeError("鍵があるのに、構造を変えられました。")
        seconds = time.monotonic() - begun
    expect(fetch(place, "/sign-in/")[0] == 200, "画面が止まっています。")
    return f"{seconds:.0f} 秒で「lock timeout」。表は元のまま"


@step("incident.md 3", "Redis を失っても、空のまま動き直す")
def _redis_lost(place: Place) -> str:
    process = place.processes["redis"]
    process.kill()
    process.wait()
    until(lambda: not answers(place.redis), "Redis の停止")
    expect(fetch(place, "/sign-in/")[0] == 200, "Redis なしで画面が開きません。")
    expect(readings(place)['office_part_answers{part="redis"}'] == 0, "Redis の停止が見えません。")
    place.begin("redis", [str(place.programs.redis_server), str(place.folder / "deploy/redis/redis.conf")])
    waited = until(lambda: "office_worker_silent_seconds" in readings(place), "合図の再開", 200)
    return f"止まっている間も画面は 200。動かし直して {waited:.0f} 秒後に合図が処理された"


@step("incident.md 0", "証拠を残す命令（履歴の検証、影響範囲）")
def _evidence(place: Place) -> str:
    verified = place.manage("worker", "verify_audit").stdout.strip().splitlines()
    day = time.strftime("%Y-%m-%d")
    output = place.folder / "reach.csv"
    place.manage("worker", "incident_reach", "--from", day, "--output", str(output))
    expect(output.stat().st_size > 0, "影響範囲の一覧が空です。")
    return verified[0] if verified else "終了状態 0"


def run_all(place: Place) -> list[tuple[str, str, str, bool]]:
    """Runs every step; after one that failed, no other: they build on each other."""
    results: list[tuple[str, str, str, bool]] = []
    for guide, title, function in STEPS:
        try:
            results.append((guide, title, function(place), True))
        except (
            RuntimeError,
            TimeoutError,
            OSError,
            subprocess.SubprocessError,
            psycopg.Error,
            KeyError,
        ) as failure:
            results.append((guide, title, f"{type(failure).__name__}: {failure}", False))
            break
    return results
