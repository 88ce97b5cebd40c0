"""Hostile input (reference rows I-01, I-02, I-03, I-05, I-07, I-08, K-02, K-05, K-06, K-08, K-12): the plain answer, no effect."""

import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rights_story import FILES

from accounts.models import Role, User
from accounts.services import create_user
from core.audit.acting import SYSTEM
from core.exchange.services import known_file, load_files
from core.jobs.models import Job
from core.notify.models import Mail
from core.notify.services import open_task, queue_mail

PROJECT = Path(__file__).resolve().parent.parent.parent
OURS = (
    "accounts",
    "config",
    "core",
    "dispatch",
    "experts",
    "institutions",
    "office",
    "payments",
    "rules",
    "surveys",
)
PAYLOADS = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "javascript:alert(1)")


def sources() -> dict[Path, str]:
    """Every Python file of the product."""
    return {
        path: path.read_text()
        for app in OURS
        for path in (PROJECT / app).rglob("*.py")
        if "migrations" not in path.parts
    }


@pytest.fixture
def office(db: None, client: Client) -> Client:
    """A signed-in operator."""
    person = create_user(username="tanaka", role=Role.OFFICE_OPERATOR, actor=SYSTEM, display_name="田中")
    client.force_login(person)
    return client


@pytest.fixture(autouse=True)
def _without_second_factor(settings: Any) -> None:
    settings.MFA_REQUIRED = False


# ---- I-01, I-02: SQL and commands


@pytest.mark.parametrize(
    "payload", ["' OR 1=1 --", "'; DROP TABLE jobs_job; --", "%' AND pg_sleep(9)='", "\\"]
)
def test_i01_sql_in_a_search_is_only_text(office: Client, payload: str) -> None:
    for path in ("/office/dispatches/", "/office/experts/", "/office/institutions/", "/office/mails/"):
        for name in ("q", "sort", "page", "status", "kind", "code", "institution", "state"):
            assert office.get(path, {name: payload}).status_code in (200, 404), (path, name)
    assert Job.objects.count() == 0


def test_i01_sql_is_never_put_together_by_the_orms_back_doors() -> None:
    found = [
        f"{path.relative_to(PROJECT)}: {line.strip()}"
        for path, text in sources().items()
        for line in text.splitlines()
        if re.search(r"\.extra\(|\.raw\(|RawSQL\(", line)
    ]
    assert found == []


