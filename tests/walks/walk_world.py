"""Who and what the walks start from: two institutions, an office, experts, clients, and dispatches of July 2021."""

import datetime as dt
import io
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import connection

from accounts.models import Role, User
from core import clock
from core.audit.acting import SYSTEM
from core.exchange.services import load_files
from experts.accounts import create_tied_user

TOKYO = (Decimal("35.681236"), Decimal("139.767125"))
START = dt.datetime(2021, 7, 20, 9, tzinfo=clock.JST)

PAYER = """委託者コード,委託者名カナ,名称,住所,銀行コード,支店コード,預金種目,口座番号
1234567890,センモンカハケンジムキヨク,専門家派遣事務局株式会社,東京都千代田区試験1-2-3,0001,001,普通,7654321
"""
INSTITUTIONS = """機関コード,機関名,機関区分,都道府県コード
K1,試験商工会,商工会,13
K2,試験信用金庫,認定金融機関,13
"""
EXPERTS = """専門家コード,氏名,氏名カナ,都道府県コード,住所,メールアドレス,推薦機関コード,登録要件,銀行コード,支店コード,預金種目,口座番号,口座名義カナ,源泉区分,所属機関コード,人件費補助
E1,吉田 太郎,ヨシダ タロウ,13,試験町1,e1@example.jp,K1,資格,0001,001,普通,1112345,ヨシダ タロウ,報酬2号,,無
E2,別田 花子,ベツダ ハナコ,13,試験町2,e2@example.jp,K2,資格,0001,001,普通,2223456,ベツダ ハナコ,報酬1号,K2,無
E3,補助 一郎,ホジヨ イチロウ,13,試験町3,e3@example.jp,K2,資格,0001,001,普通,3334567,ホジヨ イチロウ,報酬2号,,有
"""
CLIENTS = (
    "企業コード,企業名,法人番号,都道府県コード,所在地,電話番号,メールアドレス,業種コード,従業員数,企業区分\n"
    + "".join(
        f"C{n},株式会社試験{n}号,,13,見本町{n},,{mail},I,3,小規模事業者\n"
        for n, mail in ((n, f"c{n}@example.jp" if n != 3 else "") for n in range(1, 7))
    )
)
_COLUMNS = [
    "派遣番号",
    "機関コード",
    "専門家コード",
    "企業コード",
    "経営課題",
    "実施方式",
    "WEB事前承認",
    "支援場所",
    "緯度",
    "経度",
    "予定開始",
    "予定終了",
    "実施開始",
    "実施終了",
    "休憩分",
    "同行",
    "同行開始",
    "同行終了",
    "同行無の理由",
    "専門家からの要請",
    "機関からの給与謝金",
    "上限例外承認",
    "支援内容",
    "報告日時",
    "従事証明日時",
    "機関承認日時",
    "状態",
    "取消理由",
    "行程番号",
    "事務局判断",
    "事務局判断理由",
]
# number, institution, expert, client, day of July, hours from–to, how far it is
LOADED = (
    ("D1", "K1", "E1", "C1", 5, 9, 12, "approved"),
    ("D2", "K1", "E1", "C2", 5, 13, 17, "approved"),
    ("D3", "K1", "E2", "C1", 6, 10, 12, "approved"),
    ("D4", "K2", "E1", "C3", 7, 10, 14, "approved"),
    ("D5", "K2", "E3", "C4", 8, 10, 12, "approved"),
    ("D6", "K2", "E2", "C5", 9, 10, 12, "reported"),
    ("D7", "K1", "E2", "C6", 12, 10, 12, "visited"),
    ("D8", "K1", "E1", "C6", 19, 14, 16, "confirmed"),
    ("D9", "K2", "E1", "C5", 26, 10, 12, "confirmed"),
)
# evidence that isn't as it must be: no end, a start 19 minutes late
_NO_END, _LATE = "D4", "D3"


def dispatches_csv(**changes: dict[str, str]) -> str:
    """The month as a file; `changes` gives columns of a number (D1={...}) other values."""
    text = ",".join(_COLUMNS) + "\n"
    for number, institution, expert, client, day, start, end, stage in LOADED:
        reached = ("confirmed", "visited", "reported", "approved").index(stage)
        times = f"2021-07-{day:02} {start:02}:00", f"2021-07-{day:02} {end:02}:00"
        row = {
            "派遣番号": number, "機関コード": institution, "専門家コード": expert, "企業コード": client,
            "経営課題": "創業", "実施方式": "対面", "支援場所": "支援先事業所",
            "緯度": str(TOKYO[0]), "経度": str(TOKYO[1]), "予定開始": times[0], "予定終了": times[1],
            "WEB事前承認": "無", "同行": "無", "同行無の理由": "人員不足",
            "専門家からの要請": "無", "機関からの給与謝金": "無", "上限例外承認": "無",
        }  # fmt: skip
        if reached >= 1:
            row |= {"実施開始": times[0], "実施終了": times[1]}
        if reached >= 2:
            row |= {
                "支援内容": f"{number}の支援。課題を整理し助言した。",
                "報告日時": f"2021-07-{day + 1:02} 11:00",
            }
        if reached >= 3:
            row |= {
                "従事証明日時": f"2021-07-{day + 1:02} 12:00",
                "機関承認日時": f"2021-07-{day + 2:02} 9:00",
            }
        row |= changes.get(number, {})
        text += ",".join(row.get(column, "") for column in _COLUMNS) + "\n"
    return text


