"""`yiwangtu cases statistics` and `yiwangtu report recurring` over a small town in a database of their own."""

import csv
import io
import json

import pyogrio
import pytest
from sqlalchemy import text

from data.cli import main
from data.statistics.definitions import INDICATOR_FILE

_TOWN = """
INSERT INTO category (code, parent, name) VALUES ('E01', NULL, '市容'), ('E01-02', 'E01', '暴露垃圾');
INSERT INTO area (level, code, name, geom, path)
  SELECT 'district', 'D', '示例区', ST_Multi(ST_MakeEnvelope(115, 30, 115.03, 30.03, 4326)), 'D';
INSERT INTO incident (id, code, category, title, status, reported_at, due_at, resolved_at, geom)
  SELECT md5(n::text)::uuid, 'r' || n, 'E01-02', 't', CASE WHEN n < 5 THEN 'closed' ELSE 'assigned' END,
    timestamptz '2026-03-01 09:00+08' + n * interval '1 day', timestamptz '2026-03-01 17:00+08' + n * interval '1 day',
    CASE WHEN n < 5 THEN timestamptz '2026-03-01 12:00+08' + n * interval '1 day' END,
    ST_SetSRID(ST_MakePoint(115.01, 30.01), 4326)
  FROM generate_series(1, 6) n;
"""


@pytest.fixture
def town(clean, database, monkeypatch):
    """Six reports of one corner in six days, four of them handled in time; the commands ask this database."""
    with clean.begin() as connection:
        connection.execute(text(_TOWN))
    monkeypatch.setenv("YIWANGTU_DATABASE_URL", database.owner_url.render_as_string(hide_password=False))


PERIOD = ["--area", "D", "--from", "2026-03-01", "--to", "2026-03-31"]


def test_statistics_as_json_and_table(town, tmp_path, capsys):
    out = tmp_path / "figures.csv"
    assert main(["cases", "statistics", *PERIOD, "-o", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["total"]["counts"]["reported"] == 6
    assert said["total"]["ratios"]["on_time_ratio"]["value"] == pytest.approx(4 / 6, abs=1e-6)
    assert said["total"]["hours"] == {"n": 4, "median": 3.0, "p90": 3.0}
    rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))))
    assert [(row["set"], row["code"], row["overdue"]) for row in rows] == [
        ("total", "", "2"), ("areas", "", "2"), ("departments", "-", "2"), ("categories", "E01", "2"),
        ("sources", "worker", "2"),
    ]  # fmt: skip


def test_a_city_brings_its_thresholds(town, tmp_path, monkeypatch, capsys):
    """By an option, and by a setting that the server reads too; a file that divides otherwise is refused."""
    own = tmp_path / "indicator.csv"
    sample = INDICATOR_FILE.read_text("utf-8")
    own.write_text(sample.replace("on_time,due_timed,high,0.9", "on_time,due_timed,high,0.85"), "utf-8")
    assert main(["cases", "statistics", *PERIOD, "--thresholds", str(own)]) == 0
    assert "66.7%" in capsys.readouterr().out
    other = tmp_path / "other.csv"
    other.write_text(sample.replace("on_time,due_timed,high", "on_time,due,high"), "utf-8")
    monkeypatch.setenv("YIWANGTU_INDICATORS", str(other))
    assert main(["cases", "statistics", *PERIOD]) == 2
    assert "on_time_ratio must be in one row, as on_time by due_timed" in capsys.readouterr().err


def test_problems_as_layers(town, tmp_path, capsys):
    """Six reports of one corner are one problem in the only hexagons there are; the file has it with its place."""
    out = tmp_path / "problems.gpkg"
    assert main(["report", "recurring", *PERIOD, "-o", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    (one,) = said["clusters"]["features"]
    assert (one["properties"]["n"], one["properties"]["open"], one["properties"]["place_name"]) == (6, 2, "示例区")
    cluster = pyogrio.read_dataframe(out, layer="cluster")
    assert (cluster["n"].tolist(), cluster["radius_m"].tolist()) == ([6], [0.0])
    assert (cluster.geometry.x[0], cluster.geometry.y[0]) == pytest.approx((115.01, 30.01))
    cells = pyogrio.read_dataframe(out, layer="cell")
    assert cells["n"].sum() == 6
    assert set(cells.loc[cells["n"] == 6, "kind"]) == {"hot"}


def test_in_words(town, capsys):
    assert main(["cases", "statistics", *PERIOD]) == 0
    assert "按时处置率 Handled in time: 66.7%" in capsys.readouterr().out
    assert main(["report", "recurring", *PERIOD]) == 0
    assert "1. 暴露垃圾，示例区：6 件，2026-03-02 至 2026-03-07，半径 0 m，未办结 2 件" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["cases", "statistics", "--area", "X"], "there is no area or grid with the code 'X'"),
        (["cases", "statistics", "--area", "D", "-o", "a.txt"], "must end in .csv"),
        (["cases", "statistics", "--area", "D", "--from", "2026-02-01", "--to", "2026-01-01"], "must be 1 to 1100"),
        (["report", "recurring", "--area", "D", "-o", "a.csv"], "must end in .gpkg"),
        (["report", "recurring", "--area", "D", "--cells", "15"], "must be 5 to 10"),
        (["report", "recurring", "--area", "D", "--least", "1"], "must be one of 2 or more"),
    ],
)
def test_what_cannot_be_asked(town, capsys, command, says):
    assert main(command) in (1, 2)
    assert says in capsys.readouterr().err
