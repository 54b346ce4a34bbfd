"""Building footprints: rows of slabs, towers, old single houses, sheds, set out inside one block."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import Polygon

from data.demo.xialu.terrain import Array

TRIES = 6  # lattices tried on a block; the one that fits most buildings is kept

Range = tuple[float, float]


@dataclass(frozen=True)
class Pattern:
    """How buildings of one form stand: sizes and gaps in metres, each drawn once a block unless `is_mixed`."""

    width_m: Range
    depth_m: Range
    gap_x_m: Range
    gap_y_m: Range
    floors: Range
    homes_per_floor_m: float  # homes on a floor for each metre of width
    years: Range
    kept: float = 0.94
    shift_m: float = 1.0
    spin_deg: float = 0.0
    margin_m: float = 5.0
    is_mixed: bool = False


PATTERNS = {
    "slab": Pattern((40, 58), (11.5, 13.5), (9, 14), (19, 25), (5, 7), 0.112, (1998, 2016)),
    "tower": Pattern((24, 29), (18, 22), (24, 34), (34, 46), (9, 18), 0.15, (2008, 2024), shift_m=3.0),
    "walk_up": Pattern((30, 48), (10.5, 12), (7, 11), (14, 19), (4, 6), 0.115, (1984, 2002), kept=0.9),
    "dormitory": Pattern((48, 72), (9.5, 11), (9, 14), (13, 18), (3, 6), 0.125, (1962, 1995), kept=0.92),
    "single": Pattern((10, 18), (9, 13), (3, 8), (6, 13), (2, 6), 0.09, (1955, 1996), 0.8, 1.5, 4.0, 2.0, True),
    "house": Pattern((9, 13), (8.5, 12), (6, 15), (8, 17), (2, 3), 0.045, (1988, 2015), 0.62, 3.5, 14.0, 4.0, True),
    "shed": Pattern((44, 84), (24, 42), (12, 20), (16, 26), (1, 2), 0.0, (1970, 2020), 0.85, 3.0, 0.0, 12.0, True),
    "school": Pattern((46, 62), (13, 17), (16, 26), (30, 55), (3, 5), 0.0, (1980, 2022), 0.9, 2.0, 0.0, 10.0),
    "office": Pattern((30, 46), (18, 26), (26, 40), (34, 50), (5, 18), 0.0, (1995, 2023), 0.85, 3.0, 0.0, 12.0, True),
    "commerce": Pattern((44, 70), (22, 36), (12, 20), (16, 24), (2, 5), 0.0, (1992, 2023), 0.8, 2.0, 0.0, 8.0, True),
    "hospital": Pattern((50, 66), (20, 26), (20, 30), (28, 40), (6, 14), 0.0, (1985, 2022), 0.8, 2.0, 0.0, 12.0),
}
FORMS = {  # use of a block -> forms it may have with their chances
    "commodity": (("tower", 0.42), ("slab", 0.58)),
    "old": (("walk_up", 1.0),),
    "work_unit": (("dormitory", 0.75), ("walk_up", 0.25)),
    "resettlement": (("slab", 0.75), ("tower", 0.25)),
    "village": (("house", 1.0),),
    "single": (("single", 1.0),),
    "industry": (("shed", 1.0),),
    "school": (("school", 1.0),),
    "office": (("office", 1.0),),
    "commerce": (("commerce", 1.0),),
    "hospital": (("hospital", 1.0),),
}


@dataclass(frozen=True)
class Buildings:
    """The buildings of one block: footprints (metres) and, for each, floors, homes and year built."""

    form: str
    footprints: list[Polygon]
    floors: list[int]
    homes: list[int]
    years: list[int]


def set_out(rng: np.random.Generator, block: Polygon, use: str) -> Buildings:
    """Fill a block with buildings of a form that suits its use; parks stay empty."""
    if use not in FORMS:
        return Buildings("none", [], [], [], [])
    forms, chances = zip(*FORMS[use], strict=True)
    form = str(rng.choice(forms, p=chances))
    pattern = PATTERNS[form]
    rooms = shapely.get_parts(block.buffer(-pattern.margin_m))
    if not len(rooms):
        return Buildings(form, [], [], [], [])
    room = max(rooms, key=shapely.area)
    footprints = max((_rows(rng, room, pattern) for _ in range(TRIES)), key=len)
    return _furnish(rng, form, footprints)


def south_angle(block: Polygon) -> float:
    """Turn (radians) of the rows: along the streets, but no more than 22 degrees off west-east."""
    corners = np.array(shapely.minimum_rotated_rectangle(block).exterior.coords)
    side = corners[1] - corners[0]
    angle = np.arctan2(side[1], side[0])
    quarter = np.pi / 2
    angle = (angle + quarter / 2) % quarter - quarter / 2
    return float(np.clip(angle, -0.38, 0.38))


def _rows(rng: np.random.Generator, room: Polygon, pattern: Pattern) -> list[Polygon]:
    """Set rectangles on a turned lattice and keep those that stand wholly inside."""
    width, depth = rng.uniform(*pattern.width_m), rng.uniform(*pattern.depth_m)
    step_x, step_y = width + rng.uniform(*pattern.gap_x_m), depth + rng.uniform(*pattern.gap_y_m)
    angle = south_angle(room)
    centre = np.array(room.centroid.coords[0])
    reach = np.hypot(*np.ptp(np.array(room.exterior.coords), axis=0)) / 2
    across, up = (np.arange(-np.ceil(reach / step), np.ceil(reach / step) + 1) * step for step in (step_x, step_y))
    grid_x, grid_y = np.meshgrid(across + rng.uniform(0, step_x), up + rng.uniform(0, step_y))
    count = grid_x.size
    local = np.column_stack([grid_x.ravel(), grid_y.ravel()]) + rng.uniform(-1, 1, (count, 2)) * pattern.shift_m
    spin = rng.uniform(-1, 1, count) * np.radians(pattern.spin_deg)
    size = np.tile([width, depth], (count, 1))
    if pattern.is_mixed:
        size *= rng.uniform(0.72, 1.08, (count, 2))
    shapes = rectangles(centre + turned(local, np.full(count, angle)), size, angle + spin)
    shapely.prepare(room)
    stands = shapely.contains_properly(room, shapes) & (rng.random(count) < pattern.kept)
    return _apart(shapes[stands])


def _apart(shapes: Array) -> list[Polygon]:
    """Leave out a footprint that meets one before it (turned houses may)."""
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    hidden = set(second[first < second].tolist())
    return [shape for i, shape in enumerate(shapes) if i not in hidden]


def turned(points: Array, angle: Array) -> Array:
    """Turn each point about the origin by its angle in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    out: Array = np.column_stack([points[:, 0] * cos - points[:, 1] * sin, points[:, 0] * sin + points[:, 1] * cos])
    return out


