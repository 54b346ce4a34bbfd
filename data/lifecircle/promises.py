"""Promises of plan documents: read from a file, kept in the database, and how far each is on a day."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from data.rules.table import RuleFileError, check_cell, choice, read_table
from data.tables.life_circles import TARGET_MEASURES

TARGET_FILE = Path(__file__).parent.parent / "reference" / "target.csv"
TARGET_COLUMNS = (
    "code", "area_code", "title", "title_en", "kind", "measure", "facility_kind", "amount", "unit", "since_on",
    "due_on", "is_yearly", "source", "note",
)  # fmt: skip
_REQUIRED = frozenset({"code", "area_code", "title", "kind", "amount", "is_yearly", "source"})
MOST = 1_000_000
_UPSERT = text(
    f"INSERT INTO target ({', '.join(TARGET_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in TARGET_COLUMNS)}) "
    f"ON CONFLICT (code) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in TARGET_COLUMNS if name != "code")
)
_FACILITY_STEPS = """
SELECT name, opens_on, status, ST_X(p) AS lon, ST_Y(p) AS lat, {amount} AS amount
FROM (SELECT f.*, ST_PointOnSurface(f.geom) AS p FROM facility f, area a
      WHERE a.code = :area AND a.path @> f.path AND f.kind = :kind AND f.status IN ('open', 'planned')) f
WHERE {which} ORDER BY opens_on, name
"""
_ADDED_ON = "CASE WHEN f.attributes->>'added_on' ~ '^\\d{4}-\\d\\d-\\d\\d$' THEN f.attributes->>'added_on' END"
_SORTING = """
SELECT s.name, z.status, count(*) AS zones, avg(ST_X(ST_PointOnSurface(z.geom))) AS lon,
       avg(ST_Y(ST_PointOnSurface(z.geom))) AS lat
FROM sorting_zone z JOIN area s ON s.level = 'street' AND ST_Intersects(s.geom, ST_PointOnSurface(z.geom))
JOIN area a ON a.code = :area AND a.path @> s.path GROUP BY s.name, z.status ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Step:
    """Something that counts towards a promise: where it is, how much it is, since when or from when on."""

    name: str
    amount: int
    is_done: bool
    on: date | None
    lon: float
    lat: float


@dataclass(frozen=True)
class Promise:
    """A promise and how far it is.

    Attributes
    ----------
    target
        Columns of the table `target`.
    done, planned
        Of `amount`; None where nothing in the database tells.
    state
        reached, on_the_way, late (its day has passed), unknown.
    steps
        What was counted, done and planned.
    """

    target: dict[str, Any]
    done: int | None
    planned: int | None
    state: str
    steps: tuple[Step, ...]

    @property
    def reached_on(self) -> date | None:
        """The day on which planned steps with a day would fill the amount; None if they do not, or it is reached."""
        if self.done is None or self.done >= self.target["amount"]:
            return None
        total = self.done
        for step in sorted((one for one in self.steps if not one.is_done and one.on), key=lambda one: str(one.on)):
            total += step.amount
            if total >= self.target["amount"]:
                return step.on
        return None


def load_targets(connection: Connection, path: Path = TARGET_FILE) -> int:
    """Bring promises into the database; one with a known code is replaced.

    Raises
    ------
    RuleFileError
        If the file is faulty; each sentence names the row, the field, the value and the limit.
    """
    faults: list[str] = []
    rows = [_target(row, cells, faults) for row, cells in read_table(path, TARGET_COLUMNS, _REQUIRED)]
    if faults:
        raise RuleFileError(path, faults)
    for values in rows:
        connection.execute(_UPSERT, values)
    return len(rows)


def read_promises(connection: Connection, area: str, *, today: date) -> tuple[Promise, ...]:
    """Read the promises of an area and count how far they are.

    Parameters
    ----------
    area
        Code of the area that promised.
    today
        The day on which to say what is late.
    """
    rows = connection.execute(text("SELECT * FROM target WHERE area_code = :area ORDER BY code"), {"area": area})
    return tuple(_promise(connection, dict(row._mapping), today) for row in rows)


def _promise(connection: Connection, target: dict[str, Any], today: date) -> Promise:
    """Count one promise."""
    steps = _steps(connection, target, today)
    if steps is None:
        return Promise(target, None, None, "unknown", ())
    done = sum(step.amount for step in steps if step.is_done)
    planned = sum(step.amount for step in steps if not step.is_done)
    is_late = target["due_on"] is not None and target["due_on"] < today
    state = "reached" if done >= target["amount"] else "late" if is_late else "on_the_way"
    return Promise(target, done, planned, state, steps)


def _steps(connection: Connection, target: dict[str, Any], today: date) -> tuple[Step, ...] | None:
    """Find what counts towards a promise; None where the database cannot tell."""
    area = {"area": target["area_code"]}
    if target["measure"] == "sorting_streets":
        found = connection.execute(text(_SORTING), area).all()
        active = {row.name for row in found if row.status == "active"}
        rows = [row for row in found if row.status == "active" or row.name not in active]
        return tuple(Step(row.name, 1, row.status == "active", None, row.lon, row.lat) for row in rows)
    if target["measure"] not in ("facility_count", "capacity_added"):
        return None
    values = {**area, "kind": target["facility_kind"]}
    amount, which = "1", "true"
    if target["measure"] == "capacity_added":
        amount, which = "coalesce(f.capacity, 0)", f"coalesce({_ADDED_ON}, f.opens_on::text) >= :since"
        values["since"] = str(target["since_on"] or date.min)
    elif target["is_yearly"]:  # what began this year
        which = "date_part('year', f.opens_on) = :year"
        values["year"] = today.year
    sql = _FACILITY_STEPS.format(amount=amount, which=which)
    return tuple(
        Step(row.name, row.amount, row.status == "open", row.opens_on, row.lon, row.lat)
        for row in connection.execute(text(sql), values)
    )


def _target(row: int, cells: dict[str, str], faults: list[str]) -> dict[str, Any]:
    """Check a row and give its values."""
    for name in TARGET_COLUMNS:
        check_cell(row, name, cells[name], faults, is_required=name in _REQUIRED)
    choice(row, "kind", cells["kind"], ("target", "actual"), faults)
    choice(row, "measure", cells["measure"], TARGET_MEASURES, faults)
    choice(row, "is_yearly", cells["is_yearly"], ("yes", "no"), faults)
    values: dict[str, Any] = {name: value or None for name, value in cells.items()}
    if not cells["amount"].isdecimal() or not 0 < int(cells["amount"]) <= MOST:
        faults.append(f"row {row}, amount: {cells['amount']} must be a whole number of 1 to {MOST}")
    else:
        values["amount"] = int(cells["amount"])
    for name in ("since_on", "due_on"):
        values[name] = _day(row, name, cells[name], faults)
    if values["since_on"] and values["due_on"] and values["since_on"] > values["due_on"]:
        faults.append(f"row {row}, due_on: {values['due_on']} lies before since_on {values['since_on']}")
    return values | {"is_yearly": cells["is_yearly"] == "yes"}


def _day(row: int, name: str, value: str, faults: list[str]) -> date | None:
    """Take a day, written 2024-08-31."""
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        faults.append(f"row {row}, {name}: {value} must be a day such as 2024-08-31")
        return None
