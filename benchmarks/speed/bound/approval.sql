-- The approval: the dispatches are scheduled for payment, the run becomes final; the triggers check and record both.

SELECT set_config('app.transition', 'schedule', true);
UPDATE dispatch_dispatch d SET status = 'scheduled', updated_at = now()
  FROM payments_payoutline l WHERE l.run_id = %(run)s AND l.item = '謝金' AND d.id = l.dispatch_id;
SELECT set_config('app.transition', '', true);
UPDATE payments_payoutrun
   SET status = 'approved', approver_id = %(checker)s, approved_at = clock_timestamp(),
       payer_copy = (SELECT to_jsonb(p) FROM payments_payer p WHERE p.id = payer_id)
 WHERE id = %(run)s;
