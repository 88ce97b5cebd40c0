"""/receipts/ as browsers meet it: files with strict headers, lists, refusals in words."""

import io
import resource
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as given
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from stage import Stage

from accounts.models import User
from dispatch.models import Dispatch, Receipt

SCRIPT = {"HTTP_X_REQUESTED_WITH": "fetch"}


@pytest.fixture(autouse=True)
def _evidence(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_DIR = tmp_path / "evidence"
    settings.MFA_REQUIRED = False


def browser(person: User) -> Client:
    """Signed in."""
    client = Client()
    client.force_login(person)
    return client


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(out, "JPEG")
    return out.getvalue()


def send(client: Client, dispatch: Dispatch, content: bytes | None = None, **values: Any) -> Any:
    """What the component's script sends."""
    fields = {
        "key": uuid.uuid4().hex,
        "purpose": "領収書",
        "line_number": "",
        "file": SimpleUploadedFile("写真.jpg", picture() if content is None else content),
        **values,
    }
    return client.post(f"/receipts/add/{dispatch.number}/", fields, **SCRIPT)


def test_adding_answers_the_list_and_the_file_is_shown_strictly(stage: Stage) -> None:
    dispatch, client = stage.visited(), browser(stage.experts["E1"])
    answer = send(client, dispatch)
    assert answer.status_code == 200 and "写真.jpg" in answer.text
    receipt = Receipt.objects.get()
    shown = client.get(f"/receipts/{receipt.uuid}/")
    assert b"".join(shown.streaming_content).startswith(b"\xff\xd8\xff")
    assert shown["Content-Type"] == "image/jpeg"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Cache-Control"] == "no-store, private"
    assert (
        "sandbox" in shown["Content-Security-Policy"]
        and "default-src 'none'" in shown["Content-Security-Policy"]
    )
    assert shown["Content-Disposition"].startswith("inline; ")
    assert "写真" not in shown["Content-Disposition"]
    small = client.get(f"/receipts/{receipt.uuid}/thumbnail/")
    assert small["Content-Type"] == "image/jpeg" and b"".join(small.streaming_content)


def test_refusals_are_sentences_with_a_status(stage: Stage, settings: Any) -> None:
    dispatch, client = stage.visited(), browser(stage.experts["E1"])
    for content, values, status, words in (
        (b"<html><script>1</script>", {}, 422, "HTML"),
        (b"", {}, 422, "空です"),
        (picture()[:-200], {}, 422, "壊れている"),
        (picture(), {"purpose": "請求書"}, 409, "領収書"),
        (picture(), {"line_number": "-1"}, 409, "行番号"),
        (picture(), {"key": ""}, 409, "送信の番号"),
    ):
        answer = send(client, dispatch, content, **values)
        assert (answer.status_code, answer["Content-Type"]) == (status, "text/plain; charset=utf-8")
        assert words in answer.text
    settings.RECEIPT_MOST_BYTES = 500
    answer = send(client, dispatch)
    assert answer.status_code == 413 and "MB までのファイル" in answer.text
    assert client.post(f"/receipts/add/{dispatch.number}/", {}, **SCRIPT).text == "ファイルを選んでください。"
    assert not Receipt.objects.exists()


def test_a_file_larger_than_memory_holds_is_taken_all_the_same(stage: Stage) -> None:
    dispatch, client = stage.visited(), browser(stage.experts["E1"])
    out = io.BytesIO()
    Image.effect_noise((2600, 2600), 90).save(out, "JPEG", quality=97)
    assert given.FILE_UPLOAD_MAX_MEMORY_SIZE < len(out.getvalue()) < given.RECEIPT_MOST_BYTES
    assert send(client, dispatch, out.getvalue()).status_code == 200


def test_a_form_without_script_leads_back_to_its_page(stage: Stage) -> None:
    dispatch, client = stage.visited(), browser(stage.experts["E1"])
    fields = {"key": "k", "purpose": "領収書", "file": SimpleUploadedFile("a.jpg", picture())}
    address = f"/receipts/add/{dispatch.number}/"
    answer = client.post(address, fields, HTTP_REFERER="http://testserver/expert/")
    assert (answer.status_code, answer["Location"]) == (302, "http://testserver/expert/")
    fields = {"key": "k2", "purpose": "領収書", "file": SimpleUploadedFile("a.jpg", picture())}
    answer = client.post(address, fields, HTTP_REFERER="https://elsewhere.example/")
    assert answer["Location"] == "/"


def test_removing_takes_it_from_the_list(stage: Stage) -> None:
    dispatch, client = stage.visited(), browser(stage.experts["E1"])
    send(client, dispatch)
    receipt = Receipt.objects.get()
    answer = client.post(f"/receipts/{receipt.uuid}/remove/", **SCRIPT)
    assert answer.status_code == 200 and "まだファイルはありません" in answer.text
    assert client.get(f"/receipts/{receipt.uuid}/").status_code == 404
    office = browser(stage.operator)
    assert "取り除き済" in office.get(f"/receipts/of/{dispatch.number}/").text
    assert office.get(f"/receipts/{receipt.uuid}/").status_code == 200


def test_a_name_is_text_and_nothing_else(stage: Stage) -> None:
    dispatch, client = stage.visited(), browser(stage.experts["E1"])
    file = SimpleUploadedFile("x", picture())
    file._name = '../../etc/"><script>alert(1)</script>\r\nSet-Cookie: a=b.jpg'
    answer = send(client, dispatch, file=file)
    assert answer.status_code == 200 and "<script>" not in answer.text
    receipt = Receipt.objects.get()
    assert "/" not in receipt.original_name and "\n" not in receipt.original_name
    shown = client.get(f"/receipts/{receipt.uuid}/")
    assert "Set-Cookie" not in shown["Content-Disposition"] and "alert" not in shown["Content-Disposition"]


def test_a_pdf_is_taken_as_a_file(stage: Stage) -> None:
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    page = Canvas(out)
    page.drawString(50, 50, "Receipt")
    page.save()
    dispatch, client = stage.visited(), browser(stage.experts["E1"])
    assert "1ページ" in send(client, dispatch, out.getvalue()).text
    shown = client.get(f"/receipts/{Receipt.objects.get().uuid}/")
    assert shown["Content-Type"] == "application/pdf"
    assert shown["Content-Disposition"].startswith("attachment; ")


def test_the_list_costs_the_same_for_one_and_for_many(stage: Stage, django_assert_num_queries: Any) -> None:
    from dispatch.receipt_views import panel

    dispatch, client = stage.visited(), browser(stage.experts["E1"])
    for _ in range(3):
        send(client, dispatch)
    with django_assert_num_queries(1):
        context = panel(dispatch, stage.experts["E1"])
        for receipt in context["receipts"]:
            assert receipt.uploaded_by.get_full_name() is not None
            assert receipt.file_name


def test_without_room_for_a_file_nothing_of_it_stays_and_it_can_be_sent_again(
    stage: Stage, settings: Any
) -> None:
    dispatch, client = stage.visited(), browser(stage.experts["E1"])
    content, key = picture(), uuid.uuid4().hex
    place = Path(settings.EVIDENCE_DIR)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # the system refuses to write more than this into a file, as a full disk does
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
    try:
        answer = send(client, dispatch, content, key=key)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (answer.status_code, answer["Content-Type"]) == (507, "text/plain; charset=utf-8")
    assert "空きがないため" in answer.text and "もう一度行ってください" in answer.text
    assert not Receipt.objects.exists()
    assert not [path for path in place.rglob("*") if path.is_file()]
    assert send(client, dispatch, content, key=key).status_code == 200
    assert Receipt.objects.count() == 1


def test_an_upload_too_large_for_memory_meets_a_page_when_there_is_no_room(
    stage: Stage, settings: Any, tmp_path: Path
) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE, settings.UPLOAD_DIR = 100, tmp_path / "uploads"
    dispatch, client = stage.visited(), browser(stage.experts["E1"])
    client.raise_request_exception = False
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, before[1]))
    try:
        answer = send(client, dispatch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert answer.status_code == 507 and "空きがないため" in answer.text
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
