-- 0006: life circles. A rulebook is a code and its versions; a version never changes, so that a report which names it can be
-- read with its rules for good. A city that edits its rules makes the next version.
CREATE TABLE rulebook (
  code TEXT NOT NULL,
  version INTEGER NOT NULL,
  digest TEXT NOT NULL,
  source TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_rulebook PRIMARY KEY (code, version),
  CONSTRAINT ck_rulebook_version CHECK (version > 0)
);
CREATE TABLE standard_rule (
  rulebook TEXT NOT NULL,
  version INTEGER NOT NULL,
  code TEXT NOT NULL,
  place INTEGER NOT NULL,
  facility_kind TEXT NOT NULL,
  facility_types TEXT[] DEFAULT '{}'::text[] NOT NULL,
  facility_name TEXT NOT NULL,
  demand TEXT NOT NULL,
  metric TEXT NOT NULL,
  threshold_m DOUBLE PRECISION NOT NULL,
  level SMALLINT,
  binding TEXT NOT NULL,
  standard TEXT NOT NULL,
  edition TEXT DEFAULT '' NOT NULL,
  clause TEXT DEFAULT '' NOT NULL,
  confidence TEXT NOT NULL,
  note TEXT DEFAULT '' NOT NULL,
  note_en TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_standard_rule PRIMARY KEY (rulebook, version, code),
  CONSTRAINT fk_standard_rule_rulebook FOREIGN KEY (rulebook, version) REFERENCES rulebook (code, version),
  CONSTRAINT ck_standard_rule_demand CHECK (demand IN ('households', 'residents_60', 'residents_80')),
  CONSTRAINT ck_standard_rule_metric CHECK (metric IN ('walk', 'line')),
  CONSTRAINT ck_standard_rule_threshold CHECK (threshold_m > 0),
  CONSTRAINT ck_standard_rule_level CHECK (level IN (5, 10, 15)),
  CONSTRAINT ck_standard_rule_binding CHECK (binding IN ('must', 'should', 'may')),
  CONSTRAINT ck_standard_rule_confidence CHECK (confidence IN ('H', 'M', 'L'))
);
CREATE FUNCTION keep_rulebook() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE integrity_constraint_violation USING MESSAGE = 'a version of a rulebook never changes; load the rules as the next version';
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON rulebook FOR EACH ROW EXECUTE FUNCTION keep_rulebook();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON standard_rule FOR EACH ROW EXECUTE FUNCTION keep_rulebook();

-- What a plan document promises, or a report says was reached. `area_code` is no foreign key: it may come before the area.
CREATE TABLE target (
  code TEXT NOT NULL,
  area_code TEXT NOT NULL,
  title TEXT NOT NULL,
  title_en TEXT,
  kind TEXT DEFAULT 'target' NOT NULL,
  measure TEXT,
  facility_kind TEXT,
  amount INTEGER NOT NULL,
  unit TEXT,
  since_on DATE,
  due_on DATE,
  is_yearly BOOLEAN DEFAULT false NOT NULL,
  source TEXT NOT NULL,
  note TEXT,
  CONSTRAINT pk_target PRIMARY KEY (code),
  CONSTRAINT ck_target_kind CHECK (kind IN ('target', 'actual')),
  CONSTRAINT ck_target_measure CHECK (measure IN ('facility_count', 'capacity_added', 'sorting_streets')),
  CONSTRAINT ck_target_amount CHECK (amount > 0),
  CONSTRAINT ck_target_days CHECK (since_on <= due_on)
);
CREATE INDEX ix_target_area_code ON target (area_code);

-- When rows of a layer last changed, by district: a figure is as old as the data it is made of.
CREATE TABLE layer_date (
  layer TEXT NOT NULL,
  district TEXT NOT NULL,
  changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_layer_date PRIMARY KEY (layer, district)
);
CREATE FUNCTION date_layers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  EXECUTE format(
    'INSERT INTO layer_date (layer, district) '
    'SELECT DISTINCT %s, CASE nlevel(path) WHEN 0 THEN '''' ELSE subpath(path, 0, 1)::text END FROM changed ORDER BY 1, 2 '
    'ON CONFLICT (layer, district) DO UPDATE SET changed_at = now()',
    CASE TG_TABLE_NAME WHEN 'facility' THEN 'kind' ELSE quote_literal(TG_TABLE_NAME) END);
  RETURN NULL;
END $$;
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['unit', 'road', 'facility', 'sorting_zone'] LOOP
    EXECUTE format('CREATE TRIGGER date_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION date_layers()', t);
    EXECUTE format('CREATE TRIGGER date_update AFTER UPDATE ON %I REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION date_layers()', t);
    EXECUTE format('CREATE TRIGGER date_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION date_layers()', t);
  END LOOP;
END $$;

-- Everyone may read what is judged by, what was promised and how old the data are; only the owner writes.
GRANT SELECT ON rulebook, standard_rule, target, layer_date TO yiwangtu_app;
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['rulebook', 'standard_rule', 'target', 'layer_date'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY everyone ON %I FOR SELECT TO yiwangtu_app USING (true)', t);
  END LOOP;
END $$;
