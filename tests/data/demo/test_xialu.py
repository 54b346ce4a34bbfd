"""The sample city is what it claims to be: counts, tiling, connection, rhythm, and the same every time."""

import json
from datetime import UTC, date, datetime, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from data.demo.xialu.city import City as WholeCity
from data.demo.xialu.city import build_city
from data.demo.xialu.communities import read_communities
from data.demo.xialu.incidents import DEMO_SEED, IncidentMaker, next_incident, read_categories
from data.demo.xialu.scene import set_scene
from data.demo.xialu.terrain import read_outline
from data.hours.reading import parse
from data.publicmap.catalogue import COLUMNS, SAMPLE_FILE
from data.rules.table import read_table
from geo.gaps import find_gaps
from geo.walking import build_network, build_walking_graph, snap_points

City = dict[str, gpd.GeoDataFrame]
TODAY = date(2026, 3, 2)
NOW = datetime.fromisoformat("2026-03-02T10:30:00+08:00")
CLOSED = ("closed", "rated", "rejected", "merged")


def test_same_arguments_same_city(city: City, whole_city: WholeCity) -> None:
    again = build_city(DEMO_SEED, TODAY, NOW)
    assert list(again.layers) == list(city)
    for name, frame in city.items():
        assert_geodataframe_equal(frame, again.layers[name])
    assert again.steps == whole_city.steps


def test_another_seed_gives_another_city_that_keeps_its_promises(city: City) -> None:
    other = build_city(7, TODAY, NOW).layers
    assert len(other["unit"]) != len(city["unit"])
    assert 60_000 <= other["unit"].households.sum() <= 70_000
    assert set(other["community"].code) == set(city["community"].code)
    assert other["compound"].is_valid.all()


def test_another_day_moves_dates_and_incidents_only(city: City) -> None:
    later = build_city(DEMO_SEED, TODAY + timedelta(days=30), NOW + timedelta(days=30)).layers
    for name in ("district", "community", "grid", "unit", "road", "barrier"):
        assert_geodataframe_equal(city[name], later[name])
    moved = pd.to_datetime(later["station"].opens_on) - pd.to_datetime(city["station"].opens_on)
    assert (moved.dropna() == pd.Timedelta(days=30)).all()


def test_district_is_the_real_outline(metres: City) -> None:
    district = metres["district"].geometry[0]
    assert district.symmetric_difference(read_outline()).area < 0.0001 * district.area


def test_communities_have_official_codes_and_tile_the_district(city: City, metres: City) -> None:
    official = {community.code: community.street_code for community in read_communities()}
    assert len(official) == 38
    assert dict(zip(city["community"].code, city["community"].parent, strict=True)) == official
    areas = metres["community"].geometry
    assert shapely.coverage_is_valid(city["community"].geometry.to_numpy())
    assert (areas.geom_type == "Polygon").all()
    assert areas.area.sum() == pytest.approx(metres["district"].area.sum(), rel=1e-9)


def test_grids_tile_their_communities(city: City, metres: City) -> None:
    assert shapely.coverage_is_valid(city["grid"].geometry.to_numpy())
    assert (city["grid"].geom_type == "Polygon").all()
    assert city["grid"].code.str.fullmatch(r"\d{12}\d{3}").all()
    total = metres["grid"].area.groupby(metres["grid"].community).sum()
    own = metres["community"].set_index("code").area
    assert np.allclose(total.sort_index(), own.sort_index(), rtol=1e-9)


def test_grid_numbers_go_from_west_to_east(metres: City) -> None:
    for _, grids in metres["grid"].groupby("community"):
        ordered = grids.sort_values("code")
        assert ordered.code.str[12:].astype(int).tolist() == list(range(1, len(grids) + 1))
        assert ordered.centroid.x.diff().dropna().ge(-1.5).all()


def test_households_and_band(city: City) -> None:
    assert 60_000 <= city["unit"].households.sum() <= 70_000
    assert 105 <= len(city["grid"]) <= 115
    load = city["unit"].groupby("grid").households.sum().reindex(city["grid"].code).fillna(0)
    assert 0.20 <= ((load < 400) | (load > 800)).mean() <= 0.30


def test_every_unit_stands_in_its_grid_and_community(metres: City) -> None:
    units = metres["unit"]
    assert units.code.is_unique
    for layer, column in (("grid", "grid"), ("community", "community")):
        areas = metres[layer][["code", "geometry"]].rename(columns={"code": "found"})
        joined = units.sjoin(areas, predicate="within")
        assert len(joined) == len(units)
        assert (joined[column] == joined.found).all()


def test_buildings_keep_clear_of_each_other_and_of_streets_rails_and_water(metres: City) -> None:
    units = metres["unit"].geometry.to_numpy()
    tree = shapely.STRtree(units)
    left, right = tree.query(units, predicate="intersects")
    assert (left == right).all()
    for layer in ("road", "barrier"):
        assert tree.query(metres[layer].geometry.to_numpy(), predicate="intersects").size == 0


