"""The one plan that changes least over several layers, in the band, connected and inside its communities."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import geopandas as gpd
import numpy as np

from geo.arrays import FloatArray
from geo.errors import InvalidInputError
from geo.merge.bound import moved_bound
from geo.merge.consensus import Labels, agree, labels_of_plan, overlap_of
from geo.merge.layers import Coded, GridLayer, encode
from geo.rebalance.bounds import lower_bound
from geo.rebalance.engine import effort_each, in_order
from geo.rebalance.plan import RebalancePlan, assemble
from geo.rebalance.prepare import prepare
from geo.rebalance.problem import Band, CommunityProblem, CommunitySolution
from geo.rebalance.solve import solve_community
from geo.rebalance.sums import sum_by
from geo.rebalance.units import read_units

MOST_STARTS, MOST_ROUNDS = 3, 4
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class LayerOutcome:
    """What becomes of one layer: households that change grid after the best matching, of those it has in a grid."""

    name: str
    weight: float
    grids: int
    households: float
    moved_households: float


@dataclass(frozen=True)
class MergePlan:
    """The merged plan.

    Attributes
    ----------
    plan
        The grids.
    layers
        What becomes of each layer.
    moved_households
        Weighted mean over the layers of the households that move.
    moved_bound_households
        A proven lower bound of it; a plan that reaches it is the best there is.
    """

    plan: RebalancePlan
    layers: tuple[LayerOutcome, ...]
    moved_households: float
    moved_bound_households: float


def merge(  # noqa: PLR0913 (the options of the job, all keyword-only)
    units: gpd.GeoDataFrame,
    layers: Sequence[GridLayer],
    *,
    households: str,
    within: str | None = None,
    compound: str | None = None,
    barriers: gpd.GeoSeries | None = None,
    inside: gpd.GeoSeries | None = None,
    floor: float = 400,
    ceiling: float = 800,
    target: float | None = None,
    codes_from: str | None = None,
    seed: int = 0,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> MergePlan:
    """Merge grid layers into one plan.

    Minimised is the weighted sum over the layers of the households that change grid (`geo.merge.consensus` says how),
    after the households outside the band; always every grid is connected and lies in one community.

    Parameters
    ----------
    units, households, within, compound, barriers, inside, floor, ceiling, target, seed, executor, progress
        As of `geo.rebalance.rebalance`.
    layers
        Two or more; a unit that a layer has in no grid moves freely there.
    codes_from
        Name of the layer whose codes the merged grids keep where one goes on as one of that layer's; the others, and
        without a name all of them, have new codes. No code of any layer is given to another grid.

    Raises
    ------
    InvalidInputError
        If a column, a value, the band or a layer cannot be used.
    """
    if codes_from is not None and codes_from not in [layer.name for layer in layers]:
        raise InvalidInputError(f"there is no layer {codes_from} to keep codes of")
    band = Band(floor, ceiling, (floor + ceiling) / 2 if target is None else target)
    read = read_units(units, households=households, within=within, compound=compound, current=None, inside=inside)
    coded = encode(layers, len(read.households))
    kept = None if codes_from is None else [layer.name for layer in layers].index(codes_from)
    prepared = prepare(read, barriers=barriers, band=band, mode="adjust")
    tasks = [
        _Task(problem, coded.part(problem.unit), read.households[problem.unit], kept) for problem in prepared.problems
    ]
    effort = effort_each(len(tasks))
    merged = list(
        in_order(
            [partial(_merge, task, seed=seed, effort=effort) for task in tasks],
            [problem.community for problem in prepared.problems],
            executor=executor, progress=progress,
        )
    )  # fmt: skip
    retired = tuple(sorted({code for codes in coded.codes for code in codes}))
    done = replace(
        prepared, units=replace(read, incumbents=retired), problems=tuple(found.problem for found in merged)
    )  # fmt: skip
    plan = assemble(done, [found.solution for found in merged], seed=seed)
    moved = np.sum([found.moved for found in merged], axis=0)
    return MergePlan(
        plan,
        tuple(
            LayerOutcome(
                layer.name, float(weight), len(codes), float(read.households[grid >= 0].sum()), float(moved[at])
            )
            for at, (layer, weight, codes, grid) in enumerate(
                zip(layers, coded.weight, coded.codes, coded.grid, strict=True)
            )
        ),
        float(coded.weight @ moved),
        sum(found.bound for found in merged),
    )


@dataclass(frozen=True)
class _Task:
    """One community: its problem, the layers over its units, its units' households, the layer that gives the codes."""

    problem: CommunityProblem
    coded: Coded
    households: FloatArray
    kept: int | None


