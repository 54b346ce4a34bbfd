-- 0012: other systems. Tokens by which they ask, hand-overs from and to 110 and 12345, webhooks that tell them, Open311.

-- Tokens: of an account that nobody signs in to, so that whatever a system does has a name; of a token only the hash is kept.
CREATE TABLE api_token (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  account_id BIGINT NOT NULL,
  token_hash TEXT NOT NULL,
  scope TEXT NOT NULL,
  system TEXT,
  path LTREE NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  last_used_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_api_token PRIMARY KEY (id),
  CONSTRAINT uq_api_token_token_hash UNIQUE (token_hash),
  CONSTRAINT fk_api_token_account_id FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE,
  CONSTRAINT ck_api_token_scope CHECK (scope IN ('handover', 'open311')),
  CONSTRAINT ck_api_token_system CHECK ((scope = 'handover') = (system IS NOT NULL) AND system IN ('110', '12345'))
);
CREATE INDEX ix_api_token_account_id ON api_token (account_id);

-- What may be handed over (分流转办清单): a version never changes.
CREATE TABLE handover_list (
  version INTEGER NOT NULL,
  digest TEXT NOT NULL,
  source TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_handover_list PRIMARY KEY (version),
  CONSTRAINT ck_handover_list_version CHECK (version > 0)
);
CREATE TABLE handover_rule (
  version INTEGER NOT NULL,
  system TEXT NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  name_en TEXT,
  kind TEXT NOT NULL,
  category TEXT,
  is_accepted BOOLEAN NOT NULL,
  reason TEXT,
  note TEXT,
  CONSTRAINT pk_handover_rule PRIMARY KEY (version, system, code),
  CONSTRAINT fk_handover_rule_version FOREIGN KEY(version) REFERENCES handover_list (version),
  CONSTRAINT ck_handover_rule_system CHECK (system IN ('110', '12345')),
  CONSTRAINT ck_handover_rule_kind CHECK (kind IN ('dispute', 'matter')),
  CONSTRAINT ck_handover_rule_answer CHECK (CASE WHEN is_accepted THEN category IS NOT NULL ELSE reason IS NOT NULL END)
);
CREATE FUNCTION keep_handover_list() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a version of the list of hand-overs is never changed; make the next version';
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON handover_rule FOR EACH ROW EXECUTE FUNCTION keep_handover_list();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON handover_list FOR EACH ROW EXECUTE FUNCTION keep_handover_list();
CREATE FUNCTION is_dispute(wanted text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT 1 FROM handover_rule r WHERE r.version = (SELECT max(version) FROM handover_list) AND r.kind = 'dispute' AND r.category = wanted)
$$;

-- Hand-overs: what was sent is compared by field; of words only digests are kept, so that nothing personal is stored twice.
CREATE TABLE handover (
  id UUID NOT NULL,
  direction TEXT NOT NULL,
  system TEXT NOT NULL,
  external_id TEXT,
  kind TEXT NOT NULL,
  code TEXT,
  category TEXT,
  incident_id UUID,
  status TEXT NOT NULL,
  reason TEXT,
  scope_version INTEGER,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  account_id BIGINT NOT NULL,
  path LTREE NOT NULL,
  content JSONB DEFAULT '{}'::jsonb NOT NULL,
  digests JSONB DEFAULT '{}'::jsonb NOT NULL,
  CONSTRAINT pk_handover PRIMARY KEY (id),
  CONSTRAINT fk_handover_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id) ON DELETE CASCADE,
  CONSTRAINT ck_handover_direction CHECK (direction IN ('in', 'out')),
  CONSTRAINT ck_handover_system CHECK (system IN ('110', '12345')),
  CONSTRAINT ck_handover_kind CHECK (kind IN ('dispute', 'matter')),
  CONSTRAINT ck_handover_status CHECK (status IN ('accepted', 'refused', 'sent')),
  CONSTRAINT ck_handover_way CHECK ((direction = 'in') = (external_id IS NOT NULL) AND (direction = 'out') = (status = 'sent')
    AND (status = 'refused') = (incident_id IS NULL) AND (status <> 'refused' OR reason IS NOT NULL))
);
CREATE UNIQUE INDEX uq_handover_external_id ON handover (system, external_id) WHERE direction = 'in';
CREATE UNIQUE INDEX uq_handover_sent ON handover (incident_id, system) WHERE direction = 'out';
CREATE INDEX ix_handover_incident_id ON handover (incident_id);
CREATE INDEX ix_handover_at ON handover (at DESC);

