"""The database of an office in its tenth year: what every list and queue has to find its few current rows in.

115,000 dispatches of 120 months (all but the last paid), 7,000 experts, 2,000 institutions with their people, runs with
payouts and lines, registrations, changes, appointments and renewals of ten years, 285,000 tasks, mails, jobs, sign-ins
and the history. The dispatches are loaded from files as everywhere; the rest is written by set-based SQL as the owner,
past the guards, in this scratch database alone: what a list reads are rows, and how they came doesn't slow it.
"""

import uuid
from typing import Any

from benchmarks import pages
from benchmarks.scratch import switch_history_off

INSTITUTIONS = 2_000
MONTHS = 119
# Of 20 dispatches so many are of earlier months and paid.
PAID_OF_20 = 19
OFFICE_PEOPLE = 43

# Dispatches and all that hangs on their day move back by as many months as their id says.
_AGE = (
    """
    CREATE TEMPORARY TABLE moved AS
    SELECT d.id, make_interval(months => 1 + (d.id %% %(months)s)::int) AS by
      FROM dispatch_dispatch d
     WHERE d.status = 'approved' AND (d.id / 30) %% 20 < %(paid)s AND d.visited_from < '2022-01-01'
    """,
    "CREATE UNIQUE INDEX ON moved (id)",
    """
    UPDATE dispatch_dispatch d
       SET status = 'paid', status_since = d.approved_at - m.by,
           planned_from = d.planned_from - m.by, planned_to = d.planned_to - m.by,
           visited_from = d.visited_from - m.by, visited_to = d.visited_to - m.by,
           reported_at = d.reported_at - m.by, attested_at = d.attested_at - m.by, approved_at = d.approved_at - m.by,
           created_at = d.planned_from - m.by - interval '20 days', updated_at = d.approved_at - m.by
      FROM moved m WHERE m.id = d.id
    """,
    """
    UPDATE dispatch_dispatch d SET institution_id = i.ids[1 + d.id %% cardinality(i.ids)]
      FROM (SELECT array_agg(id ORDER BY id) AS ids FROM institutions_institution) i
     WHERE d.id %% 2 = 0 AND d.institution_id <> (SELECT id FROM institutions_institution WHERE code = %(heavy)s)
    """,
    """
    UPDATE dispatch_checkevent e SET device_time = device_time - m.by, received_at = device_time - m.by
      FROM moved m WHERE m.id = e.dispatch_id
    """,
    "UPDATE dispatch_travelline t SET day = (day - m.by)::date FROM moved m WHERE m.id = t.dispatch_id",
    "UPDATE dispatch_declaration t SET submitted_at = submitted_at - m.by FROM moved m WHERE m.id = t.dispatch_id",
)
_AGED = ("dispatch_dispatch", "dispatch_checkevent", "dispatch_travelline", "dispatch_declaration")

# What a column holds where `fill` isn't told: nothing, in its own way.
_NOTHING = {
    "boolean": "false",
    "jsonb": "'{}'::jsonb",
    "ARRAY": "'{}'",
    "uuid": "gen_random_uuid()",
    "timestamp with time zone": "now()",
    "date": "CURRENT_DATE",
}
# Some time of the last ten years, newest first as n grows; and some rows of a register.
_WHEN = "now() - interval '10 years' * (n::float / {count})"
_ONE_OF = "(SELECT id FROM some_{what} WHERE place = (n {salt}) % {size})"


