-- 0016: photos in a store of files and in stages; rounds, visits and tracks of grid workers.

-- Photos: bytes are files of a store (a directory, or S3) named after their SHA-256; what was in the database stays there.
ALTER TABLE incident_photo
  ALTER COLUMN content DROP NOT NULL,
  ADD COLUMN file TEXT,
  ADD COLUMN size_bytes INTEGER,
  ADD COLUMN stage TEXT DEFAULT 'report' NOT NULL,
  ADD CONSTRAINT ck_incident_photo_kept CHECK (num_nonnulls(content, file) = 1 AND (file IS NULL) = (size_bytes IS NULL)),
  ADD CONSTRAINT ck_incident_photo_file CHECK (file ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT ck_incident_photo_stage CHECK (stage IN ('report', 'before', 'after'));
ALTER TABLE category ADD COLUMN needs_after_photo BOOLEAN DEFAULT false NOT NULL;

-- What is looked at on a round.
CREATE TABLE round_item (
  code TEXT NOT NULL,
  round TEXT NOT NULL,
  name TEXT NOT NULL,
  name_en TEXT,
  every TEXT NOT NULL,
  category TEXT,
  area_code TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_round_item PRIMARY KEY (code),
  CONSTRAINT ck_round_item_every CHECK (every IN ('shift', 'day', 'week', 'month')),
  CONSTRAINT fk_round_item_category FOREIGN KEY(category) REFERENCES category (code) ON DELETE SET NULL
);
CREATE TABLE shift (
  id UUID NOT NULL,
  account_id BIGINT NOT NULL,
  grid_code TEXT NOT NULL,
  path LTREE NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  is_tracked BOOLEAN NOT NULL,
  CONSTRAINT pk_shift PRIMARY KEY (id),
  CONSTRAINT ck_shift_times CHECK (ended_at >= started_at),
  CONSTRAINT fk_shift_account_id FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE
);
CREATE INDEX ix_shift_account_id ON shift (account_id, started_at);
CREATE TABLE round_mark (
  id UUID NOT NULL,
  account_id BIGINT NOT NULL,
  shift_id UUID,
  item TEXT NOT NULL,
  grid_code TEXT NOT NULL,
  path LTREE NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  outcome TEXT NOT NULL,
  incident_id UUID,
  CONSTRAINT pk_round_mark PRIMARY KEY (id),
  CONSTRAINT ck_round_mark_outcome CHECK (outcome IN ('fine', 'finding')),
  CONSTRAINT fk_round_mark_account_id FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE
);
CREATE INDEX ix_round_mark_grid_code ON round_mark (grid_code, item, at);
CREATE TABLE visit (
  id UUID NOT NULL,
  account_id BIGINT NOT NULL,
  shift_id UUID,
  unit_code TEXT NOT NULL,
  grid_code TEXT NOT NULL,
  path LTREE NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  outcome TEXT NOT NULL,
  CONSTRAINT pk_visit PRIMARY KEY (id),
  CONSTRAINT ck_visit_outcome CHECK (outcome IN ('met', 'absent', 'declined', 'vacant')),
  CONSTRAINT fk_visit_account_id FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE
);
CREATE INDEX ix_visit_grid_code ON visit (grid_code, at);
CREATE TABLE track_point (
  shift_id UUID NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  lon DOUBLE PRECISION NOT NULL,
  lat DOUBLE PRECISION NOT NULL,
  accuracy_m DOUBLE PRECISION,
  CONSTRAINT pk_track_point PRIMARY KEY (shift_id, at),
  CONSTRAINT fk_track_point_shift_id FOREIGN KEY(shift_id) REFERENCES shift (id) ON DELETE CASCADE
);
CREATE INDEX ix_track_point_at ON track_point (at);

-- A track is its worker's alone, and nobody's after 30 days.
CREATE FUNCTION forget_tracks() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH gone AS (DELETE FROM track_point WHERE at < now() - interval '30 days' RETURNING 1) SELECT count(*) FROM gone
$$;
REVOKE EXECUTE ON FUNCTION forget_tracks FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_tracks TO yiwangtu_app;

GRANT SELECT ON round_item TO yiwangtu_app;
GRANT SELECT, INSERT ON round_mark, visit, shift TO yiwangtu_app;
GRANT UPDATE (ended_at) ON shift TO yiwangtu_app;
GRANT SELECT, INSERT, DELETE ON track_point TO yiwangtu_app;
ALTER TABLE round_item ENABLE ROW LEVEL SECURITY;
CREATE POLICY everyone ON round_item FOR SELECT TO yiwangtu_app USING (true);
ALTER TABLE shift ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shift FOR ALL TO yiwangtu_app USING (account_id = (SELECT scope_account()))
  WITH CHECK (account_id = (SELECT scope_account()) AND (SELECT 'worker' = ANY (scope_roles())));
ALTER TABLE track_point ENABLE ROW LEVEL SECURITY;
CREATE POLICY with_shift ON track_point FOR ALL TO yiwangtu_app USING (EXISTS (SELECT 1 FROM shift s WHERE s.id = shift_id));
DO $$
DECLARE
  t text;
  in_scope text := '((SELECT ''''::ltree = ANY (case_scope())) OR (SELECT case_scope()) @> path)';
BEGIN
  FOREACH t IN ARRAY ARRAY['round_mark', 'visit'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY in_scope ON %I FOR SELECT TO yiwangtu_app USING ((SELECT handles_cases()) AND %s)', t, in_scope);
    EXECUTE format('CREATE POLICY enter ON %I FOR INSERT TO yiwangtu_app WITH CHECK (account_id = (SELECT scope_account()) AND (SELECT ''worker'' = ANY (scope_roles())) AND %s)', t, in_scope);
  END LOOP;
END $$;