-- What a dispute is about is sealed: the app adds it, and reads it only through open_handover, which writes down who did.
CREATE TABLE handover_detail (
  handover_id UUID NOT NULL,
  parties TEXT,
  cause TEXT,
  nature TEXT,
  demand TEXT,
  words TEXT,
  address TEXT,
  lon DOUBLE PRECISION,
  lat DOUBLE PRECISION,
  CONSTRAINT pk_handover_detail PRIMARY KEY (handover_id),
  CONSTRAINT fk_handover_detail_handover_id FOREIGN KEY(handover_id) REFERENCES handover (id) ON DELETE CASCADE
);
CREATE FUNCTION open_handover(wanted uuid) RETURNS SETOF handover_detail
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE found_code text;
BEGIN
  SELECT i.code INTO found_code FROM handover h JOIN handover_detail d ON d.handover_id = h.id JOIN incident i ON i.id = h.incident_id
    WHERE h.id = wanted AND scope_roles() && '{community,street,dispatcher,department}'::text[]
      AND (''::ltree = ANY (case_scope()) OR case_scope() @> i.path
           OR (i.department = ANY (scope_departments()) AND map_scope() @> i.path));
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO audit_event (account_id, action, subject, detail)
    VALUES (scope_account(), 'handover.open', found_code, jsonb_build_object('handover', wanted));
  RETURN QUERY SELECT * FROM handover_detail d WHERE d.handover_id = wanted;
END $$;

-- The place of a hand-over that gives no point, or whose point stays sealed: the middle of a grid or an area, and how far its edge is.
CREATE FUNCTION known_place(wanted text, OUT name text, OUT path ltree, OUT area_id bigint, OUT grid_code text,
    OUT lon double precision, OUT lat double precision, OUT reach_m double precision)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT f.name, f.path, f.area_id, f.grid_code, ST_X(p.at), ST_Y(p.at),
    (SELECT max(ST_Distance(d.geom::geography, p.at::geography)) FROM ST_DumpPoints(f.geom) d)
  FROM (
    SELECT 1 AS rank, coalesce(g.name, g.code) AS name, g.path, g.area_id, g.code AS grid_code, g.geom
      FROM grid g WHERE g.is_effective AND g.code = wanted
    UNION ALL
    SELECT 2, a.name, a.path, a.id, NULL, a.geom FROM area a WHERE a.code = wanted
  ) f CROSS JOIN LATERAL (SELECT ST_PointOnSurface(f.geom) AS at) p ORDER BY f.rank, f.path LIMIT 1
$$;

-- Webhooks: who is told, and what is to be told; an event waits here until it was taken, or nobody took it for days.
CREATE TABLE webhook (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  system TEXT NOT NULL,
  url TEXT NOT NULL,
  secret TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  away_until TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_webhook PRIMARY KEY (id),
  CONSTRAINT uq_webhook_system_url UNIQUE (system, url),
  CONSTRAINT ck_webhook_system CHECK (system IN ('110', '12345'))
);
CREATE TABLE webhook_delivery (
  id UUID NOT NULL,
  seq BIGINT GENERATED ALWAYS AS IDENTITY,
  webhook_id BIGINT NOT NULL,
  handover_id UUID NOT NULL,
  event TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  attempts INTEGER DEFAULT 0 NOT NULL,
  next_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  delivered_at TIMESTAMP WITH TIME ZONE,
  dead_at TIMESTAMP WITH TIME ZONE,
  last_error TEXT,
  CONSTRAINT pk_webhook_delivery PRIMARY KEY (id),
  CONSTRAINT fk_webhook_delivery_webhook_id FOREIGN KEY(webhook_id) REFERENCES webhook (id) ON DELETE CASCADE,
  CONSTRAINT fk_webhook_delivery_handover_id FOREIGN KEY(handover_id) REFERENCES handover (id) ON DELETE CASCADE,
  CONSTRAINT ck_webhook_delivery_end CHECK (delivered_at IS NULL OR dead_at IS NULL)
);
CREATE INDEX ix_webhook_delivery_waiting ON webhook_delivery (webhook_id, handover_id, seq) WHERE delivered_at IS NULL AND dead_at IS NULL;
CREATE INDEX ix_webhook_delivery_handover_id ON webhook_delivery (handover_id);
CREATE INDEX ix_webhook_delivery_delivered_at ON webhook_delivery (delivered_at);

