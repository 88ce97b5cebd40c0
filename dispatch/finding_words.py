"""Findings in plain words for those outside the office: what is wrong, and what each of them can do next.

The words of the rules (reason, expected, actual) are the office's; these stand before them on the portals. What the
office noted of its own (M01, X06) and what the bank account says (B01, B02) is told without its details.
"""

from dataclasses import dataclass

from rules import codes

from .advisories import KIND as ADVISORY


@dataclass(frozen=True, slots=True)
class Words:
    """What is wrong, and the next step of the expert and of the institution."""

    what: str
    expert: str
    institution: str
    # the rules' own expected and actual may be shown beside it
    details: bool = True


_DECLARE = "事情を申告書で提出してください（報告の画面の「申告書」）。"
_WAIT_EXPERT = "専門家の対応を待っています。必要なら専門家へ連絡してください。"
_WAIT_OFFICE = "事務局が確認しています。お待ちください。"
_ASK_OFFICE = "内容に心当たりがないときは、事務局へお問い合わせください。"
_CLAIM = "報告が差し戻されたら旅費の行を直してください。差し戻されていないときは、事務局からの照会に答えてください。"

WORDS: dict[str, Words] = {
    "E01": Words("支援の開始（チェックイン）の記録がありません。", f"開始を記録し忘れたときは、{_DECLARE}", _WAIT_EXPERT),
    "E02": Words("支援の終了（チェックアウト）の記録がありません。", f"終了を記録し忘れたときは、{_DECLARE}", _WAIT_EXPERT),
    "E03": Words("終了の記録に、支援先の署名がありません。", f"署名をもらえなかったときは、{_DECLARE}", _WAIT_EXPERT),
    "E04": Words("記録した位置が支援場所から離れているか、位置が取れていません。",
                 f"位置が正しくないときは、{_DECLARE}支援場所の登録が違うときは、機関または事務局へ連絡してください。",
                 "支援場所の登録が正しいかを確かめてください。違うときは事務局へ連絡してください。"),
    "E05": Words("記録した時刻と、報告された実施時刻が10分を超えて違います。",
                 f"報告前なら実施時刻を直してください。記録の時刻が正しくないときは、{_DECLARE}",
                 "承認する前に、実施時刻を専門家に確かめてください。直すときは差し戻してください。"),
    "P01": Words("支援実績報告がまだありません。", "支援実績報告と旅費請求を提出してください。", _WAIT_EXPERT),
    "P02": Words("支援先の従事証明がまだありません。",
                 "支援先にメールのリンクを開いてもらうか、端末のQRコードで証明してもらってください。",
                 "支援先へ従事証明を依頼してください。メールが届かないときは、もう一度送れます。"),
    "P03": Words("機関の承認がまだありません。", "機関の承認を待っています。", "報告と従事証明を確かめて、承認または差戻しをしてください。"),
    "P04": Words("同行しなかった理由がありません。", "機関の対応を待っています。", "同行しなかった理由を事務局へ知らせてください。"),
    "P05": Words("同行の時刻がないか、支援の時刻と重なっていません。", "機関の対応を待っています。", "同行の正しい時刻を事務局へ知らせてください。"),
    "X01": Words("専門家の人件費が公的に補助されているため、支払の対象外です。", _ASK_OFFICE, _ASK_OFFICE),
    "X02": Words("機関が専門家に給与・謝金を支払うため、支払の対象外です。", _ASK_OFFICE, _ASK_OFFICE),
    "X03": Words("専門家がその機関に所属しているため、支払の対象外です。", _ASK_OFFICE, _ASK_OFFICE),
    "X04": Words("専門家の求めによる派遣のため、支払の対象外です。", _ASK_OFFICE, _ASK_OFFICE),
    "X05": Words("WEBによる支援の事前承認がないため、支払の対象外です。", _ASK_OFFICE, _ASK_OFFICE),
    "X06": Words("事務局が支払の対象外と判断しました。", _ASK_OFFICE, _ASK_OFFICE, details=False),
    "M01": Words("事務局が支払を保留しています。", _WAIT_OFFICE, _WAIT_OFFICE, details=False),
    "L01": Words("支援先が、年度の派遣回数の上限を超えています。", "機関と事務局の対応を待っています。",
                 "上限を超える理由を事務局へ知らせてください。"),
    "L02": Words("実施日が派遣の期間の外です。", _ASK_OFFICE, _ASK_OFFICE),
    "L03": Words("同じ専門家のほかの派遣と、実施時刻が重なっています。",
                 "どちらかの実施時刻が違うときは、報告前なら直し、報告後は事務局へ連絡してください。",
                 "実施時刻を専門家に確かめてください。直すときは差し戻してください。"),
    "T01": Words("航空の旅費に、半券または領収書がありません。", _CLAIM, _WAIT_EXPERT),
    "T02": Words("領収書の必要な旅費に、領収書がありません。", _CLAIM, _WAIT_EXPERT),
    "T03": Words("タクシー・レンタカーに、公共交通機関がないことの記載がありません。", _CLAIM, _WAIT_EXPERT),
    "T04": Words("宿泊の必要な理由がありません。", _CLAIM, _WAIT_EXPERT),
    "T05": Words("普通席でない座席が請求されています。", _CLAIM, _WAIT_EXPERT),
    "T06": Words("レンタカーの額を事務局がまだ認定していません。", _WAIT_OFFICE, _WAIT_OFFICE),
    "T07": Words("自家用車の距離を事務局がまだ認定していません。", _WAIT_OFFICE, _WAIT_OFFICE),
    "B01": Words("振込先の銀行または支店が見つかりません。", "振込口座の登録を確かめ、変更があれば事務局へ知らせてください。",
                 "専門家の振込口座を、専門家と事務局が確かめています。", details=False),
    "B02": Words("振込先の口座名義を、銀行へ送るデータに書けません。", "口座名義カナの登録を確かめ、事務局へ知らせてください。",
                 "専門家の振込口座を、専門家と事務局が確かめています。", details=False),
    "C01": Words("記録したときの端末の時計が、正しい時刻とずれていました。支払は止まりません。",
                 "端末の日付と時刻を「自動設定」にしてください。事務局が確認します。", _WAIT_OFFICE),
}  # fmt: skip
_UNKNOWN = Words("確認が必要なことがあります。", _ASK_OFFICE, _ASK_OFFICE, details=False)


@dataclass(frozen=True, slots=True)
class Told:
    """A finding as a portal shows it; expected and actual are empty where they aren't told."""

    code: str
    kind: str
    what: str
    next_step: str
    expected: str = ""
    actual: str = ""

    @property
    def stops_payment(self) -> bool:
        """Whether the fee waits for it."""
        return self.kind != ADVISORY


def told(code: str, kind: str, expected: str = "", actual: str = "", *, to_institution: bool = False) -> Told:
    """A finding in plain words, for the expert or for the institution."""
    words = WORDS.get(code, _UNKNOWN)
    # an expert may read what is wrong with the own account
    shows = words.details or (code in ("B01", "B02") and not to_institution)
    if code == "L03" and to_institution:
        shows = False  # the other dispatch may be another institution's
    return Told(
        code,
        kind or (codes.FINDING_INELIGIBLE if code.startswith("X") else codes.FINDING_HOLD),
        words.what,
        words.institution if to_institution else words.expert,
        expected if shows else "",
        actual if shows else "",
    )
