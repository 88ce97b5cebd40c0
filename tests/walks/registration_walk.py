"""Random walks through registrations: recommended, typed, returned, passed on, approved, withdrawn, in any order."""

import datetime as dt
import io
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from PIL import Image
from walk_ledger import rows, value
from walk_machine import NUMBERS, Call, Walk, reason
from walk_world import Person

from core import clock
from core.agreements.services import current_text
from core.errors import DomainError
from experts.models import Expert
from experts.registration import services
from experts.registration.criteria import criteria_for
from experts.registration.models import Certificate, Registration
from experts.registration.states import STEPS
from institutions.models import Institution

# act → whose it is; the person with the link has no account
_OWN, _OFFICE = "institution", "office"
RIGHT: dict[str, tuple[str, ...]] = {
    "send again": (_OWN,),
    "return": (_OWN, _OFFICE),
    "pass on": (_OWN,),
    "approve": (_OFFICE,),
    "withdraw": (_OWN, _OFFICE),
    "see account": (_OFFICE,),
}
WHO_STEPS = {
    "save_registration_entry": frozenset({None}),
    "submit_registration": frozenset({None}),
    "return_registration": frozenset(
        {"office_operator", "office_approver", "institution_chief", "institution_staff"}
    ),
    "pass_registration": frozenset({"institution_chief", "institution_staff"}),
    "approve_registration": frozenset({"office_operator", "office_approver"}),
    "withdraw_registration": frozenset(
        {"office_operator", "office_approver", "institution_chief", "institution_staff"}
    ),
}
# What brings a registration on its way, by where it stands.
WAY = {
    "invited": "type",
    "filling": "submit",
    "returned": "submit",
    "institution": "pass on",
    "office": "approve",
}
WEIGHTED = (
    *("recommend",) * 4, *("onwards",) * 14, *("type",) * 3, *("submit",) * 3, *("certificate",) * 2,
    *("time_passes",) * 2, *RIGHT, *RIGHT,
)  # fmt: skip


