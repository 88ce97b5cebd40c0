"""The SQL that reads the facts of a batch of experts as sets. Times leave the database as naive JST.

Columns come in the order of the dataclasses of rules/facts.py, so that a row becomes a fact without a lookup.
"""

JST = "AT TIME ZONE 'Asia/Tokyo'"

# A dispatch counts as paid from the approval of its run on; the rows of an open run are only a proposal.
FROZEN = "('approved', 'exported', 'transferred', 'closed')"
ENDED = "('cancelled', 'declined')"

PAID = f"""EXISTS (SELECT 1 FROM payments_payoutline l JOIN payments_payoutrun r ON r.id = l.run_id
                WHERE l.dispatch_id = d.id AND l.item = '謝金' AND r.status IN {FROZEN})"""

# What a run looks at (rules.md §4): began before the cut-off, not ended early, in no earlier run.
# The status says the same as the lines of approved runs, only faster; the lines are what counts.
CANDIDATE = f"""d.visited_from < %(cutoff)s AND d.status NOT IN ('cancelled', 'declined', 'scheduled', 'paid')
   AND NOT {PAID}"""

# First moment of the fiscal year of a visit.
YEAR_START = (
    f"""((date_trunc('year', (d.visited_from {JST}) - interval '3 months') + interval '3 months') {JST})"""
)

EXPERTS = f"""
SELECT e.id, count(*)
  FROM dispatch_dispatch d JOIN experts_expert e ON e.id = d.expert_id
 WHERE {CANDIDATE}
 GROUP BY e.id, e.code ORDER BY e.code
"""

EXPERTS_NAMED = EXPERTS.replace("WHERE", "WHERE d.expert_id = ANY(%(experts)s) AND", 1)

ACCOUNTS = """
SELECT e.id, e.code, e.name, e.payee_class, e.subsidised_labour, e.affiliated_codes, b.id IS NOT NULL,
       br.id IS NOT NULL, e.bank_code, e.branch_code, e.account_holder_kana,
       e.address, e.invoice_number, coalesce(b.kana, ''), coalesce(br.kana, ''), coalesce(b.name, ''),
       coalesce(br.name, ''), e.account_type, e.account_number
  FROM experts_expert e
  LEFT JOIN banks_bank b ON b.code = e.bank_code
  LEFT JOIN banks_branch br ON br.bank_id = b.id AND br.code = e.branch_code
 WHERE e.id = ANY(%(experts)s)
"""

# The client's ordinal counts every dispatch of the client and fiscal year, whatever its run (rules.md §5 L01).
VISIT = f"""
SELECT d.id, d.expert_id,
       (SELECT count(*) FROM dispatch_dispatch o
         WHERE o.company_id = d.company_id AND o.visited_from >= {YEAR_START}
           AND o.visited_from <= d.visited_from
           AND (o.visited_from, o.number) <= (d.visited_from, d.number) AND o.status NOT IN {ENDED}),
       d.number, i.kind, i.code,
       (SELECT c.code FROM dispatch_company c WHERE c.id = d.company_id), d.topic, d.method,
       d.web_approved, d.latitude::float8, d.longitude::float8, d.visited_from {JST}, d.visited_to {JST}, coalesce(d.break_minutes, 0), d.accompanied,
       d.accompanied_from {JST}, d.accompanied_to {JST}, d.no_accompaniment_reason, d.requested_by_expert,
       d.paid_by_institution, d.limit_exception, d.reported_at {JST}, d.attested_at {JST}, d.approved_at {JST},
       d.itinerary, d.office_decision, d.office_decision_reason
  FROM dispatch_dispatch d
  JOIN institutions_institution i ON i.id = d.institution_id
"""

VISITS = f"{VISIT} WHERE d.expert_id = ANY(%(experts)s) AND {CANDIDATE} ORDER BY d.expert_id, d.visited_from, d.number"

ONE_VISIT = f"{VISIT} WHERE d.id = ANY(%(dispatches)s) AND d.visited_from IS NOT NULL"

EVENTS = f"""
SELECT e.dispatch_id, e.event_id, e.kind, e.device_time {JST}, e.latitude::float8, e.longitude::float8,
       e.accuracy::float8, e.signer_name
  FROM dispatch_checkevent e WHERE e.dispatch_id = ANY(%(dispatches)s)
 ORDER BY e.device_time, e.event_id
"""

