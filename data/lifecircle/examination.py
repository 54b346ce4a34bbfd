"""Examinations: verdicts of a report kept for the map and the planner's page, one row a unit, and read back."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, text

from data.lifecircle.content import Report
from data.lifecircle.town import counts
from data.rules.store import read_rulebook
from geo.arrays import FloatArray
from geo.verdicts import Judgement, Reason, Rule, Verdict

SIGNS = {Verdict.MET: "m", Verdict.NOT_MET: "n", Verdict.UNKNOWN: "u"}
_OF_SIGN = {sign: str(verdict) for verdict, sign in SIGNS.items()}
_INSERT = text("""
INSERT INTO examination (area_code, path, rulebook, version, rules, data_on, without_data, made_by, made_at)
VALUES (:area, CAST(:path AS ltree), :rulebook, :version, CAST(:rules AS text[]), CAST(:data_on AS date[]),
        CAST(:without_data AS text[]), :made_by, :made_at) RETURNING id
""")
_ROWS = text("""
INSERT INTO service_gap (unit_id, examination_id, code, households, residents_60, residents_80, verdicts, walk_m,
                         straight_m, facilities, reasons, geom, path)
SELECT u.id, :examination, u.code, u.households, u.residents_60, u.residents_80, x.verdicts, CAST(x.walk_m AS real[]),
       CAST(x.straight_m AS real[]), CAST(x.facilities AS text[]), CAST(x.reasons AS text[]),
       ST_PointOnSurface(u.geom), u.path
FROM unnest(CAST(:unit AS bigint[]), CAST(:verdicts AS text[]), CAST(:walk_m AS text[]), CAST(:straight_m AS text[]),
            CAST(:facilities AS text[]), CAST(:reasons AS text[]))
  AS x (unit, verdicts, walk_m, straight_m, facilities, reasons)
JOIN unit u ON u.id = x.unit
""")
_LIST = text("""
SELECT e.id, e.area_code, a.name AS area_name, e.rulebook, e.version, e.rules, e.data_on, e.without_data, e.made_by,
       e.made_at, n.units
FROM examination e JOIN area a ON a.code = e.area_code,
     LATERAL (SELECT count(*) AS units FROM service_gap s
              WHERE s.examination_id = e.id AND CAST(:path AS ltree) @> s.path) n
WHERE n.units > 0 AND e.id = coalesce(:id, e.id) ORDER BY e.made_at DESC, e.id DESC
""")
_READ = text("""
SELECT s.code, b.code AS community, b.name AS community_name, g.code AS grid, g.name AS grid_name,
       CASE WHEN starts_with(u.name, c.name) THEN u.name ELSE concat_ws(' ', c.name, u.name) END AS address,
       s.households, s.residents_60, s.residents_80, s.verdicts, s.walk_m, s.straight_m, s.facilities, s.reasons,
       ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat
FROM service_gap s JOIN unit u ON u.id = s.unit_id
LEFT JOIN area b ON b.id = u.area_id AND b.level = 'community' LEFT JOIN compound c ON c.id = u.compound_id
LEFT JOIN (plan_assignment x JOIN grid g ON g.id = x.grid_id AND g.is_effective) ON x.unit_id = u.id
WHERE s.examination_id = :id AND CAST(:path AS ltree) @> s.path ORDER BY s.code
""")


@dataclass(frozen=True)
class Examination:
    """Units of an area judged by one version of a rulebook.

    Attributes
    ----------
    rules
        Codes of the rules that were judged, in the order of the verdicts.
    data_on
        By rule, the day of the oldest data its figures are made of; None where that was not noted.
    without_data
        Codes of the rules that ask for what nobody collected.
    units
        How many units of the area asked about have their newest verdicts from here.
    """

    id: int
    area_code: str
    area_name: str
    rulebook: str
    version: int
    rules: tuple[str, ...]
    data_on: tuple[date | None, ...]
    without_data: tuple[str, ...]
    made_by: str | None
    made_at: datetime
    units: int


@dataclass(frozen=True)
class Findings:
    """What an examination says of the units of an area.

    Attributes
    ----------
    units
        A row a unit: code, community, community_name, grid, grid_name, address, lon, lat.
    judgements
        One a rule, in order; `facility` of a judgement tells nothing here, see `facilities`.
    facilities
        By rule, shape (n_unit,), code of the facility that the metres lead to, or None.
    without_data
        Rules that could not be judged.
    """

    units: pd.DataFrame
    judgements: tuple[Judgement, ...]
    facilities: tuple[npt.NDArray[np.object_], ...]
    without_data: tuple[Rule, ...]


def store_examination(connection: Connection, report: Report, *, made_by: str | None) -> int:
    """Keep a report's verdicts in place of what was known of the same units; gives the examination's number."""
    judged = report.circles.judgements
    made: int = connection.execute(
        _INSERT,
        {
            "area": report.facts["code"], "path": report.facts["path"], "rulebook": report.book.code,
            "version": report.book.version, "rules": [one.rule.code for one in judged],
            "data_on": [report.data_on(one.rule) for one in judged],
            "without_data": [one.code for one in report.circles.without_data], "made_by": made_by,
            "made_at": report.made_at,
        },
    ).scalar_one()  # fmt: skip
    unit = report.units["id"].tolist()
    connection.execute(text("DELETE FROM service_gap WHERE unit_id = ANY (CAST(:unit AS bigint[]))"), {"unit": unit})
    signs = np.array([np.vectorize(SIGNS.get, otypes=[object])(one.verdict) for one in judged])
    connection.execute(
        _ROWS,
        {
            "examination": made, "unit": unit,
            "verdicts": ["".join(column) for column in signs.T],
            "walk_m": _by_unit(_metres(one.walk_m) for one in judged),
            "straight_m": _by_unit(_metres(one.straight_m) for one in judged),
            "facilities": _by_unit(_codes(report, one) for one in judged),
            "reasons": _by_unit(one.reason.tolist() for one in judged),
        },
    )  # fmt: skip
    # an examination whose units have all been examined again has nothing left to show
    connection.execute(
        text("DELETE FROM examination e WHERE NOT EXISTS (SELECT 1 FROM service_gap s WHERE s.examination_id = e.id)")
    )
    return made


def find_examinations(connection: Connection, path: str, *, number: int | None = None) -> list[Examination]:
    """List the examinations that say something of units under a path, newest first; or the one of a number."""
    rows = connection.execute(_LIST, {"path": path, "id": number})
    return [_examination(dict(row._mapping)) for row in rows]


def read_findings(connection: Connection, one: Examination, path: str) -> Findings:
    """Read what an examination says of the units under a path, with its rules as they were."""
    rows = connection.execute(_READ, {"id": one.id, "path": path})
    frame = pd.DataFrame([tuple(row) for row in rows], columns=list(rows.keys()), dtype=object)
    rules = {rule.code: rule for rule in read_rulebook(connection, one.rulebook, one.version).rules}
    metres = {
        name: np.array(frame[name].tolist(), dtype=np.float64).reshape(len(frame), -1)
        for name in ("walk_m", "straight_m")
    }
    listed = {name: np.array(frame[name].tolist(), dtype=object).reshape(len(frame), -1)
              for name in ("facilities", "reasons")}  # fmt: skip
    judgements = []
    for at, code in enumerate(one.rules):
        reason = listed["reasons"][:, at].astype(str)
        verdict = np.array([_OF_SIGN[signs[at]] for signs in frame["verdicts"]], dtype=str)
        judgements.append(
            Judgement(
                rule=rules[code],
                walk_m=_with_none(metres["walk_m"][:, at], reason),
                straight_m=_with_none(metres["straight_m"][:, at], reason),
                facility=np.full(len(frame), -1, dtype=np.int64),
                verdict=verdict,
                reason=reason,
                demand=counts(frame[rules[code].demand]),
            )
        )
    kept = ["code", "community", "community_name", "grid", "grid_name", "address", "lon", "lat"]
    return Findings(
        units=frame[kept],
        judgements=tuple(judgements),
        facilities=tuple(listed["facilities"][:, at] for at in range(len(one.rules))),
        without_data=tuple(rules[code] for code in one.without_data),
    )


def _examination(values: dict[str, Any]) -> Examination:
    """Make an examination of a row."""
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Examination(**given)


def _metres(values: FloatArray) -> list[float | None]:
    """Leave out what is no number of metres: unknown, or no facility at all."""
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _with_none(metres: FloatArray, reason: npt.NDArray[np.str_]) -> FloatArray:
    """Give back the endless way of units for which there is no facility at all."""
    return np.where(np.isnan(metres) & (reason == str(Reason.NO_FACILITY)), np.inf, metres)


def _codes(report: Report, judged: Judgement) -> list[str | None]:
    """Name the facility that each unit's metres lead to."""
    codes = report.facilities[judged.rule.facility_kind]["code"].tolist()
    return [codes[at] if at >= 0 else None for at in judged.facility.tolist()]


def _by_unit(columns: Iterable[list[Any]]) -> list[str]:
    """Turn lists of rules into PostgreSQL's arrays of units."""
    return ["{" + ",".join(_quoted(value) for value in row) + "}" for row in zip(*columns, strict=True)]


def _quoted(value: object) -> str:
    """Write one element of an array."""
    if value is None:
        return "NULL"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