class Filling:
    """Writes rows in sets; keeps the ids of registers at hand."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self.sizes: dict[str, int] = {}

    def remember(self, what: str, query: str) -> None:
        """The ids a query answers, for `one_of`."""
        self.cursor.execute(
            f"CREATE TEMPORARY TABLE some_{what} AS SELECT row_number() OVER () - 1 AS place, id FROM ({query}) q"
        )
        self.cursor.execute(f"CREATE UNIQUE INDEX ON some_{what} (place)")
        self.cursor.execute(f"ANALYZE some_{what}")
        self.cursor.execute(f"SELECT count(*) FROM some_{what}")
        self.sizes[what] = self.cursor.fetchone()[0]

    def one_of(self, what: str, salt: str = "") -> str:
        """One of the remembered ids, by the row's number."""
        return _ONE_OF.format(what=what, salt=salt, size=self.sizes[what])

    def rows(self, table: str, count: int, source: str = "", /, **columns: str) -> None:
        """`count` rows (n = 1 …), or one per row of `source`; columns as SQL, the others as empty as they may be."""
        self.cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND is_nullable = 'NO'"
            " AND column_default IS NULL AND is_identity = 'NO'",
            [table],
        )
        needed = {
            name: _NOTHING.get(kind, "0" if "int" in kind else "''") for name, kind in self.cursor.fetchall()
        }
        given = {name: sql.replace("{count}", str(count)) for name, sql in columns.items()}
        wanted = {**needed, **{name.rstrip("_"): sql for name, sql in given.items()}}
        names = ", ".join(f'"{name}"' for name in wanted)
        self.cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        self.cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(wanted.values())}"
            f" FROM {source or f'generate_series(1, {count}) n'}"
        )
        self.cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def make(dispatches: int, tasks: int) -> None:
    """Fills an empty database of the project; takes a few minutes."""
    from django.db import connections

    from payments.services.assessment import check_month

    switch_history_off()
    pages.load(dispatches)
    with connections["owner"].cursor() as cursor:
        institutions(Filling(cursor))
    pages.open_work()
    with connections["owner"].cursor() as cursor:
        _age(cursor)
        some = Filling(cursor)
        for what, query in _REMEMBERED.items():
            some.remember(what, query)
        registers(some)
        on_dispatches(some)
        money(some)
        record(some, tasks)
        cursor.execute("ANALYZE")
    check_month()
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


_REMEMBERED = {
    "office": "SELECT id FROM accounts_user WHERE role LIKE 'office%' ORDER BY id",
    "people": "SELECT id FROM accounts_user ORDER BY id",
    "experts": "SELECT id FROM experts_expert ORDER BY code",
    "institutions": "SELECT id FROM institutions_institution ORDER BY code",
    "paid": "SELECT id FROM dispatch_dispatch WHERE status = 'paid' ORDER BY id",
    "companies": "SELECT id FROM dispatch_company ORDER BY id",
}


def institutions(fill: Filling) -> None:
    """All institutions there are, two people in each, the office's people, and a login for every expert."""
    fill.cursor.execute("SELECT count(*) FROM institutions_institution")
    have = fill.cursor.fetchone()[0]
    kinds = "(ARRAY['よろず支援拠点','商工会','商工会議所','中央会'])[1 + n % 4]"
    fill.rows(
        "institutions_institution", 0, f"generate_series({have}, {INSTITUTIONS - 1}) n",
        code="'K' || lpad(n::text, 5, '0')", name=f"'試験' || {kinds} || n", kind=kinds,
        prefecture_code="lpad((n % 47 + 1)::text, 2, '0')", address="'試験市' || n || '-1'",
        phone="'03-0000-0000'", email="'k' || lpad(n::text, 5, '0') || '@example.jp'",
    )  # fmt: skip
    person = {"password": "'!'", "is_active": "true", "date_joined": "now() - interval '9 years'",
              "session_generation": "0"}  # fmt: skip
    fill.rows(
        "accounts_user", 0, f"generate_series(1, {OFFICE_PEOPLE}) n", username="'office' || n",
        role="CASE WHEN n = 1 THEN 'office_admin' WHEN n < 6 THEN 'office_approver' ELSE 'office_operator' END",
        last_name="'事務'", first_name="'見本' || n", **person,
    )  # fmt: skip
    fill.rows(
        "accounts_user", 0, "institutions_institution i, generate_series(0, 1) n", username="i.code || '-' || n",
        role="CASE n WHEN 0 THEN 'institution_chief' ELSE 'institution_staff' END", last_name="'機関'",
        first_name="i.code", **person,
    )  # fmt: skip
    fill.rows(
        "institutions_member", 0,
        "accounts_user u JOIN institutions_institution i ON u.username LIKE 'K%-_' AND i.code = left(u.username, 6)",
        user_id="u.id", institution_id="i.id",
    )  # fmt: skip
    fill.rows(
        "accounts_user", 0, "experts_expert e WHERE e.user_id IS NULL AND e.code <> 'E000000'",
        username="e.code", role="'expert'", last_name="e.name", **person,
    )  # fmt: skip
    fill.cursor.execute("ALTER TABLE experts_expert DISABLE TRIGGER USER")
    fill.cursor.execute(
        "UPDATE experts_expert e SET user_id = u.id FROM accounts_user u WHERE u.username = e.code"
    )
    fill.cursor.execute("ALTER TABLE experts_expert ENABLE TRIGGER USER")


