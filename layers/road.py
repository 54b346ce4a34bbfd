"""Roads and barriers: what people walk along, and what keeps grids apart."""

from layers.layer import Field, Layer, Shade, Style
from layers.tables import barrier, road

ROAD_CLASSES = ("expressway", "arterial", "collector", "local", "footway", "path")
BARRIER_KINDS = ("river", "lake", "rail", "wall", "expressway", "other")

ROAD = Layer(
    name="road", title="道路", title_en="Road", table=road, geometry_type="line", scope="public", group="base",
    fields=(
        Field("code", "编码", "Code", audience="public", in_tile=True, is_required=True),
        Field("name", "名称", "Name", audience="public", in_tile=True),
        Field("class", "等级", "Class", audience="public", in_tile=True, choices=ROAD_CLASSES),
        Field("is_walkable", "可步行", "Walkable", type="boolean", audience="public"),
        Field("is_barrier", "阻隔", "Barrier", type="boolean", audience="public"),
    ),
    style=(
        Style(
            "line",
            (
                Shade("expressway", "快速路", "Expressway", "#e9b872", "#7a6448", scale=1.7),
                Shade("arterial", "主干路", "Arterial", "#f6dca6", "#55504a", scale=1.4),
                Shade("collector", "次干路", "Collector", "#ffffff", "#404a5a", scale=1.1, from_zoom=10),
                Shade("local", "支路", "Local street", "#ffffff", "#2f3848", scale=0.8, from_zoom=12),
                Shade("footway", "步行道", "Footway", "#ece5da", "#28303c", scale=0.35, from_zoom=14),
                Shade("path", "小径", "Path", "#ece5da", "#28303c", scale=0.3, from_zoom=14),
            ),
            by="class", size=4.0, label="name", label_from_zoom=15, casing=("#d8d0c2", "#12161d"),
        ),
    ),
    min_zoom=9,
    order_by="array_position(ARRAY['expressway', 'arterial', 'collector', 'local'], t.class), t.id",
)  # fmt: skip

BARRIER = Layer(
    name="barrier", title="阻隔", title_en="Barrier", table=barrier, geometry_type="any", scope="public", group="base",
    fields=(
        Field("code", "编码", "Code", audience="public", in_tile=True, is_required=True),
        Field("name", "名称", "Name", audience="public", in_tile=True),
        Field("kind", "类型", "Kind", audience="public", in_tile=True, choices=BARRIER_KINDS),
    ),
    style=(
        Style(
            "fill",
            (
                Shade("river", "河流", "River", "#a9cfe6", "#17324a"),
                Shade("lake", "湖泊", "Lake", "#a9cfe6", "#17324a"),
            ),
            by="kind", opacity=1.0, label="name", label_from_zoom=12,
        ),
        Style(
            "line",
            (
                Shade("river", "河流", "River", "#8bbad8", "#1e4566"),
                Shade("rail", "铁路", "Railway", "#6d6d6d", "#7c8694"),
                Shade("wall", "围墙", "Wall", "#a56b4b", "#8f6047"),
                Shade("expressway", "高架或快速路", "Expressway", "#c98f52", "#80644a"),
                Shade("other", "其他阻隔", "Other barrier", "#8a8a8a", "#6c7480"),
            ),
            by="kind", size=2.0,
        ),
    ),
    min_zoom=8,
)  # fmt: skip
