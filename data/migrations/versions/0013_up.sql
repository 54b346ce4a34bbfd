-- 0013: reports of residents, who have no account; orders that volunteers take, and points.

-- A transaction may name the one report whose tracking code its caller holds. That is all that such a caller sees and changes.
CREATE FUNCTION scope_report() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('yiwangtu.report', true), '')::uuid $$;

CREATE TABLE resident_report (  -- of the tracking code only its hash is kept
  incident_id UUID NOT NULL,
  code_hash TEXT NOT NULL,
  place TEXT NOT NULL,
  CONSTRAINT pk_resident_report PRIMARY KEY (incident_id),
  CONSTRAINT uq_resident_report_code_hash UNIQUE (code_hash),
  CONSTRAINT ck_resident_report_place CHECK (place IN ('device', 'grid', 'community')),
  CONSTRAINT fk_resident_report_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id) ON DELETE CASCADE
);
CREATE TABLE resident_contact (  -- sealed: the app can write it, and read it only through open_contact, which writes down who did
  incident_id UUID NOT NULL,
  phone TEXT NOT NULL,
  CONSTRAINT pk_resident_contact PRIMARY KEY (incident_id),
  CONSTRAINT fk_resident_contact_incident_id FOREIGN KEY(incident_id) REFERENCES incident (id) ON DELETE CASCADE
);