DECLARATIONS = f"""
SELECT x.dispatch_id, x.cause, x.declared_from {JST}, x.declared_to {JST}, x.reason
  FROM dispatch_declaration x WHERE x.dispatch_id = ANY(%(dispatches)s)
 ORDER BY x.cause COLLATE "C"
"""

TRAVEL_LINES = """
SELECT t.dispatch_id, t.line_no, t.day, t.kind, t.origin, t.destination, t.km, t.fare, t.express, t.reserved,
       t.roundtrip_fare, t.ordinary_fare, t.claimed, t.receipt, t.stub, t.seat, t.no_public_transport,
       t.fast_boat, t.parallel_route, t.lodging_kind, t.accepted_km, t.accepted_yen, t.reason
  FROM dispatch_travelline t WHERE t.dispatch_id = ANY(%(dispatches)s)
 ORDER BY t.line_no
"""

# 保留 that the office waived and that stand (rules.md §5).
WAIVERS = """
SELECT w.dispatch_id, w.code FROM dispatch_waiver w
 WHERE w.dispatch_id = ANY(%(dispatches)s) AND w.revoked_at IS NULL
 ORDER BY w.dispatch_id, w.code
"""

# Touching ends do not overlap; an ineligible dispatch counts (rules.md §5 L03). The expert's longest visit bounds
# how far back another one can begin, so that the index on (expert, visited_from) answers each with a short range
# (OFFSET 0 keeps it so).
OVERLAPS = f"""
WITH visit AS MATERIALIZED (
    SELECT id, expert_id, visited_from, visited_to,
           visited_from - max(visited_to - visited_from) OVER (PARTITION BY expert_id) AS earliest
      FROM dispatch_dispatch WHERE expert_id = ANY(%(experts)s) AND status NOT IN {ENDED}
       AND visited_from IS NOT NULL
)
SELECT v.id, o.number
  FROM visit v
 CROSS JOIN LATERAL (
    SELECT x.number FROM dispatch_dispatch x
     WHERE x.expert_id = v.expert_id AND x.visited_from < v.visited_to AND x.visited_from > v.earliest
       AND x.visited_to > v.visited_from AND x.id <> v.id AND x.status NOT IN {ENDED} OFFSET 0) o
 WHERE v.id = ANY(%(dispatches)s)
 ORDER BY v.id, o.number
"""

# What earlier runs paid on the days of this batch, and on the trips that touch them.
EARLIER = f"""
WITH days AS (
    SELECT DISTINCT d.expert_id, (d.visited_from {JST})::date AS day
      FROM dispatch_dispatch d WHERE d.id = ANY(%(dispatches)s)
), paid AS (
    SELECT l.expert_id, l.dispatch_id, l.day, sum(l.amount) FILTER (WHERE l.item = '謝金') AS fee,
           bool_or(l.item = '日当') AS per_diem
      FROM payments_payoutline l JOIN payments_payoutrun r ON r.id = l.run_id
     WHERE l.expert_id = ANY(%(experts)s) AND l.item IN ('謝金', '日当') AND r.status IN {FROZEN}
     GROUP BY 1, 2, 3
), trips AS (
    SELECT DISTINCT d.expert_id, d.itinerary FROM dispatch_dispatch d
     WHERE d.itinerary <> '' AND (d.id = ANY(%(dispatches)s)
           OR d.id IN (SELECT p.dispatch_id FROM paid p JOIN days USING (expert_id, day)))
)
SELECT p.expert_id, coalesce(p.fee, 0)::bigint, p.per_diem, d.number, p.day, d.visited_from {JST},
       floor(extract(epoch FROM d.visited_to - d.visited_from) / 60)::int - coalesce(d.break_minutes, 0), d.itinerary,
       (SELECT coalesce(sum(coalesce(t.accepted_km, t.km)), 0) FROM dispatch_travelline t WHERE t.dispatch_id = d.id)
  FROM paid p JOIN dispatch_dispatch d ON d.id = p.dispatch_id
 WHERE EXISTS (SELECT 1 FROM days WHERE days.expert_id = p.expert_id AND days.day = p.day)
    OR EXISTS (SELECT 1 FROM trips WHERE trips.expert_id = p.expert_id AND trips.itinerary = d.itinerary)
 ORDER BY p.expert_id, d.visited_from, d.number
"""
