-- 0003: what a report costs the writer, and its reader (docs/decisions/0002 has the figures).

-- Incidents hang on a category and an area. A foreign key locks the row it points to, and with it every other writer of the same
-- category, for each report. Here the trigger looks the two up, and whoever takes a category or an area away first waits for
-- all writers of incidents: as safe, and no report waits.
ALTER TABLE incident DROP CONSTRAINT fk_incident_category, DROP CONSTRAINT fk_incident_area_id;

CREATE FUNCTION hold_incidents() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  LOCK TABLE incident IN SHARE MODE;
  RETURN NULL;
END $$;
CREATE FUNCTION keep_used() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_TABLE_NAME = 'category' THEN
    IF EXISTS (SELECT 1 FROM incident i WHERE i.category = OLD.code) THEN
      RAISE foreign_key_violation USING MESSAGE = format('category %s is used by incidents', OLD.code);
    END IF;
  ELSIF EXISTS (SELECT 1 FROM incident i WHERE i.area_id = OLD.id) THEN
    RAISE foreign_key_violation USING MESSAGE = format('area %s is used by incidents', OLD.code);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER hold_delete BEFORE DELETE ON category FOR EACH STATEMENT EXECUTE FUNCTION hold_incidents();
CREATE TRIGGER hold_update BEFORE UPDATE OF code ON category FOR EACH STATEMENT EXECUTE FUNCTION hold_incidents();
CREATE TRIGGER hold_delete BEFORE DELETE ON area FOR EACH STATEMENT EXECUTE FUNCTION hold_incidents();
CREATE TRIGGER keep_deleted AFTER DELETE ON category FOR EACH ROW EXECUTE FUNCTION keep_used();
CREATE TRIGGER keep_updated AFTER UPDATE OF code ON category FOR EACH ROW WHEN (OLD.code <> NEW.code) EXECUTE FUNCTION keep_used();
CREATE TRIGGER keep_deleted AFTER DELETE ON area FOR EACH ROW EXECUTE FUNCTION keep_used();

-- Where a point lies (see 0001, 0002): in the trigger itself, in a loop, because a call and a sort cost more than the search;
-- SP-GiST, because grids tile the plane and boxes of a GiST overlap there.
CREATE INDEX ix_grid_geom_dated ON grid USING spgist (geom) WHERE is_effective OR valid_to IS NOT NULL;
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
DROP FUNCTION locate;
DROP TRIGGER place_incident ON incident;
CREATE TRIGGER place_incident BEFORE INSERT ON incident FOR EACH ROW EXECUTE FUNCTION place_incident();
CREATE TRIGGER place_changed BEFORE UPDATE OF category, area_id ON incident FOR EACH ROW
  WHEN (OLD.category IS DISTINCT FROM NEW.category OR OLD.area_id IS DISTINCT FROM NEW.area_id) EXECUTE FUNCTION place_incident();

-- One row a statement is what reports are: asking once a statement costs more than asking once a row.
DROP POLICY report ON incident;
CREATE POLICY report ON incident FOR INSERT TO yiwangtu_app WITH CHECK (
  reported_by = scope_account() AND scope_roles() && '{worker,community,street,dispatcher}'::text[]);

-- The outbox: one index on what waits, one on what is numbered. An incident's row says where it came from and where it went.
ALTER TABLE outbox ADD COLUMN from_geom geometry(POINT, 4326), ADD COLUMN from_path LTREE, ADD COLUMN to_geom geometry(POINT, 4326);
UPDATE outbox SET
  to_geom = CASE WHEN payload ? 'added' THEN ST_SetSRID(ST_MakePoint((payload->'added'->>0)::double precision, (payload->'added'->>1)::double precision), 4326) END,
  from_geom = CASE WHEN payload ? 'removed' THEN ST_SetSRID(ST_MakePoint((payload->'removed'->>0)::double precision, (payload->'removed'->>1)::double precision), 4326) END,
  from_path = (payload->'removed'->>2)::ltree
  WHERE seq IS NULL AND kind = 'incident';
ALTER TABLE outbox DROP COLUMN payload, DROP CONSTRAINT pk_outbox, DROP CONSTRAINT uq_outbox_seq;
CREATE UNIQUE INDEX uq_outbox_seq ON outbox (seq) WHERE seq IS NOT NULL;

DROP TRIGGER announce_insert ON incident;
DROP TRIGGER announce_update ON incident;
DROP TRIGGER announce_delete ON incident;
CREATE OR REPLACE FUNCTION announce_incident() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('yiwangtu.bulk', true) = 'on' THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    INSERT INTO outbox (kind, layer, key, path, to_geom) VALUES ('incident', 'incident', NEW.id::text, NEW.path, NEW.geom);
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO outbox (kind, layer, key, path, from_path, from_geom)
      VALUES ('incident', 'incident', OLD.id::text, OLD.path, OLD.path, OLD.geom);
  ELSIF NEW.path = OLD.path AND NEW.geom = OLD.geom THEN
    INSERT INTO outbox (kind, layer, key, path) VALUES ('incident', 'incident', NEW.id::text, NEW.path);
  ELSE
    INSERT INTO outbox (kind, layer, key, path, to_geom, from_path, from_geom)
      VALUES ('incident', 'incident', NEW.id::text, NEW.path, NEW.geom, OLD.path, OLD.geom);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE ON incident FOR EACH ROW EXECUTE FUNCTION announce_incident();

-- Density cells: one number for a key, in which the cells of a tile follow each other.
ALTER TABLE incident_cell DROP CONSTRAINT pk_incident_cell, ADD COLUMN cell BIGINT NOT NULL
  GENERATED ALWAYS AS ((z::bigint << 40) | ((x >> 6)::bigint << 26) | ((y >> 6)::bigint << 12) | ((x & 63) << 6) | (y & 63)) STORED;
ALTER TABLE incident_cell ADD CONSTRAINT pk_incident_cell PRIMARY KEY (cell, path);