def _age(cursor: Any) -> None:
    for table in _AGED:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for statement in _AGE:
        cursor.execute(statement, {"months": MONTHS, "paid": PAID_OF_20, "heavy": pages.INSTITUTION})
    for table in _AGED:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def registers(fill: Filling) -> None:
    """Ten years of registrations, changes, appointments, renewals, rosters and operators; the newest are open."""
    office, expert, body = (fill.one_of(what) for what in ("office", "experts", "institutions"))
    state = "CASE WHEN e.id IS NOT NULL THEN 'approved' WHEN n < 8500 THEN 'withdrawn' ELSE" \
            " (ARRAY['invited','filling','institution','returned','office'])[1 + n % 5] END"  # fmt: skip
    when = "now() - interval '10 years' * ((9000 - n) / 9000.0)"
    fill.rows(
        "registration_registration", 9_000,
        "generate_series(1, 9000) n LEFT JOIN LATERAL (SELECT id FROM experts_expert"
        " WHERE code = 'E' || lpad((n - 1)::text, 6, '0')) e ON true",
        uuid="gen_random_uuid()", number="'R' || lpad(n::text, 6, '0')", institution_id=body,
        recommended_by_id=office, key="'k' || n", candidate_name="'候補 見本' || n",
        candidate_email="'r' || n || '@example.jp'", interview_on=f"({when})::date", interview_manner="'WEB'",
        interview_notes="'面談の記録。' || repeat('経験と意欲を確かめた。', 20)", recommendation="'推薦の理由。'",
        invited_at=when, expires_at=f"{when} + interval '14 days'", state=state, state_since=when,
        name="'候補 見本' || n", kana="'コウホ ミホン'", requirement="'資格'", submitted_at=when,
        closed_reason=f"CASE WHEN {state} = 'withdrawn' THEN '本人の希望' ELSE '' END", checked_at=when,
        checked_by_id=office, approved_at=f"CASE WHEN {state} = 'approved' THEN {when} END",
        approved_by_id=f"CASE WHEN {state} = 'approved' THEN {office} END", expert_id="e.id",
    )  # fmt: skip
    asked = "now() - interval '10 years' * ((n - 1) / 12000.0)"
    state = "CASE WHEN n <= 60 THEN (ARRAY['asked','returned','checked'])[1 + n % 3] WHEN n % 9 = 0 THEN 'refused'" \
            " ELSE 'made' END"  # fmt: skip
    cipher = f"'{_sealed()}'"
    fill.rows(
        "expert_changes_changerequest", 12_000, uuid="gen_random_uuid()", expert_id=expert,
        kind="(ARRAY['account','contact','expertise','payee'])[1 + (n / 7000) % 4]", state=state, source="'page'",
        reason="'転居のため'", before=cipher, wanted=cipher, key="'c' || n", version="1", asked_by_id=office,
        asked_at=asked, checked_by_id=office, checked_at=asked,
        made_by_id=f"CASE WHEN {state} = 'made' THEN {fill.one_of('office', '+ 1')} END",
        made_at=f"CASE WHEN {state} = 'made' THEN {asked} END",
    )  # fmt: skip
    _years(fill, office)
    fill.rows(
        "institutions_roster", 40, kind="'nation'", file_name="'構成機関名簿' || n || '.xlsx'", key="'r' || n",
        sha256="repeat('a', 64)", effective_on="CURRENT_DATE - 90 * n::int", version="1", uploaded_by_id=office,
        state="CASE WHEN n = 40 THEN 'draft' ELSE 'applied' END", uploaded_at=f"{_WHEN}",
        ended_by_id=f"CASE WHEN n < 40 THEN {office} END", ended_at=f"CASE WHEN n < 40 THEN {_WHEN} END",
    )  # fmt: skip
    fill.rows(
        "institutions_rosterline", 0, "institutions_roster r, institutions_institution i", roster_id="r.id",
        line="row_number() OVER (PARTITION BY r.id ORDER BY i.code)", code="i.code", name="i.name",
        outcome="CASE WHEN i.id % 9 = 0 THEN 'changed' ELSE 'unchanged' END", institution_id="i.id",
        faults="'[]'", notes="'[]'",
    )  # fmt: skip


