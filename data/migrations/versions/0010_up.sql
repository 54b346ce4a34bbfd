-- 0010: who handles an incident and until when, decided once and stored with the reason; what changes it needs another person.

-- Catalogue: local extensions of the standard's classes, and how near in place and time two reports may be the same thing.
ALTER TABLE category
  ADD COLUMN is_local BOOLEAN DEFAULT false NOT NULL,
  ADD COLUMN duplicate_m DOUBLE PRECISION DEFAULT 50 NOT NULL,
  ADD COLUMN duplicate_hours DOUBLE PRECISION DEFAULT 72 NOT NULL,
  ADD CONSTRAINT ck_category_duplicate CHECK (duplicate_m >= 0 AND duplicate_hours >= 0);

-- Time limits: of a category, everywhere or in an area; offices' hours of a working day.
CREATE TABLE sla_rule (
  category TEXT NOT NULL,
  area_code TEXT DEFAULT '' NOT NULL,
  amount INTEGER NOT NULL,
  unit TEXT NOT NULL,
  source TEXT DEFAULT '' NOT NULL,
  note TEXT,
  CONSTRAINT pk_sla_rule PRIMARY KEY (category, area_code),
  CONSTRAINT fk_sla_rule_category FOREIGN KEY(category) REFERENCES category (code) ON DELETE CASCADE,
  CONSTRAINT ck_sla_rule_amount CHECK (amount BETWEEN 1 AND 1000),
  CONSTRAINT ck_sla_rule_unit CHECK (unit IN ('emergency_hour', 'working_hour', 'working_day', 'natural_day'))
);
CREATE TABLE office_hour (
  opens TIME WITHOUT TIME ZONE NOT NULL,
  closes TIME WITHOUT TIME ZONE NOT NULL,
  CONSTRAINT pk_office_hour PRIMARY KEY (opens),
  CONSTRAINT ck_office_hour_order CHECK (opens < closes)
);
INSERT INTO office_hour VALUES ('08:30', '12:00'), ('14:30', '17:30');
CREATE TABLE incident_deadline (
  incident_id UUID NOT NULL,
  amount INTEGER NOT NULL,
  unit TEXT NOT NULL,
  source TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE NOT NULL,
  stopped_at TIMESTAMP WITH TIME ZONE,
  words TEXT NOT NULL,
  words_en TEXT NOT NULL,
  CONSTRAINT pk_incident_deadline PRIMARY KEY (incident_id),
  CONSTRAINT fk_incident_deadline_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id) ON DELETE CASCADE
);

-- Routing: a version of the rules never changes; the first rule with the finest category and area decides.
CREATE TABLE routing_book (
  version INTEGER NOT NULL,
  digest TEXT NOT NULL,
  source TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_routing_book PRIMARY KEY (version),
  CONSTRAINT ck_routing_book_version CHECK (version > 0)
);
CREATE TABLE routing_rule (
  version INTEGER NOT NULL,
  category TEXT DEFAULT '' NOT NULL,
  area_code TEXT DEFAULT '' NOT NULL,
  body TEXT NOT NULL,
  note TEXT,
  CONSTRAINT pk_routing_rule PRIMARY KEY (version, category, area_code),
  CONSTRAINT fk_routing_rule_version FOREIGN KEY(version) REFERENCES routing_book (version)
);
CREATE FUNCTION keep_routing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'routing rules of a version are never changed; make the next version';
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON routing_rule FOR EACH ROW EXECUTE FUNCTION keep_routing();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON routing_book FOR EACH ROW EXECUTE FUNCTION keep_routing();
CREATE TABLE incident_route (
  incident_id UUID NOT NULL,
  seq INTEGER NOT NULL,
  at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  version INTEGER,
  basis TEXT NOT NULL,
  body TEXT NOT NULL,
  path LTREE NOT NULL,
  grid_code TEXT,
  tied TEXT[] DEFAULT '{}'::text[] NOT NULL,
  outside_m DOUBLE PRECISION,
  words TEXT NOT NULL,
  words_en TEXT NOT NULL,
  CONSTRAINT pk_incident_route PRIMARY KEY (incident_id, seq),
  CONSTRAINT fk_incident_route_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id) ON DELETE CASCADE,
  CONSTRAINT ck_incident_route_basis CHECK (basis IN ('rule', 'category', 'fallback'))
);

