"""Clusters of points in place and time: DBSCAN over metres and days on one scale."""

from dataclasses import dataclass

import numpy as np

from geo.arrays import FloatArray, IntArray
from geo.errors import InvalidInputError

TREND_SHARE = 1.5  # the later half against the earlier one: from half as many more on it rises


@dataclass(frozen=True)
class Reach:
    """How near in place and time points must be, and how many, to be one problem.

    Attributes
    ----------
    radius_m
        Metres between two points of the same moment.
    days
        Days between two points of the same place.
    least
        Fewest points within reach of one, itself included, that make it the core of a cluster.
    """

    radius_m: float = 100.0
    days: float = 14.0
    least: int = 4

    def __post_init__(self) -> None:
        if not (np.isfinite([self.radius_m, self.days]).all() and self.radius_m > 0 and self.days > 0):
            raise InvalidInputError(f"a reach of {self.radius_m} m and {self.days} days must be above 0")
        if self.least < 2:
            raise InvalidInputError(f"a cluster of at least {self.least} points must be one of 2 or more")


@dataclass(frozen=True)
class Shape:
    """What a cluster looks like.

    Attributes
    ----------
    x_m, y_m
        Its middle: the mean of its points.
    radius_m
        From the middle to the farthest point; 0 where all have one address.
    first_day, last_day
        Of its points, in days.
    trend
        "rising" where the later half of its time has half as many points again as the earlier one, or more; "falling"
        the other way round; else "steady".
    """

    x_m: float
    y_m: float
    radius_m: float
    first_day: float
    last_day: float
    trend: str


def cluster(xy_m: FloatArray, day: FloatArray, reach: Reach) -> IntArray:
    """Find points that lie together in place and time.

    DBSCAN (Ester et al. 1996) with Euclidean distance over (x / radius, y / radius, t / days) and a reach of 1, so a
    point that is half the radius away may be 0.86 of the days away. Points of one place and one day are taken for one
    with their number as its weight: an address that is reported thousands of times costs what its days cost.

    Parameters
    ----------
    xy_m
        Shape (n, 2), metres, finite.
    day
        Shape (n,), days from any origin; parts of days are dropped.

    Returns
    -------
    label
        Shape (n,), -1 for points of no cluster; clusters are numbered from 0 by their earliest point, in the order of
        (day, x, y), so the answer does not depend on the order of the points.

    Raises
    ------
    InvalidInputError
        If the shapes differ or a number is not finite.
    """
    if xy_m.shape != (len(day), 2):
        raise InvalidInputError(f"the points are of shape {xy_m.shape}; {len(day)} days ask for ({len(day)}, 2)")
    if not (np.isfinite(xy_m).all() and np.isfinite(day).all()):
        raise InvalidInputError("a point or a day is not finite")
    if not len(day):
        return np.empty(0, dtype=np.int64)
    spots, which, counts = np.unique(
        np.column_stack([np.floor(day), np.round(xy_m, 2)]), axis=0, return_inverse=True, return_counts=True
    )  # sorted by (day, x, y): scikit-learn then numbers clusters and shares out border points in this order
    scaled = spots[:, [1, 2, 0]] / np.array([reach.radius_m, reach.radius_m, reach.days])
    from sklearn.cluster import DBSCAN  # a second of a server's start, and needed by one page

    found = DBSCAN(eps=1.0, min_samples=reach.least).fit_predict(scaled, sample_weight=counts)
    labels: IntArray = _by_first(found.astype(np.int64))[which.ravel()]
    return labels


def describe(xy_m: FloatArray, day: FloatArray) -> Shape:
    """Describe one cluster's points."""
    middle = xy_m.mean(axis=0)
    first, last = float(day.min()), float(day.max())
    half = (first + last) / 2
    earlier, later = int((day < half).sum()), int((day > half).sum())
    trend = "steady"
    if later >= TREND_SHARE * max(earlier, 1) and later > earlier:
        trend = "rising"
    elif earlier >= TREND_SHARE * max(later, 1) and earlier > later:
        trend = "falling"
    radius = float(np.hypot(*(xy_m - middle).T).max())
    return Shape(float(middle[0]), float(middle[1]), radius, first, last, trend)


def _by_first(label: IntArray) -> IntArray:
    """Number clusters by their first point."""
    known, first = np.unique(label[label >= 0], return_index=True)
    rank = np.empty(len(known), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(known))
    renamed = np.full(len(label), -1, dtype=np.int64)
    renamed[label >= 0] = rank[label[label >= 0]]
    return renamed
