"""What `yiwangtu rebalance` refuses: one sentence with row, field and value, exit code 2, and no file left behind."""

import json

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from data.cli import main

LOTS = 8
with np.errstate(invalid="ignore"):
    NOWHERE = shapely.Polygon([(0, 0), (float("nan"), 2), (2, 0)])


def lots(geometry=None, **columns):
    """Eight lots of 20 m in a row, 100 households each; `columns` replace whole columns."""
    boxes = [shapely.box(500_000 + 20 * i, 3_340_000, 500_020 + 20 * i, 3_340_020) for i in range(LOTS)]
    given = {"unit_id": [f"U{i}" for i in range(LOTS)], "n": [100] * LOTS, "c": ["A"] * LOTS, "g": ["G1"] * LOTS}
    return gpd.GeoDataFrame(given | columns, geometry=geometry or boxes, crs=4547)


def put(column, row, value):
    """The lots with one value replaced."""
    frame = lots()
    values = frame[column].astype(object).tolist()
    values[row] = value
    return lots(**{column: values})


def write(frame, path, layer="unit"):
    pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG")
    return path


def refusal(folder, capsys, town, *options):
    """Run the command, see that it refused and left nothing behind; its sentence."""
    before = sorted(folder.iterdir())
    code = main(["rebalance", str(town), *options, "-o", str(folder / "out.gpkg"), "--json"])
    captured = capsys.readouterr()
    error = json.loads(captured.out)["error"]
    assert code == 2
    assert captured.err == f"yiwangtu: {error}\n"
    assert sorted(folder.iterdir()) == before
    return error


@pytest.mark.parametrize(
    ("frame", "options", "error"),
    [
        (put("n", 3, -5), [], "row 4, n: -5 is not a number >= 0"),
        (put("n", 3, None), [], "row 4, n: nan is not a number >= 0"),
        (put("n", 2, float("inf")), [], "row 3, n: inf is not a number >= 0"),
        (put("n", 2, "many"), [], "row 3, n: many is not a number >= 0"),
        (put("geometry", 2, None), [], "row 3, geometry: missing or empty"),
        (put("geometry", 2, shapely.Polygon()), [], "row 3, geometry: missing or empty"),
        (
            put("geometry", 2, shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])),
            [],
            "row 3, geometry: Self-intersection at 1 1; mending would change its area by 100.0%, the limit is 0.1%",
        ),
        (
            put("geometry", 2, shapely.Polygon([(0, 0), (1, 0), (2, 0)])),
            [],
            "row 3, geometry: is a polygon with an area of 0 m2",
        ),
        (
            put("geometry", 2, shapely.LineString([(0, 0), (2, 2)])),
            [],
            "row 3, geometry: is a LineString, not a polygon or a point",
        ),
        (
            put("geometry", 2, shapely.Point(0, 0)),
            [],
            "row 3, geometry: is a point among polygons; all are polygons or all are points",
        ),
        (
            put("geometry", 2, NOWHERE),
            [],
            "row 3, geometry: the coordinate (nan, 2) is not finite",
        ),
        (
            put("geometry", 2, shapely.Polygon([(0, 0), (float("inf"), 2), (2, 0)])),
            [],
            "row 3, geometry: the coordinate (inf, 2) is not finite",
        ),
        (put("g", 2, 2), ["--current", "c", "--fixed", "g"], "row 1, g: G1 is not a mark, which is 0 or 1"),
        (put("c", 2, None), ["--within", "c"], "row 3, c: missing"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(tmp_path, capsys, frame, options, error):
    told = refusal(tmp_path, capsys, write(frame, tmp_path / "town.gpkg"), "--households", "n", *options)
    assert told.split("; row 2")[0] == error


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--floor", "900"], "floor 900, target 850, ceiling 800"),
        (["--floor", "0"], "floor 0, target 400, ceiling 800"),
        (["--floor", "nan"], "floor nan"),
        (["--ceiling", "inf"], "ceiling inf"),
        (["--target", "900"], "floor 400, target 900, ceiling 800"),
        (["--compound", "x"], "there is no column x; the columns are unit_id, n, c, g, geometry"),
        (["--current", "x"], "there is no column x"),
        (["--current", "g", "--fixed", "x"], "there is no column x"),
        (["--id", "x"], "there is no column x"),
        (["--weight", "x=1"], "there is no column x"),
        (["--weight", "n"], "--weight n: expected COLUMN=FACTOR"),
        (["--mode", "adjust"], "mode adjust needs the column of the current grids"),
        (["--front", "3"], "mode adjust needs the column of the current grids"),
        (["--current", "g", "--front", "3", "--shape", "0.5"], "leave out --shape"),
        (["--current", "g", "--lock", "G9"], "there is no current grid G9 to lock"),
        (["--lock", "G1"], "locks need the column of the current grids"),
        (["--reach-m", "0"], "the reach must be > 0 m, not 0"),
        (["--reach-m", "50"], "the reach 50 m is for points alone; these units are polygons"),
        (["--current", "g", "--front", "3", "--reach-m", "50"], "the reach 50 m is for points alone"),
        (["--time-limit", "0"], "the time limit must be > 0 s, not 0"),
        (["--time-limit", "-1"], "the time limit must be > 0 s, not -1"),
        (["--time-limit", "nan"], "the time limit must be > 0 s, not nan"),
        (["--current", "g", "--front", "3", "--time-limit", "-1"], "the time limit must be > 0 s, not -1"),
        (["--shape", "0.5"], "the shape 0.5 is for mode adjust alone"),
        (["--current", "g", "--mode", "adjust", "--shape", "nan"], "the shape must be between 0 and 1, not nan"),
        (["--current", "g", "--mode", "adjust", "--shape", "2"], "'--shape': 2.0 is not in the range"),
        (["--weight", "n=1", "--weight", "n=2"], "--weight n=2: the column n has a factor already"),
        (["--workers", "0"], "'--workers': 0 is not in the range"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(tmp_path, capsys, options, error):
    assert error in refusal(tmp_path, capsys, write(lots(), tmp_path / "town.gpkg"), "--households", "n", *options)


@pytest.mark.parametrize("part", ["units", "barriers"])
def test_a_layer_without_crs_is_refused(tmp_path, capsys, part):
    """Nobody can tell where its numbers are; that holds for barriers as for units."""
    town = write(lots(), tmp_path / "town.gpkg")
    with pytest.warns(UserWarning, match="crs"):
        lost = write(lots().set_crs(None, allow_override=True), tmp_path / "lost.gpkg")
    options = [lost] if part == "units" else [town, "--barriers", str(lost)]
    error = refusal(tmp_path, capsys, *options, "--households", "n")
    assert error == f"{lost} (layer unit) has no coordinate reference system; write one into the file"


def test_a_file_that_is_none_is_refused(tmp_path, capsys):
    junk = tmp_path / "junk.gpkg"
    junk.write_text("hello")
    assert refusal(tmp_path, capsys, junk, "--households", "n") == f"{junk} is damaged or no spatial file"


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        (shapely.Point(500_050, 3_340_000), "is a Point, not a line or an area"),
        (shapely.LineString([(0, 0), (float("inf"), 1)]), "a coordinate is not finite"),
    ],
)
def test_a_barrier_that_is_none_is_refused(tmp_path, capsys, shape, problem):
    town = write(lots(), tmp_path / "town.gpkg")
    walls = write(gpd.GeoDataFrame(geometry=[lots().geometry[0], shape], crs=4547), tmp_path / "walls.gpkg")
    error = refusal(tmp_path, capsys, town, "--households", "n", "--barriers", str(walls))
    assert error == f"{walls}, row 2, geometry: {problem}"


