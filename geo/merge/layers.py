"""Grid layers as arrays over the units."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.arrays import FloatArray, IntArray
from geo.errors import InvalidInputError
from geo.shapes import mend_hairs, read_shapes, refuse
from geo.tagging import PolygonIndex

NONE = -1


@dataclass(frozen=True)
class GridLayer:
    """One line's grids (党建, 综治, ...) over the units.

    Attributes
    ----------
    name
        What the layer is called.
    code
        Shape (n_unit,). Code of the grid each unit is in, None where it is in none.
    weight
        How much a household that changes grid in this layer counts, > 0.
    """

    name: str
    code: npt.NDArray[np.object_]
    weight: float = 1.0


@dataclass(frozen=True)
class Coded:
    """Layers as numbers, for one community or for all units.

    Attributes
    ----------
    grid
        One array of shape (n_unit,) a layer: position of the unit's grid in the layer's `codes`, -1 none.
    codes
        Codes of each layer's grids, sorted.
    weight
        Shape (n_layer,). Weights that sum to 1.
    """

    grid: tuple[IntArray, ...]
    codes: tuple[tuple[str, ...], ...]
    weight: FloatArray

    def part(self, units: IntArray) -> "Coded":
        """The layers over some units, with the grids that these units are in."""
        grid, codes = [], []
        for numbers, names in zip(self.grid, self.codes, strict=True):
            own = numbers[units]
            present, renumbered = np.unique(own[own >= 0], return_inverse=True)
            made = np.full(len(own), NONE, dtype=np.int64)
            made[own >= 0] = renumbered
            grid.append(made)
            codes.append(tuple(names[at] for at in present))
        return Coded(tuple(grid), tuple(codes), self.weight)


def encode(layers: Sequence[GridLayer], count: int) -> Coded:
    """Check layers and number their grids.

    Raises
    ------
    InvalidInputError
        If there are no two layers, two have one name, a weight is not > 0, or a layer has not one code a unit or none
        at all.
    """
    names = [layer.name for layer in layers]
    if len(layers) < 2:
        raise InvalidInputError(f"a merge needs two layers at least, not {len(layers)}")
    if len(set(names)) < len(names):
        raise InvalidInputError(f"two layers are named {next(name for name in names if names.count(name) > 1)}")
    grid, codes = [], []
    for layer in layers:
        if not (np.isfinite(layer.weight) and layer.weight > 0):
            raise InvalidInputError(f"layer {layer.name}, weight: {layer.weight:g} is not > 0")
        if len(layer.code) != count:
            raise InvalidInputError(f"layer {layer.name} has {len(layer.code)} codes for {count} units")
        number, values = pd.factorize(layer.code, sort=True, use_na_sentinel=True)
        if not len(values):
            raise InvalidInputError(f"layer {layer.name} has no unit in any grid")
        grid.append(number.astype(np.int64))
        codes.append(tuple(str(value) for value in values))
    weight = np.array([layer.weight for layer in layers], dtype=np.float64)
    return Coded(tuple(grid), tuple(codes), weight / weight.sum())


def layer_of_polygons(
    name: str, grids: gpd.GeoDataFrame, units: gpd.GeoDataFrame, *, code: str, weight: float = 1.0
) -> GridLayer:
    """Join a layer of polygons to the units: each unit is in the grid that holds its inside point.

    Parameters
    ----------
    grids
        Polygons with a CRS.
    code
        Column of their codes. Polygons of one code are one grid.

    Raises
    ------
    InvalidInputError
        If a code is missing, or a geometry is no polygon, or not valid in a way that leaves its shape in doubt.
    """
    missing = np.flatnonzero(grids[code].isna().to_numpy())
    if len(missing):
        raise InvalidInputError(f"layer {name}, row {missing[0] + 1}, {code}: missing")
    read = read_shapes(grids)
    wrong = read.faults | dict.fromkeys(
        np.flatnonzero(np.isin(shapely.get_dimensions(read.geom), (0, 1))), "is no polygon"
    )
    refuse([f"layer {name}, row {row + 1}, geometry: {wrong[row]}" for row in sorted(wrong)])
    shapes = mend_hairs(gpd.GeoSeries(read.geom, crs=grids.crs).to_crs(units.crs).to_numpy())
    inside = shapely.point_on_surface(shapely.force_2d(units.geometry.to_numpy()))
    found = PolygonIndex.build(shapes).tag(shapely.get_coordinates(inside))
    codes = np.array([None if pd.isna(value) else _text(value) for value in grids[code]], dtype=object)
    joined = np.full(len(units), None, dtype=object)
    joined[found >= 0] = codes[found[found >= 0]]
    return GridLayer(name, joined, weight)


def _text(value: object) -> str:
    """A code as text: whole floats, which files make of integer columns with gaps, lose their .0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
