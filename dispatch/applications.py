"""What stands in the way of a dispatch that is applied for: each rule with expected, actual and the next step.

The same function answers while the form is filled in and when it is sent; what isn't filled in yet is not judged.
The rules' values are dated data: rule sets (rules.md §1) and the terms of the dispatches (core/programme).
"""

import datetime as dt
from collections.abc import Iterator

from django.db.models import Q

from core import clock
from core.programme.selectors import RuleBook, code_items, dispatch_terms
from experts.standing import is_active_on
from rules import codes
from rules.dates import fiscal_year
from rules.ruleset import RuleSet
from rules.wording import day as day_text

from .appointed import unappointed
from .models import Case, Dispatch
from .obstacles import Application, Obstacle, ObstacleKind
from .quota import ENDED, dispatches_used

# A member of a platform that may not dispatch is a member all the same.
MAY_NOT_DISPATCH = "構成機関（派遣対象外）"


# The inputs without which nothing can be sent, as people call them.
_REQUIRED = {
    "expert": "専門家",
    "method": "実施方式",
    "planned_from": "予定開始",
    "planned_to": "予定終了",
}


def missing_fields(application: Application) -> list[Obstacle]:
    """What must still be filled in before sending."""
    names = dict(_REQUIRED)
    if application.method == codes.METHOD_FACE_TO_FACE:
        names |= {"place": "支援場所", "latitude": "支援場所の緯度", "longitude": "支援場所の経度"}
    missing = [
        Obstacle("必須の項目", f"{label}の入力", "未入力", f"{label}を入れてください。", field=name)
        for name, label in names.items()
        if getattr(application, name) in (None, "")
    ]
    if application.case.consent_at is None:
        missing.append(
            Obstacle(
                "情報共有の同意",
                "支援先の同意の記録",
                "記録なし",
                "支援案件の画面で、支援先から同意を得た日時と氏名を記録してください。",
                field="case",
            )
        )
    if application.case.state != Case.State.OPEN:
        missing.append(
            Obstacle("支援案件の状態", "対応中", "終了", "支援案件を再開してください。", field="case")
        )
    return missing


def check_application(
    application: Application, *, today: dt.date | None = None, ignoring: Dispatch | None = None
) -> list[Obstacle]:
    """The rules this application doesn't meet, gravest first; `ignoring` is the dispatch that is being changed.

    At most eight queries, nine where an appointment is required; writes nothing.
    """
    application = application.with_topic()
    today = today or clock.today()
    found = [
        *_parties(application),
        *_method(application, today),
        *_times(application, today, ignoring),
        *_overlaps(application, ignoring),
        *_not_payable(application),
    ]
    order = list(ObstacleKind)
    return sorted(found, key=lambda each: order.index(each.kind))


def _parties(application: Application) -> Iterator[Obstacle]:
    institution = application.case.institution
    if institution.kind == MAY_NOT_DISPATCH:
        yield Obstacle(
            "派遣できる機関",
            "派遣可能な機関区分",
            institution.kind,
            "地域プラットフォームの代表機関へ申請を依頼してください。",
        )
    day = application.planned_from.astimezone(clock.JST).date() if application.planned_from else clock.today()
    if institution.certified_until is not None and institution.certified_until < day:
        yield Obstacle(
            "認定の有効期限",
            f"支援日（{day_text(day)}）に有効な認定",
            f"{day_text(institution.certified_until)} で期限切れ",
            "認定を更新し、事務局へ届け出てください。",
            ObstacleKind.WARNING,
        )
    ended = institution.valid_until
    if ended is not None and ended < max(day, clock.today()):
        yield Obstacle(
            "派遣できる機関",
            f"支援日（{day_text(day)}）に名簿にある機関",
            f"{day_text(ended)} で構成機関から外れています",
            "新しい申請はできません。進行中の派遣は続けられます。名簿については事務局へお問い合わせください。",
        )
    expert = application.expert
    if expert is not None and not is_active_on(expert, max(day, clock.today())):
        assert expert.valid_until is not None  # else the registration has no end
        over = expert.valid_until < clock.today()
        yield Obstacle(
            "専門家の登録",
            f"支援日（{day_text(day)}）に登録のある専門家",
            f"{day_text(expert.valid_until)} で登録が{'終わっています' if over else '終わります'}",
            "別の専門家を選んでください。登録については事務局へお問い合わせください。"
            if over
            else f"{day_text(expert.valid_until)} までの日にするか、別の専門家を選んでください。",
            field="expert",
        )
    elif expert is not None and dispatch_terms(clock.today()).appointment_required:
        yield from unappointed(expert, max(day, clock.today()))
    topics = code_items("topic", day)
    if application.topic not in topics:
        yield Obstacle(
            "経営課題",
            f"{day_text(day)} に有効な経営課題",
            application.topic or "未選択",
            "一覧から選び直してください。",
            field="topic",
        )


