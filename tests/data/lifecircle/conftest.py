"""A drawn district in the database, for life-circle reports.

A street along latitude 30.01 from 114.000 to 114.040, 96.4 m for 0.001 degrees. C1 reaches to 114.02, C2 lies beyond.

  lon 114.  .000  .001  .003          .020  .022  .025    .030              .040
  unit             U1    U2    (C1) |        U3             U4 (600 m north)      households 10, 20 | 30, 40
  canteen    N1 (open, 30 seats)    |              N2 (planned 2027-03-01)        60+ 4, 6 | 8, not counted
  station           S1 (open)       |        S2 (planned 2026-12-01), S3 (planned, no day)
"""

import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely
from sqlalchemy import text

from data.imports.importer import import_file
from data.lifecircle.content import read_report
from data.lifecircle.promises import load_targets
from data.rules.store import store_builtin
from tests.emptying import empty

MADE_AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
NASTY = '</script><script>alert("1")</script>'


def spot(lon, north=0.0):
    """A place on the street, or so many degrees north of it."""
    return shapely.Point(114 + lon, 30.01 + north)


def rows():
    """Everything of the district, by layer in the order of import."""
    return {
        "district": [{"code": "D", "name": "示例区", "is_sample": True, "geom": shapely.box(114, 30, 114.04, 30.02)}],
        "street": [{"code": "S", "name": "示例街道", "geom": shapely.box(114, 30, 114.04, 30.02)}],
        "community": [
            {"code": "C1", "name": "东风社区", "geom": shapely.box(114, 30, 114.02, 30.02)},
            {"code": "C2", "name": "和平社区", "geom": shapely.box(114.02, 30, 114.04, 30.02)},
        ],
        "unit": [
            {"code": "U1", "name": "一号楼", "households": 10, "residents_60": 4, "geom": spot(0.001)},
            {"code": "U2", "name": NASTY, "households": 20, "residents_60": 6, "geom": spot(0.003)},
            {"code": "U3", "name": "三号楼", "households": 30, "residents_60": 8, "geom": spot(0.022)},
            {"code": "U4", "name": "四号楼", "households": 40, "residents_60": None, "geom": spot(0.03, 0.0054)},
        ],
        "road": [
            {"code": "R", "name": "中路", "class": "local", "is_walkable": True, "is_barrier": False,
             "geom": shapely.LineString([spot(0), spot(0.04)])},
        ],
        "station": [
            {"code": "S1", "name": "一号驿站", "tier": "basic", "status": "open", "geom": spot(0.001)},
            {"code": "S2", "name": "二号驿站", "tier": "basic", "status": "planned", "opens_on": "2026-12-01",
             "geom": spot(0.022)},
            {"code": "S3", "name": "三号驿站", "tier": "basic", "status": "planned", "geom": spot(0.023)},
        ],
        "canteen": [
            {"code": "N1", "name": "一号食堂", "status": "open", "capacity": 30,
             "meals_per_day": 60, "geom": spot(0)},
            {"code": "N2", "name": "二号食堂", "status": "planned", "opens_on": "2027-03-01", "capacity": 50,
             "geom": spot(0.025)},
        ],
        "parking": [
            {"code": "P1", "name": "旧停车场", "status": "open", "capacity": 70, "attributes": "{}",
             "geom": spot(0.002)},
            {"code": "P2", "name": "新停车场", "status": "open", "capacity": 40,
             "attributes": '{"added_on": "2026-02-01"}', "geom": spot(0.022)},
            {"code": "P3", "name": "早停车场", "status": "open", "capacity": 90,
             "attributes": '{"added_on": "2025-12-31"}', "geom": spot(0.022)},
        ],
        "sorting_zone": [
            {"code": "Z1", "name": "一片", "status": "active", "geom": shapely.box(114.001, 30.001, 114.01, 30.009)},
        ],
    }  # fmt: skip


TARGETS = """code,area_code,title,kind,measure,facility_kind,amount,unit,since_on,due_on,is_yearly,source
a,D,驿站3个,target,facility_count,station,3,个,,2024-08-31,no,示例方案
b,D,驿站2个,target,facility_count,station,2,个,,2027-01-31,no,示例方案
c,D,新增泊位30个,target,capacity_added,parking,30,个,2026-01-01,,no,示例方案
d,D,每年兑换点30个,target,,exchange_point,30,个,,,yes,示例方案
e,D,分类街道3个,target,sorting_streets,sorting_zone,3,个街道,,,no,示例方案
f,X,别处的,target,facility_count,station,3,个,,,no,示例方案
"""


_SPEC = importlib.util.spec_from_file_location("drawn_town", Path(__file__).parents[1] / "conftest.py")
drawn = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(drawn)


def bring(engine, folder, layer, given):
    """Import rows of a layer."""
    report = import_file(engine, drawn.write_geojson(folder / f"{layer}.geojson", given), layer)
    assert report.faults == (), (layer, report.faults)
    return report


def fill(engine, folder):
    """Put the district into empty tables."""
    with engine.begin() as connection:
        empty(connection)
    for layer, given in rows().items():
        bring(engine, folder, layer, given)
    (folder / "target.csv").write_text(TARGETS, "utf-8")
    with engine.begin() as connection:
        assert load_targets(connection, folder / "target.csv") == 6


@pytest.fixture
def district(owner_engine, tmp_path):
    """The district in the database; gives the owner's engine."""
    fill(owner_engine, tmp_path)
    return owner_engine


def read(engine, code="D"):
    """Read the report of an area."""
    with engine.begin() as connection:
        return read_report(connection, code, store_builtin(connection), made_at=MADE_AT)


@pytest.fixture(scope="module")
def report(owner_engine, tmp_path_factory):
    """The district's report; it does not ask the database again."""
    fill(owner_engine, tmp_path_factory.mktemp("district"))
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE layer_date SET changed_at = '2026-11-01 12:00+00'"))
        connection.execute(text("UPDATE layer_date SET changed_at = '2026-10-09 18:00+00' WHERE layer = 'road'"))
    return read(owner_engine)


@pytest.fixture
def importing_again(district, tmp_path):
    """Import a layer once more, its first row with other households if any are given."""

    def run(layer, households):
        given = rows()[layer]
        if households is not None:
            given[0]["households"] = households
        bring(district, tmp_path, layer, given)

    return run
