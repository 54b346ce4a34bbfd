"""`yiwangtu rebalance` from the command line: a small town goes in, the answer is checked from the files."""

import json

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from data.cli import main

FLOOR, CEILING = 400, 800
SOUTH_M = 3_340_000
COMMUNITIES = ("420204004001", "420204004002")


def lot(west_m, east_m, row):
    return shapely.box(west_m, SOUTH_M + 25 * row, east_m, SOUTH_M + 25 * row + 25)


def make_town(path, *, seed=3):
    """Two communities of 12 x 6 lots of uneven width: towers in every other block, a wall with one gap in the second.

    The incumbent grids are strips of 6, 4 and 2 columns: too large, right, too small. Unit 144 stands alone, 60 m off.
    """
    rng = np.random.default_rng(seed)
    x = 500_000 + np.r_[0, np.cumsum(rng.uniform(20, 30, 24))]
    rows = []
    for i in range(24):
        for j in range(6):
            block = f"B{i // 3}{j // 3}"
            is_tower = (i // 3 + j // 3) % 2 == 0
            rows.append(
                {
                    "unit_id": f"U{len(rows):03d}",
                    "households": int(rng.integers(25, 60) if is_tower else rng.integers(3, 30)),
                    "community": COMMUNITIES[i // 12],
                    "compound": block if is_tower else None,
                    "incumbent": f"{COMMUNITIES[i // 12]}{np.searchsorted([6, 10], i % 12, side='right') + 1:03d}",
                    "geometry": lot(x[i], x[i + 1], j),
                }
            )
    rows.append(rows[-1] | {"unit_id": "U144", "compound": None, "geometry": lot(x[-1] + 60, x[-1] + 90, 0)})
    wall = shapely.LineString([(x[18], SOUTH_M - 5), (x[18], SOUTH_M + 120)])
    pyogrio.write_dataframe(gpd.GeoDataFrame(rows, crs=4547).to_crs(4490), path, layer="unit", driver="GPKG")
    pyogrio.write_dataframe(
        gpd.GeoDataFrame({"kind": ["wall"]}, geometry=[wall], crs=4547), path, layer="wall", driver="GPKG", append=True
    )


def pass_along(strips):
    """Households that cross a border when each strip keeps the ceiling and passes the rest east."""
    passed = [0]
    for size in strips:
        passed.append(max(0, size + passed[-1] - CEILING))
    return sum(passed)


def run(capsys, *arguments):
    """Run the command with --json; its exit code and its object."""
    code = main(["rebalance", *map(str, arguments), "--json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out)


def town_options(path):
    return [
        path, "--layer", "unit", "--id", "unit_id", "--households", "households", "--within", "community",
        "--current", "incumbent", "--barriers", f"{path}:wall", "--floor", FLOOR, "--ceiling", CEILING,
    ]  # fmt: skip


def check_files(town, out, report):
    """Recompute everything from the two files and the listed bridges."""
    units, plan = gpd.read_file(town, layer="unit"), gpd.read_file(out, layer="unit")
    grid = gpd.read_file(out, layer="grid")
    assert plan.drop(columns="grid_id").equals(units)
    assert plan.crs == grid.crs == units.crs
    metric = units.to_crs(4547).geometry.to_numpy()
    wall = gpd.read_file(town, layer="wall").geometry.iloc[0]
    a, b = np.triu_indices(len(units), 1)
    touching = shapely.length(shapely.intersection(shapely.buffer(metric[a], 0.01), metric[b])) > 2
    inside = shapely.point_on_surface(metric)
    ends = np.stack([shapely.get_coordinates(inside[a]), shapely.get_coordinates(inside[b])], axis=1)
    open_way = ~shapely.intersects(shapely.linestrings(ends), wall)
    links = np.c_[a, b][touching & open_way]
    row = {name: i for i, name in enumerate(units["unit_id"])}
    links = np.vstack([links, [[row[x], row[y]] for x, y, _ in report["bridges"]]])
    ids = plan["grid_id"].to_numpy()
    same = ids[links[:, 0]] == ids[links[:, 1]]
    graph = coo_matrix((np.ones(same.sum()), links[same].T.astype(int)), (len(ids), len(ids)))
    assert connected_components(graph, directed=False)[0] == len(set(ids)) == len(grid) == report["grids"]
    assert plan.groupby("grid_id")["community"].nunique().max() == 1
    size = plan.groupby("grid_id")["households"].sum()
    assert grid.set_index("grid_id")["households"].to_dict() == size.to_dict()
    in_band = size.between(FLOOR, CEILING)
    assert grid.set_index("grid_id")["in_band"].astype(bool).to_dict() == in_band.to_dict()
    assert (report["units"], report["households"]) == (len(units), units["households"].sum())
    assert report["grids_in_band"] == in_band.sum()
    assert report["households_in_band_ratio"] == pytest.approx(size[in_band].sum() / size.sum())
    assert report["disconnected_grids"] == 0
    for code, outline in zip(grid["grid_id"], grid.to_crs(4547).geometry, strict=True):
        assert outline.area == pytest.approx(shapely.area(metric[ids == code]).sum(), rel=1e-6)
    return plan


@pytest.mark.parametrize("mode", ["redraw", "adjust"])
@pytest.mark.parametrize("compound", [(), ("--compound", "compound")])
def test_a_small_town_from_file_to_file(tmp_path, capsys, mode, compound):
    town, out = tmp_path / "town.gpkg", tmp_path / "out.gpkg"
    make_town(town)
    code, report = run(capsys, *town_options(town), "--mode", mode, *compound, "-o", out)
    assert code == 0
    plan = check_files(town, out, report)
    assert report["infeasible"] == []
    assert report["grids_in_band"] == report["grids"]
    ((_, lone, gap_m),) = [b for b in report["bridges"] if b[1] == "U144"]
    assert (lone, gap_m) == ("U144", 60.0)
    if compound:
        assert plan.groupby(["community", "compound"])["grid_id"].nunique().max() == 1
    kept = set(plan["grid_id"]) & set(plan["incumbent"])
    assert bool(kept) == (mode == "adjust")
    size = plan.groupby("incumbent")["households"].sum()
    must_move = (size - CEILING).clip(lower=0).sum()
    assert must_move > 0
    assert report["moved_households"] >= must_move
    if mode == "adjust" and not compound:
        chain = sum(pass_along(size[size.index.str.startswith(code)].tolist()) for code in COMMUNITIES)
        assert report["moved_households"] <= 1.1 * chain


def test_workers_do_not_change_the_plan(tmp_path, capsys):
    """The same town solved here and by two dask processes."""
    town = tmp_path / "town.gpkg"
    make_town(town)
    alone = run(capsys, *town_options(town), "-o", tmp_path / "1.gpkg")[1]
    pair = run(capsys, *town_options(town), "--workers", 2, "-o", tmp_path / "2.gpkg")[1]
    alone.pop("seconds")
    pair.pop("seconds")
    assert pair == alone
    one, two = (gpd.read_file(tmp_path / name, layer="unit") for name in ("1.gpkg", "2.gpkg"))
    assert one["grid_id"].tolist() == two["grid_id"].tolist()


def test_the_report_for_people_says_the_figures_and_the_reasons(tmp_path, capsys):
    town, out = tmp_path / "town.gpkg", tmp_path / "out.gpkg"
    lots = gpd.GeoDataFrame(
        {"id": ["A", "B"], "n": [100, 900]}, geometry=[shapely.box(0, 0, 20, 20), shapely.box(20, 0, 40, 20)], crs=4547
    )
    pyogrio.write_dataframe(lots, town, layer="unit", driver="GPKG")
    assert main(["rebalance", str(town), "--households", "n", "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "0 / 2" in said
    assert "第 2 行单元有 900 户，超过上限 800 户" in said
    assert "不足下限 400 户" in said
    assert main(["rebalance", str(town), "--id", "id", "--households", "n", "-o", str(out)]) == 0
    assert "单元 B有 900 户，超过上限 800 户" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--households", "n"], "there is no column n"),
        (["--households", "households", "--within", "w"], "there is no column w"),
        (
            ["--households", "households", "--id", "community"],
            "row 2, community: 420204004001 is missing or given before",
        ),
        (["--households", "households", "--floor", "900"], "floor 900"),
        (["--households", "compound"], "row 1, compound: B00 is not a number >= 0"),
        (["--households", "households", "--barriers", "no.gpkg"], "there is no file no.gpkg"),
        (["--households", "households", "--layer", "roads"], "has no layer roads"),
    ],
)
def test_bad_input_is_one_sentence_exit_code_2_and_no_file(tmp_path, capsys, arguments, message):
    town, out = tmp_path / "town.gpkg", tmp_path / "out.gpkg"
    make_town(town)
    code, report = run(capsys, town, *arguments, "-o", out)
    assert code == 2
    assert message in report["error"]
    assert not out.exists()
