-- 0007: the public map.

-- Days that are not what their weekday says, by the clock of the places that keep them (area.time_zone). `as_weekday` is the
-- weekday (Monday 1 .. Sunday 7) whose hours a make-up workday has.
CREATE TABLE calendar_day (
  time_zone TEXT NOT NULL,
  day DATE NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  name_en TEXT,
  as_weekday SMALLINT,
  source TEXT NOT NULL,
  is_builtin BOOLEAN DEFAULT false NOT NULL,
  CONSTRAINT pk_calendar_day PRIMARY KEY (time_zone, day),
  CONSTRAINT ck_calendar_day_kind CHECK (kind IN ('holiday', 'workday')),
  CONSTRAINT ck_calendar_day_as_weekday CHECK ((kind = 'workday') = (as_weekday IS NOT NULL) AND as_weekday BETWEEN 1 AND 7)
);

-- What one can get done at a station or elsewhere, the lowest tier that does it, and what to bring; facilities name the items.
CREATE TABLE service_item (
  name TEXT NOT NULL,
  name_en TEXT,
  facility_kind TEXT NOT NULL,
  tier TEXT,
  bring TEXT[] DEFAULT '{}'::text[] NOT NULL,
  note TEXT,
  place INTEGER NOT NULL,
  CONSTRAINT pk_service_item PRIMARY KEY (name),
  CONSTRAINT ck_service_item_facility_kind CHECK (facility_kind IN ('station', 'canteen', 'elder_care', 'parking', 'refuse_point'))
);

-- A canteen's price of a meal and who pays less, how many meals it cooks, the hours of each meal, the communities it delivers to.
ALTER TABLE facility
  ADD COLUMN price DOUBLE PRECISION,
  ADD COLUMN price_note TEXT,
  ADD COLUMN meals_per_day INTEGER,
  ADD COLUMN meals JSONB DEFAULT '{}'::jsonb NOT NULL,
  ADD COLUMN delivers_to TEXT[] DEFAULT '{}'::text[] NOT NULL,
  ADD CONSTRAINT ck_facility_price CHECK (price >= 0),
  ADD CONSTRAINT ck_facility_meals_per_day CHECK (meals_per_day >= 0),
  ADD CONSTRAINT ck_facility_meals CHECK (jsonb_typeof(meals) = 'object');
-- where these stood until now
UPDATE facility SET
  price = CASE WHEN attributes->>'price' ~ '^\d{1,6}(\.\d{1,6})?$' THEN (attributes->>'price')::double precision END,
  meals_per_day = CASE WHEN attributes->>'meals_per_day' ~ '^\d{1,8}$' THEN (attributes->>'meals_per_day')::integer END
WHERE kind = 'canteen' AND attributes ?| ARRAY['price', 'meals_per_day'];
UPDATE facility SET attributes = attributes
  - CASE WHEN price IS NULL THEN '{}'::text[] ELSE '{price}' END
  - CASE WHEN meals_per_day IS NULL THEN '{}'::text[] ELSE '{meals_per_day}' END
WHERE price IS NOT NULL OR meals_per_day IS NOT NULL;

-- A changed calendar or catalogue changes what is said of every facility.
CREATE FUNCTION announce_facilities() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO outbox (kind, layer)
    SELECT 'layer', kind FROM unnest(ARRAY['station', 'canteen', 'elder_care', 'parking', 'refuse_point']) kind;
  RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE ON calendar_day FOR EACH STATEMENT EXECUTE FUNCTION announce_facilities();
CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE ON service_item FOR EACH STATEMENT EXECUTE FUNCTION announce_facilities();

-- Where a walk through an area begins: at the walkable street nearest its middle; in its middle where it has none.
CREATE FUNCTION middle_street(place geometry) RETURNS geometry LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT coalesce(
    (SELECT ST_ClosestPoint(r.geom, m.at) FROM road r WHERE r.is_walkable AND ST_Intersects(r.geom, place)
     ORDER BY r.geom <-> m.at LIMIT 1),
    m.at)
  FROM (SELECT ST_PointOnSurface(place) AS at) m
$$;

-- What the QR code of a grid tells everybody, who may not read grids: its community, and a point inside to walk from.
CREATE FUNCTION public_grid(wanted text, OUT code text, OUT community text, OUT lon double precision, OUT lat double precision)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT g.code, a.code, ST_X(p.at), ST_Y(p.at)
  FROM grid g JOIN area a ON a.id = g.area_id CROSS JOIN LATERAL (SELECT middle_street(g.geom) AS at) p
  WHERE g.is_effective AND g.code = wanted ORDER BY g.id LIMIT 1
$$;

-- Everyone may read both; only the owner writes.
GRANT SELECT ON calendar_day, service_item TO yiwangtu_app;
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['calendar_day', 'service_item'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY everyone ON %I FOR SELECT TO yiwangtu_app USING (true)', t);
  END LOOP;
END $$;
