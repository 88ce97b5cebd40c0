"""Finding an expert: by words, by what they can do and where they are, in an order that says why (A5).

One search for every surface. Words are found in names, kana, qualifications and topics whatever way they are written
(core.japan.folding), and in the names of prefectures, bureaus and industries. What the order of `fit` is made of are
reasons with points: those from the register are here, the caller adds those it knows (`known`). The database adds the
same points up to sort, so that what is shown as reason is what decided.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Case, ExpressionWrapper, F, FloatField, IntegerField, Q, Value, When
from django.db.models.expressions import Combinable

from core.japan import folding
from core.japan.industries import INDUSTRIES, industry_name
from core.japan.prefectures import BUREAUS, BY_CODE, PREFECTURES, bureau_of

from .models import Expert, ExpertQuerySet

# What a fact is worth in the order (docs/expert-search.md says why so).
NAME: Final = 60
TOPIC: Final = 40
INDUSTRY: Final = 20
SAME_PREFECTURE: Final = 15
SAME_BUREAU: Final = 5
# up to so many kilometres → points
NEAR: Final = ((20, 15), (50, 10), (100, 5))
# Whoever would not be paid is at the end of the list, but still in it.
NOT_PAYABLE: Final = -100

PAGE: Final = 20
# More than this is not counted: nobody pages so far, and counting costs more than finding.
MOST: Final = 1000
ORDERS: Final = {"fit": "おすすめ順", "near": "近い順", "name": "氏名順"}
_EARTH_KM: Final = 6371.0
_FIRST, _SECOND, _REST = "\x01", "\x02", "\x03"


@dataclass(frozen=True, slots=True)
class Reason:
    """A fact that moves an expert up or down; points may be 0 for what is only said."""

    text: str
    points: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What was asked for: whoever doesn't meet it is not shown."""

    text: str = ""
    topic: str = ""
    industry: str = ""
    qualification: str = ""
    prefecture: str = ""
    bureau: str = ""
    within_km: int | None = None
    order: str = "fit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """For whom somebody is looked for: what moves experts up and down without leaving anybody out.

    Position in degrees (WGS84). `institution` is the code of the one that looks; "" when belonging to it makes no
    dispatch unpayable (X03).
    """

    topic: str = ""
    industry: str = ""
    prefecture: str = ""
    latitude: float | None = None
    longitude: float | None = None
    institution: str = ""

    @property
    def has_position(self) -> bool:
        """Whether distances can be told."""
        return self.latitude is not None and self.longitude is not None


@dataclass(slots=True)
class Hit:
    """An expert found, how far away (km as the crow flies; None: not known), and why they stand there."""

    expert: Expert
    km: float | None
    score: int
    reasons: list[Reason] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search; `total` counts to MOST and no further."""

    hits: list[Hit]
    total: int
    page: int

    @property
    def many(self) -> bool:
        """Whether there are more than were counted."""
        return self.total > MOST

    @property
    def has_next(self) -> bool:
        """Whether there is another page."""
        return self.page * PAGE < self.total


