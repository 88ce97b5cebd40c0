from django.db import migrations

# The keys are those of payments/services/locks.py. Whoever changes what a calculation depends on holds the shared
# lock until the end of the transaction; an approval takes it alone, so that nothing changes between its check
# and its commit. A statement asks once, however many rows it writes.
WAIT = """
CREATE FUNCTION payments_wait_for_approval() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(119, 2);
    RETURN NULL;
END $$;
"""
WAITING = (
    "dispatch_dispatch", "dispatch_checkevent", "dispatch_declaration", "dispatch_travelline", "dispatch_company",
    "experts_expert", "institutions_institution", "programme_ruleset", "payments_payer", "banks_master",
)  # fmt: skip

# What belongs to a dispatch of an approved run stays as it was; only the status of the dispatch goes on.
FROZEN = """
CREATE FUNCTION payments_guard_evidence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
    frozen text;
BEGIN
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        SELECT d.number || ' は承認済みの月次支払 ' || r.name INTO frozen
          FROM new_rows n
          JOIN public.payments_payoutline l ON l.dispatch_id = n.dispatch_id AND l.item = '謝金'
          JOIN public.payments_payoutrun r ON r.id = l.run_id AND r.status NOT IN ('draft', 'computed')
          JOIN public.dispatch_dispatch d ON d.id = n.dispatch_id LIMIT 1;
    END IF;
    IF frozen IS NULL AND TG_OP IN ('UPDATE', 'DELETE') THEN
        SELECT d.number || ' は承認済みの月次支払 ' || r.name INTO frozen
          FROM old_rows o
          JOIN public.payments_payoutline l ON l.dispatch_id = o.dispatch_id AND l.item = '謝金'
          JOIN public.payments_payoutrun r ON r.id = l.run_id AND r.status NOT IN ('draft', 'computed')
          JOIN public.dispatch_dispatch d ON d.id = o.dispatch_id LIMIT 1;
    END IF;
    IF frozen IS NOT NULL THEN
        RAISE EXCEPTION '派遣 % に含まれるため、その記録は変更できません。', frozen USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION payments_guard_evidence() FROM PUBLIC;

CREATE FUNCTION payments_guard_dispatch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
    free text[] := ARRAY['status', 'updated_at'];
    frozen text;
BEGIN
    SELECT o.number || ' は承認済みの月次支払 ' || r.name INTO frozen
      FROM old_rows o
      JOIN public.payments_payoutline l ON l.dispatch_id = o.id AND l.item = '謝金'
      JOIN public.payments_payoutrun r ON r.id = l.run_id AND r.status NOT IN ('draft', 'computed')
      LEFT JOIN new_rows n ON n.id = o.id
     WHERE (to_jsonb(o) - free) IS DISTINCT FROM (to_jsonb(n) - free) LIMIT 1;
    IF frozen IS NOT NULL THEN
        RAISE EXCEPTION '派遣 % に含まれるため変更できません。', frozen USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION payments_guard_dispatch() FROM PUBLIC;
CREATE TRIGGER guard_frozen AFTER UPDATE ON dispatch_dispatch
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_dispatch();

CREATE FUNCTION payments_guard_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '出力ファイルの記録は書き換えられません。' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER guard_append_only BEFORE UPDATE OR DELETE ON payments_runfile
    FOR EACH ROW EXECUTE FUNCTION payments_guard_file();
"""
EVIDENCE = ("dispatch_declaration", "dispatch_travelline")


def _statements() -> tuple[str, str]:
    create, drop = [WAIT, FROZEN], []
    for table in WAITING:
        create.append(
            f"CREATE TRIGGER wait_for_approval BEFORE INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION payments_wait_for_approval();"
        )
        drop.append(f"DROP TRIGGER wait_for_approval ON {table};")
    # check events are append-only by a trigger of their own
    for table in ("dispatch_checkevent", *EVIDENCE):
        create.append(
            f"CREATE TRIGGER guard_frozen_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_evidence();"
        )
        drop.append(f"DROP TRIGGER guard_frozen_insert ON {table};")
    for table in EVIDENCE:
        create.append(
            f"CREATE TRIGGER guard_frozen_update AFTER UPDATE ON {table}"
            " REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_evidence();"
            f"CREATE TRIGGER guard_frozen_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_evidence();"
        )
        drop.append(
            f"DROP TRIGGER guard_frozen_update ON {table};DROP TRIGGER guard_frozen_delete ON {table};"
        )
    drop.append(
        "DROP TRIGGER guard_append_only ON payments_runfile; DROP FUNCTION payments_guard_file();"
        "DROP TRIGGER guard_frozen ON dispatch_dispatch; DROP FUNCTION payments_guard_dispatch();"
        "DROP FUNCTION payments_guard_evidence(); DROP FUNCTION payments_wait_for_approval();"
    )
    return "".join(create), "".join(drop)


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0003_run_download"),
        ("banks", "0001_initial"),
        ("dispatch", "0002_guards"),
        ("experts", "0002_history"),
        ("institutions", "0002_history"),
    ]

    operations = [migrations.RunSQL(*_statements())]