class RegistrationWalk(Walk):
    """One walk through registrations."""

    title = "専門家の登録"

    def __init__(self) -> None:
        super().__init__()
        # every link that ever was: token, and which registration's
        self.links: list[tuple[str, int]] = []
        self.seen: dict[int, list[str]] = {}
        self.experts = value("SELECT count(*) FROM experts_expert")
        self.people = value("SELECT count(*) FROM accounts_user")
        self.newest = value("SELECT coalesce(max(id), 0) FROM audit_change")

    @rule(what=st.sampled_from(WEIGHTED), which=NUMBERS, who=NUMBERS, how=NUMBERS)
    def next(self, what: str, which: int, who: int, how: int) -> None:
        """Something happens with some registration."""
        if what == "recommend" or not Registration.objects.exists():
            self.recommend(which, who, how)
        elif what == "time_passes":
            self.clock.shift(dt.timedelta(hours=(1, 24, 24 * 8, 24 * 20)[how % 4]))
        elif what == "onwards":
            row = self.pick(which)
            if row.state in WAY:
                self.do(WAY[row.state], row, who, how)
            else:
                self.recommend(which, who, how)
        else:
            self.do(what, self.pick(which), who, how)

    def pick(self, draw: int) -> Registration:
        """One of the three youngest, mostly one that is still open."""
        found = list(Registration.objects.order_by("-pk")[:6])
        still = [row for row in found if row.state not in ("approved", "withdrawn")] or found
        return (still if draw % 5 else found)[draw // 5 % len(still if draw % 5 else found)]

    # -- acts of people with an account -----------------------------------------------------------------------

    def recommend(self, which: int, who: int, how: int) -> None:
        """An institution recommends somebody after an interview, perhaps a second time, perhaps for others."""
        code = "K1" if how % 3 else "K2"
        own = self.world.of_institution(code)
        person = self.somebody(own, who)

        def call() -> None:
            row, token = services.recommend(
                institution=Institution.objects.get(code=code),
                candidate_name=f"見本 {which % 5}子",
                candidate_email=f"candidate{which % 5}@example.jp",
                interview_on=clock.today() - dt.timedelta(days=-1 if how % 40 == 7 else how % 40),
                interview_manner="来所",
                interviewer="面談 太郎",
                interview_notes="経営革新計画の策定支援に詳しい。",
                recommendation=reason(how),
                actor=person.user,
                key=f"form-{how % 50}",
            )
            if token:
                self.links.append((token, row.pk))

        self.attempt("recommend", person, call, right=person in own)

    def do(self, act: str, row: Registration, who: int, how: int) -> None:
        """One act with one registration."""
        if act in ("type", "submit", "certificate"):
            self.by_link(act, row, how)
            return
        institution = value("SELECT code FROM institutions_institution WHERE id = %s", [row.institution_id])
        right: list[Person] = []
        for side in RIGHT[act]:
            if side == _OWN:
                right += self.world.of_institution(institution)
            else:
                right += self.world.of_role("office_operator", "office_approver")
        person = self.somebody(right, who)
        seen, good = self.token(row, how)
        call: Call = {
            "send again": lambda: self._link(row, services.send_invitation_again(registration=row, actor=person.user, seen=seen)),
            "return": lambda: self._return(row, person, seen, how),
            "pass on": lambda: self._pass_on(row, person, seen, how),
            "approve": lambda: self._approve(row, person, seen, how),
            "withdraw": lambda: services.withdraw(registration=row, reason=reason(how), actor=person.user, seen=seen),
            "see account": lambda: self._account(row, person, how),
        }[act]  # fmt: skip
        self.attempt(act, person, call, right=person in right and (good or act == "see account"))

    def token(self, row: Registration, draw: int) -> tuple[str, bool]:
        """What a page showed: the newest, none, or something older; and whether it is still good."""
        now = services.seen_token(Registration.objects.select_related("typed").get(pk=row.pk))
        known = self.seen.setdefault(row.pk, [])
        if now not in known:
            known.append(now)
        if draw % 100 < 60:
            return now, True
        if draw % 3:
            return "", True
        old = known[draw % len(known)]
        return old, old == now

    def _link(self, row: Registration, token: str) -> None:
        self.links.append((token, row.pk))

    def _return(self, row: Registration, who: Person, seen: str, how: int) -> None:
        fields = {"address": ("other", "番地まで入れてください。")}
        if how % 4 == 3:
            fields = {"account_number": ("other", "通帳と違います。")}
        services.return_fields(registration=row, fields=fields, actor=who.user, seen=seen)

    def _pass_on(self, row: Registration, who: Person, seen: str, how: int) -> None:
        submission = row.submissions.order_by("-round").first()
        criteria = criteria_for(submission.fields, services.kinds_of(row)) if submission else ()
        checks = [point.code for point in criteria][: 1 if how % 7 == 6 else None]
        services.pass_to_office(registration=row, checks=checks, actor=who.user, seen=seen)

    def _approve(self, row: Registration, who: Person, seen: str, how: int) -> None:
        shown = (
            {found.expert.pk for found in services.duplicates_of(row, who.user)}
            if row.submissions.exists()
            else set()
        )
        services.approve(
            registration=row, duplicates_seen=shown if how % 9 else set(), seen=seen, actor=who.user
        )

    def _account(self, row: Registration, who: Person, how: int) -> None:
        if not row.submissions.exists():
            raise DomainError("提出がまだありません。", code="walk")
        services.account_in_full(registration=row, reason=reason(how), actor=who.user)

    # -- the person with the link -----------------------------------------------------------------------------

    def by_link(self, act: str, row: Registration, how: int) -> None:
        """The newest link of a registration, or one of any that ever was."""
        own = [token for token, pk in self.links if pk == row.pk]
        token = self.links[how % len(self.links)][0] if how % 6 == 5 or not own else own[-1]
        opened = services.registration_by_token(token)
        dead = value(
            "SELECT count(*) = 0 FROM registration_registration WHERE token_hash = encode(sha256(%s::bytea), 'hex')"
            " AND expires_at > %s AND state NOT IN ('approved', 'withdrawn')",
            [token.encode(), clock.now()],
        )
        assert (opened is None) == dead, "a dead link opened something, or a live one nothing"
        if opened is None:
            return
        if act == "submit" and how % 5:
            for kind in ("本人確認書類", "資格証明書"):
                if kind not in services.kinds_of(opened):
                    self.attempt("certificate", None, _adds(opened, kind, f"{kind}-{how}"), right=True)
        call: Call = {
            "type": lambda: services.save_entry(
                registration=opened, entry=_entry(how), revision=opened.entry_revision - (how % 10 == 9)
            ),
            "submit": lambda: services.submit(
                registration=opened,
                agreed={code: current_text(code).version for code in services.TEXTS} if how % 8 else {},
                revision=opened.entry_revision - (how % 11 == 10),
                address="192.0.2.1",
            ),
            "certificate": _adds(
                opened, ("本人確認書類", "資格証明書", "通帳の写し")[how % 3], f"file-{how % 12}"
            ),
        }[act]
        self.attempt(act, None, call, right=True)

    # -- what must hold ---------------------------------------------------------------------------------------

    def after(self, act: str, who: Person | None) -> None:
        self._steps(who)
        self._one_expert_each()

    def _steps(self, who: Person | None) -> None:
        known = {(str(step.source), step.act, str(step.target)) for step in STEPS}
        role_of = {person.pk: person.role for person in self.world.people.values()}
        for change in rows(
            "SELECT id, old->>'state' AS old, action, new->>'state' AS new, actor_id FROM audit_change"
            " WHERE id > %s AND \"table\" = 'registration_registration' ORDER BY id",
            [self.newest],
        ):
            self.newest = change["id"]
            if change["old"] is None or change["old"] == change["new"]:
                continue
            edge = (change["old"], change["action"], change["new"])
            assert edge in known, f"{edge} is no step of a registration"
            assert role_of.get(change["actor_id"]) in WHO_STEPS[change["action"]], (
                f"{edge} by {change['actor_id']}"
            )
            self.tally.checked["登録は表の一歩ずつ進む"] += 1

    def _one_expert_each(self) -> None:
        approved = rows(
            "SELECT r.*, e.user_id, e.code, e.recommended_by_id AS came_from, u.username,"
            " (SELECT count(*) FROM registration_submission s WHERE s.registration_id = r.id) AS submissions"
            "  FROM registration_registration r JOIN experts_expert e ON e.id = r.expert_id"
            "  JOIN accounts_user u ON u.id = e.user_id"
        )
        in_state = value("SELECT count(*) FROM registration_registration WHERE state = 'approved'")
        assert len(approved) == in_state == len({row["expert_id"] for row in approved})
        assert value("SELECT count(*) FROM experts_expert") == self.experts + in_state, (
            "an expert of no registration"
        )
        assert value("SELECT count(*) FROM accounts_user") == self.people + in_state, "an account of nobody"
        office = {each.pk for each in self.world.of_role("office_operator", "office_approver")}
        for row in approved:
            persons = (row["recommended_by_id"], row["checked_by_id"])
            assert row["approved_by_id"] in office and row["approved_by_id"] not in persons
            assert row["came_from"] == row["institution_id"] and row["username"] == row["code"]
            assert row["submissions"] and row["token_hash"] == ""
        dead = value(
            "SELECT count(*) FROM registration_registration WHERE state IN ('approved', 'withdrawn') AND token_hash <> ''"
        )
        assert not dead, "a link outlived its registration"
        twice = rows("SELECT key FROM notify_mail GROUP BY key HAVING count(*) > 1")
        assert not twice, f"mails twice: {twice}"
        self.tally.checked["登録一件に専門家と利用者は一人、承認は別の人"] += 1

    def at_the_end(self) -> None:
        for expert in Expert.objects.exclude(registration=None).select_related("registration"):
            last = expert.registration.submissions.order_by("-round").first()
            assert last is not None
            said = last.fields
            assert (expert.account_number, expert.email) == (said["account_number"], said["email"])
            self.tally.checked["登録された内容は、最後に提出された内容"] += 1
        assert not Certificate.objects.filter(state="usable", stored_name="").exists()


def _entry(how: int) -> dict[str, Any]:
    return {
        "name": f"見本 {how % 5}子" if how % 12 else "",
        "kana": "みほん はなこ",
        "prefecture_code": "20",
        "address": f"長野県松本市見本町{how % 4}-2-3",
        "phone": f"090-1234-{5000 + how % 6}",
        "email": f"candidate{how % 5}@example.jp",
        "topics": ["販路開拓"],
        "industries": ["E"],
        "qualifications": ["中小企業診断士"] if how % 15 else [],
        "requirement": "資格",
        "payee_class": "報酬2号",
        "bank_code": "0001",
        "branch_code": "001",
        "account_type": "普通",
        "account_number": f"{1_000_000 + how % 8}",
        "account_holder_kana": "ミホン ハナコ",
    }


def _adds(row: Registration, kind: str, key: str) -> Call:
    return lambda: services.add_certificate(registration=row, kind=kind, upload=_picture(), key=key)


def _picture() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(out, "JPEG")
    out.seek(0)
    return out
