"""companies, dispatches, check_events, declarations and travel_claims .csv (exchange.md §1)."""

from core.exchange.cells import Choice, Code, Date, DateTime, Integer, Number, Text, YesNo
from core.exchange.registry import Column, Freeze, Identifier, RowRule, Table, freeze, register
from core.japan.prefectures import BY_CODE
from rules import codes

from .models import CheckEvent, Company, Declaration, Dispatch, TravelLine
from .transitions import OPEN

COMPANIES = register(
    Table(
        name="companies",
        order=4,
        model=Company,
        key=("企業コード",),
        columns=(
            Column("企業コード", Identifier(), "code", required=True),
            Column("企業名", Text(200), "name", required=True),
            Column("法人番号", Code(13, "[0-9]{13}", "13 桁の数字にしてください。"), "corporate_number"),
            Column(
                "都道府県コード",
                Choice(tuple(BY_CODE), "01 から 47 までの都道府県コードではありません。"),
                "prefecture_code",
                required=True,
            ),
            Column("所在地", Text(500), "address", required=True),
            Column("電話番号", Text(50), "phone"),
            Column("メールアドレス", Text(254), "email"),
            Column("業種コード", Choice(codes.INDUSTRY_CODES), "industry", required=True),
            Column("従業員数", Integer(), "employees", required=True),
            Column("資本金", Integer(), "capital"),
            Column("企業区分", Choice(codes.COMPANY_KINDS), "kind", required=True),
        ),
    )
)


def _ends_after_start(start: str, end: str) -> RowRule:
    return RowRule(end, f"{{{end}}} <= {{{start}}}", f"{end}は{start}より後にしてください。", (start, end))


def _topic_unknown() -> str:
    """SQL: 経営課題 is in no version of the list, or not in the one in force on the planned day."""
    values = ", ".join(f"'{topic}'" for topic in codes.TOPICS)
    item = "SELECT 1 FROM programme_codeitem i WHERE i.list = 'topic'"
    same = "i.name = {経営課題}"
    day = "i.valid @> ({予定開始} AT TIME ZONE 'Asia/Tokyo')::date"
    return (
        f"CASE WHEN NOT EXISTS ({item}) THEN {{経営課題}} NOT IN ({values})"
        f" WHEN EXISTS ({item} AND {day}) THEN NOT EXISTS ({item} AND {same} AND {day})"
        f" ELSE NOT EXISTS ({item} AND {same}) END"
    )


# What the columns say about where the dispatch stands (exchange.md §2).
_STATUS = """CASE WHEN {状態} = '取消' THEN 'cancelled' WHEN {状態} = '辞退' THEN 'declined'
 WHEN {事務局判断} = '対象外' THEN 'ineligible' WHEN {機関承認日時} IS NOT NULL THEN 'approved'
 WHEN {報告日時} IS NOT NULL THEN 'reported' WHEN {実施開始} IS NOT NULL THEN 'visited' ELSE 'confirmed' END"""
_STATE = "CASE {t}.status WHEN 'cancelled' THEN '取消' WHEN 'declined' THEN '辞退' ELSE '' END"

