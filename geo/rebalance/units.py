"""Checking the units of a rebalancing: every fault is named with its row, field, value and limit."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.errors import InvalidInputError
from geo.projection import to_metric
from geo.rebalance.problem import BoolArray, FloatArray, IntArray
from geo.shapes import geometry_faults, mend_hairs, read_shapes, refuse

NONE = -1


@dataclass(frozen=True)
class Units:
    """The units as arrays of one length.

    Attributes
    ----------
    geom_m
        Geometries in a local metric CRS, made valid.
    inside_m
        The point that stands for each unit where a straight line to a neighbour is drawn.
    households
        Finite and >= 0.
    workload
        What is balanced: the households, or a weighted sum of columns.
    fixed
        Units that must stay in their incumbent grid.
    community, compound, incumbent
        Positions in the lists of names below; -1 where a unit has no compound or no incumbent grid.
    """

    geom_m: npt.NDArray[np.object_]
    inside_m: npt.NDArray[np.object_]
    crs: object
    households: FloatArray
    workload: FloatArray
    fixed: BoolArray
    community: IntArray
    communities: tuple[str, ...]
    compound: IntArray
    compounds: tuple[str, ...]
    incumbent: IntArray
    incumbents: tuple[str, ...]

    @property
    def is_point(self) -> bool:
        """Whether all units are points: then neighbours come from a Delaunay triangulation."""
        return bool((shapely.get_type_id(self.geom_m) == 0).all())


def read_units(  # noqa: PLR0913 (the columns of the job, all keyword-only)
    frame: gpd.GeoDataFrame,
    *,
    households: str,
    within: str | None,
    compound: str | None,
    current: str | None,
    inside: gpd.GeoSeries | None = None,
    weights: Mapping[str, float] | None = None,
    fixed: str | None = None,
) -> Units:
    """Check a frame of units and take it apart into arrays.

    Raises
    ------
    InvalidInputError
        If a column is missing, a geometry cannot be used (see `geo.shapes`), a household count or a value that makes
        workload is missing, negative or no number, a mark is neither 0 nor 1, or a unit has no community; one line a
        fault, at most 20 of them.
    """
    if len(frame) == 0:
        raise InvalidInputError("there are no units")
    for field in (households, within, compound, current, fixed, *(weights or {})):
        if field is not None and field not in frame.columns:
            raise InvalidInputError(f"there is no column {field}; the columns are {', '.join(map(str, frame.columns))}")
    counts = _numbers(frame, households)
    parts = {field: _numbers(frame, field) for field in weights or {}}
    faults = _number_faults(frame, {households: counts, **parts}) + _mark_faults(frame, fixed)
    shapes = read_shapes(frame)
    refuse(geometry_faults(shapes) + faults + _null_faults(frame, within))
    metric = to_metric(frame.set_geometry(gpd.GeoSeries(shapes.geom, index=frame.index, crs=frame.crs)))
    community, communities = _codes(frame, within)
    compounds_of, compounds = _codes(frame, compound)
    incumbent, incumbents = _codes(frame, current)
    geom_m = mend_hairs(metric.geometry.to_numpy())
    return Units(
        geom_m=geom_m,
        inside_m=shapely.point_on_surface(geom_m if inside is None else inside.to_crs(metric.crs).to_numpy()),
        crs=metric.crs,
        households=counts,
        workload=_workload(counts, parts, weights or {}),
        fixed=np.zeros(len(frame), dtype=bool) if fixed is None else _flags(frame, fixed) & (incumbent >= 0),
        community=np.zeros(len(frame), dtype=np.int64) if within is None else community,
        communities=("",) if within is None else communities,
        compound=compounds_of,
        compounds=compounds,
        incumbent=incumbent,
        incumbents=incumbents,
    )


def _numbers(frame: gpd.GeoDataFrame, field: str) -> FloatArray:
    """A column as numbers, NaN where it holds none."""
    return np.asarray(pd.to_numeric(frame[field], errors="coerce").to_numpy(dtype=float, na_value=np.nan))


def _number_faults(frame: gpd.GeoDataFrame, columns: Mapping[str, FloatArray]) -> list[str]:
    """Values that are missing, negative or no number."""
    faults = []
    for field, values in columns.items():
        with np.errstate(invalid="ignore"):
            wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
        faults += [f"row {row + 1}, {field}: {frame[field].iloc[row]} is not a number >= 0" for row in wrong]
    return faults


def _workload(households: FloatArray, parts: Mapping[str, FloatArray], weights: Mapping[str, float]) -> FloatArray:
    """Weighted sum of the columns that make workload; the households where none is named."""
    for field, weight in weights.items():
        if not 0 <= weight < np.inf:
            raise InvalidInputError(f"the weight of {field} must be a finite number >= 0, not {weight:g}")
    if not any(weights.values()):
        return households
    return np.asarray(sum((weight * parts[field] for field, weight in weights.items()), np.zeros(len(households))))


def _flags(frame: gpd.GeoDataFrame, field: str) -> BoolArray:
    """A column of marks as true and false; null is false."""
    return np.asarray(pd.to_numeric(frame[field], errors="coerce").fillna(0).to_numpy(dtype=float) != 0)


def _mark_faults(frame: gpd.GeoDataFrame, field: str | None) -> list[str]:
    """Marks that are neither 0 nor 1; null is 0."""
    if field is None:
        return []
    wrong = np.flatnonzero(
        (frame[field].notna() & ~pd.to_numeric(frame[field], errors="coerce").isin([0, 1])).to_numpy()
    )
    return [f"row {row + 1}, {field}: {frame[field].iloc[row]} is not a mark, which is 0 or 1" for row in wrong]


def _null_faults(frame: gpd.GeoDataFrame, within: str | None) -> list[str]:
    """Units that lie in no community."""
    if within is None:
        return []
    return [f"row {row + 1}, {within}: missing" for row in np.flatnonzero(frame[within].isna().to_numpy())]


def _codes(frame: gpd.GeoDataFrame, field: str | None) -> tuple[IntArray, tuple[str, ...]]:
    """Positions of a column's values in the list of its values, as text in order of first appearance."""
    if field is None:
        return np.full(len(frame), NONE, dtype=np.int64), ()
    position, values = pd.factorize(frame[field])
    return position.astype(np.int64), tuple(_text(value) for value in values)


def _text(value: object) -> str:
    """A code as text: whole floats, which files make of integer columns with gaps, lose their .0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
