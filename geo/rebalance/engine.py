"""Rebalance grids: prepare one problem a community, solve them one by one or in parallel, assemble the plan."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

import geopandas as gpd

from geo.errors import InvalidInputError
from geo.rebalance.plan import RebalancePlan, assemble
from geo.rebalance.prepare import prepare
from geo.rebalance.problem import Band, CommunityProblem, CommunitySolution, Mode
from geo.rebalance.solve import solve_community
from geo.rebalance.units import read_units

Progress = Callable[[int, int, str], None]
"""Called with communities done, communities in all, and the name of the one just done."""


def rebalance(  # noqa: PLR0913 (the options of the job, all keyword-only)
    units: gpd.GeoDataFrame,
    *,
    households: str,
    within: str | None = None,
    compound: str | None = None,
    current: str | None = None,
    barriers: gpd.GeoSeries | None = None,
    inside: gpd.GeoSeries | None = None,
    floor: float = 400,
    ceiling: float = 800,
    target: float | None = None,
    mode: Mode = "redraw",
    seed: int = 0,
    shape: float | None = None,
    weights: Mapping[str, float] | None = None,
    fixed: str | None = None,
    closed: Collection[str] = (),
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> RebalancePlan:
    """Cut units into connected grids with households in a band, each grid inside one community.

    Neighbours share at least 1 m of border (points: a Delaunay edge), unless the straight line between their inside
    points crosses a barrier. Pieces that a gap separates, and units without any neighbour, are joined by bridges.

    Parameters
    ----------
    units
        Polygons or points with a CRS, one row a unit, never divided.
    households
        Column of household counts, finite and >= 0.
    within
        Column of the community no grid may leave; without it all units are one community.
    compound
        Column of the compound to keep whole, null for none. One above the ceiling is cut by unit.
    current
        Column of the incumbent grid, null for none; needed by `adjust`.
    barriers
        Lines or polygons no grid connects across.
    inside
        What stands for each unit when a barrier is looked for between two of them, such as the buildings where
        `units` are the lots around them; the units themselves otherwise.
    floor, ceiling, target
        Households of a grid, ends included; the target is the middle of the band unless given.
    mode
        `redraw`: best balance and shape. `adjust`: fewest households moved from the incumbent.
    seed
        Same input, parameters and seed give the same plan, whatever the executor.
    shape
        Between least change (0, what `adjust` means) and best shape (1, what `redraw` means); of `adjust` alone.
    weights
        Factors of the columns whose sum is the workload that is balanced; the households without any. The band holds on
        households.
    fixed
        Column of marks: such units stay in their current grid.
    closed
        Codes of current grids that stay exactly as they are.
    executor
        Solves communities in parallel, such as `distributed.Client.get_executor()`; threads of this process without one.
    progress
        Called with (communities done, communities in all, name of the one just done).

    Raises
    ------
    InvalidInputError
        If a column, a value or the band cannot be used; every faulty row is named.
    """
    if seed < 0:
        raise InvalidInputError(f"the seed must be >= 0, not {seed}")
    if mode not in ("redraw", "adjust"):
        raise InvalidInputError(f"the mode is redraw or adjust, not {mode}")
    if mode == "adjust" and current is None:
        raise InvalidInputError("mode adjust needs the column of the current grids")
    if shape is not None and not 0 <= shape <= 1:
        raise InvalidInputError(f"the shape must be between 0 and 1, not {shape:g}")
    if current is None and (fixed is not None or closed):
        raise InvalidInputError("locks need the column of the current grids")
    band = Band(floor, ceiling, (floor + ceiling) / 2 if target is None else target)
    read = read_units(
        units, households=households, within=within, compound=compound, current=current, inside=inside, weights=weights,
        fixed=fixed,
    )  # fmt: skip
    unknown = sorted(set(closed) - set(read.incumbents))
    if unknown:
        raise InvalidInputError(f"there is no current grid {unknown[0]} to lock")
    prepared = prepare(read, barriers=barriers, band=band, mode=mode, shape=shape, closed=closed)
    solve = partial(solve_community, seed=seed)
    solutions = []
    for problem, solution in zip(prepared.problems, _each(solve, prepared.problems, executor), strict=True):
        solutions.append(solution)
        if progress:
            progress(len(solutions), len(prepared.problems), problem.community)
    return assemble(prepared, solutions, seed=seed)


def _each(
    solve: Callable[[CommunityProblem], CommunitySolution],
    problems: Sequence[CommunityProblem],
    executor: Executor | None,
) -> Iterator[CommunitySolution]:
    """Solve each community, in the given executor or in as many threads as there are cores; in order."""
    if executor is not None:
        yield from executor.map(solve, problems)
        return
    with ThreadPoolExecutor(min(len(problems), os.cpu_count() or 1)) as threads:
        yield from threads.map(solve, problems)
