"""Which column of a grid layer holds its codes."""

import geopandas as gpd

from data.errors import BadInputError

CODE_COLUMNS = ("code", "grid_id", "grid", "id", "网格编码")


def code_column(grids: gpd.GeoDataFrame, name: str, field: str = "") -> str:
    """Choose the column of a layer's codes: as asked for, else the first known name."""
    columns = [str(one) for one in grids.columns if one != grids.geometry.name]
    found = next((one for one in ([field] if field else CODE_COLUMNS) if one in columns), None)
    if found is None:
        raise BadInputError(
            f"layer {name} has no column {field or ' or '.join(CODE_COLUMNS)}; it has {', '.join(columns) or 'none'}"
        )
    return found