def _method(application: Application, today: dt.date) -> Iterator[Obstacle]:
    if application.method and application.method not in codes.METHODS:
        yield Obstacle(
            "実施方式", "・".join(codes.METHODS), application.method, "選び直してください。", field="method"
        )
    if application.latitude is not None and not -90 <= application.latitude <= 90:
        yield Obstacle(
            "緯度", "-90～90", str(application.latitude), "地図で場所を確認してください。", field="latitude"
        )
    if application.longitude is not None and not -180 <= application.longitude <= 180:
        yield Obstacle(
            "経度",
            "-180～180",
            str(application.longitude),
            "地図で場所を確認してください。",
            field="longitude",
        )
    if application.method != codes.METHOD_WEB:
        return
    reasons = code_items("web_reason", today)
    if application.web_reason in reasons:
        yield Obstacle(
            "WEB支援の事前承認",
            "事務局の事前承認",
            "未承認",
            "申請と同時に事務局へ承認を依頼します。承認されるまで受付されません。",
            ObstacleKind.APPROVAL,
            "web_reason",
            "web",
        )
    else:
        yield Obstacle(
            "WEB支援の事前承認",
            f"次のどれかの理由: {'、'.join(reasons)}",
            application.web_reason or "理由なし",
            "理由を選ぶか、実施方式を対面にしてください。",
            field="web_reason",
        )


def _times(application: Application, today: dt.date, ignoring: Dispatch | None) -> Iterator[Obstacle]:
    start, end = application.planned_from, application.planned_to
    if start is not None and end is not None and end <= start:
        yield Obstacle(
            "予定の時刻",
            "予定終了は予定開始より後",
            f"{clock.jst(start):%H:%M}～{clock.jst(end):%H:%M}",
            "終了の時刻を直してください。",
            field="planned_to",
        )
    if start is None:
        return
    day = start.astimezone(clock.JST).date()
    rules = RuleBook()(day)
    if rules is None:
        yield Obstacle(
            "派遣期間",
            "支出基準のある日",
            day_text(day),
            "支援日を変えるか、事務局へお問い合わせください。",
            field="planned_from",
        )
        return
    first, last = rules.dispatch_period(fiscal_year(day))
    if not first <= day <= last:
        yield Obstacle(
            "派遣期間",
            f"{day_text(first)}～{day_text(last)}",
            day_text(day),
            "派遣期間の中の日を選んでください。",
            field="planned_from",
        )
    yield from _lead_time(application, day, today)
    yield from _limit(application, rules, day, ignoring)


def _lead_time(application: Application, day: dt.date, today: dt.date) -> Iterator[Obstacle]:
    lead = dispatch_terms(today).lead_days
    earliest = today + dt.timedelta(days=lead)
    if day >= earliest:
        return
    if day < today:
        yield Obstacle(
            "申請の期限",
            "今日より後の支援日",
            day_text(day),
            "これからの日を選んでください。",
            field="planned_from",
        )
        return
    expected, actual = f"支援日の{lead}日前までの申請（{day_text(earliest)} 以後の支援）", day_text(day)
    if application.lead_reason.strip():
        yield Obstacle(
            "申請の期限",
            expected,
            actual,
            "申請と同時に事務局へ例外の承認を依頼します。",
            ObstacleKind.APPROVAL,
            "lead_reason",
            "lead",
        )
    else:
        yield Obstacle(
            "申請の期限",
            expected,
            actual,
            f"{day_text(earliest)} 以後の日を選ぶか、急ぐ理由を入れて例外の承認を依頼してください。",
            field="planned_from",
        )


