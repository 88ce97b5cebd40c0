"""What a file must not say: named by file, line, column, value and reason; nothing is loaded by half."""

import pytest
from exchange_folder import (
    COMPANY,
    DISPATCH,
    EVENT,
    TRAVEL,
    Rows,
    as_csv,
    complaints,
    counts,
    load,
    load_bytes,
    loaded,
    small,
    with_row,
)

from dispatch.models import Company, Dispatch
from institutions.models import Institution

pytestmark = pytest.mark.django_db

# register, cells of the row, the column at fault, the value reported, a word of the reason
BAD_CELLS = [
    ("institutions", {"機関区分": "株式会社"}, "機関区分", "株式会社", "決められた値"),
    ("institutions", {"都道府県コード": "48"}, "都道府県コード", "48", "47"),
    ("institutions", {"機関名": ""}, "機関名", "", "必須"),
    ("institutions", {"機関名": "　"}, "機関名", "　", "必須"),
    ("institutions", {"機関名": "あ" * 201}, "機関名", "あ" * 60 + "…（全 201 文字）", "200 文字"),
    ("institutions", {"認定有効期限": "2021-02-30"}, "認定有効期限", "2021-02-30", "存在しない"),
    ("institutions", {"認定有効期限": "令和3年7月5日"}, "認定有効期限", "令和3年7月5日", "日付は"),
    ("experts", {"口座番号": "12345678"}, "口座番号", "12345678", "7 文字"),
    ("experts", {"口座番号": "12-345"}, "口座番号", "12-345", "数字"),
    ("experts", {"推薦機関コード": "K9"}, "推薦機関コード", "K9", "登録されていません"),
    ("experts", {"所属機関コード": "K1;K8"}, "所属機関コード", "K8", "登録されていません"),
    ("experts", {"得意業種": "E;Z"}, "得意業種", "E;Z", "決められた値"),
    ("experts", {"適格請求書番号": "T123"}, "適格請求書番号", "T123", "13 桁"),
    ("experts", {"活動拠点緯度": "90.1"}, "活動拠点緯度", "90.1", "90 以下"),
    ("experts", {"活動拠点経度": "-180.000001"}, "活動拠点経度", "-180.000001", "-180 以上"),
    ("companies", {"従業員数": "-1"}, "従業員数", "-1", "0 以上"),
    ("companies", {"資本金": "10000000000"}, "資本金", "10000000000", "9,999,999,999 以下"),
    ("companies", {"資本金": "1,000"}, "資本金", "1,000", "数字"),
    ("companies", {"資本金": "=1+1"}, "資本金", "=1+1", "数字"),
    ("companies", {"従業員数": "1.5"}, "従業員数", "1.5", "整数"),
    ("companies", {"企業名": "a\x00b"}, "企業名", "a␀b", "制御文字"),
    ("dispatches", {"企業コード": "C9"}, "企業コード", "C9", "登録されていません"),
    ("dispatches", {"経営課題": "雑談"}, "経営課題", "雑談", "経営課題"),
    ("dispatches", {"実施方式": "電話"}, "実施方式", "電話", "決められた値"),
    ("dispatches", {"予定開始": "2021-07-05"}, "予定開始", "2021-07-05", "日時は"),
    ("dispatches", {"予定開始": "2021-07-05 24:00"}, "予定開始", "2021-07-05 24:00", "時刻"),
    ("dispatches", {"予定終了": "2021-07-05 10:00"}, "予定終了", "2021-07-05 10:00", "より後"),
    ("dispatches", {"実施終了": "2021-07-05 09:00"}, "実施終了", "2021-07-05 09:00", "より後"),
    ("dispatches", {"実施終了": ""}, "実施終了", "", "両方"),
    ("dispatches", {"実施開始": ""}, "実施開始", "", "両方"),
    ("dispatches", {"緯度": ""}, "緯度", "", "緯度が必要"),
    ("dispatches", {"経度": ""}, "経度", "", "経度が必要"),
    ("dispatches", {"休憩分": "120"}, "休憩分", "120", "実施時間以上"),
    ("dispatches", {"同行": "はい"}, "同行", "はい", "有 または 無"),
    ("dispatches", {"状態": "取消"}, "取消理由", "", "必要"),
    ("dispatches", {"状態": "辞退"}, "取消理由", "", "必要"),
    ("dispatches", {"状態": "保留"}, "状態", "保留", "決められた値"),
    ("dispatches", {"事務局判断": "対象外"}, "事務局判断理由", "", "必要"),
    ("check_events", {"派遣番号": "D9"}, "派遣番号", "D9", "登録されていません"),
    ("check_events", {"精度m": "-1"}, "精度m", "-1", "0 以上"),
    ("check_events", {"緯度": "NaN"}, "緯度", "NaN", "数字"),
    ("declarations", {"申告開始": "2021-07-05 12:00"}, "申告終了", "2021-07-05 12:00", "より後"),
    ("declarations", {"理由": ""}, "理由", "", "必須"),
    ("travel_claims", {"請求額": "-1"}, "請求額", "-1", "0 以上"),
    ("travel_claims", {"運賃": "10000000000"}, "運賃", "10000000000", "以下"),
    ("travel_claims", {"認定距離km": "10"}, "認定距離km", "10", "私有車"),
    ("travel_claims", {"種別": "私有車", "認定額": "10"}, "認定額", "10", "私有車"),
    ("travel_claims", {"種別": "徒歩"}, "種別", "徒歩", "決められた値"),
    ("travel_claims", {"行番号": "一"}, "行番号", "一", "数字"),
    ("payer", {"銀行コード": "1"}, "銀行コード", "1", "4 桁"),
]


