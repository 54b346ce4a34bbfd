"""Lots and neighbours of units: drawn once a community, and kept until its units, its border or a barrier change."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from data.planning import WGS84, Place, read_barriers, read_communities, read_units
from geo.coverage import clean_lots
from geo.lots import draw_lots
from geo.projection import metric_crs
from geo.rebalance.prepare import prepare
from geo.rebalance.problem import Band
from geo.rebalance.units import read_units as check_units

DRAWING_LOCK = 7_420_206  # advisory lock: held alone by who draws, shared by who changes units (see migration 0002)
ANY_BAND = Band(1, 1, 1)  # neighbours hang on no band
_STALE = text(
    "SELECT a.code FROM area a WHERE a.level = 'community' AND a.path <@ CAST(:path AS ltree) "
    "AND EXISTS (SELECT 1 FROM unit u WHERE u.area_id = a.id) "
    "AND NOT EXISTS (SELECT 1 FROM lot_sheet s WHERE s.area_id = a.id) ORDER BY a.code"
)
_INSERT_LOTS = text(
    "INSERT INTO unit_lot (unit_id, path, geom) SELECT u.id, u.path, ST_Multi(ST_GeomFromWKB(x.geom, 4326)) "
    "FROM unnest(CAST(:unit AS bigint[]), CAST(:geom AS bytea[])) AS x (unit, geom) JOIN unit u ON u.id = x.unit"
)
_INSERT_NEIGHBOURS = text(
    "INSERT INTO unit_neighbour (unit_a, unit_b, path, border_m, is_cut, is_bridge) "
    "SELECT x.a, x.b, u.path, x.border_m, x.is_cut, x.is_bridge "
    "FROM unnest(CAST(:a AS bigint[]), CAST(:b AS bigint[]), CAST(:border_m AS double precision[]), "
    "CAST(:is_cut AS boolean[]), CAST(:is_bridge AS boolean[])) AS x (a, b, border_m, is_cut, is_bridge) "
    "JOIN unit u ON u.id = x.a"
)


def is_drawn(connection: Connection, path: str) -> bool:
    """Tell whether the lots of an area are there and up to date."""
    return not connection.execute(_STALE, {"path": path}).first()


def ensure_drawn(connection: Connection, area: Place) -> None:
    """Draw the lots and neighbours of the communities of an area where they are missing or out of date.

    Whoever changes units, communities or barriers meanwhile waits until the transaction ends.
    """
    if is_drawn(connection, area.path):
        return
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": DRAWING_LOCK})
    stale = list(connection.execute(_STALE, {"path": area.path}).scalars())
    if not stale:
        return  # another process has drawn them while this one waited
    communities = read_communities(connection, area.path)
    units = read_units(connection, area.path)
    units = units[units["community"].isin(stale)].reset_index(drop=True)
    crs = metric_crs(communities)
    lots = _draw(units.to_crs(crs), communities.to_crs(crs))
    stale_areas = {"areas": communities.loc[stale, "id"].tolist()}
    for statement in (
        "DELETE FROM unit_neighbour WHERE path IN (SELECT path FROM area WHERE id = ANY (:areas))",
        "DELETE FROM unit_lot WHERE unit_id IN (SELECT id FROM unit WHERE area_id = ANY (:areas)) "
        "OR path IN (SELECT path FROM area WHERE id = ANY (:areas))",
        "INSERT INTO lot_sheet (area_id, path) SELECT id, path FROM area WHERE id = ANY (:areas)",
    ):
        connection.execute(text(statement), stale_areas)
    wkb = shapely.to_wkb(lots.to_crs(WGS84).geometry.to_numpy())
    connection.execute(_INSERT_LOTS, {"unit": units["id"].tolist(), "geom": list(wkb)})
    pairs = _neighbours(lots, units.geometry, read_barriers(connection, area.path))
    connection.execute(_INSERT_NEIGHBOURS, {str(name): pairs[name].tolist() for name in pairs})


def read_neighbours(connection: Connection, path: str) -> pd.DataFrame:
    """Read the neighbour pairs of the units of an area: unit_a, unit_b, border_m, is_cut, is_bridge."""
    columns = ["unit_a", "unit_b", "border_m", "is_cut", "is_bridge"]
    rows = connection.execute(
        text(
            f"SELECT {', '.join(columns)} FROM unit_neighbour WHERE CAST(:path AS ltree) @> path "
            "ORDER BY unit_a, unit_b"
        ),
        {"path": path},
    )
    return pd.DataFrame([tuple(row) for row in rows], columns=columns)


def _draw(units: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give every unit the ground around it, in metres: buildings do not touch, lots do."""
    geom_m = units.geometry.to_numpy()
    lots = geom_m.copy()
    for code, rows in units.groupby("community", sort=False).indices.items():
        lots[rows] = clean_lots(draw_lots(geom_m[rows], communities.geometry.loc[code]))
    return units.set_geometry(gpd.GeoSeries(lots, index=units.index, crs=units.crs))


def _neighbours(lots: gpd.GeoDataFrame, buildings: gpd.GeoSeries, barriers: gpd.GeoSeries) -> pd.DataFrame:
    """Find the neighbours of units and the bridges between pieces, as the rebalancing does."""
    checked = check_units(
        lots, households="households", within="community", compound=None, current=None, inside=buildings
    )
    prepared = prepare(checked, barriers=barriers, band=ANY_BAND, mode="redraw")
    near, bridges = prepared.neighbours, prepared.bridges
    ends = np.sort(lots["id"].to_numpy(dtype=np.int64)[np.vstack([near.pairs, bridges.pairs])], axis=1)
    found = pd.DataFrame(
        {
            "a": ends[:, 0],
            "b": ends[:, 1],
            "border_m": np.round(np.r_[near.touch_m, np.zeros(len(bridges.pairs))], 2),
            "is_cut": np.r_[near.is_cut, bridges.is_cut],
            "is_bridge": np.r_[(near.touch_m == 0) & ~near.is_cut, np.ones(len(bridges.pairs), dtype=bool)],
        }
    )
    # a unit whose neighbours are all across a barrier is bridged to one of them: one pair, cut and bridge at once
    return found.groupby(["a", "b"], as_index=False).max()
