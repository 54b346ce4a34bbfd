ALTER POLICY resident_answers ON incident WITH CHECK (status IN ('rated', 'reopened'));
ALTER POLICY taker_moves ON incident WITH CHECK (status IN ('in_progress', 'resolved'));
CREATE OR REPLACE FUNCTION book_points() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  -- both accounts in one order, so that transfers crosswise do not block each other; the balances' own check ends an overdraft
  PERFORM 1 FROM points_account WHERE id IN (NEW.debit_id, NEW.credit_id) ORDER BY id FOR UPDATE;
  IF NEW.purpose = 'reversal' AND NOT EXISTS (
    SELECT 1 FROM points_transfer t WHERE t.id = NEW.reverses AND t.purpose <> 'reversal'
      AND (t.debit_id, t.credit_id, t.amount) = (NEW.credit_id, NEW.debit_id, NEW.amount)) THEN
    RAISE check_violation USING MESSAGE = 'a reversal gives back exactly what one transfer gave';
  END IF;
  UPDATE points_account SET balance = balance + CASE id WHEN NEW.credit_id THEN NEW.amount ELSE -NEW.amount END
    WHERE id IN (NEW.debit_id, NEW.credit_id);
  RETURN NULL;
END $$;
