"""Payment notices, read back from the PDF."""

import dataclasses
import datetime as dt
import hashlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest
from pypdf import PdfReader

from core.documents.fonts import face
from payments.documents.notice import (
    Notice,
    NoticeDispatch,
    NoticeLine,
    notice_missing_characters,
    notice_pdf,
    render_notice,
)

ROOT = Path(__file__).resolve().parents[3]
LONG = "特定非営利活動法人全国中小企業小規模事業者経営支援専門家ネットワーク協議会東日本統括本部仙台支部"
LINES = (
    NoticeLine("謝金", 13200, "2時間30分 → 5単位 × 2,640円 = 13,200円（1日上限31,680円の残り 21,120円）"),
    NoticeLine(
        "鉄道", 12340, "運賃 6,050円 + 特急料金 5,040円 + 指定席料金 1,250円（325.4km）、請求額 12,340円"
    ),
    NoticeLine("日当", 1100, "行程 650.8km ≧ 100.0km、支援 150分 ≧ 30分 → 1,100円"),
    NoticeLine("宿泊", 0, "民泊は対象外のため 0円（請求額 8,000円）"),
)


def dispatch(
    number: int, lines: tuple[NoticeLine, ...] = LINES, client: str = "株式会社試験製作所"
) -> NoticeDispatch:
    return NoticeDispatch(
        number=f"D2021{number:06d}",
        visit_date=dt.date(2021, 7, 1 + number % 31),
        client_name=client,
        start=dt.time(13),
        end=dt.time(15, 40),
        minutes=150,
        lines=lines,
    )


def notice(*dispatches: NoticeDispatch, **changes: object) -> Notice:
    visits = dispatches or (dispatch(1),)
    gross = sum(visit.amount for visit in visits)
    fees = sum(line.amount for visit in visits for line in visit.lines if line.item == "謝金")
    withheld = gross * 1021 // 10000
    plain = Notice(
        number="2021-07-1-E000001",
        month=dt.date(2021, 7, 1),
        issue_date=dt.date(2021, 8, 25),
        pay_date=dt.date(2021, 8, 25),
        payee_code="E000001",
        payee_name="吉田 一郎",
        payee_address="宮崎県宮崎市試験町0-1-2",
        payee_registration_number="T1234567890123",
        payer_name="専門家派遣事務局株式会社",
        payer_address="東京都千代田区試験1-2-3",
        payer_phone="03-0000-0000",
        payer_registration_number="T7123456789012",
        dispatches=visits,
        fee_total=fees,
        travel_total=gross - fees,
        gross=gross,
        consumption_tax=gross * 10 // 110,
        withholding=withheld,
        withholding_explanation=f"報酬2号 {gross:,}円 × 10.21%",
        net=gross - withheld,
        bank_name="宮崎銀行",
        branch_name="本店営業部",
        account_type="普通",
        masked_account_number="****246",
        account_holder_kana="ヨシダ イチロウ",
    )
    return dataclasses.replace(plain, **changes)


def pages(document: Notice) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(notice_pdf(document))).pages]


def flat(document: Notice) -> str:
    """All text without spaces and line ends."""
    return re.sub(r"\s", "", "".join(pages(document)))


def test_every_fact_is_on_the_page() -> None:
    (text,) = pages(notice())
    for fact in (
        "支払通知書（仕入明細書）", "2021-07-1-E000001", "2021年8月25日（水）", "2021年7月分",
        "宮崎県宮崎市試験町0-1-2", "吉田 一郎 様", "専門家コード E000001", "登録番号 T1234567890123",
        "専門家派遣事務局株式会社", "東京都千代田区試験1-2-3", "電話 03-0000-0000", "登録番号 T7123456789012",
        "D2021000001 2021年7月2日（金）", "株式会社試験製作所", "13:00～15:40（支援2時間30分）",
        "謝金計", "13,200円", "旅費計", "13,440円", "支払総額（税込）", "10%対象 26,640円（税込）",
        "うち消費税額（10%）", "2,421円", "26,640円 × 10 ÷ 110", "源泉徴収税額", "2,719円", "差引振込額",
        "23,921円", "宮崎銀行 本店営業部 普通 ****246", "ヨシダ イチロウ", "2021年9月1日（水）まで", "1/1",
    ):  # fmt: skip
        assert fact in text


