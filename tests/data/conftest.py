"""A drawn town for import and export: one district, two streets, four communities, five grids, units and the rest.

lon 114.00      114.02      114.04          units: 400 households in each grid's unit, one more of 50 in G11
30.04 +-----------+-----------+
      |    C2     |    C4     |    S1 = C1 + C2 (west), S2 = C3 + C4 (east)
      |    G21    |    G41    |
30.02 +-----+-----+-----------+    C1 is cut at 114.01 into G11 (west) and G12 (east)
      | G11 | G12 |    C3     |
      |    C1     |    G31    |
30.00 +-----+-----+-----------+
"""

import json
from datetime import UTC, datetime

import pytest
import shapely
from sqlalchemy import text

from data.imports.importer import import_file
from data.imports.options import ImportOptions


def box(west, south, east, north):
    return shapely.box(114 + west / 100, 30 + south / 100, 114 + east / 100, 30 + north / 100)


def point(x, y):
    return shapely.Point(114 + x / 100, 30 + y / 100)


def write_geojson(path, rows):
    """Write rows, each a dict with `geom` and properties."""
    features = [
        {
            "type": "Feature",
            "geometry": json.loads(shapely.to_geojson(row["geom"])) if row["geom"] is not None else None,
            "properties": {name: value for name, value in row.items() if name != "geom"},
        }
        for row in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), "utf-8")
    return str(path)


GRIDS = {"G11": (0, 0, 1, 2), "G12": (1, 0, 2, 2), "G21": (0, 2, 2, 4), "G31": (2, 0, 4, 2), "G41": (2, 2, 4, 4)}
COMMUNITIES = {"C1": (0, 0, 2, 2), "C2": (0, 2, 2, 4), "C3": (2, 0, 4, 2), "C4": (2, 2, 4, 4)}
AT = datetime(2026, 5, 1, 8, 30, tzinfo=UTC)


def town_rows():
    """Everything of the town, by layer in the order of import."""
    return {
        "district": [{"code": "D", "name": "示例区", "name_en": "Sample", "is_sample": True, "geom": box(0, 0, 4, 4)}],
        "street": [
            {"code": "S1", "name": "西街道", "geom": box(0, 0, 2, 4)},
            {"code": "S2", "name": "东街道", "geom": box(2, 0, 4, 4)},
        ],
        "community": [{"code": code, "name": f"{code}社区", "geom": box(*at)} for code, at in COMMUNITIES.items()],
        "compound": [
            {"code": "K1", "name": "一号院", "kind": "old", "built_year": 1988, "geom": box(0.1, 0.1, 0.9, 1.9)},
        ],
        "grid": [{"code": code, "name": f"{code}网格", "geom": box(*at)} for code, at in GRIDS.items()],
        "unit": [
            *(
                {"code": f"U{code}", "name": "一栋", "households": 400, "residents_60": 90, "compound": None,
                 "geom": box(west + 0.2, south + 0.2, west + 0.4, south + 0.4)}
                for code, (west, south, _, _) in GRIDS.items()
            ),
            {"code": "UX", "name": None, "households": 50, "residents_60": None, "compound": "K1",
             "geom": point(0.5, 1.5)},
        ],
        "road": [
            {"code": "R1", "name": "中路", "class": "arterial", "is_walkable": True, "is_barrier": False,
             "geom": shapely.LineString([point(0, 1), point(3, 1), point(4, 2)])},
        ],
        "barrier": [{"code": "B1", "name": "大河", "kind": "river", "geom": box(1.9, 0, 2.1, 4)}],
        "station": [
            {"code": "P1", "name": "初心驿站一号", "tier": "leading", "status": "open", "address": "中路1号",
             "hours": "Mo-Fr 07:00-09:00,11:00-13:00; Sa-Su 11:00-13:00", "services": "饮水;充电;休息",
             "capacity": 20, "is_accessible": True, "attributes": '{"rooms": 2, "note": "示例"}', "geom": point(1, 3)},
            {"code": "P2", "name": "二号", "tier": "basic", "status": "planned", "opens_on": "2027-03-01",
             "geom": point(3, 3)},
        ],
        "sorting_zone": [{"code": "Z1", "name": "一片", "status": "planned", "geom": box(0, 0, 2, 4)}],
        "incident": [
            {"code": "20260501-1", "category": "E01", "title": "路灯不亮", "description": "东侧路灯,第3盏",
             "status": "closed", "source": "resident", "department": "区城管执法局", "reported_at": AT.isoformat(),
             "closed_at": "2026-05-01T10:00:00.123456+00:00", "rating": 5, "accuracy_m": 12.5, "geom": point(0.5, 0.5)},
            {"code": "20260501-2", "category": "E01", "title": "占道", "reported_at": "2026-05-01 20:00",
             "geom": point(3.5, 3.5)},
        ],
    }  # fmt: skip


@pytest.fixture
def importing(clean, tmp_path):
    """Import rows of a layer through a GeoJSON file; gives the report."""

    def run(layer, rows, **options):
        path = write_geojson(tmp_path / f"{layer}.geojson", rows)
        return import_file(clean, path, layer, ImportOptions(**options))

    return run


@pytest.fixture
def town(clean, importing):
    """The town in the database; gives the owner's engine."""
    with clean.begin() as connection:
        connection.execute(text("INSERT INTO category (code, name) VALUES ('E01', '市容')"))
    for layer, rows in town_rows().items():
        report = importing(layer, rows)
        assert report.faults == (), (layer, report.faults)
        assert report.added == len(rows)
    return clean
