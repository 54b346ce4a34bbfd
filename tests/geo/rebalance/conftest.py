"""Drawn towns: squares of 10 m on a lattice, rows from south to north, each row from west to east."""

import geopandas as gpd
import pytest
import shapely

SIDE_M = 10.0


def squares(rows, *, gaps=None, **columns):
    """One square a household count; `rows` is a list of rows, southernmost first, None leaves a hole.

    `gaps` maps a column number to the metres by which it and all columns east of it are moved east.
    """
    boxes, households = [], []
    for j, row in enumerate(rows):
        for i, count in enumerate(row):
            if count is not None:
                x = i * SIDE_M + sum(m for column, m in (gaps or {}).items() if i >= column)
                boxes.append(shapely.box(x, j * SIDE_M, x + SIDE_M, (j + 1) * SIDE_M))
                households.append(count)
    return gpd.GeoDataFrame({"households": households, **columns}, geometry=boxes, crs=4547)


def line(*xy):
    return gpd.GeoSeries([shapely.LineString(xy)], crs=4547)


@pytest.fixture(name="squares")
def squares_fixture():
    return squares


@pytest.fixture(name="line")
def line_fixture():
    return line
