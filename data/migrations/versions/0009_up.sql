-- 0009: reports by PUT. What the sender's clock said is kept beside the time that counts; what was imported was never received.
ALTER TABLE incident ADD COLUMN occurred_at TIMESTAMP WITH TIME ZONE, ADD COLUMN received_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE incident_photo ADD COLUMN lon DOUBLE PRECISION, ADD COLUMN lat DOUBLE PRECISION;

-- A desk's queue: open incidents by deadline.
CREATE INDEX ix_incident_due ON incident ((coalesce(due_at, 'infinity'::timestamptz)), id)
  WHERE status NOT IN ('closed', 'rated', 'rejected', 'merged');

-- What a request with a key was answered; everyone's own, and forgotten after a week.
CREATE TABLE repeat (
  account_id BIGINT NOT NULL,
  key TEXT NOT NULL,
  asked_hash TEXT NOT NULL,
  answer TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_repeat PRIMARY KEY (account_id, key),
  CONSTRAINT fk_repeat_account_id FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE
);
CREATE INDEX ix_repeat_created_at ON repeat (created_at);
ALTER TABLE repeat ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON repeat FOR SELECT TO yiwangtu_app
  USING (account_id = scope_account() OR created_at < now() - interval '7 days');
CREATE POLICY keep ON repeat FOR INSERT TO yiwangtu_app WITH CHECK (account_id = scope_account());
CREATE POLICY forget ON repeat FOR DELETE TO yiwangtu_app USING (created_at < now() - interval '7 days');
GRANT SELECT, INSERT, DELETE ON repeat TO yiwangtu_app;
