-- 0005: what a report costs, once more (docs/decisions/0002 has the figures).

-- When a grid is in force, in instants: its days begin by the clock of its area. So a report asks no other table.
ALTER TABLE grid ADD COLUMN starts_at TIMESTAMPTZ, ADD COLUMN ends_at TIMESTAMPTZ;
CREATE FUNCTION date_grid() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  SELECT NEW.valid_from::timestamp AT TIME ZONE a.time_zone, NEW.valid_to::timestamp AT TIME ZONE a.time_zone
    INTO NEW.starts_at, NEW.ends_at FROM area a WHERE a.id = NEW.area_id;
  RETURN NEW;
END $$;
CREATE TRIGGER date_insert BEFORE INSERT ON grid FOR EACH ROW WHEN (NEW.valid_from IS NOT NULL OR NEW.valid_to IS NOT NULL)
  EXECUTE FUNCTION date_grid();
CREATE TRIGGER date_update BEFORE UPDATE OF valid_from, valid_to, area_id ON grid FOR EACH ROW EXECUTE FUNCTION date_grid();
CREATE FUNCTION date_grids() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE grid SET valid_from = valid_from WHERE area_id = NEW.id AND (valid_from IS NOT NULL OR valid_to IS NOT NULL);
  RETURN NULL;
END $$;
CREATE TRIGGER date_grids AFTER UPDATE OF time_zone ON area FOR EACH ROW WHEN (OLD.time_zone <> NEW.time_zone)
  EXECUTE FUNCTION date_grids();
UPDATE grid SET valid_from = valid_from WHERE valid_from IS NOT NULL OR valid_to IS NOT NULL;

-- Every name is written with its schema instead of a search path set for the function: setting one, and back, makes
-- PostgreSQL look all schemas up again, twice a report. Operators are those of pg_catalog, which comes first unless the
-- session says otherwise; the app's role can create nothing that could be found in their place.
CREATE OR REPLACE FUNCTION place_incident() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF NEW.code IS NULL THEN
    NEW.code := to_char(NEW.reported_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD') || '-'
      || lpad(nextval('public.incident_code_seq')::text, 6, '0');
  END IF;
  IF NEW.path IS NULL THEN
    SELECT g.path, g.area_id, g.code INTO NEW.path, NEW.area_id, NEW.grid_code FROM public.grid g
      WHERE (g.is_effective OR g.valid_to IS NOT NULL) AND public.ST_Intersects(g.geom, NEW.geom)
        AND (g.starts_at IS NULL OR g.starts_at <= NEW.reported_at) AND (g.ends_at IS NULL OR g.ends_at > NEW.reported_at)
      ORDER BY g.code LIMIT 1;
    IF NOT FOUND THEN
      SELECT a.path, a.id INTO NEW.path, NEW.area_id FROM public.area a
        WHERE public.ST_Intersects(a.geom, NEW.geom) ORDER BY public.nlevel(a.path) DESC, a.code LIMIT 1;
      NEW.path := coalesce(NEW.path, '');
    END IF;
  ELSIF NEW.area_id IS NOT NULL THEN
    PERFORM 1 FROM public.area a WHERE a.id = NEW.area_id;
    IF NOT FOUND THEN
      RAISE foreign_key_violation USING MESSAGE = format('there is no area with the key %s', NEW.area_id);
    END IF;
  END IF;
  PERFORM 1 FROM public.category c WHERE c.code = NEW.category;
  IF NOT FOUND THEN
    RAISE foreign_key_violation USING MESSAGE = format('there is no category %s', NEW.category);
  END IF;
  RETURN NEW;
END $$;
ALTER FUNCTION place_incident() RESET search_path;

-- The outbox holds what waits, and `event` what the one reader has numbered: a writer keeps one index of the two.
CREATE TABLE event (
  seq BIGINT NOT NULL,
  kind TEXT NOT NULL,
  layer TEXT,
  path LTREE,
  key TEXT,
  CONSTRAINT pk_event PRIMARY KEY (seq)
);
GRANT SELECT, INSERT, DELETE ON event TO yiwangtu_app;
INSERT INTO event SELECT seq, kind, layer, path, key FROM outbox WHERE seq IS NOT NULL;
DELETE FROM outbox WHERE seq IS NOT NULL;
ALTER TABLE outbox DROP COLUMN seq, DROP COLUMN created_at;  -- and with them both indexes
ALTER TABLE outbox ADD CONSTRAINT pk_outbox PRIMARY KEY (id);
ALTER SEQUENCE outbox_seq RENAME TO event_seq;
GRANT SELECT ON SEQUENCE event_seq TO yiwangtu_app;

-- Density cells: every second zoom; a tile between two reads the cells of the finer.
DELETE FROM incident_cell WHERE z IN (15, 17, 19);