def _sealed() -> str:
    from core.secrets import seal

    return seal("{}")


def _years(fill: Filling, office: str) -> None:
    """An appointment and a renewal of each expert in each of ten years."""
    year = "extract(year FROM CURRENT_DATE)::int - n::int"
    fill.rows(
        "appointment_round", 10, fiscal_year=f"{year} + 1", first_day=f"make_date({year} + 1, 4, 1)",
        answer_by=f"make_date({year} + 1, 3, 20)", version="1", opened_at=f"make_date({year} + 1, 3, 1)",
        opened_by_id=office, message="'案内'", issuer_name="'事務局'", issuer_title="'代表'",
    )  # fmt: skip
    fill.cursor.execute("SELECT count(*) FROM experts_expert")
    fill.rows(
        "agreements_agreement", 10 * fill.cursor.fetchone()[0],
        text_id="(SELECT min(id) FROM agreements_textversion)", subject="'bench' || n",
        name="'見本'", agreed_at="now()",
    )  # fmt: skip
    newest = "(SELECT max(fiscal_year) FROM appointment_round)"
    fill.rows(
        "appointment_appointment", 0, "appointment_round r, experts_expert e, (SELECT min(id) AS first FROM"
        " agreements_agreement WHERE subject LIKE 'bench%') a", round_id="r.id", expert_id="e.id", version="1",
        state=f"CASE WHEN r.fiscal_year < {newest} OR e.id % 10 > 2 THEN 'accepted' ELSE"
              " (ARRAY['offered','agreed','issued'])[1 + e.id % 3] END",
        first_day="r.first_day", offered_at="r.opened_at", answered_at="r.opened_at", agreement_id="a.first",
    )  # fmt: skip
    fill.rows(
        "renewal_campaign", 10, fiscal_year=f"{year}", answer_by=f"make_date({year} + 1, 2, 28)", version="1",
        state="'closed'", prepared_by_id=office, closed_by_id=office, closed_at=f"make_date({year} + 1, 3, 31)",
        prepared_at=f"make_date({year} + 1, 1, 10)",
    )  # fmt: skip
    fill.rows(
        "renewal_ask", 0, "renewal_campaign c, experts_expert e", campaign_id="c.id", expert_id="e.id", version="1",
        answer="'renew'", source="'link'", answered_at="c.closed_at", outcome="'renewed'", data_right="true",
    )  # fmt: skip