DISPATCHES = register(
    Table(
        name="dispatches",
        order=5,
        model=Dispatch,
        key=("派遣番号",),
        columns=(
            Column("派遣番号", Identifier(), "number", required=True),
            Column("機関コード", Code(), "institution_id", required=True, refers="institutions"),
            Column("専門家コード", Code(), "expert_id", required=True, refers="experts"),
            Column("企業コード", Code(), "company_id", required=True, refers="companies"),
            Column("経営課題", Code(100), "topic", required=True),
            Column("実施方式", Choice(codes.METHODS), "method", required=True),
            Column("WEB事前承認", YesNo(), "web_approved"),
            Column("支援場所", Text(500), "place"),
            Column("緯度", Number(-90, 90), "latitude"),
            Column("経度", Number(-180, 180), "longitude"),
            Column("予定開始", DateTime(), "planned_from", required=True),
            Column("予定終了", DateTime(), "planned_to", required=True),
            Column("実施開始", DateTime(), "visited_from"),
            Column("実施終了", DateTime(), "visited_to"),
            Column("休憩分", Integer(0, 1_000_000), "break_minutes"),
            Column("同行", YesNo(), "accompanied"),
            Column("同行開始", DateTime(), "accompanied_from"),
            Column("同行終了", DateTime(), "accompanied_to"),
            Column("同行無の理由", Text(), "no_accompaniment_reason"),
            Column("専門家からの要請", YesNo(), "requested_by_expert"),
            Column("機関からの給与謝金", YesNo(), "paid_by_institution"),
            Column("上限例外承認", YesNo(), "limit_exception"),
            Column("支援内容", Text(), "report"),
            Column("報告日時", DateTime(), "reported_at"),
            Column("従事証明日時", DateTime(), "attested_at"),
            Column("機関承認日時", DateTime(), "approved_at"),
            Column("状態", Choice(codes.STATES), None, stored=_STATE),
            Column("取消理由", Text(), "end_reason"),
            Column("行程番号", Code(), "itinerary"),
            Column("事務局判断", Choice(codes.OFFICE_DECISIONS), "office_decision"),
            Column("事務局判断理由", Text(), "office_decision_reason"),
        ),
        rules=(
            RowRule(
                "経営課題",
                _topic_unknown(),
                "登録されている経営課題ではありません。",
                ("経営課題", "予定開始"),
            ),
            _ends_after_start("予定開始", "予定終了"),
            _ends_after_start("実施開始", "実施終了"),
            RowRule(
                "実施開始",
                "{実施開始} IS NULL AND {実施終了} IS NOT NULL",
                "実施開始と実施終了は両方入れるか、両方空にしてください。",
                ("実施開始", "実施終了"),
            ),
            RowRule(
                "実施終了",
                "{実施開始} IS NOT NULL AND {実施終了} IS NULL",
                "実施開始と実施終了は両方入れるか、両方空にしてください。",
                ("実施開始", "実施終了"),
            ),
            RowRule(
                "緯度",
                "{実施方式} = '対面' AND {実施開始} IS NOT NULL AND {実施終了} IS NOT NULL AND {緯度} IS NULL",
                "実施した対面の派遣には緯度が必要です。",
                ("実施方式", "実施開始", "実施終了", "緯度"),
            ),
            RowRule(
                "経度",
                "{実施方式} = '対面' AND {実施開始} IS NOT NULL AND {実施終了} IS NOT NULL AND {経度} IS NULL",
                "実施した対面の派遣には経度が必要です。",
                ("実施方式", "実施開始", "実施終了", "経度"),
            ),
            RowRule(
                "休憩分",
                "{実施終了} > {実施開始} AND {休憩分} * interval '1 minute' >= {実施終了} - {実施開始}",
                "休憩が実施時間以上になっています。",
                ("実施開始", "実施終了", "休憩分"),
            ),
            RowRule(
                "取消理由",
                "{状態} <> '' AND {取消理由} = ''",
                "取消・辞退には取消理由が必要です。",
                ("状態", "取消理由"),
            ),
            RowRule(
                "事務局判断理由",
                "{事務局判断} <> '' AND {事務局判断理由} = ''",
                "事務局判断には事務局判断理由が必要です。",
                ("事務局判断", "事務局判断理由"),
            ),
        ),
        belongs_by="派遣番号",
        derived={"status": _STATUS},
        setting=("app.transition", "import"),
    )
)

_DISPATCH_NUMBER = Column("派遣番号", Code(), "dispatch_id", required=True, refers="dispatches")

