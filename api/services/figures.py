"""The key figures of an area, counted from the rows that the reader may see, once for each state of the database."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from starlette.types import Receive

from api.errors import ForbiddenError, MissingError, NotSignedInError
from api.reading import Reader
from api.services.shelf import Shelf
from layers.incident import OVERDUE_SQL
from layers.tables import CLOSED_STATUSES, INCIDENT_STATUSES
from layers.viewer import STAFF_ROLES, Viewer

FIGURES = ("open", "overdue", "today", "closed", "outside", "coverage")  # that a wall shows large
DAYS = 30
TOP_CATEGORIES = 8
MOST_KEPT = 512
KEPT_S = 30  # at most; ratings that are made from figures hold for longer
GAP_KIND = "station"  # coverage is that of 初心驿站, by the first rule that asks for one
_OPEN = ", ".join(f"'{status}'" for status in INCIDENT_STATUSES if status not in CLOSED_STATUSES)
_PLACE = text(
    "SELECT 'area' AS kind, path::text AS path, time_zone, (SELECT map_scope()) @> path AS is_allowed "
    "FROM area WHERE code = :code UNION ALL "
    "(SELECT 'grid', g.path::text, a.time_zone, (SELECT map_scope()) @> g.path "
    "FROM grid g JOIN area a ON a.id = g.area_id WHERE g.code = :code AND (g.is_effective OR g.valid_to IS NOT NULL) "
    "ORDER BY g.is_effective DESC, g.valid_to DESC LIMIT 1) LIMIT 1"
)
# What changes with everything that figures are counted from: what is numbered, what waits for its number (rows become
# visible in another order than that of their ids), and revisions. By the indexes, and not far where a flood waits.
_STATE = """
SELECT (SELECT max(seq) FROM event), (SELECT max(id) FROM outbox),
       (SELECT count(*) FROM (SELECT id FROM outbox ORDER BY id LIMIT 10000) w),
       (SELECT sum(revision) FROM layer_revision)"""
# the `*_at >=` and `status IN` conditions are those that indexes answer under row-level security
_FIGURES = text(f"""
WITH seen AS MATERIALIZED (
  SELECT category, status, path, reported_at, due_at, (reported_at AT TIME ZONE :zone)::date AS reported_on,
         (closed_at AT TIME ZONE :zone)::date AS closed_on, status IN ({_OPEN}) AS is_open,
         {OVERDUE_SQL} AS is_overdue, warning_level, reported_at >= now() - make_interval(days => {DAYS}) AS is_recent
  FROM incident t
  WHERE path <@ CAST(:path AS ltree) AND (status IN ({_OPEN})
    OR reported_at >= now() - make_interval(days => {DAYS + 1})
    OR closed_at >= now() - make_interval(days => {DAYS + 1}))
), today AS (SELECT (now() AT TIME ZONE :zone)::date AS d)
SELECT json_build_object(
  'valid_s', (SELECT extract(epoch FROM least((d + 1)::timestamp AT TIME ZONE :zone,
      (SELECT min(due_at) FROM seen WHERE is_open AND due_at >= now()),
      (SELECT min(reported_at) FROM seen WHERE is_recent) + make_interval(days => {DAYS})) - now()) FROM today),
  'incidents_open', (SELECT count(*) FROM seen WHERE is_open),
  'incidents_overdue', (SELECT count(*) FROM seen WHERE is_overdue),
  'incidents_supervised', (SELECT count(*) FROM seen WHERE is_open AND warning_level = 'red'),
  'incidents_today', (SELECT count(*) FROM seen, today WHERE reported_on = d),
  'reported_30d', (SELECT count(*) FROM seen WHERE is_recent),
  'closed_30d', (SELECT count(*) FROM seen WHERE is_recent AND NOT is_open),
  'recent_from', now() - make_interval(days => {DAYS}),
  'today_from', (SELECT d::timestamp AT TIME ZONE :zone FROM today),
  'closed_ratio_30d', (SELECT round(avg((NOT is_open)::integer), 4) FROM seen WHERE is_recent),
  'trend', (SELECT json_agg(json_build_object(
      'date', day::date, 'reported', coalesce(r.n, 0), 'closed', coalesce(c.n, 0)) ORDER BY day)
    FROM today, generate_series(d - {DAYS - 1}, d, interval '1 day') day
    LEFT JOIN (SELECT reported_on, count(*) AS n FROM seen GROUP BY 1) r ON r.reported_on = day::date
    LEFT JOIN (SELECT closed_on, count(*) AS n FROM seen GROUP BY 1) c ON c.closed_on = day::date),
  'by_category', (SELECT coalesce(json_agg(k ORDER BY k.count DESC, k.code), '[]') FROM (
    SELECT c.code, c.name, c.name_en, count(*) AS count
    FROM seen JOIN category c ON c.code = seen.category
    WHERE is_recent GROUP BY c.code ORDER BY count(*) DESC, c.code LIMIT {TOP_CATEGORIES}) k),
  'by_status', (SELECT coalesce(json_agg(k ORDER BY k.count DESC, k.status), '[]') FROM (
    SELECT status, count(*) AS count FROM seen WHERE is_open OR is_recent GROUP BY status) k),
  'by_child', (SELECT coalesce(json_agg(json_build_object('code', k.code, 'name', k.name, 'open', n.open,
      'overdue', n.overdue) ORDER BY k.code), '[]')
    FROM (SELECT a.code, a.name, a.path FROM area a JOIN area p ON p.id = a.parent_id WHERE p.code = :code
          UNION ALL
          SELECT g.code, coalesce(g.name, g.code), g.path FROM grid g JOIN area a ON a.id = g.area_id
          WHERE g.is_effective AND a.code = :code
          UNION ALL  -- grids of earlier plans whose cases are not closed yet keep them
          SELECT DISTINCT ON (g.path) g.code, coalesce(g.name, g.code), g.path
          FROM grid g JOIN area a ON a.id = g.area_id
          WHERE g.valid_to IS NOT NULL AND a.code = :code
            AND NOT EXISTS (SELECT 1 FROM grid t WHERE t.path = g.path AND t.is_effective)
            AND EXISTS (SELECT 1 FROM seen WHERE seen.is_open AND seen.path <@ g.path)) k,
    LATERAL (SELECT count(*) FILTER (WHERE is_open) AS open,
                    count(*) FILTER (WHERE is_overdue) AS overdue
             FROM seen WHERE seen.path <@ k.path) n)
)""")
_STOCK = text(f"""
WITH g AS (
  SELECT g.households, g.households < s.floor OR g.households > s.ceiling AS is_outside
  FROM grid g JOIN plan l ON l.id = g.plan_id JOIN grid_scheme s ON s.id = l.scheme_id
  WHERE g.is_effective AND g.path <@ CAST(:path AS ltree)
), f AS (
  SELECT kind, count(*) AS n FROM facility
  WHERE kind IN ('station', 'canteen') AND status = 'open' AND (path <@ CAST(:path AS ltree)
    OR (:kind = 'grid' AND ST_Intersects(geom, (SELECT geom FROM grid WHERE code = :code AND is_effective LIMIT 1))))
  GROUP BY kind
), gap AS MATERIALIZED (
  SELECT s.path, sum(s.households) AS examined,
         coalesce(sum(s.households) FILTER (WHERE substr(s.verdicts, e.place, 1) = 'm'), 0) AS covered
  FROM service_gap s JOIN (
    SELECT DISTINCT ON (x.id) x.id, array_position(x.rules, r.code) AS place
    FROM examination x JOIN standard_rule r ON r.rulebook = x.rulebook AND r.version = x.version
      AND r.facility_kind = '{GAP_KIND}' AND r.code = ANY (x.rules)
    ORDER BY x.id, r.place) e ON e.id = s.examination_id
  WHERE s.path <@ CAST(:path AS ltree) GROUP BY s.path
)
SELECT json_build_object(
  'households', CASE WHEN :kind = 'grid' THEN (SELECT sum(households) FROM g)
    ELSE (SELECT coalesce(sum(households), 0) FROM unit WHERE path <@ CAST(:path AS ltree)) END,
  'grids', (SELECT count(*) FROM g),
  'grids_outside_band', (SELECT count(*) FILTER (WHERE is_outside) FROM g),
  'households_outside_band', (SELECT coalesce(sum(households) FILTER (WHERE is_outside), 0) FROM g),
  'stations_open', coalesce((SELECT n FROM f WHERE kind = 'station'), 0),
  'canteens_open', coalesce((SELECT n FROM f WHERE kind = 'canteen'), 0),
  'covered_ratio', (SELECT round(sum(covered)::numeric / nullif(sum(examined), 0), 4) FROM gap),
  'coverage', (SELECT coalesce(json_agg(json_build_object('code', c.code, 'name', c.name, 'name_en', c.name_en,
      'covered', n.covered, 'examined', n.examined) ORDER BY c.code), '[]')
    FROM area c LEFT JOIN area p ON p.id = c.parent_id,
    LATERAL (SELECT sum(covered) AS covered, sum(examined) AS examined FROM gap WHERE gap.path <@ c.path) n
    WHERE n.examined IS NOT NULL AND (p.code = :code OR (c.code = :code AND c.level = 'community')))
)""")


def require_staff(viewer: Viewer) -> None:
    """Refuse those whose roles show no figures.

    Raises
    ------
    NotSignedInError, ForbiddenError
        As the reader is.
    """
    if viewer.account_id is None:
        raise NotSignedInError("the figures are for staff; please sign in")
    if not viewer.roles & STAFF_ROLES:
        raise ForbiddenError("your roles show no figures")


def find_place(connection: Connection, code: str) -> Row[Any]:
    """Find an area or a grid inside the reader's areas: kind, path, time_zone.

    Raises
    ------
    MissingError
        If there is no such area or grid.
    ForbiddenError
        If it lies outside the reader's areas.
    """
    place = connection.execute(_PLACE, {"code": code}).one_or_none()
    if place is None:
        raise MissingError(f"there is no area or grid with the code {code!r}")
    if not place.is_allowed:
        raise ForbiddenError(f"{code!r} is outside your areas")
    return place


def count_figures(connection: Connection, code: str) -> dict[str, Any]:
    """Count the figures of an area or a grid; `valid_s` says after how many seconds time alone may change them.

    Raises
    ------
    MissingError, ForbiddenError
        As `find_place` says.
    """
    place = find_place(connection, code)
    values = {"code": code, "kind": place.kind, "path": place.path, "zone": place.time_zone}
    incidents: dict[str, Any] = connection.execute(_FIGURES, values).scalar_one()
    stock: dict[str, Any] = connection.execute(_STOCK, values).scalar_one()
    return incidents | stock


@dataclass(frozen=True)
class Counted:
    """Figures as they are answered.

    Attributes
    ----------
    tag
        Of the body: a weak ETag.
    until
        By the clock of `FigureBook`: time alone may change the figures from then on.
    """

    body: bytes
    tag: str
    until: float


class FigureBook:
    """The figures that readers asked for: counted again when rows changed, or time may have changed what they say.

    Whoever asks has the database's state looked at, which is one small statement; figures of that state or a later one
    are counted once for each reader's roles and areas, however many walls ask.
    """

    def __init__(self, reader: Reader, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._clock = clock
        self._kept: Shelf[Counted] = Shelf.of(reader, most=MOST_KEPT)

    async def get(
        self, viewer: Viewer, code: str, write: Callable[[dict[str, Any], datetime], bytes], receive: Receive
    ) -> Counted:
        """Give the figures of an area or a grid as a reader sees them.

        Parameters
        ----------
        write
            Writes the answer from what was counted, and when.

        Raises
        ------
        MissingError, ForbiddenError
            As `find_place` says.
        """
        rows = await self._reader.fetch(viewer, _STATE, {}, receive)
        key = (viewer, code, rows[0])

        def count(connection: Connection) -> Counted:
            begun, now = self._clock(), datetime.now(UTC)
            figures = count_figures(connection, code)
            until = begun + min(KEPT_S, float(figures.pop("valid_s")))
            body = write(figures, now)
            return Counted(body, f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"', until)

        kept = await self._kept.get(key, count, receive, viewer=viewer)
        if kept.until > self._clock():
            return kept
        self._kept.drop(key, kept)
        return await self._kept.get(key, count, receive, viewer=viewer)
