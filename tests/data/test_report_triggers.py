"""A report hangs on a category and an area without locking them; neither can go while reports hang on it."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

REPORT = (
    "INSERT INTO incident (id, category, title, reported_at, geom, path, area_id) "
    "VALUES (gen_random_uuid(), :category, 'x', now(), ST_SetSRID(ST_MakePoint(115, 30), 4326), :path, :area_id)"
)
AREA = (
    "INSERT INTO area (level, code, name, source, geom, path) VALUES ('district', :code, :code, 'drawn', "
    "ST_Multi(ST_MakeEnvelope(114, 29, 116, 31, 4326)), CAST(:code AS ltree)) RETURNING id"
)


@pytest.fixture
def filled(clean):
    """The owner's engine; categories litter and noise, district D."""
    with clean.begin() as connection:
        connection.execute(text("INSERT INTO category (code, name) VALUES ('litter', '暴露垃圾'), ('noise', '噪音')"))
        connection.execute(text(AREA), {"code": "D"})
    return clean


def do(engine, sql, **values) -> None:
    with engine.begin() as connection:
        connection.execute(text(sql), values)


def ask(engine, sql):
    with engine.connect() as connection:
        return connection.execute(text(sql)).scalar_one()


def test_a_report_needs_a_category_and_an_area_that_exist(filled) -> None:
    area = ask(filled, "SELECT id FROM area")
    with pytest.raises(IntegrityError, match="there is no category nothing"):
        do(filled, REPORT, category="nothing", path=None, area_id=None)
    with pytest.raises(IntegrityError, match="there is no area with the key 9999"):
        do(filled, REPORT, category="litter", path="D", area_id=9999)
    do(filled, REPORT, category="litter", path="D", area_id=area)
    with pytest.raises(IntegrityError, match="there is no category nothing"):
        do(filled, "UPDATE incident SET category = 'nothing'")
    do(filled, "UPDATE incident SET category = 'noise'")
    assert ask(filled, "SELECT category FROM incident") == "noise"


def test_what_reports_hang_on_stays(filled) -> None:
    do(filled, REPORT, category="litter", path=None, area_id=None)
    for sql, message in (
        ("DELETE FROM category WHERE code = 'litter'", "category litter is used by incidents"),
        ("UPDATE category SET code = 'rubbish' WHERE code = 'litter'", "category litter is used by incidents"),
        ("DELETE FROM area", "area D is used by incidents"),
    ):
        with pytest.raises(IntegrityError, match=message):
            do(filled, sql)
    do(filled, "DELETE FROM category WHERE code = 'noise'")
    assert ask(filled, "SELECT string_agg(code, ' ') FROM category") == "litter"


def test_taking_a_category_away_waits_for_a_report_that_is_not_committed(filled, until) -> None:
    """The report is written but not committed when the category is to go: the delete waits, then is refused."""
    outcome = []

    def take_away() -> None:
        try:
            do(filled, "DELETE FROM category WHERE code = 'litter'")
            outcome.append("gone")
        except IntegrityError:
            outcome.append("refused")

    waits = "SELECT count(*) FROM pg_locks WHERE relation = 'incident'::regclass AND mode = 'ShareLock' AND NOT granted"
    with filled.begin() as connection:
        connection.execute(text(REPORT), {"category": "litter", "path": None, "area_id": None})
        thread = threading.Thread(target=take_away)
        thread.start()
        until(lambda: ask(filled, waits) == 1)
    thread.join()
    assert outcome == ["refused"]
    assert ask(filled, "SELECT count(*) FROM incident i JOIN category c ON c.code = i.category") == 1
