"""Housing, zone by zone, until each zone has its households; compounds (小区) of 5 to 40 buildings."""

from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon

from data.demo.xialu.blocks import HOUSING, Block
from data.demo.xialu.buildings import Buildings, set_out
from data.demo.xialu.names import CompoundNames
from data.demo.xialu.terrain import Array

SMALLEST, LARGEST = 5, 40  # buildings of a compound
ROOM_M, LEAST_ROOM_M = 3.0, 0.3  # left around a building where a block is divided
MOST_HOUSEHOLDS = 780  # of a compound; a larger one is laid out lower
SPARE_USE = ("vacant", "park", "school", "commerce", "office", "industry")  # where no housing is wanted any more
SPARE_SHARE = (0.22, 0.16, 0.14, 0.18, 0.14, 0.16)
ZONE_HOUSEHOLDS = {"new": 22_900, "works": 23_000, "old": 8_200, "west": 8_700, "park": 2_200}


@dataclass(frozen=True)
class Compound:
    """A gated or named housing area on (part of) a block."""

    face: int
    name: str
    kind: str
    area: Polygon
    built_year: int


@dataclass
class Town:
    """All buildings, column by column, and the compounds; `compound` is a row of `compounds` or -1."""

    compounds: list[Compound] = field(default_factory=list)
    footprint: list[Polygon] = field(default_factory=list)
    face: list[int] = field(default_factory=list)
    compound: list[int] = field(default_factory=list)
    use: list[str] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    floors: list[int] = field(default_factory=list)
    households: list[int] = field(default_factory=list)
    built_year: list[int] = field(default_factory=list)


def build_town(rng: np.random.Generator, blocks: list[Block]) -> Town:
    """Build on every block: housing in order of appeal up to the zone's households, the other uses everywhere."""
    town, names = Town(), CompoundNames(rng)
    left = dict(ZONE_HOUSEHOLDS)
    for block in sorted(blocks, key=lambda block: (-block.appeal, block.face)):
        if block.use not in HOUSING:
            _add(town, block, set_out(rng, block.area, block.use), names)
            continue
        if left[block.zone] <= 0:
            use = str(rng.choice(SPARE_USE, p=SPARE_SHARE))
            _add(town, replace(block, use=use), set_out(rng, block.area, use), names)
            continue
        buildings = _fitting(rng, block)
        left[block.zone] -= sum(buildings.homes)
        _add(town, block, buildings, names)
    return town


def _fitting(rng: np.random.Generator, block: Block) -> Buildings:
    """Set out housing; when it has too many households for one grid worker, take off floors."""
    built = set_out(rng, block.area, block.use)
    parts = -(-len(built.footprints) // LARGEST) or 1
    share = min(1.0, MOST_HOUSEHOLDS * parts / max(1, sum(built.homes)))
    floors = [max(1, int(floor * share)) for floor in built.floors]
    homes = [max(1, int(home * share)) for home in built.homes]
    return Buildings(built.form, built.footprints, floors, homes, built.years)


def _add(town: Town, block: Block, built: Buildings, names: CompoundNames) -> None:
    """Write a block's buildings into the town, with their compounds where they form any."""
    count = len(built.footprints)
    row = np.full(count, -1)
    if block.use in HOUSING and block.use != "single" and count >= SMALLEST:
        for area, members in _divide(block.area, built.footprints):
            row[members] = len(town.compounds)
            year = min(built.years[i] for i in members)
            town.compounds.append(Compound(block.face, names.take(block.use), block.use, area, year))
    town.footprint += built.footprints
    town.face += [block.face] * count
    town.compound += row.tolist()
    town.use += ["residential" if block.use in HOUSING else block.use] * count
    town.kind += [block.use] * count
    town.floors += built.floors
    town.households += built.homes
    town.built_year += built.years


def _divide(area: Polygon, footprints: list[Polygon]) -> list[tuple[Polygon, list[int]]]:
    """Cut a block across its long side until no part has more than `LARGEST` buildings; no building is cut."""
    centres = shapely.get_coordinates(shapely.centroid(footprints))
    return _halve(area, list(range(len(footprints))), centres, footprints)


def _halve(
    area: Polygon, members: list[int], centres: Array, footprints: list[Polygon]
) -> list[tuple[Polygon, list[int]]]:
    """Give the area whole if it is small enough, else its two halves, divided again."""
    if len(members) <= LARGEST:
        return [(area, members)]
    spread = centres[members] - centres[members].mean(axis=0)
    axis = np.linalg.svd(spread, full_matrices=False)[2][0]
    axis = axis if axis[0] >= 0 else -axis
    order = np.argsort(spread @ axis, kind="stable")
    half = len(members) // 2
    first, second = ([members[i] for i in part] for part in (order[:half], order[half:]))
    at = centres[members].mean(axis=0) + axis * ((spread @ axis)[order[half - 1 : half + 1]].mean())
    across = np.array([-axis[1], axis[0]]) * 5_000.0
    side = LineString([at - across, at + across]).buffer(5_000.0, single_sided=True)
    own, others = ([footprints[i] for i in part] for part in (first, second))
    near = _around(side, own, others, ROOM_M)
    pieces = (
        _around(_tidy(area.intersection(near)), own, others, LEAST_ROOM_M),
        _around(_tidy(area.difference(near)), others, own, LEAST_ROOM_M),
    )
    return _halve(pieces[0], first, centres, footprints) + _halve(pieces[1], second, centres, footprints)


def _around(shape: Polygon, own: list[Polygon], others: list[Polygon], room_m: float) -> Polygon:
    """Let a shape go round its own buildings and leave out the others, with some room."""
    kept, left = (shapely.union_all(shapely.buffer(part, room_m)) for part in (own, others))
    return shape.union(kept).difference(left)


def _tidy(shape: Polygon) -> Polygon:
    """Give the largest polygon of a shape, without spikes, a little smaller."""
    return max(shapely.get_parts(shape.buffer(-1.0).buffer(0.6).simplify(0.3)), key=shapely.area)