-- Queue an event of a hand-over for every webhook of its system; tells how many. Nothing in it is about a person.
CREATE FUNCTION tell_system(wanted uuid, event text, status text, more jsonb) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE told integer;
BEGIN
  INSERT INTO webhook_delivery (id, webhook_id, handover_id, event, body)
    SELECT n.id, w.id, h.id, tell_system.event, (jsonb_build_object(
        'event_id', n.id, 'event', tell_system.event, 'at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'system', h.system, 'direction', h.direction, 'handover_id', h.id, 'external_id', h.external_id, 'scope_version', h.scope_version,
        'receipt', i.code, 'status', tell_system.status, 'category', i.category, 'department', i.department,
        'due_at', to_char(i.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) || more)::text
    FROM handover h JOIN incident i ON i.id = h.incident_id JOIN webhook w ON w.system = h.system
      CROSS JOIN LATERAL (SELECT gen_random_uuid() AS id WHERE w.id IS NOT NULL) n
    WHERE h.id = wanted;
  GET DIAGNOSTICS told = ROW_COUNT;
  RETURN told;
END $$;
REVOKE EXECUTE ON FUNCTION tell_system FROM PUBLIC;

-- The state of an incident that other systems hear of; what was joined into it is told with it.
CREATE FUNCTION tell_status() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM tell_system(h.id, 'incident.' || NEW.status, NEW.status, '{}') FROM handover h
    WHERE h.incident_id IN (SELECT NEW.id UNION ALL SELECT i.id FROM incident i WHERE i.merged_into = NEW.id) ORDER BY h.id;
  RETURN NULL;
END $$;
CREATE TRIGGER tell_status AFTER UPDATE OF status ON incident FOR EACH ROW
  WHEN (OLD.status <> NEW.status AND NEW.status IN ('accepted', 'assigned', 'resolved', 'closed', 'rejected', 'reopened'))
  EXECUTE FUNCTION tell_status();

-- A dispatcher hands an incident on: the record and what is told are one.
CREATE FUNCTION hand_on(wanted uuid, more jsonb) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM 1 FROM handover h WHERE h.id = wanted AND h.direction = 'out' AND h.account_id = scope_account()
    AND NOT EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.handover_id = h.id);
  IF NOT FOUND THEN RETURN 0; END IF;
  RETURN tell_system(wanted, 'handover.sent', (SELECT i.status FROM handover h JOIN incident i ON i.id = h.incident_id WHERE h.id = wanted), more);
END $$;

