-- 0001: indexes, the functions that read a transaction's scope, triggers, row-level security, grants.

-- Indexes ------------------------------------------------------------------------------------------------------------
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['area', 'compound', 'unit', 'road', 'barrier', 'grid', 'facility', 'sorting_zone', 'incident', 'service_gap'] LOOP
    EXECUTE format('CREATE INDEX %I ON %I USING gist (geom)', 'ix_' || t || '_geom', t);
    EXECUTE format('CREATE INDEX %I ON %I USING gist (geom_3857)', 'ix_' || t || '_geom_3857', t);
    EXECUTE format('CREATE INDEX %I ON %I USING gist (path)', 'ix_' || t || '_path', t);
  END LOOP;
END $$;
CREATE INDEX ix_area_parent_id ON area (parent_id);
CREATE INDEX ix_unit_compound_id ON unit (compound_id);
CREATE INDEX ix_plan_assignment_unit_id ON plan_assignment (unit_id);
CREATE INDEX ix_plan_assignment_grid_id ON plan_assignment (grid_id);
CREATE INDEX ix_facility_kind ON facility (kind);
CREATE INDEX ix_incident_reported_at ON incident (reported_at DESC);
CREATE INDEX ix_incident_status ON incident (status);
CREATE INDEX ix_incident_event_at ON incident_event (at);
CREATE INDEX ix_incident_photo_incident_id ON incident_photo (incident_id);
CREATE INDEX ix_membership_account_id ON membership (account_id);
CREATE INDEX ix_session_expires_at ON session (expires_at);
CREATE INDEX ix_job_status ON job (status);
CREATE INDEX ix_outbox_waiting ON outbox (id) WHERE seq IS NULL;
CREATE SEQUENCE outbox_seq;
CREATE SEQUENCE incident_code_seq;

-- Scope: set by the app with SET LOCAL at the start of each transaction; the empty path is every area -----------------
CREATE FUNCTION map_scope() RETURNS ltree[] LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT coalesce(nullif(current_setting('yiwangtu.map_scope', true), ''), '{}')::ltree[] $$;
CREATE FUNCTION case_scope() RETURNS ltree[] LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT coalesce(nullif(current_setting('yiwangtu.case_scope', true), ''), '{}')::ltree[] $$;
CREATE FUNCTION scope_roles() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT coalesce(nullif(current_setting('yiwangtu.roles', true), ''), '{}')::text[] $$;
-- whether the viewer works on cases: reads their description, notes and photos, and moves them on
CREATE FUNCTION handles_cases() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT scope_roles() && '{worker,community,street,dispatcher,department}'::text[] $$;
CREATE FUNCTION scope_departments() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT coalesce(nullif(current_setting('yiwangtu.departments', true), ''), '{}')::text[] $$;
CREATE FUNCTION scope_account() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('yiwangtu.account_id', true), '')::bigint $$;

-- Where a point lies: the grid of the effective plan, else the community, street or district. It reads past row-level
-- security, because a report may lie in another worker's grid; it answers codes only. On a shared border the lowest code wins.
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

-- Incidents: placed and numbered on arrival, announced through the outbox ----------------------------------------------
CREATE FUNCTION place_incident() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER place_incident BEFORE INSERT ON incident FOR EACH ROW WHEN (NEW.code IS NULL OR NEW.path IS NULL)
  EXECUTE FUNCTION place_incident();

