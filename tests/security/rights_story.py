"""A small story that the tests of rights walk through: two of everything, one's own and another's.

Institution K1 with its people, expert E1, dispatches D1 (paid in July) and D3 (August); K2, E2 and D2 are the others'.
The run 2021-07 is exported, 2021-08 is calculated. Built through the services; nothing is committed.
"""

import datetime as dt
import io
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from accounts.models import Alarm, Role, User
from core import clock
from core.agreements.services import current_text
from core.audit.acting import SYSTEM, acting
from core.audit.models import Change
from core.exchange.models import Load
from core.exchange.services import load_files
from core.jobs.models import Job
from core.notify.models import Mail
from core.notify.services import queue_text
from core.programme.models import CodeItem, DispatchTerms, RuleSet
from dispatch.models import (
    ApprovalRequest,
    CheckEvent,
    Company,
    Declaration,
    Dispatch,
    Inquiry,
    ReviewSignal,
    TravelLine,
)
from dispatch.services import add_receipt, escalate_dispatch, open_case
from experts.appointment.services import (
    accept_letter,
    answer_conditions,
    issue_one,
    offer_appointment,
)
from experts.changes.entry import values_of
from experts.changes.services import ask_change
from experts.models import Expert
from experts.registration.services import add_certificate, recommend, registration_by_token
from experts.renewal.models import Ask, Campaign
from institutions.models import YOROZU, Institution, Member
from institutions.operator_change.services import send_form, start_change
from institutions.roster.services import take_roster
from payments.models import Payer, Payout, PayoutRun
from payments.services import approve_run, compute_run, draft_run, export_run
from rules.dates import fiscal_year

FILES = {
    "payer.csv": """委託者コード,委託者名カナ,名称,住所,銀行コード,支店コード,預金種目,口座番号
1234567890,センモンカハケンジムキヨク,専門家派遣事務局株式会社,東京都千代田区試験1-2-3,0001,001,普通,7654321
""",
    "institutions.csv": """機関コード,機関名,機関区分,都道府県コード
K1,試験商工会,商工会,13
K2,別の商工会,商工会,13
""",
    "experts.csv": """専門家コード,氏名,氏名カナ,都道府県コード,住所,メールアドレス,推薦機関コード,登録要件,銀行コード,支店コード,預金種目,口座番号,口座名義カナ,源泉区分
E1,吉田 太郎,ヨシダ タロウ,13,試験町1,e1@example.jp,K1,資格,0001,001,普通,1112345,ヨシダ タロウ,報酬2号
E2,別田 花子,ベツダ ハナコ,13,試験町2,e2@example.jp,K2,資格,0001,001,普通,2223456,ベツダ ハナコ,報酬2号
""",
    "companies.csv": """企業コード,企業名,都道府県コード,所在地,業種コード,従業員数,企業区分
C1,株式会社試験,13,見本町1,E,5,中小企業
C2,株式会社別件,13,見本町2,E,5,中小企業
""",
    "dispatches.csv": """派遣番号,機関コード,専門家コード,企業コード,経営課題,実施方式,緯度,経度,予定開始,予定終了,実施開始,実施終了,同行,同行開始,同行終了,支援内容,報告日時,従事証明日時,機関承認日時
D1,K1,E1,C1,創業,対面,35.681236,139.767125,2021-07-05 10:00,2021-07-05 12:00,2021-07-05 10:00,2021-07-05 12:00,有,2021-07-05 10:00,2021-07-05 12:00,助言した。,2021-07-05 13:00,2021-07-05 14:00,2021-07-06 09:00
D2,K2,E2,C2,創業,対面,35.681236,139.767125,2021-07-06 10:00,2021-07-06 12:00,2021-07-06 10:00,2021-07-06 12:00,有,2021-07-06 10:00,2021-07-06 12:00,助言した。,2021-07-06 13:00,2021-07-06 14:00,2021-07-07 09:00
D3,K1,E1,C1,創業,対面,35.681236,139.767125,2021-08-05 10:00,2021-08-05 12:00,2021-08-05 10:00,2021-08-05 12:00,有,2021-08-05 10:00,2021-08-05 12:00,助言した。,2021-08-05 13:00,2021-08-05 14:00,2021-08-06 09:00
""",
    "check_events.csv": """イベントID,派遣番号,種別,端末時刻,緯度,経度,精度m,署名者氏名
V1,D1,開始,2021-07-05 10:00:00,35.681236,139.767125,10,
V2,D1,終了,2021-07-05 12:00:00,35.681236,139.767125,10,試験 署名
V3,D2,開始,2021-07-06 10:00:00,35.681236,139.767125,10,
V4,D2,終了,2021-07-06 12:00:00,35.681236,139.767125,10,試験 署名
V5,D3,開始,2021-08-05 10:00:00,35.681236,139.767125,10,
V6,D3,終了,2021-08-05 12:00:00,35.681236,139.767125,10,試験 署名
""",
    "declarations.csv": """派遣番号,事由,申告終了,提出日時,理由
D1,終了報告失念,2021-07-05 12:00,2021-07-06 10:00,操作を誤ったため
D2,終了報告失念,2021-07-06 12:00,2021-07-07 10:00,操作を誤ったため
""",
    "travel_claims.csv": """派遣番号,行番号,利用日,種別,出発地,到着地,距離km,運賃,請求額
D1,1,2021-07-05,鉄道,自宅,支援先,12.4,320,320
D2,1,2021-07-06,鉄道,自宅,支援先,12.4,320,320
""",
}