def test_compounds_hold_5_to_40_buildings(metres: City) -> None:
    units = metres["unit"].dropna(subset="compound")
    sizes = units.groupby("compound").size()
    assert set(sizes.index) == set(metres["compound"].code)
    assert sizes.between(5, 40).all()
    assert units.groupby("compound").households.sum().max() <= 800
    area = metres["compound"].set_index("code").geometry
    assert shapely.covers(area.loc[units["compound"]].to_numpy(), units.geometry.to_numpy()).all()
    assert metres["compound"].is_valid.all()
    assert metres["compound"].name.is_unique


def test_elders_are_part_of_residents(city: City) -> None:
    units = city["unit"]
    assert (units.residents_80 <= units.residents_60).all()
    assert (units.residents_60 <= units.residents).all()
    assert ((units.households == 0) == (units.residents == 0)).all()


def test_houses_of_eight_floors_or_more_have_a_lift(city: City) -> None:
    units = city["unit"]
    assert (units.has_lift == (units.floors >= 8)).all()
    assert 0 < units.has_lift.sum() < len(units)


def test_streets_are_connected_at_shared_vertices(city: City) -> None:
    numbers: dict[tuple[float, ...], int] = {}
    ends = [
        [numbers.setdefault(end, len(numbers)) for end in (line.coords[0], line.coords[-1])]
        for line in city["road"].geometry
    ]
    start, stop = np.array(ends).T
    graph = coo_array((np.ones(len(ends)), (start, stop)), shape=(len(numbers), len(numbers)))
    assert connected_components(graph, directed=False)[0] == 1


def test_paths_lead_to_the_houses(metres: City) -> None:
    """Nearly every household has a way to walk within 50 m, which streets alone do not give."""
    roads, units = metres["road"][metres["road"].is_walkable], metres["unit"]
    inside = shapely.get_coordinates(shapely.point_on_surface(units.geometry.to_numpy()))
    ratio = {}
    for name, lines in (("all", roads), ("streets", roads[roads["class"] != "footway"])):
        snap = snap_points(build_walking_graph(lines.geometry.to_numpy()), inside, limit_m=50.0)
        ratio[name] = units.households[snap.is_snapped].sum() / units.households.sum()
    assert ratio["all"] >= 0.97
    assert ratio["streets"] < 0.7
    assert len(roads) < 5_000


def test_all_that_is_walkable_is_one_network(metres: City) -> None:
    graph = build_walking_graph(metres["road"].geometry[metres["road"].is_walkable].to_numpy())
    ends = (np.ones(len(graph.edge_from)), (graph.edge_from, graph.edge_to))
    assert connected_components(coo_array(ends, shape=2 * (len(graph.node_xy),)), directed=False)[0] == 1


def test_paths_end_inside_or_at_streets_and_cross_nothing(metres: City) -> None:
    """No path runs through a house, over a street without a junction, or from one compound into another."""
    roads, units, compounds = metres["road"], metres["unit"], metres["compound"]
    paths = roads.geometry[(roads["class"] == "footway") & roads.name.isna()].to_numpy()
    assert len(paths) > 1_000
    assert shapely.is_simple(paths).all()
    assert shapely.STRtree(units.geometry.to_numpy()).query(paths, predicate="dwithin", distance=0.3).size == 0
    assert build_network(roads).report.crossings_made == 0
    yards = shapely.buffer(compounds.geometry.to_numpy(), -0.1)
    path, _ = shapely.STRtree(yards).query(paths, predicate="intersects")
    assert (np.bincount(path) <= 1).all()


def test_every_compound_has_one_to_three_gates(metres: City) -> None:
    """A gate is where a path goes through the wall; a few compounds that no street reaches have none."""
    roads, compounds = metres["road"], metres["compound"].geometry
    paths = roads.geometry[(roads["class"] == "footway") & roads.name.isna()].to_numpy()
    wall, _ = shapely.STRtree(paths).query(compounds.boundary.to_numpy(), predicate="crosses")
    gates = np.bincount(wall, minlength=len(compounds))
    assert gates.max() <= 3
    assert (gates >= 1).mean() >= 0.97


def test_few_households_are_unknown_to_the_gaps_of_stations(city: City) -> None:
    stations = city["station"][city["station"].status == "open"]
    report = find_gaps(city["unit"], stations, city["road"], households="households", radius_m=500.0)
    assert report.households_unknown <= 0.03 * report.households
    assert 0.5 < report.households_covered / report.households < 0.95
    assert report.households_in_circle > report.households_covered
    assert report.facilities_not_snapped == 0


def test_railway_and_river_are_open_only_at_crossings(metres: City) -> None:
    """Every road that runs over the railway or the river does so in a gap, and there are several gaps of both."""
    barriers = metres["barrier"]
    assert (barriers.kind == "rail").sum() >= 8
    assert (barriers.kind == "river").sum() >= 8
    shut = barriers[barriers.kind.isin(["rail", "river"])].union_all()
    assert not metres["road"].intersects(shut).any()


