"""Incidents, and their density at far zooms."""

from layers.layer import Field, Layer, Shade, Style, community_code
from layers.tables import CLOSED_STATUSES, INCIDENT_STATUSES, RESOLVED_LEVELS, WARNING_LEVELS, incident, incident_cell

INCIDENT_SOURCES = ("worker", "resident", "12345", "110", "patrol", "sensor")
OPEN_SQL = "t.status NOT IN (" + ", ".join(f"'{status}'" for status in CLOSED_STATUSES) + ")"
# the clock stands still while a case is paused, and from `resolved` on: what was in time then is in time
OVERDUE_SQL = f"({OPEN_SQL} AND t.status <> 'paused' AND coalesce(t.due_at < coalesce(t.resolved_at, now()), false))"

PRESSING_HOURS = 4
PRESSING_SQL = (  # its clock runs, and has run out or soon will
    f"({OPEN_SQL} AND t.status NOT IN ('paused', 'resolved', 'verified') "
    f"AND coalesce(t.due_at < now() + interval '{PRESSING_HOURS} hours', false))"
)

INCIDENT = Layer(
    name="incident", title="事件", title_en="Incident", table=incident, geometry_type="point", scope="case", group="incident",
    fields=(
        Field("code", "受理编号", "Receipt number", in_tile=True, is_required=True),
        Field("id", "标识", "Identity", sql="t.id::text"),
        Field("category", "类别", "Category", in_tile=True, is_required=True),
        Field(
            "category_name", "类别名称", "Category name", is_imported=False,
            sql="(SELECT c.name FROM category c WHERE c.code = t.category)",
        ),
        Field("title", "事项", "Title", audience="case", is_required=True),  # a reporter's own words
        Field("description", "情况说明", "Description", audience="case"),
        Field("status", "状态", "Status", in_tile=True, choices=INCIDENT_STATUSES),
        Field("is_open", "未办结", "Open", type="boolean", sql=f"({OPEN_SQL})", in_tile=True, is_imported=False),
        Field("source", "来源", "Source", choices=INCIDENT_SOURCES),
        Field("department", "处置部门", "Department"),
        community_code(),
        Field("grid", "网格", "Grid", sql="t.grid_code", is_imported=False),
        Field("reported_at", "上报时间", "Reported at", type="datetime", is_required=True),
        Field("due_at", "办理期限", "Due at", type="datetime"),
        Field("resolved_at", "处置时间", "Resolved at", type="datetime"),
        Field("closed_at", "结案时间", "Closed at", type="datetime"),
        Field("rating", "评价", "Rating", type="integer", minimum=1, maximum=5),
        Field("warning_level", "预警级别", "Warning level", choices=WARNING_LEVELS, is_imported=False),
        Field("resolved_level", "解决层级", "Level of resolution", choices=RESOLVED_LEVELS),
        Field("accuracy_m", "定位精度", "Accuracy", type="number", unit="m", audience="case", minimum=0, maximum=100000),
    ),
    style=(
        Style(
            "circle",
            (
                Shade(True, "未办结事件", "Open incident", "#d7263d", "#ff5d5d"),
                Shade(False, "已办结事件", "Closed incident", "#8c96a3", "#5f6b7a"),
            ),
            by="is_open", size=5.0,
        ),
    ),
    min_zoom=15, order_by="t.reported_at DESC, t.id DESC", newest_by="t.reported_at",
)  # fmt: skip

INCIDENT_DENSITY = Layer(
    name="incident_density", title="事件密度", title_en="Incident density", table=incident_cell, geometry_type="point",
    scope="public", group="incident",
    fields=(
        Field("code", "单元", "Cell", audience="public"),
        Field("count", "事件数", "Incidents", type="integer", audience="public", in_tile=True),
    ),
    style=(
        Style(
            "heat",
            (
                Shade(0, "少", "Few", "#fde0c5", "#143d59"),
                Shade(0.5, "较多", "More", "#eb6f4a", "#b86b2b"),
                Shade(1, "密集", "Many", "#9e1b32", "#ffd166"),
            ),
        ),
    ),
    min_zoom=4, max_zoom=14, is_derived=True, tile_source="cells",
)  # fmt: skip
