"""Which streets may be walked, by the columns of our own, OpenStreetMap's and Tilezen's street files."""

import geopandas as gpd
import pytest

from geo.errors import InvalidInputError
from geo.walking.ways import walkable_streets


def walkable(**columns):
    rows = len(next(iter(columns.values())))
    return walkable_streets(gpd.GeoDataFrame(columns, geometry=[None] * rows, crs=4326)).tolist()


def test_classes_without_a_way_on_foot_are_out():
    assert walkable(highway=["residential", "motorway", "Trunk_Link", None, "steps", ""]) == [
        True, False, False, True, True, True,
    ]  # fmt: skip
    assert walkable(**{"class": ["快速路", "expressway", "arterial", "footway"]}) == [False, False, True, True]
    assert walkable(kind=["rail", "path", "minor_road"], kind_detail=["subway", "footway", None]) == [
        False, True, True,
    ]  # fmt: skip


def test_is_walkable_wins_over_the_class_where_it_says_something():
    assert walkable(
        highway=["motorway", "residential", "motorway", "residential"], is_walkable=[True, False, None, None]
    ) == [True, False, False, True]
    assert walkable(is_walkable=["是", "否", "TRUE", "0", 1, 0.0]) == [True, False, True, False, True, False]


def test_foot_no_is_out():
    assert walkable(foot=["no", "yes", None]) == [False, True, True]


def test_a_street_layer_without_such_columns_is_all_walkable():
    assert walkable(name=["A", "B"]) == [True, True]


def test_an_odd_word_is_refused_with_its_row():
    with pytest.raises(InvalidInputError, match="row 1, is_walkable: perhaps"):
        walkable(is_walkable=["yes", "perhaps"])
