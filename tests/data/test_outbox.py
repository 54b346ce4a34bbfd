"""The outbox: everything once, in the order in which it became visible, and the pyramid true to it."""

import threading
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from data import outbox
from layers.pyramid import CELL_ZOOMS, cells

SOMEWHERE = (114.9, 30.2)


@pytest.fixture
def filled(clean):
    """The owner's engine; one category, nothing else."""
    with clean.begin() as connection:
        connection.execute(text("INSERT INTO category (code, name) VALUES ('litter', '暴露垃圾')"))
    return clean


def report(connection, n: int, lon: float = SOMEWHERE[0], lat: float = SOMEWHERE[1]) -> None:
    connection.execute(
        text(
            "INSERT INTO incident (id, category, title, reported_at, geom) VALUES "
            "(md5(CAST(:n AS text))::uuid, 'litter', 'x', now(), ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))"
        ),
        {"n": n, "lon": lon, "lat": lat},
    )


def publish_all(engine) -> int:
    total = 0
    while count := outbox.publish(engine):
        total += count
    return total


def recount(connection) -> Counter:
    """Every incident in its cell of every zoom, counted from the rows."""
    rows = connection.execute(text("SELECT ST_X(geom), ST_Y(geom), path::text FROM incident")).all()
    xy = np.array([row[:2] for row in rows], dtype=np.float64).reshape(-1, 2)
    return Counter(
        (zoom, *cell, row[2]) for zoom in CELL_ZOOMS for cell, row in zip(cells(xy, zoom).tolist(), rows, strict=True)
    )


def pyramid(connection) -> Counter:
    rows = connection.execute(text("SELECT z, x, y, path::text, count FROM incident_cell"))
    return Counter({tuple(row[:4]): row[4] for row in rows})


def test_nothing_happened(clean) -> None:
    assert (outbox.publish(clean), outbox.newest(clean), outbox.oldest(clean)) == (0, 0, 0)
    assert outbox.read(clean, after=0) == []


def test_events_come_in_order_and_say_what_they_are_about(filled) -> None:
    publish_all(filled)
    start = outbox.newest(filled)
    with filled.begin() as connection:
        report(connection, 1)
        report(connection, 2)
        connection.execute(text("UPDATE incident SET title = 'y' WHERE id = md5('1')::uuid"))
    assert outbox.read(filled, after=start) == []  # nobody numbered them yet
    assert publish_all(filled) == 3
    with filled.connect() as connection:
        one, two = connection.execute(text("SELECT md5('1')::uuid::text, md5('2')::uuid::text")).one()
    events = outbox.read(filled, after=start)
    assert [(event.kind, event.layer, event.path, event.key) for event in events] == [
        ("incident", "incident", "", one), ("incident", "incident", "", two), ("incident", "incident", "", one),
    ]  # fmt: skip
    assert [event.seq for event in events] == sorted({event.seq for event in events})
    assert outbox.read(filled, after=events[0].seq, batch=1) == [events[1]]
    known = outbox.revisions(filled)
    assert known["incident"] == known["incident_density"] == events[-1].seq


def test_a_writer_that_commits_late_is_not_lost(filled) -> None:
    """The first writer's row has the lower id, but becomes visible second: it is numbered second, and read."""
    publish_all(filled)
    start = outbox.newest(filled)
    with filled.connect() as slow, slow.begin():
        report(slow, 1)
        with filled.begin() as quick:
            report(quick, 2)
        assert publish_all(filled) == 1
        early = outbox.read(filled, after=start)
        assert len(early) == 1
    assert publish_all(filled) == 1
    late = outbox.read(filled, after=early[-1].seq)
    assert len(late) == 1
    with filled.connect() as connection:
        assert late[0].key == connection.execute(text("SELECT md5('1')::uuid::text")).scalar()
        assert pyramid(connection) == recount(connection)


def test_a_writer_that_rolls_back_leaves_nothing(filled) -> None:
    publish_all(filled)
    with filled.connect() as connection, connection.begin() as transaction:
        report(connection, 1)
        transaction.rollback()
    assert publish_all(filled) == 0


