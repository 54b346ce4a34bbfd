"""Rebalance grids: prepare one problem a community, solve them one by one or in parallel, assemble the plan."""

import math
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import geopandas as gpd

from geo.errors import InvalidInputError
from geo.rebalance.exact import EFFORT
from geo.rebalance.front import front_shapes, solve_front
from geo.rebalance.plan import RebalancePlan, assemble
from geo.rebalance.prepare import Prepared, prepare
from geo.rebalance.problem import Band, Mode
from geo.rebalance.solve import solve_community
from geo.rebalance.units import read_units

EFFORT_IN_ALL = 5_000_000
"""Simplex iterations that exact search may spend on all communities together."""
Progress = Callable[[int, int, str], None]
"""Called with communities done, communities in all, and the name of the one just done."""
Result = TypeVar("Result")


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
    reach_m: float | None = None,
    time_limit_s: float | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> RebalancePlan:
    """Cut units into connected grids with households in a band, each grid inside one community.

    Neighbours share at least 1 m of border, or face each other across a street of at most 40 m where the units do not
    all touch (points: a Delaunay edge), unless the straight line between their inside points crosses a barrier. Pieces
    that a wider gap separates, and units without any neighbour, are joined by bridges. New grids are numbered from the
    northwest, west to east and row by row from north to south.

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
    reach_m
        Longest edge between neighbouring points, in metres; without it, what is usual in the community
        (`adjacency.find_neighbours`). Pieces that this leaves apart are bridged.
    time_limit_s
        Ends the search after about so many seconds with the best plan found; then the plan may differ from run to run.
    executor
        Solves communities in parallel, such as `distributed.Client.get_executor()`; else threads of this process.
    progress
        Called with (communities done, communities in all, name of the one just done).

    Raises
    ------
    InvalidInputError
        If a column, a value or the band cannot be used; every faulty row is named.
    """
    prepared = _read(
        units, households=households, within=within, compound=compound, current=current, barriers=barriers,
        inside=inside, band=_band(floor, ceiling, target), mode=mode, shape=shape, weights=weights, fixed=fixed,
        closed=closed, reach_m=reach_m, seed=seed, time_limit_s=time_limit_s,
    )  # fmt: skip
    solve = partial(solve_community, seed=seed, effort=effort_each(len(prepared.problems)))
    solutions = list(_each(solve, prepared, time_limit_s=time_limit_s, executor=executor, progress=progress))
    return assemble(prepared, solutions, seed=seed)


def rebalance_front(  # noqa: PLR0913 (the options of the job, all keyword-only)
    units: gpd.GeoDataFrame,
    *,
    count: int,
    floor: float = 400,
    ceiling: float = 800,
    target: float | None = None,
    seed: int = 0,
    time_limit_s: float | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    **columns: Any,
) -> tuple[RebalancePlan, ...]:
    """Plans from least change to best shape, none of which is worse than another in both; at most `count` of them.

    Parameters are those of `rebalance`, but for `mode` and `shape`; `columns` are its names of columns, barriers,
    weights and locks.

    Raises
    ------
    InvalidInputError
        As `rebalance`, and if `count` is less than 1.
    """
    if count < 1:
        raise InvalidInputError(f"a front has at least one plan, not {count}")
    absent = dict.fromkeys(("within", "compound", "current", "barriers", "inside", "weights", "fixed", "reach_m"))
    options: dict[str, Any] = {**absent, "closed": (), **columns}
    options |= {"mode": "adjust", "shape": None, "seed": seed, "time_limit_s": time_limit_s}
    prepared = _read(units, band=_band(floor, ceiling, target), **options)
    solve = partial(solve_front, seed=seed, count=count, effort=effort_each(len(prepared.problems)))
    fronts = list(_each(solve, prepared, time_limit_s=time_limit_s, executor=executor, progress=progress))
    plans = [
        assemble(prepared, solutions, seed=seed, shape=shape)
        for shape, solutions in zip(front_shapes(count), zip(*fronts, strict=True), strict=True)
    ]
    return undominated(plans)


