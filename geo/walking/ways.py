"""What the columns of a street file say: which lines may be walked, and how they stand over each other.

Columns are those of our own `road` layer, of OpenStreetMap (as columns, or in GDAL's `other_tags`), of Geofabrik's
files and of Tilezen's. One-way streets are walked both ways.
"""

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.arrays import BoolArray, FloatArray
from geo.errors import InvalidInputError
from geo.walking.lines import Standing

CLASS_COLUMNS = ("class", "highway", "fclass", "kind_detail", "kind")
"""Where street files keep the class: ours, OpenStreetMap's, Geofabrik's, Tilezen's (two columns)."""

NO_WAYS = frozenset(
    {
        "construction", "proposed", "planned", "abandoned", "razed", "disused", "no", "rail", "railway", "subway",
        "light_rail", "narrow_gauge", "tram", "monorail", "funicular", "ferry", "aerialway", "river", "canal",
        "铁路", "地铁", "轨道交通",
    }
)  # fmt: skip
"""Classes that are no way at all, whatever else is said of them."""
UNWALKABLE_CLASSES = frozenset(
    {
        "expressway", "motorway", "motorway_link", "raceway", "bus_guideway", "busway", "escape",
        "快速路", "高速公路", "高速",
    }
)  # fmt: skip
"""Classes without a way on foot unless `foot` says so."""
TRUNK_CLASSES = frozenset({"trunk", "trunk_link"})
"""In Chinese cities these are 快速路, on bridges and in tunnels, and national roads along which people walk. Without
the latter the network of 光谷 falls into two halves at 珞喻路; with them 98 % of it is one piece."""

_YES = frozenset({"1", "true", "yes", "y", "t", "是", "1.0"})
_NO = frozenset({"0", "false", "no", "n", "f", "否", "0.0", "none"})
_FOOT_YES = _YES | {"designated", "permissive", "destination", "official", "customers", "public", "permit"}
_FOOT_NO = _NO | {"private", "use_sidepath", "military"}
_ACCESS_NO = _NO | {"private", "military"}
_GATE_KINDS_SHUT = frozenset({"wall", "fence", "hedge", "debris", "jersey_barrier", "guard_rail"})
_AT_GRADE = frozenset({"building_passage", "covered", "culvert"})


def walkable_streets(streets: gpd.GeoDataFrame) -> BoolArray:
    """Tell which lines of a street layer may be walked.

    A column `is_walkable` decides where it says yes or no. Elsewhere a class of `NO_WAYS` is out; then `foot` decides;
    then `access` = no or private, `motorroad` = yes, a class of `UNWALKABLE_CLASSES` in any of `CLASS_COLUMNS`, and one
    of `TRUNK_CLASSES` on a bridge or in a tunnel forbid it. A line that says nothing is walkable.

    Parameters
    ----------
    streets
        Street lines with whatever columns they have. Column names are compared without case.

    Returns
    -------
    is_walkable
        Shape (n_street,).

    Raises
    ------
    InvalidInputError
        If `is_walkable` holds a value that is neither yes, no nor empty; the message names the row.
    """
    walkable = np.ones(len(streets), dtype=bool)
    is_way = np.ones(len(streets), dtype=bool)
    is_lifted = _is_bridge(streets) | _is_tunnel(streets)
    has_class = np.zeros(len(streets), dtype=bool)
    for name in CLASS_COLUMNS:
        said = _words(streets, name)
        is_way &= ~said.isin(NO_WAYS).to_numpy()
        walkable &= ~said.isin(UNWALKABLE_CLASSES).to_numpy()
        walkable &= ~(said.isin(TRUNK_CLASSES).to_numpy() & is_lifted)
        has_class |= (said != "").to_numpy()
    is_way &= has_class | ~_words(streets, "railway").isin(NO_WAYS).to_numpy()  # a street with tram rails is a street
    if any(str(column).lower() == "other_tags" for column in streets.columns):
        is_way &= (_words(streets, "highway") != "").to_numpy()  # GDAL's lines of OpenStreetMap: rivers, fences as well
    walkable &= ~_words(streets, "access").isin(_ACCESS_NO).to_numpy()
    walkable &= ~_words(streets, "motorroad").isin(_YES).to_numpy()
    foot = _words(streets, "foot")
    walkable = (walkable | foot.isin(_FOOT_YES).to_numpy()) & ~foot.isin(_FOOT_NO).to_numpy() & is_way
    said = _words(streets, "is_walkable")
    yes, no = said.isin(_YES).to_numpy(), said.isin(_NO).to_numpy()
    odd = np.flatnonzero(~yes & ~no & (said != "").to_numpy())
    if len(odd):
        raise InvalidInputError(
            f"streets row {odd[0] + 1}, is_walkable: {said.iloc[odd[0]]}; it must be true, false or empty"
        )
    return np.where(yes, True, np.where(no, False, walkable))


