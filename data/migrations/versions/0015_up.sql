-- 0015: scenes that a wall shows in turn, and when incidents changed, for a replay of a day.
CREATE TABLE scene (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  area_id BIGINT NOT NULL,
  path LTREE NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  code TEXT NOT NULL,
  bounds DOUBLE PRECISION[],
  layers TEXT[] NOT NULL,
  figures TEXT[] NOT NULL,
  dwell_s INTEGER NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_scene PRIMARY KEY (id),
  CONSTRAINT uq_scene_area_id_position UNIQUE (area_id, position),
  CONSTRAINT fk_scene_area_id FOREIGN KEY(area_id) REFERENCES area (id) ON DELETE CASCADE,
  CONSTRAINT ck_scene_bounds CHECK (cardinality(bounds) = 4 AND bounds[1] < bounds[3] AND bounds[2] < bounds[4]),
  CONSTRAINT ck_scene_dwell_s CHECK (dwell_s BETWEEN 5 AND 600)
);
GRANT SELECT, INSERT, DELETE ON scene TO yiwangtu_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO yiwangtu_app;

DO $$
DECLARE in_map text := '((SELECT ''''::ltree = ANY (map_scope())) OR (SELECT map_scope()) @> path)';
BEGIN
  ALTER TABLE scene ENABLE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY in_scope ON scene FOR SELECT TO yiwangtu_app USING %s', in_map);
  EXECUTE format('CREATE POLICY edit ON scene FOR ALL TO yiwangtu_app USING (''dispatcher'' = ANY (scope_roles()) AND %s) '
                 'WITH CHECK (''dispatcher'' = ANY (scope_roles()) AND %s)', in_map, in_map);
END $$;

-- When incidents became what: the history without notes and names, for all who see the incident, a wall too.
CREATE FUNCTION incident_steps(ids uuid[], until timestamptz)
  RETURNS TABLE (incident_id uuid, at timestamptz, status text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT e.incident_id, e.at, e.status FROM incident_event e JOIN incident i ON i.id = e.incident_id
  WHERE e.incident_id = ANY (ids) AND e.at < until
    AND (''::ltree = ANY (case_scope()) OR case_scope() @> i.path OR i.reported_by = scope_account()
         OR (i.department = ANY (scope_departments()) AND map_scope() @> i.path))
  ORDER BY e.incident_id, e.seq
$$;
-- Which were joined into another since then; the caller's own sight of incidents decides which of them it can read.
CREATE FUNCTION incidents_joined(since timestamptz) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT m.incident_id FROM incident_merge m WHERE m.merged_at >= since AND m.parted_at IS NULL
$$;
