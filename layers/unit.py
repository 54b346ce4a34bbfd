"""Compound (小区) and unit: the buildings or parcels with their household counts."""

from layers.layer import Field, Layer, Shade, Style, community_code
from layers.tables import compound, unit

_GRID = "(SELECT g.code FROM plan_assignment x JOIN grid g ON g.id = x.grid_id WHERE x.unit_id = t.id AND g.is_effective LIMIT 1)"

COMPOUND = Layer(
    name="compound", title="小区", title_en="Compound", table=compound, geometry_type="polygon", scope="map", group="area",
    fields=(
        Field("code", "编码", "Code", in_tile=True, is_required=True),
        Field("name", "名称", "Name", in_tile=True, is_required=True),
        community_code(),
        Field(
            "kind", "类型", "Kind", in_tile=True, choices=("commodity", "old", "work_unit", "resettlement", "village")
        ),
        Field("built_year", "建成年份", "Year built", type="integer", minimum=1600, maximum=2100),
    ),
    style=(
        Style(
            "line", (Shade(None, "小区", "Compound", "#a08a5b", "#8a7a58"),), size=1.0, dashed=True, label="name", label_from_zoom=15
        ),
    ),
    min_zoom=13,
)  # fmt: skip

UNIT = Layer(
    name="unit", title="楼栋", title_en="Unit (building or parcel)", table=unit, geometry_type="any", scope="map", group="base",
    fields=(
        Field("code", "编码", "Code", in_tile=True, is_required=True),
        Field("name", "名称", "Name"),
        community_code(),
        Field("compound", "小区", "Compound", sql="(SELECT c.code FROM compound c WHERE c.id = t.compound_id)"),
        Field("grid", "所属网格", "Grid", sql=_GRID),
        Field(
            "households", "户数", "Households", type="integer", unit="households", in_tile=True, is_required=True,
            minimum=0, maximum=5000,
        ),
        Field("residents", "常住人口", "Residents", type="integer", minimum=0, maximum=50000),
        Field("residents_60", "60岁以上", "Residents 60+", type="integer", minimum=0, maximum=50000),
        Field("residents_80", "80岁以上", "Residents 80+", type="integer", minimum=0, maximum=50000),
        Field("floors", "层数", "Floors", type="integer", in_tile=True, minimum=0, maximum=200),
        Field("has_lift", "有电梯", "Has a lift", type="boolean"),
        Field("use", "用途", "Use"),
        Field("built_year", "建成年份", "Year built", type="integer", minimum=1600, maximum=2100),
    ),
    style=(
        Style(
            "fill",
            (
                Shade(0, "无住户", "No households", "#d9d4cb", "#2a3342"),
                Shade(1, "1-9 户", "1-9 households", "#cbb994", "#3a4a63"),
                Shade(10, "10-49 户", "10-49 households", "#b89a66", "#4b6187"),
                Shade(50, "50 户以上", "50 households or more", "#96723b", "#6a86b5"),
            ),
            by="households", is_stepped=True, opacity=0.8, size=0.6,
        ),
    ),
    min_zoom=14,
)  # fmt: skip
