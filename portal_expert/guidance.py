"""What an expert can do about a finding, or whose turn it is (rules.md §5)."""

from collections.abc import Iterable
from dataclasses import dataclass

from rules import codes
from rules.findings import Finding

from .causes import FINDING_OF

_SLUG_OF_CODE = {code: slug for slug, code in FINDING_OF.items()}
YOU, OTHERS, NEXT = "you", "others", "next"


@dataclass(frozen=True, slots=True)
class Advice:
    """A finding with what to do: whose turn (you, others, next: a step that comes anyway), and where to go."""

    finding: Finding
    turn: str
    text: str
    # part of the report's page, or the declaration to hand in
    section: str = ""
    declaration: str = ""


_YOURS = {
    "T01": ("領収書と半券の画像を、その行に付けてください。", "travel"),
    "T02": ("領収書の画像を、その行に付けてください。", "travel"),
    "T03": ("公共交通機関がなかった場合は、その行の欄にチェックを入れてください。", "travel"),
    "T04": ("その行に、泊まる必要があった理由を書いてください。", "travel"),
    "T05": ("座席の記入を確かめてください。普通席でないときは、事務局が判断します。", "travel"),
    "L03": ("ほかの派遣と時間が重なっています。支援の時刻を確かめてください。", "times"),
}
_OTHERS = {
    "T06": "レンタカーは、事務局が必要な範囲の額を認定します。お待ちください。",
    "T07": "私有車は、事務局が最短の経路の距離を測って認定します。お待ちください。",
    "P04": "同行の記録は機関が入れます。",
    "P05": "同行の記録は機関が入れます。",
    "L01": "支援先の回数の上限は、機関が例外の承認を申請します。機関へお問い合わせください。",
    "L02": "派遣できる期間の外です。事務局へお問い合わせください。",
    "M01": "事務局が確認しています。お待ちください。",
    "B01": "振込口座の登録を確かめる必要があります。事務局へ連絡してください。",
    "B02": "口座名義の登録を確かめる必要があります。事務局へ連絡してください。",
}
_NEXT = {
    "P01": "報告を提出してください。",
    "P02": "支援先が、メールかQRコードで従事証明に回答します。",
    "P03": "報告と従事証明がそろうと、機関が内容を確認して承認します。",
}


def advice(finding: Finding) -> Advice:
    """What to do about one finding."""
    code = finding.code
    if finding.kind == codes.FINDING_INELIGIBLE:
        return Advice(
            finding, OTHERS, "謝金と旅費は支払われません。違うときは、事務局へお問い合わせください。"
        )
    if code in _SLUG_OF_CODE:
        return Advice(finding, YOU, "申告書を提出してください。", declaration=_SLUG_OF_CODE[code])
    if code in _YOURS:
        text, section = _YOURS[code]
        return Advice(finding, YOU, text, section)
    if code in _NEXT:
        return Advice(finding, NEXT, _NEXT[code])
    return Advice(finding, OTHERS, _OTHERS.get(code, "事務局が確認します。お待ちください。"))


def advised(findings: Iterable[Finding]) -> dict[str, list[Advice]]:
    """Findings by whose turn it is."""
    found: dict[str, list[Advice]] = {YOU: [], OTHERS: [], NEXT: []}
    for finding in findings:
        one = advice(finding)
        found[one.turn].append(one)
    return found
