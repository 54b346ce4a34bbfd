"""Facilities that residents look for: 初心驿站, 幸福食堂, elder care, parking, refuse points, shops that take points; and sorting zones."""

from layers.layer import Field, Layer, Shade, Style, community_code
from layers.tables import FACILITY_STATUSES, facility, sorting_zone

STATION_TIERS = ("basic", "standard", "leading")
ELDER_CARE_TIERS = ("district_center", "regional_station", "home_point")
MEALS = ("breakfast", "lunch", "dinner")
_MEALS_OF_CANTEENS = (
    Field("price", "每餐价格", "Price of a meal", type="number", audience="public", unit="local currency", minimum=0, maximum=100000),
    Field("price_note", "优惠", "Who pays less", audience="public"),
    Field("meals_per_day", "每日餐份", "Meals a day", type="integer", audience="public", minimum=0, maximum=1000000),
    Field("meals", "供餐时间", "Hours of meals", type="json", audience="public"),
    Field("delivers_to", "送餐社区", "Delivers to", type="list", audience="public"),
)  # fmt: skip


def _fields(capacity: tuple[str, str], tiers: tuple[str, ...], own: tuple[Field, ...]) -> tuple[Field, ...]:
    """Make the fields that every facility has, and those of its kind; all are public but the free attributes."""
    return (
        Field("code", "编码", "Code", audience="public", in_tile=True, is_required=True),
        Field("name", "名称", "Name", audience="public", in_tile=True, is_required=True),
        Field("name_en", "英文名", "English name", audience="public", in_tile=True),
        community_code(),
        Field("tier", "等级", "Tier", audience="public", in_tile=True, choices=tiers),
        Field("status", "状态", "Status", audience="public", in_tile=True, choices=FACILITY_STATUSES),
        Field("opens_on", "计划启用", "Opens on", type="date", audience="public"),
        Field("address", "地址", "Address", audience="public"),
        Field("phone", "电话", "Phone", audience="public"),
        Field("hours", "开放时间", "Hours", audience="public"),
        Field("services", "服务事项", "Services", type="list", audience="public"),
        Field("capacity", capacity[0], capacity[1], type="integer", audience="public", minimum=0, maximum=100000),
        Field("is_accessible", "无障碍", "Step-free", type="boolean", audience="public"),
        *own,
        Field("attributes", "其他", "More", type="json"),  # anything may stand there: not for everyone
    )


def _layer(name: str, title: str, title_en: str, *, shades: tuple[Shade, ...], **options: object) -> Layer:
    """Declare one kind of facility."""
    tiers = options.pop("tiers", ())
    own = options.pop("own", ())
    capacity = options.pop("capacity", ("容量", "Capacity"))
    by = options.pop("by", None)
    size = options.pop("size", 6.0)
    label_from_zoom = options.pop("label_from_zoom", 14.5)
    return Layer(
        name=name, title=title, title_en=title_en, table=facility, scope="public", group="facility",
        fields=_fields(capacity, tiers, own),  # type: ignore[arg-type]
        style=(
            Style("circle", shades, by=by, size=size, label="name", label_from_zoom=label_from_zoom),  # type: ignore[arg-type]
        ),
        where=f"t.kind = '{name}'", constants=(("kind", name),), **options,  # type: ignore[arg-type]
    )  # fmt: skip


STATION = _layer(
    "station", "初心驿站", "Station (初心驿站)", geometry_type="point", min_zoom=10, tiers=STATION_TIERS, by="tier", size=7.0,
    shades=(
        Shade("leading", "引领型驿站", "Leading station", "#a50f2d", "#ff6b81"),
        Shade("standard", "标准型驿站", "Standard station", "#cf3350", "#f2899a"),
        Shade("basic", "基础型驿站", "Basic station", "#e06c80", "#d99aa6"),
    ),
)  # fmt: skip
CANTEEN = _layer(
    "canteen", "幸福食堂", "Canteen (幸福食堂)", geometry_type="point", min_zoom=10, capacity=("座位", "Seats"), size=7.0,
    own=_MEALS_OF_CANTEENS,
    shades=(Shade(None, "幸福食堂", "Canteen", "#c96a00", "#ffb347"),),
)  # fmt: skip
ELDER_CARE = _layer(
    "elder_care", "养老服务", "Elder care", geometry_type="point", min_zoom=10, tiers=ELDER_CARE_TIERS, by="tier",
    capacity=("床位", "Beds"), size=6.5,
    shades=(
        Shade("district_center", "区康养中心", "District centre", "#5b2a86", "#c9a2f2"),
        Shade("regional_station", "区域性养老服务站", "Regional station", "#7b4fa3", "#b08ad6"),
        Shade("home_point", "居家养老服务点", "Home-care point", "#a27fc2", "#9279b0"),
    ),
)  # fmt: skip
PARKING = _layer(
    "parking", "停车场", "Parking", geometry_type="any", min_zoom=12, capacity=("车位", "Spaces"), size=5.0, label_from_zoom=16.0,
    shades=(Shade(None, "停车场", "Parking", "#2f6fb3", "#6fa8dc"),),
)  # fmt: skip
REFUSE_POINT = _layer(
    "refuse_point", "垃圾投放点", "Refuse point", geometry_type="point", min_zoom=13, size=4.0, label_from_zoom=17.0,
    shades=(Shade(None, "垃圾投放点", "Refuse point", "#4c8c3f", "#7fbf72"),),
)  # fmt: skip
EXCHANGE_POINT = _layer(
    "exchange_point", "积分兑换点", "Points-exchange shop", geometry_type="point", min_zoom=12, size=5.0, label_from_zoom=15.5,
    shades=(Shade(None, "积分兑换点", "Points-exchange shop", "#8a6d00", "#e3c64a"),),
)  # fmt: skip

SORTING_ZONE = Layer(
    name="sorting_zone", title="垃圾分类片区", title_en="Refuse-sorting zone", table=sorting_zone, geometry_type="polygon",
    scope="public", group="area",
    fields=(
        Field("code", "编码", "Code", audience="public", in_tile=True, is_required=True),
        Field("name", "名称", "Name", audience="public", in_tile=True, is_required=True),
        Field("status", "状态", "Status", audience="public", in_tile=True, choices=("planned", "active")),
    ),
    style=(
        Style(
            "fill",
            (
                Shade("active", "已开展分类", "Active zone", "#b5d6a7", "#27452a"),
                Shade("planned", "计划开展", "Planned zone", "#dbe8d4", "#2c3a2d"),
            ),
            by="status", opacity=0.35, label="name", label_from_zoom=13,
        ),
    ),
    min_zoom=11,
)  # fmt: skip
