"""A drawn notice: one community of 4 x 1 blocks of 100 m, two buildings a block, and a pond.

A     A     B     B       before: A has 500 households, B 300
N     A     B     B       after: the western block leaves A and becomes N, a new grid: 250 households, 2 buildings
"""

from datetime import UTC, datetime

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from data.notice.content import Notice

WEST, SOUTH, STEP = 115.0, 30.2, 0.001
NASTY = '</script><script>alert("1")</script>'


def block(first, last):
    return shapely.box(WEST + STEP * first, SOUTH, WEST + STEP * last, SOUTH + STEP)


def frame(shapes, **columns):
    return gpd.GeoDataFrame(pd.DataFrame(columns, dtype=object), geometry=shapes, crs=4326)


@pytest.fixture
def notice():
    return make_notice()


def make_notice():
    community = {"community": "C", "community_name": "东风社区"}
    before = frame(
        [block(0, 2), block(2, 4)], code=["A", "B"], name=[None, "二网格"], households=[500, 300], lineage=["A", "B"],
        **{name: [value] * 2 for name, value in community.items()},
    )  # fmt: skip
    after = frame(
        [block(1, 2), block(2, 4), block(0, 1)], code=["A", "B", "N"], name=[None, "二网格", NASTY],
        households=[250, 300, 250], lineage=["A", "B", "N"], **{name: [value] * 3 for name, value in community.items()},
    )  # fmt: skip
    old, new = list("AAAABBBB"), list("NNAABBBB")
    units = frame(
        [shapely.box(WEST + STEP * (n / 2 + 0.1), SOUTH + STEP * 0.3, WEST + STEP * (n / 2 + 0.3), SOUTH + STEP * 0.6)
         for n in range(8)],
        code=[f"U{n}" for n in range(8)], address=[f"东风小区 {n + 1}号楼" for n in range(7)] + [NASTY],
        households=[125] * 4 + [75] * 4, before=old, after=new,
        is_moved=[a != b for a, b in zip(old, new, strict=True)],
        **{name: [value] * 8 for name, value in community.items()},
    )  # fmt: skip
    units["is_moved"] = units["is_moved"].astype(bool)
    facts = {
        "id": 12, "name": NASTY, "status": "draft", "version": 3, "area_name": "东风社区", "area_code": "C",
        "is_sample": True, "scheme": "社区综合网格", "source": "按400至800户划分网格", "floor": 200, "ceiling": 400,
        "effective_on": None, "created_at": datetime(2026, 5, 1, tzinfo=UTC), "against": "现行网格",
    }  # fmt: skip
    return Notice(
        facts, before, after, units,
        frame([block(0, 4)], code=["C"], name=["东风社区"]),
        frame([shapely.LineString([(WEST, SOUTH + STEP / 2), (WEST + 4 * STEP, SOUTH + STEP / 2)])], name=["东风路"]),
        frame([shapely.Point(WEST + 3 * STEP, SOUTH + STEP / 2).buffer(STEP / 5)], name=["池塘"]),
    )  # fmt: skip
