"""Figures of areas: ratings in three colours, and the lists behind them. The town: see town.sql."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api.services.ratings import Criteria

Make = Callable[[str], TestClient]
ZONE = ZoneInfo("Asia/Shanghai")
CRITERIA = Criteria(red_count=5, red_percent=20, yellow_count=2, yellow_percent=10, valid_s=900)


@pytest.mark.parametrize(
    ("open_count", "overdue", "colour"),
    [
        (0, 0, "blue"), (1, 1, "blue"), (2, 2, "yellow"), (20, 2, "yellow"), (21, 2, "blue"), (4, 4, "yellow"),
        (5, 5, "red"), (25, 5, "red"), (26, 5, "yellow"), (1000, 99, "blue"), (1000, 100, "yellow"), (1000, 200, "red"),
    ],
)  # fmt: skip
def test_colours_by_hand(open_count: int, overdue: int, colour: str) -> None:
    """Red from 5 and 20 %, yellow from 2 and 10 %."""
    assert CRITERIA.rate(open_count, overdue) == colour


@given(st.integers(0, 300), st.integers(0, 300))
def test_one_more_overdue_never_makes_a_place_better(open_count: int, overdue: int) -> None:
    order = ("blue", "yellow", "red")
    first, second = (order.index(CRITERIA.rate(max(open_count, n), n)) for n in (overdue, overdue + 1))
    assert first <= second


def test_places_are_rated_with_criteria_and_an_end(still: Make) -> None:
    """D1 has 4 open incidents, all overdue: yellow, as red needs 5; each community has 1: blue."""
    answer = still("screen").get("/api/figures?within=D1").json()
    rating = answer["rating"]
    assert rating["colour"] == "yellow"
    assert {child["colour"] for child in answer["by_child"]} == {"yellow"}  # two streets with 2 of 2
    assert {child["colour"] for child in still("screen").get("/api/figures?within=D1S1").json()["by_child"]} == {"blue"}
    rated_at, expires_at = (datetime.fromisoformat(rating[name]) for name in ("rated_at", "expires_at"))
    assert expires_at - rated_at == timedelta(seconds=900)
    assert [one["colour"] for one in rating["criteria"]] == ["red", "yellow", "blue"]
    assert "不少于 5 件" in rating["criteria"][0]["words"]


@pytest.mark.parametrize("within", ["D1", "D1S1", "D1S1C1", "D1S1C1G1", "D1S1C1G2"])
def test_the_list_behind_a_figure_has_as_many_rows(still: Make, within: str) -> None:
    wall = still("screen")
    figures = wall.get(f"/api/figures?within={within}").json()

    def count(**query: str) -> int:
        answer = wall.get("/api/incidents", params={"within": within, "limit": "1000", **query})
        assert answer.status_code == 200
        return len(answer.json()["features"])

    assert count(is_open="true") == figures["incidents_open"]
    assert count(is_overdue="true") == figures["incidents_overdue"]
    assert count(warning_level="red") == figures["incidents_supervised"]
    assert count(reported_from=figures["today_from"]) == figures["incidents_today"]
    assert count(reported_from=figures["recent_from"]) == figures["reported_30d"]
    assert count(reported_from=figures["recent_from"], is_open="false") == figures["closed_30d"]
    covered, examined = (sum(one[name] for one in figures["coverage"]) for name in ("covered", "examined"))
    assert (covered / examined if examined else None) == figures["covered_ratio"]
    if within != "D1S1C1G1" and within != "D1S1C1G2":  # a grid's neighbours touch it; the wall asks for it by its code
        outside = [
            wall.get(f"/api/layers/grid/items?within={within}&state={state}").json()["features"]
            for state in ("below", "above")
        ]
        assert sum(map(len, outside)) == figures["grids_outside_band"]


def test_coverage_by_hand(still: Make) -> None:
    """In every community of D1 one of four units, 300 of 800 households, has a station within reach."""
    wall = still("screen")
    street = wall.get("/api/figures?within=D1S1").json()
    assert [(one["code"], one["covered"], one["examined"]) for one in street["coverage"]] == [
        ("D1S1C1", 300, 800), ("D1S1C2", 300, 800),
    ]  # fmt: skip
    community = wall.get("/api/figures?within=D1S1C1").json()
    assert [(one["code"], one["covered"], one["examined"]) for one in community["coverage"]] == [("D1S1C1", 300, 800)]


def test_times_are_told_with_their_zone(still: Make) -> None:
    figures = still("screen").get("/api/figures?within=D1").json()
    today = datetime.fromisoformat(figures["today_from"])
    assert today.astimezone(ZONE).strftime("%H:%M:%S") == "00:00:00"
    assert datetime.now(UTC) - timedelta(hours=24, minutes=1) < today <= datetime.now(UTC)
