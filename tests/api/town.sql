-- A drawn town of two districts, D1 west and D2 east, side by side. Each district has two streets (S1 south, S2 north),
-- each street two communities (C1 west, C2 east), each community two grids (G1 west, G2 east), each grid two units:
--
--   30.22 +---------+---------+---------+---------+     every box is a community of 0.01 x 0.01 degrees,
--         | D1S2C1  | D1S2C2  | D2S2C1  | D2S2C2  |     cut by a vertical line into G1 and G2
--   30.21 +---------+---------+---------+---------+
--         | D1S1C1  | D1S1C2  | D2S1C1  | D2S1C2  |     households: every G1 600 (in the band), G2 of D1 200 (below),
--   30.20 +---------+---------+---------+---------+     G2 of D2 900 (above); band 400-800
--      115.00    115.01    115.02    115.03    115.04
--
-- Every grid has one incident: in G1 litter, of 环卫, reported yesterday, open and overdue (24 h); in G2 noise, of 城管, closed.
-- Facilities, one of each kind and district, lie in S1C1 of the district. The plan "draft" of D1 has one grid that is not in force.

CREATE TEMPORARY TABLE box (level text, code text, name text, parent text, x float, y float, w float, h float, path ltree, n int)
  ON COMMIT DROP;
INSERT INTO box
  SELECT 'district', 'D' || d, '区' || d, NULL, 115 + 0.02 * (d - 1), 30.2, 0.02, 0.02, ('D' || d)::ltree, d
  FROM generate_series(1, 2) d;
INSERT INTO box
  SELECT 'street', b.code || 'S' || s, '街' || b.n || s, b.code, b.x, b.y + 0.01 * (s - 1), 0.02, 0.01,
         b.path || (b.code || 'S' || s), s
  FROM box b, generate_series(1, 2) s WHERE b.level = 'district';
INSERT INTO box
  SELECT 'community', b.code || 'C' || c, '社区' || b.code || c, b.code, b.x + 0.01 * (c - 1), b.y, 0.01, 0.01,
         b.path || (b.code || 'C' || c), c
  FROM box b, generate_series(1, 2) c WHERE b.level = 'street';
INSERT INTO box
  SELECT 'grid', b.code || 'G' || g, '网格' || b.code || g, b.code, b.x + 0.005 * (g - 1), b.y, 0.005, 0.01,
         b.path || (b.code || 'G' || g), g
  FROM box b, generate_series(1, 2) g WHERE b.level = 'community';
INSERT INTO box
  SELECT 'unit', b.code || 'U' || u, u || '号楼', b.code, b.x + 0.001 + 0.002 * (u - 1), b.y + 0.002, 0.0005, 0.0005, b.path,
         CASE WHEN b.n = 1 THEN 300 WHEN b.code LIKE 'D1%' THEN 100 ELSE 450 END
  FROM box b, generate_series(1, 2) u WHERE b.level = 'grid';

CREATE OR REPLACE FUNCTION pg_temp.drawn(b box) RETURNS geometry LANGUAGE sql
  AS $$ SELECT ST_Multi(ST_MakeEnvelope(b.x, b.y, b.x + b.w, b.y + b.h, 4326)) $$;
CREATE OR REPLACE FUNCTION pg_temp.spot(x float, y float) RETURNS geometry LANGUAGE sql
  AS $$ SELECT ST_SetSRID(ST_MakePoint(x, y), 4326) $$;

INSERT INTO area (level, code, name, name_en, parent_id, source, is_sample, geom, path)
  SELECT 'district', code, name, 'District ' || n, NULL, 'drawn', true, pg_temp.drawn(box), path FROM box WHERE level = 'district';
INSERT INTO area (level, code, name, parent_id, source, is_sample, geom, path)
  SELECT b.level, b.code, b.name, a.id, 'drawn', true, pg_temp.drawn(b), b.path FROM box b JOIN area a ON a.code = b.parent
  WHERE b.level = 'street' ORDER BY b.code;
