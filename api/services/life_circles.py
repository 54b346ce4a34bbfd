"""Life circles for planners: examinations of an area and what each rule found there, the report, what was promised."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from api.errors import ConflictError, InvalidRequestError, MissingError
from api.services.examining import find_rulebook
from api.services.planners import own_area, require_planner
from data.errors import BadInputError
from data.lifecircle.content import read_report
from data.lifecircle.examination import Examination, Findings, find_examinations, read_findings
from data.lifecircle.html import write_html
from data.lifecircle.pdf import write_pdf
from data.lifecircle.promises import Promise, read_promises
from data.planning import Place
from data.printing.typeset import FontMissingError
from data.rules.files import plain
from data.rules.frames import rule_values
from geo.arrays import FloatArray, IntArray
from geo.cells import cells_of
from geo.errors import GeoError
from geo.tally import Tally, rank, tally
from geo.verdicts import Judgement, Rule, Verdict
from layers.viewer import Viewer

MOST_UNITS = 50
"""How many units a list names; the others are counted."""
FIGURES = (
    "units", "units_met", "units_not_met", "units_unknown", "units_uncounted", "demand", "demand_met", "demand_not_met",
    "demand_unknown", "unserved_ratio", "unserved_mean_m", "unserved_longest_m",
)  # fmt: skip


def list_examinations(connection: Connection, viewer: Viewer, within: str) -> list[Examination]:
    """Give the examinations that say something of an area in scope, newest first."""
    return find_examinations(connection, own_area(connection, viewer, within).path)


def overview(connection: Connection, viewer: Viewer, number: int, within: str | None) -> dict[str, Any]:
    """Give every rule's totals in an area, and its communities in order of need."""
    one, found = _read(connection, viewer, number, within)
    everyone = np.zeros(len(found.units), dtype=np.int64)
    group, names = _groups(found, "community")
    parts = [tally(judged, group, len(names)) for judged in found.judgements]
    ranking = rank(parts)
    return {
        **vars(one),
        "judged": [
            {**rule_body(judged.rule), "data_on": day, **_figures(tally(judged, everyone, 1), 0)}
            for judged, day in zip(found.judgements, one.data_on, strict=True)
        ],
        "not_examined": [rule_body(rule) for rule in found.without_data],
        "communities": [
            {
                **names[at], "rank": place, "mean_unserved_ratio": plain(ranking.score[at]),
                "unserved": [plain(part.demand_not_met[at]) for part in parts],
            }
            for place, at in enumerate(ranking.order.tolist(), start=1)
        ],
    }  # fmt: skip


def of_rule(connection: Connection, viewer: Viewer, number: int, code: str, within: str | None) -> dict[str, Any]:
    """Give what one rule found: totals, communities and grids with most not served first, units, reasons."""
    one, found = _read(connection, viewer, number, within)
    at = _place_of(one, code)
    judged = found.judgements[at]
    reasons = Counter(judged.reason[judged.verdict == Verdict.UNKNOWN].tolist())
    return {
        **rule_body(judged.rule), "data_on": one.data_on[at], "place": at,
        **_figures(tally(judged, np.zeros(len(found.units), dtype=np.int64), 1), 0),
        "communities": _ranked(found, judged, "community"),
        "grids": _ranked(found, judged, "grid"),
        "units_listed": _units(found, at, Verdict.NOT_MET),
        "unknown_listed": _units(found, at, Verdict.UNKNOWN),
        "reasons": [{"reason": reason, "units": count} for reason, count in reasons.most_common()],
    }  # fmt: skip


def cells(
    connection: Connection, viewer: Viewer, number: int, code: str, within: str | None, resolution: int
) -> dict[str, Any]:
    """Give what one rule found by H3 cell, as GeoJSON."""
    one, found = _read(connection, viewer, number, within)
    judged = found.judgements[_place_of(one, code)]
    spots: FloatArray = found.units[["lon", "lat"]].to_numpy(dtype=np.float64)
    hexagons = cells_of(spots, resolution=resolution)
    totals = tally(judged, hexagons.group, len(hexagons.ids))
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature", "id": name, "geometry": shapely.geometry.mapping(outline),
                "properties": {"code": name, **_figures(totals, at)},
            }
            for at, (name, outline) in enumerate(zip(hexagons.ids, hexagons.geoms, strict=True))
        ],
    }  # fmt: skip


def check_report(connection: Connection, viewer: Viewer, within: str) -> Place:
    """Find the area of a report that is asked for."""
    return own_area(connection, viewer, within)


