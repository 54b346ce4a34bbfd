"""The public map as one file, and the command that writes it."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from data.calendar.store import store_builtin_days
from data.cli import main
from data.publicmap.offline import write_map
from data.publicmap.places import find_district, read_book
from layers.basemap import OWN, BaseMap, public_base_map
from layers.errors import BaseMapError
from tests.data.pages import assert_asks_for_nothing

NOW = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)
DATA = r'<script type="application/json" id="data">(.*?)</script>'
NASTY = '</script><img src=x onerror="alert(1)">'


@pytest.fixture
def page(town: Engine) -> str:
    """The file of the drawn town on 1 September 2026; the second station has a name that is HTML, and no hours."""
    with town.begin() as connection:
        store_builtin_days(connection)
        connection.exec_driver_sql("UPDATE facility SET name = %s WHERE code = 'P2'", (NASTY,))
        book = read_book(connection, find_district(connection, "D"), NOW, days_after=91)
        return write_map(connection, book, OWN)


def test_it_asks_for_nothing_and_says_what_it_is(page: str) -> None:
    assert_asks_for_nothing(page)
    assert "示例区便民地图" in page
    assert "示意图" in page
    assert "数据截至 2026-09-01，开放时间有效至 2026-12-01" in page
    assert "节假日安排" not in page  # the calendar reaches farther
    assert NASTY not in page


def test_its_hours_reach_over_the_holidays(page: str) -> None:
    """The first station's text says nothing of holidays: 25 to 27 September and 1 to 7 October."""
    [data] = re.findall(DATA, page, re.DOTALL)
    found = json.loads(data)
    first, end = found["covers"]
    assert end - first == 93 * 1440  # yesterday and 92 days
    [hours] = found["hours"].values()
    assert [stop - start for start, stop in hours["unknown"]] == [3 * 1440, 7 * 1440]
    places = found["places"]
    assert [one["status"] for one in places].count("planned") == 1
    assert all(set(one) == {"status", "hours", "keys", "lon", "lat", "said"} for one in places)


def test_a_late_file_says_how_far_holidays_are_known(town: Engine) -> None:
    with town.begin() as connection:
        store_builtin_days(connection)
        book = read_book(connection, find_district(connection, "S1"), datetime(2026, 12, 1, tzinfo=UTC), days_after=91)
        written = write_map(connection, book, OWN, approval="鄂S(2026)001号")
        assert "节假日安排已知至 2026-12-31，此后按平日计" in written
        assert "审图号：鄂S(2026)001号" in written
        assert "西街道便民地图" in written


def test_the_command(
    town: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIWANGTU_DATABASE_URL", town.url.render_as_string(hide_password=False))
    out = tmp_path / "map.html"
    assert main(["report", "public-map", "-o", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["within"], said["places"], said["bytes"]) == ("D", 2, out.stat().st_size)
    for wrong, sentence in (
        (["-o", str(tmp_path / "map.pdf")], "must end in .html"),
        (["-o", str(out), "--within", "nowhere"], "no district, street or community with the code 'nowhere'"),
        (["-o", str(out), "--base", "imagery"], "there is no base map 'imagery'; there are: own"),
        (["-o", str(out), "--within", "C3"], "has no station, canteen or other public place"),
    ):
        assert main(["report", "public-map", *wrong]) == 2
        assert sentence in capsys.readouterr().err


def test_a_base_map_that_is_not_public_is_refused() -> None:
    plain = BaseMap("imagery", "影像", "Imagery", public_ok=False)
    with pytest.raises(BaseMapError, match=r"'imagery' .* may not be shown to the public"):
        public_base_map("imagery", {"imagery": plain})
    assert public_base_map().marks() == ("示意图 schematic map",)
    assert BaseMap("a", "a", "a", public_ok=True, approval="GS(2026)1号", attribution="某局").marks() == (
        "审图号：GS(2026)1号", "某局",
    )  # fmt: skip
    assert public_base_map().marks("鄂S(2026)2号") == ("审图号：鄂S(2026)2号",)
