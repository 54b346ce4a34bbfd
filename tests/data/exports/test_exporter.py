"""What an export refuses and keeps safe (the town of tests/data/conftest.py)."""

import json

import pyogrio
import pytest
from sqlalchemy import text

from data.errors import BadInputError, NotFoundError
from data.exports.columns import list_text
from data.exports.exporter import ExportOptions, export_file
from data.exports.formats import DBF_TEXT_BYTES
from data.imports.mapping import SHORT_NAME_CHARS, short_names
from data.imports.values import _array
from layers.registry import LAYERS


def test_within_an_area_or_a_grid(town, tmp_path):
    path = tmp_path / "u.geojson"
    assert export_file(town, "unit", path, ExportOptions(within="S1")).rows == 4
    assert export_file(town, "unit", path, ExportOptions(within="C3")).rows == 1
    assert export_file(town, "incident", path, ExportOptions(within="G11")).rows == 1
    assert [one["properties"]["code"] for one in json.loads(path.read_text("utf-8"))["features"]] == ["20260501-1"]
    with pytest.raises(NotFoundError, match="no area or grid with the code X"):
        export_file(town, "unit", path, ExportOptions(within="X"))


def test_every_field_is_there_and_codes_stay_text(town, tmp_path):
    path = tmp_path / "g.gpkg"
    export_file(town, "grid", path)
    frame = pyogrio.read_dataframe(path, layer="grid")
    assert list(frame.columns) == [
        "code", "name", "community", "households", "state", "floor", "ceiling", "compactness", "geometry",
    ]  # fmt: skip
    assert frame.set_index("code")["households"].to_dict()["G11"] == 450
    assert frame.crs.to_epsg() == 4326


def test_a_shapefile_holds_one_kind_of_geometry_and_short_texts(town, tmp_path):
    with pytest.raises(BadInputError, match="unit has points and polygons; a Shapefile holds one kind"):
        export_file(town, "unit", tmp_path / "u.shp")
    with town.begin() as connection:
        connection.execute(text("UPDATE facility SET address = :long WHERE code = 'P1'"), {"long": "长" * 85})
    with pytest.raises(BadInputError, match=f"address of station P1 is 255 bytes long, more than the {DBF_TEXT_BYTES}"):
        export_file(town, "station", tmp_path / "s.shp")
    assert export_file(town, "station", tmp_path / "s.shp", ExportOptions(encoding="gbk")).rows == 2
    with town.begin() as connection:
        connection.execute(text("UPDATE facility SET address = '🙂' WHERE code = 'P1'"))
    with pytest.raises(BadInputError, match="address of station P1 has the character '🙂', which GBK lacks"):
        export_file(town, "station", tmp_path / "s.shp", ExportOptions(encoding="gbk"))


def test_a_failed_export_leaves_the_old_file_and_nothing_else(town, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "u.shp"
    path.write_text("old")
    with pytest.raises(BadInputError):
        export_file(town, "unit", path)
    assert [(one.name, one.read_text()) for one in folder.iterdir()] == [("u.shp", "old")]


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("a.kml", {}, "must end in one of .gpkg, .geojson, .shp, .csv, .parquet"),
        ("no/a.csv", {}, "there is no directory"),
        ("a.csv", {"crs": "EPSG:3857"}, "the CRS EPSG:3857 is not one of EPSG:4326, EPSG:4490"),
        ("a.csv", {"encoding": "latin-1"}, "the encoding latin-1 is not one of utf-8, gbk"),
    ],
)
def test_what_cannot_be_exported_is_said(clean, tmp_path, name, options, said):
    with pytest.raises(BadInputError, match=said):
        export_file(clean, "unit", tmp_path / name, ExportOptions(**options))


def test_the_density_is_no_rows(clean, tmp_path):
    with pytest.raises(BadInputError, match="export incident instead"):
        export_file(clean, "incident_density", tmp_path / "a.csv")


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".csv", ".parquet"])
def test_an_empty_layer_is_an_empty_file(clean, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    assert export_file(clean, "station", path).rows == 0
    assert path.stat().st_size > 0


def test_short_names_can_be_told_apart():
    for layer in LAYERS:
        names = short_names(layer)
        assert len(set(names.values())) == len(names), layer.name
        assert all(len(short) <= SHORT_NAME_CHARS for short in names.values())


def test_lists_survive_as_text():
    """An item with a semicolon, an edge blank or a bracket goes as JSON; both spellings read back to the same array."""
    for items, written, array in [
        (["饮水", "充电"], "饮水;充电", '{"饮水","充电"}'),
        (["a;b", "c"], '["a;b", "c"]', '{"a;b","c"}'),
        (["[x]"], '["[x]"]', '{"[x]"}'),
        (['say "hi"'], 'say "hi"', '{"say \\"hi\\""}'),
    ]:
        assert list_text(items) == written
        assert _array(written) == array
    assert list_text([]) is None
