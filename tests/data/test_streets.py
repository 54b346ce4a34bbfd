"""Streets out of files: OpenStreetMap extracts, as XML and as PBF, and plain layers.

`town.osm` is drawn by hand and `town.osm.pbf` is the same, converted with pyosmium: a street of three vertices, a
bridge over it, a service road with a private gate up to a square (a closed way with area=yes), a stream, a motorway.
"""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from data.errors import BadInputError
from data.streets import read_streets
from geo.walking import build_network

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ["town.osm", "town.osm.pbf"])
def test_an_extract_gives_all_highways_and_the_gates_on_them(name):
    streets = read_streets(str(HERE / name))
    assert streets.lines.crs == "EPSG:4326"
    assert streets.lines["osm_id"].tolist() == ["10", "11", "12", "15", "13"]
    assert set(streets.lines.geom_type) <= {"LineString", "MultiLineString"}
    assert streets.gates["osm_id"].tolist() == ["7"]
    assert streets.gates["barrier"].tolist() == ["gate"]


@pytest.mark.parametrize("name", ["town.osm", "town.osm.pbf"])
def test_the_network_of_an_extract_knows_its_bridge_its_gate_its_square_and_its_motorway(name):
    """Pieces: the street and the service road up to the gate; beyond the gate, with the square; the bridge."""
    streets = read_streets(str(HERE / name))
    shut = build_network(streets.lines, gates=streets.gates)
    assert (shut.report.streets, shut.report.streets_walked, shut.report.gates_closed) == (5, 4, 1)
    assert (shut.report.pieces, shut.report.crossings_made) == (3, 0)
    corners = gpd.GeoSeries(gpd.points_from_xy([114.302, 114.3015], [30.5, 30.501]), crs=4326).to_crs(shut.crs)
    for corner in corners:
        assert np.hypot(*(shut.graph.node_xy - (corner.x, corner.y)).T).min() < 0.01
    assert build_network(streets.lines).report.pieces == 2


def test_a_plain_layer_is_read_as_it_is(tmp_path):
    path = tmp_path / "city.gpkg"
    lines = gpd.GeoDataFrame({"class": ["local"]}, geometry=[shapely.LineString([(0, 0), (9, 0)])], crs=4547)
    lines.to_file(path, layer="road")
    streets = read_streets(f"{path}:road")
    assert streets.gates is None
    assert streets.lines["class"].tolist() == ["local"]


def test_what_is_no_extract_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="there is no file"):
        read_streets(str(tmp_path / "none.osm.pbf"))
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(b"\x00\x00\x00\x0dno extract at all")
    with pytest.raises(BadInputError, match="damaged or no OpenStreetMap extract"):
        read_streets(str(broken))
    empty = tmp_path / "empty.osm"
    empty.write_text('<osm version="0.6"><node id="1" lat="1" lon="1"/></osm>', "utf-8")
    with pytest.raises(BadInputError, match="nothing with a highway tag"):
        read_streets(str(empty))
