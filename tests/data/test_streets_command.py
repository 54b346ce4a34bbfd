"""`yiwangtu streets`: what it prints, writes and refuses; and `yiwangtu gaps` on an OpenStreetMap extract."""

import json
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely

from data.cli import main

OSM = Path(__file__).parent / "town.osm.pbf"


@pytest.fixture
def town(tmp_path):
    """A street of 100, one across it without a vertex, one that ends 4 short of it, and one far away."""
    path = tmp_path / "town.gpkg"
    lines = [[(0, 0), (100, 0)], [(50, -50), (50, 50)], [(80, 4), (80, 64)], [(900, 0), (930, 0)]]
    moved = [shapely.LineString([(x + 500_000, y + 3_340_000) for x, y in line]) for line in lines]
    pyogrio.write_dataframe(gpd.GeoDataFrame(geometry=moved, crs=4547), path, layer="road")
    return path


def test_the_report_counts_pieces_crossings_and_gaps(town, capsys):
    """Pieces: the cross of 200 m, the 60 m beyond the gap, the 30 m far away."""
    out = town.parent / "out.gpkg"
    assert main(["streets", f"{town}:road", "-o", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["streets"], said["streets_walked"], said["pieces"], said["crossings_made"]) == (4, 4, 3, 1)
    assert said["longest_pieces_m"] == [200.0, 60.0, 30.0]
    assert said["main_ratio"] == pytest.approx(200 / 290, abs=1e-4)
    assert (said["gaps_closed"], said["gaps_open"], said["gaps_open_between_pieces"]) == (0, 1, 1)
    gap = pyogrio.read_dataframe(out, layer="gap")
    assert gap["length_m"].tolist() == pytest.approx([4])
    assert gap.to_crs(4547).length.tolist() == pytest.approx([4], abs=1e-3)
    edge = pyogrio.read_dataframe(out, layer="edge")
    assert edge.groupby("piece")["length_m"].sum().tolist() == pytest.approx([200, 60, 30])
    assert len(pyogrio.read_dataframe(out, layer="crossing")) == 1


def test_gaps_are_closed_when_asked(town, capsys):
    assert main(["streets", str(town), "--close-gaps-m", "5", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["pieces"], said["gaps_closed"], said["gaps_open"]) == (2, 1, 0)


def test_an_extract_brings_its_gates_and_a_file_of_gates_wins(town, capsys):
    """The town of `test_streets`: its private gate cuts the way to the square; a file with an open gate does not."""
    assert main(["streets", str(OSM)]) == 0
    assert "关闭的门" in capsys.readouterr().out
    assert main(["streets", str(OSM), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pieces"] == 3
    gates = town.parent / "gates.gpkg"
    pyogrio.write_dataframe(
        gpd.GeoDataFrame({"is_open": [True]}, geometry=[shapely.Point(114.301, 30.5003)], crs=4326), gates, layer="gate"
    )
    assert main(["streets", str(OSM), "--gates", str(gates), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pieces"] == 2


def test_bad_input_answers_in_a_sentence(town, capsys):
    assert main(["streets", str(town.parent / "none.osm.pbf"), "--json"]) == 2
    assert "there is no file" in capsys.readouterr().out
    assert main(["streets", str(town), "--close-gaps-m", "-1", "--json"]) == 2
    assert "at least 0" in capsys.readouterr().out
    assert main(["streets", str(town), "-o", str(town), "--json"]) == 2
    assert "is an input too" in capsys.readouterr().out


def test_gaps_walk_on_an_extract_and_mind_its_gate(tmp_path, capsys):
    """A home on the street, a canteen on the square behind the private gate: near in a straight line, not on foot."""
    path = tmp_path / "places.gpkg"
    home = gpd.GeoDataFrame({"hh": [10]}, geometry=[shapely.Point(114.3005, 30.5)], crs=4326)
    canteen = gpd.GeoDataFrame({"code": ["C"]}, geometry=[shapely.Point(114.301, 30.501)], crs=4326)
    pyogrio.write_dataframe(home, path, layer="home")
    pyogrio.write_dataframe(canteen, path, layer="canteen", append=True)
    command = ["gaps", f"{path}:home", "--facilities", f"{path}:canteen", "--streets", str(OSM), "--households", "hh"]
    assert main([*command, "--radius-m", "300", "-o", str(tmp_path / "out.gpkg"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["units_unknown"], said["units_covered"], said["streets_walked"]) == (1, 0, 4)
