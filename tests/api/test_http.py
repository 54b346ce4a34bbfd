"""The HTTP edge: problem details, headers, limits, health, pages, and the OpenAPI document."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounded
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode, checks

from api.errors import ANSWERS
from api.main import create_app
from api.settings import Settings
from data.engine import Database
from data.rules.table import RuleFileError

Client = Callable[[str], TestClient]
CHECKS = (
    checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_schema_conformance, checks.response_headers_conformance,
)  # fmt: skip
schemathesis.serializer.alias("application/partial-upload", "application/octet-stream")


def test_refusals_are_problem_details(still: Client) -> None:
    """Type, title, status, detail, code and the request's id, which is in a header too."""
    answer = still("anonymous").get("/healthz?x=1&x=2")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id", "errors"}
    assert (problem["status"], problem["code"]) == (400, "invalid_input")
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert still("anonymous").get("/api/nothing").json()["code"] == "not_found"
    assert still("anonymous").post("/healthz").json()["code"] == "method_not_allowed"


def test_security_headers_are_everywhere(still: Client) -> None:
    """On answers, refusals and tiles alike; scripts from here only, no frame around us."""
    for path in ("/healthz", "/nothing/here", "/tiles/district/0/0/0.mvt", "/api/layers"):
        headers = still("anonymous").get(path).headers
        assert "default-src 'self'; script-src 'self'; worker-src 'self'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_bodies_are_bounded(still: Client) -> None:
    """More than 1 MB of JSON is refused whether or not its length is told."""
    chief = still("chief")
    large = b"[" + b"1," * 600_000 + b"1]"
    for content in (large, iter([large[:700_000], large[700_000:]])):
        answer = chief.post("/api/jobs", content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_health_and_metrics(still: Client) -> None:
    """The process lives, the database is at the newest migration, numbers are for this machine."""
    reader = still("anonymous")
    assert reader.get("/healthz").json() == {"status": "ok"}
    assert reader.get("/readyz").json() == {"status": "ready"}
    text = reader.get("/metrics").text
    assert 'yiwangtu_request_seconds_count{method="GET",route="/readyz",status="200"}' in text
    assert reader.get("/metrics", headers={"X-Forwarded-For": "10.0.0.9"}).status_code == 403


def test_metrics_by_token(database: Database, tmp_path: Path) -> None:
    """With a token set, loopback alone is not enough."""
    app = create_app(Settings(data_dir=tmp_path, metrics_token="s3cret", _env_file=None), database)
    reader = TestClient(app)
    assert reader.get("/metrics").status_code == 403
    assert reader.get("/metrics", headers={"Authorization": "Bearer s3cret"}).status_code == 200


@pytest.mark.parametrize("name", ["indicators", "order_kinds", "department_names"])
def test_a_faulty_file_of_the_citys_own_is_told_at_the_start(name: str, database: Database, tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text("code\n", "utf-8")
    with pytest.raises(RuleFileError, match=r"own\.csv: row 1: there is no column name"):
        create_app(Settings(data_dir=tmp_path, _env_file=None, **{name: file}), database)


def test_pages_and_their_caching(database: Database, tmp_path: Path) -> None:
    """Hashed files are kept for ever, pages and the service worker are asked for again; / leads to /public/."""
    web = tmp_path / "dist"
    for name in ("public/index.html", "worker/index.html", "worker/sw.js", "assets/app-1a2b.js", "favicon.svg"):
        (web / name).parent.mkdir(parents=True, exist_ok=True)
        (web / name).write_text(name)
    (tmp_path / "secret").write_text("secret")
    reader = TestClient(create_app(Settings(data_dir=tmp_path, web_dir=web, _env_file=None), database))
    assert reader.get("/", follow_redirects=False).headers["location"] == "/public/"
    assert reader.get("/worker", follow_redirects=False).headers["location"] == "/worker/"
    assert reader.get("/assets/app-1a2b.js").headers["cache-control"] == "public, max-age=31536000, immutable"
    for path in ("/public/", "/worker/sw.js", "/favicon.svg"):
        answer = reader.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    for path in ("/assets/../../secret", "/..%2Fsecret", "/%2e%2e/secret", "/screen/", "/nothing.js"):
        assert reader.get(path).status_code == 404


def test_missing_pages_say_what_to_do(database: Database, tmp_path: Path) -> None:
    """A server without built pages still serves its data."""
    reader = TestClient(create_app(Settings(data_dir=tmp_path, web_dir=tmp_path / "no", _env_file=None), database))
    assert "not built" in reader.get("/public/").json()["detail"]


def test_every_error_has_one_answer() -> None:
    """Codes are stable and told apart."""
    codes = [answer.code for answer in ANSWERS.values()]
    assert len(codes) == len(set(codes))


def test_every_refusal_is_documented(still: Client) -> None:
    """Every operation says what a 400 looks like, none mentions 422."""
    document = still("anonymous").get("/api/openapi.json").json()
    answers = {
        f"{method} {path}": operation["responses"]
        for path, operations in document["paths"].items() for method, operation in operations.items()
    }  # fmt: skip
    assert [name for name, found in answers.items() if "422" in found] == []
    assert [
        name
        for name, found in answers.items()
        if "application/problem+json" not in found.get("400", {}).get("content", {})
    ] == []


@pytest.mark.parametrize("login", ["anonymous", "chief"])
def test_openapi_is_true(still: Client, login: str, database: Database, tmp_path: Path) -> None:
    """Schemathesis asks every operation (signed in: every read) with what the document allows, and with what not."""
    client = still(login)
    app = create_app(Settings(data_dir=tmp_path, _env_file=None), database)  # schemathesis starts and stops it itself
    headers = (
        {"Cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())} if client.cookies else {}
    )
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app).exclude(path="/live")
    if login != "anonymous":
        schema = schema.include(method="GET")
    count = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in GenerationMode:
            count += 1
            probe(operation.as_strategy(generation_mode=mode), headers)
    assert count >= 20


def probe(cases: SearchStrategy, headers: dict[str, str]) -> None:
    """Try some cases of one operation."""

    @given(case=cases)
    @bounded(
        max_examples=8, deadline=None, derandomize=True, database=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(headers=headers, checks=list(CHECKS))

    with contextlib.suppress(Unsatisfiable):  # an operation without parameters can't be asked wrongly
        ask()