-- Which incident a tracking code leads to: the report, and the one that it was joined into.
CREATE FUNCTION find_report(wanted text, OUT incident_id uuid, OUT kept_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT i.id, coalesce(i.merged_into, i.id) FROM resident_report r JOIN incident i ON i.id = r.incident_id WHERE r.code_hash = wanted
$$;

-- A resident's telephone number, for the roles that call back, where the incident is theirs. None is also the answer to everybody else.
CREATE FUNCTION open_contact(wanted uuid) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE kept record;
BEGIN
  SELECT i.code, c.phone INTO kept FROM resident_contact c JOIN incident i ON i.id = c.incident_id
    WHERE c.incident_id = wanted AND scope_roles() && '{community,street,dispatcher,department}'::text[]
      AND (''::ltree = ANY (case_scope()) OR case_scope() @> i.path
           OR (i.department = ANY (scope_departments()) AND map_scope() @> i.path));
  IF FOUND THEN
    INSERT INTO audit_event (account_id, action, subject) VALUES (scope_account(), 'contact.read', kept.code);
  END IF;
  RETURN kept.phone;
END $$;

-- Numbers are erased so many days after the report was closed, or the one that it was joined into.
CREATE FUNCTION erase_contacts(days integer) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE erased integer;
BEGIN
  WITH gone AS (
    DELETE FROM resident_contact c USING incident i LEFT JOIN incident k ON k.id = i.merged_into
      WHERE i.id = c.incident_id AND coalesce(k.closed_at, i.closed_at) < now() - make_interval(days => days)
      RETURNING i.code
  ), told AS (
    INSERT INTO audit_event (action, subject) SELECT 'contact.erase', code FROM gone RETURNING 1
  )
  SELECT count(*) INTO erased FROM told;
  RETURN erased;
END $$;

-- Where a report lies whose reporter names a grid or a community and no point: in its middle, and how far its edge is at most.
CREATE FUNCTION report_place(wanted text, OUT kind text, OUT code text, OUT community text, OUT lon double precision,
    OUT lat double precision, OUT reach_m double precision)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT f.kind, f.code, f.community, ST_X(p.at), ST_Y(p.at),
    (SELECT max(ST_Distance(d.geom::geography, p.at::geography)) FROM ST_DumpPoints(f.geom) d)
  FROM (
    (SELECT 'grid' AS kind, g.code, a.code AS community, g.geom FROM grid g JOIN area a ON a.id = g.area_id
      WHERE g.is_effective AND g.code = wanted ORDER BY g.id LIMIT 1)
    UNION ALL
    SELECT 'community', a.code, a.code, a.geom FROM area a WHERE a.level = 'community' AND a.code = wanted
  ) f CROSS JOIN LATERAL (SELECT ST_PointOnSurface(f.geom) AS at) p
  ORDER BY f.kind DESC LIMIT 1
$$;

GRANT INSERT ON resident_report, resident_contact TO yiwangtu_app;
GRANT SELECT (incident_id, place) ON resident_report TO yiwangtu_app;
GRANT SELECT (incident_id) ON resident_contact TO yiwangtu_app;
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['resident_report', 'resident_contact'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY with_incident ON %I FOR SELECT TO yiwangtu_app USING ((SELECT handles_cases()) AND EXISTS (SELECT 1 FROM incident i WHERE i.id = incident_id))', t);
    EXECUTE format('CREATE POLICY resident ON %I FOR INSERT TO yiwangtu_app WITH CHECK (incident_id = scope_report())', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['incident_photo', 'incident_request'] LOOP
    EXECUTE format('CREATE POLICY resident_sees ON %I FOR SELECT TO yiwangtu_app USING (incident_id = (SELECT scope_report()))', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['incident_photo', 'incident_route', 'incident_deadline'] LOOP
    EXECUTE format('CREATE POLICY resident_adds ON %I FOR INSERT TO yiwangtu_app WITH CHECK (incident_id = scope_report())', t);
  END LOOP;
END $$;
CREATE POLICY resident_sees ON incident FOR SELECT TO yiwangtu_app USING (id = (SELECT scope_report()));
CREATE POLICY resident_reports ON incident FOR INSERT TO yiwangtu_app
  WITH CHECK (id = scope_report() AND source = 'resident' AND status = 'reported' AND reported_by IS NULL);
CREATE POLICY resident_answers ON incident FOR UPDATE TO yiwangtu_app
  USING (id = (SELECT scope_report()) AND status IN ('closed', 'reopened')) WITH CHECK (status IN ('rated', 'reopened'));
CREATE POLICY resident_sees ON incident_event FOR SELECT TO yiwangtu_app USING (incident_id = (SELECT scope_report()));
CREATE POLICY resident_adds ON incident_event FOR INSERT TO yiwangtu_app
  WITH CHECK (incident_id = scope_report() AND account_id IS NULL AND status IN ('reported', 'rated', 'reopened'));
CREATE POLICY resident_turns ON incident_deadline FOR UPDATE TO yiwangtu_app USING (incident_id = scope_report());

-- 群众点单、社区派单、党员接单: an order and its life; who takes orders; points by double entry ------------------------------------
CREATE SEQUENCE order_code_seq;
CREATE TABLE volunteer (
  account_id BIGINT NOT NULL,
  path LTREE NOT NULL,
  since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_volunteer PRIMARY KEY (account_id),
  CONSTRAINT fk_volunteer_account_id FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE
);
CREATE TABLE service_order (
  id UUID NOT NULL,
  code TEXT DEFAULT ('DD-' || lpad(nextval('order_code_seq')::text, 6, '0')) NOT NULL,
  kind TEXT NOT NULL,
  kind_name TEXT NOT NULL,
  kind_name_en TEXT NOT NULL,
  title TEXT NOT NULL,
  details TEXT,
  community TEXT NOT NULL,
  path LTREE NOT NULL,
  points INTEGER NOT NULL,
  status TEXT DEFAULT 'asked' NOT NULL,
  incident_id UUID,
  asked_by BIGINT NOT NULL,
  volunteer_id BIGINT,
  confirmed_by BIGINT,
  body_hash TEXT NOT NULL,
  asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_service_order PRIMARY KEY (id),
  CONSTRAINT uq_service_order_code UNIQUE (code),
  CONSTRAINT ck_service_order_points CHECK (points BETWEEN 1 AND 10000),
  CONSTRAINT ck_service_order_status CHECK (status IN ('asked', 'offered', 'accepted', 'done', 'confirmed', 'cancelled')),
  CONSTRAINT ck_service_order_taken CHECK ((volunteer_id IS NOT NULL) = (status IN ('accepted', 'done', 'confirmed'))),
  CONSTRAINT ck_service_order_confirmed CHECK ((confirmed_by IS NOT NULL) = (status = 'confirmed')),
  CONSTRAINT ck_service_order_persons CHECK (volunteer_id <> asked_by AND volunteer_id <> confirmed_by)
);
CREATE INDEX ix_service_order_path ON service_order USING gist (path);
CREATE INDEX ix_service_order_asked_at ON service_order (asked_at DESC);
CREATE TABLE order_event (
  order_id UUID NOT NULL,
  seq INTEGER NOT NULL,
  status TEXT NOT NULL,
  note TEXT,
  account_id BIGINT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_order_event PRIMARY KEY (order_id, seq),
  CONSTRAINT fk_order_event_order_id FOREIGN KEY(order_id) REFERENCES service_order (id) ON DELETE CASCADE
);

-- A transfer is one row with the account that gives and the one that gets: the sum over all accounts is zero whatever happens. Only the
-- issuer's account may be below zero: it is what the issuer has given out. Balances are kept by the trigger alone.
CREATE TABLE points_account (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  kind TEXT NOT NULL,
  holder BIGINT,
  facility TEXT,
  name TEXT NOT NULL,
  path LTREE NOT NULL,
  balance BIGINT DEFAULT 0 NOT NULL,
  CONSTRAINT pk_points_account PRIMARY KEY (id),
  CONSTRAINT uq_points_account_holder UNIQUE (holder),
  CONSTRAINT uq_points_account_facility UNIQUE (facility),
  CONSTRAINT ck_points_account_kind CHECK (kind IN ('issuer', 'volunteer', 'exchange')),
  CONSTRAINT ck_points_account_whose CHECK ((holder IS NOT NULL) = (kind = 'volunteer') AND (facility IS NOT NULL) = (kind = 'exchange')),
  CONSTRAINT ck_points_account_balance CHECK (balance >= 0 OR kind = 'issuer'),
  CONSTRAINT fk_points_account_holder FOREIGN KEY(holder) REFERENCES account (id)
);
CREATE UNIQUE INDEX uq_points_account_issuer ON points_account (kind) WHERE kind = 'issuer';
CREATE TABLE points_transfer (
  id UUID NOT NULL,
  at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  debit_id BIGINT NOT NULL,
  credit_id BIGINT NOT NULL,
  amount INTEGER NOT NULL,
  purpose TEXT NOT NULL,
  words TEXT NOT NULL,
  order_id UUID,
  reverses UUID,
  made_by BIGINT NOT NULL,
  CONSTRAINT pk_points_transfer PRIMARY KEY (id),
  CONSTRAINT uq_points_transfer_order_id UNIQUE (order_id),
  CONSTRAINT uq_points_transfer_reverses UNIQUE (reverses),
  CONSTRAINT ck_points_transfer_amount CHECK (amount > 0),
  CONSTRAINT ck_points_transfer_two CHECK (debit_id <> credit_id),
  CONSTRAINT ck_points_transfer_purpose CHECK (purpose IN ('award', 'exchange', 'reversal')),
  CONSTRAINT ck_points_transfer_why CHECK ((order_id IS NOT NULL) = (purpose = 'award') AND (reverses IS NOT NULL) = (purpose = 'reversal')),
  CONSTRAINT fk_points_transfer_debit_id FOREIGN KEY(debit_id) REFERENCES points_account (id),
  CONSTRAINT fk_points_transfer_credit_id FOREIGN KEY(credit_id) REFERENCES points_account (id),
  CONSTRAINT fk_points_transfer_order_id FOREIGN KEY(order_id) REFERENCES service_order (id),
  CONSTRAINT fk_points_transfer_reverses FOREIGN KEY(reverses) REFERENCES points_transfer (id)
);
CREATE INDEX ix_points_transfer_debit_id ON points_transfer (debit_id, at);
CREATE INDEX ix_points_transfer_credit_id ON points_transfer (credit_id, at);
CREATE FUNCTION book_points() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  -- both accounts in one order, so that transfers crosswise do not block each other; the balances' own check ends an overdraft
  PERFORM 1 FROM points_account WHERE id IN (NEW.debit_id, NEW.credit_id) ORDER BY id FOR UPDATE;
  IF NEW.purpose = 'reversal' AND NOT EXISTS (
    SELECT 1 FROM points_transfer t WHERE t.id = NEW.reverses AND t.purpose <> 'reversal'
      AND (t.debit_id, t.credit_id, t.amount) = (NEW.credit_id, NEW.debit_id, NEW.amount)) THEN
    RAISE check_violation USING MESSAGE = 'a reversal gives back exactly what one transfer gave';
  END IF;
  UPDATE points_account SET balance = balance + CASE id WHEN NEW.credit_id THEN NEW.amount ELSE -NEW.amount END
    WHERE id IN (NEW.debit_id, NEW.credit_id);
  RETURN NULL;
END $$;
CREATE TRIGGER book AFTER INSERT ON points_transfer FOR EACH ROW EXECUTE FUNCTION book_points();
CREATE FUNCTION keep_points() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'transfers of points are never changed; book a counter entry';
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON points_transfer FOR EACH ROW EXECUTE FUNCTION keep_points();

-- Shops where points are exchanged are facilities of their own kind.
ALTER TABLE facility DROP CONSTRAINT ck_facility_kind, ADD CONSTRAINT ck_facility_kind
  CHECK (kind IN ('station', 'canteen', 'elder_care', 'parking', 'refuse_point', 'exchange_point'));
ALTER TABLE service_item DROP CONSTRAINT ck_service_item_facility_kind, ADD CONSTRAINT ck_service_item_facility_kind
  CHECK (facility_kind IN ('station', 'canteen', 'elder_care', 'parking', 'refuse_point', 'exchange_point'));

GRANT SELECT, INSERT, DELETE ON volunteer TO yiwangtu_app;
GRANT SELECT, INSERT, UPDATE (status, volunteer_id, confirmed_by, changed_at) ON service_order TO yiwangtu_app;
GRANT SELECT, INSERT ON order_event, points_account, points_transfer TO yiwangtu_app;
GRANT USAGE ON SEQUENCE order_code_seq, points_account_id_seq TO yiwangtu_app;
DO $$
DECLARE
  t text;
  in_map text := '((SELECT ''''::ltree = ANY (map_scope())) OR (SELECT map_scope()) @> path)';
  leads text := '(SELECT scope_roles() && ''{community,street,dispatcher}''::text[])';
  works text := '(SELECT scope_roles() && ''{worker,community,street,dispatcher}''::text[])';
  me text := '(SELECT scope_account())';
BEGIN
  FOREACH t IN ARRAY ARRAY['volunteer', 'service_order', 'order_event', 'points_account', 'points_transfer'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
  END LOOP;
  EXECUTE format('CREATE POLICY own ON volunteer FOR ALL TO yiwangtu_app USING (account_id = %s) WITH CHECK (account_id = %s AND %s)', me, me, in_map);
  EXECUTE format('CREATE POLICY in_scope ON service_order FOR SELECT TO yiwangtu_app USING (%s AND (%s OR (%s AND (status = ''offered'' OR %s IN (asked_by, volunteer_id)))))', in_map, leads, works, me);
  EXECUTE format('CREATE POLICY ask ON service_order FOR INSERT TO yiwangtu_app WITH CHECK (%s AND %s AND asked_by = %s AND status = ''asked'')', in_map, works, me);
  EXECUTE format('CREATE POLICY go_on ON service_order FOR UPDATE TO yiwangtu_app USING (%s AND (%s OR (%s AND (status = ''offered'' OR %s IN (asked_by, volunteer_id))))) WITH CHECK (%s)', in_map, leads, works, me, in_map);
  CREATE POLICY with_order ON order_event FOR SELECT TO yiwangtu_app USING (EXISTS (SELECT 1 FROM service_order o WHERE o.id = order_id));
  EXECUTE format('CREATE POLICY tell ON order_event FOR INSERT TO yiwangtu_app WITH CHECK (account_id = %s AND EXISTS (SELECT 1 FROM service_order o WHERE o.id = order_id))', me);
  EXECUTE format('CREATE POLICY in_scope ON points_account FOR SELECT TO yiwangtu_app USING (holder = %s OR (%s AND kind <> ''volunteer'') OR (%s AND %s))', me, works, leads, in_map);
  EXECUTE format('CREATE POLICY open ON points_account FOR INSERT TO yiwangtu_app WITH CHECK (balance = 0 AND %s AND (holder IS NULL OR holder = %s))', works, me);
  CREATE POLICY with_account ON points_transfer FOR SELECT TO yiwangtu_app
    USING (EXISTS (SELECT 1 FROM points_account a WHERE a.id IN (debit_id, credit_id) AND a.kind = 'volunteer'));
  EXECUTE format('CREATE POLICY book ON points_transfer FOR INSERT TO yiwangtu_app WITH CHECK (made_by = %s AND (%s OR (purpose = ''exchange'' AND EXISTS (SELECT 1 FROM points_account a WHERE a.id = debit_id AND a.holder = %s))))', me, leads, me);
END $$;
