"""多网合一: grid layers over an area, where they conflict, and the table of old and new codes."""

from typing import Any

import numpy as np
import orjson
import pandas as pd
import shapely
from sqlalchemy import Connection

from api.errors import InvalidRequestError, MissingError
from api.services.planners import login_of, own_area, require_planner
from data import audit, planning
from data.crosswalk import store
from data.crosswalk.reading import read_layer
from data.crosswalk.store import Crosswalk
from data.crosswalk.table import CROSSWALK_COLUMNS, crosswalk_csv
from data.errors import BadInputError
from geo.errors import InvalidInputError
from geo.merge import find_conflicts
from layers.viewer import Viewer

LISTED = 200


def create(connection: Connection, viewer: Viewer, *, within: str, name: str) -> Crosswalk:
    """Make a crosswalk without layers, of an area in scope."""
    area = own_area(connection, viewer, within)
    crosswalk_id = store.add(connection, area, name=name, by=login_of(connection, viewer))
    audit.record(connection, "crosswalk.add", account_id=viewer.account_id, subject=str(crosswalk_id), name=name)
    return get(connection, viewer, crosswalk_id)


def get(connection: Connection, viewer: Viewer, crosswalk_id: int) -> Crosswalk:
    """Give a crosswalk in scope."""
    require_planner(viewer)
    found = store.find(connection, crosswalk_id)
    if found is None:
        raise MissingError(f"there is no crosswalk {crosswalk_id}")
    return found


def find_all(connection: Connection, viewer: Viewer, within: str | None) -> list[Crosswalk]:
    """Give the newest crosswalks in scope."""
    require_planner(viewer)
    return store.find_all(connection, within, LISTED)


def delete(connection: Connection, viewer: Viewer, crosswalk_id: int) -> None:
    """Delete a crosswalk with its layers; its plan stays."""
    found = get(connection, viewer, crosswalk_id)
    store.delete(connection, crosswalk_id)
    audit.record(connection, "crosswalk.delete", account_id=viewer.account_id, subject=str(found.id), name=found.name)


def put_layer(  # noqa: PLR0913 (what is said of a layer)
    connection: Connection, viewer: Viewer, crosswalk_id: int, name: str, content: bytes | None, *,
    weight: float, field: str,
) -> Crosswalk:  # fmt: skip
    """Store a layer from a file, or today's grids without one, in place of the layer of that name.

    Raises
    ------
    InvalidRequestError
        If the file cannot be used: one sentence with row, field and value.
    """
    found = get(connection, viewer, crosswalk_id)
    area = planning.find_area(connection, found.within)
    if content is None:
        if not store.put_today(connection, crosswalk_id, area, name=name, weight=weight):
            raise InvalidRequestError(f"{area.name} ({area.code}) has no grids today")
    else:
        units = planning.read_units(connection, area.path)
        try:
            layer = read_layer(content, units, name=name, weight=weight, field=field)
        except (BadInputError, InvalidInputError) as error:
            raise InvalidRequestError(str(error)) from error
        if all(code is None for code in layer.code):
            raise InvalidRequestError(f"no unit of {area.name} ({area.code}) lies in a grid of layer {name}")
        store.put_layer(connection, crosswalk_id, layer, unit_id=units["id"].tolist(), source="文件")
    audit.record(connection, "crosswalk.layer", account_id=viewer.account_id, subject=str(crosswalk_id), name=name)
    return get(connection, viewer, crosswalk_id)


def delete_layer(connection: Connection, viewer: Viewer, crosswalk_id: int, name: str) -> Crosswalk:
    """Delete a layer."""
    get(connection, viewer, crosswalk_id)
    if not store.delete_layer(connection, crosswalk_id, name):
        raise MissingError(f"crosswalk {crosswalk_id} has no layer {name}")
    return get(connection, viewer, crosswalk_id)


def conflicts(connection: Connection, viewer: Viewer, crosswalk_id: int) -> bytes:
    """Write the units whose layers disagree as GeoJSON, with the table of overlaps and the totals beside them."""
    found = get(connection, viewer, crosswalk_id)
    area = planning.find_area(connection, found.within)
    units = planning.read_placed_units(connection, area.path)
    layers = store.read_layers(connection, crosswalk_id, units["code"].tolist())
    try:
        told = find_conflicts(
            layers, households=units["households"].to_numpy(dtype=np.float64), community=units["community"].tolist()
        )
    except InvalidInputError as error:
        raise InvalidRequestError(str(error)) from error
    rows = np.flatnonzero(told.is_conflict)
    shapes = shapely.to_geojson(shapely.set_precision(units.geometry.to_numpy(), 1e-6, mode="pointwise"))
    features = [
        {
            "type": "Feature",
            "id": units["code"].iloc[at],
            "geometry": orjson.loads(shapes[at]),
            "properties": {
                "code": units["code"].iloc[at],
                "community": units["community"].iloc[at],
                "households": int(units["households"].iloc[at]),
                "grids": {layer.name: layer.code[at] for layer in layers},
            },
        }
        for at in rows.tolist()
    ]
    households = units["households"].to_numpy(dtype=np.int64)
    body = {
        "type": "FeatureCollection",
        "features": features,
        "totals": {
            "units": len(units),
            "conflict_units": len(rows),
            "households": int(households.sum()),
            "conflict_households": int(households[rows].sum()),
            "units_unknown_to_a_layer": int(told.is_unknown.sum()),
        },
        "overlaps": [vars(one) for one in told.overlaps],
    }
    return orjson.dumps(body)


def table(connection: Connection, viewer: Viewer, crosswalk_id: int) -> dict[str, Any]:
    """Give the table of old and new codes, unit by unit and grid by grid."""
    found = get(connection, viewer, crosswalk_id)
    rows = pd.DataFrame(store.read_table(connection, crosswalk_id), columns=list(CROSSWALK_COLUMNS), dtype=object)
    names = [layer["name"] for layer in found.layers]
    units = [
        {
            "unit": unit,
            "households": int(part["households"].iloc[0]),
            "new_code": part["new_code"].iloc[0],
            "old_codes": dict(zip(part["layer"], part["old_code"], strict=True)),
        }
        for unit, part in rows.groupby("unit", sort=False)
    ]
    known = rows[rows["old_code"].notna()].assign(households=rows["households"].astype("int64"))
    pairs = known.groupby(["layer", "old_code", "new_code"], sort=True, dropna=False)["households"]
    grids = [
        {
            "layer": layer, "old_code": old, "new_code": None if pd.isna(new) else new, "units": int(count),
            "households": int(total),
        }
        for (layer, old, new), count, total in zip(pairs.size().index, pairs.size(), pairs.sum(), strict=True)
    ]  # fmt: skip
    return {"id": found.id, "plan_id": found.plan_id, "layers": names, "units": units, "grids": grids}


def table_csv(connection: Connection, viewer: Viewer, crosswalk_id: int) -> tuple[bytes, str]:
    """Write the table as CSV, a row for every unit and layer; gives the file's name too."""
    found = get(connection, viewer, crosswalk_id)
    return crosswalk_csv(store.read_table(connection, crosswalk_id)), f"{found.name}对照表.csv"