@dataclass
class Story:
    """Who there is, and the values that addresses are filled with."""

    people: dict[str, User]
    stopped: User
    values: dict[str, Any] = field(default_factory=dict)


def build() -> Story:
    """Makes everything inside the caller's transaction."""
    files = {name: io.BytesIO(text.encode("utf-8-sig")) for name, text in FILES.items()}
    result = load_files(files, actor=SYSTEM)
    assert result.ok, list(result.problems)
    people = {role: _account(f"user-{role}", role) for role in Role.values}
    others = {
        "chief": _account("other-chief", Role.INSTITUTION_CHIEF),
        "expert": _account("other-expert", Role.EXPERT),
    }
    stopped = _account("stopped", Role.OFFICE_APPROVER)
    with acting(SYSTEM, "story"):
        User.objects.filter(pk=stopped.pk).update(is_active=False)
        stopped.refresh_from_db()
        own, other = Institution.objects.order_by("code")
        for role in (Role.INSTITUTION_CHIEF, Role.INSTITUTION_STAFF):
            Member.objects.create(user=people[role], institution=own)
        Member.objects.create(user=others["chief"], institution=other)
        Expert.objects.filter(code="E1").update(user=people[Role.EXPERT])
        Expert.objects.filter(code="E2").update(user=others["expert"])
    maker, checker = people[Role.OFFICE_OPERATOR], people[Role.OFFICE_APPROVER]
    july = _computed(dt.date(2021, 7, 1), dt.date(2021, 8, 25), maker)
    july = export_run(run=approve_run(run=july, actor=checker), actor=maker)
    august = _computed(dt.date(2021, 8, 1), dt.date(2021, 9, 24), maker)
    return Story(people, stopped, _values(july, august, people))


def _account(name: str, role: str) -> User:
    with acting(SYSTEM, "story"):
        return User.objects.create(
            username=name, role=role, is_staff=role.startswith("office"), email=f"{name}@example.jp"
        )


def _computed(month: dt.date, pay_date: dt.date, maker: User) -> PayoutRun:
    run = draft_run(month=month, pay_date=pay_date, actor=maker, past_allowed=True)
    run = compute_run(run=run, actor=maker)
    assert run.payee_count > 0, list(run.holds.values_list("dispatch__number", "code", "reason"))
    return run


def _job(owner: User | None, status: str, kind: str = "check_month", **arguments: Any) -> Job:
    return Job.objects.create(
        kind=kind, title="試験のジョブ", status=status, created_by=owner, arguments=arguments
    )


def _mail(concerns: str) -> int:
    mail = queue_text(
        to="someone@example.jp",
        subject="試験",
        body="本文",
        key=f"story:{concerns}",
        actor=SYSTEM,
        concerns=concerns,
        keeps_body=True,
    )
    Mail.objects.filter(pk=mail.pk).update(state=Mail.State.FAILED)
    return mail.pk


