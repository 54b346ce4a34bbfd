"""A plan goes out as a file and comes back as a draft: the same units in the same grids, under the same names.

The plan: D1S1C1's four units in grids "A-1" (G1U1, G1U2, G2U1) and "乙 2" (G2U2 stays without a grid in one test).
"""

import io
import sqlite3
import zipfile

import geopandas as gpd
import pyogrio
import pytest
from sqlalchemy import text

PLAN = {"D1S1C1G1U1": "A-1", "D1S1C1G1U2": "A-1", "D1S1C1G2U1": "A-1", "D1S1C1G2U2": "乙 2"}
NAMES = {"A-1": '东"一",格', "乙 2": None}
KINDS = ("gpkg", "shp", "csv")


def csv_of(plan: dict, header: str = "unit,grid") -> bytes:
    return "\n".join([header, *(f"{unit},{grid or ''}" for unit, grid in plan.items()), ""]).encode()


def send(planner, content: bytes, within: str = "D1S1C1", **query):
    return planner.post("/api/plans/import", content=content, params={"within": within, **query})


@pytest.fixture
def planner(client):
    return client("planner")


@pytest.fixture
def stored(fetch):
    """What the database holds of a plan: unit to grid, grid to name, and the plan's own facts."""

    def ask(plan_id: int) -> tuple[dict, dict, tuple]:
        units = fetch(
            "SELECT u.code, g.code FROM plan_assignment x JOIN unit u ON u.id = x.unit_id "
            "JOIN grid g ON g.id = x.grid_id WHERE x.plan_id = :id",
            id=plan_id,
        )
        grids = fetch("SELECT code, name FROM grid WHERE plan_id = :id", id=plan_id)
        facts = fetch(
            "SELECT p.name, p.parameters, p.seed, p.locks, s.code FROM plan p JOIN grid_scheme s ON s.id = p.scheme_id "
            "WHERE p.id = :id",
            id=plan_id,
        )
        return dict(map(tuple, units)), dict(map(tuple, grids)), tuple(facts[0])

    return ask


@pytest.fixture
def plan_id(planner, town) -> int:
    """The plan, with everything a plan can have that is its own."""
    made = send(planner, csv_of(PLAN), name="秋季 方案")
    assert made.status_code == 201, made.text
    with town.begin() as connection:
        for code, name in NAMES.items():
            connection.execute(
                text("UPDATE grid SET name = :name WHERE plan_id = :id AND code = :code"),
                {"id": made.json()["id"], "code": code, "name": name},
            )
        connection.execute(
            text(
                "UPDATE plan SET seed = 7, "
                'parameters = parameters || \'{"floor": 300, "ceiling": 500, "target": 420}\' '
                '|| \'{"scheme": "steward-grid"}\', '
                'locks = \'{"grids": ["A-1"], "units": ["D1S1C1G2U2"]}\', '
                "scheme_id = (SELECT id FROM grid_scheme WHERE code = 'steward-grid') WHERE id = :id"
            ),
            {"id": made.json()["id"]},
        )
    return int(made.json()["id"])


def test_an_equivalence_file_becomes_a_draft(planner, plan_id, stored, fetch) -> None:
    """700 households in the first grid (600 + 100): its outline holds its three buildings and no other."""
    plan = planner.get(f"/api/plans/{plan_id}").json()
    assert (plan["status"], plan["name"], plan["within"], plan["created_by"]) == (
        "draft",
        "秋季 方案",
        "D1S1C1",
        "planner",
    )
    assert stored(plan_id)[0] == PLAN
    grids = planner.get(f"/api/plans/{plan_id}/grids").json()["features"]
    assert {one["properties"]["code"]: one["properties"]["households"] for one in grids} == {"A-1": 700, "乙 2": 100}
    inside = fetch(
        "SELECT g.code, u.code FROM grid g JOIN unit u ON ST_Contains(g.geom, ST_PointOnSurface(u.geom)) "
        "WHERE g.plan_id = :id",
        id=plan_id,
    )
    assert {unit: grid for grid, unit in inside} == PLAN
    cover = fetch(
        "SELECT ST_Area(ST_Union(g.geom)) / ST_Area(a.geom) FROM grid g, area a "
        "WHERE g.plan_id = :id AND a.code = 'D1S1C1' GROUP BY a.geom",
        id=plan_id,
    )
    assert cover[0][0] == pytest.approx(1, abs=1e-6)
    assert fetch("SELECT action FROM audit_event WHERE action = 'plan.import'")


