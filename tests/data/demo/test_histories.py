"""Every incident of the sample city has a history that the product itself could have written."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Row, text

from api.services.admitting import admit
from api.services.moves import MOVES, NEEDS_NOTE
from data import accounts, integrity
from data.accounts import Post
from data.credentials import Cost
from data.demo import histories
from data.demo.xialu.city import City, write_layers
from data.demo.xialu.incidents import Steps, turned
from data.imports.importer import import_file
from data.imports.reference import load_categories
from layers.tables import CLOSED_STATUSES, INCIDENT_STATUSES
from tests.emptying import empty

NOW = datetime.fromisoformat("2026-03-02T10:30:00+08:00")
LAYERS = ("district", "street", "community", "grid", "incident")
LOGINS = ("worker", "community", "street", "department", "dispatcher", "dispatcher_head")
EVENTS = (
    "SELECT i.code, i.status AS incident_status, i.resolved_at, i.closed_at, i.reported_at, i.rating, e.status, e.at, "
    "e.seq, e.note, e.detail, a.login FROM incident i LEFT JOIN incident_event e ON e.incident_id = i.id "
    "LEFT JOIN account a ON a.id = e.account_id ORDER BY i.code, e.seq"
)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAGES = ("reported", "accepted", "assigned", "in_progress", "resolved", "verified", "closed")


@pytest.fixture(scope="module")
def told(owner_engine: Engine, whole_city: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The city's incidents in the database, with their histories."""
    path = tmp_path_factory.mktemp("city") / "xialu.gpkg"
    write_layers(path, {name: whole_city.layers[name] for name in LAYERS})
    with owner_engine.begin() as connection:
        empty(connection)
        load_categories(connection)
    for layer in LAYERS:
        assert import_file(owner_engine, f"{path}:{layer}", layer).faults == ()
    with owner_engine.begin() as connection:
        for login in LOGINS:
            accounts.add(connection, login, name="示例", post=Post("dispatcher", "420204"), cost=Cost(8, 1, 1))
        connection.execute(text("DELETE FROM outbox"))
        count = histories.tell(connection, whole_city.steps)
        assert count == connection.execute(text("SELECT count(*) FROM incident_event")).scalar_one()
        assert connection.execute(text("SELECT count(*) FROM outbox")).scalar_one() == 0
        assert histories.tell(connection, whole_city.steps) == 0  # what has a history keeps it
    return owner_engine


@pytest.fixture
def connection(told: Engine) -> Iterator[Connection]:
    """A transaction over them that leaves nothing behind."""
    with told.connect() as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def histories_told(connection: Connection) -> list[list[Row[Any]]]:
    """The events of each incident, in order."""
    rows = connection.execute(text(EVENTS)).all()
    return [list(events) for _, events in groupby(rows, key=lambda row: row.code)]


def hours(*after: float) -> Steps:
    """Stages so many hours after noon."""
    return tuple((status, NOON + timedelta(hours=h)) for status, h in zip(STAGES, after, strict=True))


@pytest.mark.parametrize(
    ("turn", "now_h", "wanted"),
    [
        ("returned", 9, {"reported": 0, "accepted": 1, "assigned": 2, "returned": 4}),
        ("returned", 3, {"reported": 0, "accepted": 1, "assigned": 2, "returned": 2.5}),
        ("paused", 6, {"reported": 0, "accepted": 1, "assigned": 2, "in_progress": 4, "paused": 5.75}),
        ("paused", 30, {"reported": 0, "accepted": 1, "assigned": 2, "in_progress": 4, "paused": 26.75}),
        ("paused", 3, {"reported": 0, "accepted": 1, "assigned": 2, "in_progress": 2.5, "paused": 2.9375}),
        ("reopened", 7, {"reported": 0, "rejected": 1, "reopened": 2}),
        ("reopened", 9, dict(zip(STAGES[:5], (0, 1, 2, 4, 8), strict=True)) | {"reopened": 8.5}),
        ("reopened", 30, dict(zip(STAGES[:5], (0, 1, 2, 4, 8), strict=True)) | {"reopened": 12}),
    ],
)
def test_turns_come_at_the_times_of_the_stages(turn: str, now_h: float, wanted: dict[str, float]) -> None:
    """Started 4 hours after its report, resolved after 8, verified after 12: what has not come is halfway to now.

    Paused an eighth of the time since the start ago: of 2, 26 and half an hour.
    """
    found = turned(turn, hours(0, 1, 2, 4, 8, 12, 16), NOON + timedelta(hours=now_h))
    assert {status: (at - NOON) / timedelta(hours=1) for status, at in found} == wanted


