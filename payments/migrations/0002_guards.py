from django.db import migrations

from core.audit.triggers import record_history
from core.database.guards import forbid_truncate

# A run goes forward step by step; from approval on only its progress and the times of it may change.
RUN_GUARD = """
CREATE FUNCTION payments_guard_run() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
    progress text[] := ARRAY['status', 'exported_at', 'transferred_at', 'closed_at'];
    wrong text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status NOT IN ('draft', 'computed') THEN
            RAISE EXCEPTION '月次支払 % は承認済みのため削除できません。', OLD.name USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'draft' THEN
            RAISE EXCEPTION '月次支払は下書きから始めます。' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.status <> OLD.status AND (OLD.status || '>' || NEW.status) NOT IN (
        'draft>computed', 'computed>draft', 'computed>approved', 'approved>exported',
        'exported>transferred', 'transferred>closed') THEN
        RAISE EXCEPTION '月次支払 % の状態を「%」から「%」へは変更できません。', OLD.name, OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.status NOT IN ('draft', 'computed')
       AND (to_jsonb(OLD) - progress) IS DISTINCT FROM (to_jsonb(NEW) - progress) THEN
        RAISE EXCEPTION '月次支払 % は承認済みのため変更できません。', OLD.name USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status = 'computed' AND NEW.status = 'approved' THEN
        wrong := payments_run_mismatch(NEW);
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION '月次支払 % は承認できません: %', NEW.name, wrong USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;

-- What does not add up, or null: lines = payouts = totals of the run, each dispatch with exactly one fee line.
CREATE FUNCTION payments_run_mismatch(run payments_payoutrun) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, public AS $$
WITH line AS (
    SELECT l.payout_id, l.dispatch_id, sum(l.amount) AS amount,
           sum(l.amount) FILTER (WHERE l.item = '謝金') AS fee,
           count(*) FILTER (WHERE l.item = '謝金') AS fees,
           bool_and(l.run_id = run.id AND d.expert_id = l.expert_id) AS own
      FROM public.payments_payoutline l JOIN public.dispatch_dispatch d ON d.id = l.dispatch_id
     WHERE l.run_id = run.id OR l.payout_id IN (SELECT id FROM public.payments_payout WHERE run_id = run.id)
     GROUP BY 1, 2
), total AS (
    SELECT payout_id, count(*) AS dispatches, sum(amount) AS gross, coalesce(sum(fee), 0) AS fee,
           bool_and(fees = 1 AND own) AS whole
      FROM line GROUP BY 1
), compared AS (
    SELECT p.id, p.expert_code, coalesce(t.whole AND t.gross = p.gross AND t.fee = p.fee
           AND t.dispatches = p.dispatch_count, false) AS same
      FROM public.payments_payout p LEFT JOIN total t ON t.payout_id = p.id WHERE p.run_id = run.id
), payouts AS (
    SELECT count(*) AS n, coalesce(sum(dispatch_count), 0) AS dispatches, coalesce(sum(fee), 0) AS fee,
           coalesce(sum(travel), 0) AS travel, coalesce(sum(gross), 0) AS gross,
           coalesce(sum(withholding), 0) AS withholding, coalesce(sum(net), 0) AS net,
           coalesce(sum(consumption_tax), 0) AS tax
      FROM public.payments_payout WHERE run_id = run.id
)
SELECT CASE
    WHEN payouts.n = 0 THEN '支払がありません。'
    WHEN EXISTS (SELECT 1 FROM compared WHERE NOT same) THEN
        '明細と支払の合計が一致しません（専門家 ' || (SELECT min(expert_code) FROM compared WHERE NOT same) || '）。'
    WHEN EXISTS (SELECT 1 FROM total WHERE payout_id NOT IN (SELECT id FROM compared)) THEN
        'ほかの月次支払の明細が混ざっています。'
    WHEN (payouts.n, payouts.dispatches, payouts.fee, payouts.travel, payouts.gross, payouts.withholding,
          payouts.net, payouts.tax) IS DISTINCT FROM
         (run.payee_count, run.dispatch_count, run.fee, run.travel, run.gross, run.withholding,
          run.net, run.consumption_tax) THEN '支払の合計と総額が一致しません。'
    END
  FROM payouts
$$;
REVOKE EXECUTE ON FUNCTION payments_guard_run() FROM PUBLIC;
CREATE TRIGGER guard_run BEFORE INSERT OR UPDATE OR DELETE ON payments_payoutrun
    FOR EACH ROW EXECUTE FUNCTION payments_guard_run();
"""

