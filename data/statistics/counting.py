"""Count the parts of an area's incidents: in all, and by area inside, department, category and source.

Nothing is sorted: all groups are hashed in one pass over the rows, the parts of a row asked once for all of them, and
hours are counted by tenths, from which medians and ninetieth percentiles follow exactly.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from data.statistics.definitions import Grade, Indicator, read_indicators
from data.statistics.parts import LEVELS, PART_SQL
from data.statistics.question import Question
from layers.tables import INCIDENT_STATUSES

SETS = ("total", "areas", "departments", "categories", "sources")
QUANTILES = (0.5, 0.9)
FEWEST_GRADED = 10  # cases below the line: a grade of fewer would be one of chance
NOT_STATED = ("未填", "not stated")
SOURCE_NAMES = {
    "worker": ("网格员", "Grid workers"), "resident": ("居民", "Residents"), "12345": ("12345 热线", "Hotline 12345"),
    "110": ("110", "Police 110"), "patrol": ("巡查", "Patrols"), "sensor": ("感知设备", "Sensors"),
}  # fmt: skip
# post: its hours, the part it is counted by, and the indicator it is judged by
POSTS = (
    ("collect", "信息采集岗", "Collecting", None, "reported", "filed_ratio"),
    ("intake", "受理岗", "Intake", "answer_min", None, None),
    ("dispatch", "派遣岗", "Dispatching", "dispatch_min", "dispatched", "dispatch_accuracy"),
    ("handle", "处置岗", "Handling", "handle_min", "handled", "on_time_ratio"),
    ("verify", "核查岗", "Verifying", "verify_min", None, "rework_ratio"),
)
# the keys that groups are of, and the sets they are in; those that have hours come first
_KEYS = {"child": "areas", "body": "departments", "category": "categories", "source": "sources", "status": "statuses"}
_TIMED = tuple(_KEYS)[:3]
_POST_COLUMNS = tuple(column for _, _, _, column, _, _ in POSTS if column)
# the area or grid right below the place; "" is what has no finer one
_CHILD = "CASE WHEN nlevel(t.path) > :depth THEN ltree2text(subpath(t.path, :depth, 1)) ELSE '' END"
_BODY = "coalesce(t.department, '-')"


@dataclass(frozen=True)
class Hours:
    """Hours from report to handling: of how many, and the median and ninetieth percentile, in tenths."""

    n: int = 0
    median: float | None = None
    p90: float | None = None


@dataclass(frozen=True)
class Ratio:
    """An indicator's value, 0-1, None where nothing counts below the line; its grade, None of fewer than 10 cases."""

    value: float | None
    grade: Grade | None


@dataclass(frozen=True)
class Group:
    """The figures of one area, department, category or source."""

    code: str
    name: str
    name_en: str | None
    counts: Mapping[str, int]
    hours: Hours
    indicators: tuple[Indicator, ...]

    @property
    def ratios(self) -> dict[str, Ratio]:
        """Each indicator's value and grade."""
        found = {}
        for one in self.indicators:
            below = self.counts[one.denominator]
            value = self.counts[one.numerator] / below if below else None
            found[one.code] = Ratio(value, one.grade(value) if below >= FEWEST_GRADED else None)
        return found


@dataclass(frozen=True)
class Post:
    """The figures of one post: how many, how long, how well; no person is counted."""

    code: str
    name: str
    name_en: str
    hours: Hours
    count: int
    indicator: str | None


@dataclass(frozen=True)
class Statistics:
    """All figures of a question."""

    total: Group
    areas: tuple[Group, ...]
    departments: tuple[Group, ...]
    categories: tuple[Group, ...]
    sources: tuple[Group, ...]
    posts: tuple[Post, ...]
    statuses: Mapping[str, int]


