-- Fee, travel and per diem of what is payable, then each payee's sums and tax: rules.md §2–§4.

-- What earlier runs paid on these days, and their visits on the same itineraries.
CREATE TEMP TABLE paid ON COMMIT DROP AS
SELECT l.expert_id, l.day, d.id, d.number, d.visited_from::timestamp AS start, d.itinerary,
       floor(date_part('epoch', d.visited_to - d.visited_from) / 60)::int - coalesce(d.break_minutes, 0) AS minutes,
       coalesce(sum(l.amount) FILTER (WHERE l.item = '謝金'), 0) AS fee, bool_or(l.item = '日当') AS per_diem
  FROM payments_payoutline l JOIN payments_payoutrun r ON r.id = l.run_id JOIN dispatch_dispatch d ON d.id = l.dispatch_id
 WHERE l.item IN ('謝金', '日当') AND r.status IN ('approved', 'exported', 'transferred', 'closed')
 GROUP BY l.expert_id, l.day, d.id;

CREATE TEMP TABLE line ON COMMIT DROP AS
WITH unit AS (
    SELECT p.*, r.unit_yen, r.unit_minutes, r.day_cap, p.minutes / r.unit_minutes AS units,
           p.minutes / r.unit_minutes * r.unit_yen AS wanted,
           coalesce((SELECT sum(e.fee) FROM paid e WHERE e.expert_id = p.expert_id AND e.day = p.day), 0)::int AS earlier
      FROM payable p JOIN rule r ON r.id = p.rule_id
), capped AS (
    SELECT u.*, greatest(0, u.day_cap - u.earlier - coalesce(sum(u.wanted) OVER (
                PARTITION BY u.expert_id, u.day ORDER BY u.start, u.number
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS rest
      FROM unit u
)
SELECT c.expert_id, c.id AS dispatch_id, '謝金' AS item, 0 AS line_no, c.day, least(c.wanted, c.rest) AS amount,
       '謝金 ' || pg_temp.minutes(c.minutes) || ' → ' || CASE WHEN c.units = 0 THEN c.unit_minutes || '分未満のため0単位 = 0円'
       ELSE c.units || '単位 × ' || pg_temp.yen(c.unit_yen) || ' = ' || pg_temp.yen(c.wanted) END
       || CASE WHEN c.wanted > c.rest THEN '、支払は ' || pg_temp.yen(c.rest) ELSE '' END
       || '（1日上限' || pg_temp.yen(c.day_cap) || 'の残り ' || pg_temp.yen(c.rest)
       || CASE WHEN c.earlier > 0 THEN '、同じ日の支払済み ' || pg_temp.yen(c.earlier) ELSE '' END || '）' AS explanation
  FROM capped c
UNION ALL
-- the least of rule amount, claim and what the office accepted
SELECT p.expert_id, t.dispatch_id, t.kind, t.line_no, t.day, a.amount,
       CASE WHEN x.zero THEN t.route || ' ' || t.lodging_kind || 'は支給の対象外 = 0円'
       ELSE t.route || ' ' || x.basis
            || CASE WHEN t.accepted_yen < least(x.allowed, t.claimed) THEN '、認定額 ' || pg_temp.yen(t.accepted_yen) || 'まで'
                    WHEN t.claimed < x.allowed THEN '、請求額 ' || pg_temp.yen(t.claimed) || 'まで' ELSE '' END
            || ' = ' || pg_temp.yen(a.amount) END
  FROM claim t JOIN payable p ON p.id = t.dispatch_id JOIN rule r ON r.id = p.rule_id
 CROSS JOIN LATERAL (SELECT coalesce(t.express, 0) + coalesce(t.reserved, 0) AS extra,
                            coalesce(t.km >= r.express_km, false) AS far) e
 CROSS JOIN LATERAL (SELECT
    t.kind = '宿泊' AND r.lodging_unpaid ? t.lodging_kind AS zero,
    CASE t.kind WHEN '鉄道' THEN coalesce(t.fare, 0) + CASE WHEN e.far THEN e.extra ELSE 0 END
                WHEN 'バス' THEN coalesce(t.fare, 0)
                WHEN '宿泊' THEN CASE WHEN r.lodging_unpaid ? t.lodging_kind THEN 0 ELSE least(t.claimed, r.lodging_cap) END
                WHEN 'レンタカー' THEN coalesce(t.accepted_yen, 0)
                WHEN 'タクシー' THEN t.claimed
                ELSE coalesce(t.roundtrip_fare, t.ordinary_fare, t.claimed) END AS allowed,
    CASE t.kind WHEN '鉄道' THEN '運賃 ' || pg_temp.yen(coalesce(t.fare, 0)) || CASE WHEN e.extra = 0 THEN ''
                     WHEN e.far THEN CASE WHEN t.express > 0 THEN '＋特急料金 ' || pg_temp.yen(t.express) ELSE '' END
                          || CASE WHEN t.reserved > 0 THEN '＋指定席料金 ' || pg_temp.yen(t.reserved) ELSE '' END
                          || '（距離 ' || pg_temp.km(t.km) || '、' || pg_temp.km(r.express_km) || '以上）'
                     ELSE '（' || coalesce('距離 ' || pg_temp.km(t.km), '距離の記載なし') || '、特急・指定席は'
                          || pg_temp.km(r.express_km) || '以上のみ）' END
                WHEN 'バス' THEN '運賃 ' || pg_temp.yen(coalesce(t.fare, 0))
                WHEN '宿泊' THEN '請求額 ' || pg_temp.yen(t.claimed) || CASE WHEN t.claimed > r.lodging_cap
                     THEN '、1泊の上限 ' || pg_temp.yen(r.lodging_cap) ELSE '（1泊の上限 ' || pg_temp.yen(r.lodging_cap) || '）' END
                WHEN 'レンタカー' THEN '認定額 ' || pg_temp.yen(coalesce(t.accepted_yen, 0))
                WHEN 'タクシー' THEN '請求額 ' || pg_temp.yen(t.claimed)
                ELSE coalesce('往復割引運賃 ' || pg_temp.yen(t.roundtrip_fare), '通常運賃 ' || pg_temp.yen(t.ordinary_fare),
                              '請求額 ' || pg_temp.yen(t.claimed)) END AS basis) x
 CROSS JOIN LATERAL (SELECT CASE WHEN x.zero THEN 0 ELSE least(x.allowed, t.claimed, t.accepted_yen) END AS amount) a
 WHERE t.kind <> '私有車'
UNION ALL
-- own car: the whole route of a dispatch, cut to whole kilometres
SELECT c.expert_id, c.dispatch_id, '私有車', c.line_no, c.day, least(trunc(c.km) * c.car_yen, c.claimed),
       '私有車 ' || CASE WHEN c.legs > 1 THEN c.route || ' = ' ELSE '' END || pg_temp.km(c.km) || ' → ' || trunc(c.km)::int
       || 'km × ' || pg_temp.yen(c.car_yen) || CASE WHEN c.claimed < trunc(c.km) * c.car_yen
          THEN ' = ' || pg_temp.yen(trunc(c.km) * c.car_yen) || '、請求額の計 ' || pg_temp.yen(c.claimed) || 'まで' ELSE '' END
       || ' = ' || pg_temp.yen(least(trunc(c.km) * c.car_yen, c.claimed))
  FROM (SELECT p.expert_id, t.dispatch_id, min(t.line_no) AS line_no, (array_agg(t.day ORDER BY t.line_no))[1] AS day,
               sum(t.claimed) AS claimed, sum(t.accepted_km) AS km, count(t.accepted_km) AS legs,
               string_agg(pg_temp.km(t.accepted_km), '＋' ORDER BY t.line_no) AS route, min(r.car_yen) AS car_yen
          FROM claim t JOIN payable p ON p.id = t.dispatch_id JOIN rule r ON r.id = p.rule_id
         WHERE t.kind = '私有車' GROUP BY 1, 2) c;

-- Per diem: the whole itinerary of a day, once, on the first dispatch of the day in this run.
INSERT INTO line
WITH leg AS (
    SELECT p.expert_id, p.id, p.number, p.day, p.start, p.minutes, p.itinerary, true AS mine,
           coalesce((SELECT sum(coalesce(t.accepted_km, t.km)) FROM claim t WHERE t.dispatch_id = p.id), 0) AS km
      FROM payable p
    UNION ALL
    SELECT e.expert_id, e.id, e.number, e.day, e.start, e.minutes, e.itinerary, false,
           coalesce((SELECT sum(coalesce(t.accepted_km, t.km)) FROM dispatch_travelline t WHERE t.dispatch_id = e.id), 0)
      FROM paid e
), of_day AS (
    SELECT l.expert_id, l.day, sum(l.minutes)::int AS minutes, sum(l.km) AS km,
           (array_agg(l.id ORDER BY l.start, l.number) FILTER (WHERE l.mine))[1] AS carrier,
           array_agg(l.number) AS numbers, array_agg(l.itinerary) FILTER (WHERE l.itinerary <> '') AS trips
      FROM leg l GROUP BY l.expert_id, l.day
), whole AS (
    SELECT o.expert_id, o.day, o.minutes, o.carrier, o.km + coalesce(b.km, 0) AS km, o.numbers || b.numbers AS numbers
      FROM of_day o
      LEFT JOIN LATERAL (SELECT sum(l.km) AS km, array_agg(l.number) AS numbers FROM leg l
                          WHERE o.trips IS NOT NULL AND l.expert_id = o.expert_id AND l.itinerary = ANY(o.trips)
                            AND l.day <> o.day) b ON o.trips IS NOT NULL
     WHERE o.carrier IS NOT NULL AND NOT EXISTS (
           SELECT 1 FROM paid e WHERE e.expert_id = o.expert_id AND e.day = o.day AND e.per_diem)
)
SELECT w.expert_id, w.carrier, '日当', 0, w.day, r.per_diem_yen,
       '日当 ' || pg_temp.day(w.day) || ' 全行程 ' || pg_temp.km(w.km) || '（' || pg_temp.km(r.per_diem_km) || '以上）、支援 '
       || pg_temp.minutes(w.minutes) || '（' || pg_temp.minutes(r.per_diem_minutes) || '以上） = ' || pg_temp.yen(r.per_diem_yen)
       || coalesce('（' || (SELECT string_agg(n, '、' ORDER BY n) FROM unnest(w.numbers) n WHERE n <> p.number)
                   || ' を含む行程）', '')
  FROM whole w JOIN payable p ON p.id = w.carrier JOIN rule r ON r.id = p.rule_id
 WHERE r.per_diem_yen > 0 AND w.km >= r.per_diem_km AND w.minutes >= r.per_diem_minutes;
ANALYZE line;

INSERT INTO payments_payout (run_id, expert_id, expert_code, name, address, payee_class, invoice_number, bank_code,
       branch_code, bank_kana, branch_kana, bank_name, branch_name, account_type, account_number, account_holder_kana,
       dispatch_count, fee, travel, gross, withholding, net, consumption_tax)
SELECT %(run)s, e.id, e.code, e.name, e.address, e.payee_class, e.invoice_number, e.bank_code, e.branch_code,
       coalesce(b.kana, ''), coalesce(br.kana, ''), coalesce(b.name, ''), coalesce(br.name, ''), e.account_type,
       e.account_number, e.account_holder_kana, s.dispatches, s.fee, s.gross - s.fee, s.gross, x.withheld,
       s.gross - x.withheld, s.gross * r.consumption_tax / (100 + r.consumption_tax)
  FROM (SELECT expert_id, sum(amount)::bigint AS gross, sum(amount) FILTER (WHERE item = '謝金')::bigint AS fee,
               count(*) FILTER (WHERE item = '謝金') AS dispatches FROM line GROUP BY expert_id) s
  JOIN experts_expert e ON e.id = s.expert_id
  JOIN rule r ON r.id = (SELECT rr.id FROM programme_ruleset rr WHERE rr.valid @> %(pay_day)s::date)
  LEFT JOIN banks_bank b ON b.code = e.bank_code
  LEFT JOIN banks_branch br ON br.bank_id = b.id AND br.code = e.branch_code
 CROSS JOIN LATERAL (SELECT trunc(CASE r.tax_method ->> e.payee_class WHEN 'none' THEN 0
        WHEN 'non_resident' THEN s.gross * r.tax_abroad
        WHEN 'deducted' THEN greatest(0, s.gross - r.tax_deduction) * r.tax
        ELSE least(s.gross, r.tax_tier) * r.tax + greatest(0, s.gross - r.tax_tier) * r.tax_high END / 100)::bigint
        AS withheld) x
 ORDER BY e.code;

INSERT INTO payments_payoutline (run_id, payout_id, expert_id, dispatch_id, item, line_no, day, amount, explanation, client_name)
SELECT %(run)s, p.id, l.expert_id, l.dispatch_id, l.item, l.line_no, l.day, l.amount, l.explanation,
       CASE WHEN l.item = '謝金' THEN (SELECT c.name FROM dispatch_dispatch d JOIN dispatch_company c ON c.id = d.company_id
                                       WHERE d.id = l.dispatch_id) ELSE '' END
  FROM line l JOIN payments_payout p ON p.run_id = %(run)s AND p.expert_id = l.expert_id
 ORDER BY p.expert_code;

INSERT INTO payments_runruleset (run_id, rule_set_id)
SELECT DISTINCT %(run)s, v.rule_id FROM visit v WHERE v.rule_id IS NOT NULL;

UPDATE payments_payoutrun r
   SET status = 'computed', computed_at = now(), snapshot = pg_current_snapshot()::text, payee_count = s.payees,
       dispatch_count = s.dispatches, fee = s.fee, travel = s.travel, gross = s.gross, withholding = s.withholding,
       net = s.net, consumption_tax = s.tax
  FROM (SELECT count(*) AS payees, sum(dispatch_count) AS dispatches, sum(fee) AS fee, sum(travel) AS travel,
               sum(gross) AS gross, sum(withholding) AS withholding, sum(net) AS net, sum(consumption_tax) AS tax
          FROM payments_payout WHERE run_id = %(run)s) s
 WHERE r.id = %(run)s;
