"""What `yiwangtu rebalance` refuses: one sentence with row, field and value, exit code 2, and no file left behind."""

import json

import geopandas as gpd
import pyogrio
import pytest
import shapely

from data.cli import main

LOTS = 8


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
        (put("n", 3, -5), [], "row 3, n: -5 is not a number >= 0"),
        (put("n", 3, None), [], "row 3, n: nan is not a number >= 0"),
        (put("n", 2, float("inf")), [], "row 2, n: inf is not a number >= 0"),
        (put("n", 2, "many"), [], "row 2, n: many is not a number >= 0"),
        (put("geometry", 2, None), [], "row 2, geometry: missing or empty"),
        (put("geometry", 2, shapely.Polygon()), [], "row 2, geometry: missing or empty"),
        (put("c", 2, None), ["--within", "c"], "row 2, c: missing"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(tmp_path, capsys, frame, options, error):
    assert refusal(tmp_path, capsys, write(frame, tmp_path / "town.gpkg"), "--households", "n", *options) == error


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


def test_a_plan_that_is_there_outlives_a_refusal(tmp_path, capsys):
    town, out = write(lots(), tmp_path / "town.gpkg"), tmp_path / "out.gpkg"
    assert main(["rebalance", str(town), "--households", "n", "-o", str(out)]) == 0
    capsys.readouterr()
    written = out.read_bytes()
    refusal(tmp_path, capsys, town, "--households", "n", "--floor", "900")
    assert out.read_bytes() == written
