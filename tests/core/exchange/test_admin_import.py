"""The registers in the admin: the same engine behind upload, preview and confirmation."""

import io
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from exchange_folder import COMPANY, as_csv, cells, loaded, small

from accounts.models import User
from core.audit.models import Change
from core.exports.models import Export
from core.exports.services import prepare_export, store
from core.jobs.progress import Progress
from dispatch.models import Company, Dispatch

pytestmark = pytest.mark.django_db

PAGES = [
    "/admin/payments/payer/",
    "/admin/institutions/institution/",
    "/admin/experts/expert/",
    "/admin/dispatch/company/",
    "/admin/dispatch/dispatch/",
    "/admin/dispatch/checkevent/",
    "/admin/dispatch/declaration/",
    "/admin/dispatch/travelline/",
]
COMPANIES = "/admin/dispatch/company/"


@pytest.fixture(autouse=True)
def _own_uploads(settings: Any, tmp_path: Any) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"


def _client(role: str) -> Client:
    client = Client()
    client.force_login(User.objects.create(username=role, role=role, is_staff=True))
    return client


@pytest.fixture
def operator() -> Client:
    """Signed in as an operator of the office."""
    return _client("office_operator")


def _upload(client: Client, page: str, data: bytes, name: str = "companies.csv") -> Any:
    form = {
        "import_file": SimpleUploadedFile(name, data),
        "format": "1" if name.endswith("xlsx") else "0",
        "resource": "0",
    }
    return client.post(page + "import/", form)


def _confirm(client: Client, page: str, preview: Any) -> Any:
    form = preview.context["confirm_form"].initial
    return client.post(page + "process_import/", form, follow=True)


@pytest.mark.parametrize("page", PAGES)
def test_every_register_lists_opens_imports_and_exports_for_operators_and_approvers_only(page: str) -> None:
    loaded(small())
    # administrators tie accounts to institutions and experts, so they see these two lists
    looked_at = 200 if page in ("/admin/institutions/institution/", "/admin/experts/expert/") else 403
    for role, lists, files in (
        ("office_operator", 200, 200),
        ("office_approver", 200, 200),
        ("office_admin", looked_at, 403),
    ):
        client = _client(role)
        assert client.get(page).status_code == lists, role
        for path in ("import/", "export/"):
            assert client.get(page + path).status_code == files, (role, path)
        assert client.get(page + "add/").status_code == 403
    assert _client("agency_viewer").get(page).status_code == 403


def test_a_preview_shows_new_and_changed_cells_and_confirming_loads_them(operator: Client) -> None:
    loaded(small())
    data = as_csv([{**COMPANY, "企業名": "<b>新</b>"}, {**COMPANY, "企業コード": "C2"}]).encode("cp932")
    preview = _upload(operator, COMPANIES, data)
    text = preview.content.decode()
    assert "<del>株式会社試験</del> <ins>&lt;b&gt;新&lt;/b&gt;</ins>" in text
    assert "追加 1行、更新 1行、変更なし 0行" in text
    assert Company.objects.count() == 1
    done = _confirm(operator, COMPANIES, preview)
    assert "追加 1 行、更新 1 行" in done.content.decode()
    assert Company.objects.get(code="C1").name == "<b>新</b>"
    change = Change.objects.filter(table="dispatch_company", operation="U").get()
    assert change.actor_name == "office_operator"


def test_bad_rows_are_shown_with_line_column_value_and_reason_and_nothing_can_be_confirmed(
    operator: Client,
) -> None:
    data = as_csv([{**COMPANY, "業種コード": "<i>"}]).encode()
    page = _upload(operator, COMPANIES, data)
    text = page.content.decode()
    assert "業種コード" in text
    assert "&lt;i&gt;" in text
    assert "決められた値ではありません" in text
    assert "confirm_form" not in page.context
    assert not Company.objects.exists()


def test_a_row_that_went_bad_between_preview_and_confirmation_changes_nothing(operator: Client) -> None:
    tables = small()
    loaded(tables)
    event = {**tables["check_events"][0], "イベントID": "V2"}
    page = "/admin/dispatch/checkevent/"
    preview = _upload(operator, page, as_csv([event]).encode(), "check_events.csv")
    loaded({"check_events": [{**event, "署名者氏名": "別人"}]})
    done = _confirm(operator, page, preview)
    assert "取り込めませんでした" in done.content.decode()
    assert Dispatch.objects.get().check_events.get(event_id="V2").signer_name == "別人"


def test_an_unreadable_upload_and_a_made_up_name_are_refused(operator: Client) -> None:
    assert "XLSX" in _upload(operator, COMPANIES, b"x", "companies.xlsx").content.decode()
    form = {"import_file_name": "../../etc/passwd", "original_file_name": "x", "format": "0", "resource": "0"}
    answer = operator.post(COMPANIES + "process_import/", form)
    assert answer.status_code in (302, 409)
    assert not Company.objects.exists()


def _exported(client: Client, path: str, form: dict[str, str]) -> bytes:
    """What the requester takes after the job has prepared it."""
    form = {"resource": "0", "purpose": "登録内容の確認のため", **form}
    assert client.post(path, form)["Location"] == "/office/exports/"
    export = prepare_export(export=Export.objects.latest("pk"), progress=Progress())
    with store().open(export.stored_name) as file:
        return file.read()


def test_an_export_has_the_columns_of_the_exchange_and_can_be_imported_again(operator: Client) -> None:
    tables = small()
    tables["companies"] = [{**COMPANY, "企業名": "'=1"}, {**COMPANY, "企業コード": "C2"}]
    loaded(tables)
    content = _exported(operator, COMPANIES + "export/?q=C1", {"format": "0"})
    assert Export.objects.latest("pk").file_name == "companies.csv"
    rows = cells(content)
    assert [(row["企業コード"], row["企業名"]) for row in rows] == [("C1", "'=1")]
    assert "変更なし 1行" in _upload(operator, COMPANIES, content).content.decode()

    content = _exported(operator, COMPANIES + "export/", {"format": "1"})
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert [cell.value for cell in sheet["A"]] == ["企業コード", "C1", "C2"]
    assert "変更なし 2行" in _upload(operator, COMPANIES, content, "companies.xlsx").content.decode()
