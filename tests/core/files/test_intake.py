"""Files from outside: judged by their bytes, refused with the reason, written anew (core/files/intake.py)."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    TextStringObject,
)
from reportlab.pdfgen.canvas import Canvas

from core.files import intake
from core.files.intake import FileRefused, Intake, Limits, receive, take_in

LIMITS = Limits(most_bytes=2 * 1024**2, most_pixels=4_000_000, longest_edge=800, most_pages=3)
DATA = Path(__file__).parent / "data"


def taken(content: bytes, limits: Limits = LIMITS) -> Intake:
    """The file as it would be kept."""
    return take_in(receive(content, limits), limits)


def refusal(content: bytes, limits: Limits = LIMITS) -> str:
    """Why the file isn't taken."""
    with pytest.raises(FileRefused) as caught:
        taken(content, limits)
    return caught.value.message


def picture(form: str = "JPEG", size: tuple[int, int] = (90, 60), mode: str = "RGB", **options: Any) -> bytes:
    """Three stripes: red, green, blue from left to right."""
    drawn = Image.new("RGB", size)
    for number, colour in enumerate(("red", "lime", "blue")):
        drawn.paste(colour, (size[0] * number // 3, 0, size[0] * (number + 1) // 3, size[1]))
    out = io.BytesIO()
    drawn.convert(mode).save(out, form, **options)
    return out.getvalue()


def pdf(pages: int = 1) -> bytes:
    """A plain receipt."""
    out = io.BytesIO()
    canvas = Canvas(out)
    for number in range(pages):
        canvas.drawString(100, 700, f"Receipt 13,200 page {number + 1}")
        canvas.linkURL("https://elsewhere.example/", (0, 0, 100, 100))
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def pdf_with(change: Any) -> bytes:
    """A receipt with something added to it."""
    writer = PdfWriter(clone_from=io.BytesIO(pdf()))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def action(kind: str, **more: Any) -> DictionaryObject:
    """What a PDF does."""
    names = {NameObject(f"/{name}"): value for name, value in more.items()}
    return DictionaryObject({NameObject("/S"): NameObject(kind), **names})


# -- pictures


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_picture_is_kept_upright_and_small_enough(form: str) -> None:
    kept = taken(picture(form, (1800, 1200)))
    assert (kept.width, kept.height, kept.pages) == (800, 533, None)
    opened = Image.open(io.BytesIO(kept.content))
    assert opened.size == (800, 533)
    red, _, blue = (opened.convert("RGB").getpixel((x, 200)) for x in (60, 400, 740))
    assert red[0] > 200 > 60 > red[2] and blue[2] > 200 > 60 > blue[0]
    assert max(Image.open(io.BytesIO(kept.thumbnail)).size) == 480


def test_position_and_device_are_gone_and_the_picture_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "SECRETPHONE"
    place = exif.get_ifd(0x8825)
    place.update({1: "N", 2: (35.0, 40.0, 52.0), 3: "E", 4: (139.0, 46.0, 1.0)})
    exif[0x8825] = place
    source = picture(exif=exif, comment=b"SECRETCOMMENT", xmp=b"<x:xmpmeta>SECRETXMP</x:xmpmeta>")
    assert Image.open(io.BytesIO(source)).getexif().get_ifd(0x8825)[4] == (139.0, 46.0, 1.0)
    kept = taken(source)
    for content in (kept.content, kept.thumbnail):
        assert b"Exif" not in content and b"SECRET" not in content
        opened = Image.open(io.BytesIO(content))
        assert not opened.getexif() and "icc_profile" not in opened.info
    assert (kept.width, kept.height) == (60, 90)
    top = Image.open(io.BytesIO(kept.content)).getpixel((30, 10))
    assert isinstance(top, tuple) and top[0] > 200


def test_texts_of_a_png_are_gone() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Comment", "SECRET")
    info.add_itxt("XML:com.adobe.xmp", "SECRET")
    kept = taken(picture("PNG", pnginfo=info))
    assert b"SECRET" not in kept.content


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "I;16"])
def test_every_kind_of_png_is_read(mode: str) -> None:
    if mode == "I;16":
        out = io.BytesIO()
        Image.new("I;16", (90, 60), 40_000).save(out, "PNG")
        content = out.getvalue()
    else:
        content = picture("PNG", mode=mode)
    kept = taken(content)
    assert Image.open(io.BytesIO(kept.content)).convert("RGB").size == (90, 60)


def test_what_is_transparent_becomes_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(out, "PNG")
    kept = taken(out.getvalue())
    assert Image.open(io.BytesIO(kept.content)).convert("RGB").getpixel((5, 5)) == (255, 255, 255)


