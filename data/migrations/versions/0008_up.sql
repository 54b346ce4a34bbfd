-- 0008: an examination judges the units of an area by every rule of a version of a rulebook. A unit has one row, of its newest
-- examination; what each rule says is at the rule's place in `examination.rules`, so that tiles need one feature a unit.
CREATE TABLE examination (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  area_code TEXT NOT NULL,
  path LTREE NOT NULL,
  rulebook TEXT NOT NULL,
  version INTEGER NOT NULL,
  rules TEXT[] NOT NULL,
  data_on DATE[] NOT NULL,
  without_data TEXT[] NOT NULL,
  made_by TEXT,
  made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_examination PRIMARY KEY (id),
  CONSTRAINT fk_examination_rulebook FOREIGN KEY (rulebook, version) REFERENCES rulebook (code, version),
  CONSTRAINT ck_examination_rules CHECK (cardinality(rules) = cardinality(data_on))
);
CREATE INDEX ix_examination_path ON examination USING gist (path);

-- verdicts of one radius cannot be told as those of rules: a job "gaps" measures them anew
DELETE FROM service_gap;
ALTER TABLE service_gap
  DROP COLUMN facility_kind, DROP COLUMN radius_m, DROP COLUMN distance_m, DROP COLUMN facility_code, DROP COLUMN is_covered,
  DROP COLUMN reason, DROP COLUMN straight_m, DROP COLUMN computed_at,
  ADD COLUMN examination_id BIGINT NOT NULL,
  ADD COLUMN residents_60 INTEGER,
  ADD COLUMN residents_80 INTEGER,
  ADD COLUMN verdicts TEXT NOT NULL,
  ADD COLUMN walk_m REAL[] NOT NULL,
  ADD COLUMN straight_m REAL[] NOT NULL,
  ADD COLUMN facilities TEXT[] NOT NULL,
  ADD COLUMN reasons TEXT[] NOT NULL,
  ADD CONSTRAINT uq_service_gap_unit_id UNIQUE (unit_id),
  ADD CONSTRAINT fk_service_gap_examination_id FOREIGN KEY (examination_id) REFERENCES examination (id) ON DELETE CASCADE,
  ADD CONSTRAINT ck_service_gap_verdicts CHECK (verdicts ~ '^[mnu]*$'),
  ADD CONSTRAINT ck_service_gap_rules CHECK (
    length(verdicts) = cardinality(walk_m) AND length(verdicts) = cardinality(straight_m)
    AND length(verdicts) = cardinality(facilities) AND length(verdicts) = cardinality(reasons));
CREATE INDEX ix_service_gap_examination_id ON service_gap (examination_id);

-- What a siting job found, whole; its job's result has the figures alone.
CREATE TABLE siting (
  job_id UUID NOT NULL,
  path LTREE NOT NULL,
  answer JSONB NOT NULL,
  CONSTRAINT pk_siting PRIMARY KEY (job_id),
  CONSTRAINT fk_siting_job_id FOREIGN KEY (job_id) REFERENCES job (id) ON DELETE CASCADE
);
ALTER TABLE job DROP CONSTRAINT ck_job_kind;
ALTER TABLE job ADD CONSTRAINT ck_job_kind CHECK (kind IN ('rebalance', 'gaps', 'merge', 'site'));

GRANT SELECT, INSERT, UPDATE, DELETE ON examination, siting TO yiwangtu_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO yiwangtu_app;
-- a planner may bring the next version of a rulebook
GRANT INSERT ON rulebook, standard_rule TO yiwangtu_app;
DO $$
DECLARE
  t text;
  in_map text := '((SELECT ''''::ltree = ANY (map_scope())) OR (SELECT map_scope()) @> path)';
BEGIN
  FOREACH t IN ARRAY ARRAY['examination', 'siting'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY planner ON %I FOR ALL TO yiwangtu_app USING (''planner'' = ANY (scope_roles()) AND %s) WITH CHECK (''planner'' = ANY (scope_roles()) AND %s)', t, in_map, in_map);
  END LOOP;
  -- who sees verdicts of some units sees what they were judged by
  EXECUTE format('CREATE POLICY with_units ON examination FOR SELECT TO yiwangtu_app USING (%s OR path @> ANY ((SELECT map_scope())::ltree[]))', in_map);
  FOREACH t IN ARRAY ARRAY['rulebook', 'standard_rule'] LOOP
    EXECUTE format('CREATE POLICY planner ON %I FOR INSERT TO yiwangtu_app WITH CHECK (''planner'' = ANY (scope_roles()))', t);
  END LOOP;
END $$;