def on_dispatches(fill: Filling) -> None:
    """What was done to dispatches: their steps, cases, inquiries and decisions, receipts and confirmations."""
    office, paid = fill.one_of("office"), fill.one_of("paid")
    fill.cursor.execute("SELECT id FROM dispatch_statuschange LIMIT 1")
    steps = "(VALUES (1, 'apply', 'draft', 'applied', 20), (2, 'accept', 'applied', 'accepted', 18)," \
            " (3, 'confirm', 'accepted', 'confirmed', 15), (4, 'finish', 'confirmed', 'visited', 0)," \
            " (5, 'report', 'visited', 'reported', -1), (6, 'schedule', 'approved', 'scheduled', -40)," \
            " (7, 'pay', 'scheduled', 'paid', -55)) s(n, action, source, target, days)"  # fmt: skip
    fill.rows(
        "dispatch_statuschange", 0, f"dispatch_dispatch d, {steps} WHERE d.status = 'paid'", dispatch_id="d.id",
        at="d.visited_from - make_interval(days => s.days)", action="s.action", from_status="s.source",
        to_status="s.target", actor_name="'見本'",
    )  # fmt: skip
    fill.rows(
        "dispatch_case", 60_000, code="'B' || (2012 + n % 9) || '-' || lpad((n + 900000)::text, 7, '0')",
        institution_id=fill.one_of("institutions"), company_id=fill.one_of("companies"), topic="'販路開拓'",
        problem="'新しい客層への売り方が定まらない。'", why_not_alone="'専門の知識が要るため。'", state="'closed'",
        created_at=_WHEN, updated_at=_WHEN,
    )  # fmt: skip
    fill.rows(
        "dispatch_consultationnote", 0, "dispatch_case c", case_id="c.id", held_on="c.created_at::date",
        channel="'電話'", attendees="'見本'", text="'相談の内容。' || repeat('売り先を話し合った。', 10)",
    )  # fmt: skip
    answered = {"asked_at": _WHEN, "asked_by_id": office}
    fill.rows(
        "dispatch_inquiry", 30_000, dispatch_id=paid, asked_of="CASE n % 2 WHEN 0 THEN 'institution' ELSE 'expert' END",
        question="'開始時刻の違いについてお知らせください。'", due_on=f"({_WHEN})::date", answer="'入力を誤りました。'",
        answered_at=_WHEN, answered_by_id=office, **answered,
    )  # fmt: skip
    fill.rows(
        "dispatch_approvalrequest", 10_000, dispatch_id=paid, kind="'limit'", reason="'継続の支援のため'",
        approved="true", decided_at=_WHEN, decided_by_id=office, decision_reason="'認める。'", **answered,
    )  # fmt: skip
    fill.rows(
        "dispatch_escalation", 1_500, dispatch_id=paid, kind="'other'", text="'確認したいこと'", reported_by_id=office,
        reported_at=_WHEN, answer="'確認した。'", answered_on=f"({_WHEN})::date", closed_by_id=office, closed_at=_WHEN,
    )  # fmt: skip
    fill.rows(
        "dispatch_endedfinding", 60_000, dispatch_id=paid, code="'E01'", kind="'保留'", reason="'開始の記録がない'",
        first_seen_at=_WHEN, ended_at=_WHEN, how="'solved'",
    )  # fmt: skip
    fill.rows(
        "dispatch_receipt", 100_000, uuid="gen_random_uuid()", dispatch_id=paid, purpose="'領収書'",
        original_name="'receipt.jpg'", key="'r' || n", received_sha256="md5(n::text) || md5(n::text)",
        media_type="'image/jpeg'", stored_name="md5(n::text) || '.jpg'", state="'usable'", uploaded_by_id=office,
        uploaded_at=_WHEN, scanned_at=_WHEN,
    )  # fmt: skip
    fill.rows(
        "dispatch_correction", 20_000, dispatch_id=paid, file="'dispatches'", row_key="'D' || n", column="'休憩分'",
        received="'0'", corrected="'10'", reason="'聞き取りによる'", corrected_by_id=office, corrected_at=_WHEN,
    )  # fmt: skip


