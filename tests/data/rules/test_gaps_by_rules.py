"""`yiwangtu gaps --rules` and `yiwangtu rules` from files to files, on a drawn street."""

import json

import h3
import numpy as np
import pyogrio
import pytest
import shapely

from data.cli import main
from data.rules.table import BUILTIN_FILE, read_rules
from tests.drawn import frame, write


@pytest.fixture
def town(tmp_path):
    """A street of 1,000 m. Canteens at 0 (40 seats), 700 (60 seats) and, planned, 400; refuse points: a drop point at
    100, a litter bin at 450. Homes 甲 at 100, 乙 at 300 but 90 off the street, 丙 at 460, 丁 at 1000."""
    path = tmp_path / "town.gpkg"
    homes = frame(
        [shapely.Point(100, 0), shapely.Point(300, 90), shapely.Point(460, 0), shapely.Point(1000, 0)],
        name=["甲", "乙", "丙", "丁"], hh=[10, 20, 30, 40], old=[4, 8, 12, None], place=["东", "东", "西", "西"],
        net=["G1", "G2", "G2", None],
    )  # fmt: skip
    canteens = frame(
        [shapely.Point(0, 0), shapely.Point(700, 0), shapely.Point(400, 0)],
        code=["C1", "C2", "C3"], status=["open", "open", "planned"], seats=[40, 60, 99],
    )  # fmt: skip
    refuse = frame(
        [shapely.Point(100, 0), shapely.Point(450, 0)],
        code=["R1", "R2"], attributes=['{"kind": "drop_point"}', '{"kind": "litter_bin"}'],
    )  # fmt: skip
    bins = refuse.iloc[1:]
    street = frame([shapely.LineString([(0, 0), (1000, 0)])])
    for layer, rows in (("homes", homes), ("canteen", canteens), ("refuse", refuse), ("bins", bins), ("road", street)):
        write(path, layer, rows)
    return path


def run(town, *extra):
    out = town.parent / "out.gpkg"
    code = main(
        [
            "gaps", f"{town}:homes", "--streets", f"{town}:road", "--households", "hh", "--residents-60", "old",
            "--rules", "builtin", "-o", str(out), *extra,
        ]
    )  # fmt: skip
    return code, out


FACILITIES = ("--facilities", "canteen={0}:canteen", "--facilities", "refuse_point={0}:refuse")


def given(town):
    return [word.format(town) for word in FACILITIES]


