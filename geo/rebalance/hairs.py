"""Outlines that run beside each other within half a metre: one border, drawn twice and not quite alike.

Layers digitised unit by unit part neighbours by a hair, or let them overlap by one, where one line was meant.
"""

from dataclasses import dataclass

import numpy as np
import shapely

from geo.rebalance.problem import FloatArray, IntArray
from geo.rebalance.sums import sum_by

HAIR_M = 0.5
"""Outlines no farther apart than this, on either side, are one line."""


@dataclass(frozen=True)
class Segments:
    """Segments of outlines: their ends, with the polygon to the left, shape (n, 2) each, and whose they are."""

    start_m: FloatArray
    end_m: FloatArray
    owner: IntArray


def beside(segments: Segments, group: IntArray) -> tuple[IntArray, FloatArray]:
    """Measure how far the outlines of two polygons of one group run beside each other, in opposite directions.

    Of a segment that is what lies within `HAIR_M` to the left or right of another; of two outlines the mean of what
    each has beside the other.

    Returns
    -------
    pairs, beside_m
        Shapes (n_pair, 2) and (n_pair,). Pairs a < b of polygons, each once, in ascending order; metres.
    """
    ends = np.stack([segments.start_m, segments.end_m], axis=1)
    lines = shapely.linestrings(ends)
    one, other = shapely.STRtree(lines).query(lines, predicate="dwithin", distance=HAIR_M)
    owner = segments.owner
    kept = (owner[one] != owner[other]) & (group[owner[one]] == group[owner[other]])
    one, other = one[kept], other[kept]
    along_m = _along(ends[one], ends[other])
    sides, number = np.unique(np.c_[one, owner[other]], axis=0, return_inverse=True)
    length_m = np.hypot(*(segments.end_m - segments.start_m).T)
    side_m = np.minimum(sum_by(number.ravel(), along_m, len(sides)), length_m[sides[:, 0]])
    owners = np.sort(np.c_[owner[sides[:, 0]], sides[:, 1]], axis=1)
    pairs, number = np.unique(owners, axis=0, return_inverse=True)
    return pairs.reshape(-1, 2), sum_by(number.ravel(), side_m, len(pairs)) / 2


def _along(one_m: FloatArray, other_m: FloatArray) -> FloatArray:
    """Metres of each segment beside another one; 0 where they do not run in opposite directions. Shapes (n, 2, 2)."""
    step, base = one_m[:, 1] - one_m[:, 0], other_m[:, 1] - other_m[:, 0]
    base_m = np.maximum(np.hypot(base[:, 0], base[:, 1]), np.finfo(float).tiny)
    base /= base_m[:, None]
    off = one_m[:, 0] - other_m[:, 0]
    forward, sideways = (step * base).sum(axis=1), step[:, 1] * base[:, 0] - step[:, 0] * base[:, 1]
    ahead, aside = (off * base).sum(axis=1), off[:, 1] * base[:, 0] - off[:, 0] * base[:, 1]
    low, high = _between(ahead, forward, np.zeros(len(off)), base_m)
    left, right = _between(aside, sideways, np.full(len(off), -HAIR_M), np.full(len(off), HAIR_M))
    part = np.clip(np.minimum(high, right), 0, 1) - np.clip(np.maximum(low, left), 0, 1)
    return np.where(forward < 0, np.maximum(part, 0) * np.hypot(step[:, 0], step[:, 1]), 0.0)


def _between(start: FloatArray, step: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The parts of a way from `start` to `start + step`, 0 to 1, at which it enters and leaves [low, high]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        at = np.stack([(low - start) / step, (high - start) / step])
    is_level = step == 0
    is_within = (start >= low) & (start <= high)
    enter = np.where(is_level, np.where(is_within, -np.inf, np.inf), at.min(axis=0))
    leave = np.where(is_level, np.where(is_within, np.inf, -np.inf), at.max(axis=0))
    return enter, leave