def report(
    connection: Connection, area: Place, kind: Literal["html", "pdf"], rulebook: str, approval: str
) -> tuple[bytes, str]:
    """Write the 生活圈体检 report of an area, with the same neighbours around it whoever asks; its bytes and name.

    Raises
    ------
    InvalidRequestError
        If the area has nothing that could be examined, or there is no such rulebook.
    ConflictError
        If this server has no font with Chinese glyphs.
    """
    book = find_rulebook(connection, rulebook)
    try:
        found = read_report(connection, area.code, book)
        content = (
            write_html(found, approval=approval).encode() if kind == "html" else write_pdf(found, approval=approval)
        )
    except (BadInputError, GeoError) as error:
        raise InvalidRequestError(str(error)) from error
    except FontMissingError as error:
        raise ConflictError(str(error)) from error
    return content, f"{area.name}生活圈体检-{book.code}第{book.version}版.{kind}"


def promises(connection: Connection, viewer: Viewer, within: str) -> list[dict[str, Any]]:
    """Give what was promised for the district of an area in scope, and how far each promise is today."""
    area = own_area(connection, viewer, within)
    row = connection.execute(
        text("SELECT code, time_zone FROM area WHERE level = 'district' AND path @> CAST(:path AS ltree)"),
        {"path": area.path},
    ).one()
    today = datetime.now(UTC).astimezone(ZoneInfo(row.time_zone)).date()
    return [_promise(one) for one in read_promises(connection, row.code, today=today)]


def _promise(one: Promise) -> dict[str, Any]:
    """Write a promise as the API gives it."""
    return {
        **one.target, "done": one.done, "planned": one.planned, "state": one.state, "reached_on": one.reached_on,
        "steps": [vars(step) for step in one.steps],
    }  # fmt: skip


def _read(connection: Connection, viewer: Viewer, number: int, within: str | None) -> tuple[Examination, Findings]:
    """Read an examination in an area in scope: the one named, else its own."""
    require_planner(viewer)
    code = (
        within or connection.execute(text("SELECT area_code FROM examination WHERE id = :id"), {"id": number}).scalar()
    )
    if code is None:
        raise MissingError(f"there is no examination {number}")
    path = own_area(connection, viewer, code).path
    found = find_examinations(connection, path, number=number)
    if not found:
        raise MissingError(f"there is no examination {number} with units in {code}; the newest one has replaced it")
    return found[0], read_findings(connection, found[0], path)


def _place_of(one: Examination, code: str) -> int:
    """Find a rule's place among the verdicts."""
    if code not in one.rules:
        raise MissingError(f"examination {one.id} has not judged by {code}; it has by {', '.join(one.rules)}")
    return one.rules.index(code)


def rule_body(rule: Rule) -> dict[str, Any]:
    """Say what a rule says."""
    return {
        **rule_values(rule), "facility_types": list(rule.facility_types), "standard": rule.standard,
        "edition": rule.edition, "clause": rule.clause, "note": rule.note, "note_en": rule.note_en,
    }  # fmt: skip


def _figures(totals: Tally, at: int) -> dict[str, Any]:
    """Give the figures of a group."""
    return {name: plain(getattr(totals, name)[at]) for name in FIGURES}


def _groups(found: Findings, level: Literal["community", "grid"]) -> tuple[IntArray, list[dict[str, Any]]]:
    """Number the units by community or grid; -1 in none."""
    number, codes = pd.factorize(found.units[level], sort=True)
    first = found.units.drop_duplicates(level).set_index(level)
    names = [
        {
            "code": code,
            "name": first[f"{level}_name"][code],
            "community": first.get("community", {}).get(code, code),
        }
        for code in codes
    ]
    return number.astype(np.int64), names


def _ranked(found: Findings, judged: Judgement, level: Literal["community", "grid"]) -> list[dict[str, Any]]:
    """Give communities or grids, those with most not served first, then most unknown, then by code."""
    group, names = _groups(found, level)
    totals = tally(judged, group, len(names))
    order = np.lexsort((np.arange(len(names)), -totals.demand_unknown, -totals.demand_not_met))
    return [{**names[at], **_figures(totals, at)} for at in order.tolist()]


def _units(found: Findings, at: int, verdict: Verdict) -> list[dict[str, Any]]:
    """Give the units of a verdict with most demand."""
    judged = found.judgements[at]
    demand = np.nan_to_num(judged.demand, nan=-1.0)
    rows = np.flatnonzero((judged.verdict == verdict) & (demand != 0))
    rows = rows[np.argsort(-demand[rows], kind="stable")][:MOST_UNITS]
    listed = found.units.iloc[rows]
    return [
        {
            "code": code, "address": address, "community": community, "grid": grid, "lon": lon, "lat": lat,
            "demand": plain(judged.demand[row]), "walk_m": plain(judged.walk_m[row]),
            "straight_m": plain(judged.straight_m[row]), "detour_ratio": plain(judged.detour_ratio[row]),
            "facility": found.facilities[at][row], "reason": str(judged.reason[row]),
        }
        for row, code, address, community, grid, lon, lat in zip(
            rows.tolist(),
            *(listed[name].tolist() for name in ("code", "address", "community", "grid", "lon", "lat")),
            strict=True,
        )
    ]  # fmt: skip
