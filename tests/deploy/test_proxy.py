"""The proxy's configuration on a real nginx in front of a real little server, where nginx is installed."""

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.conf import settings

from office.roster_forms import LARGEST_BYTES

PROJECT = Path(__file__).resolve().parent.parent.parent
SOURCE = PROJECT / "deploy" / "nginx"
HOST = "office.go.test"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": settings.X_FRAME_OPTIONS,
    "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": settings.PERMISSIONS_POLICY,
    "Content-Security-Policy": "; ".join(
        f"{name} {' '.join(values)}"
        for name, values in settings.CONTENT_SECURITY_POLICY["DIRECTIVES"].items()
    ),
}
# continuous integration installs nginx (make tools); there its absence is a failure
needs_nginx = pytest.mark.skipif(
    not (NGINX and shutil.which("openssl")) and not os.environ.get("CI"), reason="nginx is not installed"
)


def test_what_nginx_answers_itself_has_the_applications_security_headers() -> None:
    text = (SOURCE / "headers.conf").read_text()
    given = {
        name: value.strip('"') for name, value in re.findall(r"^add_header (\S+) (.+) always;$", text, re.M)
    }
    assert given == HEADERS


def test_the_largest_upload_of_the_settings_passes_the_proxy() -> None:
    text = (SOURCE / "nginx.conf").read_text()
    sizes = [int(number) * 1024 * 1024 for number in re.findall(r"client_max_body_size (\d+)m;", text)]
    assert min(sizes) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert max(sizes) > settings.IMPORT_MAX_BYTES
    for place, most in (
        ("^~ /receipts/add/", settings.RECEIPT_MOST_BYTES),
        ("~ ^/r/[^/]+/certificates/$", settings.RECEIPT_MOST_BYTES),
        ("= /office/rosters/", LARGEST_BYTES),
    ):
        found = re.search(rf"location {re.escape(place)} {{\s+client_max_body_size (\d+)m;", text)
        assert found, place
        assert int(found[1]) * 1024 * 1024 > most


# an address behind which many people work
SHARED = "127.0.0.9"


