"""`yiwangtu site` from files to a file: what it chooses, prints, writes and refuses."""

import json

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from data.cli import main
from tests.drawn import frame, write


@pytest.fixture
def town(tmp_path):
    """One street of 2,000 m with a lane of 100 m at 1,000.

    Elders live at 100 (10), 300 (20), 1,000 (40), 1,700 (25), 1,900 (15); 丁 stands 90 m off the street (7).
    Idle premises: A at 200, B at 1,000, C at 1,800. A canteen stands at 0.
    """
    path = tmp_path / "town.gpkg"
    homes = [shapely.Point(x, 0) for x in (100, 300, 1000, 1700, 1900)] + [shapely.Point(600, 90)]
    write(
        path, "homes", frame(homes, name=list("甲乙丙戊己丁"), elders=[10, 20, 40, 25, 15, 7], odd=[1, 2, -3, 4, 5, 6])
    )
    premises = [shapely.Point(200, 0), shapely.Point(1000, 0), shapely.Point(1800, 0)]
    write(path, "premises", frame(premises, code=["A", "B", "C"], seats=[25, 100, 100], none=[5, 0, 5]))
    write(path, "canteen", frame([shapely.Point(0, 0)], code=["X"], is_open=[0]))
    write(path, "sea_only", frame([shapely.Point(1000, 2500)], code=["S"]))
    write(path, "sea", frame([shapely.Point(200, 0), shapely.Point(1000, 2500)], code=["A", "S"]))
    streets = [shapely.LineString([(0, 0), (2000, 0)]), shapely.LineString([(1000, 0), (1000, 100)])]
    write(path, "road", frame(streets))
    return path


def run(town, *extra, model="mclp", radius="200", weight="elders", candidates="premises"):
    out = town.parent / "out.gpkg"
    code = main(
        [
            "site", f"{town}:homes", "--candidates", f"{town}:{candidates}", "--streets", f"{town}:road",
            "--model", model, "--radius-m", radius, "--weight", weight, "-o", str(out), *extra,
        ]
    )  # fmt: skip
    return code, out


