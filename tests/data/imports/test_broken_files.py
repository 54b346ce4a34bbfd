"""Broken files: one clear sentence each, that names what is wrong."""

import gzip
import json
import warnings

import geopandas as gpd
import openpyxl
import pyogrio
import pytest
import shapely

from data.errors import BadInputError
from data.imports.importer import import_file
from data.imports.options import ImportOptions

ROW = "code,name,lon,lat\na,甲,114.01,30.01\n"


def frame(**columns):
    n = len(next(iter(columns.values()), [0]))
    return gpd.GeoDataFrame(columns, geometry=[shapely.Point(114.01, 30.01)] * n, crs=4326)


def refusal(engine, path, layer="station", **options):
    with pytest.raises(BadInputError) as caught:
        import_file(engine, str(path), layer, ImportOptions(**options))
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"code,name,lon,lat\n", "a.csv has no rows"),
        ("a.csv", b"code,code,lon,lat\na,b,1,2\n", "more than one column code"),
        ("a.csv", b"code,name,lon,lat\na,b,1\n", "cannot be read as CSV: Row #2: Expected 4 columns, got 3"),
        ("a.csv", b"code,name,lon\na,b,1\n", "no columns hold the place"),
        ("a.csv", b"name,lon,lat\nb,1,2\n", "no column fills the required field code"),
        ("a.csv", b"x" * 9_000_000, "has no header that can be read"),
        ("a.csv", b"code,name,lon,lat\na," + b"x" * 5_000_000 + b",1,2\n", "a row longer than 1 MB"),
        ("a.csv", ROW.encode() + b"b,\xff\xff\xff,1,2\n", "is not GBK text throughout"),
        ("a.csv.gz", gzip.compress(ROW.encode() * 99, mtime=0)[:-20], "a.csv.gz is damaged"),
        ("a.csv.gz", b"no gzip", "a.csv.gz is damaged"),
        ("a.gpkg", b"not a database", "damaged or no .gpkg file"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [', "damaged"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": []}', "has no"),
        ("a.parquet", b"PAR1 not", "no GeoParquet file"),
        ("a.xlsx", b"PK not a zip", "no XLSX workbook"),
        ("a.txt", b"hello", "of no known format"),
    ],
)
def test_a_broken_file_is_refused(clean, tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    assert said in refusal(clean, tmp_path / name)


def test_what_is_not_there_is_named(clean, tmp_path):
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(frame(code=["a"], name=["b"]), path, layer="site")
    assert "there is no file" in refusal(clean, tmp_path / "no.gpkg")
    assert "is a directory" in refusal(clean, tmp_path)
    assert "has no layer sites; it has site" in refusal(clean, f"{path}:sites")
    assert "there is no column nom; the columns are code, name" in refusal(clean, path, columns={"name": "nom"})
    assert "no field nom that a file can give" in refusal(clean, path, columns={"nom": "name"})
    assert "there is no column use" in refusal(clean, path, where={"use": ("x",)})
    assert "no row has name = x or y" in refusal(clean, path, where={"name": ("x", "y")})
    assert "the CRS EPSG:0 is unknown" in refusal(clean, path, crs="EPSG:0")


def test_a_truncated_geopackage(clean, tmp_path):
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(frame(code=[f"c{n}" for n in range(5000)], name=["x" * 50] * 5000), path)
    path.write_bytes(path.read_bytes()[:200_000])
    assert "damaged" in refusal(clean, path)


def test_a_shapefile_without_its_parts(clean, tmp_path):
    path = tmp_path / "a.shp"
    metres = frame(code=["a"], name=["甲"]).to_crs(4547)
    pyogrio.write_dataframe(metres, path, encoding="utf-8")
    path.with_suffix(".prj").unlink()
    assert "does not say its coordinate reference system and (" in refusal(clean, path)
    assert "in metres; gcj02 is for degrees" not in refusal(clean, path)
    path.with_suffix(".cpg").unlink()
    path.with_suffix(".dbf").unlink()
    assert "has no a.dbf beside it" in refusal(clean, path)


def test_a_datum_is_no_name_for_metres(clean, tmp_path):
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(frame(code=["a"], name=["b"]).to_crs(4547), path)
    assert "in metres; gcj02 is for degrees" in refusal(clean, path, crs="gcj02")


def test_the_wrong_encoding_is_said(clean, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(("code,name,lon,lat\n" + "a,驿站,114.01,30.01\n").encode("gbk"))
    assert "is not UTF-8 text throughout" in refusal(clean, path, encoding="utf-8")
    assert "the encoding latin-1 is unknown; it must be utf-8 or gbk" in refusal(clean, path, encoding="latin-1")


def test_nan_coordinates_and_marks(town, tmp_path):
    """A byte order mark is no part of the first name; NaN and inf are no coordinates."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfcode,name,lon,lat\na,x,NaN,30\nb,x,114.01,inf\nc,x,114.01,30.01\n")
    report = import_file(town, str(path), "station")
    assert [(one.row, one.field) for one in report.faults] == [
        (2, "lon"), (3, "lat"), (2, "geometry"), (3, "geometry"),
    ]  # fmt: skip
    features = [{"type": "Feature", "properties": {"code": "a", "name": "x"}, "geometry": None}]
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert import_file(town, str(tmp_path / "a.geojson"), "station").faults[0].problem == "is missing"


def test_workbooks(town, tmp_path):
    """Codes may be numbers; empty lines are counted; a repeated name and a missing sheet are named."""
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "站点"
    for line in (
        ["编码", "名称", "容量", "经度", "纬度"],
        [420204004001, "甲", 3, 114.01, 30.01],
        [],
        ["b", None, 3.5, 114.01, 30.01],
    ):
        sheet.append(line)
    book.create_sheet("空").append(["编码"])
    book.save(path)
    report = import_file(town, str(path), "station")
    assert [(one.row, one.field, one.value) for one in report.faults] == [(4, "name", ""), (4, "capacity", "3.5")]
    assert "the first sheet, 站点, of 2 is read" in report.assumptions
    assert "has no sheet x; it has 站点, 空" in refusal(town, f"{path}:x")
    assert "has no rows" in refusal(town, f"{path}:空")
    sheet.delete_rows(3, 2)
    book.save(path)
    assert import_file(town, str(path), "station").added == 1
    assert import_file(town, str(path), "station").unchanged == 1


def test_a_shapefile_with_a_false_label(town, tmp_path):
    """The .cpg says UTF-8, the text is GBK: said, and read when the caller knows better."""
    path = tmp_path / "a.shp"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.write_dataframe(frame(code=["a"], name=["初心驿站"]), path, encoding="gbk")
    path.with_suffix(".cpg").write_text("UTF-8")
    assert "is not utf-8 text throughout; say --encoding" in refusal(town, path)
    assert import_file(town, str(path), "station", ImportOptions(encoding="gbk")).added == 1
