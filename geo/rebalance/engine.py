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
from geo.rebalance.exact import EFFORT, EFFORTS
from geo.rebalance.front import front_shapes, solve_front
from geo.rebalance.plan import RebalancePlan, assemble
from geo.rebalance.prepare import Prepared, prepare
from geo.rebalance.problem import Band, CommunityProblem, CommunitySolution, Mode
from geo.rebalance.solve import draft_community, is_open, polish_community, settle_community
from geo.rebalance.units import read_units

EFFORT_BASE, EFFORT_A_COMMUNITY = 1_000_000, 1_000
"""Simplex iterations that exact search may spend on all communities together: so many, and so many a community."""
ROUNDS = ((0, 0.5), *zip(EFFORTS, (0.6, 0.75, 1.0), strict=True))
"""Most effort for a community in each round, and the part of a time limit by which the round has to end."""
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

    Neighbours share at least 1 m of border or run beside each other within half a metre, or face each other across a
    street of at most 40 m where the units do not all touch (points: a Delaunay edge), unless the straight line between
    their inside points crosses a barrier. Pieces that a wider gap separates, and units without any neighbour, are
    joined by bridges. New grids are numbered from the northwest, west to east and row by row from north to south.

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
        Of points alone: longest edge between neighbours, in metres; without it, what is usual in the community
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
    solutions = _solve(prepared, seed, time_limit_s=time_limit_s, executor=executor, progress=progress)
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
    for plan in sorted(plans, key=lambda plan: (plan.moved_households or 0.0, plan.lost_shape)):
        if not kept or plan.lost_shape < kept[-1].lost_shape:
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
    if reach_m is not None and not read.is_point:
        raise InvalidInputError(f"the reach {reach_m:g} m is for points alone; these units are polygons")
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


def _solve(
    prepared: Prepared,
    seed: int,
    *,
    time_limit_s: float | None,
    executor: Executor | None,
    progress: Progress | None,
) -> list[CommunitySolution]:
    """Draft every community, then let exact search settle what is open: a little each first, then what effort is left.

    The effort is shared by counts alone, so that plans do not hang on the machine or on how many work at once.
    """
    problems, started = prepared.problems, time.time()
    left = sorted(range(len(problems)), key=lambda i: -problems[i].overlap.size)  # none that takes long comes last
    done, solutions = 0, dict[int, CommunitySolution]()
    budget, before = _effort_in_all(len(problems)), -1
    for effort, part in ROUNDS:
        own, until = min(effort, budget // max(len(left), 1)), math.inf
        if own <= before:  # no more than they had
            break
        if time_limit_s is not None:
            until = started + time_limit_s * (1.0 if prepared.mode == "redraw" else part)
        tasks = [
            partial(_step, problems[i], solutions.get(i), seed=seed, effort=own, until=each)
            for i, each in zip(left, _untils(until, len(left)), strict=True)
        ]
        steps = in_order(tasks, [""] * len(tasks), executor=executor, progress=None)
        for i, solutions[i] in zip(left, steps, strict=True):
            if progress and not is_open(problems[i], solutions[i]):
                done += 1
                progress(done, len(problems), problems[i].community)
        left = [i for i in left if is_open(problems[i], solutions[i])]
        budget, before = budget - own * len(left), own
    until = math.inf if time_limit_s is None else started + time_limit_s
    rest = [partial(polish_community, problems[i], solutions[i], until=until) for i in left]
    names = [problems[i].community for i in left]
    for i, solutions[i] in zip(left, in_order(rest, names, executor=executor, progress=None), strict=True):
        done += 1
        if progress:
            progress(done, len(problems), problems[i].community)
    return [solutions[i] for i in range(len(problems))]


def _step(
    problem: CommunityProblem, solution: CommunitySolution | None, *, seed: int, effort: int, until: float
) -> CommunitySolution:
    """Draft a community, or go on with it; polish it where nothing is left to settle."""
    if solution is None:
        solution = draft_community(problem, seed, until=until)
    else:
        solution = settle_community(problem, solution, effort=effort, until=until)
    return solution if is_open(problem, solution) else polish_community(problem, solution, until=until)


def _each(
    solve: Callable[..., Result],
    prepared: Prepared,
    *,
    time_limit_s: float | None,
    executor: Executor | None,
    progress: Progress | None,
) -> Iterator[Result]:
    """Solve each community at once, in order."""
    problems, until = prepared.problems, math.inf if time_limit_s is None else time.time() + time_limit_s
    tasks = [
        partial(solve, problem, until=each)
        for problem, each in zip(problems, _untils(until, len(problems)), strict=True)
    ]
    return in_order(tasks, [problem.community for problem in problems], executor=executor, progress=progress)


def _untils(until: float, count: int) -> list[float]:
    """When each of so many communities has to be ready: each may search until its share of the time has come."""
    if not math.isfinite(until):
        return [until] * count
    now = time.time()
    return [now + max(until - now, 0.0) * (number + 1) / count for number in range(count)]


def effort_each(communities: int) -> int:
    """Give the simplex iterations that exact search may spend on each of so many communities, each by itself."""
    return min(EFFORT, _effort_in_all(communities) // max(communities, 1))


def _effort_in_all(communities: int) -> int:
    """Simplex iterations for all communities."""
    return EFFORT_BASE + EFFORT_A_COMMUNITY * communities


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
