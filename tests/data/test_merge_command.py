"""`yiwangtu merge` from the command line, on a row of eight buildings of 100 households (see tests/geo/merge).

building  0  1  2  3  4  5  6  7        band 200-400
党建      A  A  A  A  B  B  B  B        a column of the buildings
综治      x  x  x  y  y  y  y  y        polygons
"""

import csv
import json

import geopandas as gpd
import pytest
import shapely

from data.cli import main

PARTY, POLICE = "AAAABBBB", "xxxyyyyy"


def lot(first, last):
    return shapely.box(500_000 + 100 * first, 3_340_000, 500_000 + 100 * last, 3_340_100)


@pytest.fixture
def files(tmp_path):
    units = gpd.GeoDataFrame(
        {"code": [f"U{n}" for n in range(8)], "hh": 100, "community": "C", "party": list(PARTY)},
        geometry=[lot(n, n + 1) for n in range(8)], crs=4547,
    )  # fmt: skip
    units.to_file(tmp_path / "units.gpkg", layer="unit")
    police = gpd.GeoDataFrame({"网格": ["x", "y"]}, geometry=[lot(0, 3), lot(3, 8)], crs=4547)
    police.to_crs(4326).to_file(tmp_path / "police.geojson")
    return tmp_path


def run(capsys, files, *more):
    code = main([
        "merge", str(files / "units.gpkg"), "--id", "code", "--households", "hh", "--within", "community",
        "--floor", "200", "--ceiling", "400", "-o", str(files / "out.gpkg"), *more, "--json",
    ])  # fmt: skip
    return code, json.loads(capsys.readouterr().out)


def test_two_layers_become_one(capsys, files) -> None:
    """Police's y is above the band: party's cut wins; building 3 leaves y, 100 households in one of two layers."""
    code, report = run(
        capsys, files, "--layer", "党建=party", "--layer", f"综治={files / 'police.geojson'}@网格",
        "--codes-from", "党建", "--crosswalk", str(files / "codes.csv"),
    )  # fmt: skip
    assert code == 0
    shown = {name: report[name] for name in ("units", "households", "grids", "grids_in_band", "conflict_units")}
    assert shown == {"units": 8, "households": 800, "grids": 2, "grids_in_band": 2, "conflict_units": 1}
    assert (report["moved_households"], report["moved_bound_households"]) == (50, 50)
    assert {one["name"]: one["moved_households"] for one in report["layers"]} == {"党建": 0, "综治": 100}
    units = gpd.read_file(files / "out.gpkg", layer="unit")
    assert "".join(units["grid_id"]) == PARTY
    assert units["party"].tolist() == list(PARTY)
    assert gpd.read_file(files / "out.gpkg", layer="conflict")["code"].tolist() == ["U3"]
    assert len(gpd.read_file(files / "out.gpkg", layer="grid")) == 2
    rows = list(csv.DictReader((files / "codes.csv").read_text("utf-8-sig").splitlines()))
    assert [(one["unit"], one["layer"], one["old_code"], one["new_code"]) for one in rows] == [
        (f"U{n}", name, old[n], PARTY[n]) for n in range(8) for name, old in (("党建", PARTY), ("综治", POLICE))
    ]
    assert {one["households"] for one in rows} == {"100"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--layer", "党建=party"], "a merge needs two layers at least, not 1"),
        (["--layer", "党建"], "'党建' is not of the form --layer NAME=COLUMN or NAME=FILE"),
        (["--layer", "a=party", "--layer", "a=party"], "two layers have one name; each --layer needs its own"),
        (["--layer", "a=colour"], "layer a: colour is no column of the units, and there is no file colour"),
        (["--layer", "a=party", "--weight", "b=2"], "--weight b: there is no layer b"),
        (["--layer", "a=party", "--weight", "a=much"], "--weight a: much is no number"),
        (["--layer", "a=party", "--weight", "a=1", "--weight", "a=2"], "--weight a: the layer a has a weight already"),
        (["--layer", "a=party", "--layer", "b=party", "--codes-from", "c"], "there is no layer c to keep codes of"),
    ],
)
def test_a_faulty_call_is_one_sentence_and_writes_nothing(capsys, files, more, said) -> None:
    code, report = run(capsys, files, *more)
    assert (code, report) == (2, {"error": said})
    assert not (files / "out.gpkg").exists()


def test_what_cannot_be_written_is_refused_before_any_work(capsys, files) -> None:
    layers = ["--layer", "a=colour", "--layer", "b=party"]
    for path, said in (("out.gpkg", "is the output too"), ("no/codes.csv", "there is no folder")):
        code, report = run(capsys, files, *layers, "--crosswalk", str(files / path))
        assert code == 2
        assert said in report["error"]
    code, report = run(capsys, files, *layers, "-o", str(files / "units.gpkg"))
    assert (code, report["error"]) == (2, f"the output {files / 'units.gpkg'} is an input too; choose another name")
    assert sorted(one.name for one in files.iterdir()) == ["police.geojson", "units.gpkg"]


BOW_TIE = shapely.Polygon([(500_000, 3_340_000), (500_200, 3_340_100), (500_200, 3_340_000), (500_000, 3_340_100)])
IN_DOUBT = "Self-intersection at 500100 3340050; mending would change its area by 100.0%, the limit is 0.1%"


def test_units_in_doubt_are_refused(capsys, files) -> None:
    units = gpd.read_file(files / "units.gpkg", layer="unit")
    units.loc[2, "geometry"] = BOW_TIE
    units.to_file(files / "units.gpkg", layer="unit")
    code, report = run(capsys, files, "--layer", "a=party", "--layer", "b=hh")
    assert (code, report) == (2, {"error": f"row 3, geometry: {IN_DOUBT}"})


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        (BOW_TIE, IN_DOUBT),
        (shapely.Point(500_000, 3_340_000), "is no polygon"),
        (shapely.Polygon([(0, 0), (float("inf"), 0), (1, 1)]), "the coordinate (inf, 0) is not finite"),
    ],
)
def test_a_layer_in_doubt_is_refused(capsys, files, shape, problem) -> None:
    """Rows of a layer are counted from 1, as the file's other readers count them."""
    grids = gpd.GeoDataFrame({"code": ["x", "y"]}, geometry=[lot(3, 8), shape], crs=4547)
    grids.to_file(files / "odd.gpkg", layer="grid")
    code, report = run(capsys, files, "--layer", "a=party", "--layer", f"b={files / 'odd.gpkg'}")
    assert (code, report) == (2, {"error": f"layer b, row 2, geometry: {problem}"})
    assert not (files / "out.gpkg").exists()


def test_a_layer_without_the_column_is_named(capsys, files) -> None:
    code, report = run(capsys, files, "--layer", "a=party", "--layer", f"b={files / 'police.geojson'}")
    assert code == 2
    assert report["error"] == "layer b has no column code or grid_id or grid or id or 网格编码; it has 网格"