@pytest.mark.parametrize("kind", KINDS)
def test_a_round_trip_loses_nothing(planner, plan_id, stored, kind) -> None:
    """A CSV holds the assignment and the names; the other two the band, seed, scheme and locks too."""
    answer = planner.get(f"/api/plans/{plan_id}/export/{kind}")
    assert answer.status_code == 200
    assert "filename*=UTF-8''%E7%A7%8B" in answer.headers["content-disposition"]
    back = send(planner, answer.content)
    assert back.status_code == 201, back.text
    before, after = stored(plan_id), stored(back.json()["id"])
    assert after[:2] == before[:2]
    assert before[1] == NAMES
    if kind != "csv":
        assert after[2] == before[2]
        assert back.json()["parameters"]["ceiling"] == 500
    again = planner.get(f"/api/plans/{back.json()['id']}/export/csv").content
    assert again == planner.get(f"/api/plans/{plan_id}/export/csv").content


@pytest.mark.parametrize("kind", KINDS)
def test_units_without_a_grid_stay_without(planner, stored, kind) -> None:
    unfinished = {**PLAN, "D1S1C1G2U2": None}
    first = send(planner, csv_of(unfinished)).json()
    assert first["metrics"]["units_unassigned"] == 1
    back = send(planner, planner.get(f"/api/plans/{first['id']}/export/{kind}").content)
    assert back.status_code == 201, back.text
    assert stored(back.json()["id"])[0] == {unit: grid for unit, grid in unfinished.items() if grid}


@pytest.mark.parametrize("kind", KINDS)
def test_points_and_polygons_travel_together(planner, town, stored, kind) -> None:
    with town.begin() as connection:
        connection.execute(text("UPDATE unit SET geom = ST_Centroid(geom) WHERE code = 'D1S1C1G1U1'"))
    first = send(planner, csv_of(PLAN)).json()["id"]
    back = send(planner, planner.get(f"/api/plans/{first}/export/{kind}").content)
    assert back.status_code == 201, back.text
    assert stored(back.json()["id"])[0] == PLAN


def test_a_shapefile_says_its_encoding_and_comes_back_in_gbk(planner, plan_id, stored, tmp_path) -> None:
    """A desktop program saves the same rows in GBK, without a .cpg, and what it does not know is gone."""
    with zipfile.ZipFile(io.BytesIO(planner.get(f"/api/plans/{plan_id}/export/shp").content)) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path)
    assert {"unit.shp", "unit.dbf", "unit.cpg", "unit.prj", "grid.shp", "grid.cpg", "plan.json"} <= names
    assert (tmp_path / "unit.cpg").read_text() == (tmp_path / "grid.cpg").read_text() == "UTF-8"
    gbk = tmp_path / "gbk"
    gbk.mkdir()
    for name in ("unit", "grid"):
        pyogrio.write_dataframe(gpd.read_file(tmp_path / f"{name}.shp"), gbk / f"{name}.shp", encoding="gbk")
        (gbk / f"{name}.cpg").unlink()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in gbk.iterdir():
            archive.write(path, f"方案/{path.name}")
    back = send(planner, packed.getvalue(), name="GBK")
    assert back.status_code == 201, back.text
    assert stored(back.json()["id"])[:2] == stored(plan_id)[:2]


def test_a_gbk_csv_is_read(planner, stored) -> None:
    back = send(planner, csv_of(PLAN).decode().encode("gbk"))
    assert stored(back.json()["id"])[0] == PLAN


def test_the_geopackage_opens_in_other_programs(planner, plan_id, tmp_path) -> None:
    path = tmp_path / "plan.gpkg"
    path.write_bytes(planner.get(f"/api/plans/{plan_id}/export/gpkg").content)
    units, grids = gpd.read_file(path, layer="unit"), gpd.read_file(path, layer="grid")
    assert dict(zip(units["code"], units["grid_id"], strict=True)) == PLAN
    assert grids[["grid_id", "households", "units", "in_band"]].values.tolist() == [
        ["A-1", 700, 3, False], ["乙 2", 100, 1, False],
    ]  # fmt: skip
    assert grids.crs.to_epsg() == 4326
    assert set(grids.geom_type) == {"MultiPolygon"}


def view_of_numbers(path) -> bytes:
    """A GeoPackage whose layer `unit` is a view that never ends."""
    gpd.GeoDataFrame({"code": ["a"]}, geometry=gpd.points_from_xy([0], [0]), crs=4326).to_file(path, layer="unit")
    file = sqlite3.connect(path)
    file.execute("DROP TABLE unit")
    file.execute(
        "CREATE VIEW unit AS WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n) SELECT x AS fid FROM n"
    )
    file.commit()
    file.close()
    return path.read_bytes()


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