def test_every_unit_has_a_verdict_by_every_rule(town, capsys):
    """
    canteen_500 (60+, the planned one does not count): 甲 100 met, 乙 unknown, 丙 240 met, 丁 300 met (not counted).
    refuse_collection_70 (drop points only): 甲 0 met, 乙 unknown, 丙 360 and 丁 900 not met: 70 of 80 known households.
    refuse_sorting_300: the same verdicts. refuse_station_1000: no collection station is known, so nothing is said.
    """
    code, out = run(town, *given(town), "--within", "place", "--capacity", "canteen=seats", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert pyogrio.list_layers(out)[:, 0].tolist() == ["unit", "community", "cell"]
    rows = pyogrio.read_dataframe(out, layer="unit")
    assert rows["rule"].tolist() == [
        name for name in ("canteen_500", "refuse_collection_70", "refuse_sorting_300") for _ in range(4)
    ]  # fmt: skip
    assert rows["name"].tolist() == ["甲", "乙", "丙", "丁"] * 3
    verdicts = rows["verdict"].to_numpy().reshape(3, 4).tolist()
    assert verdicts == [
        ["met", "unknown", "met", "met"], ["met", "unknown", "not_met", "not_met"],
        ["met", "unknown", "not_met", "not_met"],
    ]  # fmt: skip
    np.testing.assert_allclose(rows["distance_m"][:8], [100, np.nan, 240, 300, 0, np.nan, 360, 900], atol=0.01)
    assert rows["facility_id"].fillna("").tolist()[:8] == ["C1", "", "C2", "C2", "R1", "", "R1", "R1"]
    np.testing.assert_array_equal(rows["unserved"][4:8], [0, np.nan, 30, 40])
    assert np.isnan(rows["demand"][3])  # 60+ of 丁 are not counted
    assert (rows["basis"] != "").all()
    found = {one["rule"]: one for one in printed["rules"]}
    assert found["canteen_500"]["facilities"] == 2
    assert [found["canteen_500"][name] for name in ("demand", "demand_met", "demand_not_met", "demand_unknown")] == [
        24, 16, 0, 8,
    ]  # fmt: skip
    assert found["canteen_500"]["units_uncounted"] == 1
    collection = found["refuse_collection_70"]
    assert (collection["demand_not_met"], collection["unserved_ratio"]) == (70, 70 / 80)
    assert collection["unserved_mean_m"] == pytest.approx((360 * 30 + 900 * 40) / 70, abs=0.01)
    assert {"primary_school_500", "refuse_station_1000"} <= set(printed["without_data"])
    # east: of what is known nobody is unserved; west: everybody by both rules of refuse points
    assert [(one["community"], one["rank"]) for one in printed["communities"]] == [("西", 1), ("东", 2)]
    assert printed["communities"][0]["mean_unserved_ratio"] == pytest.approx(2 / 3)
    assert printed["communities"][1]["mean_unserved_ratio"] == pytest.approx(0)
    communities = pyogrio.read_dataframe(out, layer="community")
    assert len(communities) == 6
    assert communities["units"].sum() == 12
    # 2SFCA at 500 m: C1 serves 甲 and 丙 (16 heads), C2 丙 and 丁 (12 heads and one not counted); 乙 unknown
    access = rows["canteen_seats_2sfca"]
    np.testing.assert_allclose(access[:4], [40 / 16, np.nan, 40 / 16 + 60 / 12, 60 / 12])
    assert access[4:].isna().all()
    # 100 seats for 24 heads are 4.2 a head; 甲, at 2.5, has more than half of that, and so has 丙
    assert printed["capacity"][0]["demand_without_access"] == 0
    assert printed["capacity"][0]["demand_unknown"] == 8
    assert printed["capacity"][0]["supply_a_head"] == pytest.approx(100 / 24)
    assert printed["capacity"][0]["demand_below_half_2sfca"] == 0
    # E2SFCA weighs by thirds of 500 m: C1 (甲 1, 丙 at 460 is 0.22): 甲 has 40 / (4 + 0.22 * 12) = 6.0
    np.testing.assert_allclose(rows["canteen_seats_e2sfca"][0], 40 / (4 + 0.22 * 12))


def test_cells_hold_every_unit_once(town, capsys):
    code, out = run(town, *given(town), "--cells", "10", "--kind", "canteen", "--json", "--facilities", f"{town}:x")
    assert code == 2  # two files for one kind
    capsys.readouterr()
    code, out = run(town, "--facilities", f"{town}:canteen", "--kind", "canteen", "--cells", "10", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    cells = pyogrio.read_dataframe(out, layer="cell")
    assert printed["cells"] == len(cells) == cells["cell"].nunique()
    assert {h3.get_resolution(cell) for cell in cells["cell"]} == {10}
    assert cells["units"].sum() == 4
    assert cells.crs.to_epsg() == 4326
    homes = pyogrio.read_dataframe(town, layer="homes")
    assert all(cells.contains(home).sum() == 1 for home in homes.geometry)


def test_grids_are_ranked_like_communities(town, capsys):
    """G1 holds 甲 (met), G2 乙 (unknown) and 丙 (met by canteens, not by refuse points); 丁 is in no grid."""
    code, out = run(town, *given(town), "--grid", "net", "--kind", "canteen", "--kind", "refuse_point", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert [(one["grid"], one["rank"]) for one in printed["grids"]] == [("G2", 1), ("G1", 2)]
    assert [one["demand_not_met"] for one in printed["grids"][0]["rules"]] == [0, 30, 30]
    grids = pyogrio.read_dataframe(out, layer="grid")
    assert grids["units"].sum() == 3 * 3


def test_a_person_reads_chinese_first(town, capsys):
    assert run(town, *given(town), "--within", "place", "--capacity", "canteen=seats")[0] == 0
    printed = capsys.readouterr().out
    for said in ("生活圈检查", "社区食堂（幸福食堂）", "待核", "没有数据的规则", "1. 西", "canteen.seats: 100 / 24"):
        assert said in printed


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        (["--facilities", "{town}:canteen"], "write KIND=FILE, KIND one of: bus_stop, canteen"),
        (["--facilities", "shop={town}:canteen"], "--facilities shop={town}:canteen: write KIND=FILE"),
        (["--facilities", "canteen={town}:gone"], "has no layer gone"),
        (["--facilities", "canteen={town}:canteen", "--kind", "shop"], "--kind shop: the rulebook builtin has no rule"),
        (["--facilities", "canteen={town}:canteen", "--radius-m", "5"], "--radius-m and --rules are two ways to judge"),
        (["--facilities", "canteen={town}:canteen", "--within", "no"], "UNITS has no column no"),
        (["--facilities", "canteen={town}:canteen", "--cells", "13"], "the H3 resolution is 13; it must be 5 to 12"),
        (["--facilities", "canteen={town}:canteen", "--capacity", "canteen=no"], "have no column no"),
        (["--facilities", "canteen={town}:canteen", "--capacity", "parking=seats"], "--capacity parking=seats: write"),
        (["--facilities", "canteen={town}:canteen", "--residents-60", "name"], "row 1, name: 甲"),
        (["--facilities", "canteen={town}:canteen", "--rules", "gone.csv"], "gone.csv cannot be read"),
        (["--facilities", "refuse_point={town}:bins"], "of a type that the rules ask for: collection_station"),
        (["--facilities", "canteen={town}:canteen", "--id", "place"], "row 2, place: 东 names an earlier unit too"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence_and_exit_code_2(town, capsys, extra, sentence):
    code, out = run(town, *(word.format(town=town) for word in extra))
    captured = capsys.readouterr()
    assert code == 2
    assert sentence.format(town=town) in captured.err
    assert captured.err.count("\n") == 1
    assert not out.exists()


def test_without_a_radius_or_rules_it_says_so(town, capsys):
    base = ["gaps", f"{town}:homes", "--streets", f"{town}:road", "--households", "hh", "-o", f"{town.parent}/o.gpkg",
            "--facilities", f"{town}:canteen"]  # fmt: skip
    assert main(base) == 2
    assert "there is neither --radius-m nor --rules" in capsys.readouterr().err
    assert main([*base, "--radius-m", "100", "--within", "place"]) == 2
    assert "--within goes with --rules" in capsys.readouterr().err


def test_a_city_exports_edits_and_judges_by_its_own_rules(town, capsys, tmp_path):
    """A canteen within 200 m: 丙 (240) and 丁 (300) are not served any more."""
    path = tmp_path / "city.csv"
    assert main(["rules", "export", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rules"] == len(read_rules(BUILTIN_FILE))
    text = path.read_text("utf-8-sig")
    path.write_text(text.replace("residents_60,walk,500", "residents_60,walk,200"), "utf-8")
    code, out = run(town, "--facilities", f"canteen={town}:canteen", "--rules", str(path), "--json")
    assert code == 0
    assert json.loads(capsys.readouterr().out)["rulebook"] == str(path)
    assert pyogrio.read_dataframe(out, layer="unit")["verdict"].tolist() == ["met", "unknown", "not_met", "not_met"]
    assert main(["rules", "export", str(tmp_path / "city.txt")]) == 2
    assert "must end in .csv" in capsys.readouterr().err
