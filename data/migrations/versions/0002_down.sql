-- 0002 undone. Plans that wait for approval or for their day become drafts again; grids forget their days.
DROP TRIGGER forget_insert ON unit; DROP TRIGGER forget_update ON unit; DROP TRIGGER forget_before ON unit; DROP TRIGGER forget_delete ON unit;
DROP TRIGGER forget_insert ON area; DROP TRIGGER forget_update ON area; DROP TRIGGER forget_before ON area; DROP TRIGGER forget_delete ON area;
DROP TRIGGER forget_insert ON road; DROP TRIGGER forget_update ON road; DROP TRIGGER forget_before ON road; DROP TRIGGER forget_delete ON road;
DROP TRIGGER forget_insert ON barrier; DROP TRIGGER forget_update ON barrier; DROP TRIGGER forget_before ON barrier; DROP TRIGGER forget_delete ON barrier;
DROP FUNCTION forget_lots;
DROP TABLE unit_neighbour, unit_lot, lot_sheet;

DROP FUNCTION locate(geometry, timestamptz);
CREATE FUNCTION locate(point geometry, OUT path ltree, OUT area_id bigint, OUT grid_code text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  SELECT g.path, g.area_id, g.code INTO path, area_id, grid_code
    FROM grid g WHERE g.is_effective AND ST_Intersects(g.geom, point) ORDER BY g.code LIMIT 1;
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
    SELECT * INTO found FROM locate(NEW.geom);
    NEW.path := found.path;
    NEW.area_id := found.area_id;
    NEW.grid_code := found.grid_code;
  END IF;
  RETURN NEW;
END $$;

DROP POLICY in_scope ON grid;
DROP POLICY in_force ON plan;
ALTER TABLE grid DROP COLUMN valid_from, DROP COLUMN valid_to;
DROP INDEX ix_plan_path;
ALTER TABLE plan_assignment DROP COLUMN version;
ALTER TABLE plan DROP CONSTRAINT ck_plan_status, DROP CONSTRAINT ck_plan_two_persons;
UPDATE plan SET status = 'draft' WHERE status IN ('submitted', 'approved');
ALTER TABLE plan
  DROP COLUMN version, DROP COLUMN locks, DROP COLUMN submitted_by, DROP COLUMN submitted_at, DROP COLUMN approved_by,
  DROP COLUMN approved_at, DROP COLUMN reject_reason, DROP COLUMN retired_on, DROP COLUMN updated_by, DROP COLUMN updated_at,
  ADD CONSTRAINT ck_plan_status CHECK (status IN ('proposed', 'draft', 'effective', 'retired'));
ALTER TABLE plan RENAME CONSTRAINT fk_plan_base_id TO fk_plan_parent_id;
ALTER TABLE plan RENAME COLUMN base_id TO parent_id;
DO $$
DECLARE in_map text := '((SELECT ''''::ltree = ANY (map_scope())) OR (SELECT map_scope()) @> path)';
BEGIN
  EXECUTE format('CREATE POLICY in_scope ON grid FOR SELECT TO yiwangtu_app USING (is_effective AND %s)', in_map);
  EXECUTE format('CREATE POLICY in_force ON plan FOR SELECT TO yiwangtu_app USING (status = ''effective'' AND (%s OR path @> ANY ((SELECT map_scope())::ltree[])))', in_map);
END $$;

ALTER TABLE unit DROP COLUMN has_lift;
UPDATE plan SET scheme_id = (SELECT id FROM grid_scheme WHERE code = 'community-grid')
  WHERE scheme_id = (SELECT id FROM grid_scheme WHERE code = 'steward-grid')
    AND EXISTS (SELECT 1 FROM grid_scheme WHERE code = 'community-grid');
DELETE FROM grid_scheme s WHERE code = 'steward-grid' AND NOT EXISTS (SELECT 1 FROM plan p WHERE p.scheme_id = s.id);
ALTER TABLE grid_scheme DROP CONSTRAINT ck_grid_scheme_weights,
  DROP COLUMN weight_households, DROP COLUMN weight_incidents_month, DROP COLUMN weight_residents_60, DROP COLUMN weight_no_lift_units;