def test_i01_an_error_page_names_no_database(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import ProgrammingError

    def broken(*arguments: Any, **words: Any) -> None:
        raise ProgrammingError('relation "experts_expert" does not exist')

    monkeypatch.setattr("accounts.views.sign_in.SignInView.get", broken)
    client.raise_request_exception = False
    page = client.get("/sign-in/").content.decode()
    assert "experts_expert" not in page
    assert "relation" not in page


def test_i02_nothing_starts_a_shell() -> None:
    for path, text in sources().items():
        assert not re.search(r"shell\s*=\s*True|os\.system\(|os\.popen\(|\beval\(|\bexec\(", text), path


# ---- I-03, K-02: files


def upload_named(office: Client, name: str) -> Any:
    """A hand-made upload: the name goes out as it is."""
    body = (
        f'--x\r\nContent-Disposition: form-data; name="uploads"; filename="{name}"\r\n'
        "Content-Type: text/csv\r\n\r\na,b\r\n1,2\r\n\r\n--x--\r\n"
    )
    return office.post("/office/imports/", body.encode(), content_type="multipart/form-data; boundary=x")


@pytest.mark.parametrize(
    "name",
    [
        "..%2fexperts.csv",
        "/etc/passwd",
        "experts.csv.exe",
        "experts.csv;.exe",
        "experts.svg",
        "experts.html",
        "experts.csv%00.exe",
        "EXPERTS.CSV.",
        "あ" * 300 + ".csv",
        "",
        "..",
    ],
)
def test_i03_k02_a_file_by_any_other_name_is_refused(office: Client, name: str) -> None:
    assert not known_file(name)
    response = upload_named(office, name)
    assert response.status_code in (200, 400)
    assert not Job.objects.exists()


@pytest.mark.parametrize("name", ["../../experts.csv", "/srv/experts.csv", "C:\\\\x\\\\experts.csv"])
def test_i03_folders_in_the_name_of_a_file_are_not_followed(
    office: Client, name: str, settings: Any, tmp_path: Path
) -> None:
    settings.UPLOAD_DIR = tmp_path / "deep" / "uploads"
    assert upload_named(office, name).status_code == 302
    assert Job.objects.get().title == "データ取込: experts.csv"
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    for path in written:
        assert path.is_relative_to(settings.UPLOAD_DIR)
        assert "experts" not in path.name


@pytest.mark.parametrize(
    "path",
    [
        "/office/runs/x/files/../../../../etc/passwd",
        "/office/runs/x/files/%2e%2e/%2e%2e/etc/passwd",
        "/office/runs/x/files//etc/passwd",
        "/office/runs/..%2f..%2fetc/files/passwd",
        "/static/../config/settings/base.py",
        "/static/%2e%2e/config/settings/base.py",
        "/static//etc/passwd",
    ],
)
def test_i03_no_address_leads_out_of_its_folder(office: Client, path: str) -> None:
    response = office.get(path)
    assert response.status_code in (400, 404)


def test_k02_a_body_beyond_the_limit_is_413_before_any_view(office: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = office.post("/office/mails/1/decide/", {"decision": "x" * 2000})
    assert response.status_code == 413
    assert "大きすぎます" in response.content.decode()


def test_k02_uploads_larger_in_sum_than_the_limit_are_refused(
    office: Client, settings: Any, tmp_path: Path
) -> None:
    settings.IMPORT_MAX_BYTES = 100
    settings.UPLOAD_DIR = tmp_path
    response = office.post("/office/imports/", {"uploads": SimpleUploadedFile("experts.csv", b"x" * 200)})
    assert response.status_code == 200
    assert "ファイルが大きすぎます" in response.content.decode()
    assert not list(tmp_path.rglob("*.csv"))


def test_k02_a_workbook_that_unpacks_to_more_than_it_says_fills_no_memory(db: None, tmp_path: Path) -> None:
    from core.exchange.services import load_folder

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", b"<x>" + b"0" * 30_000_000)
    (tmp_path / "experts.xlsx").write_bytes(packed.getvalue())
    result = load_folder(tmp_path, actor=SYSTEM, dry_run=True)
    assert not result.ok


# ---- I-05: scripts in text


def load_an_expert(name: str) -> None:
    """Through the same door as all data, which keeps text as it is."""
    files = {"institutions.csv": FILES["institutions.csv"]}
    rows = list(csv.reader(io.StringIO(FILES["experts.csv"])))
    rows[1][rows[0].index("氏名")] = name
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    files["experts.csv"] = written.getvalue()
    loaded = load_files({k: io.BytesIO(v.encode("utf-8-sig")) for k, v in files.items()}, actor=SYSTEM)
    assert loaded.ok, list(loaded.problems)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_i05a_what_people_typed_is_shown_as_text(office: Client, payload: str) -> None:
    load_an_expert(payload)
    mail = queue_mail(
        to="a@example.jp",
        template="task",
        context={"name": payload, "title": payload, "note": payload, "path": "/"},
        key="x",
        actor=SYSTEM,
    )
    Job.objects.create(kind="check_month", title=payload, message=payload, error=payload, status="failed")
    open_task(
        code="x", object="x", title=payload, note=payload, path="/", actor=SYSTEM, role="office_operator"
    )
    job = Job.objects.get()
    for path in (
        "/office/",
        f"/office/experts/?q={payload}",
        "/office/experts/E1/",
        "/office/mails/",
        f"/office/mails/{mail.pk}/",
        "/office/jobs/",
        f"/office/jobs/{job.pk}/",
        f"/sign-in/?next={payload}",
    ):
        page = office.get(path).content.decode()
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
        assert 'href="javascript:' not in page, path


def test_i05a_templates_and_views_trust_no_text_of_people() -> None:
    # the manuals are files of the project itself, rendered with raw HTML off
    allowed = {"core/ui/templatetags/ui.py", "core/manuals/reading.py"}
    for path, text in sources().items():
        if str(path.relative_to(PROJECT)) not in allowed:
            assert "mark_safe" not in text, path
    for template in (PROJECT / "templates").rglob("*.html"):
        text = template.read_text()
        assert not re.search(r"\|\s*safe\b|autoescape off", text), template
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|\son\w+\s*=|\sstyle\s*=|javascript:", text), (
            template
        )


# ---- I-07, I-08: header injection


def test_i07_a_line_break_does_not_reach_a_header(office: Client) -> None:
    for path in (
        "/sign-in/?next=/%0d%0aX-Evil:1",
        "/office/runs/x%0d%0aX-Evil:1/",
        "/admin/login/?next=%0d%0aa",
    ):
        response = office.get(path)
        assert response.status_code < 500
        assert "X-Evil" not in response.headers


def test_i08_a_name_cannot_add_a_recipient(db: None) -> None:
    mail = queue_mail(
        to="a@example.jp",
        template="task",
        context={"name": "n", "title": "t\r\nBcc: all@example.jp", "note": "", "path": "/"},
        key="x",
        actor=SYSTEM,
    )
    from core.notify.sending import message_of

    message = message_of(mail)
    assert message.recipients() == ["a@example.jp"]
    assert message.message()["Bcc"] is None
    assert "\nBcc" not in message.message().as_string().partition("\n\n")[0]


# ---- K-03: token links


@pytest.fixture
def _no_guesses() -> None:
    cache.clear()


@pytest.mark.usefixtures("_no_guesses")
def test_k03_links_that_open_nothing_are_404_and_after_some_of_them_429(client: Client, db: None) -> None:
    statuses = [client.get(f"/set-password/MQ/guess-{number}/").status_code for number in range(30)]
    assert set(statuses[: django_settings.TOKEN_GUESSES]) == {404}
    assert set(statuses[django_settings.TOKEN_GUESSES :]) == {429}
    assert client.get("/sign-in/").status_code == 200
    cache.clear()


@pytest.mark.usefixtures("_no_guesses")
def test_k03_looking_at_a_link_twice_uses_nothing_up(client: Client, db: None) -> None:
    from accounts.links import one_time_link

    person = create_user(username="suzuki", role=Role.OFFICE_OPERATOR, actor=SYSTEM)
    link = one_time_link(person)
    before = User.objects.values().get(pk=person.pk)
    for _ in range(3):  # as the scanner of a mail server does
        assert Client().get(link, follow=True).status_code == 200
    assert User.objects.values().get(pk=person.pk) == before


# ---- K-05: fields that are not in the form


def test_k05_extra_fields_change_nothing(office: Client) -> None:
    mail = queue_mail(
        to="a@example.jp",
        template="task",
        context={"name": "n", "title": "t", "note": "", "path": "/"},
        key="x",
        actor=SYSTEM,
    )
    extra = {
        "state": "sent",
        "to": "evil@example.jp",
        "is_staff": "1",
        "is_superuser": "1",
        "role": "office_admin",
    }
    assert office.post(f"/office/mails/{mail.pk}/decide/", {"decision": "cancel", **extra}).status_code == 302
    saved = Mail.objects.get()
    assert (saved.state, saved.to) == ("cancelled", "a@example.jp")
    person = User.objects.get(username="tanaka")
    assert (person.role, person.is_superuser) == (Role.OFFICE_OPERATOR, False)


def test_k05_no_form_takes_all_fields_of_its_table() -> None:
    for path, text in sources().items():
        assert "__all__" not in re.sub(r"^__all__ = .*", "", text, flags=re.M), path


# ---- K-06 (own and other records are walked in test_rights_urls.py)


def test_k06_the_number_of_a_record_says_nothing_about_it(office: Client) -> None:
    account_mail = queue_mail(
        to="a@example.jp",
        template="task",
        context={"name": "n", "title": "t", "note": "", "path": "/"},
        key="x",
        actor=SYSTEM,
        concerns="account",
    )
    there = office.get(f"/office/mails/{account_mail.pk}/")
    nowhere = office.get("/office/mails/999999999/")
    assert there.status_code == nowhere.status_code == 404
    assert there.content == nowhere.content


# ---- K-08: where people are led


@pytest.mark.parametrize(
    "target",
    [
        "//evil.test/",
        "https://evil.test/",
        "\\\\evil.test",
        "/\\evil.test",
        "https:evil.test",
        "javascript:alert(1)",
        "\t//evil.test",
    ],
)
def test_k08_nobody_is_led_to_another_host(client: Client, db: None, target: str) -> None:
    create_user(
        username="suzuki", role=Role.OFFICE_OPERATOR, actor=SYSTEM, password="tsukinami-shiharai-2021"
    )
    sent = {"username": "suzuki", "password": "tsukinami-shiharai-2021", "next": target}
    response = client.post(f"/sign-in/?next={target}", sent)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/")
    assert not response.headers["Location"].startswith(("//", "/\\"))


def test_k08_the_page_before_is_followed_only_on_our_own_host(office: Client) -> None:
    job = Job.objects.create(kind="check_month", title="x", status="running")
    for referer in ("https://evil.test/office/", "http://testserver.evil.test/", "//evil.test"):
        response = office.post(f"/office/jobs/{job.pk}/cancel/", headers={"referer": referer})
        assert response.status_code in (403, 404, 409)
        assert "Location" not in response.headers


# ---- K-12: the host header


@pytest.mark.parametrize("host", ["evil.test", "testserver.evil.test", "testserver:80@evil.test", "a b"])
def test_k12_a_foreign_host_is_400(client: Client, db: None, host: str) -> None:
    client.raise_request_exception = False
    response = client.get("/sign-in/", headers={"host": host})
    assert response.status_code == 400
    assert "evil" not in response.content.decode()


def test_k12_a_forwarded_host_is_not_looked_at(client: Client, db: None) -> None:
    page = client.get("/sign-in/", headers={"x-forwarded-host": "evil.test", "forwarded": "host=evil.test"})
    assert "evil.test" not in page.content.decode()
    assert not django_settings.USE_X_FORWARDED_HOST


def test_k12_links_in_mails_come_from_a_setting(db: None, settings: Any) -> None:
    settings.PUBLIC_ORIGIN = "https://office.example.jp"
    mail = queue_mail(
        to="a@example.jp",
        template="task",
        context={"name": "n", "title": "t", "note": "", "path": "/office/"},
        key="x",
        actor=SYSTEM,
    )
    assert "https://office.example.jp/office/" in mail.body


# ---- K-13, K-14, K-15


def test_k14_nothing_of_the_inside_for_anybody_outside(client: Client, db: None) -> None:
    for path in ("/metrics", "/admin/doc/", "/__debug__/", "/.git/config", "/.env"):
        assert client.get(path, REMOTE_ADDR="203.0.113.9").status_code in (302, 403, 404), path
    assert client.get("/metrics").status_code == 200, "from this machine"


def test_k15_nobody_signs_up(client: Client, db: None) -> None:
    people = User.objects.count()
    for path in ("/signup/", "/accounts/signup/", "/sign-up/", "/account/signup/"):
        sent = {"username": "evil", "password1": "tsukinami-shiharai-2021", "email": "e@example.jp"}
        assert client.post(path, sent).status_code in (302, 403, 404), path
    assert User.objects.count() == people
