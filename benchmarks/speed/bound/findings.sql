-- rules.md §5 as one set: what excludes, holds or is missing, a row per dispatch and code, in the words of the rules.
-- B02 alone isn't here: account names are encrypted, and SQL can't read them.

CREATE TEMP TABLE excluded ON COMMIT DROP AS
SELECT v.id, x.*
  FROM visit v JOIN experts_expert e ON e.id = v.expert_id LEFT JOIN rule r ON r.id = v.rule_id
 CROSS JOIN LATERAL (VALUES
    ('X01', e.subsidised_labour, '専門家の人件費が公的に補助されています', '人件費補助 無', '人件費補助 有'),
    ('X02', v.paid_by_institution, '派遣可能機関が専門家に給与・謝金を支払っています', '機関からの給与謝金 無',
     '機関からの給与謝金 有'),
    ('X03', v.institution = ANY(e.affiliated_codes)
            AND NOT coalesce(r.exempt_kinds ? v.institution_kind, false), '専門家が所属する機関からの派遣です',
     '所属していない派遣可能機関', v.institution || '（' || v.institution_kind || '）に所属'),
    ('X04', v.requested_by_expert, '専門家からの要請による派遣です', '専門家からの要請 無', '専門家からの要請 有'),
    ('X05', v.method = 'WEB' AND NOT v.web_approved, 'WEBによる支援の事前承認がありません', 'WEB事前承認 有',
     'WEB事前承認 無'),
    ('X06', v.office_decision = '対象外', '事務局が対象外と判断しました: ' || v.office_decision_reason,
     '事務局判断 なし', '事務局判断 対象外')
  ) AS x (code, so, reason, expected, actual)
 WHERE (e.subsidised_labour OR v.paid_by_institution OR v.requested_by_expert OR v.method = 'WEB'
        OR v.office_decision <> '' OR v.institution = ANY(e.affiliated_codes)) AND x.so;