-- Open311: what an app asks beside place and words, what came in that way, and what everyone may know of it.
CREATE TABLE category_question (
  category TEXT NOT NULL,
  code TEXT NOT NULL,
  position INTEGER NOT NULL,
  datatype TEXT NOT NULL,
  is_required BOOLEAN NOT NULL,
  words TEXT NOT NULL,
  hint TEXT,
  choices JSONB DEFAULT '{}'::jsonb NOT NULL,
  CONSTRAINT pk_category_question PRIMARY KEY (category, code),
  CONSTRAINT fk_category_question_category FOREIGN KEY(category) REFERENCES category (code) ON DELETE CASCADE,
  CONSTRAINT ck_category_question_datatype CHECK (datatype IN ('string', 'number', 'datetime', 'text', 'singlevaluelist', 'multivaluelist')),
  CONSTRAINT ck_category_question_choices CHECK ((datatype IN ('singlevaluelist', 'multivaluelist')) = (choices <> '{}'::jsonb))
);
CREATE TABLE open311_request (
  incident_id UUID NOT NULL,
  requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
  answers JSONB DEFAULT '{}'::jsonb NOT NULL,
  CONSTRAINT pk_open311_request PRIMARY KEY (incident_id),
  CONSTRAINT fk_open311_request_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id) ON DELETE CASCADE
);
CREATE INDEX ix_open311_request_requested_at ON open311_request (requested_at DESC);
CREATE TABLE catalogue_change (  -- when the services that apps are offered changed last
  id INTEGER DEFAULT 1 NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_catalogue_change PRIMARY KEY (id),
  CONSTRAINT ck_catalogue_change_one CHECK (id = 1)
);
INSERT INTO catalogue_change (at) VALUES (now());
CREATE FUNCTION date_catalogue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO catalogue_change (at) VALUES (now()) ON CONFLICT (id) DO UPDATE SET at = excluded.at;
  RETURN NULL;
END $$;
CREATE TRIGGER date_catalogue AFTER INSERT OR UPDATE OR DELETE ON category FOR EACH STATEMENT EXECUTE FUNCTION date_catalogue();
CREATE TRIGGER date_catalogue AFTER INSERT OR UPDATE OR DELETE ON category_question FOR EACH STATEMENT EXECUTE FUNCTION date_catalogue();
CREATE TRIGGER date_catalogue AFTER INSERT ON handover_list FOR EACH STATEMENT EXECUTE FUNCTION date_catalogue();

-- No words of anybody, the place rounded to a thousandth of a degree (about 100 m), and nothing that did not come through Open311.
CREATE FUNCTION open311_requests(codes text[], services text[], since timestamptz, until timestamptz, is_closed boolean, area ltree,
    most integer, skip integer)
  RETURNS TABLE (code text, status text, is_joined boolean, category text, name text, department text, requested_at timestamptz,
    updated_at timestamptz, due_at timestamptz, address text, address_id text, lon numeric, lat numeric)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT i.code, k.status, i.merged_into IS NOT NULL, i.category, c.name, k.department, o.requested_at,
    coalesce(k.closed_at, (SELECT max(e.at) FROM incident_event e WHERE e.incident_id = k.id), o.requested_at), k.due_at,
    (SELECT string_agg(a.name, '，' ORDER BY nlevel(a.path) DESC) FROM area a WHERE a.path @> i.path),
    (SELECT a.code FROM area a WHERE a.id = i.area_id),
    round(ST_X(i.geom)::numeric, 3), round(ST_Y(i.geom)::numeric, 3)
  FROM open311_request o JOIN incident i ON i.id = o.incident_id JOIN incident k ON k.id = coalesce(i.merged_into, i.id)
    JOIN category c ON c.code = i.category
  WHERE NOT is_dispute(i.category)
    AND CASE WHEN codes IS NOT NULL THEN i.code = ANY (codes) ELSE
      o.requested_at >= since AND o.requested_at <= until AND (services IS NULL OR i.category = ANY (services))
      AND (is_closed IS NULL OR (k.status IN ('closed', 'rated', 'rejected')) = is_closed) END
    AND (area IS NULL OR area @> i.path)
  ORDER BY o.requested_at DESC, i.code DESC LIMIT most OFFSET skip
$$;

-- Who may do what.
GRANT SELECT, UPDATE (last_used_at) ON api_token TO yiwangtu_app;
GRANT SELECT ON handover_list, handover_rule, category_question, catalogue_change, webhook TO yiwangtu_app;
GRANT SELECT, INSERT ON handover TO yiwangtu_app;
GRANT INSERT ON handover_detail, open311_request TO yiwangtu_app;
GRANT SELECT (handover_id) ON handover_detail TO yiwangtu_app;
GRANT UPDATE (away_until) ON webhook TO yiwangtu_app;
GRANT SELECT, UPDATE, DELETE ON webhook_delivery TO yiwangtu_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO yiwangtu_app;
DO $$
DECLARE
  t text;
  own text := 'EXISTS (SELECT 1 FROM incident i WHERE i.id = incident_id AND i.reported_by = scope_account())';
