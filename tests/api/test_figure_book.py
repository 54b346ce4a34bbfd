"""Figures are counted once for each state of the database: over a town whose outbox nobody else empties."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, Row, event, text

from api.services.figures import FigureBook

Make = Callable[[str], TestClient]


@pytest.fixture
def counts(app: FastAPI) -> Callable[[], int]:
    """How many times figures were counted so far."""
    engine, statements = app.state.context.engine, list[str]()
    event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    return lambda: sum("incidents_overdue" in one for one in statements)


def test_figures_are_counted_once_for_each_scope_and_anew_when_something_comes(
    client: Make, counts: Callable[[], int]
) -> None:
    """D1 has 4 open incidents of 环卫 and 4 closed ones of 城管, a department, which sees its own alone."""
    wall, other_wall, department = client("screen"), client("screen"), client("department")

    def ask(of: TestClient) -> tuple[int, int]:
        figures = of.get("/api/figures?within=D1").json()
        return figures["incidents_open"], figures["reported_30d"]

    assert [ask(one) for one in (wall, other_wall, wall)] == [(4, 8)] * 3
    assert counts() == 1
    assert ask(department) == (0, 4)
    assert counts() == 2
    lon, lat = client("worker").get("/api/incidents").json()["features"][0]["geometry"]["coordinates"]
    body = {"category": "litter", "lon": lon, "lat": lat, "datum": "wgs84"}
    assert client("worker").put(f"/api/incidents/{uuid4()}", json=body).status_code == 201
    assert [ask(one) for one in (other_wall, wall, department)] == [(5, 9), (5, 9), (0, 4)]
    assert counts() == 4


def test_a_row_that_becomes_visible_late_is_counted_too(client: Make, town: Engine) -> None:
    """Two reports overlap: the later one is committed first, and the highest id in the outbox stays as it is."""
    report = text(
        "INSERT INTO incident (id, category, title, status, source, reported_at, geom) "
        "SELECT gen_random_uuid(), 'litter', 'x', 'reported', 'patrol', now(), geom FROM incident "
        "WHERE code = 'D1S1C1G1-1'"
    )
    wall = client("screen")

    def count() -> int:
        return int(wall.get("/api/figures?within=D1").json()["incidents_open"])

    with town.connect() as slow, town.connect() as quick:
        slow.execute(report)
        quick.execute(report)
        quick.commit()
        assert count() == 5
        slow.commit()
        assert count() == 6


def test_figures_that_time_changes_are_counted_again(
    client: Make, app: FastAPI, fetch: Callable[..., list[Row[Any]]], counts: Callable[[], int]
) -> None:
    """One is due in 25 s: what was counted holds until then, and for 30 s where nothing is due."""
    clock = [100.0]
    context = app.state.context
    app.state.context = replace(context, figures=FigureBook(context.reader, lambda: clock[0]))
    wall = client("screen")

    def ask_at(seconds: float) -> int:
        clock[0] = 100 + seconds
        assert wall.get("/api/figures?within=D1").status_code == 200
        return counts()

    assert [ask_at(at) for at in (0, 29, 31)] == [1, 1, 2]
    fetch("UPDATE incident SET due_at = now() + interval '25 s' WHERE code = 'D1S1C1G1-1' RETURNING 1")
    assert [ask_at(at) for at in (40, 45, 66)] == [3, 3, 4]


def test_figures_that_are_known_are_not_sent_again(client: Make) -> None:
    wall = client("screen")
    first = wall.get("/api/figures?within=D1")
    assert first.headers["cache-control"] == "private, no-cache"
    again = wall.get("/api/figures?within=D1", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = wall.get("/api/figures?within=D1S1", headers={"If-None-Match": first.headers["etag"]})
    assert (other.status_code, other.json()["within"]) == (200, "D1S1")
