-- 0003 undone.
ALTER TABLE incident_cell DROP CONSTRAINT pk_incident_cell, DROP COLUMN cell;
ALTER TABLE incident_cell ADD CONSTRAINT pk_incident_cell PRIMARY KEY (z, x, y, path);

DROP TRIGGER announce ON incident;
CREATE OR REPLACE FUNCTION announce_incident() RETURNS trigger LANGUAGE plpgsql AS $$
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

DROP INDEX uq_outbox_seq;
ALTER TABLE outbox ADD COLUMN payload JSONB;
UPDATE outbox SET payload = jsonb_strip_nulls(jsonb_build_object(
    'removed', CASE WHEN from_geom IS NOT NULL THEN jsonb_build_array(ST_X(from_geom), ST_Y(from_geom), from_path::text) END,
    'added', CASE WHEN to_geom IS NOT NULL THEN jsonb_build_array(ST_X(to_geom), ST_Y(to_geom), path::text) END))
  WHERE seq IS NULL AND kind = 'incident';
ALTER TABLE outbox DROP COLUMN from_geom, DROP COLUMN from_path, DROP COLUMN to_geom;
ALTER TABLE outbox ADD CONSTRAINT pk_outbox PRIMARY KEY (id), ADD CONSTRAINT uq_outbox_seq UNIQUE (seq);

DROP POLICY report ON incident;
CREATE POLICY report ON incident FOR INSERT TO yiwangtu_app WITH CHECK (
  reported_by = (SELECT scope_account()) AND (SELECT scope_roles() && '{worker,community,street,dispatcher}'::text[]));

DROP TRIGGER place_changed ON incident;
DROP TRIGGER place_incident ON incident;
CREATE OR REPLACE FUNCTION place_incident() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
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
ALTER FUNCTION place_incident() RESET search_path;
CREATE TRIGGER place_incident BEFORE INSERT ON incident FOR EACH ROW WHEN (NEW.code IS NULL OR NEW.path IS NULL)
  EXECUTE FUNCTION place_incident();

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
DROP INDEX ix_grid_geom_dated;

DROP TRIGGER hold_delete ON category; DROP TRIGGER hold_update ON category; DROP TRIGGER hold_delete ON area;
DROP TRIGGER keep_deleted ON category; DROP TRIGGER keep_updated ON category; DROP TRIGGER keep_deleted ON area;
DROP FUNCTION hold_incidents;
DROP FUNCTION keep_used;
ALTER TABLE incident
  ADD CONSTRAINT fk_incident_category FOREIGN KEY(category) REFERENCES category (code),
  ADD CONSTRAINT fk_incident_area_id FOREIGN KEY(area_id) REFERENCES area (id) ON DELETE RESTRICT;