def count(connection: Connection, question: Question, indicators: tuple[Indicator, ...] | None = None) -> Statistics:
    """Count everything, of the incidents that the transaction may see; graded by `indicators`, else by the sample.

    Incidents keep the grid and the areas that were in force on their day, as they are stored.
    """
    connection.execute(text("SET LOCAL work_mem = '64MB'"))
    connection.execute(text("SET LOCAL enable_sort = off"))  # groups are hashed
    values = {**question.values, "depth": len(question.path.split("."))}
    names, majors = _names(connection, question), _majors(connection)
    hours = _hours(connection.execute(text(_hours_sql(question.condition)), values), _TIMED, majors)
    posts = _hours(connection.execute(text(_posts_sql(question.condition)), values), _POST_COLUMNS, majors)
    counts = _counts(connection.execute(text(_counts_sql(question.condition)), values), majors)
    graded = indicators or read_indicators()
    taken = hours.get(("total", ""), Hours())
    total = Group("", question.name, question.name_en, counts.pop(("total", "")), taken, graded)
    statuses = {status: counts.pop(("statuses", status), {}).get("reported", 0) for status in INCIDENT_STATUSES}
    groups: dict[str, list[Group]] = defaultdict(list)
    for kind, code in sorted(counts, key=lambda one: (not one[1], one[1])):
        name, name_en = _name(names[kind], kind, code)
        taken = hours.get((kind, code), Hours())
        groups[kind].append(Group(code, name, name_en, counts[kind, code], taken, graded))
    inside = {kind: tuple(groups[kind]) for kind in SETS if kind != "total"}
    return Statistics(total=total, **inside, posts=_posts(posts, total), statuses=statuses)


def _counts_sql(condition: str) -> str:
    """Write the counts of every part, of all and by each key; the whole is there even where nothing is."""
    parts = ", ".join(f"count(*) FILTER (WHERE {sql}) AS n_{part}" for part, sql in PART_SQL.items())
    keys = ", ".join(_KEYS)
    return f"""
SELECT GROUPING({keys}) AS grouped, coalesce({keys}, '') AS code, {parts}
FROM (SELECT t.*, {_CHILD} AS child, {_BODY} AS body FROM case_course t WHERE {condition}) t
GROUP BY GROUPING SETS ((), {", ".join(f"({key})" for key in _KEYS)})"""


def _hours_sql(condition: str) -> str:
    """Write how many were handled within each tenth of an hour, by the keys that have hours."""
    keys = ", ".join(_TIMED)
    return f"""
SELECT GROUPING({keys}) AS grouped, coalesce({keys}) AS code, tenth, count(*) AS n
FROM (SELECT {_CHILD} AS child, {_BODY} AS body, t.category, (t.solve_min + 3) / 6 AS tenth
  FROM case_course t WHERE {condition} AND t.solve_min IS NOT NULL AND t.is_filed) t
GROUP BY GROUPING SETS ({", ".join(f"({key}, tenth)" for key in _TIMED)})"""


def _posts_sql(condition: str) -> str:
    """Write how many took each tenth of an hour at each post."""
    keys = ", ".join(_POST_COLUMNS)
    tenths = ", ".join(f"(t.{column} + 3) / 6 AS {column}" for column in _POST_COLUMNS)
    return f"""
SELECT GROUPING({keys}) AS grouped, '' AS code, coalesce({keys}) AS tenth, count(*) AS n
FROM (SELECT {tenths} FROM case_course t WHERE {condition}) t
GROUP BY GROUPING SETS ({", ".join(f"({column})" for column in _POST_COLUMNS)})"""


def _key_of(keys: Sequence[str]) -> dict[int, str]:
    """Tell of which key a group is, by what GROUPING of all keys says: the bits of the others are set."""
    every = (1 << len(keys)) - 1
    return {every - (1 << place): key for place, key in enumerate(reversed(keys))}


