"""A small valid set of exchange files that tests change to see what happens."""

import csv
import io
from pathlib import Path
from typing import Any

from core.audit.acting import SYSTEM
from core.exchange import services
from core.exchange.engine import LoadResult

Rows = list[dict[str, str]]

PAYER = {
    "委託者コード": "1234567890", "委託者名カナ": "センモンカハケンジムキヨク", "名称": "専門家派遣事務局株式会社",
    "住所": "東京都千代田区試験1-2-3", "銀行コード": "0001", "支店コード": "001", "預金種目": "普通", "口座番号": "1234567",
}  # fmt: skip
INSTITUTION = {"機関コード": "K1", "機関名": "試験商工会", "機関区分": "商工会", "都道府県コード": "13"}
EXPERT = {
    "専門家コード": "E1", "氏名": "吉田 太郎", "氏名カナ": "ヨシダ タロウ", "都道府県コード": "13", "住所": "試験町1",
    "メールアドレス": "e1@example.jp", "推薦機関コード": "K1", "登録要件": "資格", "銀行コード": "0001", "支店コード": "001",
    "預金種目": "普通", "口座番号": "0012345", "口座名義カナ": "ヨシダ タロウ", "源泉区分": "報酬2号",
}  # fmt: skip
COMPANY = {
    "企業コード": "C1", "企業名": "株式会社試験", "都道府県コード": "13", "所在地": "見本町1", "業種コード": "E", "従業員数": "5",
    "企業区分": "中小企業",
}  # fmt: skip
DISPATCH = {
    "派遣番号": "D1", "機関コード": "K1", "専門家コード": "E1", "企業コード": "C1", "経営課題": "創業", "実施方式": "対面",
    "緯度": "35.681236", "経度": "139.767125", "予定開始": "2021-07-05 10:00", "予定終了": "2021-07-05 12:00",
    "実施開始": "2021-07-05 10:00", "実施終了": "2021-07-05 12:00", "休憩分": "", "同行": "有", "支援内容": "助言した。",
    "報告日時": "2021-07-05 13:00", "従事証明日時": "2021-07-05 14:00", "機関承認日時": "2021-07-06 09:00", "状態": "",
    "取消理由": "", "事務局判断": "", "事務局判断理由": "",
}  # fmt: skip
EVENT = {
    "イベントID": "V1", "派遣番号": "D1", "種別": "開始", "端末時刻": "2021-07-05 09:59:30", "緯度": "35.681236",
    "経度": "139.767125", "精度m": "10", "署名者氏名": "",
}  # fmt: skip
DECLARATION = {
    "派遣番号": "D1", "事由": "終了報告失念", "申告開始": "", "申告終了": "2021-07-05 12:00", "提出日時": "2021-07-06 10:00",
    "理由": "操作を誤ったため",
}  # fmt: skip
TRAVEL = {
    "派遣番号": "D1", "行番号": "1", "利用日": "2021-07-05", "種別": "鉄道", "出発地": "自宅", "到着地": "支援先", "距離km": "12.4",
    "運賃": "320", "請求額": "320", "認定距離km": "", "認定額": "",
}  # fmt: skip


def small() -> dict[str, Rows]:
    """One row of each register."""
    return {
        "payer": [dict(PAYER)],
        "institutions": [dict(INSTITUTION)],
        "experts": [dict(EXPERT)],
        "companies": [dict(COMPANY)],
        "dispatches": [dict(DISPATCH)],
        "check_events": [dict(EVENT)],
        "declarations": [dict(DECLARATION)],
        "travel_claims": [dict(TRAVEL)],
    }


def as_csv(rows: Rows, newline: str = "\r\n") -> str:
    """The rows as CSV text; the header has every column that any row has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator=newline)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def load_bytes(files: dict[str, bytes], **options: Any) -> LoadResult:
    """Loads files given as bytes."""
    return services.load_files(
        {name: io.BytesIO(data) for name, data in files.items()}, actor=SYSTEM, **options
    )


def load(tables: dict[str, Rows], **options: Any) -> LoadResult:
    """Loads tables of rows."""
    return load_bytes(
        {f"{name}.csv": as_csv(rows).encode("utf-8-sig") for name, rows in tables.items()}, **options
    )


def loaded(tables: dict[str, Rows]) -> LoadResult:
    """Loads what has to be fine."""
    result = load(tables)
    assert result.ok, result.errors
    return result


def with_row(name: str, **values: str) -> dict[str, Rows]:
    """The small set with other cells in the row of one register."""
    tables = small()
    tables[name][0].update(values)
    return tables


def complaints(result: LoadResult) -> list[tuple[str, int, str, str]]:
    """File, line, column and value of every problem."""
    return [(error.file, error.line, error.column, error.value) for error in result.errors]


def exported(folder: Path) -> dict[str, bytes]:
    """All files as they are exported now."""
    services.export_folder(folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def cells(data: bytes) -> list[dict[str, str]]:
    """The rows of an exported file."""
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def counts(read: int, created: int, updated: int, unchanged: int, rejected: int) -> dict[str, int]:
    """What a load says about one file."""
    return {
        "read": read,
        "created": created,
        "updated": updated,
        "unchanged": unchanged,
        "rejected": rejected,
    }