def test_mclp_takes_the_two_best_and_writes_who_is_served(town, capsys):
    """A covers 甲 and 乙 (30), B 丙 (40), C 戊 and 己 (40): B and C, 80 of 117; 丁's 7 can't be known."""
    code, out = run(town, "-p", "2", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    expected = {
        "model": "mclp", "sites": ["B", "C"], "objective": 80, "bound": 80, "gap": 0.0, "covered_weight": 80,
        "covered_ratio": 80 / 117, "total_weight": 117, "uncoverable_weight": 7, "unknown_weight": 7,
        "gains": [40, 40], "candidates": 3, "existing": 0, "options": [], "radius_m": 200.0,
    }  # fmt: skip
    assert {key: printed[key] for key in expected} == expected
    assert printed["seconds"] >= 0
    sites = pyogrio.read_dataframe(out, layer="site")
    assert sites["code"].tolist() == ["B", "C"]
    assert sites["rank"].tolist() == [1, 2]
    demand = pyogrio.read_dataframe(out, layer="demand")
    assert demand["name"].tolist() == list("甲乙丙戊己丁")
    assert demand["site_id"].fillna("").tolist() == ["", "", "B", "C", "C", ""]
    np.testing.assert_allclose(demand["distance_m"], [np.nan, np.nan, 0, 100, 100, np.nan], atol=0.01)
    np.testing.assert_array_equal(demand["is_covered"].astype(float), [0, 0, 1, 1, 1, np.nan])


def test_a_candidate_in_the_sea_is_left_out_and_told_of(town, capsys):
    """An existing site there is refused: whom it serves can't be known."""
    code, out = run(town, "-p", "1", candidates="sea")
    assert code == 0
    assert "left out: S" in capsys.readouterr().out
    assert pyogrio.read_dataframe(out, layer="site")["site_id"].tolist() == ["A"]
    out.unlink()
    code, out = run(town, "-p", "1", "--existing", f"{town}:sea_only")
    assert code == 2
    assert "existing sites row 1: no street that may be walked lies within 50 m" in capsys.readouterr().err
    assert not out.exists()


def test_lscp_needs_all_three(town, capsys):
    code, _ = run(town, "--json", model="lscp")
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (printed["objective"], printed["bound"], sorted(printed["sites"])) == (3, 3, ["A", "B", "C"])
    assert printed["covered_weight"] == 110


def test_an_existing_site_is_in_and_not_counted(town, capsys):
    """X at 0 covers 甲 already, so A adds only 20: with p = 2 again B and C, 90 covered."""
    code, out = run(town, "-p", "2", "--existing", f"{town}:canteen", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (printed["sites"], printed["covered_weight"], printed["existing"]) == (["B", "C"], 90, 1)
    assert pyogrio.read_dataframe(out, layer="site")["site_id"].tolist() == ["B", "C", "X"]


def test_the_p_median_and_the_p_center_of_one_site(town, capsys):
    """Weights 10, 20, 40, 25, 15 at 100, 300, 1000, 1700, 1900, all to B: (9 + 14 + 17.5 + 13.5) x 1000 / 110."""
    code, _ = run(town, "-p", "1", "--json", model="pmedian")
    printed = json.loads(capsys.readouterr().out)
    assert (code, printed["sites"]) == (0, ["B"])
    assert printed["objective"] == pytest.approx(54_000 / 110, abs=0.05)
    assert printed["bound"] == pytest.approx(printed["objective"], abs=1e-6)
    code, _ = run(town, "-p", "1", "--json", model="pcenter")
    printed = json.loads(capsys.readouterr().out)
    assert (code, printed["sites"]) == (0, ["B"])
    assert printed["objective"] == printed["bound"] == pytest.approx(900, abs=0.05)


def test_capacity_turns_the_choice(town, capsys):
    """A can serve 25 of its 30; B 40, C 40: with p = 3 in all 105."""
    code, _ = run(town, "-p", "3", "--capacity", "seats", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert printed["objective"] == pytest.approx(105)
    assert printed["bound"] == pytest.approx(105)


def test_corners_are_proposed(town, capsys):
    """The only corner is at 1,000: 丙."""
    out = town.parent / "out.gpkg"
    code = main(
        [
            "site", f"{town}:homes", "--corners", "--streets", f"{town}:road", "--model", "mclp", "-p", "1",
            "--radius-m", "200", "--weight", "elders", "-o", str(out), "--json",
        ]
    )  # fmt: skip
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (printed["candidates"], printed["sites"], printed["covered_weight"]) == (1, ["corner-1"], 40)


def test_open_longer_and_deliver_stand_beside_building(town, capsys):
    """X is closed when it counts: open longer it serves 甲 (10). It delivers to nobody while it is closed."""
    extra = ("-p", "1", "--existing", f"{town}:canteen", "--open", "is_open", "--json")
    assert run(town, *extra)[0] == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["options"] == [{"kind": "open_longer", "site": "X", "weight": 10}]
    extra = ("-p", "1", "--existing", f"{town}:canteen", "--deliver-m", "1000", "--json")
    assert run(town, *extra)[0] == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["options"] == [{"kind": "deliver", "site": "X", "weight": 60}]


def test_the_same_input_gives_the_same_answer(town, capsys):
    first, second = [], []
    for found in (first, second):
        run(town, "-p", "2", "--json", model="pmedian")
        printed = json.loads(capsys.readouterr().out)
        printed.pop("seconds")
        found.append(printed)
    assert first == second


def test_a_person_reads_the_answer(town, capsys):
    assert run(town, "-p", "2")[0] == 0
    printed = capsys.readouterr().out
    assert "覆盖最多" in printed
    assert "已证最优" in printed
    assert "1. B: +40" in printed


@pytest.mark.parametrize(
    ("extra", "options", "told"),
    [
        (["-p", "4"], {}, "p is 4; it must be between 1 and the number of candidates, 3"),
        (["-p", "0"], {}, "p is 0"),
        ([], {}, "mclp needs p"),
        (["-p", "1"], {"model": "lscp"}, "leave out p"),
        (["-p", "1"], {"radius": "0"}, "the radius is 0.0 m; it must be above 0"),
        (["-p", "1"], {"radius": "-5"}, "above 0"),
        (["-p", "1"], {"radius": "nan"}, "above 0"),
        (["-p", "1"], {"weight": "elder"}, "no column elder"),
        (["-p", "1"], {"weight": "odd"}, "row 3, odd: -3"),
        (["-p", "1"], {"weight": "name"}, "row 1, name: 甲"),
        (["-p", "1", "--capacity", "none"], {}, "row 2, none: 0; a capacity must be above 0"),
        (["-p", "1"], {"candidates": "sea_only"}, "no candidate lies within 50 m of a street that may be walked"),
        (["-p", "2"], {"candidates": "sea"}, "between 1 and the number of candidates, 1"),
        (["-p", "1"], {"candidates": "nothing"}, "has no layer nothing"),
        (["-p", "1", "--deliver-m", "500"], {}, "needs --existing"),
        (["-p", "1", "--longest-m", "500"], {}, "--longest-m goes with pmedian and pcenter"),
        (["-p", "1", "--id", "nr"], {}, "there is no column nr"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_no_file(town, capsys, extra, options, told):
    code, out = run(town, *extra, **options)
    captured = capsys.readouterr()
    assert code == 2
    assert told in captured.err
    assert captured.err.strip().count("\n") == 0
    assert not out.exists()


def test_streets_of_another_place_and_a_missing_crs(town, capsys, tmp_path):
    far = tmp_path / "far.gpkg"
    pyogrio.write_dataframe(gpd.GeoDataFrame(geometry=[shapely.LineString([(10, 50), (10.01, 50)])], crs=4326), far)
    bare = tmp_path / "bare.gpkg"
    with pytest.warns(UserWarning, match="crs"):
        pyogrio.write_dataframe(gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (9, 9)])]), bare)
    out = tmp_path / "out.gpkg"
    for streets, told in ((far, "km"), (bare, "no coordinate reference system")):
        code = main(
            [
                "site", f"{town}:homes", "--candidates", f"{town}:premises", "--streets", str(streets),
                "--model", "lscp", "--radius-m", "200", "--weight", "elders", "-o", str(out), "--json",
            ]
        )  # fmt: skip
        captured = capsys.readouterr()
        assert code == 2
        assert told in json.loads(captured.out)["error"]
        assert not out.exists()