def _counts(rows: Iterable[Row[Any]], majors: Mapping[str, str]) -> dict[tuple[str, str], Mapping[str, int]]:
    """Read counts by set and code; kinds count for the group that they belong to."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    key_of = _key_of(tuple(_KEYS))
    for row in rows:
        kind = _KEYS[key_of[row.grouped]] if row.grouped in key_of else "total"
        code = majors.get(row.code, row.code) if kind == "categories" else row.code
        found[kind, code].update({part: int(getattr(row, f"n_{part}")) for part in PART_SQL})
    return dict(found)


def _hours(rows: Iterable[Row[Any]], keys: Sequence[str], majors: Mapping[str, str]) -> dict[tuple[str, str], Hours]:
    """Read quantiles off counted tenths of hours, by set and code, of a post by its column and ""."""
    tallies: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    key_of = _key_of(keys)
    for row in rows:
        if row.tenth is None:
            continue
        key = key_of[row.grouped]
        code = majors.get(row.code, row.code) if key == "category" else row.code
        tallies[_KEYS.get(key, key), code][row.tenth] += int(row.n)
        if key == "child":
            tallies["total", ""][row.tenth] += int(row.n)
    return {key: quantiles(tally) for key, tally in tallies.items()}


def quantiles(tally: Mapping[int, int]) -> Hours:
    """Give the median and the ninetieth percentile of counted tenths of hours: the least that so many do not exceed."""
    n = sum(tally.values())
    found: list[float] = []
    seen = 0
    for tenth in sorted(tally):
        seen += tally[tenth]
        while len(found) < len(QUANTILES) and seen >= QUANTILES[len(found)] * n - 1e-9:
            found.append(tenth / 10)
    return Hours(n, found[0], found[1]) if n else Hours()


def _posts(hours: Mapping[tuple[str, str], Hours], total: Group) -> tuple[Post, ...]:
    """Gather the posts: the steps of a case and how long each took."""
    found = []
    for code, name, name_en, column, part, indicator in POSTS:
        took = hours.get((column, ""), Hours()) if column else Hours()
        found.append(Post(code, name, name_en, took, total.counts[part] if part else took.n, indicator))
    return tuple(found)


def _majors(connection: Connection) -> dict[str, str]:
    """Read the groups that kinds of incidents belong to."""
    rows = connection.execute(text("SELECT code, parent FROM category WHERE parent IS NOT NULL"))
    return {row.code: row.parent for row in rows}


def _names(connection: Connection, question: Question) -> dict[str, dict[str, tuple[str, str | None]]]:
    """Read the names of areas and categories; grids of earlier plans keep theirs."""
    areas = connection.execute(
        text(
            "SELECT a.code, a.name, a.name_en FROM area a WHERE a.path <@ CAST(:path AS ltree) UNION ALL "
            "(SELECT DISTINCT ON (g.code) g.code, coalesce(g.name, g.code), NULL FROM grid g "
            "WHERE g.path <@ CAST(:path AS ltree) AND (g.is_effective OR g.valid_to IS NOT NULL) "
            "ORDER BY g.code, g.is_effective DESC, g.valid_to DESC)"
        ),
        {"path": question.path},
    )
    categories = connection.execute(text("SELECT code, name, name_en FROM category"))
    return {
        "areas": {row.code: (row.name, row.name_en) for row in areas},
        "categories": {row.code: (row.name, row.name_en) for row in categories},
        "departments": {}, "sources": dict(SOURCE_NAMES),
    }  # fmt: skip


def _name(names: Mapping[str, tuple[str, str | None]], kind: str, code: str) -> tuple[str, str | None]:
    """Name a group; what has no finer area is the place itself."""
    if kind == "areas" and not code:
        return "未落入下级区域", "in no area inside"
    if kind == "departments" and code == "-":
        return NOT_STATED
    return names.get(code, (code, None))


def level_counts(group: Group) -> dict[str, int]:
    """Give how many incidents were solved at each level."""
    return {level: group.counts[f"solved_{level}"] for level in LEVELS}