def test_cmyk_and_progressive_jpegs_are_read() -> None:
    assert taken(picture(mode="CMYK")).media_type == "image/jpeg"
    assert taken(picture(progressive=True)).media_type == "image/jpeg"


def test_heic_is_read_and_kept_as_jpeg() -> None:
    kept = taken((DATA / "stripes.heic").read_bytes())
    assert kept.media_type == "image/jpeg"
    assert b"Exif" not in kept.content
    left = Image.open(io.BytesIO(kept.content)).getpixel((5, kept.height // 2))
    assert isinstance(left, tuple) and left[0] > 180 > 90 > left[2]


def test_a_broken_heic_is_refused() -> None:
    content = (DATA / "stripes.heic").read_bytes()
    assert "壊れている" in refusal(content[: len(content) // 2])


def test_a_bomb_is_refused_before_it_is_opened() -> None:
    out = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    assert len(out.getvalue()) < 200_000
    assert "写真が大きすぎます（30,000×30,000 画素）" in refusal(out.getvalue())


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_truncated_picture_is_refused(form: str, part: float) -> None:
    content = picture(form, (600, 400))
    assert "壊れているか、途中で切れている" in refusal(content[: int(len(content) * part)])


def test_a_png_with_a_wrong_checksum_is_refused() -> None:
    content = bytearray(picture("PNG", (600, 400)))
    content[len(content) // 2] ^= 0xFF
    assert "壊れている" in refusal(bytes(content))


@pytest.mark.parametrize(
    "code",
    [
        b"<?php system($_GET['c']); ?>",
        b"<SCRIPT>alert(1)</SCRIPT>",
        b"<html><body onload=x>",
        b"%PDF-1.4\n1 0 obj",
    ],
)
def test_a_picture_that_is_something_else_as_well_is_refused(code: bytes) -> None:
    assert "プログラムが含まれている" in refusal(picture(comment=code))
    assert "プログラムが含まれている" in refusal(picture() + code)


def test_a_picture_with_an_archive_behind_it_is_refused() -> None:
    out = io.BytesIO(picture())
    out.seek(0, os.SEEK_END)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("a.txt", "hidden")
    assert "ZIP" in refusal(out.getvalue())


def test_what_a_phone_puts_behind_a_picture_goes_and_the_picture_stays() -> None:
    kept = taken(picture() + b"\x00\x00\x00\x18ftypmp42" + os.urandom(5000))
    assert b"ftypmp42" not in kept.content


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "HTML や SVG"),
        (b"\n  <!DOCTYPE html><script>alert(1)</script>", "HTML や SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", "HTML や SVG"),
        (b"GIF89a;<?php", "GIF"),
        (b"PK\x03\x04....", "ZIP"),
        (b"MZ\x90\x00", "プログラム"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "WebP"),
        (b"\x00\x00\x00\x18ftypavif", "写真でも PDF でもない"),
        (b"plain text", "写真でも PDF でもない"),
        (b"   \n %PDF-1.4", "写真でも PDF でもない"),
    ],
)
def test_what_only_calls_itself_a_picture_is_refused(content: bytes, name: str) -> None:
    said = refusal(content)
    assert name in said and "もう一度選んでください" in said


def test_empty_and_too_large_files_are_refused() -> None:
    assert "空です" in refusal(b"")
    assert "2MB まで" in refusal(b"\xff" * (LIMITS.most_bytes + 1))


def test_a_decoder_that_needs_too_much_ends_and_nothing_else() -> None:
    limits = Limits(20 * 1024**2, 10**9, 800, 3)  # as if nobody had looked at the number of pixels
    out = io.BytesIO()
    Image.new("RGB", (25_000, 25_000)).save(out, "PNG")
    assert "ファイルを" in refusal(out.getvalue(), limits)


def test_the_program_sees_no_secret_and_stops_when_it_takes_too_long(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text("import os, json\nprint(json.dumps({'refused': ' '.join(os.environ)}))\n")
    monkeypatch.setattr(intake, "_PROGRAM", program)
    monkeypatch.setenv("FIELD_KEYS", "a secret")
    assert "FIELD_KEYS" not in refusal(picture()) and "DATABASE_URL" not in refusal(picture())
    program.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(intake, "_WALL_SECONDS", 0.3)
    assert "時間がかかりすぎました" in refusal(picture())
    program.write_text("import os\nos.kill(os.getpid(), 9)\n")
    monkeypatch.setattr(intake, "_WALL_SECONDS", 10)
    assert "開けませんでした" in refusal(picture())


# -- PDFs


def test_a_pdf_keeps_its_pages_and_loses_what_acts() -> None:
    kept = taken(pdf(2))
    assert (kept.media_type, kept.pages, kept.width, kept.height) == ("application/pdf", 2, 595, 842)
    texts = [page.extract_text().strip() for page in PdfReader(io.BytesIO(kept.content)).pages]
    assert texts == ["Receipt 13,200 page 1", "Receipt 13,200 page 2"]
    for name in (b"/URI", b"/Annots", b"/OpenAction", b"/AA", b"elsewhere", b"ReportLab", b"CreationDate"):
        assert name not in kept.content, name
    small = Image.open(io.BytesIO(kept.thumbnail))
    assert small.format == "JPEG" and small.height == 480


def test_what_is_filled_into_a_form_stays_readable() -> None:
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.acroForm.textfield(name="sum", value="13200", x=100, y=600, width=200, height=30)
    canvas.showPage()
    canvas.save()
    kept = taken(out.getvalue())
    assert "13200" in PdfReader(io.BytesIO(kept.content)).pages[0].extract_text()
    assert b"/AcroForm" not in kept.content


def _open_action(writer: PdfWriter) -> None:
    code = action("/JavaScript", JS=TextStringObject("app.alert(1)"))
    writer.root_object[NameObject("/OpenAction")] = code


def _named_code(writer: PdfWriter) -> None:
    code = writer._add_object(action("/JavaScript", JS=TextStringObject("app.alert(1)")))
    names = ArrayObject([TextStringObject("a"), code])
    tree = DictionaryObject({NameObject("/JavaScript"): DictionaryObject({NameObject("/Names"): names})})
    writer.root_object[NameObject("/Names")] = writer._add_object(tree)


def _page_action(writer: PdfWriter) -> None:
    code = action("/JavaScript", JS=TextStringObject("app.alert(1)"))
    writer.pages[0][NameObject("/AA")] = DictionaryObject({NameObject("/O"): code})


def _launch(writer: PdfWriter) -> None:
    writer.root_object[NameObject("/OpenAction")] = action("/Launch", F=TextStringObject("calc.exe"))


def _submit(writer: PdfWriter) -> None:
    writer.root_object[NameObject("/OpenAction")] = action(
        "/SubmitForm", F=TextStringObject("http://x.example")
    )


def _attachment(writer: PdfWriter) -> None:
    writer.add_attachment("a.exe", b"MZ")


def _xfa(writer: PdfWriter) -> None:
    stream = DecodedStreamObject()
    stream.set_data(b"<xdp/>")
    form = DictionaryObject({NameObject("/XFA"): writer._add_object(stream)})
    writer.root_object[NameObject("/AcroForm")] = writer._add_object(form)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (_open_action, "JavaScript"),
        (_named_code, "JavaScript"),
        (_page_action, "JavaScript"),
        (_launch, "起動する命令"),
        (_submit, "送信する命令"),
        (_attachment, "別のファイル"),
        (_xfa, "XFA"),
    ],
)
def test_a_pdf_that_acts_is_refused(change: Any, name: str) -> None:
    assert name in refusal(pdf_with(change))


def test_a_pdf_that_hides_its_code_in_a_compressed_object_is_refused() -> None:
    import pypdfium2

    with pypdfium2.PdfDocument(pdf_with(_named_code)) as document:
        out = io.BytesIO()
        document.save(out)
    assert "JavaScript" in refusal(out.getvalue())


def test_an_encrypted_pdf_is_refused() -> None:
    assert "パスワード" in refusal(pdf_with(lambda writer: writer.encrypt("secret", algorithm="AES-256")))
    assert "パスワード" in refusal(pdf_with(lambda writer: writer.encrypt("", "owner", algorithm="AES-256")))


def test_a_pdf_has_so_many_pages_and_no_more() -> None:
    assert taken(pdf(3)).pages == 3
    assert "4 ページあります" in refusal(pdf(4))


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7\nnothing\n%%EOF", b"%PDF-1.7\n" + bytes(range(256)) * 20 + b"\n%%EOF\n"]
)
def test_a_broken_pdf_is_refused(content: bytes) -> None:
    assert "PDF が壊れている" in refusal(content)


def test_a_truncated_pdf_and_one_with_something_behind_it_are_refused() -> None:
    content = pdf()
    assert "途中で切れている" in refusal(content[: len(content) // 2])
    assert "後ろに別のデータ" in refusal(content + b"<script>alert(1)</script>")


def test_pages_that_lead_to_themselves_end() -> None:
    loop = b"""%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Count 1/Kids[2 0 R]>> endobj
trailer <</Root 1 0 R>>
startxref
0
%%EOF"""
    with pytest.raises(FileRefused):
        taken(loop)