INSERT INTO area (level, code, name, parent_id, source, is_sample, geom, path)
  SELECT b.level, b.code, b.name, a.id, 'drawn', true, pg_temp.drawn(b), b.path FROM box b JOIN area a ON a.code = b.parent
  WHERE b.level = 'community' ORDER BY b.code;

INSERT INTO compound (code, name, kind, built_year, area_id, geom, path)
  SELECT a.code || 'K', a.name || '小区', 'commodity', 1999, a.id,
         ST_Multi(ST_MakeEnvelope(b.x + 0.0005, b.y + 0.001, b.x + 0.004, b.y + 0.003, 4326)), a.path
  FROM area a JOIN box b ON b.code = a.code WHERE a.level = 'community' ORDER BY a.code;
INSERT INTO unit (code, name, area_id, compound_id, households, residents, residents_60, floors, use, geom, path)
  SELECT b.code, b.name, a.id, CASE WHEN b.parent LIKE '%G1' THEN k.id END, b.n, b.n * 3, b.n / 2, 6, 'residential', pg_temp.drawn(b), a.path
  FROM box b JOIN area a ON a.path = subpath(b.path, 0, 3) JOIN compound k ON k.area_id = a.id
  WHERE b.level = 'unit' ORDER BY b.code;

INSERT INTO plan (scheme_id, area_id, path, name, status, created_by)
  SELECT s.id, a.id, a.path, a.code || ' in force', 'effective', 'drawn' FROM grid_scheme s, area a WHERE s.code = 'community-grid' AND a.level = 'district' ORDER BY a.code;
INSERT INTO plan (scheme_id, area_id, path, name, status, created_by)
  SELECT s.id, a.id, a.path, 'D1 draft', 'draft', 'drawn' FROM grid_scheme s, area a WHERE s.code = 'community-grid' AND a.code = 'D1';
INSERT INTO grid (plan_id, code, name, area_id, is_effective, households, compactness_ratio, geom, path)
  SELECT p.id, b.code, b.name, a.id, true, CASE WHEN b.n = 1 THEN 600 WHEN b.code LIKE 'D1%' THEN 200 ELSE 900 END, 0.7,
         pg_temp.drawn(b), b.path
  FROM box b JOIN area a ON a.code = b.parent JOIN plan p ON p.status = 'effective' AND p.path @> b.path
  WHERE b.level = 'grid' ORDER BY b.code;
INSERT INTO grid (plan_id, code, name, area_id, is_effective, households, compactness_ratio, geom, path)
  SELECT p.id, a.code || 'G9', '拟设网格', a.id, false, 800, 0.8, a.geom, a.path || (a.code || 'G9')
  FROM plan p, area a WHERE p.status = 'draft' AND a.code = 'D1S1C1';
INSERT INTO plan_assignment (plan_id, unit_id, grid_id)
  SELECT g.plan_id, u.id, g.id FROM box b JOIN unit u ON u.code = b.code JOIN grid g ON g.code = b.parent AND g.is_effective
  WHERE b.level = 'unit';
INSERT INTO plan_assignment (plan_id, unit_id, grid_id)
  SELECT g.plan_id, u.id, g.id FROM unit u JOIN grid g ON g.code = 'D1S1C1G9' WHERE u.code LIKE 'D1S1C1%';

INSERT INTO facility (kind, code, name, tier, address, hours, services, capacity, area_id, geom, path)
  SELECT k.kind, a.code || '-' || k.kind, a.name || k.name, k.tier, a.code || '号', 'Mo-Su 08:00-20:00', '{政策咨询}', 40, a.id,
         pg_temp.spot(b.x + 0.0005 * k.n, b.y + 0.006), a.path
  FROM (VALUES (1, 'station', '驿站', 'basic'), (2, 'canteen', '食堂', NULL), (3, 'elder_care', '养老点', 'home_point'),
               (4, 'parking', '停车场', NULL), (5, 'refuse_point', '投放点', NULL),
              (6, 'exchange_point', '兑换点', NULL)) k (n, kind, name, tier),
       area a JOIN box b ON b.code = a.code
  WHERE a.code LIKE '%S1C1' ORDER BY a.code, k.n;
