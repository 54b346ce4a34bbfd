"""What street files say, by the columns of our own, OpenStreetMap's, Geofabrik's and Tilezen's."""

import geopandas as gpd
import pytest

from geo.errors import InvalidInputError
from geo.walking.ways import closed_gates, standing, walkable_streets


def frame(**columns):
    rows = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=[None] * rows, crs=4326)


def walkable(**columns):
    return walkable_streets(frame(**columns)).tolist()


def test_classes_without_a_way_on_foot_are_out():
    assert walkable(highway=["residential", "motorway", "Motorway_Link", None, "steps", ""]) == [
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
    with pytest.raises(InvalidInputError, match="row 2, is_walkable: perhaps"):
        walkable(is_walkable=["yes", "perhaps"])


def test_foot_wins_over_access_and_class_but_not_over_what_is_no_way():
    assert walkable(
        highway=["service", "service", "motorway", "construction", "service", "service"],
        access=["private", "private", None, None, "no", "permissive"],
        foot=[None, "yes", "designated", "yes", "destination", None],
    ) == [False, True, True, False, True, True]
    assert walkable(highway=["footway", "footway"], foot=["private", "use_sidepath"]) == [False, False]
    assert walkable(highway=["primary", "primary"], motorroad=["yes", "no"]) == [False, True]


def test_a_street_with_tram_rails_is_a_street_and_rails_alone_are_none():
    assert walkable(highway=["residential", None, None], railway=["tram", "tram", None]) == [True, False, True]


def test_a_trunk_road_is_walked_on_the_ground_only():
    assert walkable(highway=["trunk"] * 4, bridge=[None, "yes", "no", None], tunnel=[None, None, None, "yes"]) == [
        True, False, True, False,
    ]  # fmt: skip
    assert walkable(kind_detail=["trunk", "trunk"], is_bridge=["True", None], foot=["yes", None]) == [True, True]


def test_tags_in_gdals_other_tags_count_and_lines_without_highway_are_no_ways():
    tags = [
        '"foot"=>"no","lit"=>"yes"',
        '"note"=>"a \\"foot\\"=>\\"no\\" b"',
        '"access"=>"private","foot"=>"yes"',
        None,
    ]
    assert walkable(highway=["path", "path", "service", None], other_tags=tags) == [False, True, True, False]


def test_layer_bridge_and_tunnel_say_how_lines_stand():
    """Street; bridge; tunnel; bridge on layer 2; layer 1 alone; a passage through a house; a bridge on "layer 0"."""
    lines = standing(
        frame(
            bridge=[None, "yes", None, "viaduct", "no", None, "yes"],
            tunnel=[None, None, "yes", None, None, "building_passage", None],
            layer=[None, None, None, "2", "1", None, "0"],
        )
    )
    assert lines.layer.tolist() == [0, 1, -1, 2, 1, 0, 1]
    assert [grade < 0 for grade in lines.grade] == [False, True, True, True, False, False, True]
    assert lines.grade[0] == lines.grade[5] != lines.grade[4]
    geofabrik = standing(frame(bridge=["T", "F"], tunnel=["F", "F"], layer=[1, 0]))
    assert geofabrik.layer.tolist() == [1, 0]
    indoor = standing(frame(level=["0", "1", None]))
    assert len(set(indoor.grade.tolist())) == 3
    assert standing(frame(is_barrier=[True, False, None])).is_barrier.tolist() == [True, False, False]


def test_gates_are_open_unless_something_shuts_them():
    gates = frame(
        barrier=["gate", "gate", "gate", "gate", "wall", "bollard", "gate", "gate"],
        access=[None, "private", "private", "no", None, None, None, "no"],
        foot=[None, None, "yes", None, None, None, "no", None],
        locked=[None, None, None, None, None, None, None, "yes"],
    )
    assert closed_gates(gates).tolist() == [False, True, False, True, True, False, True, True]
    assert closed_gates(gates.assign(is_open=[False] * 2 + [None] * 5 + [True])).tolist() == [
        True, True, False, True, True, False, True, False,
    ]  # fmt: skip
