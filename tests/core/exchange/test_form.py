"""How files are written: encodings, quotes, line numbers, escaping, workbooks."""

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from exchange_folder import (
    COMPANY,
    DISPATCH,
    TRAVEL,
    as_csv,
    cells,
    complaints,
    exported,
    load,
    load_bytes,
    loaded,
    small,
)

from core.errors import DomainError
from core.exchange import registry, writing
from core.exchange.xlsxfile import LARGEST_TEXTS
from dispatch.models import Company, Dispatch, TravelLine

pytestmark = pytest.mark.django_db

COMPANIES = as_csv([COMPANY, {**COMPANY, "企業コード": "C2", "企業名": "髙橋商店"}])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_utf8_with_or_without_mark_and_cp932_with_either_newline_are_read(
    encoding: str, newline: str
) -> None:
    result = load_bytes({"companies.csv": COMPANIES.replace("\r\n", newline).encode(encoding)})
    assert result.ok
    assert Company.objects.get(code="C2").name == "髙橋商店"


@pytest.mark.parametrize(
    ("data", "line", "word"),
    [
        (b"", 1, "空のファイル"),
        (b"\r\n\r\n", 1, "空のファイル"),
        (COMPANIES.encode("utf-16"), 1, "文字コード"),
        (COMPANIES.replace("髙", "高").encode("euc-jp"), 1, "文字コード"),
        (b"PK\x03\x04....", 1, "XLSX"),
        (b"\x00\x01\x02" * 100, 1, "文字コード"),
    ],
)
def test_a_file_that_is_no_table_of_ours_is_refused(data: bytes, line: int, word: str) -> None:
    result = load_bytes({"companies.csv": data})
    assert not result.ok
    assert result.errors[0].line == line
    assert any(word in error.reason for error in result.errors)


def test_one_wrongly_encoded_line_is_named_and_the_others_are_judged() -> None:
    data = COMPANIES.encode("utf-8").replace("髙橋商店".encode(), "髙橋商店".encode("cp932"))
    result = load_bytes({"companies.csv": data})
    assert [(error.line, error.column) for error in result.errors] == [(3, "企業名")]
    assert "\\xee\\xe0" in result.errors[0].value
    assert "文字コード" in result.errors[0].reason


def test_a_header_name_that_is_no_text_is_reported_all_the_same() -> None:
    data = '企業コード,"備\n'.encode() + b"\xff\x00" * 300 + b'"\r\n'
    result = load_bytes({"companies.csv": data})
    assert not result.ok
    assert all(error.reason and "\x00" not in error.column for error in result.errors)


def test_a_header_alone_is_a_file_without_rows() -> None:
    result = load_bytes({"companies.csv": COMPANIES.splitlines()[0].encode()})
    assert result.ok
    assert result.files["companies.csv"]["read"] == 0


def test_blank_lines_are_left_out_and_lines_counted_as_an_editor_shows_them() -> None:
    header, first, second = COMPANIES.splitlines()
    text = "\n".join(
        ["", header, "", first.replace("株式会社試験", '"二行の\n名前"'), "  ", second.replace("E", "?")]
    )
    result = load_bytes({"companies.csv": text.encode()})
    assert [(error.line, error.column) for error in result.errors] == [(7, "業種コード")]


def test_columns_may_come_in_any_order() -> None:
    names = list(reversed(COMPANY))
    loaded({"companies": [{name: COMPANY[name] for name in names}]})
    assert Company.objects.get().name == "株式会社試験"


@pytest.mark.parametrize("cell", ['"株式会社試験', 'a"b', '"a"b', ' "a"'])
def test_broken_quotes_are_refused_where_the_record_begins_and_later_rows_are_judged(cell: str) -> None:
    header, first, second = COMPANIES.splitlines()
    lines = [
        header,
        first.replace("株式会社試験", cell),
        second,
        second.replace("C2", "C3").replace("E", "?"),
    ]
    result = load_bytes({"companies.csv": "\r\n".join(lines).encode()})
    assert [(error.line, error.column) for error in result.errors] == [(2, ""), (4, "業種コード")]
    assert "引用符" in result.errors[0].reason