def test_every_event_once_with_many_writers_and_publishers(filled, database) -> None:
    """Four writers of 50 rows each and three publishers at once: 200 events, each with its own number."""
    publish_all(filled)
    start = outbox.newest(filled)
    engine = database.app_engine(pool_size=4, statement_timeout_s=60)
    writing = create_engine(database.owner_url, pool_size=4)
    is_done = threading.Event()
    numbered, errors = [], []

    def write(first: int) -> None:
        for n in range(first, first + 50):
            with writing.begin() as connection:
                report(connection, n, 114.9 + n / 1e4)

    def keep_publishing() -> None:
        try:
            while not is_done.is_set():
                numbered.append(outbox.publish(engine))
        except Exception as error:
            errors.append(error)

    publishers = [threading.Thread(target=keep_publishing) for _ in range(3)]
    writers = [threading.Thread(target=write, args=(1000 * i,)) for i in range(4)]
    for thread in (*publishers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    is_done.set()
    for thread in publishers:
        thread.join()
    numbered.append(publish_all(engine))
    events = outbox.read(engine, after=start)
    engine.dispose()
    writing.dispose()
    assert not errors
    assert sum(numbered) == len(events) == len({event.key for event in events}) == 200
    with filled.connect() as connection:
        assert pyramid(connection) == recount(connection)


steps = st.lists(
    st.tuples(
        st.sampled_from(["insert", "move", "delete", "publish"]), st.integers(0, 5),
        st.floats(114.0, 116.0), st.floats(29.0, 31.0),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_the_pyramid_is_a_recount_of_the_rows(filled, steps) -> None:
    """Any inserts, moves and deletes, published at any moment between them."""
    with filled.begin() as connection:
        connection.execute(text("DELETE FROM incident"))
    publish_all(filled)
    for step, n, lon, lat in steps:
        if step == "publish":
            outbox.publish(filled)
            continue
        with filled.begin() as connection:
            values = {"n": n, "lon": lon, "lat": lat}
            if step == "insert":
                connection.execute(text("DELETE FROM incident WHERE id = md5(CAST(:n AS text))::uuid"), values)
                report(connection, n, lon, lat)
            elif step == "move":
                connection.execute(
                    text(
                        "UPDATE incident SET geom = ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) "
                        "WHERE id = md5(CAST(:n AS text))::uuid"
                    ),
                    values,
                )
            else:
                connection.execute(text("DELETE FROM incident WHERE id = md5(CAST(:n AS text))::uuid"), values)
    publish_all(filled)
    with filled.connect() as connection:
        assert pyramid(connection) == recount(connection)


def test_one_revision_a_changed_layer(clean) -> None:
    """Only the layer whose rows changed moves on; a statement that changes no row announces nothing."""
    with clean.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO road (code, geom, path) VALUES ('R1', "
                "ST_GeomFromText('MULTILINESTRING((114 30, 114.1 30))', 4326), '')"
            )
        )
    publish_all(clean)
    first = outbox.revisions(clean)
    assert set(first) == {"road"}
    with clean.begin() as connection:
        connection.execute(text("UPDATE road SET name = 'x' WHERE code = 'no such road'"))
    assert publish_all(clean) == 0
    with clean.begin() as connection:
        connection.execute(text("UPDATE road SET name = 'x'"))
    publish_all(clean)
    assert outbox.revisions(clean)["road"] > first["road"]


def test_a_bulk_load_announces_nothing_by_itself(filled) -> None:
    publish_all(filled)
    with filled.begin() as connection:
        connection.execute(text("SET LOCAL yiwangtu.bulk = 'on'"))
        report(connection, 1)
    with filled.begin() as connection:  # and the next transaction is an ordinary one
        report(connection, 2)
    assert publish_all(filled) == 1


def test_old_events_are_forgotten_and_waiting_ones_are_not(filled, monkeypatch) -> None:
    publish_all(filled)
    with filled.begin() as connection:
        for n in range(10):
            report(connection, n)
    publish_all(filled)
    newest = outbox.newest(filled)
    with filled.begin() as connection:
        report(connection, 10)
    monkeypatch.setattr(outbox, "KEPT_EVENTS", 4)
    monkeypatch.setattr(outbox, "FORGOTTEN_AT_ONCE", 3)
    for _ in range(5):
        outbox.prune(filled)
    assert [event.seq for event in outbox.read(filled, after=0)] == list(range(newest - 3, newest + 1))
    assert outbox.oldest(filled) == newest - 3
    assert publish_all(filled) == 1