def test_an_output_is_refused_before_any_work(tmp_path, capsys):
    town = write(lots(), tmp_path / "town.gpkg")
    for output, problem in ((town, "is an input too"), ("out.shp", "must end in .gpkg"), ("no/out.gpkg", "no folder")):
        assert main(["rebalance", str(town), "--households", "n", "--within", "x", "-o", str(tmp_path / output)]) == 2
        assert problem in capsys.readouterr().err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["town.gpkg"]


@pytest.mark.filterwarnings("ignore:.*unclosed database.*:ResourceWarning")
def test_a_mended_polygon_is_told_of_and_written_mended(tmp_path, capsys):
    """Lot 3 with a needle of 10 m on its roof: no area, but with it the lot would touch no neighbour."""
    x, y = 500_060, 3_340_000
    needle = [(x, y), (x + 20, y), (x + 20, y + 20), (x + 10, y + 20), (x + 10, y + 30), (x + 10, y + 20), (x, y + 20)]
    town = write(put("geometry", 3, shapely.Polygon(needle)), tmp_path / "town.gpkg")
    command = ["rebalance", str(town), "--households", "n", "--id", "unit_id", "-o", str(tmp_path / "out.gpkg")]
    assert main([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["mended"], report["bridges"]) == (["U3"], [])
    written = pyogrio.read_dataframe(tmp_path / "out.gpkg", layer="unit").geometry
    assert written.is_valid.all()
    assert written[3].equals(lots().geometry[3])
    assert main(command) == 0
    assert "polygons mended (area kept to 0.1 %): 1（U3）" in capsys.readouterr().out


def test_a_plan_that_is_there_outlives_a_refusal(tmp_path, capsys):
    town, out = write(lots(), tmp_path / "town.gpkg"), tmp_path / "out.gpkg"
    assert main(["rebalance", str(town), "--households", "n", "-o", str(out)]) == 0
    capsys.readouterr()
    written = out.read_bytes()
    refusal(tmp_path, capsys, town, "--households", "n", "--floor", "900")
    assert out.read_bytes() == written