INSERT INTO sorting_zone (code, name, geom, path)
  SELECT code || 'Z', name || '片区', pg_temp.drawn(box), path FROM box WHERE level = 'street' AND code LIKE '%S1' ORDER BY code;
INSERT INTO road (code, name, class, geom, path)
  SELECT code || 'R', name || '路', 'arterial', ST_Multi(ST_MakeLine(pg_temp.spot(x, y + 0.005), pg_temp.spot(x + w, y + 0.005))), path
  FROM box WHERE level = 'district' ORDER BY code;
INSERT INTO barrier (code, name, kind, geom, path)
  SELECT code || 'B', name || '河', 'river', ST_MakeEnvelope(x, y + 0.0145, x + w, y + 0.0155, 4326), path
  FROM box WHERE level = 'district' ORDER BY code;

INSERT INTO category (code, name, name_en) VALUES ('city', '市容环境', 'City appearance');
INSERT INTO category (code, parent, name, name_en, department, limit_hours)
  VALUES ('litter', 'city', '暴露垃圾', 'Litter', '环卫', 24), ('noise', 'city', '噪声扰民', 'Noise', '城管', 72),
         ('other', 'city', '其他', 'Other', NULL, NULL);
INSERT INTO incident (id, code, category, title, description, status, source, department, reported_at, due_at, resolved_at, closed_at, geom)
  SELECT md5(code)::uuid, code || '-1', CASE n WHEN 1 THEN 'litter' ELSE 'noise' END, name || '事件', code || ' description',
         CASE n WHEN 1 THEN 'reported' ELSE 'closed' END, 'patrol', CASE n WHEN 1 THEN '环卫' ELSE '城管' END,
         now() - interval '30 hours', CASE n WHEN 1 THEN now() - interval '6 hours' ELSE now() + interval '42 hours' END,
         CASE n WHEN 2 THEN now() - interval '3 hours' END, CASE n WHEN 2 THEN now() - interval '2 hours' END,
         pg_temp.spot(x + 0.002, y + 0.004)
  FROM box WHERE level = 'grid' ORDER BY code;
INSERT INTO rulebook (code, version, digest, source) VALUES ('drawn', 1, 'drawn', 'drawn');
INSERT INTO standard_rule (rulebook, version, code, place, facility_kind, facility_name, demand, metric, threshold_m, binding, standard, confidence)
  VALUES ('drawn', 1, 'station_500', 1, 'station', '驿站', 'households', 'walk', 500, 'should', '示例标准', 'M'),
         ('drawn', 1, 'canteen_500', 2, 'canteen', '食堂', 'residents_60', 'walk', 500, 'may', '示例标准', 'L'),
         ('drawn', 1, 'school_300', 3, 'school', '小学', 'households', 'walk', 300, 'should', '示例标准', 'H');
INSERT INTO examination (area_code, path, rulebook, version, rules, data_on, without_data, made_by)
  SELECT code, path, 'drawn', 1, '{station_500,canteen_500}', '{2026-01-01,NULL}', '{school_300}', 'drawn'
  FROM area WHERE level = 'district' ORDER BY code;
-- the first unit of every G1 has a station within 500 m, all others walk 700 m; of canteens nothing is known
INSERT INTO service_gap (unit_id, examination_id, code, households, residents_60, verdicts, walk_m, straight_m, facilities, reasons, geom, path)
  SELECT u.id, e.id, u.code, u.households, u.residents_60, CASE WHEN u.code LIKE '%G1U1' THEN 'mu' ELSE 'nu' END,
         ARRAY[CASE WHEN u.code LIKE '%G1U1' THEN 250 ELSE 700 END, NULL], '{200,NULL}', '{D1S1C1-station,NULL}',
         '{ok,unit_not_snapped}', ST_PointOnSurface(u.geom), u.path
  FROM unit u JOIN examination e ON e.path @> u.path ORDER BY u.code;
