-- 0005 undone.
INSERT INTO incident_cell (z, x, y, path, count)
  SELECT z - 1, x >> 1, y >> 1, path, sum(count) FROM incident_cell WHERE z IN (16, 18, 20) GROUP BY 1, 2, 3, 4;

REVOKE SELECT ON SEQUENCE event_seq FROM yiwangtu_app;
ALTER SEQUENCE event_seq RENAME TO outbox_seq;
ALTER TABLE outbox DROP CONSTRAINT pk_outbox, ADD COLUMN seq BIGINT, ADD COLUMN created_at TIMESTAMPTZ NOT NULL DEFAULT now();
CREATE INDEX ix_outbox_waiting ON outbox (id) WHERE seq IS NULL;
CREATE UNIQUE INDEX uq_outbox_seq ON outbox (seq) WHERE seq IS NOT NULL;
INSERT INTO outbox (seq, kind, layer, path, key) SELECT seq, kind, layer, path, key FROM event ORDER BY seq;
DROP TABLE event;

DROP TRIGGER date_grids ON area;
DROP TRIGGER date_insert ON grid;
DROP TRIGGER date_update ON grid;
DROP FUNCTION date_grids;
DROP FUNCTION date_grid;
CREATE OR REPLACE FUNCTION place_incident() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE g record;
BEGIN
  IF NEW.code IS NULL THEN
    NEW.code := to_char(NEW.reported_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD') || '-' || lpad(nextval('incident_code_seq')::text, 6, '0');
  END IF;
  IF NEW.path IS NULL THEN
    NEW.grid_code := NULL;
    FOR g IN
      SELECT x.path, x.area_id, x.code FROM grid x
      WHERE (x.is_effective OR x.valid_to IS NOT NULL) AND ST_Intersects(x.geom, NEW.geom)
        AND (x.valid_from IS NULL AND x.valid_to IS NULL OR (
          SELECT coalesce(x.valid_from <= d.day, true) AND coalesce(x.valid_to > d.day, true)
          FROM (SELECT (NEW.reported_at AT TIME ZONE a.time_zone)::date AS day FROM area a WHERE a.id = x.area_id) d))
    LOOP
      IF NEW.grid_code IS NULL OR g.code < NEW.grid_code THEN
        NEW.path := g.path;
        NEW.area_id := g.area_id;
        NEW.grid_code := g.code;
      END IF;
    END LOOP;
    IF NEW.path IS NULL THEN
      SELECT a.path, a.id INTO NEW.path, NEW.area_id
        FROM area a WHERE ST_Intersects(a.geom, NEW.geom) ORDER BY nlevel(a.path) DESC, a.code LIMIT 1;
      NEW.path := coalesce(NEW.path, '');
    END IF;
  ELSIF NEW.area_id IS NOT NULL THEN
    PERFORM 1 FROM area a WHERE a.id = NEW.area_id;
    IF NOT FOUND THEN
      RAISE foreign_key_violation USING MESSAGE = format('there is no area with the key %s', NEW.area_id);
    END IF;
  END IF;
  PERFORM 1 FROM category c WHERE c.code = NEW.category;
  IF NOT FOUND THEN
    RAISE foreign_key_violation USING MESSAGE = format('there is no category %s', NEW.category);
  END IF;
  RETURN NEW;
END $$;
ALTER TABLE grid DROP COLUMN starts_at, DROP COLUMN ends_at;