def _events_csv() -> str:
    text = "イベントID,派遣番号,種別,端末時刻,緯度,経度,精度m,署名者氏名\n"
    for number, _, _, _, day, start, end, stage in LOADED:
        if stage == "confirmed":
            continue
        begun = f"2021-07-{day:02} {start:02}:{19 if number == _LATE else 1:02}:30"
        text += f"{number}-開始,{number},開始,{begun},{TOKYO[0]},{TOKYO[1]},12,\n"
        if number != _NO_END:
            text += f"{number}-終了,{number},終了,2021-07-{day:02} {end:02}:02:10,{TOKYO[0]},{TOKYO[1]},12,試験 社長\n"
    return text


def _claims_csv() -> str:
    columns = [
        "派遣番号",
        "行番号",
        "利用日",
        "種別",
        "出発地",
        "到着地",
        "距離km",
        "運賃",
        "特急料金",
        "指定席料金",
        "往復割引運賃",
        "通常運賃",
        "請求額",
        "領収書",
        "半券",
        "座席",
        "公共交通機関なし",
        "高速船",
        "並行航路",
        "宿泊種別",
        "認定距離km",
        "認定額",
        "必要理由",
    ]
    text = ",".join(columns) + "\n"
    plain = {"領収書": "無", "半券": "無", "公共交通機関なし": "無", "高速船": "無", "並行航路": "無"}
    train = {
        "種別": "鉄道",
        "出発地": "東京",
        "到着地": "熱海",
        "距離km": "104.6",
        "運賃": "1980",
        "請求額": "1980",
    }
    for number, line, day, own in (
        ("D1", 1, 5, train),
        ("D1", 2, 5, {**train, "出発地": "熱海", "到着地": "東京"}),
        (
            "D4",
            1,
            7,
            {"種別": "私有車", "出発地": "試験町", "到着地": "見本町", "距離km": "30", "請求額": "1110"},
        ),
    ):
        row = {**plain, "派遣番号": number, "行番号": str(line), "利用日": f"2021-07-{day:02}", **own}
        text += ",".join(row.get(column, "") for column in columns) + "\n"
    return text


@dataclass(frozen=True)
class Person:
    """Somebody with an account, and what they are, kept apart from what the product says of them."""

    pk: int
    name: str
    role: str
    tie: str = ""

    @property
    def user(self) -> User:
        """The account as it is now."""
        return User.objects.get(pk=self.pk)

    @property
    def does_business(self) -> bool:
        """Whether this is one of the office's operators and approvers."""
        return self.role in ("office_operator", "office_approver")


@dataclass
class World:
    """Everybody."""

    people: dict[str, Person] = field(default_factory=dict)
    # the tables whose changes the database records, as long as nobody takes that away
    recorded: list[str] = field(default_factory=list)

    def of_role(self, *roles: str) -> list[Person]:
        """Those of these roles, always in the same order."""
        return [person for person in self.people.values() if person.role in roles]

    def of_institution(self, code: str) -> list[Person]:
        """The people of an institution."""
        return [each for each in self.of_role("institution_chief", "institution_staff") if each.tie == code]


_PEOPLE = (
    ("k1-chief", Role.INSTITUTION_CHIEF, "K1"),
    ("k1-staff", Role.INSTITUTION_STAFF, "K1"),
    ("k2-chief", Role.INSTITUTION_CHIEF, "K2"),
    ("e1", Role.EXPERT, "E1"),
    ("e2", Role.EXPERT, "E2"),
    ("e3", Role.EXPERT, "E3"),
    ("tanto", Role.OFFICE_OPERATOR, ""),
    ("tanto2", Role.OFFICE_OPERATOR, ""),
    ("shonin", Role.OFFICE_APPROVER, ""),
    ("shonin2", Role.OFFICE_APPROVER, ""),
    ("kanri", Role.OFFICE_ADMIN, ""),
    ("agency", Role.AGENCY_VIEWER, ""),
)


def as_files(**texts: str) -> dict[str, io.BytesIO]:
    """Exchange files as they are uploaded."""
    return {f"{name}.csv": io.BytesIO(text.encode("utf-8-sig")) for name, text in texts.items()}


def build() -> World:
    """Loads everything and makes the accounts; commits."""
    result = load_files(
        as_files(
            payer=PAYER,
            institutions=INSTITUTIONS,
            experts=EXPERTS,
            companies=CLIENTS,
            dispatches=dispatches_csv(),
            check_events=_events_csv(),
            travel_claims=_claims_csv(),
        ),
        actor=SYSTEM,
    )
    assert result.ok, list(result.problems)
    world = World(recorded=_recorded())
    for name, role, tie in _PEOPLE:
        user = create_tied_user(
            username=name,
            role=role,
            email=f"{name}@example.jp",
            display_name=name,
            institution=tie if role in (Role.INSTITUTION_CHIEF, Role.INSTITUTION_STAFF) else "",
            expert=tie if role == Role.EXPERT else "",
            actor=SYSTEM,
        )
        world.people[name] = Person(user.pk, name, str(role), tie)
    return world


def _recorded() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = 'audit_record' ORDER BY 1"
        )
        return [name for (name,) in cursor.fetchall()]
