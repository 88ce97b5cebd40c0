"""From what on something is suspicious. First values; dated rows of SignalTerms replace them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from core.errors import DomainError

TITLES = {
    "window_days": "さかのぼる日数",
    "travel_kmh": "移動の速さ（km/時）",
    "travel_free_metres": "移動とみなさない距離（m）",
    "far_metres": "支援場所からの距離（m）",
    "far_times": "離れた記録の回数",
    "place_apart_metres": "別の支援先とみなす距離（m）",
    "signer_clients": "同じ署名者名の支援先の数",
    "plan_times": "予定どおりの回数",
    "plan_percent": "予定どおりの割合（%）",
    "cap_days": "上限ちょうどの日数",
    "cap_percent": "上限ちょうどの割合（%）",
    "pair_times": "同じ組み合わせの回数",
    "pair_percent": "機関の派遣に占める割合（%）",
    "report_letters": "比べる報告の最短文字数",
    "report_percent": "報告の一致（%）",
    "edits": "承認後の訂正・差戻しの回数",
    "declarations": "同じ事由の申告の回数",
    "approval_seconds": "続けて承認した間隔（秒）",
    "approvals": "続けて承認した件数",
    "signature_difference": "署名の形の差（0–255）",
    "most_of_a_kind": "一種類の最大件数",
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Each number with its meaning in TITLES; metres, seconds, percent and counts."""

    window_days: int = 400
    travel_kmh: int = 300
    travel_free_metres: int = 1_000
    far_metres: int = 1_000
    far_times: int = 3
    place_apart_metres: int = 1_000
    signer_clients: int = 3
    plan_times: int = 8
    plan_percent: int = 90
    cap_days: int = 6
    cap_percent: int = 80
    pair_times: int = 20
    pair_percent: int = 50
    report_letters: int = 60
    report_percent: int = 70
    edits: int = 3
    declarations: int = 5
    approval_seconds: int = 15
    approvals: int = 5
    signature_difference: int = 6
    most_of_a_kind: int = 500

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """What is given over the first values. Raises DomainError for unknown names and what is no whole number."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise DomainError(f"不正の兆候の基準にない項目です: {'、'.join(unknown)}")
        for name, value in values.items():
            if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 1_000_000:
                raise DomainError(f"{TITLES[name]}は 1 から 1,000,000 までの整数にしてください。")
        return cls(**values)

    def values(self) -> dict[str, int]:
        """By name."""
        return asdict(self)
