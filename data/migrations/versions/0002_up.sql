-- 0002: the planner's workbench.

-- Workload: how much a household, a case a month, an elder and a building without lift weigh; the band stays on households ----
ALTER TABLE grid_scheme
  ADD COLUMN weight_households DOUBLE PRECISION DEFAULT 1 NOT NULL,
  ADD COLUMN weight_incidents_month DOUBLE PRECISION DEFAULT 0 NOT NULL,
  ADD COLUMN weight_residents_60 DOUBLE PRECISION DEFAULT 0 NOT NULL,
  ADD COLUMN weight_no_lift_units DOUBLE PRECISION DEFAULT 0 NOT NULL,
  ADD CONSTRAINT ck_grid_scheme_weights CHECK (
    least(weight_households, weight_incidents_month, weight_residents_60, weight_no_lift_units) >= 0
    AND weight_households + weight_incidents_month + weight_residents_60 + weight_no_lift_units > 0);
INSERT INTO grid_scheme (code, name, floor, ceiling, target, code_template, source)
VALUES ('steward-grid', '红色管家网格', 300, 500, 400, '{community:12}{serial:03}', '每300至500户设一名红色管家');
ALTER TABLE unit ADD COLUMN has_lift BOOLEAN;

-- The life of a plan: proposed, draft, submitted, approved (waits for its day), effective, retired ----------------------------
ALTER TABLE plan RENAME COLUMN parent_id TO base_id;
ALTER TABLE plan RENAME CONSTRAINT fk_plan_parent_id TO fk_plan_base_id;
ALTER TABLE plan DROP CONSTRAINT ck_plan_status;
ALTER TABLE plan
  ADD COLUMN version INTEGER DEFAULT 1 NOT NULL,
  ADD COLUMN locks JSONB DEFAULT '{"grids": [], "units": []}'::jsonb NOT NULL,
  ADD COLUMN submitted_by TEXT,
  ADD COLUMN submitted_at TIMESTAMP WITH TIME ZONE,
  ADD COLUMN approved_by TEXT,
  ADD COLUMN approved_at TIMESTAMP WITH TIME ZONE,
  ADD COLUMN reject_reason TEXT,
  ADD COLUMN retired_on DATE,
  ADD COLUMN updated_by TEXT,
  ADD COLUMN updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  ADD CONSTRAINT ck_plan_status CHECK (status IN ('proposed', 'draft', 'submitted', 'approved', 'effective', 'retired')),
  ADD CONSTRAINT ck_plan_two_persons CHECK (submitted_by <> approved_by);
UPDATE plan SET updated_by = created_by, updated_at = created_at;
-- the version of its plan that put a unit into its grid: two planners who edit one draft learn where they clash
ALTER TABLE plan_assignment ADD COLUMN version INTEGER DEFAULT 1 NOT NULL;
CREATE INDEX ix_plan_path ON plan USING gist (path);

-- Grids in force from a day (null: as long as anything is known) until before a day (null: still). A plan of a street replaces only
-- that street's grids, so it is the grids that are dated, not only the plans.
ALTER TABLE grid
  ADD COLUMN valid_from DATE,
  ADD COLUMN valid_to DATE,
  ADD CONSTRAINT ck_grid_validity CHECK (valid_from <= valid_to);
UPDATE plan p SET retired_on = coalesce(
    (SELECT min(n.effective_on) FROM plan n WHERE n.area_id = p.area_id AND n.id <> p.id AND n.effective_on >= p.effective_on),
    current_date)
  WHERE status = 'retired';
UPDATE grid g SET valid_to = p.retired_on FROM plan p WHERE p.id = g.plan_id AND p.status = 'retired';
UPDATE grid g SET valid_from = p.effective_on FROM plan p
  WHERE p.id = g.plan_id AND p.status IN ('effective', 'retired')
    AND EXISTS (SELECT 1 FROM plan o WHERE o.area_id = p.area_id AND o.retired_on = p.effective_on AND o.id <> p.id);

