"""The page: what is written can be read back, and the bytes depend on nothing else."""

import datetime as dt
import io
import os
import subprocess
import sys
from pathlib import Path

from pypdf import PdfReader

from core.documents.embedding import document_font
from core.documents.sheet import Sheet

ROOT = Path(__file__).resolve().parents[3]
TEXT = "𠮷田 槗 辻\U000e0101 髙﨑 神 \U0002b746 13,200円"


def sheet() -> Sheet:
    return Sheet(title="試験の文書", author="事務局", subject="題", dated=dt.date(2021, 8, 25))


def test_written_text_is_read_back_also_beyond_the_first_plane() -> None:
    page = sheet()
    page.text(50, 700, TEXT, size=12)
    page.text(50, 650, TEXT, size=12, bold=True, stretch=80)
    read = PdfReader(io.BytesIO(page.pdf()))
    assert read.pages[0].extract_text().splitlines() == [TEXT, TEXT]


def test_the_document_says_what_it_is_and_carries_its_own_date() -> None:
    page = sheet()
    page.text(50, 700, "本文")
    read = PdfReader(io.BytesIO(page.pdf()))
    assert read.metadata is not None
    assert (read.metadata.title, read.metadata.author) == ("試験の文書", "事務局")
    assert read.metadata["/CreationDate"] == "D:20210825000000+09'00'"
    assert read.trailer["/Root"]["/Lang"] == "ja"


def test_all_fonts_are_embedded_and_no_stream_is_compressed() -> None:
    page = sheet()
    page.text(50, 700, TEXT, bold=True)
    data = page.pdf()
    fonts = PdfReader(io.BytesIO(data)).pages[0]["/Resources"]["/Font"]
    assert len(fonts) == 2
    for font in fonts.values():
        descendant = font.get_object()["/DescendantFonts"][0].get_object()
        assert "/FontFile2" in descendant["/FontDescriptor"].get_object()
    assert b"FlateDecode" not in data
    assert b"Helvetica" not in data


def test_reportlabs_own_canvas_can_use_the_document_font() -> None:
    page = sheet()
    page.canvas.setFont(document_font(bold=True).fontName, 12)
    page.canvas.drawRightString(300, 600, TEXT)
    assert TEXT in PdfReader(io.BytesIO(page.pdf())).pages[0].extract_text()


def test_settings_and_clock_of_the_process_do_not_reach_the_file() -> None:
    program = (
        "import datetime, hashlib\n"
        "from core.documents.sheet import Sheet\n"
        "page = Sheet(title='題', author='者', dated=datetime.date(2021, 8, 25))\n"
        "page.text(50, 700, '𠮷田 一郎 13,200円', bold=True)\n"
        "page.next_page(); page.text(50, 700, '二枚目')\n"
        "print(hashlib.sha256(page.pdf()).hexdigest())"
    )
    odd = {
        "PYTHONHASHSEED": "77",
        "SOURCE_DATE_EPOCH": "12345",
        "RL_pageCompression": "1",
        "RL_invariant": "0",
        "TZ": "America/New_York",
    }
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for environment in ({"PYTHONHASHSEED": "0"}, odd)
    }
    assert len(answers) == 1


def test_documents_that_differ_have_different_identities() -> None:
    identities = set()
    for text in ("一", "二"):
        page = sheet()
        page.text(50, 700, text)
        identities.add(bytes(PdfReader(io.BytesIO(page.pdf())).trailer["/ID"][0].original_bytes))
    assert len(identities) == 2
