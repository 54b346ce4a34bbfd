-- 0018: what happens to a whistle is told in the live stream: each move writes one row of its history, and that one row announces it.
CREATE FUNCTION announce_whistle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO outbox (kind, key) VALUES ('whistle', NEW.whistle_id::text);
  RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER INSERT ON whistle_event FOR EACH ROW EXECUTE FUNCTION announce_whistle();

-- A day again: what was alive at some time of it, by indexes, however many there are before and after it. Row-level security would let
-- no index of ranges answer, so the function passes it and looks at the scope itself; it stops at `most`, in no order. Only what has
-- ended is in the index: a report costs nothing more.
CREATE INDEX ix_incident_alive ON incident USING gist (tstzrange(least(reported_at, closed_at), closed_at, '[]')) WHERE closed_at IS NOT NULL;
CREATE FUNCTION incidents_alive(within ltree, since timestamptz, until timestamptz, most integer) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT a.id FROM (
    SELECT i.id, i.path, i.department, i.reported_by FROM incident i
      WHERE i.reported_at < until AND i.status NOT IN ('closed', 'rated', 'rejected', 'merged')
    UNION ALL
    SELECT i.id, i.path, i.department, i.reported_by FROM incident i
      WHERE i.closed_at IS NOT NULL AND i.reported_at < until AND i.status IN ('closed', 'rated', 'rejected', 'merged')
        AND tstzrange(least(i.reported_at, i.closed_at), i.closed_at, '[]') && tstzrange(since, until)
    UNION ALL
    SELECT i.id, i.path, i.department, i.reported_by FROM incident i
      WHERE i.reported_at < until AND i.status IN ('closed', 'rated', 'rejected', 'merged') AND coalesce(i.closed_at < since, true)
        AND i.id IN (SELECT m.incident_id FROM incident_merge m WHERE m.merged_at >= since AND m.parted_at IS NULL)
  ) a
  WHERE a.path <@ within
    AND (''::ltree = ANY (case_scope()) OR case_scope() @> a.path OR a.reported_by = scope_account()
         OR (a.department = ANY (scope_departments()) AND map_scope() @> a.path))
  LIMIT most
$$;