@pytest.mark.parametrize(("name", "values", "column", "value", "word"), BAD_CELLS)
def test_a_bad_cell_is_named_and_nothing_is_loaded(
    name: str, values: dict[str, str], column: str, value: str, word: str
) -> None:
    result = load(with_row(name, **values))
    assert complaints(result) == [(f"{name}.csv", 2, column, value)]
    assert word in result.errors[0].reason
    assert result.files[f"{name}.csv"]["rejected"] == 1
    assert not Institution.objects.exists()
    assert not Dispatch.objects.exists()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("experts", {"銀行コード": "9999", "支店コード": "999"}),
        ("experts", {"口座名義カナ": "漢字 名義"}),
        ("experts", {"口座番号": "１２３"}),
        ("experts", {"口座番号": "1"}),
        ("dispatches", {"実施方式": "WEB", "緯度": "", "経度": ""}),
        ("dispatches", {"実施開始": "", "実施終了": "", "緯度": "", "経度": ""}),
        ("dispatches", {"同行開始": "2021-07-05 12:00", "同行終了": "2021-07-05 11:00"}),
        ("dispatches", {"予定開始": "2021/7/5 9:00", "予定終了": "2021/7/5 12:30:15"}),
        ("dispatches", {"休憩分": "119"}),
        ("dispatches", {"経営課題": "ＩＴ活用"}),
        ("travel_claims", {"種別": "私有車", "認定距離km": "１２．４"}),
        ("travel_claims", {"請求額": "9999999999"}),
        ("travel_claims", {"請求額": "0"}),
        ("payer", {"登録番号": "T7123456789012", "法人番号": "7123456789012"}),
    ],
)
def test_what_becomes_a_finding_or_is_merely_written_differently_is_accepted(
    name: str, values: dict[str, str]
) -> None:
    result = load(with_row(name, **values))
    assert result.ok, result.errors


def test_every_bad_row_of_every_file_is_reported_at_once_also_several_causes_of_one_row() -> None:
    tables = small()
    tables["companies"].append({**COMPANY, "企業コード": "C2", "従業員数": "x", "業種コード": "Z"})
    tables["dispatches"].append({**DISPATCH, "派遣番号": "D2", "機関コード": "K9"})
    tables["travel_claims"].append({**TRAVEL, "行番号": "2", "請求額": ""})
    result = load(tables)
    assert complaints(result) == [
        ("companies.csv", 3, "業種コード", "Z"),
        ("companies.csv", 3, "従業員数", "x"),
        ("dispatches.csv", 3, "機関コード", "K9"),
        ("travel_claims.csv", 3, "請求額", ""),
    ]
    assert result.files["companies.csv"] == counts(2, 0, 0, 0, 1)


def test_a_row_that_refers_to_a_bad_row_is_no_error_of_its_own() -> None:
    tables = with_row("institutions", 機関区分="株式会社")
    assert [place[0] for place in complaints(load(tables))] == ["institutions.csv"]


