"""Random walks through the lives of dispatches and runs: anybody tries anything, in any order.

The person who may do what, and with whose dispatches, is written down here a second time (`RIGHT`): whoever else is
not refused breaks the walk, and so does whatever the ledger finds changed that must not be.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from walk_ledger import value
from walk_machine import NUMBERS, Call, Walk, reason
from walk_world import LOADED, START, TOKYO, Person, as_files, dispatches_csv

from core import clock
from core.audit.acting import SYSTEM
from core.errors import DomainError
from core.exchange.services import load_files
from core.japan.calendar import next_bank_day
from core.programme.selectors import code_items
from dispatch import services
from dispatch.models import (
    Case,
    Company,
    Declaration,
    Dispatch,
    Escalation,
    Finding,
    Inquiry,
    TravelLine,
    Waiver,
)
from dispatch.services import Accompaniment, Application, ClaimLine, Consent, ReportData, edit_token
from dispatch.services.findings import review_finding
from experts.changes import services as changes
from experts.changes.models import ChangeRequest
from experts.models import Expert
from institutions.models import Institution
from payments.models import PayoutRun
from payments.services import (
    approve_run,
    close_run,
    compute_run,
    draft_run,
    drop_run,
    export_run,
    live,
    mark_transferred,
)
from payments.services.assessment import check_month
from payments.services.dates import next_month
from portal_expert.receiving import Result, receive_check_events

FRESH_TOKEN = 55

# act → whose it is, among those who have to do with the dispatch
_OFFICE, _INSTITUTION, _EXPERT, _APPROVER = "office", "institution", "expert", "approver"
RIGHT: dict[str, tuple[str, ...]] = {
    "accept": (_EXPERT,),
    "decline": (_EXPERT,),
    "confirm": (_OFFICE,),
    "reschedule": (_INSTITUTION, _OFFICE),
    "cancel": (_INSTITUTION, _OFFICE),
    "send events": (_EXPERT,),
    "finish": (_EXPERT,),
    "declare": (_EXPERT, _OFFICE),
    "save claim": (_EXPERT,),
    "report": (_EXPERT,),
    "make link": (_EXPERT, _INSTITUTION, _OFFICE),
    "approve": (_INSTITUTION,),
    "return": (_INSTITUTION, _OFFICE),
    "verify": (_OFFICE,),
    "hold": (_OFFICE,),
    "exclude": (_OFFICE,),
    "release": (_OFFICE,),
    "ask back": (_OFFICE,),
    "close inquiry": (_OFFICE,),
    "accept answer": (_OFFICE,),
    "answer": (_INSTITUTION, _EXPERT),
    "correct": (_OFFICE,),
    "correct line": (_OFFICE,),
    "correct declaration": (_OFFICE,),
    "check line": (_OFFICE,),
    "waive": (_APPROVER,),
    "revoke": (_APPROVER,),
    "review": (_OFFICE,),
    "escalate": (_OFFICE,),
    "close escalation": (_OFFICE,),
    "request": (_INSTITUTION,),
    "decide": (_OFFICE,),
}
# What brings a dispatch on its way, by where it stands.
WAY = {
    "applied": "accept",
    "accepted": "confirm",
    "confirmed": "send events",
    "visited": "report",
    "reported": "approve",
    "approved": "verify",
    "ineligible": "release",
}
# What happens next: how often among all.
WEIGHTED = (
    *("onwards",) * 12, *("all_the_way",) * 8, *("apply",) * 5, *("run",) * 12, *("whole_run",) * 5,
    *("client",) * 3, *("after_payment",) * 9, *("time_passes",) * 4, *("worker",) * 2, "standing_check", *("load",) * 2, *("account",) * 4, *sorted(RIGHT),
)  # fmt: skip


class DispatchWalk(Walk):
    """One walk through dispatches, findings and runs."""

    title = "派遣と支払"

    def __init__(self) -> None:
        super().__init__()
        self.tokens: dict[int, list[str]] = {}
        self.digests: list[str] = []
        self.links: list[str] = []
        self.events = 0

    def concerned(self, dispatch: Dispatch, whose: tuple[str, ...]) -> list[Person]:
        """The people of these sides who have to do with a dispatch."""
        institution = value(
            "SELECT code FROM institutions_institution WHERE id = %s", [dispatch.institution_id]
        )
        expert = value("SELECT code FROM experts_expert WHERE id = %s", [dispatch.expert_id])
        found: list[Person] = []
        for side in whose:
            if side == _OFFICE:
                found += self.world.of_role("office_operator", "office_approver")
            elif side == _APPROVER:
                found += self.world.of_role("office_approver")
            elif side == _INSTITUTION:
                found += self.world.of_institution(institution)
            else:
                found += [each for each in self.world.of_role("expert") if each.tie == expert]
        return found

    def token(self, dispatch: Dispatch, draw: int) -> tuple[str, bool]:
        """A form's token: the newest, none, or one of an older page; and whether it is still good."""
        now = edit_token(dispatch)
        known = self.tokens.setdefault(dispatch.pk, [])
        if now not in known:
            known.append(now)
        if draw % 100 < FRESH_TOKEN:
            return now, True
        if draw % 3:
            return "", True
        old = known[draw % len(known)]
        return old, old == now

    def pick(self, draw: int) -> Dispatch:
        """Any dispatch, one of the last four, or one that is paid or about to be."""
        found = list(Dispatch.objects.order_by("pk"))
        taken = [row for row in found if row.status in ("scheduled", "paid")]
        among = (found, found[-4:], taken or found, found)[draw % 4]
        return among[draw // 4 % len(among)]

    # -- rules ------------------------------------------------------------------------------------------------

    @rule(what=st.sampled_from(WEIGHTED), which=NUMBERS, who=NUMBERS, how=NUMBERS)
    def next(self, what: str, which: int, who: int, how: int) -> None:
        """Something happens: an act of `RIGHT` with any dispatch, or one of the methods below."""
        if what in RIGHT:
            self.do(what, self.pick(which), who, how)
        else:
            getattr(self, what)(which, who, how)

    def onwards(self, which: int, who: int, how: int) -> None:
        """The next step of a dispatch, mostly by the person whose turn it is."""
        self.onward(self.pick(which), who, how)

    def all_the_way(self, which: int, who: int, how: int) -> None:
        """Several steps of one dispatch by the right people."""
        pk = self.pick(which).pk
        for _ in range(2 + how % 6):
            dispatch = Dispatch.objects.get(pk=pk)
            if dispatch.status not in WAY or dispatch.status == "ineligible":
                return
            self.onward(dispatch, 0, 0)

    def onward(self, dispatch: Dispatch, who: int, how: int) -> None:
        if dispatch.status == "reported" and dispatch.attested_at is None:
            self.answer_of_client(dispatch, how)
        elif dispatch.status == "accepted" and dispatch.approval_requests.filter(decided_at=None).exists():
            self.do("decide", dispatch, who, how + 1 if how % 3 == 0 else how)
        elif dispatch.status == "approved" and how % 2 and Finding.objects.filter(dispatch=dispatch).exists():
            self.do("waive", dispatch, who, how)
        elif (act := WAY.get(dispatch.status)) is not None:
            self.do(act, dispatch, who, how)

    def after_payment(self, which: int, who: int, how: int) -> None:
        """Those whose turn it would be lay hands on a dispatch that is paid or about to be."""
        taken = list(Dispatch.objects.filter(status__in=("scheduled", "paid")).order_by("pk"))
        if not taken:
            self.whole_run(which, who, how)
            return
        act = sorted(RIGHT)[how % len(RIGHT)]
        self.do(act, taken[which % len(taken)], who // 10 * 100, (how * 7 + which) % 1000)

    def client(self, which: int, who: int, how: int) -> None:
        """A client opens a link: the newest, or one that was used, replaced or has run out."""
        if how % 3 and self.links:
            self.attest(self.links[how % len(self.links)], how)
        else:
            self.answer_of_client(self.pick(which), how)

    def time_passes(self, which: int, who: int, how: int) -> None:
        """Nobody does anything for a while."""
        self.clock.shift(dt.timedelta(hours=(1, 5, 24, 48, 24 * 5, 24 * 9)[how % 6]))

    def apply(self, which: int, who: int, how: int) -> None:
        """An institution opens a case and applies for a dispatch in some days."""
        company, expert = 1 + which % 6, 1 + which // 6 % 3
        institution = "K1" if how % 2 else "K2"
        person = self.somebody(self.world.of_institution(institution), who)
        right = person.role.startswith("institution") and person.tie == institution
        case = self.attempt(
            "open case",
            person,
            lambda: services.open_case(
                institution=Institution.objects.get(code=institution),
                company=Company.objects.get(code=f"C{company}"),
                topic="創業",
                problem="販路が足りない。",
                why_not_alone="職員に経験がない。",
                actor=person.user,
                consent=Consent("試験 社長", "2021-1") if how % 7 else None,
            ),
            right=right,
        )
        if case is None:
            return
        day = (clock.now() + dt.timedelta(days=how % 9)).replace(minute=0, second=0)
        start = day.replace(hour=9 + how % 7)
        person = self.somebody(self.world.of_institution(institution), who // 2)
        self.attempt(
            "apply",
            person,
            lambda: services.apply_for_dispatch(
                application=Application(
                    case=Case.objects.get(pk=case.pk),
                    expert=Expert.objects.get(code=f"E{expert}"),
                    method="WEB" if how % 5 == 0 else "対面",
                    planned_from=start,
                    planned_to=start + dt.timedelta(hours=1 + how % 4),
                    place="見本町1",
                    latitude=TOKYO[0],
                    longitude=TOKYO[1],
                    accompanied=True,
                    web_reason="遠方のため。" if how % 2 else _web_reason(),
                    limit_reason="続きが要るため。",
                    lead_reason="急ぐため。",
                    requested_by_expert=how % 31 == 0,
                ),
                actor=person.user,
                key=f"form-{how % 40}",
            ),
            right=person.role.startswith("institution") and person.tie == institution,
        )

    def run(self, which: int, who: int, how: int) -> None:
        """Somebody does something with a run, mostly the newest."""
        acts = ("draft", "compute", "compute", "approve", "approve", "export", "transfer", "close", "drop")
        self.run_act(acts[which % len(acts)], who, how)

    def whole_run(self, which: int, who: int, how: int) -> None:
        """A month is closed as it is meant to be, whatever was left in preparation."""
        for act in ("draft", "compute", "approve", "export", "transfer")[: 3 + how % 3]:
            self.run_act(act, 100 * (how % 4), 5 if act == "approve" and how % 8 == 7 else 0)

    def worker(self, which: int, who: int, how: int) -> None:
        """The worker gets what phones left to it, at last, perhaps two times."""
        experts = sorted(self.waiting)
        self.waiting.clear()
        for _ in range(1 + how % 2):
            self.attempt("worker judges", None, lambda: live.judge_queued(experts), right=True)

    def standing_check(self, which: int, who: int, how: int) -> None:
        """The check of everything."""
        self.attempt("standing check", None, check_month, right=True)

    def load(self, which: int, who: int, how: int) -> None:
        """The exchange file comes again, with one row changed."""
        number, _, _, _, day, start, *_, stage = LOADED[which % len(LOADED)]
        change: tuple[dict[str, str], ...] = (
            {},
            {"状態": "取消", "取消理由": "先方の都合"},
            {"事務局判断": "対象外", "事務局判断理由": "虚偽の報告"},
            {"支援内容": "書き直した報告"},
            {"実施開始": f"2021-07-{day:02} {start:02}:30"},
        )
        chosen = change[how % len(change)]
        if "実施開始" in chosen and stage == "confirmed":
            chosen = {}
        text = dispatches_csv(**{number: chosen})

        def call() -> None:
            result = load_files(as_files(dispatches=text), actor=SYSTEM)
            if not result.ok:
                raise DomainError(next(iter(result.problems)).reason, code="load")

        self.attempt("load", None, call, right=True)

    def account(self, which: int, who: int, how: int) -> None:
        """An expert's account changes: asked by the expert or entered by the office, checked, made by another."""
        expert = Expert.objects.get(code=f"E{1 + which % 3}")
        own = [each for each in self.world.of_role("expert") if each.tie == expert.code]
        office = self.world.of_role("office_operator", "office_approver")
        row = ChangeRequest.objects.filter(expert=expert).order_by("pk").last()
        if row is None or row.state in ("made", "refused", "withdrawn", "returned") or how % 6 == 0:
            entry = {
                "bank_code": "0001",
                "branch_code": "001",
                "account_type": "普通",
                "account_number": f"{7_000_000 + how}",
                "account_holder_kana": expert.account_holder_kana,
            }
            asks: dict[str, Any] = {
                "expert": expert,
                "kind": "account",
                "entry": entry,
                "reason": reason(how),
                "key": f"key-{how % 30}",
            }
            if how % 4:
                person = self.somebody(own, who)
                self.attempt(
                    "ask change",
                    person,
                    lambda: changes.ask_change(**asks, actor=person.user),
                    right=person in own,
                )
            else:
                person = self.somebody(office, who)
                self.attempt(
                    "enter change",
                    person,
                    lambda: changes.enter_request(
                        **asks, source="letter", source_note="7月20日着の変更届", actor=person.user
                    ),
                    right=person in office,
                )
            return
        seen = changes.seen_token(row, expert)
        if how % 9 == 8:
            person = self.somebody(office, who)
            self.attempt(
                "return change",
                person,
                lambda: changes.return_change(request=row, reason=reason(how), seen=seen, actor=person.user),
                right=person in office,
            )
        elif row.state == "asked":
            person = self.somebody(office, who)
            self.attempt(
                "check change",
                person,
                lambda: changes.check_change(
                    request=row, note="通帳の写しと照合した", seen=seen, actor=person.user
                ),
                right=person in office,
            )
        else:
            others = [each for each in office if each.pk != row.checked_by_id]
            person = self.somebody(office, who)
            self.attempt(
                "make change",
                person,
                lambda: changes.make_change(request=row, seen=seen, conflict_seen=True, actor=person.user),
                right=person in others,
            )

    # -- what is done -----------------------------------------------------------------------------------------

    def do(self, act: str, dispatch: Dispatch, who: int, how: int) -> None:
        """One act of `RIGHT` with one dispatch."""
        whose = RIGHT[act]
        person = self.somebody(self.concerned(dispatch, whose), who)
        right = person in self.concerned(dispatch, whose)
        token, good = self.token(dispatch, how)
        call = getattr(self, "_" + act.replace(" ", "_"))(dispatch, person, token, how)
        if call is None:
            return
        takes_token = act in _WITH_TOKEN
        self.attempt(act, person, call, right=right and (good or not takes_token))

    def _accept(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        return lambda: services.accept_dispatch(dispatch=dispatch, actor=who.user)

    def _decline(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        return lambda: services.decline_dispatch(dispatch=dispatch, reason=reason(how), actor=who.user)

    def _confirm(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        return lambda: services.confirm_dispatch(dispatch=dispatch, actor=who.user, edit_token=token)

    def _reschedule(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        start = (clock.now() + dt.timedelta(days=1 + how % 12)).replace(hour=9 + how % 6, minute=0)
        return lambda: services.reschedule_dispatch(
            dispatch=dispatch,
            planned_from=start,
            planned_to=start + dt.timedelta(hours=2),
            reason=reason(how),
            lead_reason="急ぐため。",
            actor=who.user,
            edit_token=token,
        )

    def _cancel(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        return lambda: services.cancel_dispatch(
            dispatch=dispatch, reason=reason(how), actor=who.user, edit_token=token
        )

    def _send_events(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call | None:
        """The phone sends both ends, or one, or late; the clock is after the visit by then."""
        if dispatch.planned_to > clock.now():
            self.clock.move_to(dispatch.planned_to + dt.timedelta(hours=1))
        self.events += 1
        wanted = ("開始", "終了") if how % 6 else ("開始",)
        shift = dt.timedelta(minutes=25 if how % 11 == 5 else 0)
        moments = {"開始": dispatch.planned_from + shift, "終了": dispatch.planned_to}
        sent = [
            {
                "event_id": f"{self.events:08}-0000-4000-8000-00000000000{place}",
                "dispatch": dispatch.number,
                "kind": kind,
                "device_time": moments[kind].isoformat(),
                "latitude": TOKYO[0],
                "longitude": TOKYO[1],
                "accuracy": 12,
                "signer_name": "試験 社長" if kind == "終了" else "",
            }
            for place, kind in enumerate(wanted)
        ]

        def call() -> Any:
            answers = receive_check_events(actor=who.user, events=sent)
            assert {answer.status for answer in receive_check_events(actor=who.user, events=sent)} <= {
                Result.DUPLICATE,
                Result.REJECTED,
            }, "an event was taken twice"
            if all(answer.status is Result.REJECTED for answer in answers):
                raise DomainError(answers[0].reason, code="rejected")
            return answers

        return call

    def _finish(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        return lambda: services.finish_visit(
            dispatch=dispatch,
            visited_from=dispatch.planned_from + dt.timedelta(minutes=how % 30),
            visited_to=dispatch.planned_to,
            break_minutes=how % 40,
            actor=who.user,
            edit_token=token,
        )

    def _declare(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        causes = ("開始報告失念", "終了報告失念", "署名不備", "位置情報不備", "時刻訂正", "寝坊")
        return lambda: services.declare(
            dispatch=dispatch,
            cause=causes[how % len(causes)],
            reason=reason(how),
            declared_from=dispatch.visited_from,
            declared_to=dispatch.visited_to,
            actor=who.user,
        )

    def _lines(self, dispatch: Dispatch, how: int) -> list[ClaimLine]:
        day = (dispatch.visited_from or dispatch.planned_from).astimezone(clock.JST).date()
        train = ClaimLine(
            day=day, kind="鉄道", claimed=1980 + how % 100, origin="東京", destination="熱海", fare=1980
        )
        car = ClaimLine(day=day, kind="私有車", claimed=1110, origin="試験町", destination="見本町", km=30)  # type: ignore[arg-type]
        return [train, car][: how % 3]

    def _save_claim(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        lines = self._lines(dispatch, how)
        return lambda: services.save_claim(dispatch=dispatch, lines=lines, actor=who.user, edit_token=token)

    def _report(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        lines = self._lines(dispatch, how)
        report = ReportData("" if how % 13 == 5 else "販路の助言をした。", break_minutes=how % 3 * 10)
        return lambda: services.submit_report(
            dispatch=dispatch, report=report, lines=lines, actor=who.user, edit_token=token
        )

    def _make_link(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        def call() -> None:
            channel = "mail" if how % 4 == 3 else "qr"
            issued = services.issue_attestation_link(dispatch=dispatch, channel=channel, actor=who.user)
            self.links.append(issued.token)

        return call

    def answer_of_client(self, dispatch: Dispatch, how: int) -> None:
        """A link is made for the client, who answers at once."""
        person = self.concerned(dispatch, (_EXPERT,))[0]
        before = len(self.links)
        self.attempt("make link", person, self._make_link(dispatch, person, "", 0), right=True)
        if len(self.links) > before:
            self.attest(self.links[-1], how)

    def attest(self, token: str, how: int) -> None:
        """A client says yes, or no, or nothing sensible."""
        used = value(
            "SELECT count(*) FROM dispatch_attestationlink WHERE token_hash = encode(sha256(%s::bytea), 'hex')"
            " AND (ended_at IS NOT NULL OR expires_at <= %s)",
            [token.encode(), clock.now()],
        )
        self.attempt(
            "attest",
            None,
            lambda: services.attest(
                token=token,
                confirmed=how % 8 != 7,
                name="" if how % 17 == 5 else "試験 社長",
                comment="時刻が違います。" if how % 8 == 7 else "",
            ),
            right=not used,
        )

    def _approve(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        said = (
            Accompaniment(False, reason="人員不足")
            if how % 4 == 3
            else Accompaniment(True, dispatch.visited_from, dispatch.visited_to, by="試験 同行")
        )
        return lambda: services.approve_dispatch(
            dispatch=dispatch, accompaniment=said, actor=who.user, edit_token=token
        )

    def _return(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        return lambda: services.return_dispatch(
            dispatch=dispatch, reasons=[reason(how)], actor=who.user, edit_token=token
        )

    def _verify(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        return lambda: services.verify_dispatch(dispatch=dispatch, actor=who.user, edit_token=token)

    def _hold(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        return lambda: services.hold_dispatch(
            dispatch=dispatch, reason=reason(how), actor=who.user, edit_token=token
        )

    def _exclude(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        return lambda: services.exclude_dispatch(
            dispatch=dispatch, reason=reason(how), actor=who.user, edit_token=token
        )

    def _release(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        def call() -> None:
            released = services.release_dispatch(
                dispatch=dispatch, reason=reason(how), actor=who.user, edit_token=token
            )
            assert dispatch.status == released.status or released.status != "verified", "released into 確認済"

        return call

    def _ask_back(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        return lambda: services.ask_back(
            dispatch=dispatch,
            asked_of="expert" if how % 2 else "institution",
            question=f"{reason(how)}",
            actor=who.user,
        )

    def _inquiry(self, dispatch: Dispatch, how: int) -> Inquiry | None:
        found = list(dispatch.inquiries.order_by("pk"))
        return found[how % len(found)] if found else None

    def _close_inquiry(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call | None:
        inquiry = self._inquiry(dispatch, how)
        return inquiry and (
            lambda: services.close_inquiry(inquiry=inquiry, outcome=reason(how), actor=who.user)
        )

    def _accept_answer(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call | None:
        inquiry = self._inquiry(dispatch, how)
        return inquiry and (lambda: services.accept_answer(inquiry=inquiry, actor=who.user))

    def _answer(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call | None:
        inquiry = self._inquiry(dispatch, how)
        if inquiry is None:
            return None

        def call() -> None:
            services.answer_inquiry(inquiry=inquiry, answer=reason(how), actor=who.user)
            side = _EXPERT if inquiry.asked_of == "expert" else _INSTITUTION
            assert who in self.concerned(dispatch, (side,)), f"{who.name} answered what others were asked"

        return call

    def _correct(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        base = (dispatch.visited_from or dispatch.planned_from).astimezone(clock.JST)
        values = (
            {"実施開始": f"{base - dt.timedelta(minutes=how % 60):%Y-%m-%d %H:%M}"},
            {"休憩分": str(how % 70)},
            {"支援場所": f"見本町{how}"},
            {"専門家からの要請": "有" if how % 9 == 0 else "無"},
            {"状態": "取消"},
            {"機関コード": "K2"},
        )[how % 6]
        return lambda: services.correct_dispatch(
            dispatch=dispatch, values=values, reason=reason(how), actor=who.user, edit_token=token
        )

    def _line(self, dispatch: Dispatch, how: int) -> TravelLine | None:
        found = list(dispatch.travel_lines.order_by("pk"))
        return found[how % len(found)] if found else None

    def _correct_line(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call | None:
        line = self._line(dispatch, how)
        values = {"運賃": str(1000 + how)} if how % 2 else {"請求額": str(how * 3)}
        return line and (
            lambda: services.correct_travel_line(line=line, values=values, reason=reason(how), actor=who.user)
        )

    def _check_line(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call | None:
        line = self._line(dispatch, how)
        if line is None:
            return None
        said: dict[str, Any] = (
            {"accepted_km": how % 60} if line.kind == "私有車" else {"accepted_yen": how * 3}
        )
        return lambda: services.check_travel_line(line=line, reason=reason(how), actor=who.user, **said)

    def _correct_declaration(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call | None:
        found = Declaration.objects.filter(dispatch=dispatch).order_by("pk").first()
        return found and (
            lambda: services.correct_declaration(
                declaration=found, values={"理由": f"訂正 {how}"}, reason=reason(how), actor=who.user
            )
        )

    def _waive(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        codes = list(
            Finding.objects.filter(dispatch=dispatch).order_by("code").values_list("code", flat=True)
        )
        code = codes[how % len(codes)] if codes and how % 9 else ("M01", "X06", "E04", "ZZZ")[how % 4]
        return lambda: services.waive_finding(
            dispatch=dispatch, code=code, reason=reason(how), actor=who.user, edit_token=token
        )

    def _revoke(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call | None:
        found = Waiver.objects.filter(dispatch=dispatch).order_by("pk").last()
        return found and (lambda: services.revoke_waiver(waiver=found, reason=reason(how), actor=who.user))

    def _review(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call | None:
        found = Finding.objects.filter(dispatch=dispatch).order_by("code").first()
        return found and (
            lambda: review_finding(dispatch=dispatch, code=found.code, reason=reason(how), actor=who.user)
        )

    def _escalate(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        kinds = list(Escalation.Kind.values)
        return lambda: services.escalate_dispatch(
            dispatch=dispatch, kind=kinds[how % len(kinds)], text=reason(how), actor=who.user
        )

    def _close_escalation(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call | None:
        found = Escalation.objects.filter(dispatch=dispatch).order_by("pk").last()
        return found and (
            lambda: services.close_escalation(
                escalation=found, answer=reason(how), answered_on=clock.today(), actor=who.user
            )
        )

    def _request(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call:
        return lambda: services.request_approval(
            dispatch=dispatch, kind=("web", "limit", "lead")[how % 3], reason=reason(how), actor=who.user
        )

    def _decide(self, dispatch: Dispatch, who: Person, token: str, how: int) -> Call | None:
        found = dispatch.approval_requests.order_by("pk").last()
        return found and (
            lambda: services.decide_request(
                request=found, approved=how % 3 > 0, reason=reason(how), actor=who.user, edit_token=token
            )
        )

    def run_act(self, act: str, who: int, how: int) -> None:
        """One act with one run."""
        makers = self.world.of_role("office_operator", "office_approver")
        runs = list(PayoutRun.objects.order_by("-pk"))
        run = None if not runs else runs[how // 7 % len(runs)] if how % 5 == 4 else runs[0]
        if act == "draft":
            person = self.somebody(makers, who)
            self.attempt("draft run", person, self._draft(person, how), right=person in makers)
            return
        if run is None:
            return
        if act == "approve":
            right = [each for each in self.world.of_role("office_approver") if each.pk != run.maker_id]
            person = self.somebody(right, who)
            if how % 6 == 5:
                person = next(each for each in self.world.people.values() if each.pk == run.maker_id)
            self.digests.append(run.digest)
            digest = (None, run.digest, self.digests[how % len(self.digests)])[how % 3]
            self.attempt(
                "approve run",
                person,
                lambda: approve_run(run=run, actor=person.user, digest=digest),
                right=person in right and digest in (None, run.digest),
            )
            return
        person = self.somebody(makers, who)
        what: dict[str, Callable[..., Any]] = {
            "compute": compute_run,
            "drop": drop_run,
            "export": export_run,
            "transfer": mark_transferred,
            "close": close_run,
        }
        self.attempt(
            f"{act} run", person, lambda: what[act](run=run, actor=person.user), right=person in makers
        )

    def _draft(self, who: Person, how: int) -> Call:
        today = clock.today()
        month = today.replace(day=1)
        if month > START.date() and how % 4 != 3:
            month = (month - dt.timedelta(days=1)).replace(day=1)
        cutoff = clock.now() if today < next_month(month) else None
        pay_date = next_bank_day(today + dt.timedelta(days=10)) + dt.timedelta(days=how % 10 == 9)
        return lambda: draft_run(month=month, pay_date=pay_date, cutoff=cutoff, actor=who.user)


_WITH_TOKEN = frozenset(
    ("confirm", "reschedule", "cancel", "finish", "save claim", "report", "approve", "return", "verify", "hold",
     "exclude", "release", "correct", "waive", "decide")
)  # fmt: skip


def _web_reason() -> str:
    return code_items("web_reason", clock.today())[0]
