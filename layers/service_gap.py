"""Service gap: each unit's walk to its nearest facility of a kind, as the last gap job measured it."""

from layers.layer import Field, Layer, Shade, Style
from layers.tables import FACILITY_KINDS, service_gap

SERVICE_GAP = Layer(
    name="service_gap", title="服务缺口", title_en="Service gap", table=service_gap, geometry_type="point", scope="map",
    group="analysis",
    fields=(
        Field("code", "楼栋编码", "Unit code", in_tile=True),
        Field("facility_kind", "设施类型", "Facility kind", in_tile=True, choices=FACILITY_KINDS),
        Field(
            "community", "所属社区", "Community",
            sql="(SELECT a.code FROM unit u JOIN area a ON a.id = u.area_id WHERE u.id = t.unit_id)",
        ),
        Field("radius_m", "服务半径", "Radius", type="number", unit="m"),
        Field("households", "户数", "Households", type="integer", unit="households", in_tile=True),
        Field("distance_m", "步行距离", "Walking distance", type="number", unit="m", in_tile=True),
        Field("straight_m", "直线距离", "Straight line", type="number", unit="m"),
        Field("facility_code", "最近设施", "Nearest facility"),
        Field(
            "verdict", "结论", "Verdict", in_tile=True, choices=("covered", "gap", "unknown"),
            sql="CASE WHEN t.is_covered THEN 'covered' WHEN t.is_covered IS NULL THEN 'unknown' ELSE 'gap' END",
        ),
        Field("reason", "说明", "Reason"),
        Field("computed_at", "计算时间", "Computed at", type="datetime"),
    ),
    style=(
        Style(
            "circle",
            (
                Shade("gap", "未覆盖", "Not covered", "#b2182b", "#ff6f61"),
                Shade("unknown", "无法判定", "Unknown", "#8c8c8c", "#9aa5b1"),
                Shade("covered", "已覆盖", "Covered", "#4393c3", "#3f7fae"),
            ),
            by="verdict", size=3.5,
        ),
    ),
    min_zoom=11, is_derived=True, order_by="(t.is_covered IS FALSE) DESC, t.households DESC",
)  # fmt: skip
