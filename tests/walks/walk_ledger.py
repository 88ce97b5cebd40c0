"""What must hold whatever people do, judged from the plain rows and never by the code under test."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import apps
from django.db import connection
from walk_tally import Tally
from walk_world import Person, World

from core.audit.sealing import seal_audit
from core.audit.verifying import verify_audit
from dispatch.transitions import TRANSITIONS

Row = dict[str, Any]
Print = dict[str, tuple[int, str]]

# Registers that no walk changes, and what says nothing about business.
_LEFT_OUT = ("banks_", "django_", "staging_", "axes_", "auth_", "programme_", "audit_seal", "spatial_")
_FINAL = ("approved", "exported", "transferred", "closed")
# The steps of a dispatch and whose they are, as design.md §8 and docs/dispatch-services.md say.
_OFFICE = frozenset({"office_operator", "office_approver"})
_INSTITUTION = frozenset({"institution_chief", "institution_staff"})
_EXPERT = frozenset({"expert"})
WHO_STEPS: dict[str, frozenset[str]] = {
    "import": _OFFICE,
    "apply": _INSTITUTION,
    "accept": _EXPERT,
    "decline": _EXPERT,
    "reschedule": _OFFICE | _INSTITUTION,
    "cancel": _OFFICE | _INSTITUTION,
    "confirm": _OFFICE,
    "finish": _EXPERT,
    "report": _EXPERT,
    "approve": _INSTITUTION,
    "return": _OFFICE | _INSTITUTION,
    "verify": _OFFICE,
    "exclude": _OFFICE,
    "release": _OFFICE,
    "schedule": frozenset({"office_approver"}),
    "pay": _OFFICE,
}
# A load that was refused is noted among the loads.
_NOTED_REFUSALS = frozenset({("load", "exchange_load")})
UNIT_YEN, UNIT_MINUTES, DAY_YEN = 2_640, 30, 31_680
# What an approved run keeps of its dispatches: everything but where they stand.
_EVIDENCE = """
SELECT d.id::text || md5(concat_ws('|', (to_jsonb(d) - '{status,status_since,updated_at}'::text[])::text,
       (SELECT jsonb_agg(to_jsonb(x) ORDER BY x.id) FROM dispatch_checkevent x WHERE x.dispatch_id = d.id)::text,
       (SELECT jsonb_agg(to_jsonb(x) ORDER BY x.id) FROM dispatch_declaration x WHERE x.dispatch_id = d.id)::text,
       (SELECT jsonb_agg(to_jsonb(x) ORDER BY x.id) FROM dispatch_travelline x WHERE x.dispatch_id = d.id)::text,
       (SELECT jsonb_agg(to_jsonb(x) ORDER BY x.id) FROM dispatch_waiver x WHERE x.dispatch_id = d.id)::text,
       (SELECT jsonb_agg(to_jsonb(x) ORDER BY x.id) FROM dispatch_attestation x WHERE x.dispatch_id = d.id)::text))
  FROM dispatch_dispatch d
 WHERE EXISTS (SELECT 1 FROM payments_payoutline l
                WHERE l.run_id = %s AND l.item = '謝金' AND l.dispatch_id = d.id) ORDER BY d.id
"""
_MONEY = """
SELECT md5(concat_ws('|',
       (SELECT (to_jsonb(r) - '{status,exported_at,transferred_at,closed_at}'::text[])::text FROM payments_payoutrun r WHERE r.id = %(run)s),
       (SELECT jsonb_agg(to_jsonb(x) ORDER BY x.id)::text FROM payments_payout x WHERE x.run_id = %(run)s),
       (SELECT jsonb_agg(to_jsonb(x) ORDER BY x.id)::text FROM payments_payoutline x WHERE x.run_id = %(run)s),
       (SELECT jsonb_agg(to_jsonb(x) ORDER BY x.id)::text FROM payments_runhold x WHERE x.run_id = %(run)s)))
