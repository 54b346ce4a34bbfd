"""Export then import gives the same rows: every layer, every format, nothing announced."""

import pytest
from sqlalchemy import text

from data.exports.exporter import ExportOptions, export_file
from data.imports.importer import import_file
from data.imports.options import ImportOptions

LAYERS = (
    "district", "street", "community", "compound", "grid", "unit",
    "road", "barrier", "station", "sorting_zone", "incident",
)  # fmt: skip


def contents(engine):
    """Every row of every table that import writes, as text, identities left out."""
    tables = ("area", "compound", "grid", "unit", "road", "barrier", "facility", "sorting_zone", "incident")
    with engine.connect() as connection:
        return {
            name: connection.execute(text(f"SELECT (to_jsonb(t) - 'id')::text FROM {name} t ORDER BY code")).all()
            for name in tables
        }


def outbox_count(engine):
    with engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM outbox")).scalar_one()


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".csv", ".parquet"])
def test_importing_an_export_changes_nothing(town, tmp_path, suffix):
    before, announced = contents(town), outbox_count(town)
    for layer in LAYERS:
        if (layer, suffix) == ("unit", ".shp"):
            continue  # polygons and points: refused, see below
        path = tmp_path / f"{layer}_again{suffix}"
        rows = export_file(town, layer, path).rows
        report = import_file(town, str(path), layer)
        assert report.faults == (), (layer, report.faults)
        assert (report.added, report.changed, report.unchanged) == (0, 0, rows), layer
    assert contents(town) == before
    assert outbox_count(town) == announced


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".csv", ".parquet"])
def test_an_export_fills_an_empty_database(town, tmp_path, suffix):
    """The same rows come back where there was nothing, derived ones (households, paths, grids) included."""
    before = contents(town)
    paths = {}
    for layer in LAYERS:
        suffix_of = ".gpkg" if (layer, suffix) == ("unit", ".shp") else suffix
        paths[layer] = tmp_path / f"{layer}_again{suffix_of}"
        export_file(town, layer, paths[layer])
    with town.begin() as connection:
        connection.execute(
            text(
                "TRUNCATE area, compound, grid, plan, unit, road, barrier, facility, sorting_zone, incident "
                "RESTART IDENTITY CASCADE"
            )
        )
    for layer, path in paths.items():
        report = import_file(town, str(path), layer)
        assert report.faults == (), (layer, report.faults)
    assert contents(town) == before


@pytest.mark.parametrize("suffix", [".shp", ".csv"])
def test_gbk_text_comes_back(town, tmp_path, suffix):
    path = tmp_path / f"station{suffix}"
    export_file(town, "station", path, ExportOptions(encoding="gbk"))
    raw = path.with_suffix(".dbf" if suffix == ".shp" else ".csv").read_bytes()
    assert "初心驿站一号".encode("gbk") in raw
    assert import_file(town, str(path), "station").unchanged == 2
    if suffix == ".shp":
        path.with_suffix(".cpg").unlink()
        report = import_file(town, str(path), "station")
        assert report.unchanged == 2
        assert "station.shp has no .cpg; its text is read as GBK" in report.assumptions


def test_cgcs2000_is_a_label_on_the_same_numbers(town, tmp_path):
    path = tmp_path / "u.gpkg"
    export_file(town, "unit", path, ExportOptions(crs="EPSG:4490"))
    report = import_file(town, str(path), "unit")
    assert report.unchanged == 6
    assert any("China Geodetic" in note or "CGCS" in note for note in report.assumptions)


def test_a_dry_run_counts_and_writes_nothing(town, tmp_path):
    path = tmp_path / "s.csv"
    export_file(town, "station", path)
    path.write_text(path.read_text("utf-8-sig").replace("中路1号", "中路2号"), "utf-8")
    before = contents(town)
    report = import_file(town, str(path), "station", ImportOptions(is_dry_run=True))
    assert (report.changed, report.unchanged, report.is_written) == (1, 1, False)
    assert contents(town) == before