@pytest.mark.parametrize("layer", ["station", "canteen", "elder_care", "parking", "refuse_point", "exchange_point"])
def test_facilities_are_marked_and_lie_in_their_community(city: City, layer: str) -> None:
    frame = city[layer]
    assert frame.code.is_unique
    assert all(json.loads(text)["sample"] is True for text in frame.attributes)
    assert all(parse(hours).rules for hours in frame.hours.dropna().unique())
    assert frame.phone.dropna().str.startswith("0714-000-").all()
    areas = city["community"][["code", "geometry"]].rename(columns={"code": "found"})
    joined = frame.sjoin(areas, predicate="intersects")
    assert set(joined.index[joined.community == joined.found]) == set(frame.index)


def test_stations_of_three_tiers_with_opening_dates(city: City) -> None:
    stations = city["station"]
    assert len(stations) == 100
    assert set(stations.tier) == {"basic", "standard", "leading"}
    assert stations.community.nunique() == 38
    planned = stations.status == "planned"
    assert planned.sum() == 16
    assert (stations.opens_on.notna() == planned).all()
    assert stations.opens_on.dropna().gt(TODAY).all()


def test_shops_that_take_points_say_what_they_buy(city: City) -> None:
    """34 shops, 4 of which join later; every item that one gives has an English name in the catalogue."""
    shops = city["exchange_point"]
    assert (len(shops), (shops.status == "planned").sum(), shops.community.nunique()) == (34, 4, 34)
    assert shops.opens_on[shops.status == "planned"].gt(TODAY).all()
    assert shops.opens_on[shops.status == "open"].le(TODAY).all()
    known = {row["name"]: row for _, row in read_table(SAMPLE_FILE, COLUMNS, frozenset())}
    for name in {name for gives in shops.services for name in gives.split(";")}:
        assert known[name]["facility_kind"] == "exchange_point"
        assert "points" in known[name]["name_en"]


def test_elder_care_parking_and_sorting(city: City) -> None:
    assert (city["elder_care"].tier == "district_center").sum() == 1
    added = [json.loads(text) for text in city["parking"].attributes]
    spaces = [n for n, one in zip(city["parking"].capacity, added, strict=True) if "added_on" in one]
    assert sum(spaces) == 2_000
    zones = city["sorting_zone"]
    streets = zones.sjoin(city["community"][["parent", "geometry"]], predicate="covered_by").parent
    assert streets.nunique() == 3
    kinds = pd.Series([json.loads(text)["kind"] for text in city["refuse_point"].attributes]).value_counts()
    assert set(kinds.index) == {"drop_point", "litter_bin", "collection_station"}


def test_incidents_of_ninety_days(city: City) -> None:
    incidents = city["incident"]
    assert 6_000 <= len(incidents) <= 9_000
    assert incidents.code.is_unique
    assert incidents.reported_at.between(NOW - timedelta(days=90), NOW).all()
    assert set(incidents.category) <= set(read_categories())
    assert incidents.intersects(city["district"].geometry[0]).all()
    assert (incidents.due_at > incidents.reported_at).all()


def test_incident_states_agree_with_their_times(city: City) -> None:
    incidents = city["incident"]
    for column in ("resolved_at", "closed_at"):
        known = incidents.dropna(subset=column)
        assert known[column].between(known.reported_at, NOW).all()
    assert incidents.closed_at[incidents.status.isin(CLOSED)].notna().all()
    assert incidents.closed_at[~incidents.status.isin(CLOSED)].isna().all()
    assert (incidents.rating.notna() == (incidents.status == "rated")).all()
    overdue = ~incidents.status.isin(CLOSED) & (incidents.due_at < NOW)
    assert 5 <= overdue.sum() <= 150


def test_incidents_follow_day_and_week(city: City) -> None:
    local = city["incident"].reported_at.dt.tz_convert("Asia/Shanghai")
    by_hour = local.groupby(local.dt.hour).size()
    assert by_hour[9] > 5 * by_hour[3]
    by_day = local.groupby(local.dt.day_of_week).size()
    assert by_day[0] > by_day[6]


def test_trickle_gives_one_new_incident_at_a_time(city: City) -> None:
    maker = IncidentMaker(set_scene(DEMO_SEED), DEMO_SEED)
    one, two = (next_incident(np.random.default_rng(5), NOW, maker=maker) for _ in range(2))
    other = next_incident(np.random.default_rng(6), NOW, maker=maker)
    assert one == two
    assert one["code"] != other["code"]
    assert one["reported_at"] == NOW.astimezone(UTC)
    assert one["status"] == "reported"
    assert shapely.Point(one["lon"], one["lat"]).within(city["district"].geometry[0])
    columns = set(city["incident"].columns) - {"geometry"}
    assert set(one) == columns | {"lon", "lat"}


def test_categories_have_parents_departments_and_limits() -> None:
    rows = read_categories()
    minors = {code: row for code, row in rows.items() if row["parent"]}
    assert 50 <= len(minors) <= 60
    assert all(row["parent"] in rows and code.startswith(row["parent"]) for code, row in minors.items())
    assert all(row["department"] and 1 <= int(row["limit_hours"]) <= 240 for row in minors.values())
    assert sorted(code for code, row in rows.items() if not row["parent"]) == [
        "E01", "E02", "E03", "E04", "E05", "E06", "E07", "P01", "P02", "P03", "P04", "P05",
    ]  # fmt: skip
