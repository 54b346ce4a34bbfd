"""Reading and writing spatial files: what is chosen, what is refused, and that no half file is ever left."""

import geopandas as gpd
import pyogrio
import pytest
import shapely

from data.errors import BadInputError
from data.frames import check_output, read_frame, write_layers


def frame(**columns):
    n = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=[shapely.Point(i, 0) for i in range(n)], crs=4547)


def test_layers_come_back_as_written(tmp_path):
    path = tmp_path / "a.gpkg"
    write_layers(path, {"unit": frame(名=["甲", None], n=[1, 2]), "grid": frame(k=[3])})
    assert pyogrio.list_layers(path)[:, 0].tolist() == ["unit", "grid"]
    unit = read_frame(str(path))
    assert unit.attrs["layer"] == "unit"
    assert unit["n"].tolist() == [1, 2]
    assert unit["名"].isna().tolist() == [False, True]
    assert unit.crs.to_epsg() == 4547
    assert read_frame(f"{path}:grid")["k"].tolist() == [3]
    assert read_frame(f"{path}:grid", layer="unit")["n"].tolist() == [1, 2]


def test_a_file_may_have_a_colon_in_its_name(tmp_path):
    path = tmp_path / "a:b.gpkg"
    write_layers(path, {"unit": frame(n=[1])})
    assert len(read_frame(str(path))) == 1
    assert len(read_frame(f"{path}:unit")) == 1


def test_what_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "a.gpkg"
    write_layers(path, {"unit": frame(n=[1]), "none": frame(n=[1]).iloc[:0]})
    (tmp_path / "text.gpkg").write_text("not a database")
    pyogrio.write_dataframe(frame(n=[1]).drop(columns="geometry"), tmp_path / "table.csv")
    for spec, message in [
        (str(tmp_path / "no.gpkg"), "there is no file"),
        (f"{path}:roads", "has no layer roads; it has: unit, none"),
        (f"{path}:none", "has no rows"),
        (str(tmp_path / "text.gpkg"), "no spatial file"),
        (str(tmp_path / "table.csv"), "no spatial layer"),
    ]:
        with pytest.raises(BadInputError, match=message):
            read_frame(spec)


def test_a_file_without_a_crs_is_refused(tmp_path):
    bare = frame(n=[1]).set_crs(None, allow_override=True)
    with pytest.warns(UserWarning, match="crs"):
        pyogrio.write_dataframe(bare, tmp_path / "bare.shp")
    with pytest.raises(BadInputError, match="no coordinate reference system"):
        read_frame(str(tmp_path / "bare.shp"))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.gpkg"
    write_layers(path, {"unit": frame(n=[1])})
    before = path.read_bytes()
    with pytest.raises(BadInputError, match="cannot be written"):
        write_layers(path, {"unit": frame(n=[1, 2]), "grid": frame(n=[1 + 2j])})
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.gpkg"]


def test_an_output_that_cannot_be_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="there is no folder"):
        write_layers(tmp_path / "no" / "a.gpkg", {"unit": frame(n=[1])})
    with pytest.raises(BadInputError, match=r"must end in \.gpkg"):
        write_layers(tmp_path / "a.shp", {"unit": frame(n=[1])})


def test_an_output_that_is_an_input_is_refused_however_it_is_spelt(tmp_path):
    path = tmp_path / "a.gpkg"
    check_output(path, [])  # not there yet: nothing to lose
    write_layers(path, {"unit": frame(n=[1])})
    check_output(path, [])
    (tmp_path / "link.gpkg").symlink_to(path)
    for spec in (path, f"{path}:unit", tmp_path / "link.gpkg"):
        with pytest.raises(BadInputError, match="is an input too"):
            check_output(path, [str(spec)])