def test_every_line_stands_with_its_amount_and_explanation_also_zero() -> None:
    text = flat(notice())
    for line in LINES:
        assert re.sub(r"\s", "", f"{line.item}{line.amount:,}円{line.explanation}") in text


def test_a_visit_is_read_before_its_amounts() -> None:
    text = flat(notice(dispatch(1), dispatch(2)))
    order = ["D2021000001", "試験製作所", "謝金13,200円", "宿泊0円", "D2021000002", "謝金計", "差引振込額"]
    places = [text.index(order[0])]
    for word in order[1:]:
        places.append(text.index(word, places[-1]))
    assert places == sorted(places)


def test_twelve_visits_with_four_lines_each_fit_on_one_legible_page() -> None:
    document = notice(*(dispatch(number) for number in range(12)))
    assert len(pages(document)) == 1
    assert min(sizes(document)) >= 6.5
    assert all(f"D2021{number:06d}" in flat(document) for number in range(12))


def test_a_long_explanation_takes_more_lines_and_never_small_print() -> None:
    long = NoticeLine(
        "私有車", 1554, "私有車 " + "＋".join(f"{leg}.4km" for leg in range(10, 60)) + " × 37円"
    )
    document = notice(*(dispatch(number, (*LINES, long)) for number in range(12)))
    assert min(sizes(document)) >= 6.5
    assert flat(document).count("59.4km×37円") == 12


def test_twelve_visits_of_long_names_are_still_one_page() -> None:
    document = notice(
        *(dispatch(number, client=LONG) for number in range(12)), payee_name=LONG, payer_name=LONG
    )
    assert len(pages(document)) == 1
    assert flat(document).count(LONG) >= 14


def test_more_visits_flow_to_further_pages_with_head_and_page_numbers() -> None:
    texts = pages(notice(*(dispatch(number) for number in range(30))))
    assert len(texts) == 3
    for number, text in enumerate(texts, start=1):
        assert f"{number}/3" in text
        assert "2021-07-1-E000001" in text
        assert "計算の内容" in text
        assert ("差引振込額" in text) == (number in (1, 3))
        assert ("次ページに続く" in text) == (number < 3)
    assert [f"D2021{number:06d}" for number in range(30)] == re.findall(r"D2021\d{6}", "".join(texts))


def test_a_visit_longer_than_a_page_is_continued_by_its_number() -> None:
    texts = pages(notice(dispatch(1, LINES * 40)))
    assert len(texts) > 1
    assert "D2021000001（続き）" in texts[1]
    assert sum(text.count("650.8km") for text in texts) == 40


def sizes(document: Notice) -> list[float]:
    content = notice_pdf(document).decode("latin-1")
    return [float(size) for size in re.findall(r"/F\d\+\d ([\d.]+) Tf", content)]


@pytest.mark.parametrize("count", [1, 4, 12, 30])
def test_long_names_and_addresses_stay_inside_the_margins(count: int) -> None:
    document = notice(
        *(dispatch(number, client=LONG * 2) for number in range(count)),
        payee_name=LONG * 2, payee_address=LONG * 2, payer_name=LONG, payer_address=LONG * 2, bank_name=LONG,
        account_holder_kana="トクテイヒエイリカツドウホウジン" * 4, notes=(LONG * 5,),
        number="2021-07-1-" + "E" * 60,
    )  # fmt: skip
    pdf = pypdfium2.PdfDocument(notice_pdf(document))
    for page in pdf:
        text = page.get_textpage()
        for index in range(text.count_chars()):
            if text.get_text_range(index, 1) in "\r\n":
                continue
            left, bottom, right, top = text.get_charbox(index)
            assert left >= 39
            assert right <= 595.28 - 39
            assert bottom >= 18
            assert top <= 842 - 25