CREATE TEMP TABLE cause ON COMMIT DROP AS
-- evidence
SELECT e.id, x.code, x.nth, x.reason, x.expected, x.actual
  FROM evidence e JOIN rule r ON r.id = e.rule_id
 CROSS JOIN LATERAL (SELECT
    CASE WHEN e.start_at IS NOT NULL THEN '開始の記録' ELSE '申告した開始' END AS start_source,
    CASE WHEN e.finish_at IS NOT NULL THEN '終了の記録' ELSE '申告した終了' END AS finish_source,
    e.method <> 'WEB' AND NOT e.said_place AS place_counts,
    '支援場所から' || to_char(r.place_tolerance, 'FM999,990') || 'm＋位置の精度（' || to_char(r.accuracy_cap, 'FM999,990')
        || 'mまで）以内' AS place_wanted,
    '実施開始 ' || to_char(e.start, 'HH24:MI') || ' の前後' || pg_temp.seconds(r.time_tolerance) || '以内' AS start_wanted,
    '実施終了 ' || to_char(e.finish, 'HH24:MI') || ' の前後' || pg_temp.seconds(r.time_tolerance) || '以内' AS finish_wanted) c
 CROSS JOIN LATERAL (VALUES
    ('E01', 1, e.start_at IS NULL AND NOT e.said_start, '開始の記録も申告もありません',
     '開始の記録、または申告（開始報告失念）', 'どちらもなし'),
    ('E02', 1, e.finish_at IS NULL AND NOT e.said_finish, '終了の記録も申告もありません',
     '終了の記録、または申告（終了報告失念）', 'どちらもなし'),
    ('E03', 1, e.method <> 'WEB' AND e.finish_at IS NOT NULL AND trim(e.signer_name) = '' AND NOT e.said_signature,
     '終了の記録に署名がありません', '支援先の署名、または申告（署名不備）', '署名者氏名 空欄'),
    ('E04', 1, c.place_counts AND e.start_at IS NOT NULL AND (e.start_lat IS NULL OR e.start_lon IS NULL),
     '開始の記録に位置がありません', c.place_wanted, '開始: 位置なし'),
    ('E04', 2, c.place_counts AND e.start_metres > e.start_tolerance, '開始の記録の位置が支援場所から離れています',
     c.place_wanted, '開始: ' || to_char(e.start_metres::numeric, 'FM999,999,990.0') || 'm（許容 '
     || to_char(e.start_tolerance::numeric, 'FM999,990') || 'm）'),
    ('E04', 3, c.place_counts AND e.finish_at IS NOT NULL AND (e.finish_lat IS NULL OR e.finish_lon IS NULL),
     '終了の記録に位置がありません', c.place_wanted, '終了: 位置なし'),
    ('E04', 4, c.place_counts AND e.finish_metres > e.finish_tolerance, '終了の記録の位置が支援場所から離れています',
     c.place_wanted, '終了: ' || to_char(e.finish_metres::numeric, 'FM999,999,990.0') || 'm（許容 '
     || to_char(e.finish_tolerance::numeric, 'FM999,990') || 'm）'),
    ('E05', 1, NOT e.said_times AND e.start_at IS NULL AND e.said_start AND e.said_start_at IS NULL,
     '申告した開始の時刻がありません', c.start_wanted, '申告した開始: 時刻 空欄'),
    ('E05', 2, NOT e.said_times AND abs(date_part('epoch', e.start_is - e.start)) > r.time_tolerance,
     c.start_source || 'の時刻が実施開始と異なります', c.start_wanted,
     c.start_source || ': ' || CASE WHEN e.start_is::date = e.start::date THEN pg_temp.clock(e.start_is)
     ELSE pg_temp.moment(e.start_is) END || '（' || pg_temp.lateness(e.start_is, e.start) || '）'),
    ('E05', 3, NOT e.said_times AND e.finish_at IS NULL AND e.said_finish AND e.said_finish_at IS NULL,
     '申告した終了の時刻がありません', c.finish_wanted, '申告した終了: 時刻 空欄'),
    ('E05', 4, NOT e.said_times AND abs(date_part('epoch', e.finish_is - e.finish)) > r.time_tolerance,
     c.finish_source || 'の時刻が実施終了と異なります', c.finish_wanted,
     c.finish_source || ': ' || CASE WHEN e.finish_is::date = e.finish::date THEN pg_temp.clock(e.finish_is)
     ELSE pg_temp.moment(e.finish_is) END || '（' || pg_temp.lateness(e.finish_is, e.finish) || '）')
  ) AS x (code, nth, so, reason, expected, actual)
-- words are made for the few rows with something wrong alone
 WHERE (e.start_at IS NULL OR e.finish_at IS NULL OR e.method <> 'WEB' AND (trim(e.signer_name) = ''
        OR e.start_metres IS NULL OR e.finish_metres IS NULL OR e.start_metres > e.start_tolerance
        OR e.finish_metres > e.finish_tolerance)
        OR abs(date_part('epoch', e.start_is - e.start)) > r.time_tolerance
        OR abs(date_part('epoch', e.finish_is - e.finish)) > r.time_tolerance)
   AND x.so
