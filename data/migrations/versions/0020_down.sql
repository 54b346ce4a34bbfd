DROP TRIGGER course_update ON incident;
CREATE TRIGGER course_update AFTER UPDATE ON incident FOR EACH ROW
  WHEN ((OLD.status, OLD.reported_at, OLD.received_at, OLD.due_at, OLD.resolved_at, OLD.reported_by, OLD.rating, OLD.path, OLD.category,
         OLD.source, OLD.department, OLD.resolved_level) IS DISTINCT FROM
        (NEW.status, NEW.reported_at, NEW.received_at, NEW.due_at, NEW.resolved_at, NEW.reported_by, NEW.rating, NEW.path, NEW.category,
         NEW.source, NEW.department, NEW.resolved_level))
  EXECUTE FUNCTION keep_course();
ALTER TABLE incident DROP COLUMN is_placed;
DROP FUNCTION known_place;
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
