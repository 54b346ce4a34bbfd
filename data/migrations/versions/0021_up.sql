-- 0021: what a policy lets be written it ties to who writes, and transfers of points do not deadlock.

-- Checks of permissive policies are joined by OR, whichever policy let the row be taken: each says again whose row it is.
ALTER POLICY resident_answers ON incident
  WITH CHECK (id = (SELECT scope_report()) AND (SELECT scope_account()) IS NULL AND status IN ('rated', 'reopened'));
ALTER POLICY taker_moves ON incident
  WITH CHECK (id = (SELECT scope_report()) AND takes_case(id) AND status IN ('in_progress', 'resolved'));

-- The keys that a transfer refers to are locked already, for other transfers too: a lock of the whole row would wait for those.
CREATE OR REPLACE FUNCTION book_points() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  -- both accounts in one order, so that transfers crosswise do not block each other; the balances' own check ends an overdraft
  PERFORM 1 FROM points_account WHERE id IN (NEW.debit_id, NEW.credit_id) ORDER BY id FOR NO KEY UPDATE;
  IF NEW.purpose = 'reversal' AND NOT EXISTS (
    SELECT 1 FROM points_transfer t WHERE t.id = NEW.reverses AND t.purpose <> 'reversal'
      AND (t.debit_id, t.credit_id, t.amount) = (NEW.credit_id, NEW.debit_id, NEW.amount)) THEN
    RAISE check_violation USING MESSAGE = 'a reversal gives back exactly what one transfer gave';
  END IF;
  UPDATE points_account SET balance = balance + CASE id WHEN NEW.credit_id THEN NEW.amount ELSE -NEW.amount END
    WHERE id IN (NEW.debit_id, NEW.credit_id);
  RETURN NULL;
END $$;
