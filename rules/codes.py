"""The code lists of the exchange files (exchange.md §1); the values are the Japanese strings of the files."""

from __future__ import annotations

from typing import Final

# 機関区分
INSTITUTION_KINDS: Final = (
    "よろず支援拠点",
    "商工会",
    "商工会議所",
    "中央会",
    "商店街振興組合連合会",
    "指定法人",
    "信用保証協会",
    "認定一般社団・財団法人",
    "認定金融機関",
    "認定大学",
    "認定NPO法人",
    "認定その他法人",
    "弁護士会等",
    "構成機関（派遣対象外）",
)

# 地域PF役割
PLATFORM_REPRESENTATIVE: Final = "代表"
PLATFORM_MEMBER: Final = "構成"
PLATFORM_ROLES: Final = (PLATFORM_REPRESENTATIVE, PLATFORM_MEMBER)

# 登録要件
REGISTRATION_GROUNDS: Final = ("資格", "実務経験", "支援経験", "教育研究")

# 預金種目
ACCOUNT_ORDINARY: Final = "普通"
ACCOUNT_CURRENT: Final = "当座"
ACCOUNT_SAVINGS: Final = "貯蓄"
ACCOUNT_KINDS: Final = (ACCOUNT_ORDINARY, ACCOUNT_CURRENT, ACCOUNT_SAVINGS)

# 源泉区分
PAYEE_ITEM_2: Final = "報酬2号"
PAYEE_ITEM_1: Final = "報酬1号"
PAYEE_JUDICIAL_SCRIVENER: Final = "司法書士等"
PAYEE_CORPORATION: Final = "法人"
PAYEE_NON_RESIDENT: Final = "非居住者"
PAYEE_EXEMPT: Final = "対象外"
PAYEE_CLASSES: Final = (
    PAYEE_ITEM_2,
    PAYEE_ITEM_1,
    PAYEE_JUDICIAL_SCRIVENER,
    PAYEE_CORPORATION,
    PAYEE_NON_RESIDENT,
    PAYEE_EXEMPT,
)

# 企業区分
COMPANY_KINDS: Final = ("中小企業", "小規模事業者", "創業予定者")

# 業種コード (日本標準産業分類 大分類); the names are in core.japan.industries
INDUSTRY_CODES: Final = tuple("ABCDEFGHIJKLMNOPQRST")

# 経営課題, first version of a dated list
TOPICS: Final = (
    "売上拡大",
    "販路開拓",
    "IT活用",
    "生産性向上",
    "資金繰り",
    "事業承継",
    "創業",
    "人材・労務",
    "知的財産",
    "海外展開",
    "その他",
)

# 実施方式
METHOD_FACE_TO_FACE: Final = "対面"
METHOD_WEB: Final = "WEB"
METHODS: Final = (METHOD_FACE_TO_FACE, METHOD_WEB)

# 状態 of an exchange row; empty is neither
STATE_CANCELLED: Final = "取消"
STATE_DECLINED: Final = "辞退"
STATES: Final = (STATE_CANCELLED, STATE_DECLINED)

# 事務局判断; empty is none
DECISION_INELIGIBLE: Final = "対象外"
DECISION_HOLD: Final = "保留"
OFFICE_DECISIONS: Final = (DECISION_INELIGIBLE, DECISION_HOLD)

# check_events 種別
EVENT_START: Final = "開始"
EVENT_END: Final = "終了"
EVENT_KINDS: Final = (EVENT_START, EVENT_END)

# declarations 事由
CAUSE_START_FORGOTTEN: Final = "開始報告失念"
CAUSE_END_FORGOTTEN: Final = "終了報告失念"
CAUSE_TIME_CORRECTION: Final = "時刻訂正"
CAUSE_POSITION: Final = "位置情報不備"
CAUSE_SIGNATURE: Final = "署名不備"
DECLARATION_CAUSES: Final = (
    CAUSE_START_FORGOTTEN,
    CAUSE_END_FORGOTTEN,
    CAUSE_TIME_CORRECTION,
    CAUSE_POSITION,
    CAUSE_SIGNATURE,
)

# travel 種別
TRAVEL_RAIL: Final = "鉄道"
TRAVEL_AIR: Final = "航空"
TRAVEL_SHIP: Final = "船"
TRAVEL_BUS: Final = "バス"
TRAVEL_TAXI: Final = "タクシー"
TRAVEL_CAR: Final = "私有車"
TRAVEL_RENTAL: Final = "レンタカー"
TRAVEL_LODGING: Final = "宿泊"
TRAVEL_KINDS: Final = (
    TRAVEL_RAIL,
    TRAVEL_AIR,
    TRAVEL_SHIP,
    TRAVEL_BUS,
    TRAVEL_TAXI,
    TRAVEL_CAR,
    TRAVEL_RENTAL,
    TRAVEL_LODGING,
)

# 費目 of a payout line: these two or a travel 種別
ITEM_FEE: Final = "謝金"
ITEM_PER_DIEM: Final = "日当"
ITEMS: Final = (ITEM_FEE, ITEM_PER_DIEM, *TRAVEL_KINDS)

# 座席; empty is not stated
SEAT_ORDINARY: Final = "普通席"
SEAT_UPPER: Final = "上位席"
SEATS: Final = (SEAT_ORDINARY, SEAT_UPPER)

# 宿泊種別
LODGING_KINDS: Final = ("ホテル", "旅館", "民泊", "ゲストハウス", "その他")

# 区分 of a finding (rules.md §5)
FINDING_HOLD: Final = "保留"
FINDING_INELIGIBLE: Final = "対象外"
FINDING_INCOMPLETE: Final = "未了"
FINDING_KINDS: Final = (FINDING_HOLD, FINDING_INELIGIBLE, FINDING_INCOMPLETE)
