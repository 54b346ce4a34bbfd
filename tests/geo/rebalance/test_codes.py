"""Codes of grids: reading order, incumbents kept, retired codes left alone."""

from shapely.affinity import translate

from geo.rebalance import rebalance


def test_new_codes_run_in_rows_from_north_to_south_and_west_to_east(squares):
    """Four squares, four grids of 100: south row 0 1, north row 2 3, so reading order is 2, 3, 0, 1."""
    town = squares([[100, 100], [100, 100]], c="420204004001")
    plan = rebalance(town, households="households", within="c", floor=100, ceiling=100)
    assert [code[-3:] for code in plan.grid_id] == ["003", "004", "001", "002"]
    assert plan.grid_id[2] == "420204004001001"


def test_a_row_is_west_to_east_also_where_it_is_not_level(squares):
    """Three columns, each 2 m lower than the one to its west: the north row is still 1, 2, 3 from west to east."""
    town = squares([[100] * 3, [100] * 3], c="东区")
    town["geometry"] = [translate(box, yoff=-2.0 * (number % 3)) for number, box in enumerate(town.geometry)]
    plan = rebalance(town, households="households", within="c", floor=100, ceiling=100)
    assert [code[-3:] for code in plan.grid_id] == ["004", "005", "006", "001", "002", "003"]


def test_a_name_gets_a_dash_and_no_community_only_a_serial(squares):
    town = squares([[100, 100]], c="东区")
    options = {"households": "households", "floor": 100, "ceiling": 100}
    assert rebalance(town, within="c", **options).grid_id == ("东区-001", "东区-002")
    assert rebalance(town, **options).grid_id == ("001", "002")


def test_redrawn_grids_never_take_a_retired_code(squares):
    town = squares([[100, 100]], c="东区", g=["东区-001", "东区-003"])
    plan = rebalance(town, households="households", within="c", current="g", floor=100, ceiling=100)
    assert plan.grid_id == ("东区-002", "东区-004")


def test_adjusted_grids_keep_their_code_and_a_new_one_gets_a_new_code(squares):
    """A holds 5 x 100 of the band 200-300 and must be split: one part keeps A; B = 200 stays as it is."""
    town = squares([[100] * 7], c="东区", g=["A"] * 5 + ["B"] * 2)
    plan = rebalance(town, households="households", within="c", current="g", floor=200, ceiling=300, mode="adjust")
    assert set(plan.grid_id) == {"A", "B", "东区-001"}
    assert plan.grid_id[5:] == ("B", "B")
    assert plan.moved_households == 200


def test_one_incumbent_code_in_two_communities_is_kept_once(squares):
    """Both communities call their grid 1; the larger one keeps the code, since a grid lies in one community."""
    town = squares([[100, 100, 100]], c=["a", "b", "b"], g=[1, 1, 1])
    plan = rebalance(town, households="households", within="c", current="g", floor=100, ceiling=200, mode="adjust")
    assert plan.grid_id == ("a-001", "1", "1")
