"""What a report's map shows: every building's verdict by each rule, as compact numbers, and cells with their totals."""

from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from data.lifecircle.content import Report
from data.lifecircle.wording import COUNTERS, DEMANDS, day, rule_label
from data.rules.frames import basis, lon_lat
from geo.arrays import BoolArray, IntArray
from geo.cells import cells_of
from geo.circles import open_rows, rows_of_types
from geo.tally import tally
from geo.verdicts import Judgement, Verdict

MET, NOT_MET, UNKNOWN = "#2166ac", "#d1495b", "#8a929b"
"""Blue, red and grey: told apart also without red and green, and by size and filling."""
VERDICTS = (Verdict.MET, Verdict.NOT_MET, Verdict.UNKNOWN)
CONFIDENCES = {"H": "高", "M": "中", "L": "低"}


def map_data(report: Report, *, resolution: int) -> dict[str, Any]:
    """Give what the page's script draws, as plain JSON values; places are [latitude, longitude] as Leaflet wants them.

    Parameters
    ----------
    resolution
        H3 resolution of the cells.
    """
    spots = lon_lat(report.units)
    cells = cells_of(spots, resolution=resolution)
    names = [str(address or code) for address, code in zip(report.units["address"], report.units["code"], strict=True)]
    rules = []
    for judged in report.circles.judgements:
        totals = tally(judged, cells.group, len(cells.ids))
        frame = report.facilities[judged.rule.facility_kind]
        serving = open_rows(frame, rows_of_types(frame, judged.rule.facility_types))
        rules.append(
            {
                **_rule(report, judged),
                "units": _units(judged, np.isfinite(spots).all(axis=1) & is_asking(judged), serving),
                "facilities": _facilities(frame.iloc[serving]),
                "cells": [
                    [_rounded(ratio), round(unserved), round(known)]
                    for ratio, unserved, known in zip(
                        totals.unserved_ratio.tolist(), totals.demand_not_met.tolist(),
                        (totals.demand_met + totals.demand_not_met).tolist(), strict=True,
                    )
                ],
            }
        )  # fmt: skip
    return {
        "units": [[*_place(spot), name] for spot, name in zip(spots.tolist(), names, strict=True)],
        "cells": [
            [[round(lat, 6), round(lon, 6)] for lon, lat in shapely.get_coordinates(one)[:-1].tolist()]
            for one in cells.geoms
        ],
        "resolution": resolution,
        "rules": rules,
        "promises": [
            [*_place([step.lon, step.lat]), f"{promise.target['title']}：{step.name}", step.is_done, str(step.on or "")]
            for promise in report.promises
            for step in promise.steps
        ],
    }


def _rule(report: Report, judged: Judgement) -> dict[str, Any]:
    """Give what every tooltip of a rule says."""
    rule = judged.rule
    return {
        "label": rule_label(rule), "basis": basis(rule), "confidence": CONFIDENCES[rule.confidence],
        "whom": DEMANDS[rule.demand], "counter": COUNTERS[rule.demand], "date": day(report.data_on(rule)),
        "threshold_m": rule.threshold_m,
    }  # fmt: skip


def is_asking(judged: Judgement) -> BoolArray:
    """Tell which buildings have somebody whom the rule serves, or were not counted; works and shops have nobody."""
    asking: BoolArray = judged.demand != 0
    return asking


def _units(judged: Judgement, is_shown: BoolArray, serving: IntArray) -> list[list[Any]]:
    """Give for each building: number, verdict (as in `VERDICTS`), metres walked and straight, demand, facility."""
    verdict = np.select([judged.verdict == one for one in VERDICTS], [0, 1, 2])
    place = {int(row): at for at, row in enumerate(serving.tolist())}
    return [
        [at, int(verdict[at]), _whole(judged.walk_m[at]), _whole(judged.straight_m[at]), _whole(judged.demand[at]),
         place.get(int(judged.facility[at]), -1)]
        for at in np.flatnonzero(is_shown).tolist()
    ]  # fmt: skip


def _facilities(frame: gpd.GeoDataFrame) -> list[list[Any]]:
    """Give the facilities' places and names."""
    return [[*_place(spot), str(name)] for spot, name in zip(lon_lat(frame).tolist(), frame["name"], strict=True)]


def _place(spot: list[float]) -> list[float | None]:
    """Turn (lon, lat) into Leaflet's order, with 6 decimals."""
    return [_rounded(spot[1], 6), _rounded(spot[0], 6)]


def _whole(value: float) -> int | None:
    """Round to whole metres or heads; nothing where there is no number."""
    return round(value) if np.isfinite(value) else None


def _rounded(value: float, digits: int = 3) -> float | None:
    """Round; nothing where there is no number."""
    return round(value, digits) if np.isfinite(value) else None
