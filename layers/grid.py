"""Grid (网格): the units in one worker's charge, judged against its scheme's household band."""

from layers.layer import Field, Layer, Shade, Style, community_code
from layers.tables import grid

_SCHEME = "(SELECT s.{column} FROM plan p JOIN grid_scheme s ON s.id = p.scheme_id WHERE p.id = t.plan_id)"
_STATE = (
    "(SELECT CASE WHEN t.households < s.floor THEN 'below' WHEN t.households > s.ceiling THEN 'above' ELSE 'in' END "
    "FROM plan p JOIN grid_scheme s ON s.id = p.scheme_id WHERE p.id = t.plan_id)"
)

GRID = Layer(
    name="grid", title="网格", title_en="Grid", table=grid, geometry_type="polygon", scope="map", group="analysis",
    fields=(
        Field("code", "网格编码", "Grid code", in_tile=True, is_required=True),
        Field("name", "名称", "Name", in_tile=True),
        community_code(),
        Field("households", "户数", "Households", type="integer", unit="households", in_tile=True, is_imported=False),
        Field(
            "state", "户数状态", "Against the band", sql=_STATE, in_tile=True, is_imported=False,
            choices=("below", "in", "above"),
        ),
        Field("floor", "下限", "Floor", type="integer", sql=_SCHEME.format(column="floor"), is_imported=False),
        Field("ceiling", "上限", "Ceiling", type="integer", sql=_SCHEME.format(column="ceiling"), is_imported=False),
        Field("compactness", "紧凑度", "Compactness", type="number", sql="t.compactness_ratio", is_imported=False),
    ),
    style=(
        Style(
            "fill",
            (
                Shade("below", "户数不足", "Below the band", "#2c7fb8", "#3d8fd1"),
                Shade("in", "户数适中", "In the band", "#8fbf9f", "#2f6b57"),
                Shade("above", "户数超出", "Above the band", "#d95f0e", "#e07b39"),
            ),
            by="state", label="households", label_from_zoom=13.5, opacity=0.45, size=1.2,
        ),
    ),
    where="t.is_effective", min_zoom=9, max_zoom=16,
)  # fmt: skip
