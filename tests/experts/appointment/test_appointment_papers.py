"""What the papers are: drawn again to the same bytes, refused when they would differ; all at once as ZIP and as one PDF."""

import datetime as dt
import io
import zipfile
from collections.abc import Iterator

import pypdf
import pytest
from appointing import Spring

from core.audit.models import Access
from core.documents.print_run import print_run
from core.documents.sheet import Sheet
from core.errors import DomainError, NotAllowed
from experts.appointment.handing import letters_print, letters_zip, take_acceptance, take_letter
from experts.appointment.models import Acceptance, Letter
from experts.appointment.papers import draw_letter


def issued(spring: Spring) -> Spring:
    spring.opened()
    for code in ("E1", "E2"):
        spring.answer(code)
    spring.issue()
    return spring


def words(content: bytes, page: int = 0) -> str:
    return pypdf.PdfReader(io.BytesIO(content)).pages[page].extract_text().replace("\n", "")


def test_a_letter_says_who_is_appointed_as_what_from_when_to_when_and_by_whom(spring: Spring) -> None:
    issued(spring)
    name, content = take_letter(letter=spring.letter().pk, actor=spring.stage.operator)
    assert name == "委嘱状_2022-00001_E1.pdf"
    said = words(content)
    for expected in (
        "第2022-00001号",
        "吉田 太郎　殿",
        "貴殿を中小企業119専門家派遣事業の専門家に委嘱します。",
        "令和4年4月1日から令和5年3月31日まで",
        "「委嘱条件」（2021-1版）",
        "専門家派遣事務局株式会社",
        "代表取締役 試験 太郎",
    ):
        assert expected in said


def test_expert_and_office_take_the_same_bytes_and_each_taking_is_recorded(spring: Spring) -> None:
    issued(spring)
    pk = spring.letter().pk
    mine = take_letter(letter=pk, actor=spring.stage.experts["E1"])
    assert mine == take_letter(letter=pk, actor=spring.stage.operator)
    assert Access.objects.filter(table="appointment_letter", what=Access.What.DOWNLOAD).count() == 2
    with pytest.raises(Letter.DoesNotExist):
        take_letter(letter=pk, actor=spring.stage.experts["E2"])


def test_an_acceptance_says_when_and_to_what(spring: Spring) -> None:
    issued(spring)
    spring.travel("2022-04-05 12:34")
    accepted = spring.accept()
    name, content = take_acceptance(acceptance=accepted.pk, actor=spring.stage.experts["E1"])
    assert name == "就任承諾書_2022-00001_E1.pdf"
    said = words(content)
    for expected in ("令和4年4月5日", "第2022-00001号", "就任することを承諾します。", "2021-1版", "12:34:00"):
        assert expected in said
    with pytest.raises(Acceptance.DoesNotExist):
        take_acceptance(acceptance=accepted.pk, actor=spring.stage.experts["E2"])


def test_bytes_that_are_not_those_of_the_issue_are_not_handed_out(
    spring: Spring, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued(spring)
    from experts.appointment import handing

    monkeypatch.setattr(handing, "letter_pdf", lambda letter: b"%PDF another")
    with pytest.raises(DomainError, match="一致しません"):
        take_letter(letter=spring.letter().pk, actor=spring.stage.operator)


def test_the_zip_holds_every_letter_as_it_was_issued(spring: Spring) -> None:
    row = issued(spring).one().round
    archive = zipfile.ZipFile(io.BytesIO(b"".join(letters_zip(round=row, actor=spring.stage.operator))))
    assert archive.testzip() is None
    assert archive.namelist() == ["委嘱状_2022-00001_E1.pdf", "委嘱状_2022-00002_E2.pdf"]
    one = take_letter(letter=spring.letter().pk, actor=spring.stage.operator)[1]
    assert archive.read("委嘱状_2022-00001_E1.pdf") == one


def test_the_print_has_a_page_for_each_letter_and_the_same_bytes_each_time(spring: Spring) -> None:
    row = issued(spring).one().round
    content = b"".join(letters_print(round=row, actor=spring.stage.operator))
    assert content == b"".join(letters_print(round=row, actor=spring.stage.operator))
    assert len(pypdf.PdfReader(io.BytesIO(content), strict=True).pages) == 2
    assert "吉田 太郎　殿" in words(content)
    assert "別田 花子　殿" in words(content, 1)


def test_all_at_once_is_for_the_office_and_refused_while_there_is_none(spring: Spring) -> None:
    row = spring.opened()
    with pytest.raises(DomainError, match="まだ発行されていません"):
        letters_zip(round=row, actor=spring.stage.operator)
    with pytest.raises(NotAllowed):
        letters_print(round=row, actor=spring.stage.experts["E1"])


def test_a_long_print_has_all_its_pages_in_order_and_keeps_none() -> None:
    count = 600

    def letters() -> Iterator[Letter]:
        for number in range(1, count + 1):
            day = dt.date(2026, 4, 1)
            yield Letter(
                fiscal_year=2026, number=number, layout=1, name=f"氏名{number}", first_day=day, last_day=day,
                issued_on=day, issuer_name="事務局", issuer_title="局長", terms_title="委嘱条件", terms_version="1",
            )  # fmt: skip

    sheet = Sheet(title="印刷", author="事務局", dated=dt.date(2026, 4, 1))
    largest = 0
    pieces = []
    for piece in print_run(sheet, letters(), draw_letter):
        largest = max(largest, len(piece))
        pieces.append(piece)
    pages = pypdf.PdfReader(io.BytesIO(b"".join(pieces)), strict=True).pages
    assert len(pages) == count
    for number in (1, 256, 257, 600):
        assert f"第2026-{number:05d}号" in pages[number - 1].extract_text()
    # no piece but the fonts grows with the number of pages
    assert largest < 100_000
