"""Several imports from one TOML file, the categories, and the command line's words."""

import json

import geopandas as gpd
import pyogrio
import pytest
import shapely
from click.testing import CliRunner
from rich.console import Console
from sqlalchemy import text

from data.commands.imports import SHOWN_FAULTS, command, show
from data.errors import BadInputError
from data.imports.batch import run_imports
from data.imports.importer import import_file
from data.imports.reference import load_categories


@pytest.fixture
def city(tmp_path):
    """One file with two layers: an area and two sites, one of which is wanted."""
    path = tmp_path / "city.gpkg"
    square = gpd.GeoDataFrame({"n": ["城"]}, geometry=[shapely.box(114, 30, 114.1, 30.1)], crs=4326)
    sites = gpd.GeoDataFrame(
        {"id": [1, 2], "label": ["甲", "乙"], "open": ["y", None]},
        geometry=[shapely.Point(114.01, 30.01), shapely.Point(114.02, 30.02)], crs=4326,
    )  # fmt: skip
    pyogrio.write_dataframe(square, path, layer="border")
    pyogrio.write_dataframe(sites, path, layer="site", append=True)
    return path


def test_tables_run_in_order(clean, tmp_path, city):
    toml = tmp_path / "import.toml"
    toml.write_text(
        '[[import]]\nlayer = "district"\nsource = "border"\nprefix = "x"\nmap = { name = "n" }\n'
        'constants = { code = "city" }\n'
        '[[import]]\nlayer = "station"\nsource = "site"\nprefix = "x"\nmap = { code = "id", name = "label" }\n'
        'constants = { tier = "basic" }\nwhere = { open = ["y"] }\n',
        "utf-8",
    )
    reports = run_imports(toml, clean, city)
    assert [(one.layer, one.added) for one in reports] == [("district", 1), ("station", 1)]
    assert [one.unchanged for one in run_imports(toml, clean, city)] == [1, 1]
    with clean.connect() as connection:
        assert connection.execute(text("SELECT code, path::text FROM facility")).all() == [("x1", "xcity")]


def test_a_failed_table_stops_the_rest(clean, tmp_path, city):
    toml = tmp_path / "import.toml"
    entry = '[[import]]\nlayer = "station"\nsource = "site"\nmap = { code = "id", name = "label" }\n'
    toml.write_text(entry + entry, "utf-8")
    reports = run_imports(toml, clean, city)
    assert len(reports) == 1
    assert reports[0].faults[0].problem == "lies in no known area: import areas first"
    toml.write_text('[[import]]\nlayer = "station"\nsource = "site"\ncolour = "red"\n', "utf-8")
    with pytest.raises(BadInputError, match="import 1: unknown key colour"):
        run_imports(toml, clean, city)
    toml.write_text("[[import", "utf-8")
    with pytest.raises(BadInputError, match=r"import\.toml cannot be read"):
        run_imports(toml, clean, city)


def test_categories_are_loaded_once(clean):
    with clean.begin() as connection:
        count = load_categories(connection)
        assert count == connection.execute(text("SELECT count(*) FROM category")).scalar_one() > 0
        assert load_categories(connection) == 0
        connection.execute(text("UPDATE category SET name = 'x' WHERE parent IS NOT NULL"))
        assert load_categories(connection) > 0


def test_the_report_is_bounded_on_the_screen(town, tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("code,name,lon,lat\n" + "".join(f"s{n},[b]x,114.01,95\n" for n in range(60)), "utf-8")
    report = import_file(town, str(path), "station")
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    show(report, console)
    console.file.close()
    lines = console.export_text().splitlines()
    assert sum("lies off the earth" in line for line in lines) == SHOWN_FAULTS
    assert f"the first {SHOWN_FAULTS} of 60 faults; --json lists more" in lines
    assert any(line.split() == ["60", "error", "geometry", "out_of_range"] for line in lines)
    assert lines[-1] == "station: 60 rows read, 60 errors, nothing written"
    assert len(json.loads(json.dumps(report.to_json()))["faults"]) == 60


def test_options_are_checked_before_anything_is_read(tmp_path):
    result = CliRunner().invoke(command, [str(tmp_path / "a.csv"), "--layer", "unit", "--map", "code"])
    assert isinstance(result.exception, BadInputError)
    assert str(result.exception) == "'code' is not of the form NAME=VALUE"