FAULTS = {
    "nothing": (b"", "the file is empty"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "the file is no GeoPackage, no zipped Shapefile and no CSV"),
    "a broken zip": (b"PK\x03\x04 and no more", "the zip archive is damaged or encrypted and cannot be unpacked"),
    "a broken GeoPackage": (b"SQLite format 3\x00 and no more", "the GeoPackage is damaged"),
    "no units": (b"unit,grid\n", "plan.csv has no rows"),
    "no column": (
        csv_of(PLAN, "unit,colour"),
        "plan.csv has no column grid_id (or grid, 网格编码, 新网格编码); it has unit, colour",
    ),
    "no code": (csv_of({**PLAN, "": "A-1"}), "plan.csv, row 6, unit: is missing"),
    "a unit twice": (
        csv_of(PLAN) + b"D1S1C1G1U1,A-1\n",
        "plan.csv, row 6, unit: D1S1C1G1U1 comes a second time, after row 2",
    ),
    "a stranger": (csv_of({**PLAN, "D1S1C2G1U1": "A-1"}), "plan.csv, row 6, unit: D1S1C2G1U1 is no unit of D1S1C1"),
    "too few": (
        csv_of({"D1S1C1G1U1": "A-1"}),
        "plan.csv lacks 3 of the 4 units of D1S1C1, the first is D1S1C1G1U2; "
        "give every unit, with an empty grid where it has none",
    ),
    "a long code": (
        csv_of({**PLAN, "D1S1C1G1U1": "A" * 65}),
        f"plan.csv, row 2, grid: {'A' * 59}… is longer than 64 characters or not printable",
    ),
    "a way out": (zipped(**{"../unit.shp": b""}), "the zip archive holds '../unit.shp', a name that leads out of it"),
    "a way from the root": (
        zipped(**{"/etc/unit.shp": b""}),
        "the zip archive holds '/etc/unit.shp', a name that leads out of it",
    ),
    "no shapes": (zipped(**{"read.me": b""}), "the zip archive has no unit.shp"),
    "many files": (zipped(**{f"{n}.shp": b"" for n in range(65)}), "the zip archive holds 65 files, more than 64"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_file_is_refused_in_one_sentence(planner, fetch, fault) -> None:
    content, sentence = FAULTS[fault]
    answer = send(planner, content)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input"), answer.text
    assert answer.json()["detail"] == sentence
    assert fetch("SELECT count(*) FROM plan WHERE path = 'D1.D1S1.D1S1C1'")[0][0] == 0


def test_a_zip_bomb_is_refused_before_it_goes_off(planner, monkeypatch) -> None:
    """The archive has 4 kB and would unpack to 4 MB; the limit, 500 MB otherwise, is 1 MB here."""
    monkeypatch.setattr("data.exchange.unpacking.MAX_UNPACKED_BYTES", 1_000_000)
    bomb = zipped(**{"unit.dbf": b"\x00" * 4_000_000})
    assert len(bomb) < 10_000
    answer = send(planner, bomb)
    assert (answer.status_code, answer.json()["detail"]) == (400, "the zip archive unpacks to 4 MB, more than 1 MB")


def test_a_grid_in_two_communities_is_refused(planner) -> None:
    units = [f"D1S1C{c}G{g}U{u}" for c in (1, 2) for g in (1, 2) for u in (1, 2)]
    answer = send(planner, csv_of(dict.fromkeys(units, "X")), within="D1S1")
    assert answer.json()["detail"] == (
        "plan.csv, row 6, grid: X has units of D1S1C1 and of D1S1C2; a grid lies in one community"
    )


def test_a_view_in_a_geopackage_is_refused(planner, tmp_path) -> None:
    answer = send(planner, view_of_numbers(tmp_path / "view.gpkg"))
    assert (answer.status_code, answer.json()["detail"]) == (400, "the GeoPackage has no layer unit")


def test_a_text_too_long_for_a_shapefile_is_named(planner, plan_id, town) -> None:
    with town.begin() as connection:
        connection.execute(text("UPDATE unit SET name = repeat('长', 90) WHERE code = 'D1S1C1G1U1'"))
    answer = planner.get(f"/api/plans/{plan_id}/export/shp")
    assert (answer.status_code, answer.json()["detail"]) == (
        400, "name of unit D1S1C1G1U1 is 270 bytes long, more than the 254 of a Shapefile; export to .gpkg",
    )  # fmt: skip
    assert planner.get(f"/api/plans/{plan_id}/export/gpkg").status_code == 200


def test_scope_and_size(planner, client, app) -> None:
    assert send(planner, csv_of(PLAN), within="D2S1C1").status_code == 403
    assert send(planner, csv_of(PLAN), within="nowhere").status_code == 404
    assert send(client("worker"), csv_of(PLAN)).status_code == 403
    assert planner.get("/api/plans/999999/export/csv").status_code == 404
    limit = app.state.context.settings.upload_limit_mb * 1_000_000
    too_large = planner.post(
        "/api/plans/import", params={"within": "D1S1C1"}, content=b"x", headers={"content-length": str(limit + 1)}
    )
    assert (too_large.status_code, too_large.json()["code"]) == (413, "too_large")