DO $$
DECLARE in_map text := '((SELECT ''''::ltree = ANY (map_scope())) OR (SELECT map_scope()) @> path)';
BEGIN
  DROP POLICY in_scope ON grid;
  DROP POLICY in_force ON plan;
  EXECUTE format('CREATE POLICY in_scope ON grid FOR SELECT TO yiwangtu_app USING ((is_effective OR valid_to IS NOT NULL) AND %s)', in_map);
  EXECUTE format('CREATE POLICY in_force ON plan FOR SELECT TO yiwangtu_app USING (status IN (''effective'', ''retired'') AND (%s OR path @> ANY ((SELECT map_scope())::ltree[])))', in_map);
END $$;

-- Where a point lies, on the day of `at` there: see 0001; a report that comes late belongs to the grid of its day ----------------
DROP FUNCTION locate(geometry);
CREATE FUNCTION locate(point geometry, at timestamptz DEFAULT now(), OUT path ltree, OUT area_id bigint, OUT grid_code text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  SELECT g.path, g.area_id, g.code INTO path, area_id, grid_code
    FROM grid g JOIN area a ON a.id = g.area_id
    WHERE (g.is_effective OR g.valid_to IS NOT NULL) AND ST_Intersects(g.geom, point)
      AND coalesce(g.valid_from, '-infinity') <= (at AT TIME ZONE a.time_zone)::date
      AND coalesce(g.valid_to, 'infinity') > (at AT TIME ZONE a.time_zone)::date
    ORDER BY g.code LIMIT 1;
  IF FOUND THEN RETURN; END IF;
  SELECT a.path, a.id INTO path, area_id
    FROM area a WHERE ST_Intersects(a.geom, point) ORDER BY nlevel(a.path) DESC, a.code LIMIT 1;
  IF NOT FOUND THEN path := ''::ltree; END IF;
END $$;
CREATE OR REPLACE FUNCTION place_incident() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE found record;
BEGIN
  IF NEW.code IS NULL THEN
    NEW.code := to_char(NEW.reported_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD') || '-' || lpad(nextval('incident_code_seq')::text, 6, '0');
  END IF;
  IF NEW.path IS NULL THEN
    SELECT * INTO found FROM locate(NEW.geom, NEW.reported_at);
    NEW.path := found.path;
    NEW.area_id := found.area_id;
    NEW.grid_code := found.grid_code;
  END IF;
  RETURN NEW;
END $$;

-- The ground around each unit and which units are neighbours, drawn once a community; a change of what they hang on forgets them --
CREATE TABLE lot_sheet (
  area_id BIGINT NOT NULL,
  path LTREE NOT NULL,
  drawn_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_lot_sheet PRIMARY KEY (area_id),
  CONSTRAINT fk_lot_sheet_area_id FOREIGN KEY(area_id) REFERENCES area (id) ON DELETE CASCADE
);
CREATE TABLE unit_lot (
  unit_id BIGINT NOT NULL,
  path LTREE NOT NULL,
  geom geometry(MULTIPOLYGON,4326) NOT NULL,
  CONSTRAINT pk_unit_lot PRIMARY KEY (unit_id),
  CONSTRAINT fk_unit_lot_unit_id FOREIGN KEY(unit_id) REFERENCES unit (id) ON DELETE CASCADE
);
CREATE TABLE unit_neighbour (
  unit_a BIGINT NOT NULL,
  unit_b BIGINT NOT NULL,
  path LTREE NOT NULL,
  border_m DOUBLE PRECISION NOT NULL,
  is_cut BOOLEAN NOT NULL,
  is_bridge BOOLEAN NOT NULL,
  CONSTRAINT pk_unit_neighbour PRIMARY KEY (unit_a, unit_b),
  CONSTRAINT ck_unit_neighbour_order CHECK (unit_a < unit_b),
  CONSTRAINT fk_unit_neighbour_unit_a FOREIGN KEY(unit_a) REFERENCES unit (id) ON DELETE CASCADE,
  CONSTRAINT fk_unit_neighbour_unit_b FOREIGN KEY(unit_b) REFERENCES unit (id) ON DELETE CASCADE
);
CREATE INDEX ix_lot_sheet_path ON lot_sheet USING gist (path);
CREATE INDEX ix_unit_lot_path ON unit_lot USING gist (path);
CREATE INDEX ix_unit_neighbour_path ON unit_neighbour USING gist (path);
CREATE INDEX ix_unit_neighbour_unit_b ON unit_neighbour (unit_b);

-- The shared lock waits for a drawing in progress, which holds it alone: a change is never missed by what was drawn before it.
CREATE FUNCTION forget_lots() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7420206);
  IF TG_TABLE_NAME = 'unit' THEN
    DELETE FROM lot_sheet s WHERE EXISTS (SELECT 1 FROM changed c WHERE c.path = s.path);
  ELSIF TG_TABLE_NAME = 'area' THEN
    DELETE FROM lot_sheet s USING changed c WHERE c.id = s.area_id;
  ELSIF TG_TABLE_NAME = 'road' THEN
    DELETE FROM lot_sheet s USING area a, changed c WHERE a.id = s.area_id AND c.is_barrier AND ST_Intersects(a.geom, c.geom);
  ELSE
    DELETE FROM lot_sheet s USING area a, changed c WHERE a.id = s.area_id AND ST_Intersects(a.geom, c.geom);
  END IF;
  RETURN NULL;
END $$;
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['unit', 'area', 'road', 'barrier'] LOOP
    EXECUTE format('CREATE TRIGGER forget_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION forget_lots()', t);
    EXECUTE format('CREATE TRIGGER forget_update AFTER UPDATE ON %I REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION forget_lots()', t);
    EXECUTE format('CREATE TRIGGER forget_before AFTER UPDATE ON %I REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION forget_lots()', t);
    EXECUTE format('CREATE TRIGGER forget_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION forget_lots()', t);
  END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON lot_sheet, unit_lot, unit_neighbour TO yiwangtu_app;
DO $$
DECLARE
  t text;
  in_map text := '((SELECT ''''::ltree = ANY (map_scope())) OR (SELECT map_scope()) @> path)';
BEGIN
  FOREACH t IN ARRAY ARRAY['lot_sheet', 'unit_lot', 'unit_neighbour'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY planner ON %I FOR ALL TO yiwangtu_app USING ((SELECT ''planner'' = ANY (scope_roles())) AND %s) WITH CHECK (''planner'' = ANY (scope_roles()) AND %s)', t, in_map, in_map);
  END LOOP;
END $$;
