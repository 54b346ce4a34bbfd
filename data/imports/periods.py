"""Grids that were in force for a time only: where points lay at the time of each."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import BoolArray, FloatArray, GeometryArray, IntArray
from geo.tagging import PolygonIndex

NOWHERE = -1
MOST_INDEXES = 16  # in memory at a time, up to 20 MB each

TimeArray = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Indexed:
    """Some of many polygons, and an index of these.

    Attributes
    ----------
    positions
        Which ones, in order, and `NOWHERE` at the end, so that index -1 can be looked up.
    """

    positions: IntArray
    index: PolygonIndex

    @classmethod
    def of(cls, polygons: GeometryArray, positions: IntArray) -> "Indexed":
        """Index polygons that stand at some positions."""
        return cls(np.append(positions, NOWHERE), PolygonIndex.build(polygons))

    def tag(self, xy: FloatArray) -> IntArray:
        """Find the first of the polygons that holds each point, -1 where none does."""
        return self.positions[self.index.tag(xy)]


@dataclass(frozen=True)
class Periods:
    """Polygons that hold points from a time on until before a time.

    Attributes
    ----------
    positions
        Shape (n,). Where each stands among all places; of several that hold a point the first wins.
    polygons
        Shape (n,).
    starts, ends
        Shape (n,), UTC; NaT = open.
    """

    positions: IntArray
    polygons: GeometryArray
    starts: TimeArray
    ends: TimeArray
    _indexes: dict[bytes, Indexed] = field(default_factory=dict)

    def tag(self, xy: FloatArray, times: "pd.Series[pd.Timestamp]") -> IntArray:
        """Find the place of each point at its time (UTC), -1 where it lies in none of these."""
        found = np.full(len(xy), NOWHERE, dtype=np.int64)
        for rows, is_there in self._intervals(times.dt.tz_localize(None).to_numpy()):
            found[rows] = self._indexed(is_there).tag(xy[rows])
        return found

    def _intervals(self, times: TimeArray) -> Iterator[tuple[IntArray, BoolArray]]:
        """Group rows between whose times nothing changes: the rows, and which polygons are there then."""
        changes = np.concatenate([self.starts, self.ends])
        interval = np.searchsorted(np.unique(changes[~np.isnat(changes)]), times, side="right")
        for number in np.unique(interval):
            rows = np.flatnonzero(interval == number)
            time = times[rows[0]]
            has_begun = np.isnat(self.starts) | (self.starts <= time)
            yield rows, has_begun & (np.isnat(self.ends) | (self.ends > time))

    def _indexed(self, is_there: BoolArray) -> Indexed:
        """Index polygons, once for each set of them."""
        key = np.packbits(is_there).tobytes()
        if key not in self._indexes:
            if len(self._indexes) >= MOST_INDEXES:
                del self._indexes[next(iter(self._indexes))]
            at = np.flatnonzero(is_there)
            self._indexes[key] = Indexed.of(self.polygons[at], self.positions[at])
        return self._indexes[key]
