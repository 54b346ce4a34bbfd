-- 0014: statistics. What each incident has been through, as one narrow row that is counted without reading histories.

-- At which level an incident was solved: 小事不出网格，大事不出社区.
ALTER TABLE incident ADD COLUMN resolved_level TEXT,
  ADD CONSTRAINT ck_incident_resolved_level CHECK (resolved_level IN ('grid', 'community', 'street', 'district'));

-- Whole minutes from one time to a later one; null where either is unknown or the order is wrong.
CREATE FUNCTION minutes_between(a timestamptz, b timestamptz) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT CASE WHEN b >= a THEN least(floor(extract(epoch FROM b - a) / 60), 2147483647)::integer END $$;

CREATE TABLE case_course (
  incident_id UUID NOT NULL,
  reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE,
  due_at TIMESTAMP WITH TIME ZONE,
  resolved_at TIMESTAMP WITH TIME ZONE,
  reported_by BIGINT,
  answer_min INTEGER,
  dispatch_min INTEGER,
  handle_min INTEGER,
  verify_min INTEGER,
  solve_min INTEGER,
  rating SMALLINT,
  returned_count SMALLINT NOT NULL,
  extended_count SMALLINT NOT NULL,
  resolved_count SMALLINT NOT NULL,
  reopened_count SMALLINT NOT NULL,
  is_filed BOOLEAN NOT NULL,
  is_done BOOLEAN NOT NULL,
  is_closed BOOLEAN NOT NULL,
  is_dispatched BOOLEAN NOT NULL,
  path LTREE NOT NULL,
  category TEXT NOT NULL,
  status TEXT NOT NULL,
  source TEXT NOT NULL,
  department TEXT,
  resolved_level TEXT,
  CONSTRAINT pk_case_course PRIMARY KEY (incident_id)
);
CREATE INDEX ix_case_course_reported_at ON case_course (reported_at);

-- What the row must say. An event that leaves the status as it was tells of something else: what was asked, granted, recounted. What
-- was imported has no history, so it was never dispatched, given back or reworked as far as anyone knows.
CREATE VIEW case_course_now AS
SELECT i.id AS incident_id, i.reported_at, i.received_at, i.due_at, i.resolved_at, i.reported_by,
  minutes_between(s.start, e.answered_at) AS answer_min, minutes_between(e.answered_at, e.assigned_at) AS dispatch_min,
  minutes_between(e.last_assigned_at, i.resolved_at) AS handle_min, minutes_between(i.resolved_at, e.verified_at) AS verify_min,
  minutes_between(s.start, i.resolved_at) AS solve_min, i.rating,
  coalesce(e.returned, 0)::smallint AS returned_count, coalesce(e.extended, 0)::smallint AS extended_count,
  coalesce(e.resolved, 0)::smallint AS resolved_count, coalesce(e.reopened, 0)::smallint AS reopened_count,
  i.status NOT IN ('reported', 'rejected', 'merged') AS is_filed, s.is_done, i.status IN ('closed', 'rated') AS is_closed,
  e.assigned_at IS NOT NULL AS is_dispatched,
  i.path, i.category, i.status, i.source, i.department, i.resolved_level
FROM incident i
CROSS JOIN LATERAL (SELECT coalesce(i.received_at, i.reported_at) AS start,
  i.resolved_at IS NOT NULL OR i.status IN ('resolved', 'verified', 'closed', 'rated') AS is_done) s
LEFT JOIN LATERAL (
  SELECT min(v.at) FILTER (WHERE v.is_move AND v.status <> 'merged') AS answered_at,
    min(v.at) FILTER (WHERE v.is_move AND v.status = 'assigned') AS assigned_at,
    max(v.at) FILTER (WHERE v.is_move AND v.status = 'assigned') AS last_assigned_at,
    max(v.at) FILTER (WHERE v.is_move AND v.status = 'verified') AS verified_at,
    count(*) FILTER (WHERE v.is_move AND v.status = 'returned') AS returned,
    count(*) FILTER (WHERE v.is_move AND v.status = 'resolved') AS resolved,
    count(*) FILTER (WHERE v.is_move AND v.status = 'reopened' AND v.was_resolved) AS reopened,
    count(*) FILTER (WHERE v.detail ->> 'granted' = 'extension') AS extended
  FROM (SELECT h.at, h.status, h.detail, h.status IS DISTINCT FROM lag(h.status) OVER history AS is_move,
      bool_or(h.status = 'resolved') OVER (history ROWS UNBOUNDED PRECEDING) AS was_resolved
    FROM incident_event h WHERE h.incident_id = i.id WINDOW history AS (ORDER BY h.seq)) v
  WHERE v.status <> 'reported'
) e ON true;

