"""Grids that were in force for a time only: where points lay on the day of each, by the clock of each grid's area."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import BoolArray, FloatArray, GeometryArray, IntArray
from geo.tagging import PolygonIndex

NOWHERE = -1
MOST_INDEXES = 16  # in memory at a time, up to 20 MB each

DayArray = npt.NDArray[np.datetime64]


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
    """Polygons that hold points from a day on until before a day.

    Attributes
    ----------
    positions
        Shape (n,). Where each stands among all places; of several that hold a point the first wins.
    polygons
        Shape (n,).
    zones
        Shape (n,). Name of the time zone by whose clock the days are.
    first, end
        Shape (n,). First day, and first day after; NaT = open.
    """

    positions: IntArray
    polygons: GeometryArray
    zones: npt.NDArray[np.object_]
    first: DayArray
    end: DayArray
    _indexes: dict[bytes, Indexed] = field(default_factory=dict)

    def tag(self, xy: FloatArray, times: "pd.Series[pd.Timestamp]") -> IntArray:
        """Find the place of each point at its time (UTC), -1 where it lies in none of these."""
        found = np.full(len(xy), NOWHERE, dtype=np.int64)
        for rows, is_there in self._intervals(times):
            found[rows] = self._indexed(is_there).tag(xy[rows])
        return found

    def _intervals(self, times: "pd.Series[pd.Timestamp]") -> Iterator[tuple[IntArray, BoolArray]]:
        """Group rows between whose days nothing changes: the rows, and which polygons are there then."""
        days = {zone: times.dt.tz_convert(zone).dt.tz_localize(None).to_numpy().astype("datetime64[D]")
                for zone in sorted(set(self.zones))}  # fmt: skip
        key = np.zeros(len(times), dtype=np.int64)
        for zone, local in days.items():
            changes = self._changes(self.zones == zone)
            key = key * (len(changes) + 1) + np.searchsorted(changes, local, side="right")
        _, sample, interval = np.unique(key, return_index=True, return_inverse=True)
        for number, row in enumerate(sample):
            is_there = np.zeros(len(self.polygons), dtype=bool)
            for zone, local in days.items():
                mine = self.zones == zone
                has_begun = np.isnat(self.first[mine]) | (self.first[mine] <= local[row])
                is_there[mine] = has_begun & (np.isnat(self.end[mine]) | (self.end[mine] > local[row]))
            yield np.flatnonzero(interval == number), is_there

    def _changes(self, mine: BoolArray) -> DayArray:
        """List the days on which something begins or ends, in order."""
        days = np.concatenate([self.first[mine], self.end[mine]])
        return np.unique(days[~np.isnat(days)])

    def _indexed(self, is_there: BoolArray) -> Indexed:
        """Index polygons, once for each set of them."""
        key = np.packbits(is_there).tobytes()
        if key not in self._indexes:
            if len(self._indexes) >= MOST_INDEXES:
                del self._indexes[next(iter(self._indexes))]
            at = np.flatnonzero(is_there)
            self._indexes[key] = Indexed.of(self.polygons[at], self.positions[at])
        return self._indexes[key]
