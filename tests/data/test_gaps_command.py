"""`yiwangtu gaps` from files to a file: what it prints, writes and refuses."""

import json

import numpy as np
import pyogrio
import pytest
import shapely

from data.cli import main
from tests.drawn import frame, write


@pytest.fixture
def town(tmp_path):
    """One street of 1,000 m; canteens at its start and 700 m on; homes at 100, 450 and off the street."""
    path = tmp_path / "town.gpkg"
    homes = frame(
        [shapely.Point(100, 0), shapely.Point(300, 90), shapely.box(445, 5, 455, 15)],
        name=["甲", "乙", "丙"],
        hh=[10, 20, 30],
        floors=[6, None, 18],
    )
    write(path, "homes", homes)
    write(path, "canteen", frame([shapely.Point(0, 0), shapely.Point(700, 0)], code=["C1", "C2"], seats=[40, 60]))
    write(path, "road", frame([shapely.LineString([(0, 0), (1000, 0)])]))
    return path


def run(town, *extra, units=None, output="out.gpkg"):
    out = town.parent / output
    code = main(
        [
            "gaps", units or f"{town}:homes", "--facilities", f"{town}:canteen", "--streets", f"{town}:road",
            "--households", "hh", "--radius-m", "200", "-o", str(out), *extra,
        ]
    )  # fmt: skip
    return code, out


def test_rows_come_back_in_order_with_all_columns_and_the_results(town, capsys):
    """甲: 100 to C1, covered. 乙: 90 off the street, unknown. 丙 stands at (450, 10): 10 + 250 to C2, not covered."""
    code, out = run(town, "--json")
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert pyogrio.list_layers(out)[:, 0].tolist() == ["unit"]
    rows = pyogrio.read_dataframe(out, layer="unit")
    before = pyogrio.read_dataframe(town, layer="homes")
    assert rows.columns.tolist() == [
        "name", "hh", "floors", "distance_m", "straight_m", "detour_ratio", "facility_id", "is_covered", "reason",
        "geometry",
    ]  # fmt: skip
    assert rows["name"].tolist() == ["甲", "乙", "丙"]
    assert rows.crs.to_epsg() == 4326
    assert shapely.equals_identical(rows.geometry.to_numpy(), before.geometry.to_numpy()).all()
    np.testing.assert_allclose(rows["distance_m"], [100, np.nan, 260], atol=0.01)
    np.testing.assert_allclose(rows["straight_m"], [100, np.hypot(300, 90), np.hypot(250, 10)], atol=0.01)
    assert rows["facility_id"].fillna("").tolist() == ["C1", "", "C2"]
    assert rows["is_covered"].tolist()[0] == 1
    assert np.isnan(rows["is_covered"].tolist()[1])
    assert rows["is_covered"].tolist()[2] == 0
    assert rows["reason"].tolist() == ["ok", "unit_not_snapped", "ok"]
    expected = {
        "units": 3, "units_covered": 1, "units_uncovered": 1, "units_unknown": 1,
        "households": 60, "households_covered": 10, "households_uncovered": 30, "households_unknown": 20,
        "households_in_circle": 10, "facilities": 2, "facilities_not_snapped": 0, "streets": 1, "streets_walked": 1,
        "radius_m": 200.0, "snap_m": 50.0, "reasons": {"ok": 2, "unit_not_snapped": 1}, "output": str(out),
    }  # fmt: skip
    assert {key: printed[key] for key in expected} == expected
    assert printed["covered_ratio"] == pytest.approx(1 / 6)
    assert printed["longest_distance_m"] == pytest.approx(260, abs=0.01)
    assert printed["seconds"] > 0


def test_a_wider_snap_makes_the_unknown_known(town, capsys):
    """乙 at (300,90): 90 + 300 to C1 is nearer than 90 + 400 to C2."""
    code, out = run(town, "--snap-m", "100", "--facility-id", "seats", "--id", "name", "--json")
    assert code == 0
    assert json.loads(capsys.readouterr().out)["households_unknown"] == 0
    rows = pyogrio.read_dataframe(out)
    np.testing.assert_allclose(rows["distance_m"], [100, 390, 260], atol=0.01)
    assert rows["facility_id"].tolist() == ["40", "40", "60"]


def test_without_json_a_person_reads_it_in_chinese_first(town, capsys):
    code, _ = run(town)
    printed = capsys.readouterr().out
    assert code == 0
    assert "步行 200 米覆盖" in printed
    assert "覆盖率 covered ratio: 16.7%" in printed
    assert "单元离道路太远" in printed


def test_the_layer_option_wins(town, capsys):
    assert run(town, "--layer", "canteen", "--json")[0] == 2
    assert "no column hh" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        (["--households", "families"], "no column families; they have: name, hh, floors"),
        (["--households", "name"], "row 1, name: 甲"),
        (["--id", "nobody"], "UNITS has no column nobody"),
        (["--facility-id", "nobody"], "the facilities have no column nobody"),
        (["--radius-m", "-1"], "the radius is -1.0 m; it must be above 0"),
        (["--radius-m", "far"], "'far' is not a valid float"),
        (["--snap-m", "nan"], "the snap limit is nan m"),
        (["--streets", "{town}:canteen"], "streets row 1 is a Point; streets must be lines"),
        (["--streets", "{town}:lanes"], "has no layer lanes; it has: homes, canteen, road"),
        (["--facilities", "{town}.gone"], "there is no file"),
        (["--facilities", "{broken}"], "is damaged or no spatial file"),
        (["-o", "{town}.shp"], "must end in .gpkg"),
        (["-o", "{town}"], "is an input too"),
        (["-o", "{town}/folder/out.gpkg"], "cannot be written"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(town, capsys, extra, sentence):
    broken = town.parent / "broken.gpkg"
    broken.write_bytes(town.read_bytes()[:100])
    code, out = run(town, *(word.format(town=town, broken=broken) for word in extra))
    captured = capsys.readouterr()
    assert code == 2
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
    assert not out.exists()


def test_an_old_output_stays_when_the_run_fails(town, capsys):
    code, out = run(town)
    before = out.read_bytes()
    assert code == 0
    assert run(town, "--households", "floors")[0] == 2
    assert "row 2, floors: nan" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert sorted(p.name for p in out.parent.iterdir()) == ["out.gpkg", "town.gpkg"]


def test_results_are_never_written_over_columns_of_the_input(town, capsys):
    _, first = run(town)
    code, _ = run(town, units=str(first), output="second.gpkg")
    assert code == 2
    assert "already has the result columns distance_m, straight_m" in capsys.readouterr().err


def test_a_unit_id_must_name_one_unit(town, capsys):
    twice = pyogrio.read_dataframe(town, layer="homes").assign(name=["甲", "乙", "甲"])
    write(town.parent / "twice.gpkg", "homes", twice)
    code, _ = run(town, "--id", "name", units=str(town.parent / "twice.gpkg"))
    assert code == 2
    assert "row 3, name: 甲 names an earlier unit too" in capsys.readouterr().err
