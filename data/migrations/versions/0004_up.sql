-- 0004: crosswalks. The new code of a unit is that of its grid in the crosswalk's plan: when planners go on working on that
-- plan, the crosswalk goes with it.
ALTER TABLE job DROP CONSTRAINT ck_job_kind;
ALTER TABLE job ADD CONSTRAINT ck_job_kind CHECK (kind IN ('rebalance', 'gaps', 'merge'));

CREATE TABLE crosswalk (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  name TEXT NOT NULL,
  area_id BIGINT NOT NULL,
  path LTREE NOT NULL,
  plan_id BIGINT,
  created_by TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_crosswalk PRIMARY KEY (id),
  CONSTRAINT fk_crosswalk_area_id FOREIGN KEY(area_id) REFERENCES area (id) ON DELETE CASCADE,
  CONSTRAINT fk_crosswalk_plan_id FOREIGN KEY(plan_id) REFERENCES plan (id) ON DELETE SET NULL
);
CREATE TABLE crosswalk_layer (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  crosswalk_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  weight DOUBLE PRECISION DEFAULT 1 NOT NULL,
  source TEXT NOT NULL,
  CONSTRAINT pk_crosswalk_layer PRIMARY KEY (id),
  CONSTRAINT ck_crosswalk_layer_weight CHECK (weight > 0),
  CONSTRAINT uq_crosswalk_layer_crosswalk_id_name UNIQUE (crosswalk_id, name),
  CONSTRAINT fk_crosswalk_layer_crosswalk_id FOREIGN KEY(crosswalk_id) REFERENCES crosswalk (id) ON DELETE CASCADE
);
CREATE TABLE crosswalk_code (
  layer_id BIGINT NOT NULL,
  unit_id BIGINT NOT NULL,
  code TEXT NOT NULL,
  CONSTRAINT pk_crosswalk_code PRIMARY KEY (layer_id, unit_id),
  CONSTRAINT fk_crosswalk_code_layer_id FOREIGN KEY(layer_id) REFERENCES crosswalk_layer (id) ON DELETE CASCADE,
  CONSTRAINT fk_crosswalk_code_unit_id FOREIGN KEY(unit_id) REFERENCES unit (id) ON DELETE CASCADE
);
CREATE INDEX ix_crosswalk_path ON crosswalk USING gist (path);
CREATE INDEX ix_crosswalk_plan_id ON crosswalk (plan_id);
CREATE INDEX ix_crosswalk_code_unit_id ON crosswalk_code (unit_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON crosswalk, crosswalk_layer, crosswalk_code TO yiwangtu_app;
DO $$
DECLARE
  in_map text := '((SELECT ''''::ltree = ANY (map_scope())) OR (SELECT map_scope()) @> path)';
  is_planner text := '(SELECT ''planner'' = ANY (scope_roles()))';
BEGIN
  ALTER TABLE crosswalk ENABLE ROW LEVEL SECURITY;
  ALTER TABLE crosswalk_layer ENABLE ROW LEVEL SECURITY;
  ALTER TABLE crosswalk_code ENABLE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY planner ON crosswalk FOR ALL TO yiwangtu_app USING (%s AND %s) WITH CHECK (%s AND %s)', is_planner, in_map, is_planner, in_map);
  CREATE POLICY with_crosswalk ON crosswalk_layer FOR ALL TO yiwangtu_app
    USING (EXISTS (SELECT 1 FROM crosswalk c WHERE c.id = crosswalk_id))
    WITH CHECK (EXISTS (SELECT 1 FROM crosswalk c WHERE c.id = crosswalk_id));
  CREATE POLICY with_layer ON crosswalk_code FOR ALL TO yiwangtu_app
    USING (layer_id IN (SELECT l.id FROM crosswalk_layer l))
    WITH CHECK (layer_id IN (SELECT l.id FROM crosswalk_layer l));
END $$;
