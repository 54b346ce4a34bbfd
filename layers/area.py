"""District, street (街道) and community: the tree of areas."""

from layers.layer import Field, Layer, Shade, Style
from layers.tables import area


def _area_layer(
    level: str, title: str, title_en: str, *, style: Style, zooms: tuple[int, int], parent: str | None
) -> Layer:
    """Declare one level of the area tree."""
    fields = [
        Field("code", "代码", "Code", audience="public", in_tile=True, is_required=True),
        Field("name", "名称", "Name", audience="public", in_tile=True, is_required=True),
        Field("name_en", "英文名", "English name", audience="public", in_tile=True),
    ]
    if parent:
        fields.append(
            Field(
                "parent",
                "上级",
                "Parent",
                audience="public",
                sql="(SELECT p.code FROM area p WHERE p.id = t.parent_id)",
            )
        )
    else:
        fields.append(Field("time_zone", "时区", "Time zone", audience="public"))
    fields += [
        Field("source", "来源", "Source", audience="public"),
        Field("is_sample", "示例数据", "Sample data", type="boolean", audience="public"),
    ]
    return Layer(
        name=level, title=title, title_en=title_en, table=area, geometry_type="polygon", scope="public", group="area",
        fields=tuple(fields), style=(style,), where=f"t.level = '{level}'", min_zoom=zooms[0], max_zoom=zooms[1],
        constants=(("level", level),),
    )  # fmt: skip


DISTRICT = _area_layer(
    "district", "区县", "District", zooms=(0, 14), parent=None,
    style=Style("line", (Shade(None, "区县界", "District boundary", "#5b4a7d", "#b8a7e0"),), size=2.5, label="name", label_from_zoom=8),
)  # fmt: skip
STREET = _area_layer(
    "street", "街道", "Street-level unit (街道)", zooms=(9, 14), parent="district",
    style=Style("line", (Shade(None, "街道界", "Street boundary", "#7a6a99", "#8f82b8"),), size=1.8, label="name", label_from_zoom=11),
)  # fmt: skip
COMMUNITY = _area_layer(
    "community", "社区", "Community", zooms=(10, 15), parent="street",
    style=Style(
        "line", (Shade(None, "社区界", "Community boundary", "#8d83a6", "#6f7fa8"),), size=1.2, dashed=True,
        label="name", label_from_zoom=13,
    ),
)  # fmt: skip