def undominated(plans: Sequence[RebalancePlan]) -> tuple[RebalancePlan, ...]:
    """Leave out plans that another one equals or beats in households moved and in shape; fewest moved first."""
    kept: list[RebalancePlan] = []
    for plan in sorted(plans, key=lambda plan: (plan.moved_households or 0.0, -(plan.mean_compactness or 0.0))):
        if not kept or (plan.mean_compactness or 0.0) > (kept[-1].mean_compactness or 0.0):
            kept.append(plan)
    return tuple(kept)


def _band(floor: float, ceiling: float, target: float | None) -> Band:
    """The band; its target is the middle unless given."""
    return Band(floor, ceiling, (floor + ceiling) / 2 if target is None else target)


def _read(  # noqa: PLR0913 (the options of the job, all keyword-only)
    units: gpd.GeoDataFrame,
    *,
    households: str,
    within: str | None,
    compound: str | None,
    current: str | None,
    barriers: gpd.GeoSeries | None,
    inside: gpd.GeoSeries | None,
    band: Band,
    mode: Mode,
    shape: float | None,
    weights: Mapping[str, float] | None,
    fixed: str | None,
    closed: Collection[str],
    reach_m: float | None,
    seed: int,
    time_limit_s: float | None,
) -> Prepared:
    """Check the options, read the units and make the problems."""
    _check_search(mode, shape, seed=seed, time_limit_s=time_limit_s)
    if mode == "adjust" and current is None:
        raise InvalidInputError("mode adjust needs the column of the current grids")
    if reach_m is not None and not reach_m > 0:
        raise InvalidInputError(f"the reach must be > 0 m, not {reach_m:g}")
    if current is None and (fixed is not None or closed):
        raise InvalidInputError("locks need the column of the current grids")
    read = read_units(
        units, households=households, within=within, compound=compound, current=current, inside=inside, weights=weights,
        fixed=fixed,
    )  # fmt: skip
    unknown = sorted(set(closed) - set(read.incumbents))
    if unknown:
        raise InvalidInputError(f"there is no current grid {unknown[0]} to lock")
    return prepare(read, barriers=barriers, band=band, mode=mode, shape=shape, closed=closed, reach_m=reach_m)


def _check_search(mode: str, shape: float | None, *, seed: int, time_limit_s: float | None) -> None:
    """Refuse what no search can follow."""
    if seed < 0:
        raise InvalidInputError(f"the seed must be >= 0, not {seed}")
    if mode not in ("redraw", "adjust"):
        raise InvalidInputError(f"the mode is redraw or adjust, not {mode}")
    if shape is not None and not 0 <= shape <= 1:
        raise InvalidInputError(f"the shape must be between 0 and 1, not {shape:g}")
    if shape is not None and mode == "redraw":
        raise InvalidInputError(f"the shape {shape:g} is for mode adjust alone; redraw always looks for the best shape")
    if time_limit_s is not None and not time_limit_s > 0:
        raise InvalidInputError(f"the time limit must be > 0 s, not {time_limit_s:g}")


def _each(
    solve: Callable[..., Result],
    prepared: Prepared,
    *,
    time_limit_s: float | None,
    executor: Executor | None,
    progress: Progress | None,
) -> Iterator[Result]:
    """Solve each community, in order.

    Within a time limit each community may search until its share of the time has come, and each gets a first plan.
    """
    problems = prepared.problems
    started, limit = time.time(), math.inf if time_limit_s is None else time_limit_s
    untils = [started + limit * (number + 1) / len(problems) for number in range(len(problems))]
    tasks = [partial(solve, problem, until=until) for problem, until in zip(problems, untils, strict=True)]
    names = [problem.community for problem in problems]
    return in_order(tasks, names, executor=executor, progress=progress)


def effort_each(communities: int) -> int:
    """Give the simplex iterations that exact search may spend on each of so many communities."""
    return min(EFFORT, EFFORT_IN_ALL // max(communities, 1))


def in_order(
    tasks: Sequence[Callable[[], Result]], names: Sequence[str], *, executor: Executor | None, progress: Progress | None
) -> Iterator[Result]:
    """Run a task a community, in the given executor or in as many threads as there are cores; results in order."""
    with ThreadPoolExecutor(max(1, min(len(tasks), os.cpu_count() or 1))) as threads:
        for number, result in enumerate((executor or threads).map(_call, tasks)):
            if progress:
                progress(number + 1, len(tasks), names[number])
            yield result


def _call(task: Callable[[], Result]) -> Result:
    """Run a task, in another process too."""
    return task()