def _receipt(operator: User, number: str) -> str:
    """The uuid of a receipt of a dispatch."""
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(file, "JPEG")
    file.seek(0)
    receipt = add_receipt(
        dispatch=Dispatch.objects.get(number=number),
        upload=file,
        purpose="領収書",
        line_number=1,
        actor=operator,
        key="story",
        reason="郵送で届いたため",
    )
    return str(receipt.uuid)


def _roster(operator: User) -> dict[str, int]:
    """A roster in draft with one changed line."""
    text = "機関コード,電話番号\nK1,03-1234-5678\n"
    roster = take_roster(
        file=io.BytesIO(text.encode()),
        name="名簿.csv",
        kind="notice",
        effective_on=clock.today(),
        key="story",
        actor=operator,
    )
    return {"roster": roster.pk, "rosterline": roster.lines.get().pk}


def _operator_change(operator: User) -> str:
    """The uuid of a change of a base's operator whose form was sent."""
    with acting(SYSTEM, "story"):
        base = Institution.objects.create(code="Y1", name="試験よろず", kind=YOROZU, prefecture_code="13")
    change = start_change(
        former=base,
        last_day=clock.today(),
        message="",
        form_name="新実施機関",
        form_person="受取人",
        form_email="y1@example.jp",
        key="story",
        actor=operator,
    )
    return str(send_form(change=change, version=change.version, actor=operator).uuid)


def _registration(institution: str) -> dict[str, str]:
    """A registration that the institution invited to, with a certificate: their uuids."""
    chief = User.objects.get(institution_member__institution__code=institution, role=Role.INSTITUTION_CHIEF)
    row, token = recommend(
        institution=Institution.objects.get(code=institution),
        candidate_name="候補 者",
        candidate_email=f"{institution.lower()}@example.jp",
        interview_on=clock.today(),
        interview_manner="来所",
        interviewer="面談者",
        interview_notes="記録",
        recommendation="理由",
        actor=chief,
        key="story",
    )
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(file, "JPEG")
    file.seek(0)
    invited = registration_by_token(token)
    assert invited is not None
    certificate = add_certificate(registration=invited, kind="資格証明書", upload=file, key="story")
    return {"registration": str(row.uuid), "certificate": str(certificate.uuid), "token": token}


def _registrations() -> dict[str, str]:
    """One's own and another's, by the names of the addresses' values."""
    own, others = _registration("K1"), _registration("K2")
    return {
        "registration": own["registration"],
        "certificate": own["certificate"],
        "registration_token": own["token"],
        "others_registration": others["registration"],
        "others_certificate": others["certificate"],
    }


def _appointment(operator: User) -> int:
    """A year in which E1 and E2 were appointed and accepted; answers the year."""
    year = 0
    for code in ("E1", "E2"):
        offered = offer_appointment(expert=Expert.objects.get(code=code), actor=operator)
        assert offered is not None and offered.expert.user is not None
        answer_conditions(
            appointment=offered, agrees=True, text_version="2021-1", version=1, actor=offered.expert.user
        )
        issue_one(
            appointment=offered,
            issued_on=clock.today(),
            issuer_name="試験事務局",
            issuer_title="局長",
            actor=operator,
        )
        accept_letter(appointment=offered, actor=offered.expert.user)
        year = offered.round.fiscal_year
    return year


def _change(code: str) -> str:
    """The uuid of an expert's own request to change the telephone number."""
    expert = Expert.objects.get(code=code)
    assert expert.user is not None
    row = ask_change(
        expert=expert,
        kind="contact",
        entry=values_of(expert, "contact") | {"phone": "090-1234-5678"},
        reason="番号が変わったため",
        key=f"story-{code}",
        actor=expert.user,
    )
    return str(row.uuid)


def _renewal(operator: User) -> int:
    """A renewal in which E1 and E2 were asked; answers its year."""
    campaign = Campaign.objects.create(
        fiscal_year=fiscal_year(clock.today()), state="asking", answer_by=clock.today(), prepared_by=operator
    )
    Ask.objects.bulk_create(Ask(campaign=campaign, expert=expert) for expert in Expert.objects.all())
    return campaign.fiscal_year


def _case(institution: str, company: str) -> str:
    """The number of an open case of an institution for a client."""
    chief = User.objects.get(institution_member__institution__code=institution, role=Role.INSTITUTION_CHIEF)
    return open_case(
        institution=Institution.objects.get(code=institution),
        company=Company.objects.get(code=company),
        topic="創業",
        problem="課題",
        why_not_alone="理由",
        actor=chief,
    ).code