def rectangles(centres: Array, size: Array, angle: Array) -> Array:
    """Make one turned rectangle a row from centres, sizes (width, depth) and angles in radians."""
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    rings = np.stack([centres + turned(size * corner, angle) for corner in corners], axis=1)
    shapes: Array = shapely.polygons(rings)
    return shapes


def _furnish(rng: np.random.Generator, form: str, footprints: list[Polygon]) -> Buildings:
    """Give each footprint floors, homes and a year; a compound is of one age, mixed forms are not."""
    pattern = PATTERNS[form]
    low, high = pattern.floors
    usual = int(rng.integers(int(low), int(high) + 1))
    year = int(rng.integers(int(pattern.years[0]), int(pattern.years[1])))
    floors, homes, years = [], [], []
    for footprint in footprints:
        ring = np.array(footprint.exterior.coords)
        width_m = max(np.hypot(*np.diff(ring[:3], axis=0).T))
        tall = int(rng.integers(int(low), int(high) + 1)) if pattern.is_mixed else usual + int(rng.integers(-1, 2))
        tall = max(1, tall)
        per_floor = width_m * pattern.homes_per_floor_m
        count = round(per_floor * tall * rng.uniform(0.86, 1.0)) if per_floor else 0
        floors.append(tall)
        homes.append(max(1, count) if per_floor else 0)
        years.append(int(rng.integers(int(pattern.years[0]), int(pattern.years[1]))) if pattern.is_mixed else year)
    return Buildings(form, footprints, floors, homes, years)