@pytest.mark.parametrize("cell", ["あ" * 4_000_000, '"' + "a\n" * 2_000_000 + '"', "a" * 32_768])
def test_a_huge_cell_is_refused_and_the_rest_is_judged(cell: str) -> None:
    header, first, second = COMPANIES.splitlines()
    lines = [header, first.replace("株式会社試験", cell), second.replace("E", "?")]
    result = load_bytes({"companies.csv": "\n".join(lines).encode()})
    assert [error.column for error in result.errors] == ["企業名", "業種コード"]
    assert result.errors[0].line == 2
    assert len(result.errors[0].value) < 100
    assert result.errors[1].line == 2 + len(lines[1].split("\n"))


ODD_TEXTS = [
    "=1+1", "+81-3", "-x", "@x", "＝x", "＠x", "\tx", "\rx", "'x", "''", "'=1", 'a"b', "二行\r\nの文", "a,b", "\\N", "\\t\\.",
    "𠮷 𠀋", "a\u2028b", " 前後 ", "NULL", "\\",
]  # fmt: skip


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_free_text_comes_out_as_it_went_in(text: str, tmp_path: Path) -> None:
    tables = small()
    tables["dispatches"][0]["支援内容"] = writing.escape_text(text)
    loaded(tables)
    assert Dispatch.objects.get().report == text
    cell = cells(exported(tmp_path)["dispatches.csv"])[0]["支援内容"]
    assert cell == writing.escape_text(text)


def test_text_that_looks_like_a_formula_gets_one_apostrophe_and_numbers_none(tmp_path: Path) -> None:
    tables = small()
    tables["companies"][0]["電話番号"] = "+81-3-0000-0000"
    tables["dispatches"][0] |= {"緯度": "-35.5000", "経度": "-0.0"}
    loaded(tables)
    files = exported(tmp_path)
    assert cells(files["companies.csv"])[0]["電話番号"] == "'+81-3-0000-0000"
    row = cells(files["dispatches.csv"])[0]
    assert (row["緯度"], row["経度"]) == ("-35.5", "0")


def test_what_is_written_is_minimal_explicit_and_sorted_by_code_point(tmp_path: Path) -> None:
    tables = small()
    line = tables["travel_claims"][0]
    line |= {"距離km": "10.0", "領収書": "有"}
    tables["travel_claims"] = [{**line, "行番号": n} for n in ("10", "9", "2")]
    tables["companies"] += [{**COMPANY, "企業コード": code} for code in ("b", "B", "あ", "ア", "C10", "C2")]
    loaded(tables)
    files = exported(tmp_path)
    assert [row["企業コード"] for row in cells(files["companies.csv"])] == [
        "B",
        "C1",
        "C10",
        "C2",
        "b",
        "あ",
        "ア",
    ]
    rows = cells(files["travel_claims.csv"])
    assert [row["行番号"] for row in rows] == ["2", "9", "10"]
    assert (rows[0]["距離km"], rows[0]["領収書"], rows[0]["半券"], rows[0]["利用日"]) == (
        "10",
        "有",
        "無",
        "2021-07-05",
    )
    event = cells(files["check_events.csv"])[0]
    assert event["端末時刻"] == "2021-07-05 09:59:30"
    assert cells(files["dispatches.csv"])[0]["予定開始"] == "2021-07-05 10:00"


def test_codes_are_normalised_and_keep_their_zeros_while_free_text_stays() -> None:
    tables = small()
    tables["experts"][0] |= {"口座番号": "００１２３", "氏名": "ｶﾅ Ａ"}
    tables["dispatches"][0] |= {"派遣番号": " Ｄ１ "}
    loaded(tables)
    dispatch = Dispatch.objects.select_related("expert").get()
    assert (dispatch.number, dispatch.expert.account_number, dispatch.expert.name) == ("D1", "00123", "ｶﾅ Ａ")


def test_a_column_that_is_absent_leaves_what_is_stored_and_an_empty_cell_clears_it() -> None:
    loaded(small())
    loaded({"companies": [{**COMPANY, "電話番号": "03-1"}]})
    loaded({"companies": [COMPANY]})
    assert Company.objects.get().phone == "03-1"
    loaded({"companies": [{**COMPANY, "電話番号": ""}]})
    assert Company.objects.get().phone == ""


def test_rules_over_several_columns_look_at_what_is_stored_where_the_file_is_silent() -> None:
    loaded(small())
    row = {name: DISPATCH[name] for name in ("派遣番号", "機関コード", "専門家コード", "企業コード", "経営課題", "実施方式",
                                             "予定開始", "予定終了")}  # fmt: skip
    assert complaints(load({"dispatches": [{**row, "休憩分": "120"}]})) == [
        ("dispatches.csv", 2, "休憩分", "120")
    ]
    loaded({"dispatches": [{**row, "休憩分": "30"}]})
    assert Dispatch.objects.get().break_minutes == 30
    assert Dispatch.objects.get().status == "approved"


