-- 0020: one function for places that are known by a code alone, incidents that have no other place, and a trigger that pg_dump can write.

-- The middle of a grid or an area, and how far its edge is: for a report that gives no point, or whose point stays sealed.
DROP FUNCTION report_place, known_place;
CREATE FUNCTION known_place(wanted text, OUT name text, OUT level text, OUT path ltree, OUT area_id bigint, OUT grid_code text,
    OUT lon double precision, OUT lat double precision, OUT reach_m double precision)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT f.name, f.level, f.path, f.area_id, f.grid_code, ST_X(p.at), ST_Y(p.at),
    (SELECT max(ST_Distance(d.geom::geography, p.at::geography)) FROM ST_DumpPoints(f.geom) d)
  FROM (
    SELECT 1 AS rank, coalesce(g.name, g.code) AS name, 'grid' AS level, g.path, g.area_id, g.code AS grid_code, g.geom
      FROM grid g WHERE g.is_effective AND g.code = wanted
    UNION ALL
    SELECT 2, a.name, a.level, a.path, a.id, NULL, a.geom FROM area a WHERE a.code = wanted
  ) f CROSS JOIN LATERAL (SELECT ST_PointOnSurface(f.geom) AS at) p ORDER BY f.rank, f.path LIMIT 1
$$;

-- Of some reports only a grid or an area is known, of disputes on purpose: all of one grid share its middle, and are near nothing.
ALTER TABLE incident ADD COLUMN is_placed BOOLEAN DEFAULT true NOT NULL;
UPDATE incident SET is_placed = false WHERE id IN (
  SELECT incident_id FROM resident_report WHERE place <> 'device' UNION ALL
  SELECT incident_id FROM incident_route WHERE seq = 1 AND words LIKE '只知位置在%');

-- pg_dump leaves the schema of = out of IS DISTINCT FROM: paths compared so could not be restored, as ltree is in `public`.
DROP TRIGGER course_update ON incident;
CREATE TRIGGER course_update AFTER UPDATE ON incident FOR EACH ROW
  WHEN (OLD.path <> NEW.path OR
        (OLD.status, OLD.reported_at, OLD.received_at, OLD.due_at, OLD.resolved_at, OLD.reported_by, OLD.rating, OLD.category, OLD.source, OLD.department,
         OLD.resolved_level) IS DISTINCT FROM
        (NEW.status, NEW.reported_at, NEW.received_at, NEW.due_at, NEW.resolved_at, NEW.reported_by, NEW.rating, NEW.category, NEW.source, NEW.department,
         NEW.resolved_level))
  EXECUTE FUNCTION keep_course();
