"""Ninety days of incidents up to `now`, and single ones after it.

Times come from the rhythm of each category and of the week, places from hot spots, streets, homes, works and water;
every incident then runs through its stages, and what lies after `now` has not happened yet.
"""

import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry import LineString, Point, Polygon

from data.demo.xialu.incident_kinds import ACCURACY_M, KINDS, RHYTHMS, SOURCES
from data.demo.xialu.scene import Places, Scene, set_scene
from data.demo.xialu.terrain import CRS_M

DAYS, PER_DAY = 90, 83.0
LOCAL = ZoneInfo("Asia/Shanghai")
HOT_SPOTS, HOT_SHARE, HOT_RADIUS_M = 34, 0.38, 110.0
STREET_PULL = {"arterial": 2.6, "collector": 1.6, "local": 1.0}
TURNS = {"rejected": 0.03, "merged": 0.025, "returned": 0.012, "paused": 0.012, "reopened": 0.01}
RATED_RATIO = 0.55
RATING_SHARE = (0.02, 0.04, 0.1, 0.32, 0.52)
CATEGORY_FILE = Path(__file__).parents[2] / "reference" / "category.csv"
DEMO_SEED = 420204
Steps = tuple[tuple[str, datetime], ...]  # what an incident became, and when


@lru_cache(maxsize=1)
def read_categories() -> dict[str, dict[str, str]]:
    """Read the reference table of categories: code -> row."""
    with CATEGORY_FILE.open(encoding="utf-8", newline="") as file:
        return {row["code"]: row for row in csv.DictReader(file)}


@dataclass(frozen=True)
class HotSpot:
    """A place word, how much happens there, its disc, and the rows of the streets or buildings in it."""

    kind: str
    weight: float
    disc: Polygon
    members: NDArray[np.int64]


def _beside(rng: np.random.Generator, street: LineString) -> Point:
    """Draw a point within a few metres of a street."""
    at = shapely.line_interpolate_point(shapely.line_merge(street), rng.random(), normalized=True)
    if at.is_empty:
        at = street.representative_point()
    return Point(at.x + rng.normal(0, 4), at.y + rng.normal(0, 4))


def _matter(code: str, name: str, text: str) -> str:
    """Say what is the matter: an event has a name, a component only a state."""
    return name if code.startswith("E") else f"：{text}"