@dataclass(frozen=True)
class _Merged:
    """One community merged: the problem as it was solved last, its solution, households that move in each layer.

    `bound` is a lower bound of the weighted sum of these, over all plans that miss the band by no more.
    """

    problem: CommunityProblem
    solution: CommunitySolution
    moved: FloatArray
    bound: float = 0.0


def _merge(task: _Task, *, seed: int, effort: int) -> _Merged:
    """Look for labels and plan in turn, from the labels on which the layers agree most; exact search comes last."""
    best: tuple[tuple[float, float], _Merged] | None = None
    for start in agree(task.coded, task.households)[:MOST_STARTS]:
        labels, before = start, (np.inf, np.inf)
        for _ in range(MOST_ROUNDS):
            problem = _labelled(task, labels)
            value, labels, found = _valued(task, problem, solve_community(problem, seed, effort=0))
            if value >= before:
                break
            before = value
            if best is None or value < best[0]:
                best = value, found
    if best is None:
        raise InvalidInputError("there are no units")
    found = best[1]
    value, _, exact = _valued(task, found.problem, solve_community(found.problem, seed, effort=effort))
    if value < best[0]:
        found = exact
    alone = [_alone(task, layer) for layer in range(len(task.coded.grid))]
    least = np.array([lower_bound(one, miss_households=found.solution.miss_households) for one in alone])
    return replace(found, bound=moved_bound(task.coded, task.households, np.minimum(least, found.moved)))


def _valued(
    task: _Task, problem: CommunityProblem, solution: CommunitySolution
) -> tuple[tuple[float, float], Labels, _Merged]:
    """What a plan is worth (households out of the band, weighted change), its best labels, and what it moves."""
    labels, moved = labels_of_plan(task.coded, task.households, solution.grid[problem.atom])
    value = (round(solution.miss_households, 6), round(float(task.coded.weight @ moved), 6))
    return value, labels, _Merged(problem, solution, moved)


def _alone(task: _Task, layer: int) -> CommunityProblem:
    """Make the problem of changing least from one layer alone."""
    coded = Coded((task.coded.grid[layer],), (task.coded.codes[layer],), np.ones(1))
    return _labelled(replace(task, coded=coded, kept=None), (np.arange(len(coded.codes[0])),))


def _labelled(task: _Task, labels: Labels) -> CommunityProblem:
    """Make the labels the incumbent grids of a community's problem."""
    problem, coded = task.problem, task.coded
    per_unit = overlap_of(coded, task.households, labels)
    members = overlap_of(coded, np.ones(len(task.households)), labels)
    count = len(problem.households)
    overlap = np.stack([sum_by(problem.atom, column, count) for column in per_unit.T], axis=1)
    presence = np.stack([sum_by(problem.atom, column, count) for column in members.T], axis=1)
    main = np.where(overlap.max(axis=1) > 0, overlap.argmax(axis=1), presence.argmax(axis=1))
    main[presence.max(axis=1) == 0] = -1
    codes = [""] * overlap.shape[1]
    if task.kept is not None:
        for code, label in zip(coded.codes[task.kept], labels[task.kept].tolist(), strict=True):
            codes[label] = code
    closed = np.zeros(len(codes), dtype=bool)
    return replace(problem, overlap=overlap, incumbent=main, incumbents=tuple(codes), closed=closed)
