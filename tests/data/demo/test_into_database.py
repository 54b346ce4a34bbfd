"""Both demo cities go through the same import as a user's files."""

from pathlib import Path

import geopandas as gpd
import pytest
from sqlalchemy import Engine, text

import data.demo.cambridge
from data.demo.xialu.city import write_layers
from data.imports.batch import run_imports
from data.imports.importer import import_file
from data.imports.options import ImportOptions
from data.imports.reference import load_categories

CAMBRIDGE = Path(data.demo.cambridge.__file__).parent


def test_sample_city_imports_without_a_fault(clean: Engine, city: dict[str, gpd.GeoDataFrame], tmp_path: Path) -> None:
    path = tmp_path / "xialu.gpkg"
    write_layers(path, city)
    with clean.begin() as connection:
        load_categories(connection)
    for layer, frame in city.items():
        report = import_file(clean, f"{path}:{layer}", layer)
        assert (layer, report.added, report.faults) == (layer, len(frame), ())
    with clean.connect() as connection:
        by_grid = {row.code: row.households for row in connection.execute(text("SELECT code, households FROM grid"))}
    wanted = city["unit"].groupby("grid").households.sum()
    assert by_grid == {code: int(wanted.get(code, 0)) for code in city["grid"].code}


def test_cambridge_imports_and_tells_its_faults(clean: Engine) -> None:
    """Eight invalid car parks are repaired with a warning each; no household is lost: 22 lie in no neighbourhood."""
    reports = run_imports(CAMBRIDGE / "import.toml", clean, CAMBRIDGE / "cambridge.gpkg")
    assert [fault for report in reports for fault in report.faults if fault.severity == "error"] == []
    assert len(reports) == 16
    assert sum(report.added for report in reports if report.layer == "unit") == 13_077
    (lots,) = [report for report in reports if report.source.endswith("parking_lot")]
    assert [(c.kind, c.count) for c in lots.fault_counts] == [("repaired", 8)]
    with clean.connect() as connection:
        found = connection.execute(
            text("SELECT sum(households), sum(households) FILTER (WHERE nlevel(path) = 1) FROM unit")
        ).one()
    assert tuple(found) == (41_887, 22)


@pytest.mark.parametrize(("field", "column"), [("floors", "stories"), ("built_year", "year_built")])
def test_a_fault_of_cambridge_refuses_the_file(clean: Engine, field: str, column: str) -> None:
    """Half storeys and the year 0 are told row by row when a user maps them, and nothing is written."""
    district = ImportOptions(constants={"code": "camcity", "name": "Cambridge"})
    import_file(clean, f"{CAMBRIDGE / 'cambridge.gpkg'}:city_boundary", "district", district)
    columns = {"code": "ML", "households": "dwelling_units", field: column}
    options = ImportOptions(prefix="cam", columns=columns, where={"in_city": ("yes",)})
    report = import_file(clean, f"{CAMBRIDGE / 'cambridge.gpkg'}:parcel", "unit", options)
    assert not report.is_written
    assert {fault.field for fault in report.faults} == {field}