def money(fill: Filling) -> None:
    """A run for each month with what it paid: a fee for each dispatch, one payout per expert."""
    fill.cursor.execute(
        "CREATE TEMPORARY TABLE due AS SELECT d.id, d.expert_id, d.visited_from::date AS day,"
        " date_trunc('month', d.visited_from)::date AS month FROM dispatch_dispatch d WHERE d.status = 'paid'"
    )
    name = "to_char(m.month, 'YYYY-MM') || '-1'"
    late = "m.month + interval '1 month 20 days'"
    fill.rows(
        "payments_payoutrun", 0,
        "(SELECT month, count(*) AS dispatches, count(DISTINCT expert_id) AS payees FROM due GROUP BY month) m",
        month="m.month", ordinal="1", name=name, status="'closed'", cutoff=late, pay_date=f"({late})::date",
        maker_id="(SELECT id FROM some_office WHERE place = 10)", approver_id="(SELECT id FROM some_office WHERE place = 3)",
        payer_id="(SELECT min(id) FROM payments_payer)", payer_copy="'{}'::jsonb", dispatch_count="m.dispatches",
        payee_count="m.payees", fee="m.dispatches * 13200", travel="0", gross="m.dispatches * 13200", withholding="0",
        net="m.dispatches * 13200", computed_at=late, approved_at=late, exported_at=late, transferred_at=late,
        closed_at=late,
    )  # fmt: skip
    fill.rows(
        "payments_payout", 0,
        "(SELECT r.id AS run, u.expert_id, count(*) AS dispatches FROM due u JOIN payments_payoutrun r USING (month)"
        " GROUP BY r.id, u.expert_id) p JOIN experts_expert e ON e.id = p.expert_id",
        run_id="p.run", expert_id="e.id", expert_code="e.code", name="e.name", address="e.address",
        payee_class="e.payee_class", bank_code="e.bank_code", branch_code="e.branch_code", account_type="'普通'",
        account_number="e.account_number", account_holder_kana="e.account_holder_kana", dispatch_count="p.dispatches",
        fee="p.dispatches * 13200", gross="p.dispatches * 13200", net="p.dispatches * 13200",
    )  # fmt: skip
    fill.rows(
        "payments_payoutline", 0,
        "due u JOIN payments_payoutrun r USING (month) JOIN payments_payout p ON p.run_id = r.id"
        " AND p.expert_id = u.expert_id",
        run_id="r.id", payout_id="p.id", dispatch_id="u.id", expert_id="u.expert_id", item="'謝金'", line_no="0",
        day="u.day", amount="13200", explanation="'報酬2号 13,200円 × 1'", client_name="'株式会社試験'",
    )  # fmt: skip