UNION ALL
-- paperwork, limits, bank, the office's word
SELECT v.id, x.code, 1, x.reason, x.expected, x.actual
  FROM visit v JOIN rule r ON r.id = v.rule_id JOIN experts_expert e ON e.id = v.expert_id
  LEFT JOIN banks_bank b ON b.code = e.bank_code
  LEFT JOIN banks_branch br ON br.bank_id = b.id AND br.code = e.branch_code
  LEFT JOIN overlap o ON o.id = v.id
 CROSS JOIN LATERAL (SELECT
    coalesce((r.limit_by_topic ->> v.topic)::int, r.client_limit) AS allowed,
    date_part('year', v.start - interval '3 months')::int AS year,
    '実施 ' || pg_temp.moment(v.start) || '～' || pg_temp.moment(v.finish) || ' に重なる同行' AS with_wanted,
    make_date(date_part('year', v.start - interval '3 months')::int, split_part(r.period_from, '-', 1)::int,
              split_part(r.period_from, '-', 2)::int) AS period_first,
    (make_date(date_part('year', v.start - interval '3 months')::int + 1, split_part(r.period_to, '-', 1)::int, 1)
        + interval '1 month' - interval '1 day')::date AS period_last) c
 CROSS JOIN LATERAL (VALUES
    ('P01', v.reported_at IS NULL, '支援実績報告書が提出されていません', '報告日時', '空欄'),
    ('P02', v.attested_at IS NULL, '支援先の従事証明がありません', '従事証明日時', '空欄'),
    ('P03', v.approved_at IS NULL OR v.approved_at >= %(cutoff)s,
     CASE WHEN v.approved_at IS NULL THEN '派遣可能機関の承認がありません'
          ELSE '派遣可能機関の承認が締切に間に合っていません' END,
     pg_temp.moment(%(cutoff)s::timestamptz::timestamp) || ' より前の機関承認',
     coalesce(pg_temp.moment(v.approved_at::timestamp), '空欄')),
    ('P04', NOT v.accompanied AND trim(v.no_accompaniment_reason) = '', '同行が無いのに、その理由がありません',
     '同行無の理由', '空欄'),
    ('P05', v.accompanied AND (v.with_from IS NULL OR v.with_to IS NULL OR v.with_from >= v.with_to
            OR v.with_from >= v.finish OR v.with_to <= v.start),
     CASE WHEN v.with_from IS NULL OR v.with_to IS NULL THEN concat_ws('と', CASE WHEN v.with_from IS NULL THEN '同行開始' END,
               CASE WHEN v.with_to IS NULL THEN '同行終了' END) || 'がありません'
          WHEN v.with_to <= v.with_from THEN '同行終了が同行開始より後ではありません'
          ELSE '同行の時間が実施の時間と重なりません' END,
     c.with_wanted,
     coalesce('同行 ' || pg_temp.moment(v.with_from) || '～' || pg_temp.moment(v.with_to),
              concat_ws('・', CASE WHEN v.with_from IS NULL THEN '同行開始' END,
                        CASE WHEN v.with_to IS NULL THEN '同行終了' END) || ' 空欄')),
    ('L01', v.ordinal > c.allowed AND NOT v.limit_exception,
     '支援先への' || c.year || '年度の派遣回数が上限を超えています', c.allowed || '回まで、または上限例外承認',
     v.ordinal || '回目'),
    ('L02', v.day NOT BETWEEN c.period_first AND c.period_last, '実施日が派遣期間の外です',
     pg_temp.day(c.period_first) || '～' || pg_temp.day(c.period_last), pg_temp.day(v.day)),
    ('L03', o.id IS NOT NULL, '同じ専門家の他の派遣と実施時間が重なっています', '重なりなし', o.numbers || ' と重複'),
    ('B01', br.id IS NULL, CASE WHEN b.id IS NULL THEN '銀行コードが銀行マスターにありません'
          ELSE '支店コードが銀行マスターにありません' END, '銀行マスターにある銀行・支店',
     '銀行 ' || e.bank_code || '・支店 ' || e.branch_code),
    ('M01', v.office_decision = '保留', '事務局が保留しています: ' || v.office_decision_reason, '事務局判断 なし',
     '事務局判断 保留')
  ) AS x (code, so, reason, expected, actual)
 WHERE (v.reported_at IS NULL OR v.attested_at IS NULL OR v.approved_at IS NULL OR v.approved_at >= %(cutoff)s
        OR NOT v.accompanied OR v.with_from IS NULL OR v.with_to IS NULL OR v.with_from >= v.with_to
        OR v.with_from >= v.finish OR v.with_to <= v.start OR v.ordinal > c.allowed
        OR v.day NOT BETWEEN c.period_first AND c.period_last OR o.id IS NOT NULL OR br.id IS NULL
        OR v.office_decision <> '')
   AND x.so
UNION ALL
SELECT v.id, 'L02', 1, '実施日に有効な規程がありません', '規程のある日の実施', pg_temp.day(v.day)
  FROM visit v WHERE v.rule_id IS NULL
