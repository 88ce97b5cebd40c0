"""A small story: expert E1 with dispatch D1 of today, E2 with D2, and their accounts."""

import datetime as dt
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

INSTITUTIONS = "機関コード,機関名,機関区分,都道府県コード\nK1,試験商工会,商工会,13\n"
EXPERTS = """専門家コード,氏名,氏名カナ,都道府県コード,住所,メールアドレス,推薦機関コード,登録要件,銀行コード,支店コード,預金種目,口座番号,口座名義カナ,源泉区分
E1,吉田 太郎,ヨシダ タロウ,13,試験町1,e1@example.jp,K1,資格,0001,001,普通,1112345,ヨシダ タロウ,報酬2号
E2,別田 花子,ベツダ ハナコ,13,試験町2,e2@example.jp,K1,資格,0001,001,普通,2223456,ベツダ ハナコ,報酬2号
"""
COMPANIES = """企業コード,企業名,都道府県コード,所在地,電話番号,業種コード,従業員数,企業区分
C1,株式会社試験,13,東京都千代田区見本町1,03-0000-0001,E,5,中小企業
"""


@dataclass
class Cast:
    """Who there is."""

    expert: Any
    other: Any
    operator: Any


def tell(today: dt.date) -> Cast:
    """Loads the story and makes the accounts."""
    from accounts.models import Role, User
    from core.audit.acting import SYSTEM, acting
    from core.exchange.services import load_files
    from experts.models import Expert

    rows = "\n".join(
        f"{number},K1,{expert},C1,創業,対面,東京都千代田区見本町1,35.681236,139.767125,{today} 10:00,{today} 12:00"
        for number, expert in (("D1", "E1"), ("D2", "E2"))
    )
    head = (
        "派遣番号,機関コード,専門家コード,企業コード,経営課題,実施方式,支援場所,緯度,経度,予定開始,予定終了"
    )
    files = {
        "institutions.csv": INSTITUTIONS,
        "experts.csv": EXPERTS,
        "companies.csv": COMPANIES,
        "dispatches.csv": f"{head}\n{rows}\n",
    }
    result = load_files({name: io.BytesIO(text.encode()) for name, text in files.items()}, actor=SYSTEM)
    assert result.ok, list(result.problems)
    with acting(SYSTEM, "story"):
        people = [
            User.objects.create(username=name, role=role)
            for name, role in (("e1", Role.EXPERT), ("e2", Role.EXPERT), ("tanaka", Role.OFFICE_OPERATOR))
        ]
        for code, user in (("E1", people[0]), ("E2", people[1])):
            Expert.objects.filter(code=code).update(user=user)
    return Cast(*people)


@pytest.fixture
def tell_story() -> Callable[[dt.date], Cast]:
    """`tell`, for tests on a database of their own."""
    return tell


@pytest.fixture
def cast(db: None) -> Cast:
    """The story on the worker's database."""
    return tell(dt.date(2026, 11, 20))