def _asked_of_others(operator: User) -> int:
    """A request and an inquiry about the others' dispatch; answers the inquiry's id."""
    dispatch = Dispatch.objects.get(number="D2")
    ApprovalRequest.objects.create(dispatch=dispatch, kind="lead", reason="理由", asked_at=clock.now())
    return Inquiry.objects.create(
        dispatch=dispatch,
        asked_of="expert",
        question="照会",
        asked_by=operator,
        asked_at=clock.now(),
        due_on=clock.today(),
    ).pk


def _values(july: PayoutRun, august: PayoutRun, people: dict[str, User]) -> dict[str, Any]:
    operator, admin = people[Role.OFFICE_OPERATOR], people[Role.OFFICE_ADMIN]
    return {
        "run": july.name,
        "open_run": august.name,
        "notice": july.files.filter(name__startswith="notices/").first().name,
        "expert_user": people[Role.EXPERT].pk,
        "user": people[Role.OFFICE_OPERATOR].pk,
        "operators_job": _job(operator, Job.Status.FAILED).pk,
        "waiting_job": _job(operator, Job.Status.QUEUED).pk,
        "admins_job": _job(admin, Job.Status.FAILED).pk,
        "nobodys_job": _job(None, Job.Status.FAILED).pk,
        "import_job": _job(operator, Job.Status.DONE, kind="load_exchange").pk,
        "mail_of_work": _mail(Mail.Concern.WORK),
        "mail_of_accounts": _mail(Mail.Concern.ACCOUNT),
        "signal": ReviewSignal.objects.create(
            kind="overlap_expert",
            key="story",
            dispatch_ids=[Dispatch.objects.get(number="D1").pk],
            score=50,
            facts_mark="story",
            first_seen_at=clock.now(),
            last_seen_at=clock.now(),
        ).pk,
        "alarm": Alarm.objects.create(kind="story", title="試験の警報").pk,
        "payer": Payer.objects.get().pk,
        "institution": Institution.objects.get(code="K1").pk,
        "expert": Expert.objects.get(code="E1").pk,
        "company": Company.objects.get(code="C1").pk,
        "case": _case("K1", "C1"),
        "others_case": _case("K2", "C2"),
        "renewal": _renewal(operator),
        "text": current_text("expert_terms").pk,
        "appointment": _appointment(operator),
        "change_request": _change("E1"),
        "others_change_request": _change("E2"),
        "others_inquiry": _asked_of_others(operator),
        "member": people[Role.INSTITUTION_STAFF].pk,
        "dispatch": Dispatch.objects.get(number="D1").pk,
        "approvalrequest": ApprovalRequest.objects.create(
            dispatch=Dispatch.objects.get(number="D1"), kind="limit", reason="理由", asked_at=clock.now()
        ).pk,
        "inquiry": Inquiry.objects.create(
            dispatch=Dispatch.objects.get(number="D1"),
            asked_of="expert",
            question="照会",
            asked_by=operator,
            asked_at=clock.now(),
            due_on=clock.today(),
        ).pk,
        "inquiry_of_institution": Inquiry.objects.create(
            dispatch=Dispatch.objects.get(number="D1"),
            asked_of="institution",
            question="照会",
            asked_by=operator,
            asked_at=clock.now(),
            due_on=clock.today(),
        ).pk,
        "escalation": escalate_dispatch(
            dispatch=Dispatch.objects.get(number="D3"), kind="other", text="疑義", actor=operator
        ).pk,
        "checkevent": CheckEvent.objects.get(event_id="V1").pk,
        "declaration": Declaration.objects.first().pk,
        "travelline": TravelLine.objects.first().pk,
        "payoutrun": july.pk,
        "payout": Payout.objects.filter(run=july).first().pk,
        "load": Load.objects.first().pk,
        **_roster(operator),
        "operator_change": _operator_change(operator),
        **_registrations(),
        "ruleset": RuleSet.objects.first().pk,
        "codeitem": CodeItem.objects.first().pk,
        "dispatchterms": DispatchTerms.objects.first().pk,
        "change": Change.objects.first().pk,
        "receipt": _receipt(operator, "D1"),
        "others_receipt": _receipt(operator, "D2"),
    }