def standing(streets: gpd.GeoDataFrame) -> Standing:
    """Tell how street lines stand over each other.

    `bridge`, `tunnel` (and Tilezen's `is_bridge`, `is_tunnel`) lift a line off the ground unless they say no or name a
    passage at grade; `layer` says how high, else a bridge is on 1 and a tunnel on -1. `level` (the floor of an indoor
    way) tells lines of one layer apart. `is_barrier` marks lines that are crossed only where a vertex is shared.
    """
    bridge, tunnel = _is_bridge(streets), _is_tunnel(streets)
    said = _number(_words(streets, "layer"))
    layer = np.where(
        np.isfinite(said) & ((said != 0) | ~(bridge | tunnel)), said, np.where(bridge, 1, np.where(tunnel, -1, 0))
    )
    layer = np.rint(np.nan_to_num(layer)).astype(np.int64)
    floor, _ = pd.factorize(_words(streets, "level"))
    kind, _ = pd.factorize(pd.MultiIndex.from_arrays([layer, floor]))
    return Standing(
        layer=layer,
        grade=np.where(bridge | tunnel, -1, kind).astype(np.int64),
        is_barrier=_words(streets, "is_barrier").isin(_YES).to_numpy(),
    )


def closed_gates(gates: gpd.GeoDataFrame) -> BoolArray:
    """Tell which gates let nobody through on foot.

    `is_open` decides where it says yes or no; then `foot`; then `locked` = yes, `access` = no or private, and a
    `barrier` that is no gate at all (wall, fence, hedge) shut it. A gate that says nothing is open, so is any bollard.
    """
    shut = _words(gates, "locked").isin(_YES).to_numpy() | _words(gates, "access").isin(_ACCESS_NO).to_numpy()
    shut |= _words(gates, "barrier").isin(_GATE_KINDS_SHUT).to_numpy()
    foot, is_open = _words(gates, "foot"), _words(gates, "is_open")
    shut = (shut | foot.isin(_FOOT_NO).to_numpy()) & ~foot.isin(_FOOT_YES).to_numpy()
    closed: BoolArray = (shut | is_open.isin(_NO).to_numpy()) & ~is_open.isin(_YES).to_numpy()
    return closed


def _words(frame: gpd.GeoDataFrame, name: str) -> pd.Series:
    """Read any column, or tag of `other_tags` where it is empty, as lower-case words; nothing is the empty word."""
    columns = {str(column).lower(): column for column in frame.columns}
    words = pd.Series("", index=frame.index, dtype=object)
    if name in columns:
        words = _plain(frame[columns[name]])
    if "other_tags" in columns:
        words = words.where(words != "", _plain(_tag(frame[columns["other_tags"]], name)))
    return words


def _plain(column: pd.Series) -> pd.Series:
    """Write any values as lower-case words; nothing is the empty word."""
    words: pd.Series = column.astype(object).where(column.notna(), "").astype(str).str.strip().str.lower()
    return words


def _tag(tags: pd.Series, name: str) -> pd.Series:
    """Take one tag out of GDAL's text of all the others: "key"=>"value","key"=>"value"."""
    value: pd.Series = tags.astype("string").str.extract(rf'(?:^|,)"{name}"=>"((?:[^"\\]|\\.)*)"', expand=False)
    return value


def _lifts(streets: gpd.GeoDataFrame, name: str) -> BoolArray:
    """Tell which lines a bridge or tunnel column lifts off the ground."""
    said = _words(streets, name)
    lifts: BoolArray = ((said != "") & ~said.isin(_NO | _AT_GRADE)).to_numpy()
    return lifts


def _is_bridge(streets: gpd.GeoDataFrame) -> BoolArray:
    """Tell which lines are bridges."""
    return _lifts(streets, "bridge") | _lifts(streets, "is_bridge")


def _is_tunnel(streets: gpd.GeoDataFrame) -> BoolArray:
    """Tell which lines are tunnels."""
    return _lifts(streets, "tunnel") | _lifts(streets, "is_tunnel")


def _number(words: pd.Series) -> FloatArray:
    """Read words as numbers, NaN where they are none."""
    number: FloatArray = pd.to_numeric(words, errors="coerce").to_numpy(dtype=np.float64)
    return number