def test_rows_that_refer_into_an_unreadable_file_are_not_blamed_but_checked_otherwise() -> None:
    tables = small()
    files = {f"{name}.csv": as_csv(rows).encode() for name, rows in tables.items() if name != "institutions"}
    files["institutions.csv"] = b"\xff\xfe\x00"
    tables["travel_claims"][0]["請求額"] = "x"
    files["travel_claims.csv"] = as_csv(tables["travel_claims"]).encode()
    result = load_bytes(files)
    assert [(file, line, column) for file, line, column, _ in complaints(result)] == [
        ("institutions.csv", 1, ""),
        ("travel_claims.csv", 2, "請求額"),
    ]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("companies", "企業コード"),
        ("check_events", "イベントID"),
        ("declarations", "派遣番号"),
        ("travel_claims", "派遣番号"),
    ],
)
def test_every_later_row_of_a_key_is_refused(name: str, key: str) -> None:
    tables = small()
    tables[name] += [dict(tables[name][0]), dict(tables[name][0])]
    result = load(tables)
    assert [(line, column) for _, line, column, _ in complaints(result)] == [(3, key), (4, key)]
    assert "2 行目" in result.errors[0].reason


def test_a_key_written_in_full_width_is_the_same_key() -> None:
    tables = small()
    tables["companies"].append({**COMPANY, "企業コード": "Ｃ１"})
    assert complaints(load(tables)) == [("companies.csv", 3, "企業コード", "C1")]


def test_a_check_event_never_changes() -> None:
    loaded(small())
    result = load({"check_events": [{**EVENT, "署名者氏名": "別人", "端末時刻": "2021-07-05 10:00"}]})
    assert complaints(result) == [
        ("check_events.csv", 2, "端末時刻", "2021-07-05 10:00"),
        ("check_events.csv", 2, "署名者氏名", "別人"),
    ]
    assert "変更できません" in result.errors[0].reason
    assert "2021-07-05 09:59:30" in result.errors[0].reason


def _header(rows: Rows) -> str:
    return as_csv(rows).splitlines()[0]


@pytest.mark.parametrize(
    ("header", "column", "word"),
    [
        (
            "企業コード,企業名,都道府県コード,所在地,業種コード,従業員数,企業区分,備考",
            "備考",
            "この列はありません",
        ),
        ("企業コード,企業名,都道府県コード,所在地,業種コード,従業員数", "企業区分", "必須の列"),
        ("企業コード,企業名,企業名,都道府県コード,所在地,業種コード,従業員数,企業区分", "企業名", "重複"),
        ("企業コード,企業名,都道府県コード,所在地,業種コード,従業員数,企業区分,", "", "見出しが空"),
    ],
)
def test_columns_are_refused_by_name(header: str, column: str, word: str) -> None:
    result = load_bytes({"companies.csv": (header + "\r\n").encode()})
    assert complaints(result) == [("companies.csv", 1, column, column if word != "必須の列" else "")]
    assert word in result.errors[0].reason


def test_rows_are_judged_also_when_the_header_has_an_unknown_column() -> None:
    text = as_csv([{**COMPANY, "備考": "x", "従業員数": "?"}])
    result = load_bytes({"companies.csv": text.encode()})
    assert [(line, column) for _, line, column, _ in complaints(result)] == [(1, "備考"), (2, "従業員数")]


@pytest.mark.parametrize("extra", ["", ",x"])
def test_too_few_or_too_many_cells_are_refused_with_their_line(extra: str) -> None:
    row = as_csv([COMPANY]).splitlines()[1]
    broken = row + ",x" if extra else row.rpartition(",")[0]
    text = "\n".join([_header([COMPANY]), row.replace("C1", "C0"), "", broken])
    result = load_bytes({"companies.csv": text.encode()})
    assert [(line, column) for _, line, column, _ in complaints(result)] == [(4, "")]
    assert "列の数" in result.errors[0].reason
    assert not Company.objects.exists()


def test_a_key_that_could_not_be_part_of_a_file_name_is_refused() -> None:
    tables = small()
    tables["experts"].append({**tables["experts"][0], "専門家コード": "../E2"})
    assert complaints(load(tables)) == [("experts.csv", 3, "専門家コード", "../E2")]


def test_the_problems_can_be_read_in_part_and_then_as_a_whole() -> None:
    tables = {
        "companies": [
            {**COMPANY, "企業コード": f"C{n}", "業種コード": "?", "企業区分": "!"} for n in range(3_000)
        ]
    }
    result = load(tables)
    assert len(result.errors) == 2_000
    whole = list(result.problems)
    assert len(whole) == result.problems.count == 6_000
    assert [(error.line, error.column) for error in whole[-2:]] == [
        (3_001, "業種コード"),
        (3_001, "企業区分"),
    ]
    assert result.files["companies.csv"]["rejected"] == 3_000
