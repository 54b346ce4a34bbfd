-- 0008 undone; verdicts by rules cannot be told as those of one radius, so none are kept.
DROP POLICY planner ON rulebook;
DROP POLICY planner ON standard_rule;
REVOKE INSERT ON rulebook, standard_rule FROM yiwangtu_app;
DELETE FROM job WHERE kind = 'site';
DROP TABLE siting;
ALTER TABLE job DROP CONSTRAINT ck_job_kind;
ALTER TABLE job ADD CONSTRAINT ck_job_kind CHECK (kind IN ('rebalance', 'gaps', 'merge'));
DELETE FROM service_gap;
ALTER TABLE service_gap
  DROP COLUMN examination_id, DROP COLUMN residents_60, DROP COLUMN residents_80, DROP COLUMN verdicts, DROP COLUMN walk_m,
  DROP COLUMN straight_m, DROP COLUMN facilities, DROP COLUMN reasons,
  DROP CONSTRAINT uq_service_gap_unit_id,
  ADD COLUMN facility_kind TEXT NOT NULL,
  ADD COLUMN radius_m DOUBLE PRECISION NOT NULL,
  ADD COLUMN distance_m DOUBLE PRECISION,
  ADD COLUMN straight_m DOUBLE PRECISION,
  ADD COLUMN facility_code TEXT,
  ADD COLUMN is_covered BOOLEAN,
  ADD COLUMN reason TEXT NOT NULL,
  ADD COLUMN computed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  ADD CONSTRAINT uq_service_gap_facility_kind_unit_id UNIQUE (facility_kind, unit_id);
DROP TABLE examination;
