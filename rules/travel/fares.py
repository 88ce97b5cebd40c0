"""Rail, air, ship and bus (rules.md §3)."""

from __future__ import annotations

from rules import codes
from rules.facts import TravelLine, Visit
from rules.problems import Problem
from rules.readings import FLAT
from rules.ruleset import RuleSet
from rules.travel.registry import Assessment, per_line
from rules.travel.wording import least, where
from rules.wording import km, yen


@per_line(codes.TRAVEL_RAIL)
def rail(line: TravelLine, visit: Visit, rules: RuleSet) -> Assessment:
    """運賃, and express and reserved seat where the section is long enough; an empty 距離km is not."""
    fare = line.fare or 0
    extra = (line.express or 0) + (line.reserved or 0)
    if not extra:
        return Assessment(*least(line, fare, f"運賃 {yen(fare)}"))
    long_enough = line.km is not None and (
        line.km > rules.express_min_km
        or (rules.express_threshold_inclusive and line.km == rules.express_min_km)
    )
    distance = "距離の記載なし" if line.km is None else f"距離 {km(line.km)}"
    bound = f"{km(rules.express_min_km)}{'以上' if rules.express_threshold_inclusive else '超'}"
    if not long_enough:
        basis = f"運賃 {yen(fare)}（{distance}、特急・指定席は{bound}のみ）"
        return Assessment(*least(line, fare, basis))
    parts = [f"運賃 {yen(fare)}"]
    if line.express:
        parts.append(f"特急料金 {yen(line.express)}")
    if line.reserved:
        parts.append(f"指定席料金 {yen(line.reserved)}")
    return Assessment(*least(line, fare + extra, f"{'＋'.join(parts)}（{distance}、{bound}）"))


def _passage(line: TravelLine, rules: RuleSet) -> tuple[int, str]:
    if line.roundtrip_fare is not None:
        return least(line, line.roundtrip_fare, f"往復割引運賃 {yen(line.roundtrip_fare)}")
    if line.ordinary_fare is not None:
        flat = rules.ordinary_fare_reading == FLAT
        return least(line, line.ordinary_fare, f"通常運賃 {yen(line.ordinary_fare)}", claim_is_limit=not flat)
    return least(line, line.claimed, f"請求額 {yen(line.claimed)}")


def _seat_problem(line: TravelLine) -> Problem | None:
    if line.seat and line.seat != codes.SEAT_ORDINARY:
        return Problem(
            f"{where(line)}の座席が普通席ではありません", codes.SEAT_ORDINARY, f"{where(line)}: {line.seat}"
        )
    return None


@per_line(codes.TRAVEL_AIR, "T01", "T05")
def air(line: TravelLine, visit: Visit, rules: RuleSet) -> Assessment:
    """往復割引運賃, else 通常運賃, else the claim; boarding stub and receipt needed, ordinary seat only."""
    amount, explanation = _passage(line, rules)
    problems: list[tuple[str, Problem]] = []
    missing = [what for what, there in (("半券", line.stub), ("領収書", line.receipt)) if not there]
    if missing:
        problem = Problem(
            f"{where(line)}に{'と'.join(missing)}がありません",
            "搭乗券の半券（またはこれに準ずるもの）と領収書",
            f"{where(line)}: {'・'.join(missing)} 無",
        )
        problems.append(("T01", problem))
    if seat := _seat_problem(line):
        problems.append(("T05", seat))
    return Assessment(amount, explanation, tuple(problems))


@per_line(codes.TRAVEL_SHIP, "T02", "T05")
def ship(line: TravelLine, visit: Visit, rules: RuleSet) -> Assessment:
    """As air; a receipt is needed for a fast boat where a slow one runs too."""
    amount, explanation = _passage(line, rules)
    problems: list[tuple[str, Problem]] = []
    if line.fast_boat and line.parallel_route and not line.receipt:
        problem = Problem(
            f"{where(line)}は普通船もある航路の高速船で、領収書がありません",
            "領収書 有（高速船と普通船の両方がある航路）",
            f"{where(line)}: 領収書 無",
        )
        problems.append(("T02", problem))
    if seat := _seat_problem(line):
        problems.append(("T05", seat))
    return Assessment(amount, explanation, tuple(problems))


@per_line(codes.TRAVEL_BUS)
def bus(line: TravelLine, visit: Visit, rules: RuleSet) -> Assessment:
    """運賃."""
    fare = line.fare or 0
    return Assessment(*least(line, fare, f"運賃 {yen(fare)}"))