class IncidentMaker:
    """Makes incidents in a city; the hot spots belong to the city's seed, the rest to the `rng` given."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self._places = Places(scene)
        self._town = scene.town
        rng = np.random.default_rng([seed, 20])
        self._codes = list(KINDS)
        self._length = np.array(
            [
                street.length * STREET_PULL[kind]
                for street, kind in zip(self._places.streets, self._places.street_kinds, strict=True)
            ]
        )
        self._homes = np.array(scene.town.households, dtype=float)
        self._works = np.flatnonzero([use == "industry" for use in scene.town.use])
        self._river = scene.terrain.river.intersection(scene.terrain.built_up.buffer(100))
        self._lake = scene.terrain.lake
        self._hot = self._choose_hot_spots(rng)

    def _choose_hot_spots(self, rng: np.random.Generator) -> list[HotSpot]:
        """Choose places where like matters come up again and again, with the streets or houses around them."""
        around = {"street": shapely.STRtree(self._places.streets), "home": shapely.STRtree(self._places.footprints)}
        spots = []
        for number in range(HOT_SPOTS):
            kind = "home" if number % 3 == 0 else "street"
            disc = self._somewhere(rng, kind).buffer(HOT_RADIUS_M)
            members = np.sort(around[kind].query(disc, predicate="intersects"))
            if kind == "home":
                members = members[self._homes[members] > 0]
            spots.append(HotSpot(kind, float(rng.pareto(1.4) + 0.4), disc, members))
        return spots

    def happen(self, rng: np.random.Generator, at: datetime) -> dict[str, Any]:
        """Make one incident reported at a time: what, where, from whom; geometry is a metric point."""
        local = at.astimezone(LOCAL)
        weekend = local.weekday() >= 5
        weight = np.array(
            [
                kind.weight * RHYTHMS[kind.rhythm][local.hour] * (kind.weekend if weekend else 1.0) + 1e-6
                for kind in KINDS.values()
            ]
        )
        code = self._codes[int(rng.choice(len(weight), p=weight / weight.sum()))]
        kind = KINDS[code]
        category = read_categories()[code]
        place = self._place(rng, kind.place)
        source = str(rng.choice(list(SOURCES), p=list(SOURCES.values())))
        address = self._places.address(place)
        return {
            "category": code,
            "title": f"{self._places.street(place)}{_matter(code, category['name'], kind.text)}",
            "description": f"{address}附近，{kind.text}。",
            "source": source,
            "department": category["department"],
            "reported_at": at.astimezone(UTC),
            "due_at": at.astimezone(UTC) + timedelta(hours=float(category["limit_hours"])),
            "accuracy_m": round(float(ACCURACY_M[source] * rng.uniform(0.6, 1.8)), 1),
            "geometry": place,
        }

    def _place(self, rng: np.random.Generator, kind: str) -> Point:
        """Find a point inside the district: near a hot spot of the kind, or anywhere of the kind."""
        spots = [spot for spot in self._hot if spot.kind == kind]
        while True:
            if spots and rng.random() < HOT_SHARE:
                weight = np.array([spot.weight for spot in spots])
                place = self._in_hot_spot(rng, spots[int(rng.choice(len(spots), p=weight / weight.sum()))])
            else:
                place = self._somewhere(rng, kind)
            if self._places.community(place) is not None:
                return place

    def _in_hot_spot(self, rng: np.random.Generator, spot: HotSpot) -> Point:
        """Draw a point on one of a hot spot's streets, or at one of its doors."""
        member = int(rng.choice(spot.members))
        if spot.kind == "home":
            return self._places.door(member)
        return _beside(rng, self._places.streets[member].intersection(spot.disc))

    def _somewhere(self, rng: np.random.Generator, kind: str) -> Point:
        """Draw a point on a street, at a home, at the works or by the water."""
        if kind == "street":
            street = self._places.streets[int(rng.choice(len(self._length), p=self._length / self._length.sum()))]
            return _beside(rng, street)
        if kind == "home":
            return self._places.door(int(rng.choice(len(self._homes), p=self._homes / self._homes.sum())))
        if kind == "works":
            return self._places.door(int(rng.choice(self._works)))
        shore = self._lake.exterior if rng.random() < 0.4 else self._river
        return shapely.line_interpolate_point(shapely.line_merge(shore), rng.random(), normalized=True)

    def history(self, rng: np.random.Generator, now: datetime) -> pd.DataFrame:
        """Make the incidents of the ninety days before `now`: the state each is in at `now`, and its `steps` there."""
        first = (now.astimezone(LOCAL) - timedelta(days=DAYS)).date()
        moments = sorted(
            moment
            for day in range(DAYS + 1)
            for moment in _moments(rng, first + timedelta(days=day))
            if now - timedelta(days=DAYS) <= moment <= now
        )
        rows, counter = [], dict[str, int]()
        for moment in moments:
            row = self.happen(rng, moment)
            day = moment.astimezone(LOCAL).strftime("%Y%m%d")
            counter[day] = counter.get(day, 0) + 1
            row["code"] = f"XL{day}{counter[day]:04d}"
            rows.append({**row, **_run_stages(rng, row, now)})
        frame = pd.DataFrame(rows)
        frame["rating"] = frame["rating"].astype("Int64")
        for column in ("reported_at", "due_at", "resolved_at", "closed_at"):
            frame[column] = pd.to_datetime(frame[column], utc=True).dt.floor("s").astype("datetime64[ms, UTC]")
        return frame


def _moments(rng: np.random.Generator, day: date) -> list[datetime]:
    """Draw the times of one day's reports (UTC): fewer at the week's end, most by day, a second peak at dusk."""
    hours = np.sum([kind.weight * np.array(RHYTHMS[kind.rhythm]) for kind in KINDS.values()], axis=0)
    factor = (1.12, 1.06, 1.0, 1.0, 1.04, 0.92, 0.82)[day.weekday()] * rng.normal(1.0, 0.09)
    count = int(rng.poisson(PER_DAY * factor))
    start = datetime.combine(day, time(), LOCAL).astimezone(UTC)
    hour = rng.choice(24, count, p=hours / hours.sum())
    return [
        start + timedelta(seconds=int(h * 3600 + s)) for h, s in zip(hour, rng.integers(0, 3600, count), strict=True)
    ]