RUN_GUARD_UNDO = """
DROP TRIGGER guard_run ON payments_payoutrun;
DROP FUNCTION payments_guard_run();
DROP FUNCTION payments_run_mismatch(payments_payoutrun);
"""

# The rows of a run, checked once per statement, so that adding 100,000 lines costs one look-up.
ROWS_GUARD = """
CREATE FUNCTION payments_guard_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
    frozen text;
BEGIN
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        SELECT r.name INTO frozen FROM public.payments_payoutrun r
         WHERE r.status NOT IN ('draft', 'computed') AND r.id IN (SELECT run_id FROM new_rows) LIMIT 1;
    END IF;
    IF frozen IS NULL AND TG_OP IN ('UPDATE', 'DELETE') THEN
        SELECT r.name INTO frozen FROM public.payments_payoutrun r
         WHERE r.status NOT IN ('draft', 'computed') AND r.id IN (SELECT run_id FROM old_rows) LIMIT 1;
    END IF;
    IF frozen IS NOT NULL THEN
        RAISE EXCEPTION '月次支払 % は承認済みのため、その明細は変更できません。', frozen
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION payments_guard_rows() FROM PUBLIC;
"""

# A rule set that an approved run was calculated with stays as it was.
RULES_GUARD = """
CREATE FUNCTION payments_guard_rule_set() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM public.payments_runruleset u JOIN public.payments_payoutrun r ON r.id = u.run_id
                WHERE u.rule_set_id = OLD.id AND r.status NOT IN ('draft', 'computed')) THEN
        RAISE EXCEPTION '支出基準 % は承認済みの月次支払で使われているため変更できません。', OLD.code
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
REVOKE EXECUTE ON FUNCTION payments_guard_rule_set() FROM PUBLIC;
CREATE TRIGGER guard_used BEFORE UPDATE OR DELETE ON programme_ruleset
    FOR EACH ROW EXECUTE FUNCTION payments_guard_rule_set();
"""

RULES_GUARD_UNDO = """
DROP TRIGGER guard_used ON programme_ruleset;
DROP FUNCTION payments_guard_rule_set();
"""

ROW_TABLES = ("payments_payout", "payments_payoutline", "payments_runhold", "payments_runruleset")


def _row_triggers() -> tuple[str, str]:
    create, drop = [ROWS_GUARD], []
    for table in ROW_TABLES:
        create.append(
            f"CREATE TRIGGER guard_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_rows();"
            f"CREATE TRIGGER guard_update AFTER UPDATE ON {table}"
            " REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_rows();"
            f"CREATE TRIGGER guard_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_rows();"
        )
        for name in ("guard_insert", "guard_update", "guard_delete"):
            drop.append(f"DROP TRIGGER {name} ON {table};")
    drop.append("DROP FUNCTION payments_guard_rows();")
    return "".join(create), "".join(drop)


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0001_initial"),
        ("programme", "0002_history"),
        ("dispatch", "0002_guards"),
        ("audit", "0002_triggers"),
    ]

    operations = [
        migrations.RunSQL(RUN_GUARD, RUN_GUARD_UNDO),
        migrations.RunSQL(*_row_triggers()),
        migrations.RunSQL(RULES_GUARD, RULES_GUARD_UNDO),
        record_history("payments_payer", "payments_payoutrun"),
        forbid_truncate(
            "payments_payer",
            "payments_payoutrun",
            "payments_payout",
            "payments_payoutline",
            "payments_runhold",
            "payments_runfile",
        ),
    ]
