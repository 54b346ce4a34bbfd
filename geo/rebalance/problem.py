"""What a rebalancing engine is given and what it gives back: one frozen problem, one frozen solution a community.

Everything here is plain arrays, so that a problem can be pickled to another process. An engine is any function
`(CommunityProblem, seed) -> CommunitySolution`; `geo.rebalance.solve.solve_community` is the present one.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from geo.errors import InvalidInputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Mode = Literal["redraw", "adjust"]
Cause = Literal[
    "unit_over_ceiling",
    "total_below_floor",
    "pocket_below_floor",
    "no_whole_number",
    "boxed_in",
    "no_connected_plan",
    "not_found",
]


@dataclass(frozen=True)
class Band:
    """Households a grid should have: floor <= target <= ceiling."""

    floor: float
    ceiling: float
    target: float

    def __post_init__(self) -> None:
        if not 0 < self.floor <= self.target <= self.ceiling < np.inf:
            raise InvalidInputError(
                f"the band must have 0 < floor <= target <= ceiling, "
                f"not floor {self.floor:g}, target {self.target:g}, ceiling {self.ceiling:g}"
            )

    def miss(self, households: FloatArray) -> FloatArray:
        """Households above the ceiling or short of the floor, per grid."""
        return np.maximum(np.maximum(households - self.ceiling, self.floor - households), 0)

    def holds(self, households: FloatArray) -> BoolArray:
        """Tell which grids are in the band, ends included."""
        return np.asarray((households >= self.floor) & (households <= self.ceiling))

    def grid_counts(self, households: float) -> tuple[int, int]:
        """Fewest and most grids that households could fill by count alone; fewest > most means it cannot be."""
        return int(np.ceil(households / self.ceiling)), int(np.floor(households / self.floor))


@dataclass(frozen=True)
class CommunityProblem:
    """One community as atoms (units or whole compounds) and their neighbour pairs.

    Attributes
    ----------
    community
        Its code or name as text.
    unit
        Shape (n_unit,). Row positions of its units in the input frame.
    atom
        Shape (n_unit,). The atom each of these units belongs to.
    households, area_m2, perimeter_m
        Shape (n_atom,). Of point units the area is 1 and the perimeter is the number of neighbours.
    pairs, border_m
        Shapes (n_pair, 2) and (n_pair,). Neighbouring atoms, each pair once; bridges have border 0, pairs of
        point units border 1.
    wall_pairs, wall_border_m
        Shapes (n_wall, 2) and (n_wall,). Atoms that share a border but a barrier parts them: they do not connect, but
        the border lies inside a grid that holds both.
    inside_xy_m
        Shape (n_atom, 2). Mean inside point of the atom's units.
    overlap
        Shape (n_atom, n_incumbent). Households of each atom in each incumbent grid of this community.
    incumbent
        Shape (n_atom,). Column of `overlap` with most of the atom's households (of its units where it has none),
        -1 where it was in no grid.
    incumbents
        Codes of the incumbent grids, in the order of the columns.
    workload
        Shape (n_atom,). What is balanced between grids; the households unless told otherwise. The band holds on
        households all the same.
    fixed
        Shape (n_atom,). Atoms that must stay in their incumbent grid.
    closed
        Shape (n_incumbent,). Incumbent grids that stay exactly as they are: all their atoms are fixed, and no other
        atom joins.
    shape
        0: fewest households moved; 1: best shape; between: a price of both.
    is_thorough
        Whether the search for shape may take twice as long, as it does where there are not too many units in all.
    """

    community: str
    unit: IntArray
    atom: IntArray
    households: FloatArray
    area_m2: FloatArray
    perimeter_m: FloatArray
    pairs: IntArray
    border_m: FloatArray
    wall_pairs: IntArray
    wall_border_m: FloatArray
    inside_xy_m: FloatArray
    overlap: FloatArray
    incumbent: IntArray
    incumbents: tuple[str, ...]
    band: Band
    mode: Mode
    workload: FloatArray
    fixed: BoolArray
    closed: BoolArray
    shape: float
    is_thorough: bool


@dataclass(frozen=True)
class Shortfall:
    """Why some grids of a community are outside the band.

    Attributes
    ----------
    cause
        `unit_over_ceiling`, `total_below_floor`, `pocket_below_floor` (cut off by a barrier or by a unit over
        the ceiling), `no_whole_number` (of grids in the band), `boxed_in` (a compound or unit below the floor that
        exceeds the ceiling together with any neighbour), `no_connected_plan` (exact search has tried all) or
        `not_found` (this engine found no plan).
    is_proven
        Whether no plan at all could have them inside.
    households, units
        Size of the part of the community the cause is about.
    unit
        Row position of one of its units.
    """

    cause: Cause
    is_proven: bool
    households: float
    units: int
    unit: int


@dataclass(frozen=True)
class CommunitySolution:
    """The grids of one community.

    Attributes
    ----------
    grid
        Shape (n_atom,). Grid of each atom, numbered from 0 without gaps.
    shortfalls
        Why grids are outside the band; empty when none is.
    miss_households
        Households above the ceiling or short of the floor, summed over the grids.
    miss_bound_households
        A proven lower bound of that sum; equal when the solution is proven best in this respect.
    moved_households
        Households that leave their incumbent grid; None without an incumbent plan.
    moved_bound_households
        A proven lower bound of that over all connected plans that miss the band by no more than this one; None without
        an incumbent or where shape counts as well (`shape` > 0).
    """

    grid: IntArray
    shortfalls: tuple[Shortfall, ...]
    miss_households: float
    miss_bound_households: float
    moved_households: float | None = None
    moved_bound_households: float | None = None
