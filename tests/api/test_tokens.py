"""Tokens of other systems: shown once, hashed, of one scope, expiring, revocable, throttled, written down."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from api.errors import NotSignedInError, TooManyRequestsError
from api.services.tokens import Tokens
from data.accounts import disable
from data.credentials import hash_token
from data.errors import BadInputError, NotFoundError
from data.integrations import tokens
from data.integrations.tokens import Grant
from data.scope import scoped
from tests.api.granting import make_token

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known(town: Engine, app_engine: Engine, settings, clock: Clock) -> Tokens:
    return Tokens(app_engine, settings, clock)


@pytest.fixture
def create(town: Engine) -> Callable[..., str]:
    def make(name: str = "hotline", scope: str = "handover", system: str | None = "12345", area: str = "D1") -> str:
        with town.begin() as connection:
            grant = Grant(scope, system, area, NOW + timedelta(days=30))
            return tokens.create(connection, name, label="热线", grant=grant)

    return make


def test_a_token_is_its_system_in_its_area(create, known: Tokens, fetch) -> None:
    token = create()
    client = known.find(token, "handover", "10.0.0.1")
    assert (client.name, client.system, client.path) == ("hotline", "12345", "D1")
    assert client.viewer.roles == {"handover"}
    assert client.viewer.case_scope == ()
    assert [client.covers(path) for path in ("D1", "D1.D1S1", "D2", "D10")] == [True, True, False, False]
    assert fetch("SELECT token_hash, last_used_at FROM api_token") == [(hash_token(token), NOW)]
    assert [row.detail for row in fetch("SELECT detail FROM audit_event WHERE action = 'token.create'")] == [
        {"scope": "handover", "system": "12345", "area": "D1", "expires_at": "2026-03-31T08:00:00+00:00"}
    ]
    everywhere = known.find(create(area="*"), "handover", "10.0.0.1")
    assert everywhere.covers("D2.D2S1")


def test_it_ends_with_its_day(create, known: Tokens, clock: Clock) -> None:
    token = create()
    clock.now = NOW + timedelta(days=30) - timedelta(seconds=1)
    assert known.find(token, "handover", "a").name == "hotline"
    clock.now += timedelta(seconds=1)
    with pytest.raises(NotSignedInError, match="of hotline expired at 2026-03-31 08:00 UTC"):
        known.find(token, "handover", "a")


def test_revoking_counts_at_once(create, known: Tokens, town: Engine, fetch) -> None:
    first, second = create(), create()
    with town.begin() as connection:
        listed = tokens.list_tokens(connection)
        assert [(one.name, one.state(NOW)) for one in listed] == [("hotline", "active")] * 2
        assert tokens.revoke(connection, "hotline", listed[0].id) == 1
    with pytest.raises(NotSignedInError, match="of hotline was revoked"):
        known.find(first, "handover", "a")
    assert known.find(second, "handover", "a").name == "hotline"
    with town.begin() as connection:
        assert tokens.revoke(connection, "hotline") == 1
        with pytest.raises(NotFoundError, match="no token that could be revoked"):
            tokens.revoke(connection, "hotline")
        assert [one.state(NOW) for one in tokens.list_tokens(connection)] == ["revoked"] * 2
    failed = fetch("SELECT subject, detail ->> 'address' FROM audit_event WHERE action = 'token.fail'")
    assert failed == [("hotline", "a")]


def test_disabling_the_account_ends_its_tokens(create, known: Tokens, town: Engine) -> None:
    token = create()
    with town.begin() as connection:
        disable(connection, "hotline")
    with pytest.raises(NotSignedInError):
        known.find(token, "handover", "a")


def test_wrong_tries_of_an_address_are_counted_and_good_ones_are_not(
    create, known: Tokens, settings, clock: Clock
) -> None:
    token, limit = create(), settings.login_tries_per_address
    for _ in range(2 * limit):
        known.find(token, "handover", "a")
    for _ in range(limit):
        with pytest.raises(NotSignedInError, match="the token is unknown"):
            known.find("wrong", "handover", "a")
    with pytest.raises(TooManyRequestsError) as caught:
        known.find(token, "handover", "a")
    assert caught.value.retry_after_s == settings.login_lock_s
    assert known.find(token, "handover", "b").name == "hotline"
    clock.now += timedelta(seconds=settings.login_lock_s)
    assert known.find(token, "handover", "a").name == "hotline"


@pytest.mark.parametrize(
    ("grant", "why"),
    [
        (("handover", None, "D1"), "needs the system"),
        (("open311", "110", "D1"), "does not go with a system"),
    ],
)
def test_scope_and_system_go_together(create, grant: tuple, why: str) -> None:
    with pytest.raises(BadInputError, match=why):
        create("x1", *grant)


def test_names_and_areas_are_checked(create) -> None:
    with pytest.raises(BadInputError, match="people sign in to"):
        create("dispatcher")
    with pytest.raises(BadInputError, match="can't be used"):
        create("No Name")
    with pytest.raises(NotFoundError, match="no area with code 'D9'"):
        create(area="D9")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer wrong", "Bearer " + "x" * 300])
def test_requests_without_a_good_token_get_one_sentence(app: FastAPI, header: str) -> None:
    answer = TestClient(app, base_url="http://localhost").post(
        "/api/handovers", json={}, headers={"authorization": header} if header else {}
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert "token" in answer.json()["detail"]


def test_a_token_opens_nothing_else(town: Engine, app: FastAPI) -> None:
    """Not another scope's door, no list, no tile of cases, no session."""
    token = make_token(town, "app")
    client = TestClient(app, base_url="http://localhost", headers={"authorization": f"Bearer {token}"})
    answer = client.post("/api/handovers", json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    for path in ("/api/incidents", "/api/handovers", "/api/figures?within=D1", "/tiles/incident/15/26850/13512.mvt"):
        assert client.get(path).status_code == 401
    assert client.get("/api/session").json()["account"] is None


INCIDENT = (
    "INSERT INTO incident (id, category, title, status, reported_by, reported_at, geom, path) VALUES "
    "(gen_random_uuid(), 'litter', 'x', :status, :who, now(), ST_SetSRID(ST_MakePoint(115.001, 30.205), 4326), "
    "CAST(:path AS ltree))"
)


def test_row_security_alone_holds_a_token_to_its_area_and_its_own(
    create, known: Tokens, app_engine: Engine, fetch
) -> None:
    """Raw SQL as the app's role: what a system may add, and that it reads and changes nothing else."""
    client = known.find(create(), "handover", "a")
    (other,) = fetch("SELECT id FROM incident LIMIT 1")[0]
    own = {"status": "reported", "who": client.account_id, "path": "D1.D1S1"}
    with scoped(app_engine, client.viewer) as connection:
        for table in ("incident", "incident_event", "incident_route", "handover", "webhook", "webhook_delivery"):
            assert (table, connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()) == (table, 0)
        assert connection.execute(text("UPDATE incident SET title = 'y'")).rowcount == 0
        connection.execute(text(INCIDENT), own)
        assert connection.execute(text("SELECT count(*) FROM incident")).scalar() == 1
    for wrong in ({"path": "D2"}, {"who": 1}, {"status": "closed"}):
        with (
            pytest.raises(ProgrammingError, match="row-level security"),
            scoped(app_engine, client.viewer) as connection,
        ):
            connection.execute(text(INCIDENT), own | wrong)
    forged = {
        "incident_event": "(incident_id, seq, status, account_id, hash) VALUES (:id, 9, 'reported', :who, 'x')",
        "open311_request": "(incident_id, requested_at) VALUES (:id, now())",
        "handover": "(id, direction, system, external_id, kind, incident_id, status, at, account_id, path) "
        "VALUES (gen_random_uuid(), 'in', '110', 'x', 'matter', :id, 'accepted', now(), :who, 'D1')",
    }
    for table, values in forged.items():
        with (
            pytest.raises(ProgrammingError, match="row-level security"),
            scoped(app_engine, client.viewer) as connection,
        ):
            connection.execute(text(f"INSERT INTO {table} {values}"), {"id": other, "who": client.account_id})
