"""The stage of the tests: an institution, experts, clients and people, at a moment of July 2021."""

import datetime as dt
import io
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from accounts.models import Role, User
from core import clock
from core.audit.acting import SYSTEM, acting
from core.exchange.services import load_files
from dispatch.models import Case, CheckEvent, Company, Dispatch
from dispatch.services import (
    Accompaniment,
    Application,
    ClaimLine,
    Consent,
    ReportData,
    accept_dispatch,
    apply_for_dispatch,
    approve_dispatch,
    attest,
    confirm_dispatch,
    issue_attestation_link,
    open_case,
    propose_visits,
    submit_report,
)
from experts.models import Expert
from institutions.models import Institution, Member

TOKYO = (Decimal("35.681236"), Decimal("139.767125"))
FILES = {
    "payer.csv": """委託者コード,委託者名カナ,名称,住所,銀行コード,支店コード,預金種目,口座番号
1234567890,センモンカハケンジムキヨク,専門家派遣事務局株式会社,東京都千代田区試験1-2-3,0001,001,普通,7654321
""",
    "institutions.csv": """機関コード,機関名,機関区分,都道府県コード
K1,試験商工会,商工会,13
K2,試験信用金庫,認定金融機関,13
K3,試験構成機関,構成機関（派遣対象外）,13
""",
    "experts.csv": """専門家コード,氏名,氏名カナ,都道府県コード,住所,メールアドレス,推薦機関コード,登録要件,銀行コード,支店コード,預金種目,口座番号,口座名義カナ,源泉区分,所属機関コード,人件費補助
E1,吉田 太郎,ヨシダ タロウ,13,試験町1,e1@example.jp,K1,資格,0001,001,普通,1112345,ヨシダ タロウ,報酬2号,,無
E2,別田 花子,ベツダ ハナコ,13,試験町2,e2@example.jp,K2,資格,0001,001,普通,2223456,ベツダ ハナコ,報酬1号,K2,無
E3,補助 一郎,ホジヨ イチロウ,13,試験町3,e3@example.jp,K2,資格,0001,001,普通,3334567,ホジヨ イチロウ,報酬2号,,有
""",
    "companies.csv": """企業コード,企業名,法人番号,都道府県コード,所在地,電話番号,メールアドレス,業種コード,従業員数,企業区分
C1,株式会社試験製作所,1234567890123,13,見本町1,03-1234-5678,c1@example.jp,E,5,小規模事業者
C2,有限会社別件商店,,13,見本町2,,c2@example.jp,I,3,小規模事業者
C3,合同会社無連絡,,13,見本町3,,,I,3,中小企業
C4,株式会社四番,,13,見本町4,,c4@example.jp,I,3,中小企業
""",
}


def at(text: str) -> dt.datetime:
    """A moment in Japan: `07-05 10:00` of 2021."""
    return dt.datetime.fromisoformat(f"2021-{text}").replace(tzinfo=clock.JST)