def _run_stages(rng: np.random.Generator, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Follow one incident up to `now`: its status, when it was resolved and closed, and its steps there."""
    reported, limit = row["reported_at"], row["due_at"] - row["reported_at"]
    accepted = reported + timedelta(minutes=float(rng.gamma(2.0, 9.0)))
    assigned = accepted + timedelta(minutes=float(rng.gamma(2.0, 14.0)))
    started = assigned + limit * float(rng.uniform(0.03, 0.2))
    resolved = max(started + timedelta(minutes=8), reported + limit * float(rng.lognormal(-0.75, 0.55)))
    verified = resolved + timedelta(hours=float(rng.gamma(2.0, 2.2)))
    closed = verified + timedelta(hours=float(rng.gamma(2.0, 3.0)))
    rated = closed + timedelta(hours=float(rng.gamma(2.0, 9.0)))
    turn = str(rng.choice([*TURNS, "none"], p=[*TURNS.values(), 1 - sum(TURNS.values())]))
    rating = int(rng.choice(5, p=RATING_SHARE)) + 1 if rng.random() < RATED_RATIO else None
    state: dict[str, Any] = {
        "status": turn, "resolved_at": None, "resolved_level": None, "closed_at": None, "rating": None,
    }  # fmt: skip
    stages: Steps = (
        ("reported", reported), ("accepted", accepted), ("assigned", assigned), ("in_progress", started),
        ("resolved", resolved), ("verified", verified), ("closed", closed),
    )  # fmt: skip
    if turn in {"rejected", "merged"} and accepted <= now:
        return {**state, "closed_at": accepted, "steps": _whole_seconds((stages[0], (turn, accepted)))}
    if turn in {"returned", "paused", "reopened"} and assigned <= now < resolved + timedelta(days=12):
        return {**state, "steps": _whole_seconds(turned(turn, stages, now))}
    steps = tuple(step for step in (*stages, *([("rated", rated)] if rating else [])) if step[1] <= now)
    state["status"] = steps[-1][0]
    state["resolved_at"] = resolved if resolved <= now else None
    state["resolved_level"] = _level(row, (resolved - reported) / limit) if resolved <= now else None
    state["closed_at"] = closed if closed <= now else None
    state["rating"] = rating if state["status"] == "rated" else None
    return {**state, "steps": _whole_seconds(steps)}


def turned(turn: str, stages: Steps, now: datetime) -> Steps:
    """Say how an incident came to be given back, paused or reopened, at the times that were drawn for its stages.

    What was never resolved is reopened after it was rejected. A stage whose time has not come by `now` but that must
    have been was midway between the one before it and `now`; a pause is young: it began in the last eighth of the time
    since the work did.
    """
    at = dict(stages)
    started = _by_now(at["in_progress"], at["assigned"], now)
    if turn == "returned":
        return (*stages[:3], (turn, started))
    if turn == "paused":
        return (*stages[:3], ("in_progress", started), (turn, now - (now - started) / 8))
    if at["resolved"] > now:
        return (stages[0], ("rejected", at["accepted"]), (turn, at["assigned"]))
    return (*stages[:5], (turn, _by_now(at["verified"], at["resolved"], now)))


def _by_now(drawn: datetime, before: datetime, now: datetime) -> datetime:
    """Give a time as it was drawn, if it has come, else midway from the one before it to `now`."""
    return drawn if drawn <= now else before + (now - before) / 2


def _whole_seconds(steps: Steps) -> Steps:
    """Cut times to seconds, as those of the row are."""
    return tuple((status, at.astimezone(UTC).replace(microsecond=0)) for status, at in steps)


def _level(row: dict[str, Any], share: float) -> str:
    """Say who solved an incident: the grid worker what was found on the round and quickly done, else who has it.

    `share` is the part of the time limit that it took.
    """
    if row["source"] in ("worker", "patrol") and share < 0.4:
        return "grid"
    if row["department"] == "社区居委会":
        return "community"
    return "street" if share < 0.6 else "district"


@lru_cache(maxsize=1)
def _demo_maker() -> IncidentMaker:
    """Build the demo city's incident maker once; it takes a few seconds."""
    return IncidentMaker(set_scene(DEMO_SEED), DEMO_SEED)


def next_incident(rng: np.random.Generator, now: datetime, *, maker: IncidentMaker | None = None) -> dict[str, Any]:
    """Make the next incident of the live trickle, reported at `now`.

    Parameters
    ----------
    rng
        Source of chance; the same state and time give the same incident.
    now
        Time of the report, with a time zone.
    maker
        The city it happens in; the demo city when left out (built at the first call).

    Returns
    -------
    incident
        The fields of the layer `incident` with `lon` and `lat` (EPSG:4326) in place of a geometry; times in UTC.
    """
    row = (maker or _demo_maker()).happen(rng, now)
    place = row.pop("geometry")
    lon, lat = _to_lonlat().transform(place.x, place.y)
    stamp = now.astimezone(LOCAL).strftime("%Y%m%dT%H%M%S")
    code = f"XL{stamp}{int(rng.integers(1_000_000)):06d}"
    state = dict.fromkeys(("resolved_at", "resolved_level", "closed_at", "rating")) | {"status": "reported"}
    return {"code": code, **row, **state, "lon": round(lon, 7), "lat": round(lat, 7)}


@lru_cache(maxsize=1)
def _to_lonlat() -> Transformer:
    """Give the transformer from the plan's metres to longitude and latitude."""
    return Transformer.from_crs(CRS_M, "EPSG:4326", always_xy=True)
