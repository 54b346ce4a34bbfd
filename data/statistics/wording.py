"""Statistics and recurring problems as plain JSON values."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import shapely

from data.statistics.counting import Group, Hours, Post, Statistics
from data.statistics.question import Question
from data.statistics.recurring import Cell, Cluster, Recurring

DIGITS = 6
KINDS = {1: "hot", -1: "cold", 0: ""}
LEVEL_NAMES = {
    "grid": ("网格", "Grid"), "community": ("社区", "Community"), "street": ("街道", "Street"),
    "district": ("区县", "District"), "unknown": ("未记录", "Not recorded"),
}  # fmt: skip


def statistics_body(question: Question, found: Statistics, now: datetime) -> dict[str, Any]:
    """Give all figures of a question."""
    return {
        **_head(question, now),
        "total": group_body(found.total),
        "areas": [group_body(one) for one in found.areas],
        "departments": [group_body(one) for one in found.departments],
        "categories": [group_body(one) for one in found.categories],
        "sources": [group_body(one) for one in found.sources],
        "posts": [_post(one, found.total) for one in found.posts],
        "statuses": dict(found.statuses),
    }


def group_body(group: Group) -> dict[str, Any]:
    """Give one group's figures."""
    return {
        "code": group.code, "name": group.name, "name_en": group.name_en, "counts": dict(group.counts),
        "ratios": {
            code: {"value": None if one.value is None else round(one.value, DIGITS), "grade": one.grade}
            for code, one in group.ratios.items()
        },
        "hours": _hours(group.hours),
    }  # fmt: skip


def recurring_body(question: Question, found: Recurring, now: datetime) -> dict[str, Any]:
    """Give what was found, clusters and cells as GeoJSON."""
    reach = found.search.reach
    return {
        **_head(question, now),
        "radius_m": reach.radius_m, "days": reach.days, "least": reach.least, "resolution": found.resolution,
        "incidents": found.incident_count, "clustered": found.clustered_count, "cluster_count": found.cluster_count,
        "clusters": {
            "type": "FeatureCollection",
            "features": [_cluster(rank, one, found) for rank, one in enumerate(found.clusters, 1)],
        },
        "cells": {"type": "FeatureCollection", "features": [_cell(one) for one in found.cells]},
    }  # fmt: skip


def cluster_facts(rank: int, one: Cluster, found: Recurring) -> dict[str, Any]:
    """Give a cluster's facts without its place on the map."""
    name, name_en = found.names.get(one.category, (one.category, None))
    place, place_en = place_name(one.place, found)
    return {
        "rank": rank, "category": one.category, "category_name": name, "category_name_en": name_en,
        "place": one.place.rsplit(".", 1)[-1], "place_name": place, "place_name_en": place_en, "n": len(one.ids),
        "first_on": _day(one.shape.first_day).isoformat(), "last_on": _day(one.shape.last_day).isoformat(),
        "radius_m": round(one.shape.radius_m, 1), "open": one.open_count, "trend": one.shape.trend,
    }  # fmt: skip


def place_name(path: str, found: Recurring) -> tuple[str, str | None]:
    """Name a place by its street, community and grid, each once: a grid's name often has its community's in it."""
    parts = path.split(".")
    below = [".".join(parts[:n]) for n in range(min(2, len(parts)), len(parts) + 1)]
    known = [found.names[one] for one in below if one in found.names]
    named = [one for one, finer in zip(known, [*known[1:], ("", None)], strict=True) if not finer[0].startswith(one[0])]
    if not named:
        return parts[-1], None
    english = [name_en or name for name, name_en in named]
    return "".join(name for name, _ in named), ", ".join(reversed(english))


def _cluster(rank: int, one: Cluster, found: Recurring) -> dict[str, Any]:
    """Write a cluster as a feature."""
    return {
        "type": "Feature", "id": rank,
        "geometry": {"type": "Point", "coordinates": [round(one.lon, 7), round(one.lat, 7)]},
        "properties": {**cluster_facts(rank, one, found), "ids": list(one.ids)},
    }  # fmt: skip


def _cell(one: Cell) -> dict[str, Any]:
    """Write a cell as a feature."""
    ring = [[round(x, DIGITS), round(y, DIGITS)] for x, y in shapely.get_coordinates(one.geom).tolist()]
    return {
        "type": "Feature", "id": one.id, "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "cell": one.id, "n": one.n, "z": round(one.z, 3), "p": round(one.p, DIGITS), "q": round(one.q, DIGITS),
            "kind": KINDS[one.kind],
        },
    }  # fmt: skip


def _head(question: Question, now: datetime) -> dict[str, Any]:
    """Say what was asked and when."""
    return {
        "as_of": _stamp(now), "within": question.asked.within, "name": question.name, "name_en": question.name_en,
        "level": question.level, "first_day": question.first_day.isoformat(), "last_day": question.last_day.isoformat(),
        "time_zone": question.time_zone, "reported_from": _stamp(question.reported_from),
        "reported_before": _stamp(question.reported_before),
    }  # fmt: skip


def _post(post: Post, total: Group) -> dict[str, Any]:
    """Give one post's figures."""
    ratio = None
    if post.indicator is not None:
        indicator = next(one for one in total.indicators if one.code == post.indicator)
        judged = total.ratios[post.indicator]
        ratio = {
            "indicator": post.indicator, "numerator": total.counts[indicator.numerator],
            "denominator": total.counts[indicator.denominator],
            "value": None if judged.value is None else round(judged.value, DIGITS), "grade": judged.grade,
        }  # fmt: skip
    return {
        "code": post.code, "name": post.name, "name_en": post.name_en, "count": post.count,
        "hours": _hours(post.hours), "ratio": ratio,
    }  # fmt: skip


def _hours(hours: Hours) -> dict[str, Any]:
    """Give hours."""
    return {"n": hours.n, "median": hours.median, "p90": hours.p90}


def _day(days: float) -> date:
    """Turn days since 1970 into a date."""
    return date(1970, 1, 1) + timedelta(days=int(days))


def _stamp(at: datetime) -> str:
    """Write a time in UTC."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