CHECK_EVENTS = register(
    Table(
        name="check_events",
        order=6,
        model=CheckEvent,
        key=("イベントID",),
        columns=(
            Column("イベントID", Code(), "event_id", required=True),
            _DISPATCH_NUMBER,
            Column("種別", Choice(codes.EVENT_KINDS), "kind", required=True),
            Column("端末時刻", DateTime(), "device_time", required=True),
            Column("緯度", Number(-90, 90), "latitude"),
            Column("経度", Number(-180, 180), "longitude"),
            Column("精度m", Number(0, 9_999_999_999), "accuracy"),
            Column("署名者氏名", Text(200), "signer_name"),
        ),
        append_only="チェックイン・アウトの記録は追加だけで、変更できません。",
        belongs_by="派遣番号",
    )
)

DECLARATIONS = register(
    Table(
        name="declarations",
        order=7,
        model=Declaration,
        key=("派遣番号", "事由"),
        columns=(
            _DISPATCH_NUMBER,
            Column("事由", Choice(codes.DECLARATION_CAUSES), "cause", required=True),
            Column("申告開始", DateTime(), "declared_from"),
            Column("申告終了", DateTime(), "declared_to"),
            Column("提出日時", DateTime(), "submitted_at", required=True),
            Column("理由", Text(), "reason", required=True),
        ),
        rules=(_ends_after_start("申告開始", "申告終了"),),
        belongs_by="派遣番号",
    )
)

_CAR = f"'{codes.TRAVEL_CAR}'"

TRAVEL_CLAIMS = register(
    Table(
        name="travel_claims",
        order=8,
        model=TravelLine,
        key=("派遣番号", "行番号"),
        columns=(
            _DISPATCH_NUMBER,
            Column("行番号", Integer(0, 2_147_483_647), "line_no", required=True),
            Column("利用日", Date(), "day", required=True),
            Column("種別", Choice(codes.TRAVEL_KINDS), "kind", required=True),
            Column("出発地", Text(200), "origin"),
            Column("到着地", Text(200), "destination"),
            Column("距離km", Number(0, 9_999_999_999), "km"),
            Column("運賃", Integer(), "fare"),
            Column("特急料金", Integer(), "express"),
            Column("指定席料金", Integer(), "reserved"),
            Column("往復割引運賃", Integer(), "roundtrip_fare"),
            Column("通常運賃", Integer(), "ordinary_fare"),
            Column("請求額", Integer(), "claimed", required=True),
            Column("領収書", YesNo(), "receipt"),
            Column("半券", YesNo(), "stub"),
            Column("座席", Choice(codes.SEATS), "seat"),
            Column("公共交通機関なし", YesNo(), "no_public_transport"),
            Column("高速船", YesNo(), "fast_boat"),
            Column("並行航路", YesNo(), "parallel_route"),
            Column("宿泊種別", Choice(codes.LODGING_KINDS), "lodging_kind"),
            Column("認定距離km", Number(0, 9_999_999_999), "accepted_km"),
            Column("認定額", Integer(), "accepted_yen"),
            Column("必要理由", Text(), "reason"),
        ),
        rules=(
            RowRule(
                "認定距離km",
                f"{{種別}} <> {_CAR} AND {{認定距離km}} IS NOT NULL",
                "認定距離kmは私有車の行だけに入れられます。",
                ("種別", "認定距離km"),
            ),
            RowRule(
                "認定額",
                f"{{種別}} = {_CAR} AND {{認定額}} IS NOT NULL",
                "私有車の行には認定額を入れられません（認定距離kmで計算します）。",
                ("種別", "認定額"),
            ),
        ),
        replaces_by="派遣番号",
        belongs_by="派遣番号",
    )
)

# A dispatch on its way to payment has left what files may say about it.
freeze(
    Freeze(
        table="dispatches",
        sql="SELECT d.id, '支払の手続き中'::text AS why FROM dispatch_dispatch d WHERE d.status NOT IN ("
        + ", ".join(f"'{status}'" for status in OPEN)
        + ")",
    )
)