def _limit(
    application: Application, rules: RuleSet, day: dt.date, ignoring: Dispatch | None
) -> Iterator[Obstacle]:
    year = fiscal_year(day)
    used = dispatches_used(application.case.company_id, year, ignoring)
    limit = rules.limit_for(application.topic)
    if used < limit or _allowed_beyond(ignoring, year):
        return
    expected, actual = f"{year}年度 {limit}回まで", f"{used + 1}回目"
    if application.limit_reason.strip():
        yield Obstacle(
            "支援先の派遣回数",
            expected,
            actual,
            "申請と同時に事務局へ上限例外の承認を依頼します。",
            ObstacleKind.APPROVAL,
            "limit_reason",
            "limit",
        )
    else:
        yield Obstacle(
            "支援先の派遣回数",
            expected,
            actual,
            "必要な理由を入れて、上限例外の承認を依頼してください。",
            field="limit_reason",
        )


def _allowed_beyond(dispatch: Dispatch | None, year: int) -> bool:
    """Whether the office allowed this dispatch beyond the limit of that year."""
    if dispatch is None or not dispatch.limit_exception:
        return False
    return fiscal_year(dispatch.planned_from.astimezone(clock.JST).date()) == year


def _overlaps(application: Application, ignoring: Dispatch | None) -> Iterator[Obstacle]:
    start, end = application.planned_from, application.planned_to
    if start is None or end is None or end <= start:
        return
    others = (
        Dispatch.objects.exclude(status__in=ENDED)
        .exclude(pk=ignoring.pk if ignoring else 0)
        .filter(
            Q(visited_from=None, planned_from__lt=end, planned_to__gt=start)
            | Q(visited_from__lt=end, visited_to__gt=start)
        )
    )
    if application.expert is not None:
        for other in others.filter(expert=application.expert)[:3]:
            since, until = other.visited_from or other.planned_from, other.visited_to or other.planned_to
            yield Obstacle(
                "専門家の予定の重なり",
                "ほかの派遣と重ならない時間",
                f"{clock.jst(since):%m/%d %H:%M}～{clock.jst(until):%H:%M} に別の派遣",
                "時間を変えるか、別の専門家を選んでください。",
                field="planned_from",
            )
    for other in others.filter(company=application.case.company_id)[:3]:
        since, until = other.visited_from or other.planned_from, other.visited_to or other.planned_to
        # another institution's dispatch is named to nobody who may not see it
        own = other.institution_id == application.case.institution_id
        yield Obstacle(
            "支援先の予定の重なり",
            "同じ支援先のほかの派遣と重ならない時間",
            f"{clock.jst(since):%m/%d %H:%M}～{clock.jst(until):%H:%M} に{f'派遣 {other.number}' if own else '別の機関の派遣'}",
            "支援先の予定を確認してください。",
            ObstacleKind.WARNING,
            "planned_from",
        )


def _unpayable(rule: str, expected: str, actual: str, field: str) -> Obstacle:
    return Obstacle(
        rule,
        expected,
        actual,
        "このまま派遣しても、謝金と旅費は支払われません。申請を見直してください。",
        ObstacleKind.WARNING,
        field,
    )


def _not_payable(application: Application) -> Iterator[Obstacle]:
    expert, institution = application.expert, application.case.institution
    if application.subsidised_labour or (expert is not None and expert.subsidised_labour):
        yield _unpayable(
            "人件費補助（X01）", "公的な補助のない専門家", "人件費が公的に補助されている", "subsidised_labour"
        )
    if application.paid_by_institution:
        yield _unpayable(
            "機関からの給与謝金（X02）",
            "機関からの給与・謝金なし",
            "機関が給与・謝金を支払う",
            "paid_by_institution",
        )
    member = expert is not None and institution.code in expert.affiliated_codes
    if application.member_of_institution or member:
        day = application.planned_from.astimezone(clock.JST).date() if application.planned_from else None
        rules = RuleBook()(day) if day else None
        if rules is None or institution.kind not in rules.own_institution_exempt_kinds:
            yield _unpayable(
                "所属機関からの派遣（X03）",
                "専門家が所属していない機関",
                f"{institution.name}（{institution.kind}）に所属",
                "member_of_institution",
            )
    if application.requested_by_expert:
        yield _unpayable(
            "専門家からの要請（X04）",
            "機関と支援先の判断による派遣",
            "専門家からの要請",
            "requested_by_expert",
        )
