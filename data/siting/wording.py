"""A siting answer as plain JSON values, for the planner's page."""

from typing import Any

import numpy as np
import pandas as pd

from data.rules.files import plain
from data.rules.frames import lon_lat
from data.siting.answering import Answered

MOST_SPOTS = 20_000
DIGITS = 6


def answer_body(found: Answered) -> dict[str, Any]:
    """Give an answer: figures, sites in the order in which each adds most, options, who is served, places for the map.

    `units` are [lon, lat, weight, state], those in need first, at most 20,000 of them; state is before (served by what
    stands), new (served by a chosen site), left (served by none), unknown (off the streets).
    """
    question, answer = found.question, found.answer
    wish, candidates, existing = question.wish, question.candidates, question.existing
    weight = question.units["weight"].to_numpy(dtype=np.float64)
    before, after = float(weight[found.is_served_before].sum()), float(weight[found.is_served_after].sum())
    return {
        "model": wish.model, "p": wish.p, "rulebook": wish.rulebook, "rule": wish.rule, "facility": wish.facility,
        "radius_m": plain(wish.radius_m), "weight": wish.weight,
        "objective": plain(answer.objective), "bound": plain(answer.bound), "gap": plain(answer.gap),
        "seconds": round(answer.seconds, 2), "total_weight": plain(answer.total_weight),
        "covered_before": plain(before), "covered_after": plain(after),
        "uncoverable_weight": plain(answer.uncoverable_weight), "unknown_weight": plain(found.placed.unknown_weight),
        "units_uncounted": question.uncounted, "candidates": len(candidates), "left_out": list(question.left_out),
        "sites": [
            {"rank": rank, "name": str(candidates["name"].iloc[at]), "source": str(candidates["source"].iloc[at]),
             "lon": lon, "lat": lat, "gain": plain(gain)}
            for rank, (at, gain, (lon, lat)) in enumerate(
                zip(answer.site.tolist(), answer.gain.tolist(), _spots(candidates.iloc[answer.site]), strict=True), 1
            )
        ],
        "existing": [
            {"code": code, "name": name, "is_open": bool(is_open), "lon": lon, "lat": lat}
            for code, name, is_open, (lon, lat) in zip(
                existing["code"], existing["name"], existing["is_open"], _spots(existing), strict=True
            )
        ],
        "options": [
            {"kind": str(one.kind), "code": str(existing["code"].iloc[one.site]),
             "name": str(existing["name"].iloc[one.site]), "weight": plain(one.weight)}
            for one in found.options
        ],
        "communities": _communities(found, weight),
        "places": _spots(candidates)[:MOST_SPOTS],
        "units": _units(found, weight),
    }  # fmt: skip


def _communities(found: Answered, weight: np.ndarray) -> list[dict[str, Any]]:
    """Add up by community, those with most not served first."""
    frame = pd.DataFrame(
        {
            "community": found.question.units["community"].fillna("").astype(str),
            "weight": weight,
            "before": np.where(found.is_served_before, weight, 0.0),
            "after": np.where(found.is_served_after, weight, 0.0),
        }
    )
    sums = frame.groupby("community", as_index=False).sum()
    sums = sums.assign(left=sums["weight"] - sums["after"]).sort_values(
        ["left", "community"], ascending=[False, True], kind="stable"
    )
    return [{str(name): plain(value) for name, value in row.items()} for row in sums.to_dict("records")]


def _units(found: Answered, weight: np.ndarray) -> list[list[Any]]:
    """Give every unit with somebody to serve: place, weight and state; those in need first."""
    state = np.select(
        [~found.placed.demand_is_known, found.is_served_before, found.is_served_after],
        ["unknown", "before", "new"], "left",
    )  # fmt: skip
    rank = np.select([state == "left", state == "new", state == "unknown"], [0, 1, 2], 3)
    spots = np.round(lon_lat(found.question.units), DIGITS)
    order = np.lexsort((-weight, rank))
    order = order[(weight[order] > 0) & np.isfinite(spots[order]).all(axis=1)][:MOST_SPOTS]
    return [[*spots[at].tolist(), plain(weight[at]), str(state[at])] for at in order.tolist()]


def _spots(frame: Any) -> list[list[float]]:
    """Give places as [lon, lat]."""
    return [[round(lon, DIGITS), round(lat, DIGITS)] for lon, lat in lon_lat(frame).tolist()] if len(frame) else []
