"""One written form for names and words that people write in several, so that a search finds all of them.

ﾀｶﾊｼ, たかはし and タカハシ are one word; so are 髙橋 and 高橋, 渡邉, 渡邊 and 渡辺. What is folded is for finding only,
never for showing. The database folds with the same table (`fold_function`), so both sides of a comparison agree.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Forms of a character that stand in names and older texts, each line ending with the one that people type.
_VARIANTS: Final = """
髙高 﨑嵜碕㟢崎 邊邉辺 齋齊斉斎 濵濱浜 廣広 國圀国 澤沢 櫻桜 德徳 惠恵 眞真 龍竜 瀧滝 嶋嶌島 槙槇 桒桑 栁桺柳 冨富 曾曽 邨村
彌弥 條条 壽寿 榮栄 圓円 萬万 驛駅 學学 實実 寶寳宝 靜静 淨浄 黑黒 黃黄 橫横 增増 藏蔵 緣縁 亞亜 惡悪 壹壱 會会 兒児 來来
假仮 僞偽 兩両 單単 嚴厳 圍囲 團団 圖図 堯尭 墮堕 壞壊 壯壮 奧奥 孃嬢 將将 專専 對対 屆届 峽峡 峯峰 嶽岳 巖巌 巢巣 帶帯
廳庁 當当 徑径 從従 應応 懷懐 戀恋 戶戸 拂払 拔抜 擇択 據拠 擴拡 攝摂 收収 敎教 數数 斷断 晉晋 晝昼 曉暁 曆暦 棧桟 樂楽
樓楼 樞枢 樣様 檢検 權権 歐欧 步歩 歷歴 歸帰 殘残 氣気 沒没 淚涙 淺浅 溪渓 滿満 澁澀渋 濟済 濕湿 瀨瀬 灣湾 爐炉 爭争 爲為
狹狭 獨独 獻献 瑤瑶 畫画 疊畳 發発 盡尽 硏研 禮礼 祿禄 禪禅 稻稲 穗穂 穰穣 稱称 竝並 絲糸 經経 綠緑 總総 繩縄 縣県 縱縦
續続 纖繊 罐缶 聰聡 聲声 聽聴 肅粛 膽胆 舊旧 舍舎 莊荘 薗園 藝芸 藥薬 處処 號号 蟲虫 蠶蚕 衞衛 裝装 覺覚 覽覧 觀観 觸触
譽誉 讀読 變変 讓譲 豐豊 豬猪 豫予 賴頼 贊賛 輕軽 轉転 辯瓣辨弁 遙遥 遲遅 郞郎 鄕郷 醫医 釋釈 錄録 鍊錬 鎭鎮 鐡銕鐵鉄
鑄鋳 鑛鉱 閒間 關関 陷陥 險険 雙双 雜雑 靈霊 靑青 顏顔 顯顕 餘余 驗験 髮髪 鷗鴎 鷄鶏 鹽塩 麥麦 麴麹 默黙 點点 齒歯 龜亀
𠮷吉 淵渊渕 舘館 劒劍剣 檜桧 籠篭 薰薫 昻昂 曻昇 濤涛 淸清 溫温 焰焔 熈熙 燈灯 礒磯 禰祢 穐龝秋 緖緒 臺台 舩船 艷艶
苅刈 萠萌 蔣蒋 蘆芦 萊莱 恆恒 尙尚 卽即 吳呉 啟啓 凜凛 勳勲 卷巻 參参 埜野 壻婿 姬姫 寬寛 廸迪 彥彦 悅悦 戾戻 搜捜
搖揺 敍叙 旣既 每毎 槪概 冲沖 稅税 繡繍 虛虚 說説 銳鋭 飮飲 豎竪 晧皓 翆翠 槗橋 梹檳 靍靎鶴 閇閉 杦杉 杤栃
ヶヵケカ
"""
_KANA: Final = {code: code + 0x60 for code in range(0x3041, 0x3097)}  # hiragana → katakana
_SMALL: Final = dict(zip("ァィゥェォッャュョヮヱヰヲヂヅヴ", "アイウエオツヤユヨワエイオジズブ", strict=True))
# Written or left out at will: 山田 太郎, ジョン・スミス, E-コマース.
_DROPPED: Final = " 　\t\r\n・･‐‑‒–—―−-_'’.，,．"
# Signs that choose one glyph of a character.
_SELECTORS: Final = "[\ufe00-\ufe0f\U000e0100-\U000e01ef]"


def _table() -> dict[int, str]:
    """Character → what it is folded to; "" for what is dropped."""
    table = {ord(old): new for old, new in _SMALL.items()}
    for group in _VARIANTS.split():
        if group == "ヶヵケカ":
            table |= {ord("ヶ"): "ケ", ord("ヵ"): "カ"}
            continue
        for old in group[:-1]:
            if old != group[-1]:
                table[ord(old)] = group[-1]
    for hiragana, katakana in _KANA.items():
        table[hiragana] = table.get(katakana, chr(katakana))
    return table | {ord(sign): "" for sign in _DROPPED}


TABLE: Final = _table()
_NO_SELECTORS: Final = re.compile(_SELECTORS)


def fold(text: str) -> str:
    """The text in its one form for searching: NFKC, small letters, katakana without small ones, today's characters."""
    plain = _NO_SELECTORS.sub("", unicodedata.normalize("NFKC", text))
    # the one capital whose small letter Python writes as two
    return plain.replace("İ", "i").lower().translate(TABLE)


def words(text: str) -> list[str]:
    """The words of a search as a person typed them, folded, each once and in order; no word for signs alone."""
    found = (fold(word) for word in unicodedata.normalize("NFKC", text).split())
    return list(dict.fromkeys(word for word in found if word))


def fold_function(name: str) -> str:
    """SQL that makes the database's own `fold`: immutable, text to text, for generated columns.

    Whoever changes the table above makes it anew in a migration that also writes the columns anew.
    """
    kept = [(chr(code), new) for code, new in TABLE.items() if new]
    dropped = [chr(code) for code, new in TABLE.items() if not new]
    before, after = "".join([old for old, _ in kept] + dropped), "".join(new for _, new in kept)

    def literal(value: str) -> str:
        return "E'" + "".join(_escaped(sign) for sign in value) + "'"

    return (
        f"CREATE OR REPLACE FUNCTION {name}(given text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $f$"
        " SELECT pg_catalog.translate(pg_catalog.lower(pg_catalog.regexp_replace("
        f"normalize(given, NFKC), {literal(_SELECTORS)}, '', 'g')), {literal(before)}, {literal(after)}) $f$"
    )


def _escaped(sign: str) -> str:
    code = ord(sign)
    if code < 0x80 and sign not in "'\\" and code >= 0x20:
        return sign
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