-- One outbox row an incident, saying which density cells it leaves and enters; the one reader keeps the pyramid from it, so
-- that writers never wait for each other on a hot cell. A bulk load sets yiwangtu.bulk and keeps the pyramid itself.
CREATE FUNCTION announce_incident() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('yiwangtu.bulk', true) = 'on' THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    INSERT INTO outbox (kind, layer, path, key, payload)
      SELECT 'incident', 'incident', n.path, n.id::text,
             jsonb_build_object('added', jsonb_build_array(ST_X(n.geom), ST_Y(n.geom), n.path::text))
      FROM fresh n;
  ELSIF TG_OP = 'UPDATE' THEN
    INSERT INTO outbox (kind, layer, path, key, payload)
      SELECT 'incident', 'incident', n.path, n.id::text,
             CASE WHEN n.path = o.path AND n.geom = o.geom THEN '{}'::jsonb ELSE
               jsonb_build_object('removed', jsonb_build_array(ST_X(o.geom), ST_Y(o.geom), o.path::text),
                                  'added', jsonb_build_array(ST_X(n.geom), ST_Y(n.geom), n.path::text)) END
      FROM fresh n JOIN gone o USING (id);
  ELSE
    INSERT INTO outbox (kind, layer, path, key, payload)
      SELECT 'incident', 'incident', o.path, o.id::text,
             jsonb_build_object('removed', jsonb_build_array(ST_X(o.geom), ST_Y(o.geom), o.path::text))
      FROM gone o;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER announce_insert AFTER INSERT ON incident REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION announce_incident();
CREATE TRIGGER announce_update AFTER UPDATE ON incident REFERENCING NEW TABLE AS fresh OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION announce_incident();
CREATE TRIGGER announce_delete AFTER DELETE ON incident REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION announce_incident();

-- The other layers: one outbox row a changed layer and statement --------------------------------------------------------
CREATE FUNCTION announce_layers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM changed) THEN
    RETURN NULL;
  END IF;
  IF TG_TABLE_NAME IN ('area', 'facility') THEN
    EXECUTE format('INSERT INTO outbox (kind, layer) SELECT DISTINCT ''layer'', %I FROM changed',
                   CASE TG_TABLE_NAME WHEN 'area' THEN 'level' ELSE 'kind' END);
  ELSE
    INSERT INTO outbox (kind, layer) VALUES ('layer', TG_TABLE_NAME);
  END IF;
  RETURN NULL;
END $$;
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['area', 'compound', 'unit', 'road', 'barrier', 'grid', 'facility', 'sorting_zone', 'service_gap'] LOOP
    EXECUTE format('CREATE TRIGGER announce_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION announce_layers()', t);
    EXECUTE format('CREATE TRIGGER announce_update AFTER UPDATE ON %I REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION announce_layers()', t);
    EXECUTE format('CREATE TRIGGER announce_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION announce_layers()', t);
  END LOOP;
END $$;

-- Jobs: every change of state is an event -------------------------------------------------------------------------------
CREATE FUNCTION announce_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO outbox (kind, path, key) VALUES ('job', NEW.path, NEW.id::text);
  RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER INSERT OR UPDATE ON job FOR EACH ROW EXECUTE FUNCTION announce_job();

-- Under row-level security PostgreSQL uses an index only for operators that it knows to tell nothing about hidden rows. Whether two
-- boxes meet and whether one path lies under another tells nothing, but the extensions do not say so, and without it every tile
-- and list reads its whole table. Only a superuser may say it; elsewhere the product works, slowly, and the log says why.
DO $$
BEGIN
  ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;
  ALTER FUNCTION ltree_isparent(ltree, ltree) LEAKPROOF;
  ALTER FUNCTION ltree_risparent(ltree, ltree) LEAKPROOF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE WARNING 'geometry_overlaps, ltree_isparent and ltree_risparent are not LEAKPROOF: tiles under row-level security use no index; let a superuser ALTER FUNCTION them';
END $$;

-- Who may do what: the app's role owns nothing --------------------------------------------------------------------------
DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'yiwangtu_app') THEN
    CREATE ROLE yiwangtu_app LOGIN;
  END IF;
END $$;
GRANT USAGE ON SCHEMA public TO yiwangtu_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO yiwangtu_app;
REVOKE SELECT ON audit_event FROM yiwangtu_app;
GRANT INSERT ON audit_event TO yiwangtu_app;
GRANT INSERT, UPDATE, DELETE ON session, incident_cell, outbox TO yiwangtu_app;
GRANT INSERT, UPDATE ON layer_revision, job, incident TO yiwangtu_app;
GRANT INSERT ON incident_event, incident_photo TO yiwangtu_app;
GRANT INSERT, UPDATE, DELETE ON plan, grid, plan_assignment, service_gap TO yiwangtu_app;
GRANT UPDATE (failed_count, locked_until, password_hash) ON account TO yiwangtu_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO yiwangtu_app;