class Application(BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps(
            {"path": self.path, "headers": dict(self.headers), "process": self.server.server_address[1]}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Request-ID", "0123456789abcdef")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Proxy:
    plain: int
    tls: int
    inside: int
    log: Path

    def ask(
        self,
        method: str,
        path: str,
        *,
        host: str = HOST,
        body: bytes | None = None,
        sni: str | None = HOST,
        source: str = "",
        **headers: str,
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """One request over TLS: status, headers, body."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        raw = socket.create_connection(("127.0.0.1", self.tls), 10, (source, 0) if source else None)
        connection = http.client.HTTPConnection("127.0.0.1", self.tls)
        connection.sock = context.wrap_socket(raw, server_hostname=sni)
        try:
            connection.request(method, path, body=body, headers={"Host": host, **headers})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    conf, static, work = folder / "conf", folder / "static", folder / "work"
    shutil.copytree(SOURCE, conf)
    static.mkdir()
    work.mkdir()
    (static / "base.css").write_text("body{}")
    shutil.copy("/etc/nginx/mime.types", conf)
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ]
        + ["-subj", f"/CN={HOST}", "-keyout", str(work / "key"), "-out", str(work / "certificate")],
        check=True,
        capture_output=True,
    )
    application = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=application.serve_forever, daemon=True).start()
    second = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=second.serve_forever, daemon=True).start()
    given = Proxy(free_port(), free_port(), free_port(), work / "access.log")
    places = {
        "/tmp/nginx/": f"{work}/",  # noqa: S108
        "/var/cache/nginx/": f"{work}/",
        "/run/secrets/tls_certificate": f"{work}/certificate",
        "/run/secrets/tls_private_key": f"{work}/key",
        "/dev/stdout": str(given.log),
        "/dev/stderr": str(work / "error.log"),
        "/srv/static/": f"{static}/",
        "root /etc/nginx;": f"root {conf};",
        "listen 8080": f"listen 127.0.0.1:{given.plain}",
        "listen 8443": f"listen 127.0.0.1:{given.tls}",
        "listen 9145": f"listen 127.0.0.1:{given.inside}",
        "        9145 ": f"        {given.inside} ",
    }
    text = (conf / "nginx.conf").read_text()
    for name, place in places.items():
        assert name in text, f"{name} is not in nginx.conf any more"
        text = text.replace(name, place)
    (conf / "nginx.conf").write_text(text)
    # what start.sh makes; two processes of the application
    (work / "server_name.conf").write_text(f"server_name {HOST};\n")
    (work / "public_host.conf").write_text(f'map "" $public_host {{ default {HOST}; }}\n')
    servers = [application, second]
    (work / "shared_networks.conf").write_text(f"{SHARED}/32 1;\n")
    (work / "upstream.conf").write_text(
        "".join(f"server 127.0.0.1:{server.server_port};\n" for server in servers)
    )
    command = [str(NGINX), "-p", str(folder), "-c", str(conf / "nginx.conf"), "-e", str(work / "error.log")]
    subprocess.run([*command, "-t", "-q"], check=True)
    # started by root it would serve as a user who can't enter the folder of the tests
    user = "user root;" if os.geteuid() == 0 else ""
    process = subprocess.Popen([*command, "-g", f"daemon off; {user}"])
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", given.tls), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield given
    finally:
        process.terminate()
        process.wait(20)
        for server in servers:
            server.shutdown()


@needs_nginx
def test_a_page_is_fetched_with_headers_that_the_proxy_alone_sets(proxy: Proxy) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.test"}
    status, _, body = proxy.ask("GET", "/office/?q=x", **forged)
    told = {name.lower(): value for name, value in json.loads(body)["headers"].items()}
    assert status == 200
    assert json.loads(body)["path"] == "/office/?q=x"
    assert told["host"] == HOST
    assert told["x-forwarded-proto"] == "https"
    assert told["x-forwarded-for"] == "127.0.0.1"
    assert "x-forwarded-host" not in told


@needs_nginx
def test_the_log_holds_neither_query_strings_nor_tokens(proxy: Proxy) -> None:
    proxy.ask("GET", "/office/experts/?q=%E5%B1%B1%E7%94%B0canary", Referer=f"https://{HOST}/?q=canary")
    proxy.ask("GET", "/set-password/MQ/canary-token/")
    proxy.ask("GET", "/c/canary-token/")
    end = time.monotonic() + 5
    # the proxy writes a line after its answer has gone
    while '"path":"/c/…"' not in proxy.log.read_text() and time.monotonic() < end:
        time.sleep(0.05)
    text = proxy.log.read_text()
    assert '"path":"/office/experts/"' in text
    assert '"path":"/set-password/…"' in text
    assert '"path":"/c/…"' in text
    assert '"request_id":"0123456789abcdef"' in text
    assert "canary" not in text
    for line in text.splitlines():
        json.loads(line)


@needs_nginx
def test_a_foreign_host_name_is_refused(proxy: Proxy) -> None:
    with pytest.raises(ssl.SSLError):
        proxy.ask("GET", "/", sni="evil.test")
    with pytest.raises(ssl.SSLError):
        proxy.ask("GET", "/", sni=None)
    assert proxy.ask("GET", "/", host="evil.test")[0] == 421


def plain(proxy: Proxy, host: str, path: str = "/office/?q=x") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.plain, timeout=10)
    connection.request("GET", path, headers={"Host": host})
    return connection.getresponse()


@needs_nginx
def test_without_tls_there_is_only_the_way_to_it(proxy: Proxy) -> None:
    answer = plain(proxy, HOST)
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/office/?q=x")
    assert plain(proxy, "evil.test").status == 400
    assert plain(proxy, "127.0.0.1", "/proxy-health").status == 204


@needs_nginx
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(proxy: Proxy, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", proxy.tls), timeout=10) as raw,
        pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"),
    ):
        context.wrap_socket(raw, server_hostname=HOST)


@needs_nginx
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_new_tls_uses_a_recommended_cipher(proxy: Proxy, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", proxy.tls), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname=HOST) as secured,
    ):
        cipher = secured.cipher()
    assert cipher
    assert re.search("AES.?(128|256).?GCM", cipher[0])


@needs_nginx
def test_trying_passwords_quickly_is_slowed_down_and_looking_is_not(proxy: Proxy) -> None:
    tries = [proxy.ask("POST", "/sign-in/", body=b"x=1") for _ in range(12)]
    assert [status for status, _, _ in tries].count(200) <= 7
    status, headers, body = tries[-1]
    assert status == 429
    assert "しばらくお待ちください" in body.decode()
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert {proxy.ask("GET", "/sign-in/")[0] for _ in range(12)} == {200}


@needs_nginx
def test_a_whole_office_behind_one_address_signs_in_at_once(proxy: Proxy) -> None:
    tries = [proxy.ask("POST", "/sign-in/", body=b"x=1", source=SHARED)[0] for _ in range(40)]
    assert tries == [200] * 40
    # not without end
    more = [proxy.ask("POST", "/sign-in/", body=b"x=1", source=SHARED)[0] for _ in range(40)]
    assert 429 in more


@needs_nginx
def test_a_body_too_large_is_refused_except_where_files_are_loaded(proxy: Proxy) -> None:
    body = b"x" * (7 * 1024 * 1024)
    status, _, page = proxy.ask("POST", "/office/runs/", body=body)
    assert status == 413
    assert "ファイルが大きすぎます" in page.decode()
    assert proxy.ask("POST", "/office/imports/", body=body)[0] == 200
    assert proxy.ask("POST", "/admin/experts/expert/import/", body=body)[0] == 200
    for path in ("/receipts/add/D1/", "/r/canary-token/certificates/", "/office/rosters/"):
        assert proxy.ask("POST", path, body=body)[0] == 200
    assert proxy.ask("POST", "/r/canary-token/", body=body)[0] == 413


@needs_nginx
def test_static_files_come_from_the_proxy_and_may_be_kept(proxy: Proxy) -> None:
    status, headers, body = proxy.ask("GET", "/static/base.css")
    assert (status, body) == (200, b"body{}")
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert {name: headers[name] for name in HEADERS} == HEADERS
    for path in ("/static/../conf/nginx.conf", "/static/%2e%2e/conf/nginx.conf", "/static../conf/nginx.conf"):
        assert b"worker_processes" not in proxy.ask("GET", path)[2]
    assert proxy.ask("POST", "/static/base.css")[0] in (403, 405)


@needs_nginx
def test_what_is_for_the_inside_is_not_reachable(proxy: Proxy) -> None:
    assert proxy.ask("GET", "/healthz")[0] == 404
    assert proxy.ask("GET", "/healthz/ready")[0] == 404
    for path in ("/metrics", "/metrics?x=1", "//metrics", "/%6detrics", "/./metrics", "/x/../metrics"):
        assert proxy.ask("GET", path)[0] == 404, path
    assert proxy.ask("TRACE", "/")[0] == 405
    assert proxy.ask("GET", "/errors/413.html")[0] == 404


@pytest.mark.parametrize("host", ["", "office.go.test;", "a b", "*.go.test", ".go.test"])
def test_the_proxy_does_not_start_without_one_host_name(host: str) -> None:
    answer = subprocess.run(
        ["sh", str(SOURCE / "start.sh")],
        env={"PUBLIC_HOST": host, "PATH": os.defpath},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 1
    assert "PUBLIC_HOST に公開するホスト名を設定してください" in answer.stderr


@needs_nginx
def test_all_processes_of_the_application_are_used(proxy: Proxy) -> None:
    answered = {json.loads(proxy.ask("GET", "/")[2])["process"] for _ in range(12)}
    assert len(answered) == 2


def inside(proxy: Proxy, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.inside, timeout=10)
    connection.request(method, path, headers={"Host": f"proxy:{proxy.inside}"})
    answer = connection.getresponse()
    return answer.status, answer.read()


@needs_nginx
def test_from_the_inside_the_readings_alone_can_be_asked_for(proxy: Proxy) -> None:
    status, body = inside(proxy, "/metrics")
    told = {name.lower(): value for name, value in json.loads(body)["headers"].items()}
    assert (status, json.loads(body)["path"]) == (200, "/metrics")
    assert (told["host"], told["x-forwarded-proto"]) == (HOST, "https")
    for path in ("/", "/office/", "/healthz/ready", "/metrics/", "/metrics/../office/"):
        assert inside(proxy, path)[0] == 404
    assert inside(proxy, "/metrics", "POST")[0] == 403


def maintenance(proxy: Proxy, *arguments: str) -> subprocess.CompletedProcess[str]:
    folder = proxy.log.parent
    return subprocess.run(
        ["sh", str(folder.parent / "conf" / "maintenance.sh"), *arguments],
        env={"PATH": os.defpath, "MAINTENANCE_DIR": str(folder / "maintenance")},
        capture_output=True,
        text=True,
    )


@needs_nginx
def test_during_maintenance_everybody_reads_until_when_and_it_ends_at_once(proxy: Proxy) -> None:
    assert maintenance(proxy, "on", "2026年11月22日（日） 2:00 <b>&/\\").returncode == 0
    try:
        for method, path in (("GET", "/office/"), ("POST", "/sign-in/"), ("GET", "/api/v1/x/")):
            status, headers, body = proxy.ask(method, path, body=b"x=1" if method == "POST" else None)
            assert status == 503
            assert "終了の予定は 2026年11月22日（日） 2:00 &lt;b&gt;&amp;/\\ です。" in body.decode()
            assert headers["Retry-After"] == "300"
            assert "no-store" in headers["Cache-Control"]
            assert {name: headers[name] for name in HEADERS} == HEADERS
        assert inside(proxy, "/metrics")[0] == 200
    finally:
        assert maintenance(proxy, "off").returncode == 0
    assert proxy.ask("GET", "/office/")[0] == 200


def test_maintenance_without_an_end_is_not_begun(tmp_path: Path) -> None:
    for arguments in (["on"], ["on", ""], [], ["later"]):
        answer = subprocess.run(
            ["sh", str(SOURCE / "maintenance.sh"), *arguments],
            env={"PATH": os.defpath, "MAINTENANCE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert answer.returncode == 1
        assert answer.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("version", "upstream"),
    [
        (
            "1.30.4",
            "resolver 127.0.0.11 valid=5s ipv6=off;\nserver web:8000 resolve max_fails=2 fail_timeout=3s;\n",
        ),
        (
            "1.27.3",
            "resolver 127.0.0.11 valid=5s ipv6=off;\nserver web:8000 resolve max_fails=2 fail_timeout=3s;\n",
        ),
        ("1.27.2", "server web:8000 max_fails=2 fail_timeout=3s;\n"),
        ("1.22.1", "server web:8000 max_fails=2 fail_timeout=3s;\n"),
    ],
)
def test_a_new_enough_nginx_finds_processes_that_come_and_go(
    tmp_path: Path, version: str, upstream: str
) -> None:
    # stands in for nginx: says its version, and ends when it is started
    program = tmp_path / "nginx"
    program.write_text(f'#!/bin/sh\n[ "$1" = -v ] && echo "nginx version: nginx/{version}" >&2\nexit 0\n')
    program.chmod(0o755)
    (tmp_path / "resolv.conf").write_text("search x\nnameserver 127.0.0.11\noptions ndots:0\n")
    environment = {
        "PATH": f"{tmp_path}:{os.defpath}",
        "PUBLIC_HOST": "Office.go.test",
        "SHARED_NETWORKS": "203.0.113.7/32, 2001:db8::/48",
        "MADE_DIR": str(tmp_path / "made"),
        "RESOLV_CONF": str(tmp_path / "resolv.conf"),
    }
    subprocess.run(["sh", str(SOURCE / "start.sh")], env=environment, check=True)
    made = {file.name: file.read_text() for file in (tmp_path / "made").iterdir()}
    assert made["upstream.conf"] == upstream
    assert made["server_name.conf"] == "server_name office.go.test;\n"
    assert made["public_host.conf"] == 'map "" $public_host { default office.go.test; }\n'
    assert made["shared_networks.conf"] == "203.0.113.7/32 1;\n2001:db8::/48 1;\n"
