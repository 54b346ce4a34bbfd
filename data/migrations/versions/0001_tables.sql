-- 0001: the tables, as layers/tables.py and data/tables.py describe them.

CREATE TABLE account (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  login TEXT NOT NULL,
  display_name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  is_active BOOLEAN DEFAULT true NOT NULL,
  failed_count INTEGER DEFAULT 0 NOT NULL,
  locked_until TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_account PRIMARY KEY (id),
  CONSTRAINT uq_account_login UNIQUE (login)
);

CREATE TABLE area (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  level TEXT NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  name_en TEXT,
  parent_id BIGINT,
  time_zone TEXT DEFAULT 'Asia/Shanghai' NOT NULL,
  source TEXT,
  is_sample BOOLEAN DEFAULT false NOT NULL,
  geom geometry(MULTIPOLYGON,4326) NOT NULL,
  geom_3857 geometry(MULTIPOLYGON,3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
  path LTREE NOT NULL,
  CONSTRAINT pk_area PRIMARY KEY (id),
  CONSTRAINT ck_area_level CHECK (level IN ('district', 'street', 'community')),
  CONSTRAINT uq_area_code UNIQUE (code),
  CONSTRAINT fk_area_parent_id FOREIGN KEY(parent_id) REFERENCES area (id) ON DELETE RESTRICT
);

CREATE TABLE audit_event (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  account_id BIGINT,
  action TEXT NOT NULL,
  subject TEXT,
  detail JSONB DEFAULT '{}'::jsonb NOT NULL,
  CONSTRAINT pk_audit_event PRIMARY KEY (id)
);

CREATE TABLE barrier (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  code TEXT NOT NULL,
  name TEXT,
  kind TEXT DEFAULT 'other' NOT NULL,
  geom geometry(GEOMETRY,4326) NOT NULL,
  geom_3857 geometry(GEOMETRY,3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
  path LTREE NOT NULL,
  CONSTRAINT pk_barrier PRIMARY KEY (id),
  CONSTRAINT uq_barrier_code UNIQUE (code)
);

CREATE TABLE category (
  code TEXT NOT NULL,
  parent TEXT,
  name TEXT NOT NULL,
  name_en TEXT,
  department TEXT,
  limit_hours INTEGER,
  note TEXT,
  CONSTRAINT pk_category PRIMARY KEY (code),
  CONSTRAINT fk_category_parent FOREIGN KEY(parent) REFERENCES category (code)
);

CREATE TABLE grid_scheme (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  floor INTEGER NOT NULL,
  ceiling INTEGER NOT NULL,
  target INTEGER NOT NULL,
  code_template TEXT NOT NULL,
  source TEXT NOT NULL,
  valid_from DATE,
  CONSTRAINT pk_grid_scheme PRIMARY KEY (id),
  CONSTRAINT ck_grid_scheme_band CHECK (0 < floor AND floor <= target AND target <= ceiling),
  CONSTRAINT uq_grid_scheme_code UNIQUE (code)
);

CREATE TABLE incident_cell (
  z SMALLINT NOT NULL,
  x INTEGER NOT NULL,
  y INTEGER NOT NULL,
  path LTREE NOT NULL,
  count INTEGER NOT NULL,
  CONSTRAINT pk_incident_cell PRIMARY KEY (z, x, y, path),
  CONSTRAINT ck_incident_cell_z CHECK (z BETWEEN 0 AND 24)
);

CREATE TABLE layer_revision (
  layer TEXT NOT NULL,
  revision BIGINT DEFAULT 0 NOT NULL,
  CONSTRAINT pk_layer_revision PRIMARY KEY (layer)
);

CREATE TABLE outbox (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  seq BIGINT,
  kind TEXT NOT NULL,
  layer TEXT,
  path LTREE,
  key TEXT,
  payload JSONB,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_outbox PRIMARY KEY (id),
  CONSTRAINT uq_outbox_seq UNIQUE (seq)
);

CREATE TABLE road (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  code TEXT NOT NULL,
  name TEXT,
  class TEXT DEFAULT 'local' NOT NULL,
  is_walkable BOOLEAN DEFAULT true NOT NULL,
  is_barrier BOOLEAN DEFAULT false NOT NULL,
  geom geometry(MULTILINESTRING,4326) NOT NULL,
  geom_3857 geometry(MULTILINESTRING,3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
  path LTREE NOT NULL,
  CONSTRAINT pk_road PRIMARY KEY (id),
  CONSTRAINT uq_road_code UNIQUE (code)
);

CREATE TABLE sorting_zone (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  status TEXT DEFAULT 'active' NOT NULL,
  geom geometry(MULTIPOLYGON,4326) NOT NULL,
  geom_3857 geometry(MULTIPOLYGON,3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
  path LTREE NOT NULL,
  CONSTRAINT pk_sorting_zone PRIMARY KEY (id),
  CONSTRAINT ck_sorting_zone_status CHECK (status IN ('planned', 'active')),
  CONSTRAINT uq_sorting_zone_code UNIQUE (code)
);

CREATE TABLE compound (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT,
  built_year SMALLINT,
  area_id BIGINT NOT NULL,
  geom geometry(MULTIPOLYGON,4326) NOT NULL,
  geom_3857 geometry(MULTIPOLYGON,3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
  path LTREE NOT NULL,
  CONSTRAINT pk_compound PRIMARY KEY (id),
  CONSTRAINT uq_compound_code UNIQUE (code),
  CONSTRAINT fk_compound_area_id FOREIGN KEY(area_id) REFERENCES area (id) ON DELETE RESTRICT
);

CREATE TABLE facility (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  kind TEXT NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  name_en TEXT,
  tier TEXT,
  status TEXT DEFAULT 'open' NOT NULL,
  opens_on DATE,
  address TEXT,
  phone TEXT,
  hours TEXT,
  services TEXT[] DEFAULT '{}'::text[] NOT NULL,
  capacity INTEGER,
  is_accessible BOOLEAN,
  attributes JSONB DEFAULT '{}'::jsonb NOT NULL,
  area_id BIGINT NOT NULL,
  geom geometry(GEOMETRY,4326) NOT NULL,
  geom_3857 geometry(GEOMETRY,3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
  path LTREE NOT NULL,
  CONSTRAINT pk_facility PRIMARY KEY (id),
  CONSTRAINT ck_facility_kind CHECK (kind IN ('station', 'canteen', 'elder_care', 'parking', 'refuse_point')),
  CONSTRAINT ck_facility_status CHECK (status IN ('open', 'planned', 'closed')),
  CONSTRAINT ck_facility_capacity CHECK (capacity >= 0),
  CONSTRAINT uq_facility_code UNIQUE (code),
  CONSTRAINT fk_facility_area_id FOREIGN KEY(area_id) REFERENCES area (id) ON DELETE RESTRICT
);

CREATE TABLE incident (
  id UUID NOT NULL,
  code TEXT NOT NULL,
  category TEXT NOT NULL,
  title TEXT NOT NULL,
  description TEXT,
  status TEXT DEFAULT 'reported' NOT NULL,
  source TEXT DEFAULT 'worker' NOT NULL,
  department TEXT,
  area_id BIGINT,
  grid_code TEXT,
  reported_by BIGINT,
  body_hash TEXT,
  datum TEXT DEFAULT 'wgs84' NOT NULL,
  original_lon DOUBLE PRECISION,
  original_lat DOUBLE PRECISION,
  accuracy_m DOUBLE PRECISION,
  reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE,
  resolved_at TIMESTAMP WITH TIME ZONE,
  closed_at TIMESTAMP WITH TIME ZONE,
  rating SMALLINT,
  geom geometry(POINT,4326) NOT NULL,
  geom_3857 geometry(POINT,3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
  path LTREE NOT NULL,
  CONSTRAINT pk_incident PRIMARY KEY (id),
  CONSTRAINT ck_incident_status CHECK (status IN ('reported', 'accepted', 'assigned', 'in_progress', 'resolved', 'verified', 'closed', 'rated', 'rejected', 'returned', 'paused', 'reopened', 'merged')),
  CONSTRAINT ck_incident_rating CHECK (rating BETWEEN 1 AND 5),
  CONSTRAINT uq_incident_code UNIQUE (code),
  CONSTRAINT fk_incident_category FOREIGN KEY(category) REFERENCES category (code),
  CONSTRAINT fk_incident_area_id FOREIGN KEY(area_id) REFERENCES area (id) ON DELETE RESTRICT
);

CREATE TABLE job (
  id UUID DEFAULT gen_random_uuid() NOT NULL,
  kind TEXT NOT NULL,
  area_code TEXT NOT NULL,
  path LTREE NOT NULL,
  parameters JSONB DEFAULT '{}'::jsonb NOT NULL,
  status TEXT DEFAULT 'queued' NOT NULL,
  progress_ratio DOUBLE PRECISION DEFAULT 0 NOT NULL,
  message TEXT,
  result JSONB,
  attempts INTEGER DEFAULT 0 NOT NULL,
  account_id BIGINT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE,
  finished_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_job PRIMARY KEY (id),
  CONSTRAINT ck_job_kind CHECK (kind IN ('rebalance', 'gaps')),
  CONSTRAINT ck_job_status CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  CONSTRAINT fk_job_account_id FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE SET NULL
);

CREATE TABLE kiosk_token (
  token_hash TEXT NOT NULL,
  account_id BIGINT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_kiosk_token PRIMARY KEY (token_hash),
  CONSTRAINT fk_kiosk_token_account_id FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE
);

CREATE TABLE membership (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  account_id BIGINT NOT NULL,
  role TEXT NOT NULL,
  path LTREE NOT NULL,
  department TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_membership PRIMARY KEY (id),
  CONSTRAINT uq_membership_account_id_role_path_department UNIQUE (account_id, role, path, department),
  CONSTRAINT ck_membership_role CHECK (role IN ('worker', 'community', 'street', 'dispatcher', 'department', 'planner', 'screen', 'system_admin', 'security_admin', 'audit_admin')),
  CONSTRAINT fk_membership_account_id FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE
);

CREATE TABLE plan (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  scheme_id BIGINT NOT NULL,
  area_id BIGINT NOT NULL,
  path LTREE NOT NULL,
  name TEXT NOT NULL,
  status TEXT DEFAULT 'proposed' NOT NULL,
  parent_id BIGINT,
  parameters JSONB DEFAULT '{}'::jsonb NOT NULL,
  seed BIGINT DEFAULT 0 NOT NULL,
  metrics JSONB DEFAULT '{}'::jsonb NOT NULL,
  effective_on DATE,
  created_by TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_plan PRIMARY KEY (id),
  CONSTRAINT ck_plan_status CHECK (status IN ('proposed', 'draft', 'effective', 'retired')),
  CONSTRAINT fk_plan_scheme_id FOREIGN KEY(scheme_id) REFERENCES grid_scheme (id),
  CONSTRAINT fk_plan_area_id FOREIGN KEY(area_id) REFERENCES area (id) ON DELETE CASCADE,
  CONSTRAINT fk_plan_parent_id FOREIGN KEY(parent_id) REFERENCES plan (id) ON DELETE SET NULL
);

CREATE TABLE session (
  token_hash TEXT NOT NULL,
  account_id BIGINT NOT NULL,
  csrf_token TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_session PRIMARY KEY (token_hash),
  CONSTRAINT fk_session_account_id FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE
);

CREATE TABLE grid (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  plan_id BIGINT NOT NULL,
  code TEXT NOT NULL,
  name TEXT,
  area_id BIGINT NOT NULL,
  is_effective BOOLEAN DEFAULT false NOT NULL,
  households INTEGER DEFAULT 0 NOT NULL,
  compactness_ratio DOUBLE PRECISION,
  geom geometry(MULTIPOLYGON,4326) NOT NULL,
  geom_3857 geometry(MULTIPOLYGON,3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
  path LTREE NOT NULL,
  CONSTRAINT pk_grid PRIMARY KEY (id),
  CONSTRAINT uq_grid_plan_id_code UNIQUE (plan_id, code),
  CONSTRAINT fk_grid_plan_id FOREIGN KEY(plan_id) REFERENCES plan (id) ON DELETE CASCADE,
  CONSTRAINT fk_grid_area_id FOREIGN KEY(area_id) REFERENCES area (id) ON DELETE RESTRICT
);

CREATE TABLE incident_event (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  incident_id UUID NOT NULL,
  seq INTEGER NOT NULL,
  status TEXT NOT NULL,
  note TEXT,
  account_id BIGINT,
  at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  hash TEXT NOT NULL,
  CONSTRAINT pk_incident_event PRIMARY KEY (id),
  CONSTRAINT uq_incident_event_incident_id_seq UNIQUE (incident_id, seq),
  CONSTRAINT fk_incident_event_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id) ON DELETE CASCADE
);

CREATE TABLE incident_photo (
  id UUID NOT NULL,
  incident_id UUID NOT NULL,
  sha256 TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  content BYTEA NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_incident_photo PRIMARY KEY (id),
  CONSTRAINT fk_incident_photo_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id) ON DELETE CASCADE
);

CREATE TABLE unit (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  code TEXT NOT NULL,
  name TEXT,
  area_id BIGINT NOT NULL,
  compound_id BIGINT,
  households INTEGER NOT NULL,
  residents INTEGER,
  residents_60 INTEGER,
  residents_80 INTEGER,
  floors SMALLINT,
  use TEXT,
  built_year SMALLINT,
  geom geometry(GEOMETRY,4326) NOT NULL,
  geom_3857 geometry(GEOMETRY,3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
  path LTREE NOT NULL,
  CONSTRAINT pk_unit PRIMARY KEY (id),
  CONSTRAINT ck_unit_households CHECK (households >= 0),
  CONSTRAINT uq_unit_code UNIQUE (code),
  CONSTRAINT fk_unit_area_id FOREIGN KEY(area_id) REFERENCES area (id) ON DELETE RESTRICT,
  CONSTRAINT fk_unit_compound_id FOREIGN KEY(compound_id) REFERENCES compound (id) ON DELETE SET NULL
);

CREATE TABLE plan_assignment (
  plan_id BIGINT NOT NULL,
  unit_id BIGINT NOT NULL,
  grid_id BIGINT NOT NULL,
  CONSTRAINT pk_plan_assignment PRIMARY KEY (plan_id, unit_id),
  CONSTRAINT fk_plan_assignment_plan_id FOREIGN KEY(plan_id) REFERENCES plan (id) ON DELETE CASCADE,
  CONSTRAINT fk_plan_assignment_unit_id FOREIGN KEY(unit_id) REFERENCES unit (id) ON DELETE CASCADE,
  CONSTRAINT fk_plan_assignment_grid_id FOREIGN KEY(grid_id) REFERENCES grid (id) ON DELETE CASCADE
);

CREATE TABLE service_gap (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  unit_id BIGINT NOT NULL,
  code TEXT NOT NULL,
  facility_kind TEXT NOT NULL,
  radius_m DOUBLE PRECISION NOT NULL,
  households INTEGER NOT NULL,
  distance_m DOUBLE PRECISION,
  straight_m DOUBLE PRECISION,
  facility_code TEXT,
  is_covered BOOLEAN,
  reason TEXT NOT NULL,
  computed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  geom geometry(POINT,4326) NOT NULL,
  geom_3857 geometry(POINT,3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
  path LTREE NOT NULL,
  CONSTRAINT pk_service_gap PRIMARY KEY (id),
  CONSTRAINT uq_service_gap_facility_kind_unit_id UNIQUE (facility_kind, unit_id),
  CONSTRAINT fk_service_gap_unit_id FOREIGN KEY(unit_id) REFERENCES unit (id) ON DELETE CASCADE
);
