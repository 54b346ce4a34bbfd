"""The state machine, throttle, history and viewers: properties."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import ConflictError, ForbiddenError
from api.services.moves import MOVES, NEEDS_NOTE, check_move
from api.services.throttle import MOST_KEYS, Throttle
from api.services.viewers import viewer_of
from data import chain
from data.accounts import Membership
from data.tables.accounts import ROLES
from layers.tables import CLOSED_STATUSES, INCIDENT_STATUSES
from layers.viewer import CASE_ROLES

statuses = st.sampled_from(INCIDENT_STATUSES)
EPOCH = datetime(2026, 3, 1, tzinfo=UTC)


@given(statuses, statuses, st.sets(st.sampled_from(ROLES)))
def test_a_move_passes_exactly_when_the_table_says(status: str, to: str, roles: set[str]) -> None:
    try:
        check_move(status, to, roles)
        outcome = "passes"
    except ConflictError as error:
        outcome = "conflict" if all(name in str(error) for name in MOVES[status]) else "unclear"
    except ForbiddenError:
        outcome = "forbidden"
    legal = to in MOVES[status]
    assert outcome == ("conflict" if not legal else "passes" if roles & MOVES[status][to] else "forbidden")


def test_every_status_has_its_moves() -> None:
    assert set(MOVES) == set(INCIDENT_STATUSES)
    assert {role for legal in MOVES.values() for roles in legal.values() for role in roles} == CASE_ROLES | {"resident"}
    assert {to for legal in MOVES.values() for to in legal} >= NEEDS_NOTE


def test_every_open_incident_can_be_closed() -> None:
    """From every status that is not an end there is a way to `closed`."""
    reaches = {"closed"}
    for _ in MOVES:
        reaches |= {status for status, legal in MOVES.items() if reaches & set(legal)}
    assert set(INCIDENT_STATUSES) - reaches == {"rated", "merged"}
    assert {"rated", "merged"} < set(CLOSED_STATUSES)


@given(st.lists(st.tuples(st.floats(0, 200), st.booleans()), max_size=60), st.integers(1, 6))
def test_never_more_than_so_many_wrong_tries_in_a_lock(tries: list[tuple[float, bool]], limit: int) -> None:
    """Between two tries that were `limit` wrong ones apart lies a whole lock, however they are spread."""
    now = EPOCH
    throttle = Throttle(limit, 100, lambda: now)
    wrong: list[datetime] = []
    for pause, is_right in tries:
        now += timedelta(seconds=pause)
        wait_s = throttle.charge("key")
        if wait_s:
            assert 1 <= wait_s <= 100
            later = now + timedelta(seconds=wait_s)
            assert (later - wrong[-1]).total_seconds() >= 100
        elif is_right:
            throttle.refund("key")
        else:
            wrong.append(now)
    for earlier, later in zip(wrong, wrong[limit:], strict=False):
        assert (later - earlier).total_seconds() >= 100


def test_a_window_forgets_old_tries() -> None:
    now = EPOCH
    throttle = Throttle(2, 100, lambda: now, window_s=50)
    for _ in range(5):
        assert throttle.charge("key") == 0
        now += timedelta(seconds=50)


def test_strangers_take_bounded_memory() -> None:
    throttle = Throttle(1, 100, lambda: EPOCH)
    for number in range(MOST_KEYS + 1):
        throttle.charge(str(number))
    assert throttle.charge(str(MOST_KEYS)) == 100
    assert throttle.charge("0") == 0  # the oldest was let go


events = st.builds(
    chain.Event, st.just(uuid.UUID(int=7)), st.integers(1, 99), statuses, st.none() | st.text(max_size=20),
    st.none() | st.integers(1, 2**62), st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)  # fmt: skip


@given(events, events, st.text("0123456789abcdef", max_size=64))
def test_different_events_have_different_hashes(first: chain.Event, second: chain.Event, previous: str) -> None:
    assert (chain.event_hash(previous, first) == chain.event_hash(previous, second)) == (first == second)
    assert chain.event_hash(previous, first) != chain.event_hash(previous + "0", first)


def test_a_hash_is_what_the_method_says() -> None:
    """SHA-256 of the canonical JSON of the first event, made by hand."""
    event = chain.Event(uuid.UUID(int=7), 1, "reported", None, 3, datetime(2026, 3, 1, 8, tzinfo=UTC))
    body = (
        '{"account_id":3,"at":"2026-03-01T08:00:00.000000+00:00","incident_id":"00000000-0000-0000-0000-000000000007",'
        '"note":null,"seq":1,"status":"reported"}'
    )
    assert chain.event_hash("", event) == hashlib.sha256(body.encode()).hexdigest()


@pytest.mark.parametrize(
    ("memberships", "map_scope", "case_scope", "departments"),
    [
        ([("worker", "D.C.G1")], ("D.C",), ("D.C.G1",), ()),
        ([("worker", "D.C.G1"), ("worker", "D.C.G2")], ("D.C",), ("D.C.G1", "D.C.G2"), ()),
        ([("worker", "D.C.G1"), ("community", "D.B")], ("D.B", "D.C"), ("D.B", "D.C.G1"), ()),
        ([("street", "D.S")], ("D.S",), ("D.S",), ()),
        ([("dispatcher", "")], ("",), ("",), ()),
        ([("department", "D", "parks")], ("D",), (), ("parks",)),
        ([("planner", "D")], ("D",), ("D",), ()),
        ([("screen", "")], ("",), ("",), ()),
        ([("system_admin", "")], (), (), ()),
        ([], (), (), ()),
    ],
)
def test_a_viewer_follows_from_the_memberships(memberships, map_scope, case_scope, departments) -> None:
    found = viewer_of(7, [Membership(*one) for one in memberships])
    assert (found.map_scope, found.case_scope, found.departments) == (map_scope, case_scope, departments)
    assert found.roles == {one[0] for one in memberships}
