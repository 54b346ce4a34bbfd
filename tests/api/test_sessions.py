"""Signing in and out: cookies, tokens, throttling, expiry."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.services.sessions import Sessions
from api.settings import Settings
from data import accounts
from data.accounts import Post
from data.credentials import hash_token

PASSWORD = "a drawn town 2024"
Make = Callable[[str], TestClient]


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(town, app_engine, settings: Settings, clock: Clock) -> Sessions:
    return Sessions(app_engine, settings, clock)


def post(client: TestClient, login: str, password: str = PASSWORD, **headers: str):
    return client.post("/api/session", json={"login": login, "password": password}, headers=headers)


def test_who_am_i(client: Make) -> None:
    assert client("anonymous").get("/api/session").json() == {"account": None, "csrf_token": None}
    signed_in = client("worker")
    answer = signed_in.get("/api/session").json()
    assert answer["csrf_token"] == signed_in.headers["X-CSRF-Token"]
    assert answer["account"] == {
        "login": "worker", "display_name": "测试 worker",
        "memberships": [{
            "role": "worker", "path": "D1.D1S1.D1S1C1.D1S1C1G1", "code": "D1S1C1G1", "name": "网格D1S1C11",
            "department": None,
        }],
    }  # fmt: skip
    assert client("chief").get("/api/session").json()["account"]["memberships"] == [
        {"role": "dispatcher", "path": "", "code": "*", "name": "全部区域", "department": None}
    ]
    assert client("department").get("/api/session").json()["account"]["memberships"][0]["department"] == "城管"


def test_the_cookie_is_closed_to_scripts_and_to_plain_http_abroad(
    client: Make, settings: Settings, app: FastAPI
) -> None:
    header = post(client("anonymous"), "worker").headers["set-cookie"]
    assert header.startswith("yiwangtu_session=")
    flags = {part.strip().lower() for part in header.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= flags
    assert "secure" not in flags
    abroad = TestClient(app, base_url="http://map.example")
    assert post(abroad, "worker").status_code == 403
    assert "HTTPS" in post(abroad, "worker").json()["detail"]
    behind = settings.model_copy(update={"is_behind_https": True})
    app.state.context = dataclasses.replace(app.state.context, settings=behind)
    assert "; secure" in post(TestClient(app, base_url="https://map.example"), "worker").headers["set-cookie"].lower()


def test_only_hashes_are_stored(client: Make, fetch) -> None:
    token = client("worker").cookies["yiwangtu_session"]
    assert len(token) >= 43  # 256 bits
    stored = [row[0] for row in fetch("SELECT token_hash FROM session")]
    assert stored == [hash_token(token)]
    (password_hash,) = fetch("SELECT password_hash FROM account WHERE login = 'worker'")[0]
    assert password_hash.startswith("$argon2id$")


def test_a_sign_in_never_takes_over_a_cookie(client: Make) -> None:
    """Session fixation: a planted token does not become a session, and signing in again gives another one."""
    victim = client("anonymous")
    victim.cookies.set("yiwangtu_session", "planted")
    post(victim, "worker")
    tokens = {cookie.value for cookie in victim.cookies.jar if cookie.name == "yiwangtu_session"} - {"planted"}
    assert len(tokens) == 1
    planted = client("anonymous")
    planted.cookies.set("yiwangtu_session", "planted")
    assert planted.get("/api/session").json()["account"] is None
    first = post(client("anonymous"), "worker").cookies["yiwangtu_session"]
    second = client("anonymous")
    second.cookies.set("yiwangtu_session", first)
    assert post(second, "street").cookies["yiwangtu_session"] != first


def test_signing_out_ends_the_session_at_once(client: Make) -> None:
    signed_in = client("worker")
    token = signed_in.cookies["yiwangtu_session"]
    assert signed_in.delete("/api/session").status_code == 204
    assert "yiwangtu_session" not in signed_in.cookies
    signed_in.cookies.set("yiwangtu_session", token)
    assert signed_in.get("/api/session").json()["account"] is None
    assert signed_in.delete("/api/session").json()["code"] == "not_signed_in"


@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
def test_a_change_needs_the_csrf_token(client: Make, token: str | None) -> None:
    signed_in = client("worker")
    del signed_in.headers["X-CSRF-Token"]
    headers = {} if token is None else {"X-CSRF-Token": token.encode()}
    answer = signed_in.delete("/api/session", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert signed_in.get("/api/session").json()["account"]["login"] == "worker"


def test_another_sessions_csrf_token_is_refused(client: Make) -> None:
    mine, other = client("worker"), client("street")
    assert mine.delete("/api/session", headers={"X-CSRF-Token": other.headers["X-CSRF-Token"]}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost"}, 201),
        ({}, 201),
    ],
)
def test_a_sign_in_comes_from_our_own_pages(client: Make, headers: dict[str, str], status: int) -> None:
    assert post(client("anonymous"), "worker", **headers).status_code == status


def test_wrong_and_unknown_are_told_apart_by_nobody(client: Make, town) -> None:
    with town.begin() as connection:
        accounts.disable(connection, "street")
    nobody = client("anonymous")
    answers = [post(nobody, login, "wrong password") for login in ("worker", "no.such.login", "Not A Login\0")]
    answers.append(post(nobody, "street"))
    assert {(one.status_code, one.json()["code"], one.json()["detail"]) for one in answers} == {
        (401, "invalid_credentials", "用户名或密码不正确 The login or the password is wrong")
    }


def test_logins_are_written_in_any_case(client: Make) -> None:
    assert post(client("anonymous"), " Worker ").status_code == 201


@pytest.mark.parametrize("login", ["worker", "no.such.login"])
def test_a_locked_account_says_when_to_come_back(client: Make, login: str, fetch) -> None:
    nobody = client("anonymous")
    assert [post(nobody, login, "wrong password").status_code for _ in range(6)] == [401] * 5 + [429]
    answer = post(nobody, login)
    assert answer.json()["code"] == "too_many_requests"
    assert 290 < int(answer.headers["retry-after"]) <= 300
    assert "5 分钟" in answer.json()["detail"]
    assert post(nobody, "street").status_code == 201


def statuses(sessions: Sessions, login: str, passwords: list[str], address: str = "192.0.2.1") -> list[str]:
    found = []
    for password in passwords:
        try:
            sessions.sign_in(login, password, address)
            found.append("in")
        except Exception as error:
            found.append(type(error).__name__.removesuffix("Error"))
    return found


def test_a_lock_ends_by_itself(sessions: Sessions, clock: Clock) -> None:
    """Five wrong tries lock for 300 s from the last one; then there are five tries again."""
    for login in ("worker", "no.such.login"):
        assert statuses(sessions, login, ["wrong"] * 6) == ["InvalidCredentials"] * 5 + ["TooManyRequests"]
        clock.forward(299)
        assert statuses(sessions, login, [PASSWORD]) == ["TooManyRequests"]
        clock.forward(1)
        assert statuses(sessions, login, ["wrong"] * 6) == ["InvalidCredentials"] * 5 + ["TooManyRequests"]
        clock.forward(300)
    assert statuses(sessions, "worker", [PASSWORD]) == ["in"]


def test_a_right_password_clears_the_count(sessions: Sessions) -> None:
    assert statuses(sessions, "worker", ["wrong"] * 4 + [PASSWORD] + ["wrong"] * 4 + [PASSWORD]) == (
        ["InvalidCredentials"] * 4 + ["in"] + ["InvalidCredentials"] * 4 + ["in"]
    )


def test_the_fifth_try_may_still_be_right(sessions: Sessions) -> None:
    assert statuses(sessions, "worker", ["wrong"] * 4 + [PASSWORD, PASSWORD])[-2:] == ["in", "in"]


def test_an_address_is_throttled_over_all_logins(sessions: Sessions, clock: Clock) -> None:
    """Fifty wrong tries from one address, each at another login, lock the address and no other."""
    for number in range(50):
        assert statuses(sessions, f"nobody{number}", ["wrong"]) == ["InvalidCredentials"]
    assert statuses(sessions, "worker", [PASSWORD]) == ["TooManyRequests"]
    assert statuses(sessions, "worker", [PASSWORD], address="192.0.2.2") == ["in"]
    clock.forward(300)
    assert statuses(sessions, "worker", [PASSWORD]) == ["in"]


def test_right_passwords_do_not_lock_an_address(sessions: Sessions) -> None:
    assert statuses(sessions, "worker", [PASSWORD] * 60) == ["in"] * 60


def test_an_idle_session_ends(sessions: Sessions, clock: Clock, settings: Settings) -> None:
    token, _ = sessions.sign_in("worker", PASSWORD, "")
    for _ in range(3):  # in use every now and then
        clock.forward(settings.session_idle_s - 120)
        assert sessions.find(token) is not None
    clock.forward(settings.session_idle_s + 1)
    assert sessions.cached(token) is None
    assert sessions.find(token) is None


def test_a_session_ends_at_the_latest(sessions: Sessions, clock: Clock, settings: Settings) -> None:
    token, session = sessions.sign_in("worker", PASSWORD, "")
    assert session.expires_at == clock.now + timedelta(seconds=settings.session_limit_s)
    while clock.now + timedelta(hours=4) < session.expires_at:
        clock.forward(4 * 3600)
        assert sessions.find(token) is not None
    clock.now = session.expires_at
    assert sessions.find(token) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda connection: accounts.disable(connection, "worker"),
        lambda connection: accounts.set_password(connection, "worker", "another password 1"),
    ],
)
def test_the_owners_changes_end_sessions_within_seconds(sessions: Sessions, clock: Clock, town, change) -> None:
    token, _ = sessions.sign_in("worker", PASSWORD, "")
    assert sessions.find(token) is not None
    with town.begin() as connection:
        change(connection)
    clock.forward(3)
    assert sessions.cached(token) is None
    assert sessions.find(token) is None
    assert statuses(sessions, "worker", [PASSWORD]) == ["InvalidCredentials"]


def test_a_new_role_counts_within_seconds(sessions: Sessions, clock: Clock, town) -> None:
    token, session = sessions.sign_in("worker", PASSWORD, "")
    assert session.viewer.case_scope == ("D1.D1S1.D1S1C1.D1S1C1G1",)
    with town.begin() as connection:
        accounts.grant(connection, "worker", Post("worker", "D1S1C1G2"))
    found = sessions.find(token)
    assert found is not None
    assert found.viewer.case_scope == ("D1.D1S1.D1S1C1.D1S1C1G1", "D1.D1S1.D1S1C1.D1S1C1G2")
    assert found.viewer.map_scope == ("D1.D1S1.D1S1C1",)


def test_a_password_is_hashed_again_at_todays_cost(town, app_engine, settings: Settings, clock: Clock, fetch) -> None:
    dearer = settings.model_copy(update={"password_passes": 2})
    assert statuses(Sessions(app_engine, dearer, clock), "worker", [PASSWORD, PASSWORD]) == ["in", "in"]
    assert "t=2" in fetch("SELECT password_hash FROM account WHERE login = 'worker'")[0][0]


def test_a_wall_signs_in_with_its_token(client: Make, town, fetch) -> None:
    with town.begin() as connection:
        token = accounts.add_kiosk(connection, "wall", name="大屏", area="D1")
        assert accounts.add_kiosk(connection, "wall", name="大屏", area="D1") != token
    wall = client("anonymous")
    answer = wall.post("/api/session/kiosk", json={"token": token})
    assert answer.status_code == 201
    assert [(one["role"], one["code"]) for one in answer.json()["account"]["memberships"]] == [("screen", "D1")]
    assert wall.get("/api/session").json()["account"]["login"] == "wall"
    assert token not in str(fetch("SELECT * FROM kiosk_token"))
    assert post(client("anonymous"), "wall", "!").status_code == 401
    with town.begin() as connection:
        accounts.disable(connection, "wall")
    assert client("anonymous").post("/api/session/kiosk", json={"token": token}).status_code == 401


def test_a_walls_session_ends_with_its_token(sessions: Sessions, clock: Clock, town) -> None:
    with town.begin() as connection:
        token = accounts.add_kiosk(
            connection, "wall", name="大屏", area="D1", expires_at=clock.now + timedelta(hours=1)
        )
    _, session = sessions.sign_in_kiosk(token, "")
    assert session.expires_at == clock.now + timedelta(hours=1)
    clock.forward(3600)
    with pytest.raises(Exception, match="令牌"):
        sessions.sign_in_kiosk(token, "")


def test_everything_is_written_down(client: Make, fetch, town) -> None:
    signed_in = client("worker")
    signed_in.delete("/api/session")
    nobody = client("anonymous")
    for _ in range(6):
        post(nobody, "street", "wrong password")
    post(nobody, "my secret passphrase", "x")
    rows = fetch("SELECT action, subject, detail::text FROM audit_event WHERE action LIKE 'session.%' ORDER BY id")
    assert [(action, subject) for action, subject, _ in rows] == [
        ("session.start", "worker"), ("session.end", "worker"),
        *[("session.fail", "street")] * 4, ("session.lock", "street"), ("session.refuse", "street"),
        ("session.fail", None),
    ]  # fmt: skip
    assert not [detail for *_, detail in rows if "wrong password" in detail or "passphrase" in detail]


@pytest.mark.parametrize(
    "body",
    [{}, {"login": "worker"}, {"login": "worker", "password": 1}, {"login": "x" * 65, "password": "x"}, [], "x",
     {"login": "worker", "password": PASSWORD, "role": "planner"}],
)  # fmt: skip
def test_malformed_bodies_are_400(client: Make, body) -> None:
    answer = client("anonymous").post("/api/session", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


@pytest.mark.parametrize("cookie", ["x" * 5000, "a b;c", '"', "yiwangtu_session", "\x7f=\x7f"])
def test_broken_cookies_are_nobodys(client: Make, cookie: str) -> None:
    answer = client("anonymous").get("/api/session", headers={"Cookie": f"yiwangtu_session={cookie}"})
    assert answer.json()["account"] is None