BEGIN
  FOREACH t IN ARRAY ARRAY['handover_list', 'handover_rule', 'category_question', 'catalogue_change'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY everyone ON %I FOR SELECT TO yiwangtu_app USING (true)', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['incident_route', 'incident_deadline'] LOOP
    EXECUTE format('CREATE POLICY system_reports ON %I FOR INSERT TO yiwangtu_app WITH CHECK (scope_roles() && ''{handover,open311}''::text[] AND %s)', t, own);
  END LOOP;
  EXECUTE format('CREATE POLICY system_reports ON incident_event FOR INSERT TO yiwangtu_app WITH CHECK (scope_roles() && ''{handover,open311}''::text[] '
    'AND account_id = scope_account() AND status = ''reported'' AND %s)', own);
  EXECUTE 'ALTER TABLE open311_request ENABLE ROW LEVEL SECURITY';
  EXECUTE format('CREATE POLICY system_reports ON open311_request FOR INSERT TO yiwangtu_app WITH CHECK (''open311'' = ANY (scope_roles()) AND %s)', own);
END $$;
CREATE POLICY system_reports ON incident FOR INSERT TO yiwangtu_app WITH CHECK (
  reported_by = scope_account() AND status = 'reported' AND scope_roles() && '{handover,open311}'::text[]
  AND (''::ltree = ANY (map_scope()) OR map_scope() @> path));
ALTER TABLE handover ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON handover FOR SELECT TO yiwangtu_app USING (account_id = (SELECT scope_account()));
CREATE POLICY handle ON handover FOR SELECT TO yiwangtu_app USING (
  (SELECT scope_roles() && '{community,street,dispatcher,department}'::text[]) AND CASE WHEN incident_id IS NULL
    THEN (SELECT ''::ltree = ANY (case_scope())) OR (SELECT case_scope()) @> path
    ELSE EXISTS (SELECT 1 FROM incident i WHERE i.id = incident_id) END);
CREATE POLICY hand_in ON handover FOR INSERT TO yiwangtu_app WITH CHECK (
  direction = 'in' AND account_id = scope_account() AND 'handover' = ANY (scope_roles())
  AND (incident_id IS NULL OR EXISTS (SELECT 1 FROM incident i WHERE i.id = incident_id AND i.reported_by = scope_account())));
CREATE POLICY hand_on ON handover FOR INSERT TO yiwangtu_app WITH CHECK (
  direction = 'out' AND account_id = scope_account() AND 'dispatcher' = ANY (scope_roles())
  AND EXISTS (SELECT 1 FROM incident i WHERE i.id = incident_id));
ALTER TABLE handover_detail ENABLE ROW LEVEL SECURITY;
CREATE POLICY hand_in ON handover_detail FOR INSERT TO yiwangtu_app WITH CHECK (
  'handover' = ANY (scope_roles()) AND EXISTS (SELECT 1 FROM handover h WHERE h.id = handover_id AND h.account_id = scope_account()));
CREATE POLICY is_there ON handover_detail FOR SELECT TO yiwangtu_app USING (EXISTS (SELECT 1 FROM handover h WHERE h.id = handover_id));
ALTER TABLE webhook ENABLE ROW LEVEL SECURITY;
CREATE POLICY courier ON webhook FOR ALL TO yiwangtu_app USING ((SELECT 'courier' = ANY (scope_roles())));
ALTER TABLE webhook_delivery ENABLE ROW LEVEL SECURITY;
CREATE POLICY courier ON webhook_delivery FOR ALL TO yiwangtu_app USING ((SELECT 'courier' = ANY (scope_roles())));
CREATE POLICY with_handover ON webhook_delivery FOR SELECT TO yiwangtu_app
  USING ((SELECT handles_cases()) AND EXISTS (SELECT 1 FROM handover h WHERE h.id = handover_id));