RARE = "𠮷田 𠀋槗 髙﨑邉邊辻\U000e0101𫝆"


def test_rare_characters_are_readable_and_drawn_by_a_font_that_has_them() -> None:
    document = notice(dispatch(1, client="株式会社𩸽𪚲屋"), payee_name=RARE, payee_address=f"東京都{RARE}1-2")
    reader = PdfReader(io.BytesIO(notice_pdf(document)))
    text = reader.pages[0].extract_text()
    assert f"{RARE} 様" in text
    assert "𩸽𪚲" in text
    drawn: set[str] = set()
    for font in reader.pages[0]["/Resources"]["/Font"].values():
        facts = font.get_object()
        source = face(facts["/BaseFont"].split("+")[1] + ".ttf")
        codes = facts["/ToUnicode"].get_object().get_data().decode()
        for _, hexadecimal in re.findall(r"<(\w{4})> <(\w+)>\n", codes.split("endcodespacerange")[1]):
            char = bytes.fromhex(hexadecimal).decode("utf-16-be")
            assert ord(char[0]) in source.glyphs
            drawn.add(char)
    assert {"𠮷", "𠀋", "槗", "髙", "﨑", "邉", "邊", "辻\U000e0101", "𫝆", "𩸽", "𪚲"} <= drawn
    assert not re.search(
        r"<(?:\w{4})*?0000(?:\w{4})*> Tj", reader.pages[0].get_contents().get_data().decode()
    )


def test_characters_that_no_font_has_are_named_before_the_run() -> None:
    assert notice_missing_characters(notice(payee_name=RARE)) == ""
    odd = notice(dispatch(1, client="店\U0001f600"), payee_address="町\U000f0001")
    assert notice_missing_characters(odd) == "\U000f0001\U0001f600"


def test_an_unregistered_payee_is_told_so() -> None:
    text = flat(notice(payee_registration_number=""))
    assert "登録番号のお届けがないため" in text
    assert "仕入明細書を兼ねます" not in text
    assert "T1234567890123" not in text


def test_a_corporation_without_withholding() -> None:
    document = notice(payee_name="株式会社支援", payee_honorific="御中", withholding=0, net=26640,
                      withholding_explanation="法人のため源泉徴収なし")  # fmt: skip
    text = flat(document)
    assert "株式会社支援御中" in text
    assert "源泉徴収税額0円法人のため源泉徴収なし" in text


def test_a_payout_of_nothing_still_explains_itself() -> None:
    zero = NoticeLine("謝金", 0, "25分 → 0単位 × 2,640円 = 0円")
    text = flat(notice(dispatch(1, (zero,))))
    assert "謝金0円25分→0単位×2,640円=0円" in text
    assert "差引振込額0円" in text


def test_an_unmasked_account_number_is_refused() -> None:
    with pytest.raises(ValueError, match="末尾3桁"):
        notice(masked_account_number="5983246")


def test_amounts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="一致しません"):
        notice(net=1)


def test_the_same_notice_gives_the_same_bytes_in_every_process() -> None:
    here = notice_pdf(notice(dispatch(1), dispatch(2), payee_name=RARE))
    assert here == notice_pdf(notice(dispatch(1), dispatch(2), payee_name=RARE))
    out = io.BytesIO()
    render_notice(notice(dispatch(1), dispatch(2), payee_name=RARE), out)
    assert out.getvalue() == here
    program = (
        "import hashlib, runpy\n"
        f"made = runpy.run_path({str(Path(__file__))!r})\n"
        "one = made['notice'](made['dispatch'](1), made['dispatch'](2), payee_name=made['RARE'])\n"
        "made['notice_pdf'](made['notice']())\n"
        "print(hashlib.sha256(made['notice_pdf'](one)).hexdigest())"
    )
    for seed in ("1", "2"):
        elsewhere = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        )
        assert elsewhere.stdout.strip() == hashlib.sha256(here).hexdigest()
