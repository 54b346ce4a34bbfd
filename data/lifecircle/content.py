"""What a life-circle report says, read from PostGIS and judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from data.errors import BadInputError
from data.lifecircle.promises import Promise, read_promises
from data.lifecircle.town import counts, read_town
from data.planning import read_objects
from data.rules.store import Rulebook
from geo.arrays import FloatArray, IntArray
from geo.circles import METHODS, Circles, judge_rules, share_capacity
from geo.tally import Ranking, Tally, rank, tally
from geo.verdicts import DEMANDS, Rule
from geo.walking import build_network

SUPPLIES = (
    ("canteen", "capacity", "餐位", "seats"),
    ("canteen", "meals_per_day", "每日餐份", "meals a day"),
    ("elder_care", "capacity", "床位", "beds"),
    ("parking", "capacity", "车位", "stalls"),
)
_COMMUNITIES = """
SELECT code, name, ST_AsBinary(geom) AS geom FROM area
WHERE level = 'community' AND CAST(:path AS ltree) @> path ORDER BY code
"""
_BARRIERS = """
SELECT b.kind, ST_AsBinary(ST_CollectionExtract(ST_Intersection(b.geom, a.geom), ST_Dimension(b.geom) + 1)) AS geom
FROM barrier b, area a WHERE a.code = :code AND ST_Intersects(b.geom, a.geom)
"""
_DATES = """
SELECT layer, changed_at FROM layer_date
WHERE district = (SELECT subpath(path, 0, 1)::text FROM area WHERE code = :code)
"""


@dataclass(frozen=True)
class Share:
    """One capacity, shared by all in the area and around it who can walk to it.

    Attributes
    ----------
    supply
        What there is in the area.
    access, access_e
        Shape (n_unit,), capacity a head by 2SFCA and by E2SFCA.
    untold
        Facilities in the area whose capacity is not known: they share out nothing.
    """

    name: str
    rule: Rule
    supply: float
    untold: int
    demand: FloatArray
    access: FloatArray
    access_e: FloatArray


@dataclass(frozen=True)
class Report:
    """A life-circle report.

    Attributes
    ----------
    facts
        What `data.lifecircle.town.Town` says of the area.
    made_at
        When it was computed, UTC; `today` is that day by the clock of the area.
    book
        The rulebook in the version that was used.
    units, group
        Units of the area, and the row of `communities` each lies in (-1 in none).
    circles
        Verdicts; `facility` counts rows of the kind's frame in `facilities`, where `is_open` tells which serve.
    grids
        Codes of the grids in force that hold units.
    totals, by_community, by_grid
        Tallies of each judgement: of everyone, by community, and by grid.
    ranking, grid_ranking
        Communities and grids in order of need.
    dates
        When rows of a layer last changed; a layer without a date is not in it.
    """

    facts: dict[str, Any]
    made_at: datetime
    book: Rulebook
    units: gpd.GeoDataFrame
    group: IntArray
    communities: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame
    facilities: dict[str, gpd.GeoDataFrame]
    circles: Circles
    totals: tuple[Tally, ...]
    by_community: tuple[Tally, ...]
    ranking: Ranking
    grids: tuple[str, ...]
    by_grid: tuple[Tally, ...]
    grid_ranking: Ranking
    shares: tuple[Share, ...]
    promises: tuple[Promise, ...]
    dates: dict[str, datetime]

    @property
    def today(self) -> date:
        """The day of the report where the area is."""
        return self.made_at.astimezone(ZoneInfo(self.facts["time_zone"])).date()

    def data_on(self, rule: Rule) -> date | None:
        """Give the day of the oldest data that a rule's figures are made of; None where that was not noted."""
        told = [self.dates.get(layer) for layer in ("unit", "road", rule.facility_kind)]
        known = [one for one in told if one is not None]
        if len(known) < len(told):
            return None
        return min(known).astimezone(ZoneInfo(self.facts["time_zone"])).date()


def read_report(connection: Connection, code: str, book: Rulebook, *, made_at: datetime | None = None) -> Report:
    """Read an area and judge it by a rulebook.

    Parameters
    ----------
    code
        Of a district, street or community.

    Raises
    ------
    NotFoundError
        If there is no such area.
    BadInputError
        If it has no unit, or nothing that any rule is about is in the database.
    InvalidInputError
        If no street can be walked.
    """
    town = read_town(connection, code, farthest_m=max(rule.threshold_m for rule in book.rules))
    facts, units, facilities = town.facts, town.units, town.facilities
    demand = {name: counts(units[name]) for name in DEMANDS}
    network = build_network(town.roads)
    circles = judge_rules(network, units, facilities, rules=book.rules, demand=demand)
    if not circles.judgements:
        kinds = sorted({rule.facility_kind for rule in book.rules})
        raise BadInputError(f"none of the facilities that the rulebook asks for is known here: {', '.join(kinds)}")
    communities = read_objects(connection, _COMMUNITIES, path=facts["path"])
    row = {name: at for at, name in enumerate(communities["code"])}
    group = np.array([row.get(name, -1) for name in units["community"]], dtype=np.int64)
    by_community = tuple(tally(one, group, len(communities)) for one in circles.judgements)
    grid, grids = pd.factorize(units["grid"], sort=True)
    by_grid = tuple(tally(one, grid.astype(np.int64), len(grids)) for one in circles.judgements)
    made_at = made_at or datetime.now(UTC)
    today = made_at.astimezone(ZoneInfo(facts["time_zone"])).date()
    return Report(
        facts=facts, made_at=made_at, book=book, units=units, group=group, communities=communities, roads=town.roads,
        barriers=read_objects(connection, _BARRIERS, code=code), facilities=facilities, circles=circles,
        totals=tuple(tally(one, np.zeros_like(group), 1) for one in circles.judgements),
        by_community=by_community, ranking=rank(by_community),
        grids=tuple(grids), by_grid=by_grid, grid_ranking=rank(by_grid),
        shares=tuple(_shares(circles, facilities, town.everyone)),
        promises=read_promises(connection, facts["district"], today=today),
        dates={row.layer: row.changed_at for row in connection.execute(text(_DATES), {"code": code})},
    )  # fmt: skip


def _shares(circles: Circles, facilities: Mapping[str, gpd.GeoDataFrame], everyone: gpd.GeoDataFrame) -> list[Share]:
    """Share every capacity within the threshold of its kind's first rule on foot, among the area and its neighbours."""
    around = judge_rules(circles.network, everyone, {}, rules=(), demand={})
    is_own = everyone["is_own"].to_numpy(dtype=bool)
    made = []
    for kind, field, name, _ in SUPPLIES:
        rule = next(
            (r.rule for r in circles.judgements if r.rule.facility_kind == kind and r.rule.metric == "walk"), None
        )
        frame = facilities[kind][facilities[kind]["is_open"]] if kind in facilities else None
        if rule is None or frame is None or frame.empty:
            continue
        supply, heads, inside = counts(frame[field]), counts(everyone[rule.demand]), frame["is_own"].to_numpy(bool)
        if np.isnan(supply).all():
            continue
        access, access_e = (
            share_capacity(around, frame, supply=supply, demand=heads, radius_m=rule.threshold_m, method=method).access
            for method in METHODS
        )
        made.append(
            Share(
                name, rule, float(np.nansum(supply[inside])), int(np.isnan(supply[inside]).sum()),
                heads[is_own], access[is_own], access_e[is_own],
            )
        )  # fmt: skip
    return made