@dataclass
class Stage:
    """Who there is."""

    chief: User
    other_chief: User
    operator: User
    approver: User
    experts: dict[str, User]

    def case(self, company: str = "C1", institution: str = "K1", topic: str = "創業") -> Case:
        """An open case with consent."""
        return open_case(
            institution=Institution.objects.get(code=institution),
            company=Company.objects.get(code=company),
            topic=topic,
            problem="販路が足りない。",
            why_not_alone="職員に経験がない。",
            actor=self.chief if institution == "K1" else self.other_chief,
            consent=Consent("試験 社長", "2021-1"),
        )

    def application(self, case: Case | None = None, expert: str = "E1", **values: Any) -> Application:
        """One that no rule stands against, on 2021-07-12 10:00–12:00."""
        plain = Application(
            case=case or self.case(),
            expert=Expert.objects.get(code=expert),
            method="対面",
            planned_from=at("07-12 10:00"),
            planned_to=at("07-12 12:00"),
            place="見本町1",
            latitude=TOKYO[0],
            longitude=TOKYO[1],
            accompanied=True,
        )
        return replace(plain, **values)

    def applied(self, application: Application | None = None) -> Dispatch:
        """An application that was sent."""
        application = application or self.application()
        own = application.case.institution.code == "K1"
        return apply_for_dispatch(application=application, actor=self.chief if own else self.other_chief)

    def confirmed(self, application: Application | None = None) -> Dispatch:
        """A dispatch that expert and office agreed to."""
        dispatch = self.applied(application)
        dispatch = accept_dispatch(dispatch=dispatch, actor=self.experts[dispatch.expert.code])
        return confirm_dispatch(dispatch=dispatch, actor=self.operator)

    def checked(self, dispatch: Dispatch, signer: str = "試験 社長", **shift: int) -> Dispatch:
        """Check-in and check-out as planned; the visit's end follows from them."""
        for kind, moment in (("開始", dispatch.planned_from), ("終了", dispatch.planned_to)):
            self.event(dispatch, kind, moment + dt.timedelta(**shift), signer if kind == "終了" else "")
        propose_visits(numbers=[dispatch.number])
        return Dispatch.objects.get(pk=dispatch.pk)

    def event(self, dispatch: Dispatch, kind: str, moment: dt.datetime, signer: str = "") -> CheckEvent:
        """What a phone sent."""
        with acting(SYSTEM, "send_check_events"):
            return CheckEvent.objects.create(
                event_id=f"V-{dispatch.number}-{kind}-{moment.timestamp():.0f}",
                dispatch=dispatch,
                kind=kind,
                device_time=moment,
                latitude=TOKYO[0],
                longitude=TOKYO[1],
                accuracy=Decimal(12),
                signer_name=signer,
            )

    def visited(self, application: Application | None = None) -> Dispatch:
        """A dispatch that took place, with its events; the clock stands an hour after it."""
        dispatch = self.confirmed(application)
        self.travel(dispatch.planned_to + dt.timedelta(hours=1))
        return self.checked(dispatch)

    def reported(self, application: Application | None = None, *lines: ClaimLine) -> Dispatch:
        """Visited and reported."""
        dispatch = self.visited(application)
        return submit_report(
            dispatch=dispatch,
            report=ReportData("販路の助言をした。"),
            lines=lines,
            actor=self.experts[dispatch.expert.code],
        )

    def attested(self, dispatch: Dispatch, **answer: Any) -> Dispatch:
        """The client answered by a link."""
        link = issue_attestation_link(dispatch=dispatch, channel="qr", actor=self.operator)
        attest(token=link.token, **{"confirmed": True, "name": "試験 社長", **answer})
        return Dispatch.objects.get(pk=dispatch.pk)

    def approved(self, application: Application | None = None, *lines: ClaimLine) -> Dispatch:
        """All the way to the institution's approval."""
        dispatch = self.attested(self.reported(application, *lines))
        own = dispatch.institution.code == "K1"
        return approve_dispatch(
            dispatch=dispatch,
            accompaniment=Accompaniment(True, dispatch.visited_from, dispatch.visited_to, by="試験 同行"),
            actor=self.chief if own else self.other_chief,
        )

    def travel(self, moment: dt.datetime) -> None:
        """The clock goes on to that moment."""
        self._time.move_to(moment)

    _time: Any = None


def build(traveller: Any) -> Stage:
    """Everything inside the caller's transaction."""
    files = {name: io.BytesIO(text.encode("utf-8-sig")) for name, text in FILES.items()}
    result = load_files(files, actor=SYSTEM)
    assert result.ok, list(result.problems)
    with acting(SYSTEM, "stage"):
        chief = _account("chief", Role.INSTITUTION_CHIEF)
        other = _account("other-chief", Role.INSTITUTION_CHIEF)
        Member.objects.create(user=chief, institution=Institution.objects.get(code="K1"))
        Member.objects.create(user=other, institution=Institution.objects.get(code="K2"))
        experts = {}
        for code in ("E1", "E2", "E3"):
            experts[code] = _account(code.lower(), Role.EXPERT)
            Expert.objects.filter(code=code).update(user=experts[code])
        stage = Stage(
            chief,
            other,
            _account("tanto", Role.OFFICE_OPERATOR),
            _account("shonin", Role.OFFICE_APPROVER),
            experts,
        )
    stage._time = traveller
    return stage


def _account(name: str, role: str) -> User:
    return User.objects.create(username=name, role=role, email=f"{name}@example.jp")