-- Keeping it. The writers may write nothing here themselves; a bulk import that goes without triggers calls fill_courses.
CREATE FUNCTION keep_course() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    DELETE FROM public.case_course WHERE incident_id = OLD.id;
  ELSIF TG_OP = 'TRUNCATE' THEN
    DELETE FROM public.case_course;
  ELSIF TG_TABLE_NAME = 'incident_event' THEN
    PERFORM public.write_course(NEW.incident_id);
  ELSE
    PERFORM public.write_course(NEW.id);
  END IF;
  RETURN NULL;
END $$;
-- A report has no history yet: its row is written as the view would say it, at a third of the view's cost.
CREATE FUNCTION begin_course() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO public.case_course (incident_id, reported_at, received_at, due_at, resolved_at, reported_by, solve_min, rating,
    returned_count, extended_count, resolved_count, reopened_count, is_filed, is_done, is_closed, is_dispatched, path, category,
    status, source, department, resolved_level)
  VALUES (NEW.id, NEW.reported_at, NEW.received_at, NEW.due_at, NEW.resolved_at, NEW.reported_by,
    public.minutes_between(coalesce(NEW.received_at, NEW.reported_at), NEW.resolved_at), NEW.rating, 0, 0, 0, 0,
    NEW.status NOT IN ('reported', 'rejected', 'merged'),
    NEW.resolved_at IS NOT NULL OR NEW.status IN ('resolved', 'verified', 'closed', 'rated'), NEW.status IN ('closed', 'rated'),
    false, NEW.path, NEW.category, NEW.status, NEW.source, NEW.department, NEW.resolved_level);
  RETURN NULL;
END $$;
CREATE FUNCTION write_course(one uuid) RETURNS void LANGUAGE sql AS $$
  INSERT INTO public.case_course AS c SELECT * FROM public.case_course_now WHERE incident_id = one
  ON CONFLICT (incident_id) DO UPDATE SET (reported_at, received_at, due_at, resolved_at, reported_by, answer_min, dispatch_min, handle_min, verify_min, solve_min, rating, returned_count, extended_count, resolved_count, reopened_count, is_filed, is_done, is_closed, is_dispatched, path, category, status, source, department, resolved_level)
    = (excluded.reported_at, excluded.received_at, excluded.due_at, excluded.resolved_at, excluded.reported_by, excluded.answer_min, excluded.dispatch_min, excluded.handle_min, excluded.verify_min, excluded.solve_min, excluded.rating, excluded.returned_count, excluded.extended_count, excluded.resolved_count, excluded.reopened_count, excluded.is_filed, excluded.is_done, excluded.is_closed, excluded.is_dispatched, excluded.path, excluded.category, excluded.status, excluded.source, excluded.department, excluded.resolved_level)
$$;
CREATE FUNCTION fill_courses() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE added bigint;
BEGIN
  INSERT INTO case_course SELECT n.* FROM case_course_now n
    WHERE NOT EXISTS (SELECT 1 FROM case_course c WHERE c.incident_id = n.incident_id);
  GET DIAGNOSTICS added = ROW_COUNT;
  RETURN added;
END $$;
REVOKE EXECUTE ON FUNCTION write_course, fill_courses FROM PUBLIC;
CREATE TRIGGER course_insert AFTER INSERT ON incident FOR EACH ROW EXECUTE FUNCTION begin_course();
CREATE TRIGGER course_delete AFTER DELETE ON incident FOR EACH ROW EXECUTE FUNCTION keep_course();
CREATE TRIGGER course_truncate AFTER TRUNCATE ON incident FOR EACH STATEMENT EXECUTE FUNCTION keep_course();
CREATE TRIGGER course_update AFTER UPDATE ON incident FOR EACH ROW
  WHEN ((OLD.status, OLD.reported_at, OLD.received_at, OLD.due_at, OLD.resolved_at, OLD.reported_by, OLD.rating, OLD.path, OLD.category,
         OLD.source, OLD.department, OLD.resolved_level) IS DISTINCT FROM
        (NEW.status, NEW.reported_at, NEW.received_at, NEW.due_at, NEW.resolved_at, NEW.reported_by, NEW.rating, NEW.path, NEW.category,
         NEW.source, NEW.department, NEW.resolved_level))
  EXECUTE FUNCTION keep_course();
CREATE TRIGGER course AFTER INSERT ON incident_event FOR EACH ROW WHEN (NEW.status <> 'reported' OR NEW.detail IS NOT NULL)
  EXECUTE FUNCTION keep_course();

-- Whose: those of the incidents that one sees. The policy says it on its own columns: asking `incident` would cost a look at each row.
GRANT SELECT ON case_course TO yiwangtu_app;
REVOKE ALL ON case_course_now FROM yiwangtu_app;
ALTER TABLE case_course ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_scope ON case_course FOR SELECT TO yiwangtu_app USING (
  (SELECT ''::ltree = ANY (case_scope())) OR (SELECT case_scope()) @> path
  OR reported_by = (SELECT scope_account())
  OR (department = ANY ((SELECT scope_departments())::text[]) AND (SELECT map_scope()) @> path));

SELECT fill_courses();