def record(fill: Filling, tasks: int) -> None:
    """Tasks, mails, jobs, sign-ins and history: what grows with every act."""
    office, people, paid = (fill.one_of(what) for what in ("office", "people", "paid"))
    lasting = f"CASE WHEN n > {tasks // 100} THEN {_WHEN} + interval '1 hour' END"
    fill.rows(
        "notify_task", tasks, code="'dispatch_news'", object="'D' || n", title="'派遣 D' || n", path="'/office/tasks/'",
        person_id=people, opened_at=_WHEN, closed_at=lasting,
    )  # fmt: skip
    fill.rows(
        "notify_mail", 300_000, key="'m' || n", concerns="CASE n % 5 WHEN 0 THEN 'account' ELSE 'work' END",
        template="'dispatch_news'", to="'e' || n || '@example.jp'", subject="'派遣の知らせ'", keeps_body="true",
        state="CASE WHEN n % 997 = 0 THEN 'failed' WHEN n % 4999 = 0 THEN 'unsure' ELSE 'sent' END", attempts="1",
        next_at=_WHEN_UP, ended_at=_WHEN_UP, created_at=_WHEN_UP, body_cipher=f"'{_sealed()}'",
    )  # fmt: skip
    fill.rows(
        "notify_mailattempt", 0, "notify_mail m", mail_id="m.id", at="m.created_at",
        outcome="CASE WHEN m.state IN ('failed', 'sent') THEN m.state ELSE 'sent' END",
    )  # fmt: skip
    fill.rows(
        "jobs_job", 150_000, kind="(ARRAY['check_month','assess','compute_run','export_run'])[1 + n % 4]",
        result="jsonb_build_object('snapshot', '1:1:', 'as_of', now())", title="'確認'", status="CASE n % 999 WHEN 0 THEN 'failed' ELSE 'done' END",
        created_by_id=office, created_at=_WHEN_UP, started_at=_WHEN_UP, ended_at=_WHEN_UP, attempts="1",
    )  # fmt: skip
    fill.rows(
        "exchange_load", 3_000, at=_WHEN_UP, actor_name="'見本'", source="'画面'", result="'loaded'", files="'[]'",
        errors="'[]'",
    )  # fmt: skip
    fill.rows(
        "exports_export", 3_000, source="'experts'", title="'専門家'", purpose="'照合のため'", file_name="'experts.csv'",
        status="'expired'", requested_by_id=office, requested_at=_WHEN_UP, expires_at=_WHEN_UP, kind="'register'",
    )  # fmt: skip
    kinds = "(ARRAY['signed_in','signed_out','failed','expired','confirmed'])[1 + n % 5]"
    fill.rows(
        "accounts_signinevent", 400_000, at=_WHEN_UP, kind=kinds, user_id=people, address="'192.0.2.7'",
    )  # fmt: skip
    fill.rows(
        "accounts_alarm", 2_000, at=_WHEN_UP, kind="'lock'", title="'ロック'", user_id=people, seen_by_id=office,
        seen_at=f"CASE WHEN n < 1990 THEN {_WHEN_UP} END",
    )  # fmt: skip
    fill.rows(
        "audit_change", 1_000_000, at=_WHEN_UP, transaction="n", table="'dispatch_dispatch'", row_id=paid,
        operation="'U'", actor_id=people, actor_name="'見本'", action="'confirm'", database_role="'dispatch_app'",
        old="'{\"status\": \"accepted\"}'::jsonb", new="'{\"status\": \"confirmed\"}'::jsonb", address="'192.0.2.7'",
    )  # fmt: skip
    fill.rows(
        "audit_access", 500_000, at=_WHEN_UP, transaction="n", actor_id=people, actor_name="'見本'", what="'view'",
        table="'dispatch_dispatch'", row_ids=f"ARRAY[{paid}]", row_count="1", database_role="'dispatch_app'",
        address="'192.0.2.7'",
    )  # fmt: skip


# As `_WHEN`, but the newest have the highest ids, as where rows are only added.
_WHEN_UP = "now() - interval '10 years' * (({count} - n)::float / {count})"


def shape(dispatches: int, tasks: int) -> str:
    """What is inside, in words: another version of this module makes other rows."""
    from pathlib import Path

    version = uuid.uuid5(uuid.NAMESPACE_OID, Path(__file__).read_text(encoding="utf-8")).hex[:12]
    return f"{dispatches} dispatches, {tasks} tasks, rows {version}"


def counted() -> dict[str, int]:
    """How many rows of each kind there are, by what people call them."""
    from django.db import connection

    with connection.cursor() as cursor:
        found = {}
        for name, table in _COUNTED.items():
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[name] = cursor.fetchone()[0]
    return found


_COUNTED = {
    "派遣": "dispatch_dispatch",
    "派遣の状態の記録": "dispatch_statuschange",
    "チェックイン・アウト": "dispatch_checkevent",
    "旅費の行": "dispatch_travelline",
    "案件": "dispatch_case",
    "照会": "dispatch_inquiry",
    "専門家": "experts_expert",
    "機関": "institutions_institution",
    "利用者": "accounts_user",
    "登録手続き": "registration_registration",
    "変更申請": "expert_changes_changerequest",
    "委嘱": "appointment_appointment",
    "更新の回答": "renewal_ask",
    "支払データ": "payments_payoutrun",
    "支払先": "payments_payout",
    "支払明細": "payments_payoutline",
    "対応待ち": "notify_task",
    "メール": "notify_mail",
    "ジョブ": "jobs_job",
    "ログインの記録": "accounts_signinevent",
    "変更履歴": "audit_change",
    "閲覧の記録": "audit_access",
}