"""


def rows(statement: str, parameters: Any = None) -> list[Row]:
    """The rows of a statement, by column."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def value(statement: str, parameters: Any = None) -> Any:
    """The one value of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()[0]


class Ledger:
    """Remembers what was there and compares it with what is there."""

    def __init__(self, world: World, tally: Tally) -> None:
        self.world, self.tally = world, tally
        self._tables = _tables()
        self._recorded = world.recorded
        self._statement = " UNION ALL ".join(
            f"SELECT '{table}', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {table} t"
            for table in self._tables
        )
        self._last = self._print()
        self._newest_change = value("SELECT coalesce(max(id), 0) FROM audit_change")
        self._newest_step = value("SELECT coalesce(max(id), 0) FROM dispatch_statuschange")
        self._stands = {row["id"]: row["status"] for row in rows("SELECT id, status FROM dispatch_dispatch")}
        self._evidence: dict[int, list[str]] = {}
        self._money: dict[int, str] = {}

    def _print(self) -> Print:
        with connection.cursor() as cursor:
            cursor.execute(self._statement)
            return {table: (count, digest) for table, count, digest in cursor.fetchall()}

    def _passed(self, name: str, times: int = 1) -> None:
        self.tally.checked[name] += times

    def after_refusal(self, act: str) -> None:
        """A refusal leaves every row of every table as it was, and nothing in the history."""
        now = self._print()
        changed = [
            table for table in now if now[table] != self._last[table] and (act, table) not in _NOTED_REFUSALS
        ]
        self._last = now
        assert not changed, f"{act} was refused and changed {changed}"
        self._passed("断られた操作は何も変えない")

    def after_act(self, act: str, who: Person | None, *, also: Sequence[int] = ()) -> None:
        """What has just been done is in the history under the right name, and everything still adds up.

        `who`: None for the software itself; `also`: other people in whose name the act wrote.
        """
        now = self._print()
        self._history(act, who, now, also)
        self._last = now
        self._steps(who, also)
        self._paid_once()
        self._totals()
        self._frozen()

    # -- history ----------------------------------------------------------------------------------------------

    def _history(self, act: str, who: Person | None, now: Print, also: Sequence[int]) -> None:
        new = rows(
            'SELECT id, "table", actor_id, action FROM audit_change WHERE id > %s ORDER BY id',
            [self._newest_change],
        )
        written = {row["table"] for row in new}
        silent = [
            table
            for table in self._recorded
            if now.get(table) != self._last.get(table) and table not in written
        ]
        assert not silent, f"{act} changed {silent} without a line of history"
        allowed = {None, *also, *([who.pk] if who else [])}
        foreign = [row for row in new if row["actor_id"] not in allowed]
        assert not foreign, f"{act} by {who and who.name} stands in somebody else's name: {foreign[:3]}"
        if new:
            self._newest_change = new[-1]["id"]
        self._passed("変更はすべて、した人の名で履歴にある", len(new))

    def _steps(self, who: Person | None, also: Sequence[int]) -> None:
        known = {(step.source, step.action, step.target) for step in TRANSITIONS}
        new = rows(
            "SELECT id, dispatch_id, action, from_status, to_status, actor_id FROM dispatch_statuschange"
            " WHERE id > %s ORDER BY id",
            [self._newest_step],
        )
        role_of = {person.pk: person.role for person in self.world.people.values()}
        for step in new:
            edge = (step["from_status"], step["action"], step["to_status"])
            assert edge in known, f"{edge} is no step of the table"
            before = self._stands.get(step["dispatch_id"], "draft")
            assert before == step["from_status"], f"{step} starts where the dispatch didn't stand ({before})"
            self._stands[step["dispatch_id"]] = step["to_status"]
            role = role_of.get(step["actor_id"])
            # visits end by what phones sent, loads by the software
            assert role in WHO_STEPS[step["action"]] or (
                step["actor_id"] is None and step["action"] in ("finish", "import")
            ), f"{step} by {role}"
            assert step["actor_id"] in {None, *also, *([who.pk] if who else [])}, (
                f"{step} isn't {who and who.name}'s"
            )
            recorded = value(
                "SELECT count(*) FROM audit_change WHERE \"table\" = 'dispatch_dispatch' AND row_id = %s"
                " AND old->>'status' = %s AND new->>'status' = %s AND actor_id IS NOT DISTINCT FROM %s",
                [step["dispatch_id"], step["from_status"], step["to_status"], step["actor_id"]],
            )
            assert recorded, f"{step} isn't in the history"
        if new:
            self._newest_step = new[-1]["id"]
        stands = {row["id"]: row["status"] for row in rows("SELECT id, status FROM dispatch_dispatch")}
        for pk, status in stands.items():
            assert self._stands.setdefault(pk, status) == status, (
                f"dispatch {pk} moved to {status} unrecorded"
            )
        self._passed("状態は表の一歩ずつ進み、それぞれ履歴にある", len(new))

    # -- money ------------------------------------------------------------------------------------------------

    def _paid_once(self) -> None:
        twice = rows(
            "SELECT dispatch_id, count(*) FROM payments_payoutline WHERE item = '謝金'"
            " GROUP BY dispatch_id HAVING count(*) > 1"
        )
        assert not twice, f"paid twice: {twice}"
        twice = rows(
            "SELECT expert_id, day, count(*) FROM payments_payoutline WHERE item = '日当'"
            " GROUP BY expert_id, day HAVING count(*) > 1"
        )
        assert not twice, f"per diem twice: {twice}"
        wrong = rows(
            "SELECT d.number, d.status, r.name, r.status AS run FROM dispatch_dispatch d"
            "  LEFT JOIN payments_payoutline l ON l.dispatch_id = d.id AND l.item = '謝金'"
            "  LEFT JOIN payments_payoutrun r ON r.id = l.run_id"
            " WHERE (d.status = 'scheduled') <> (coalesce(r.status, '') IN ('approved', 'exported'))"
            "    OR (d.status = 'paid') <> (coalesce(r.status, '') IN ('transferred', 'closed'))"
        )
        assert not wrong, f"status and run disagree: {wrong}"
        self._passed("派遣は全回を通じて一度だけ支払われる")

    def _totals(self) -> None:
        runs = rows("SELECT * FROM payments_payoutrun ORDER BY id")
        assert sum(run["status"] in ("draft", "computed") for run in runs) <= 1, "two runs in preparation"
        for run in runs:
            payouts = rows("SELECT * FROM payments_payout WHERE run_id = %s", [run["id"]])
            lines = rows("SELECT * FROM payments_payoutline WHERE run_id = %s", [run["id"]])
            for name in ("gross", "fee", "travel", "withholding", "net"):
                assert sum(payout[name] for payout in payouts) == run[name], (run["name"], name)
            assert sum(line["amount"] for line in lines) == run["gross"], run["name"]
            fees = [line for line in lines if line["item"] == "謝金"]
            assert (len(payouts), len(fees)) == (run["payee_count"], run["dispatch_count"]), run["name"]
            for payout in payouts:
                own = [line for line in lines if line["payout_id"] == payout["id"]]
                assert sum(line["amount"] for line in own) == payout["gross"]
                assert all(line["expert_id"] == payout["expert_id"] for line in own)
                # every payee of the walks is a person below a million yen: 10.21 %, cut once
                right = payout["gross"] * 1021 // 10_000
                assert payout["withholding"] == right, f"{payout['withholding']} withheld instead of {right}"
                assert payout["consumption_tax"] == payout["gross"] * 10 // 110
                assert payout["net"] == payout["gross"] - payout["withholding"]
            if run["status"] in _FINAL:
                assert run["approver_id"] not in (None, run["maker_id"]), (
                    f"{run['name']}: one person did both"
                )
        self._passed("明細・支払・回の合計が一致する", len(runs))

    def _frozen(self) -> None:
        for run in rows("SELECT id, name FROM payments_payoutrun WHERE status = ANY(%s)", [list(_FINAL)]):
            with connection.cursor() as cursor:
                cursor.execute(_EVIDENCE, [run["id"]])
                evidence = [text for (text,) in cursor.fetchall()]
            money = value(_MONEY, {"run": run["id"]})
            if run["id"] not in self._money:
                self._evidence[run["id"]], self._money[run["id"]] = evidence, money
                self._payable(run["id"])
                self._fees()
                continue
            assert money == self._money[run["id"]], f"{run['name']} changed after its approval"
            assert evidence == self._evidence[run["id"]], (
                f"evidence of {run['name']} changed after its approval"
            )
            self._passed("承認後の証跡と明細は変わらない")
        gone = set(self._money) - {
            row["id"]
            for row in rows("SELECT id FROM payments_payoutrun WHERE status = ANY(%s)", [list(_FINAL)])
        }
        assert not gone, f"approved runs vanished: {gone}"

    def _payable(self, run: int) -> None:
        """What was just approved had everything it needs (rules.md §4, §5), as far as plain columns can say."""
        wrong = rows(
            """
            SELECT d.number FROM payments_payoutline l
              JOIN payments_payoutrun r ON r.id = l.run_id
              JOIN dispatch_dispatch d ON d.id = l.dispatch_id
              JOIN experts_expert e ON e.id = d.expert_id
              JOIN institutions_institution i ON i.id = d.institution_id
             WHERE l.run_id = %s AND l.item = '謝金' AND (
                   d.reported_at IS NULL OR d.attested_at IS NULL OR d.approved_at IS NULL
                OR d.approved_at >= r.cutoff OR d.visited_from >= r.cutoff OR d.office_decision <> ''
                OR e.subsidised_labour OR d.requested_by_expert OR d.paid_by_institution
                OR (d.method = 'WEB' AND NOT d.web_approved) OR l.expert_id <> d.expert_id
                OR (e.code = 'E2' AND i.code = 'K2')
                OR EXISTS (SELECT 1 FROM (VALUES ('開始', '開始報告失念', 'E01'), ('終了', '終了報告失念', 'E02')) n(kind, cause, code)
                            WHERE NOT EXISTS (SELECT 1 FROM dispatch_checkevent c WHERE c.dispatch_id = d.id AND c.kind = n.kind)
                              AND NOT EXISTS (SELECT 1 FROM dispatch_declaration x WHERE x.dispatch_id = d.id AND x.cause = n.cause)
                              AND NOT EXISTS (SELECT 1 FROM dispatch_waiver w WHERE w.dispatch_id = d.id AND w.code = n.code
                                                 AND w.revoked_at IS NULL))
                OR (abs(extract(epoch FROM d.visited_from - (SELECT min(c.device_time) FROM dispatch_checkevent c
                                                             WHERE c.dispatch_id = d.id AND c.kind = '開始'))) > 600
                    AND NOT EXISTS (SELECT 1 FROM dispatch_declaration x WHERE x.dispatch_id = d.id AND x.cause = '時刻訂正')
                    AND NOT EXISTS (SELECT 1 FROM dispatch_waiver w WHERE w.dispatch_id = d.id AND w.code = 'E05'
                                       AND w.revoked_at IS NULL)))
            """,
            [run],
        )
        assert not wrong, f"approved for payment without being payable: {wrong}"
        self._passed("支払う派遣は、報告・従事証明・承認・証跡がそろっている")

    def _fees(self) -> None:
        """Every fee that was ever approved, calculated again: whole half hours, 31,680 yen a day over all runs."""
        used: dict[tuple[int, Any], int] = defaultdict(int)
        for line in rows(
            """
            SELECT d.number, l.expert_id, l.day, l.amount,
                   extract(epoch FROM d.visited_to - d.visited_from)::int / 60 - coalesce(d.break_minutes, 0) AS minutes,
                   (d.visited_from AT TIME ZONE 'Asia/Tokyo')::date AS began
              FROM payments_payoutline l JOIN payments_payoutrun r ON r.id = l.run_id
              JOIN dispatch_dispatch d ON d.id = l.dispatch_id
             WHERE l.item = '謝金' AND r.status = ANY(%s) ORDER BY r.id, d.visited_from, d.number COLLATE "C"
            """,
            [list(_FINAL)],
        ):
            assert line["day"] == line["began"], line
            key = (line["expert_id"], line["day"])
            right = min(line["minutes"] // UNIT_MINUTES * UNIT_YEN, DAY_YEN - used[key])
            assert line["amount"] == right, f"{line} should be {right}"
            used[key] += right
        self._passed("謝金は別の計算と一致する")

    # -- who sees what ----------------------------------------------------------------------------------------

    def nobody_sees_anothers(self) -> None:
        """What every person may see, by the plain rows."""
        dispatches = rows(
            "SELECT d.id, e.code AS expert, i.code AS institution, d.company_id FROM dispatch_dispatch d"
            " JOIN experts_expert e ON e.id = d.expert_id JOIN institutions_institution i ON i.id = d.institution_id"
        )
        for person in self.world.people.values():
            if person.does_business:
                own = {row["id"] for row in dispatches}
            else:
                own = {
                    row["id"]
                    for row in dispatches
                    if person.tie and person.tie in (row["expert"], row["institution"])
                }
            user = person.user
            for model in apps.get_models():
                table, manager = model._meta.db_table, model._default_manager
                if not hasattr(manager, "visible_to"):
                    continue
                seen = set(manager.visible_to(user).values_list("pk", flat=True))
                self._own_only(person, table, model._meta.pk.column, seen, own)
                self._passed("他の人・他の機関の行は見えない")
            seen = set(
                apps.get_model("dispatch", "Dispatch").objects.visible_to(user).values_list("pk", flat=True)
            )
            assert seen == own, f"{person.name} sees {len(seen)} dispatches instead of {len(own)}"

    def _own_only(self, person: Person, table: str, key: str, seen: Iterable[int], own: set[int]) -> None:
        if not seen or person.does_business:
            return
        condition = _OWNER.get(table)
        if condition is None:
            condition = _BY_DISPATCH if _has_column(table, "dispatch_id") else None
        if condition is None:
            # lists that say nothing of dispatches, money or registrations are for those tests that know them
            assert not table.startswith(("dispatch_", "payments_")), f"{person.name} sees rows of {table}"
            return
        foreign = rows(
            f"SELECT t.{key} FROM {table} t WHERE t.{key} = ANY(%(seen)s) AND NOT coalesce({condition}, false)",
            {
                "seen": list(seen),
                "own": list(own),
                "tie": person.tie,
                "person": person.pk,
                "role": person.role,
            },
        )
        assert not foreign, f"{person.name} sees others' rows of {table}: {foreign[:5]}"

    # -- the end ----------------------------------------------------------------------------------------------

    def whole(self) -> None:
        """The end of a walk: the chain of the history holds, and everybody sees their own only."""
        self.nobody_sees_anothers()
        seal_audit()
        found = verify_audit()
        assert not found.problem, found.problem
        self._passed("履歴の封印を検証できる")


_BY_DISPATCH = "t.dispatch_id = ANY(%(own)s)"
_OF_INSTITUTION = "(SELECT i.code FROM institutions_institution i WHERE i.id = t.institution_id) = %(tie)s"
_OF_REGISTRATION = (
    "(SELECT i.code FROM registration_registration g JOIN institutions_institution i ON i.id = g.institution_id"
    " WHERE g.id = t.registration_id) = %(tie)s"
)
_OF_EXPERT_FINAL = (
    "(SELECT e.code FROM experts_expert e WHERE e.id = t.expert_id) = %(tie)s"
    " AND (SELECT r.status FROM payments_payoutrun r WHERE r.id = t.run_id) NOT IN ('draft', 'computed')"
)
_OWNER = {
    "dispatch_dispatch": "t.id = ANY(%(own)s)",
    "dispatch_case": _OF_INSTITUTION,
    "dispatch_company": (
        "t.id IN (SELECT company_id FROM dispatch_dispatch WHERE id = ANY(%(own)s))"
        " OR t.id IN (SELECT c.company_id FROM dispatch_case c JOIN institutions_institution i"
        "             ON i.id = c.institution_id WHERE i.code = %(tie)s)"
        " OR (SELECT i.code FROM institutions_institution i WHERE i.id = t.registered_by_id) = %(tie)s"
    ),
    "dispatch_consultationnote": (
        "(SELECT i.code FROM dispatch_case c JOIN institutions_institution i ON i.id = c.institution_id"
        " WHERE c.id = t.case_id) = %(tie)s"
    ),
    "dispatch_checkeventextra": (
        "(SELECT c.dispatch_id FROM dispatch_checkevent c WHERE c.id = t.event_id) = ANY(%(own)s)"
    ),
    "dispatch_draft": "t.person_id = %(person)s",
    # the administrator sets the thresholds of signals
    "dispatch_signalterms": "%(role)s = 'office_admin'",
    "payments_payout": _OF_EXPERT_FINAL,
    "payments_payoutline": _OF_EXPERT_FINAL,
    "notify_task": "t.person_id = %(person)s OR (t.person_id IS NULL AND t.role = %(role)s)",
    "notify_mail": "%(role)s = 'office_admin' AND t.concerns = 'account'",
    "registration_registration": _OF_INSTITUTION,
    "registration_entry": _OF_REGISTRATION,
    "registration_submission": _OF_REGISTRATION,
    "registration_fieldreturn": _OF_REGISTRATION,
    "registration_certificate": _OF_REGISTRATION,
    "institutions_member": f"{_OF_INSTITUTION} OR %(role)s = 'office_admin'",
}


def _tables() -> list[str]:
    found = rows(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
        " AND has_table_privilege(c.oid, 'SELECT') ORDER BY c.relname"
    )
    return [row["relname"] for row in found if not row["relname"].startswith(_LEFT_OUT)]


def _has_column(table: str, column: str) -> bool:
    return bool(
        value(
            "SELECT count(*) FROM information_schema.columns WHERE table_name = %s AND column_name = %s",
            [table, column],
        )
    )


def as_json(tally: Tally) -> str:
    """The counts, for a file."""
    return json.dumps(tally.as_dict(), ensure_ascii=False, indent=1)
