-- What the rules look at, as sets: the rule sets, the visits a run takes into account, their events and declarations.
-- The readings are those of rule set R3 (half-hour units, cut per dispatch, cap per expert and day, …).

SET LOCAL TIME ZONE 'Asia/Tokyo';

CREATE TEMP TABLE rule ON COMMIT DROP AS
SELECT r.id, r.valid, (v ->> 'fee_unit_yen')::int AS unit_yen, (v ->> 'fee_unit_minutes')::int AS unit_minutes,
       (v ->> 'fee_day_cap_yen')::int AS day_cap, v ->> 'dispatch_period_from' AS period_from,
       v ->> 'dispatch_period_to' AS period_to, (v ->> 'client_limit')::int AS client_limit,
       v -> 'client_limit_by_topic' AS limit_by_topic, (v ->> 'car_yen_per_km')::int AS car_yen,
       (v ->> 'express_min_km')::numeric AS express_km, (v ->> 'lodging_cap_yen')::int AS lodging_cap,
       v -> 'lodging_unpaid_kinds' AS lodging_unpaid, (v ->> 'per_diem_yen')::int AS per_diem_yen,
       (v ->> 'per_diem_min_km')::numeric AS per_diem_km, (v ->> 'per_diem_min_minutes')::int AS per_diem_minutes,
       (v ->> 'time_tolerance_seconds')::int AS time_tolerance, (v ->> 'place_tolerance_m')::int AS place_tolerance,
       (v ->> 'accuracy_cap_m')::int AS accuracy_cap, v -> 'own_institution_exempt_kinds' AS exempt_kinds,
       (v ->> 'withholding_percent')::numeric AS tax, (v ->> 'withholding_high_percent')::numeric AS tax_high,
       (v ->> 'withholding_tier_yen')::bigint AS tax_tier, (v ->> 'withholding_deduction_yen')::int AS tax_deduction,
       (v ->> 'withholding_non_resident_percent')::numeric AS tax_abroad,
       v -> 'withholding_method_by_class' AS tax_method, (v ->> 'consumption_tax_percent')::int AS consumption_tax
  FROM programme_ruleset r, LATERAL (SELECT r.values AS v) x;

-- STABLE, as to_char is: else they aren't inlined. Yen, minutes, kilometres, moments and lateness in words.
CREATE FUNCTION pg_temp.yen(amount numeric) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT to_char(amount, 'FM999,999,999,999,990') || '円' $$;
CREATE FUNCTION pg_temp.minutes(n int) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT CASE WHEN n < 60 THEN n || '分' WHEN n % 60 = 0 THEN n / 60 || '時間'
               ELSE n / 60 || '時間' || n % 60 || '分' END $$;
CREATE FUNCTION pg_temp.km(n numeric) RETURNS text LANGUAGE sql STABLE AS $$ SELECT trim_scale(n) || 'km' $$;
CREATE FUNCTION pg_temp.day(at date) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT to_char(at, 'FMYYYY年FMMM月FMDD日') $$;
CREATE FUNCTION pg_temp.clock(at timestamp) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT to_char(at, CASE WHEN date_part('second', at) >= 1 THEN 'HH24:MI:SS' ELSE 'HH24:MI' END) $$;
CREATE FUNCTION pg_temp.moment(at timestamp) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT to_char(at, 'FMYYYY年FMMM月FMDD日 ') || pg_temp.clock(at) $$;
CREATE FUNCTION pg_temp.seconds(n int) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT CASE WHEN n < 60 THEN n || '秒' ELSE pg_temp.minutes(n / 60) || CASE WHEN n % 60 > 0 THEN n % 60 || '秒' ELSE '' END END $$;
CREATE FUNCTION pg_temp.lateness(at timestamp, wanted timestamp) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT CASE WHEN s = 0 THEN '差なし' ELSE pg_temp.seconds(abs(s)) || CASE WHEN s > 0 THEN '遅い' ELSE '早い' END END
     FROM (SELECT round(date_part('epoch', at - wanted))::int AS s) x $$;
CREATE FUNCTION pg_temp.metres(lat_a float8, lon_a float8, lat_b float8, lon_b float8) RETURNS float8
    LANGUAGE sql STABLE AS
$$ SELECT 2 * 6371008.8 * asin(least(1.0, sqrt(power(sin((radians(lat_b) - radians(lat_a)) / 2), 2)
          + cos(radians(lat_a)) * cos(radians(lat_b)) * power(sin(radians(lon_b - lon_a) / 2), 2)))) $$;
CREATE FUNCTION pg_temp.joined(texts text[]) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT string_agg(x, '／' ORDER BY n) FROM (
     SELECT x, min(n) AS n FROM unnest(texts) WITH ORDINALITY u (x, n) GROUP BY x) y $$;

CREATE TEMP TABLE counted ON COMMIT DROP AS
SELECT id, row_number() OVER (PARTITION BY company_id, date_part('year', visited_from::timestamp - interval '3 months')
                              ORDER BY visited_from, number) AS ordinal
  FROM dispatch_dispatch WHERE status NOT IN ('cancelled', 'declined') AND visited_from IS NOT NULL;

