"""What the people of the demonstration do in the portals: cases, applications, answers, questions, an objection.

Done through the services, as the persons themselves would.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from accounts.models import User
from core import clock
from core.agreements.services import FIRST_VERSION
from core.programme.selectors import code_items
from dispatch import services
from dispatch.applications import check_application
from dispatch.models import Case, Company, Dispatch, Finding, Status
from dispatch.obstacles import Application, ObstacleKind
from experts.models import Expert
from institutions.models import Institution
from rules import codes

from . import logins
from .calendar import business_days
from .registrations import recommend_candidates

_CONSENT: Final = FIRST_VERSION
# Applications are sent with more notice than any lead time asks for.
_NOTICE: Final = dt.timedelta(days=10)
_AHEAD: Final = dt.timedelta(days=60)
_PROBLEMS: Final = (
    (
        "売上が2年続けて減っており、新しい販路の見通しが立っていない。既存の取引先2社への依存が大きい。",
        "当機関には、業界の商流に詳しい職員がいないため。",
    ),
    (
        "受注と在庫を紙で管理しており、転記の誤りと残業が増えている。代表者は自社に合う仕組みを知りたい。",
        "業務の流れに合わせた道具の選定には、専門の知識が必要なため。",
    ),
    (
        "代表者が高齢になり、3年以内に長男へ引き継ぎたいが、手順と税の負担が分からない。",
        "株式と税の整理には、実務の経験が必要なため。",
    ),
)
_NOTES: Final = (
    ("訪問", "代表者から課題を聞き取った。決算書3期分を預かり、次回までに分析する。"),
    ("電話", "専門家派遣の進め方を説明し、情報共有の同意を得た。希望する時期は来月前半。"),
)


def live_the_first_day(institution_code: str) -> None:
    """The institution's cases and applications, the expert's answers, the office's questions."""
    institution = Institution.objects.get(code=institution_code)
    chief, expert_user = logins.account(logins.CHIEF), logins.account(logins.EXPERT)
    operator = logins.account(logins.OPERATOR)
    expert = Expert.objects.get(user=expert_user)
    cases = _open_cases(institution, chief)
    _apply(cases, expert, expert_user, chief, operator)
    _settle_the_past(institution, expert, expert_user, chief)
    _ask(institution, expert, operator)
    recommend_candidates(institution, chief)


def _open_cases(institution: Institution, chief: User) -> list[Case]:
    """Three cases, the first with a consultation log."""
    companies = Company.objects.filter(dispatches__institution=institution).distinct().order_by("code")
    topics = code_items("topic", clock.today())
    cases = []
    for company, topic, (problem, why) in zip(companies, topics, _PROBLEMS, strict=False):
        consent = services.Consent(company.name + " 代表者", _CONSENT)
        cases.append(
            services.open_case(
                institution=institution,
                company=company,
                topic=topic,
                problem=problem,
                why_not_alone=why,
                actor=chief,
                consent=consent,
            )
        )
    for days, (channel, text) in zip((12, 5), _NOTES, strict=True):
        for case in cases[:1]:
            services.add_note(
                case=case,
                held_on=clock.today() - dt.timedelta(days=days),
                channel=channel,
                text=text,
                actor=chief,
                attendees="代表者",
            )
    return cases


def _apply(cases: list[Case], expert: Expert, expert_user: User, chief: User, operator: User) -> None:
    """One offer without an answer, one accepted, one by WEB that the office must allow, one for somebody else."""
    today = clock.today()
    days = iter(business_days(today + _NOTICE, today + _AHEAD))
    other = (
        Expert.objects.exclude(pk=expert.pk)
        .filter(
            prefecture_code=expert.prefecture_code, user=None, subsidised_labour=False, affiliated_codes=[]
        )
        .order_by("code")
        .first()
    )
    reason = code_items("web_reason", today)[0]
    for case, chosen, web in zip(
        (*cases, *cases[:1]), (expert, expert, expert, other), (False, False, True, False), strict=False
    ):
        application = _first_possible(case, chosen, days, reason if web else "")
        if application is None:
            return
        dispatch = services.apply_for_dispatch(application=application, actor=chief)
        if chosen == expert and case != cases[0]:
            services.accept_dispatch(dispatch=dispatch, actor=expert_user)


def _first_possible(
    case: Case, expert: Expert | None, days: Iterator[dt.date], web_reason: str
) -> Application | None:
    """The application on the first of the days against which no rule stands."""
    example = Dispatch.objects.filter(company=case.company, latitude__isnull=False).order_by("number").first()
    assert example is not None  # clients of the story are visited at their place
    for day in days:
        begin = clock.from_jst(dt.datetime.combine(day, dt.time(14)))
        application = Application(
            case=case,
            expert=expert,
            method="WEB" if web_reason else "対面",
            planned_from=begin,
            planned_to=begin + dt.timedelta(hours=2),
            place="" if web_reason else example.place,
            latitude=None if web_reason else example.latitude,
            longitude=None if web_reason else example.longitude,
            accompanied=True,
            web_reason=web_reason,
            limit_reason="事業承継の期限が迫っており、年度内にもう一度助言が必要なため。",
        )
        if not any(each.kind == ObstacleKind.BLOCK for each in check_application(application)):
            return application
    return None


def _settle_the_past(institution: Institution, expert: Expert, expert_user: User, chief: User) -> None:
    """Of the visits that took place, one report is returned, one client attests and one objects."""
    own = Dispatch.objects.filter(institution=institution, expert=expert)
    reported = own.filter(status=Status.REPORTED, attested_at__isnull=False).order_by("number").first()
    if reported is not None:
        services.return_dispatch(
            dispatch=reported,
            reasons=code_items("return_reason", clock.today())[:1],
            comment="次回までに行うことを、もう少し具体的に書いてください。",
            actor=chief,
        )
    comments = {
        True: "丁寧に教えていただき、次に行うことが分かりました。",
        False: "終了は15時ごろだったと思います。時刻を確かめてください。",
    }
    unattested = own.filter(status=Status.REPORTED, attested_at=None).order_by("number")
    for dispatch, confirmed in zip(unattested, comments, strict=False):
        link = services.issue_attestation_link(dispatch=dispatch, channel="qr", actor=expert_user)
        services.attest(token=link.token, confirmed=confirmed, name="代表者", comment=comments[confirmed])


def _ask(institution: Institution, expert: Expert, operator: User) -> None:
    """The office asks the institution and the expert about what holds their payments."""
    held = Finding.objects.filter(kind=codes.FINDING_HOLD).exclude(code__startswith="B")
    for asked_of, question, found in (
        (
            "institution",
            "確認事項の内容について、当日の状況と今後の対応をお知らせください。",
            held.filter(dispatch__institution=institution),
        ),
        (
            "expert",
            "当日の経路と時刻が分かるものがあれば、お知らせください。",
            held.filter(dispatch__expert=expert),
        ),
    ):
        finding = found.select_related("dispatch").order_by("dispatch__number", "code").first()
        if finding is not None:
            services.ask_back(
                dispatch=finding.dispatch,
                asked_of=asked_of,
                question=question,
                finding_code=finding.code,
                actor=operator,
            )
