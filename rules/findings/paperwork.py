"""P01–P05: report, attestation, approval and accompaniment (rules.md §5)."""

from __future__ import annotations

from datetime import datetime

from rules.facts import Payee, Visit
from rules.findings.registry import hold, incomplete
from rules.problems import Problem
from rules.ruleset import RuleSet
from rules.wording import moment


@incomplete("P01", "報告なし")
def no_report(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
    """No report at all."""
    if visit.report_at is not None:
        return None
    return Problem("支援実績報告書が提出されていません", "報告日時", "空欄")


@incomplete("P02", "従事証明なし")
def no_attestation(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
    """No attestation at all."""
    if visit.attested_at is not None:
        return None
    return Problem("支援先の従事証明がありません", "従事証明日時", "空欄")


@incomplete("P03", "機関承認なし")
def no_approval(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
    """No approval by the institution, or not before the cut-off; no cut-off asks for no moment."""
    if visit.approved_at is not None and (cutoff is None or visit.approved_at < cutoff):
        return None
    expected = "機関承認日時" if cutoff is None else f"{moment(cutoff)} より前の機関承認"
    if visit.approved_at is not None:
        return Problem("派遣可能機関の承認が締切に間に合っていません", expected, moment(visit.approved_at))
    return Problem("派遣可能機関の承認がありません", expected, "空欄")


@hold("P04", "同行無の理由なし")
def no_reason_for_going_alone(
    visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None
) -> Problem | None:
    """同行 無 without 同行無の理由."""
    if visit.accompanied or visit.no_accompaniment_reason.strip():
        return None
    return Problem("同行が無いのに、その理由がありません", "同行無の理由", "空欄")


@hold("P05", "同行時間の不備")
def wrong_accompaniment(
    visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None
) -> Problem | None:
    """同行 有, and its times are missing, end before they start, or do not overlap the visit."""
    if not visit.accompanied:
        return None
    began, ended = visit.accompanied_from, visit.accompanied_to
    if (
        began is not None
        and ended is not None
        and began < ended
        and began < visit.end
        and ended > visit.start
    ):
        return None
    expected = f"実施 {moment(visit.start)}～{moment(visit.end)} に重なる同行"
    if began is None or ended is None:
        missing = [name for name, at in (("同行開始", began), ("同行終了", ended)) if at is None]
        return Problem(f"{'と'.join(missing)}がありません", expected, f"{'・'.join(missing)} 空欄")
    actual = f"同行 {moment(began)}～{moment(ended)}"
    if ended <= began:
        return Problem("同行終了が同行開始より後ではありません", expected, actual)
    return Problem("同行の時間が実施の時間と重なりません", expected, actual)