CREATE TEMP TABLE visit ON COMMIT DROP AS
SELECT d.id, d.expert_id, d.company_id, d.number, d.method, d.web_approved, d.topic, d.latitude::float8 AS lat,
       d.longitude::float8 AS lon, d.visited_from::timestamp AS start, d.visited_to::timestamp AS finish,
       d.visited_from::timestamp::date AS day,
       floor(date_part('epoch', d.visited_to - d.visited_from) / 60)::int - coalesce(d.break_minutes, 0) AS minutes,
       d.accompanied, d.accompanied_from::timestamp AS with_from, d.accompanied_to::timestamp AS with_to,
       d.no_accompaniment_reason, d.requested_by_expert, d.paid_by_institution, d.limit_exception, d.reported_at,
       d.attested_at, d.approved_at, d.itinerary, d.office_decision, d.office_decision_reason,
       i.code AS institution, i.kind AS institution_kind, n.ordinal, r.id AS rule_id
  FROM dispatch_dispatch d
  JOIN institutions_institution i ON i.id = d.institution_id
  JOIN counted n ON n.id = d.id
  LEFT JOIN rule r ON r.valid @> d.visited_from::timestamp::date
 WHERE d.visited_from < %(cutoff)s AND d.status NOT IN ('cancelled', 'declined', 'scheduled', 'paid')
   AND NOT EXISTS (SELECT 1 FROM payments_payoutline l JOIN payments_payoutrun p ON p.id = l.run_id
                    WHERE l.dispatch_id = d.id AND l.item = '謝金'
                      AND p.status IN ('approved', 'exported', 'transferred', 'closed'));
CREATE INDEX ON visit (id);
ANALYZE rule, visit;

CREATE TEMP TABLE overlap ON COMMIT DROP AS
SELECT v.id, string_agg(o.number, '、' ORDER BY o.number) AS numbers
  FROM visit v JOIN dispatch_dispatch o
    ON o.expert_id = v.expert_id AND o.id <> v.id AND o.visited_from < v.finish AND o.visited_to > v.start
 WHERE o.status NOT IN ('cancelled', 'declined')
 GROUP BY v.id;

-- Of several 開始 events the earliest counts, of several 終了 events the latest.
CREATE TEMP TABLE event ON COMMIT DROP AS
SELECT DISTINCT ON (e.dispatch_id, e.kind) e.dispatch_id, e.kind, e.device_time::timestamp AS at,
       e.latitude::float8 AS lat, e.longitude::float8 AS lon, e.accuracy::float8 AS accuracy, e.signer_name
  FROM dispatch_checkevent e JOIN visit v ON v.id = e.dispatch_id
 ORDER BY e.dispatch_id, e.kind, CASE e.kind WHEN '開始' THEN e.device_time END,
          CASE e.kind WHEN '開始' THEN e.event_id END, e.device_time DESC, e.event_id DESC;

CREATE TEMP TABLE declared ON COMMIT DROP AS
SELECT x.dispatch_id, bool_or(x.cause = '開始報告失念') AS start, bool_or(x.cause = '終了報告失念') AS finish,
       bool_or(x.cause = '時刻訂正') AS times, bool_or(x.cause = '位置情報不備') AS place,
       bool_or(x.cause = '署名不備') AS signature,
       min(x.declared_from::timestamp) FILTER (WHERE x.cause = '開始報告失念') AS start_at,
       min(x.declared_to::timestamp) FILTER (WHERE x.cause = '終了報告失念') AS finish_at
  FROM dispatch_declaration x JOIN visit v ON v.id = x.dispatch_id WHERE trim(x.reason) <> ''
 GROUP BY x.dispatch_id;

CREATE TEMP TABLE claim ON COMMIT DROP AS
SELECT t.*, v.rule_id, CASE WHEN t.origin <> '' OR t.destination <> '' THEN t.kind || ' ' || t.origin || '→' || t.destination
                 ELSE t.kind END AS route, t.line_no || '行目の' || t.kind AS place
  FROM dispatch_travelline t JOIN visit v ON v.id = t.dispatch_id;

CREATE TEMP TABLE evidence ON COMMIT DROP AS
SELECT v.id, v.number, v.method, v.rule_id, v.start, v.finish, v.lat, v.lon,
       s.at AS start_at, s.lat AS start_lat, s.lon AS start_lon, s.accuracy AS start_accuracy,
       f.at AS finish_at, f.lat AS finish_lat, f.lon AS finish_lon, f.accuracy AS finish_accuracy, f.signer_name,
       coalesce(d.start, false) AS said_start, coalesce(d.finish, false) AS said_finish,
       coalesce(d.times, false) AS said_times, coalesce(d.place, false) AS said_place,
       coalesce(d.signature, false) AS said_signature, d.start_at AS said_start_at, d.finish_at AS said_finish_at,
       CASE WHEN s.lat IS NOT NULL AND s.lon IS NOT NULL AND v.lat IS NOT NULL
            THEN pg_temp.metres(v.lat, v.lon, s.lat, s.lon) END AS start_metres,
       CASE WHEN f.lat IS NOT NULL AND f.lon IS NOT NULL AND v.lat IS NOT NULL
            THEN pg_temp.metres(v.lat, v.lon, f.lat, f.lon) END AS finish_metres,
       r.place_tolerance + least(greatest(coalesce(s.accuracy, 0), 0), r.accuracy_cap) AS start_tolerance,
       r.place_tolerance + least(greatest(coalesce(f.accuracy, 0), 0), r.accuracy_cap) AS finish_tolerance,
       CASE WHEN s.at IS NOT NULL THEN s.at WHEN d.start THEN d.start_at END AS start_is,
       CASE WHEN f.at IS NOT NULL THEN f.at WHEN d.finish THEN d.finish_at END AS finish_is
  FROM visit v JOIN rule r ON r.id = v.rule_id LEFT JOIN event s ON s.dispatch_id = v.id AND s.kind = '開始'
  LEFT JOIN event f ON f.dispatch_id = v.id AND f.kind = '終了'
  LEFT JOIN declared d ON d.dispatch_id = v.id;
CREATE INDEX ON claim (dispatch_id);
ANALYZE claim, evidence, overlap;
