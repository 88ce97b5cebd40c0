from importlib import import_module

from django.db import migrations

from core.database.fields import sealed_only

guards = import_module("payments.migrations.0002_guards")

# Changing the key of a cipher changes no value: the fingerprint after the dot stays. That alone is allowed in
# frozen rows, so that a key can be retired (docs/adr/0014-data-at-rest.md).
WITHOUT_CIPHER = """
CREATE FUNCTION payments_without_cipher(given jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public AS $$
SELECT given || coalesce(
    (SELECT jsonb_object_agg(key, split_part(value #>> '{}', '.', 2)) FROM jsonb_each(given)
      WHERE key IN ('account_number', 'account_holder_kana')
        AND value #>> '{}' ~ '^gAAAA[A-Za-z0-9_=-]+[.][A-Za-z0-9_-]{22}$'), '{}'::jsonb)
$$;
REVOKE EXECUTE ON FUNCTION payments_without_cipher(jsonb) FROM PUBLIC;
"""

PAYOUT_GUARD = """
CREATE FUNCTION payments_guard_payouts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
    frozen text;
BEGIN
    SELECT r.name INTO frozen
      FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
      JOIN public.payments_payoutrun r ON r.id IN (o.run_id, n.run_id)
     WHERE r.status NOT IN ('draft', 'computed')
       AND (to_jsonb(o) IS NOT DISTINCT FROM to_jsonb(n)
            OR public.payments_without_cipher(to_jsonb(o)) IS DISTINCT FROM public.payments_without_cipher(to_jsonb(n)))
     LIMIT 1;
    IF frozen IS NOT NULL THEN
        RAISE EXCEPTION '月次支払 % は承認済みのため、その明細は変更できません。', frozen
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION payments_guard_payouts() FROM PUBLIC;
DROP TRIGGER guard_update ON payments_payout;
CREATE TRIGGER guard_update AFTER UPDATE ON payments_payout
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_payouts();
"""

PAYOUT_GUARD_UNDO = """
DROP TRIGGER guard_update ON payments_payout;
CREATE TRIGGER guard_update AFTER UPDATE ON payments_payout
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_rows();
DROP FUNCTION payments_guard_payouts();
DROP FUNCTION payments_without_cipher(jsonb);
"""

_BODY = guards.RUN_GUARD[: guards.RUN_GUARD.index("-- What does not add up")]
_COMPARED = "(to_jsonb(OLD) - progress) IS DISTINCT FROM (to_jsonb(NEW) - progress)"
_SAME_COPY = """(to_jsonb(OLD) - progress - 'payer_copy'::text, public.payments_without_cipher(OLD.payer_copy))
           IS DISTINCT FROM
           (to_jsonb(NEW) - progress - 'payer_copy'::text, public.payments_without_cipher(NEW.payer_copy))"""
RUN_GUARD_UNDO = _BODY.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
RUN_GUARD = RUN_GUARD_UNDO.replace(_COMPARED, _SAME_COPY)


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_seal_accounts")]

    operations = [
        migrations.AddConstraint(
            model_name="payer", constraint=sealed_only("payments_payer", "account_number")
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=sealed_only("payments_payout", "account_number", "account_holder_kana"),
        ),
        migrations.RunSQL(WITHOUT_CIPHER + PAYOUT_GUARD, PAYOUT_GUARD_UNDO),
        migrations.RunSQL(RUN_GUARD, RUN_GUARD_UNDO),
    ]