UNION ALL
-- claims
SELECT t.dispatch_id, x.code, t.line_no, x.reason, x.expected, t.place || ': ' || x.actual
  FROM claim t JOIN rule r ON r.id = t.rule_id
 CROSS JOIN LATERAL (VALUES
    ('T01', t.kind = '航空' AND NOT (t.stub AND t.receipt), t.place || 'に' || concat_ws('と', CASE WHEN NOT t.stub THEN
     '半券' END, CASE WHEN NOT t.receipt THEN '領収書' END) || 'がありません', '搭乗券の半券（またはこれに準ずるもの）と領収書',
     concat_ws('・', CASE WHEN NOT t.stub THEN '半券' END, CASE WHEN NOT t.receipt THEN '領収書' END) || ' 無'),
    ('T02', t.kind IN ('タクシー', 'レンタカー', '宿泊') AND NOT t.receipt, t.place || 'に領収書がありません', '領収書 有',
     '領収書 無'),
    ('T02', t.kind = '船' AND t.fast_boat AND t.parallel_route AND NOT t.receipt,
     t.place || 'は普通船もある航路の高速船で、領収書がありません', '領収書 有（高速船と普通船の両方がある航路）', '領収書 無'),
    ('T03', t.kind IN ('タクシー', 'レンタカー') AND NOT t.no_public_transport,
     t.place || 'は公共交通機関がない場合に限ります', '公共交通機関なし 有', '公共交通機関なし 無'),
    ('T04', t.kind = '宿泊' AND trim(t.reason) = '', t.place || 'に必要理由がありません', '宿泊が必要な理由', '必要理由 空欄'),
    ('T05', t.kind IN ('航空', '船') AND t.seat NOT IN ('', '普通席'), t.place || 'の座席が普通席ではありません', '普通席', t.seat),
    ('T06', t.kind = 'レンタカー' AND t.accepted_yen IS NULL, t.place || 'の認定額がありません（事務局が認定します）', '認定額',
     '認定額 空欄'),
    ('T07', t.kind = '私有車' AND t.accepted_km IS NULL, t.place || 'の認定距離がありません（事務局が最短経路を測ります）',
     '認定距離km', '認定距離km 空欄')
  ) AS x (code, so, reason, expected, actual)
 WHERE t.kind NOT IN ('鉄道', 'バス') AND (t.kind <> '私有車' OR t.accepted_km IS NULL) AND x.so;

-- Several causes of one code are joined; 対象外 hides the rest; a waiver ends a 保留 where a rule set is in force.
INSERT INTO payments_runhold (run_id, dispatch_id, kind, code, reason, expected, actual)
SELECT %(run)s, x.id, '対象外', x.code, x.reason, x.expected, x.actual FROM excluded x
UNION ALL
SELECT %(run)s, c.id, CASE WHEN c.code ^@ 'P0' AND c.code <= 'P03' THEN '未了' ELSE '保留' END, c.code,
       pg_temp.joined(array_agg(c.reason ORDER BY c.nth)), pg_temp.joined(array_agg(c.expected ORDER BY c.nth)),
       pg_temp.joined(array_agg(c.actual ORDER BY c.nth))
  FROM cause c JOIN visit v ON v.id = c.id
 WHERE NOT EXISTS (SELECT 1 FROM excluded x WHERE x.id = c.id)
   AND NOT (v.rule_id IS NOT NULL AND c.code NOT IN ('P01', 'P02', 'P03') AND EXISTS (
            SELECT 1 FROM dispatch_waiver w WHERE w.dispatch_id = c.id AND w.code = c.code AND w.revoked_at IS NULL))
 GROUP BY c.id, c.code;

CREATE TEMP TABLE payable ON COMMIT DROP AS
SELECT v.* FROM visit v
 WHERE NOT EXISTS (SELECT 1 FROM payments_runhold h WHERE h.run_id = %(run)s AND h.dispatch_id = v.id);
ANALYZE payable;
