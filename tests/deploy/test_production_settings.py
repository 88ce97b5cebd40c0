"""The production settings as a process meets them: what they take from outside and what they refuse."""

import base64
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
STRONG = secrets.token_hex(32)
KEY = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
ANOTHER_KEY = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def environment(**changes: str) -> dict[str, str]:
    """A complete production environment with strong secrets, and `changes`; empty takes a name away."""
    given = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": STRONG,
        "FIELD_KEYS": KEY,
        "FINGERPRINT_KEY": ANOTHER_KEY,
        "ALLOWED_HOSTS": "office.go.test",
        "DATABASE_URL": f"postgresql://dispatch_app:{STRONG}@127.0.0.1:1/dispatch",
        "REDIS_URL": f"redis://:{STRONG}@127.0.0.1:1/0",
        **changes,
    }
    return {name: value for name, value in given.items() if value}


def manage(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_strong_secrets_pass_the_deployment_check_without_a_warning() -> None:
    answer = manage("check", "--deploy", "--fail-level", "WARNING", CLAMD_ADDRESS="clamd:3310")
    assert answer.returncode == 0, answer.stderr
    assert "no issues (0 silenced)" in answer.stdout


def test_without_a_virus_scanner_the_deployment_check_says_so() -> None:
    answer = manage("check", "--deploy", "--fail-level", "WARNING")
    assert answer.returncode == 0, answer.stderr
    assert "ウイルス検査が設定されていません" in answer.stderr


REFUSED = {
    "no key": ({"SECRET_KEY": ""}, "SECRET_KEY または SECRET_KEY_FILE を設定してください。"),
    "short key": ({"SECRET_KEY": STRONG[:49]}, "SECRET_KEY は 50 文字以上の乱数にしてください。"),
    "dull key": ({"SECRET_KEY": "abcde" * 20}, "SECRET_KEY は 50 文字以上の乱数にしてください。"),
    "sample key": ({"SECRET_KEY": f"change-me-{STRONG}"}, "SECRET_KEY に見本の値が残っています。"),
    "Django's own key": (
        {"SECRET_KEY": f"django-insecure-{STRONG}"},
        "SECRET_KEY に見本の値が残っています。",
    ),
    "no field key": ({"FIELD_KEYS": ""}, "FIELD_KEYS または FIELD_KEYS_FILE を設定してください。"),
    "short field key": ({"FIELD_KEYS": KEY[:19]}, "FIELD_KEYS は 20 文字以上の乱数にしてください。"),
    "sample field key": (
        {"FIELD_KEYS": "change-me-to-a-random-key-0123456789abcdefgh="},
        "FIELD_KEYS に見本の値が残っています。",
    ),
    "no key at all": ({"FIELD_KEYS": STRONG}, "FIELD_KEYS の鍵は、32 バイトの乱数を"),
    "no fingerprint key": (
        {"FINGERPRINT_KEY": ""},
        "FINGERPRINT_KEY または FINGERPRINT_KEY_FILE を設定してください。",
    ),
    "sample fingerprint key": (
        {"FINGERPRINT_KEY": "change-me-to-another-random-key-0123456789abc="},
        "FINGERPRINT_KEY に見本の値が残っています。",
    ),
    "no key for fingerprints": ({"FINGERPRINT_KEY": STRONG}, "FINGERPRINT_KEY の鍵は、32 バイトの乱数を"),
    "one key for both": ({"FINGERPRINT_KEY": KEY}, "FINGERPRINT_KEY には FIELD_KEYS とは別の鍵を"),
    "one bad old key": ({"FIELD_KEYS": f"{KEY},{STRONG}"}, "FIELD_KEYS の鍵は、32 バイトの乱数を"),
    "short retention": ({"AUDIT_RETENTION_DAYS": "30"}, "AUDIT_RETENTION_DAYS は 31 以上にしてください。"),
    "a sealer that is the application": (
        {"DATABASE_SEALER_URL": f"postgresql://dispatch_app:{STRONG}@127.0.0.1:1/dispatch"},
        "DATABASE_URL と DATABASE_SEALER_URL には別のロールを使ってください。",
    ),
    "a sealer without a key": (
        {"DATABASE_SEALER_URL": f"postgresql://dispatch_sealer:{STRONG}@127.0.0.1:1/dispatch"},
        "AUDIT_SIGNING_KEY または AUDIT_SIGNING_KEY_FILE を設定してください。",
    ),
    "a sealer with a weak key": (
        {
            "DATABASE_SEALER_URL": f"postgresql://dispatch_sealer:{STRONG}@127.0.0.1:1/dispatch",
            "AUDIT_SIGNING_KEY": STRONG,
        },
        "AUDIT_SIGNING_KEY の鍵は、32 バイトの乱数を",
    ),
    "no host": ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS に公開するホスト名を設定してください。"),
    "blank host": ({"ALLOWED_HOSTS": " , "}, "ALLOWED_HOSTS に公開するホスト名を設定してください。"),
    "any host": ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS の「*」は使えません。"),
    "any subdomain": ({"ALLOWED_HOSTS": "a.go.test,.go.test"}, "ALLOWED_HOSTS の「.go.test」は使えません。"),
    "an address": (
        {"ALLOWED_HOSTS": "https://office.go.test"},
        "ALLOWED_HOSTS の「https://office.go.test」は使えません。",
    ),
    "no database": ({"DATABASE_URL": ""}, "DATABASE_URL または DATABASE_URL_FILE を設定してください。"),
    "another database": (
        {"DATABASE_URL": f"mysql://dispatch_app:{STRONG}@db/dispatch"},
        "DATABASE_URL は postgresql:// で始まる接続先にしてください。",
    ),
    "no database password": (
        {"DATABASE_URL": "postgresql://dispatch_app@db/dispatch"},
        "DATABASE_URL のパスワード は 20 文字以上の乱数にしてください。",
    ),
    "weak database password": (
        {"DATABASE_URL": "postgresql://dispatch_app:app@db/dispatch"},
        "DATABASE_URL のパスワード は 20 文字以上の乱数にしてください。",
    ),
    "sample database password": (
        {"DATABASE_URL": "postgresql://dispatch_app:change-me-to-a-random-value@db/dispatch"},
        "DATABASE_URL のパスワード に見本の値が残っています。",
    ),
    "superuser": (
        {"DATABASE_URL": f"postgresql://postgres:{STRONG}@db/dispatch"},
        "DATABASE_URL には専用のロールを使ってください",
    ),
    "owner is the application": (
        {"DATABASE_OWNER_URL": f"postgresql://dispatch_app:{STRONG}@127.0.0.1:1/dispatch"},
        "DATABASE_URL と DATABASE_OWNER_URL には別のロールを使ってください。",
    ),
    "weak owner password": (
        {"DATABASE_OWNER_URL": "postgresql://dispatch_owner:owner@127.0.0.1:1/dispatch"},
        "DATABASE_OWNER_URL のパスワード は 20 文字以上の乱数にしてください。",
    ),
    "no Redis": ({"REDIS_URL": ""}, "REDIS_URL または REDIS_URL_FILE を設定してください。"),
    "no Redis password": (
        {"REDIS_URL": "redis://redis:6379/0"},
        "REDIS_URL のパスワード は 20 文字以上の乱数にしてください。",
    ),
    "no Redis address": ({"REDIS_URL": STRONG}, "REDIS_URL は redis:// か rediss:// で始まる"),
    "no secret file": (
        {"SECRET_KEY_FILE": "/nonexistent/key"},
        "SECRET_KEY_FILE のファイル /nonexistent/key を読めません。",
    ),
    "no network": ({"TRUSTED_PROXIES": "proxy"}, "TRUSTED_PROXIES の「proxy」はネットワークではありません。"),
    "everybody a proxy": (
        {"TRUSTED_PROXIES": "0.0.0.0/0"},
        "TRUSTED_PROXIES の「0.0.0.0/0」は、すべての接続元を",
    ),
    "no number of seconds": (
        {"DATABASE_STATEMENT_TIMEOUT": "30s"},
        "DATABASE_STATEMENT_TIMEOUT は 1 以上の秒数",
    ),
    "zero seconds": ({"DATABASE_STATEMENT_TIMEOUT": "0"}, "DATABASE_STATEMENT_TIMEOUT は 1 以上の秒数"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_missing_weak_or_a_sample_stops_the_start(case: str) -> None:
    changes, reason = REFUSED[case]
    answer = manage("check", **changes)
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"エラー: {reason}")
    assert answer.stderr.count("\n") == 1
    assert STRONG not in answer.stderr, "a refusal must not print a secret"
    assert KEY not in answer.stderr


def show(expression: str, **changes: str) -> str:
    """What a setting becomes."""
    code = f"import django; django.setup(); from django.conf import settings; print({expression})"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return answer.stdout.strip()


def test_a_secret_file_stands_for_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "database_url"
    file.write_text(f"postgresql://dispatch_app:{STRONG[::-1]}@127.0.0.1:1/dispatch\n")
    password = show("settings.DATABASES['default']['PASSWORD']", DATABASE_URL="", DATABASE_URL_FILE=str(file))
    assert password == STRONG[::-1]


def test_an_empty_secret_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret_key"
    file.write_text("\n")
    answer = manage("check", SECRET_KEY_FILE=str(file))
    assert answer.returncode == 1
    assert "SECRET_KEY または SECRET_KEY_FILE を設定してください。" in answer.stderr


def test_the_statement_timeout_is_the_web_processes_alone() -> None:
    options = "settings.DATABASES['default']['OPTIONS']"
    assert show(options) == "{}"
    assert show(options, DATABASE_STATEMENT_TIMEOUT="30") == "{'options': '-c statement_timeout=30s'}"


def test_what_setup_and_backups_alone_are_given() -> None:
    """A change of structure waits for its table no longer than told; minutely timers do not pile up in a queue."""
    other = STRONG[1:] + STRONG[:1]
    owner = f"postgresql://dispatch_owner:{other}@127.0.0.1:1/dispatch"
    backup = f"postgresql://dispatch_backup:{other}@127.0.0.1:1/dispatch"
    wanted = (
        "[settings.DATABASES['owner']['OPTIONS'], settings.DATABASE_BACKUP_URL,"
        " settings.CELERY_BEAT_SCHEDULE['collect-for-backup']['options']]"
    )
    given = show(wanted, DATABASE_OWNER_URL=owner, DATABASE_LOCK_TIMEOUT="10", DATABASE_BACKUP_URL=backup)
    assert given == str([{"options": "-c lock_timeout=10s"}, backup, {"expires": 120.0}])
    same = manage("check", DATABASE_BACKUP_URL=backup.replace("dispatch_backup", "dispatch_app"))
    assert "DATABASE_URL と DATABASE_BACKUP_URL には別のロールを使ってください。" in same.stderr


def test_without_the_owners_address_nothing_can_change_the_structure() -> None:
    answer = manage("setup")
    assert answer.returncode == 1
    assert answer.stderr.startswith("エラー: DATABASE_OWNER_URL が設定されていないため")


def test_cookies_and_transport_are_secured() -> None:
    wanted = {
        "DEBUG": False,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31536000,
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_TRUSTED_ORIGINS": ["https://office.go.test"],
        "EMBEDDED_SERVERS": False,
        "ALLOW_BATCH_CLOSE": False,
    }
    assert show(f"[getattr(settings, n) for n in {list(wanted)}]") == str(list(wanted.values()))