def search(
    experts: ExpertQuerySet,
    criteria: Criteria,
    need: Need | None = None,
    *,
    known: Mapping[int, Sequence[Reason]] | None = None,
    page: int = 1,
) -> Found:
    """A page of those among `experts` who meet the criteria, the fittest first. Two queries.

    `known` are the caller's own reasons by the expert's id.
    """
    need, known = need or Need(), known or {}
    rows = matching(experts, criteria, need)
    total = rows.order_by().values("pk")[: MOST + 1].count()
    page = min(max(1, page), max(1, -(-total // PAGE)))
    words = folding.words(criteria.text)
    ordered = _scored(rows, words, need, known).order_by(*_order(criteria, need))
    hits = [
        Hit(row, km_of(row), row.score, reasons_of(row, words, need, known.get(row.pk, ())))  # type: ignore[attr-defined]
        for row in ordered[(page - 1) * PAGE : page * PAGE]
    ]
    return Found(hits, total, page)


def matching(experts: ExpertQuerySet, criteria: Criteria, need: Need | None = None) -> ExpertQuerySet:
    """Those among `experts` who meet the criteria, in no order."""
    rows = experts
    for word in folding.words(criteria.text):
        rows = rows.filter(_says(word))
    if criteria.topic:
        rows = rows.filter(topics__contains=[criteria.topic])
    if criteria.industry:
        rows = rows.filter(industries__contains=[criteria.industry])
    for word in folding.words(criteria.qualification):
        rows = rows.filter(search_text__contains=word, search_text__regex=f"{_REST}.*{_plain(word)}")
    if criteria.prefecture:
        rows = rows.filter(prefecture_code=criteria.prefecture)
    if criteria.bureau:
        codes = [each.code for each in PREFECTURES if each.bureau == criteria.bureau]
        rows = rows.filter(prefecture_code__in=codes)
    if need is not None and need.has_position:
        rows = rows.annotate(nearness=ExpressionWrapper(_nearness(need), FloatField()))
        if criteria.within_km is not None:
            rows = rows.filter(nearness__gte=_cosine(criteria.within_km))
    return rows


def _plain(word: str) -> str:
    """The word for a pattern in which nothing but itself is meant."""
    return "".join(f"\\{sign}" if sign.isascii() and not sign.isalnum() else sign for sign in word)


def _says(word: str) -> Q:
    """Where a folded word may stand: in the text of an expert, or as a prefecture, bureau or industry."""
    found = Q(search_text__contains=word)
    if len(word) < 2:
        return found
    prefectures = {each.code for each in PREFECTURES if folding.fold(each.name).startswith(word)}
    for bureau in BUREAUS:
        if folding.fold(bureau).startswith(word):
            prefectures |= {each.code for each in PREFECTURES if each.bureau == bureau}
    if prefectures:
        found |= Q(prefecture_code__in=sorted(prefectures))
    industries = [letter for letter, name in INDUSTRIES.items() if word in folding.fold(name)]
    if industries:
        found |= Q(industries__overlap=industries)
    return found


def _nearness(need: Need) -> Combinable:
    """The cosine of the angle between an expert's base and the place: 1 at the place itself, less further away."""
    x, y, z = _unit(need)
    return F("base_x") * Value(x) + F("base_y") * Value(y) + F("base_z") * Value(z)


def _unit(need: Need) -> tuple[float, float, float]:
    assert need.latitude is not None and need.longitude is not None
    latitude, longitude = math.radians(need.latitude), math.radians(need.longitude)
    return (
        math.cos(latitude) * math.cos(longitude),
        math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    )


def _cosine(km: float) -> float:
    return math.cos(km / _EARTH_KM)


def km_of(expert: Expert) -> float | None:
    """How far away an expert found is, in kilometres as the crow flies; None where it isn't known."""
    nearness: float | None = getattr(expert, "nearness", None)
    return None if nearness is None else _EARTH_KM * math.acos(min(1.0, nearness))


def _order(criteria: Criteria, need: Need) -> list[Any]:
    near = [F("nearness").desc(nulls_last=True)] if need.has_position else []
    match criteria.order:
        case "near" if near:
            return [*near, "-score", "code"]
        case "name":
            return ["kana", "code"]
    return ["-score", *near, "code"]


def _scored(
    rows: ExpertQuerySet, words: Sequence[str], need: Need, known: Mapping[int, Sequence[Reason]]
) -> ExpertQuerySet:
    """The rows with their `score`: the same points as `reasons_of`."""
    parts: list[Combinable] = []

    def add(condition: Q, points: int) -> None:
        parts.append(_points([When(condition, then=Value(points))]))

    if words:
        named = Q()
        for word in words:
            named |= Q(search_text__startswith=_FIRST + word) | Q(search_text__contains=_SECOND + word)
        add(named, NAME)
    if need.topic:
        add(Q(topics__contains=[need.topic]), TOPIC)
    if need.industry:
        add(Q(industries__contains=[need.industry]), INDUSTRY)
    if need.prefecture in BY_CODE:
        neighbours = [each.code for each in PREFECTURES if each.bureau == bureau_of(need.prefecture)]
        parts.append(
            _points(
                [
                    When(prefecture_code=need.prefecture, then=Value(SAME_PREFECTURE)),
                    When(prefecture_code__in=neighbours, then=Value(SAME_BUREAU)),
                ]
            )
        )
    if need.has_position:
        parts.append(_points([When(nearness__gte=_cosine(km), then=Value(points)) for km, points in NEAR]))
    unpayable = Q(subsidised_labour=True)
    if need.institution:
        unpayable |= Q(affiliated_codes__contains=[need.institution])
    add(unpayable, NOT_PAYABLE)
    parts += [
        _points([When(pk__in=ids, then=Value(points))]) for points, ids in _ids_by_points(known).items()
    ]
    score = parts[0]
    for part in parts[1:]:
        score = score + part
    return rows.annotate(score=score)


def _points(cases: Iterable[When]) -> Case:
    return Case(*cases, default=Value(0), output_field=IntegerField())


def _ids_by_points(known: Mapping[int, Sequence[Reason]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for pk, reasons in known.items():
        points = sum(reason.points for reason in reasons)
        if points:
            found.setdefault(points, []).append(pk)
    return found


def reasons_of(
    expert: Expert, words: Sequence[str], need: Need, known: Sequence[Reason] = ()
) -> list[Reason]:
    """Why an expert stands where they stand, weightiest first; `expert` as the search found it."""
    found = []
    if any(_is_name(expert, word) for word in words):
        found.append(Reason("氏名が一致", NAME))
    if need.topic and need.topic in expert.topics:
        found.append(Reason(f"専門分野が一致: {need.topic}", TOPIC))
    if need.industry and need.industry in expert.industries:
        found.append(Reason(f"得意業種: {industry_name(need.industry)}", INDUSTRY))
    place = _place(expert, need)
    if place is not None:
        found.append(place)
    if need.institution and need.institution in expert.affiliated_codes:
        found.append(Reason("貴機関に所属: 派遣しても謝金は支払われません（X03）", NOT_PAYABLE))
        if expert.subsidised_labour:
            found.append(Reason("人件費の補助あり: 謝金は支払われません（X01）"))
    elif expert.subsidised_labour:
        found.append(Reason("人件費の補助あり: 謝金は支払われません（X01）", NOT_PAYABLE))
    if expert.valid_until is not None:
        last = expert.valid_until
        found.append(Reason(f"登録は{last.year}年{last.month}月{last.day}日まで"))
    return sorted([*found, *known], key=lambda reason: (reason.points < 0, -abs(reason.points)))


def _is_name(expert: Expert, word: str) -> bool:
    text = expert.search_text
    return text.startswith(_FIRST + word) or _SECOND + word in text


def _place(expert: Expert, need: Need) -> Reason | None:
    """Same prefecture or bureau and the distance, as one reason."""
    texts, points = [], 0
    if need.prefecture in BY_CODE and expert.prefecture_code in BY_CODE:
        if expert.prefecture_code == need.prefecture:
            texts, points = ["同じ都道府県"], SAME_PREFECTURE
        elif bureau_of(expert.prefecture_code) == bureau_of(need.prefecture):
            texts, points = [f"同じ{bureau_of(need.prefecture)}の管内"], SAME_BUREAU
    km: float | None = km_of(expert)
    nearness: float | None = getattr(expert, "nearness", None)
    if km is not None and nearness is not None:
        within = next((worth for limit, worth in NEAR if nearness >= _cosine(limit)), 0)
        if within or texts:
            texts.append(f"直線{max(1, round(km)):,}km")
        points += within
    return Reason("・".join(texts), points) if texts else None