def test_every_history_ends_as_its_row_says(histories_told: list[list[Row[Any]]], whole_city: City) -> None:
    assert {events[0].code for events in histories_told} == set(whole_city.layers["incident"].code)
    for events in histories_told:
        last, at = events[-1], {event.status: event.at for event in events}
        assert (events[0].status, events[0].at) == ("reported", last.reported_at)
        assert last.status == last.incident_status
        assert last.resolved_at == (None if last.status == "reopened" else at.get("resolved"))
        ended = "closed" if last.status == "rated" else last.status
        assert last.closed_at == (at[ended] if last.status in CLOSED_STATUSES else None)
        assert (last.rating is not None) == (last.status == "rated")
        assert all(one.at <= other.at for one, other in pairwise(events))
        assert last.at <= NOW
    assert {event.status for events in histories_told for event in events} == set(INCIDENT_STATUSES)


def test_every_move_is_one_that_the_product_allows(histories_told: list[list[Row[Any]]]) -> None:
    """By its rules of moves, and two persons wherever it wants two; of what was joined nobody knows into which."""
    for events in histories_told:
        for one, other in pairwise(events):
            if other.status == one.status:
                assert set(other.detail) == {"asked", "request"}
                continue
            assert other.status in MOVES[one.status] or (one.status, other.status) == ("reported", "merged")
            assert other.note or other.status not in NEEDS_NOTE
            if other.status in ("verified", "paused", "returned"):
                assert None not in (one.login, other.login)
                assert one.login != other.login


def test_the_product_finds_no_fault_before_or_after_it_takes_the_open_ones_in(
    told: Engine, connection: Connection
) -> None:
    """Each open one gets a route and a clock that its history drives; nothing is added to the history."""
    with told.connect() as reading:  # the check reads in a stream, and its connection with it
        assert integrity.faults(reading) == []
    count = "SELECT (SELECT count(*) FROM incident_event), (SELECT count(*) FROM incident WHERE closed_at IS NULL)"
    events, opened = connection.execute(text(count)).one()
    assert admit(connection, NOW) == opened
    assert connection.execute(text(count)).one() == (events, opened)
    wrong = (
        "SELECT i.code FROM incident i LEFT JOIN incident_deadline d ON d.incident_id = i.id WHERE i.closed_at IS NULL "
        "AND d.stopped_at IS DISTINCT FROM (CASE WHEN i.status = 'paused' THEN (SELECT e.at FROM incident_event e "
        "WHERE e.incident_id = i.id AND e.status = 'paused') ELSE i.resolved_at END)"
    )
    assert connection.execute(text(wrong)).all() == []
    assert integrity.faults(connection) == []


def test_statistics_know_answer_and_dispatch_of_all_that_went_on(connection: Connection) -> None:
    """Whatever left `reported`, unless it was joined to another, was answered; what was assigned was dispatched."""
    counts = (
        "SELECT count(*) FILTER (WHERE (answer_min IS NULL) <> (status IN ('reported', 'merged'))), "
        "count(*) FILTER (WHERE is_dispatched <> EXISTS (SELECT 1 FROM incident_event e WHERE e.incident_id = "
        "case_course.incident_id AND e.status = 'assigned')), count(*) FILTER (WHERE is_dispatched) > 5000, "
        "count(*) FILTER (WHERE is_dispatched AND is_closed AND handle_min IS NULL) FROM case_course"
    )
    assert connection.execute(text(counts)).one() == (0, 0, True, 0)