DO $$
DECLARE
  t text;
  in_map text := '((SELECT ''''::ltree = ANY (map_scope())) OR (SELECT map_scope()) @> path)';
BEGIN
  -- everyone's rows; which fields is decided by the layer's declaration
  FOREACH t IN ARRAY ARRAY['area', 'road', 'barrier', 'facility', 'sorting_zone'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY everyone ON %I FOR SELECT TO yiwangtu_app USING (true)', t);
  END LOOP;
  -- rows of one's own areas
  FOREACH t IN ARRAY ARRAY['compound', 'unit', 'service_gap'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY in_scope ON %I FOR SELECT TO yiwangtu_app USING %s', t, in_map);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['grid', 'plan', 'job'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
  END LOOP;
  EXECUTE format('CREATE POLICY in_scope ON grid FOR SELECT TO yiwangtu_app USING (is_effective AND %s)', in_map);
  EXECUTE format('CREATE POLICY in_force ON plan FOR SELECT TO yiwangtu_app USING (status = ''effective'' AND (%s OR path @> ANY ((SELECT map_scope())::ltree[])))', in_map);
  -- a planner's work
  FOREACH t IN ARRAY ARRAY['grid', 'service_gap', 'plan', 'job'] LOOP
    EXECUTE format('CREATE POLICY planner ON %I FOR ALL TO yiwangtu_app USING (''planner'' = ANY (scope_roles()) AND %s) WITH CHECK (''planner'' = ANY (scope_roles()) AND %s)', t, in_map, in_map);
  END LOOP;
END $$;
ALTER TABLE plan_assignment ENABLE ROW LEVEL SECURITY;
CREATE POLICY with_plan ON plan_assignment FOR ALL TO yiwangtu_app
  USING (EXISTS (SELECT 1 FROM grid g WHERE g.id = grid_id))
  WITH CHECK ('planner' = ANY (scope_roles()) AND EXISTS (SELECT 1 FROM plan p WHERE p.id = plan_id));

ALTER TABLE incident ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_scope ON incident FOR SELECT TO yiwangtu_app USING (
  (SELECT ''::ltree = ANY (case_scope())) OR (SELECT case_scope()) @> path
  OR reported_by = (SELECT scope_account())
  OR (department = ANY ((SELECT scope_departments())::text[]) AND (SELECT map_scope()) @> path));
CREATE POLICY report ON incident FOR INSERT TO yiwangtu_app WITH CHECK (
  reported_by = (SELECT scope_account()) AND (SELECT scope_roles() && '{worker,community,street,dispatcher}'::text[]));
CREATE POLICY handle ON incident FOR UPDATE TO yiwangtu_app USING (
  (SELECT handles_cases()) AND ((SELECT ''::ltree = ANY (case_scope())) OR (SELECT case_scope()) @> path
  OR (department = ANY ((SELECT scope_departments())::text[]) AND (SELECT map_scope()) @> path)));
ALTER TABLE incident_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY with_incident ON incident_event FOR SELECT TO yiwangtu_app
  USING ((SELECT handles_cases()) AND EXISTS (SELECT 1 FROM incident i WHERE i.id = incident_id));
CREATE POLICY handle ON incident_event FOR INSERT TO yiwangtu_app WITH CHECK (
  (SELECT handles_cases()) AND account_id = (SELECT scope_account()) AND EXISTS (SELECT 1 FROM incident i WHERE i.id = incident_id));
ALTER TABLE incident_photo ENABLE ROW LEVEL SECURITY;
CREATE POLICY with_incident ON incident_photo FOR ALL TO yiwangtu_app
  USING ((SELECT handles_cases()) AND EXISTS (SELECT 1 FROM incident i WHERE i.id = incident_id));

-- The band of the founding documents; a city edits it or adds its own ----------------------------------------------------
INSERT INTO grid_scheme (code, name, floor, ceiling, target, code_template, source)
VALUES ('community-grid', '社区综合网格', 400, 800, 600, '{community:12}{serial:03}', '按400至800户划分网格（下陆区 2023）');