# -- workbooks


def _workbook(rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _travel(**values: Any) -> bytes:
    row = {**TRAVEL, **values}
    return _workbook([list(row), list(row.values())])


def test_a_workbook_with_the_same_header_is_accepted_with_numbers_and_dates_as_cells() -> None:
    loaded(small())
    result = load_bytes(
        {
            "travel_claims.xlsx": _travel(
                行番号=2, 利用日=dt.date(2021, 7, 6), 距離km=12.5, 運賃=320, 請求額=320.0
            )
        }
    )
    assert result.ok, result.errors
    line = TravelLine.objects.get()
    assert (line.line_no, line.day, str(line.km), line.fare, line.claimed) == (
        2,
        dt.date(2021, 7, 6),
        "12.5",
        320,
        320,
    )


def test_moments_in_cells_of_a_workbook_are_read_to_the_second() -> None:
    tables = small()
    event = {**tables.pop("check_events")[0], "端末時刻": dt.datetime(2021, 7, 5, 0, 0)}
    loaded(tables)
    assert load_bytes({"check_events.xlsx": _workbook([list(event), list(event.values())])}).ok
    event |= {"イベントID": "V2", "端末時刻": dt.datetime(2021, 7, 5, 9, 59, 59)}
    assert load_bytes({"check_events.xlsx": _workbook([list(event), list(event.values())])}).ok
    moments = Dispatch.objects.get().check_events.values_list("device_time", flat=True)
    assert [m.astimezone(dt.timezone(dt.timedelta(hours=9))).strftime("%H:%M:%S") for m in moments] == [
        "00:00:00",
        "09:59:59",
    ]


def test_a_formula_in_a_workbook_is_refused_with_the_position_of_the_cell() -> None:
    loaded(small())
    result = load_bytes({"travel_claims.xlsx": _travel(請求額="=1+1")})
    assert [(error.line, error.column, error.value) for error in result.errors] == [(2, "請求額", "=1+1")]
    column = list(TRAVEL).index("請求額")
    assert f"{'ABCDEFGHIJKLMNOP'[column]}2" in result.errors[0].reason


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04broken", "企業コード".encode()])
def test_what_only_pretends_to_be_a_workbook_is_refused(data: bytes) -> None:
    result = load_bytes({"companies.xlsx": data})
    assert [error.file for error in result.errors] == ["companies.xlsx"]
    assert "XLSX" in result.errors[0].reason


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("readme.txt", "x")
    assert "XLSX" in load_bytes({"companies.xlsx": data.getvalue()}).errors[0].reason


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    whole = io.BytesIO(_workbook([list(COMPANY), list(COMPANY.values())]))
    data = io.BytesIO()
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            if part.filename != "xl/sharedStrings.xml":
                target.writestr(part, source.read(part))
        with target.open("xl/sharedStrings.xml", "w") as strings:
            for _ in range(LARGEST_TEXTS // 1_000_000 + 1):
                strings.write(b" " * 1_000_000)
    result = load_bytes({"companies.xlsx": data.getvalue()})
    assert "大きさ" in result.errors[0].reason
    assert len(data.getvalue()) < 1_000_000


def test_an_exported_workbook_holds_text_as_text_and_loads_unchanged() -> None:
    tables = small()
    tables["companies"][0]["企業名"] = "'=1+1"
    loaded(tables)
    for table in registry.tables():
        data = io.BytesIO()
        writing.write_xlsx(data, table, writing.rows_of(table))
        result = load_bytes({f"{table.name}.xlsx": data.getvalue()})
        assert result.ok, result.errors
        assert not result.changed
        if table.name == "companies":
            sheet = openpyxl.load_workbook(data).active
            assert (sheet["B2"].value, sheet["B2"].data_type) == ("'=1+1", "s")
            assert (sheet["I2"].value, sheet["I2"].data_type) == (5, "n")


def test_two_files_of_one_register_and_unknown_names_are_refused() -> None:
    with pytest.raises(DomainError, match="同じデータ"):
        load_bytes({"companies.csv": b"", "companies.xlsx": b""})
    with pytest.raises(DomainError, match="交換ファイルの名前"):
        load_bytes({"company.csv": b""})
    with pytest.raises(DomainError, match="ありません"):
        load_bytes({})