-- Where a point lies at a time: all grids that hold it, the lowest code first; else the finest area; else the nearest district,
-- and how far it is. It reads past row-level security, as a report may lie in another's grid; it tells codes and metres only.
CREATE FUNCTION locate(point geometry, at timestamptz, OUT path ltree, OUT area_id bigint, OUT grid_codes text[], OUT outside_m double precision)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  SELECT (array_agg(g.path ORDER BY g.code))[1], (array_agg(g.area_id ORDER BY g.code))[1], array_agg(g.code ORDER BY g.code)
    INTO path, area_id, grid_codes FROM grid g
    WHERE (g.is_effective OR g.valid_to IS NOT NULL) AND ST_Intersects(g.geom, point)
      AND (g.starts_at IS NULL OR g.starts_at <= at) AND (g.ends_at IS NULL OR g.ends_at > at);
  IF path IS NOT NULL THEN RETURN; END IF;
  grid_codes := '{}';
  SELECT a.path, a.id INTO path, area_id FROM area a
    WHERE ST_Intersects(a.geom, point) ORDER BY nlevel(a.path) DESC, a.code LIMIT 1;
  IF FOUND THEN RETURN; END IF;
  SELECT a.path, a.id, ST_Distance(a.geom::geography, point::geography) INTO path, area_id, outside_m FROM area a
    WHERE a.level = 'district' ORDER BY a.geom <-> point, a.code LIMIT 1;
  path := coalesce(path, '');
END $$;

-- What a handler asks for and another person grants: a pause, more time, giving the incident back.
CREATE TABLE incident_request (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  incident_id UUID NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  amount INTEGER,
  asked_by BIGINT NOT NULL,
  asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  decided_by BIGINT,
  decided_at TIMESTAMP WITH TIME ZONE,
  is_granted BOOLEAN,
  decision_note TEXT,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_incident_request PRIMARY KEY (id),
  CONSTRAINT fk_incident_request_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id) ON DELETE CASCADE,
  CONSTRAINT ck_incident_request_kind CHECK (kind IN ('pause', 'extension', 'return')),
  CONSTRAINT ck_incident_request_amount CHECK ((kind = 'extension') = (amount IS NOT NULL) AND amount > 0),
  CONSTRAINT ck_incident_request_two_persons CHECK (asked_by <> decided_by),
  CONSTRAINT ck_incident_request_decision CHECK (num_nonnulls(decided_by, decided_at, is_granted) IN (0, 3))
);
CREATE INDEX ix_incident_request_incident_id ON incident_request (incident_id);
CREATE UNIQUE INDEX uq_incident_request_open ON incident_request (incident_id) WHERE decided_at IS NULL;

-- Duplicates: joined and parted again, and nothing of either forgotten.
ALTER TABLE incident ADD COLUMN merged_into UUID;
CREATE INDEX ix_incident_merged_into ON incident (merged_into) WHERE merged_into IS NOT NULL;
CREATE TABLE incident_merge (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  incident_id UUID NOT NULL,
  into_id UUID NOT NULL,
  status_before TEXT NOT NULL,
  merged_by BIGINT NOT NULL,
  merged_at TIMESTAMP WITH TIME ZONE NOT NULL,
  parted_by BIGINT,
  parted_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_incident_merge PRIMARY KEY (id),
  CONSTRAINT fk_incident_merge_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id) ON DELETE CASCADE,
  CONSTRAINT fk_incident_merge_into_id FOREIGN KEY(into_id) REFERENCES incident (id) ON DELETE CASCADE,
  CONSTRAINT ck_incident_merge_two CHECK (incident_id <> into_id)
);
CREATE INDEX ix_incident_merge_into_id ON incident_merge (into_id);
CREATE UNIQUE INDEX uq_incident_merge_open ON incident_merge (incident_id) WHERE parted_at IS NULL;

ALTER TABLE incident_event ADD COLUMN detail JSONB;

-- Who may do what.
GRANT SELECT ON sla_rule, office_hour, routing_book, routing_rule TO yiwangtu_app;
GRANT SELECT, INSERT ON incident_route TO yiwangtu_app;
GRANT SELECT, INSERT, UPDATE ON incident_deadline, incident_request, incident_merge TO yiwangtu_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO yiwangtu_app;
DO $$
DECLARE
  t text;
  seen text := 'EXISTS (SELECT 1 FROM incident i WHERE i.id = incident_id)';
BEGIN
  FOREACH t IN ARRAY ARRAY['sla_rule', 'office_hour', 'routing_book', 'routing_rule'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY everyone ON %I FOR SELECT TO yiwangtu_app USING (true)', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['incident_deadline', 'incident_route'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY with_incident ON %I FOR SELECT TO yiwangtu_app USING (%s)', t, seen);
    EXECUTE format('CREATE POLICY begin ON %I FOR INSERT TO yiwangtu_app WITH CHECK ((SELECT handles_cases()) AND %s)', t, seen);
  END LOOP;
  EXECUTE format('CREATE POLICY go_on ON incident_deadline FOR UPDATE TO yiwangtu_app USING ((SELECT handles_cases()) AND %s)', seen);
  FOREACH t IN ARRAY ARRAY['incident_request', 'incident_merge'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY handle ON %I FOR ALL TO yiwangtu_app USING ((SELECT handles_cases()) AND %s)', t, seen);
  END LOOP;
END $$;
