"""docs/access.md says who may do what; the server is asked every route and every layer as every role."""

import hashlib
import io
import json
import math
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import mapbox_vector_tile
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import Engine
from starlette.routing import BaseRoute, Mount, Route

from api.main import create_app
from api.services.moves import MOVES
from api.settings import Settings
from data import accounts
from data.engine import Database
from data.residents.codes import make_key, tracking_code
from data.tables.accounts import ROLES
from layers.registry import BY_NAME
from layers.viewer import Viewer
from tests.looping import run_alone

DOCUMENT = Path(__file__).parents[2] / "docs" / "access.md"
NO_SCENES = hashlib.sha256(b"[]").hexdigest()[:16]
WHERE = {"lon": 115.0025, "lat": 30.205}
ADMINISTRATORS = ("system_admin", "security_admin", "audit_admin")
CASE = "D1S1C1G1-9"  # in the worker's grid, of the department's own
CASE_ID = str(uuid.uuid4())
PHOTO, JOB, SITE = str(uuid.uuid4()), str(uuid.uuid4()), str(uuid.uuid4())
RULES = (
    "code,facility_kind,facility_name,demand,metric,threshold_m,binding,standard,confidence\n"
    "a,station,驿站,households,walk,300,should,示例标准,M\n"
)
ANSWER = {
    "model": "lscp", "p": None, "rulebook": "", "rule": "", "facility": "station", "radius_m": 300,
    "weight": "households", "objective": 0, "bound": 0, "gap": 0, "seconds": 0, "total_weight": 0, "covered_before": 0,
    "covered_after": 0, "uncoverable_weight": 0, "unknown_weight": 0, "units_uncounted": 0, "candidates": 0,
    **{name: [] for name in ("left_out", "sites", "existing", "options", "communities", "places", "units")},
}  # fmt: skip
SHIFT = str(uuid.uuid4())
CASE_ID, ENDED_ID = str(uuid.uuid4()), str(uuid.uuid4())
HANDOVER = str(uuid.uuid4())
OPENED = "D1S1C1G2-1"  # came through Open311
PHOTO, JOB = str(uuid.uuid4()), str(uuid.uuid4())
ORDER = str(uuid.uuid4())
KEY = make_key(datetime(2026, 11, 22, tzinfo=UTC))
MAP_SCOPE = {"worker": "D1.D1S1.D1S1C1", "community": "D1.D1S1.D1S1C1", "street": "D1.D1S1"}  # the others: D1
CASE_SCOPE = {**MAP_SCOPE, "worker": "D1.D1S1.D1S1C1.D1S1C1G1"}
REFUSED = {"sign in": 401, "no": 403, "none": 404}


def table(heading: str) -> dict[str, dict[str, str]]:
    """Read a table of the page: {first cell: {column: cell}}, one column for each administrator."""
    section = DOCUMENT.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    ]
    found = {}
    for cells in rows[2:]:
        row = dict(zip(rows[0][1:], cells[1:], strict=True))
        every = row.pop("administrators")
        code = re.match(r"`(.+?)`", cells[0])
        found[code[1] if code else cells[0]] = {**row, **dict.fromkeys(ADMINISTRATORS, every)}
    return found


def routes(found: list[BaseRoute]) -> Iterator[str]:
    """Name every route of an application as the page does."""
    for route in found:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes(inner.routes)
        elif isinstance(route, Mount):
            yield f"GET {route.path}/"
        else:
            assert isinstance(route, Route | APIRoute), route
            yield from (f"{method} {route.path}" for method in (route.methods or ()) if method != "HEAD")


@pytest.fixture(scope="module")
def world(database: Database, owner_engine: Engine, tmp_path_factory, request) -> Iterator[FastAPI]:
    """One server over one town for all questions here; with built pages, a job, a photo, a wall's token."""
    conftest = request.config.pluginmanager.get_plugin(str(Path(__file__).parent / "conftest.py"))
    conftest.draw_town(owner_engine)
    web = tmp_path_factory.mktemp("web")
    for name in ("screen", "planner", "worker", "desk", "public", "assets"):
        (web / name).mkdir()
        (web / name / "index.html").write_text("page")
    (web / "sw.js").write_text("")
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    with owner_engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO incident (id, code, category, title, description, department, reported_at, geom) VALUES "
            "(%s, %s, 'noise', 'drawn', 'drawn', '城管', now(), ST_SetSRID(ST_MakePoint(115.001, 30.209), 4326))",
            (CASE_ID, CASE),
        )
        connection.exec_driver_sql(
            "INSERT INTO incident (id, code, category, title, department, status, reported_at, geom) "
            "VALUES (%s, 'ended', 'noise', 'drawn', '城管', 'rejected', now(), "
            "ST_SetSRID(ST_MakePoint(115.001, 30.209), 4326))",
            (ENDED_ID,),
        )
        connection.exec_driver_sql(
            "INSERT INTO incident_request (incident_id, kind, reason, asked_by, asked_at, decided_by, decided_at, "
            "is_granted) SELECT %s, 'pause', 'drawn', min(id), now(), max(id), now(), true FROM account",
            (CASE_ID,),
        )
        connection.exec_driver_sql(
            "INSERT INTO resident_contact (incident_id, phone) VALUES (%s, '000-0000')", (CASE_ID,)
        )
        connection.exec_driver_sql(
            "INSERT INTO incident_step (incident_id, code, since_seq, kind, level, at, written_at, due_at, to_level, "
            "to_name, path, words, words_en) SELECT id, 'x', 1, 'supervision', 'red', now(), now(), now(), 'street', "
            "'x', subpath(path, 0, 2), 'x', 'x' FROM incident WHERE id = %s",
            (CASE_ID,),
        )
        connection.exec_driver_sql(
            "INSERT INTO supervision (incident_id, step_id, path, closed_by, closed_at) "
            "SELECT incident_id, id, path, 1, now() FROM incident_step"
        )
        connection.exec_driver_sql(
            "INSERT INTO whistle_reason (code, place, name, name_en) VALUES ('joint', 1, 'x', 'x'); "
            "INSERT INTO whistle (code, status, reason, words, unit_level, unit_code, path, place_path, geom, "
            "departments, whistled_by, whistled_at, decided_by, decided_at, called_at) "
            "SELECT 'x', 'called', 'joint', 'x', 'street', 'D1S1', subpath(path, 0, 2), path, geom, '{城管}', 1, "
            f"now(), 2, now(), now() FROM incident WHERE id = '{CASE_ID}'"
        )
        connection.exec_driver_sql(
            "INSERT INTO service_order (id, kind, kind_name, kind_name_en, title, community, path, points, status, "
            "asked_by, body_hash, asked_at, changed_at) "
            "SELECT %s, 'lock', 'x', 'x', 'drawn', code, path, 20, 'offered', 0, '', now(), now() FROM area "
            "WHERE code = 'D1S1C1'",
            (ORDER,),
        )
        connection.exec_driver_sql(
            "INSERT INTO incident_photo (id, incident_id, sha256, width, height, content) "
            "VALUES (%s, %s, '', 8, 8, %s)",
            (PHOTO, CASE_ID, out.getvalue()),
        )
        connection.exec_driver_sql(
            "INSERT INTO job (id, kind, area_code, path) VALUES (%s, 'gaps', 'D1', 'D1')", (JOB,)
        )
        connection.exec_driver_sql(
            "INSERT INTO job (id, kind, area_code, path) VALUES (%s, 'site', 'D1', 'D1')", (SITE,)
        )
        connection.exec_driver_sql(
            "INSERT INTO siting (job_id, path, answer) VALUES (%s, 'D1', CAST(%s AS jsonb))", (SITE, json.dumps(ANSWER))
        )
        connection.exec_driver_sql("INSERT INTO round_item (code, round, name, every) VALUES ('R1', 'x', 'x', 'day')")
        connection.exec_driver_sql(
            "INSERT INTO shift (id, account_id, grid_code, path, started_at, is_tracked) "
            "SELECT %s, id, 'D1S1C1G1', 'D1.D1S1.D1S1C1.D1S1C1G1', '2026-01-01T08:00Z', true FROM account "
            "WHERE login = 'worker'",
            (SHIFT,),
        )
        connection.exec_driver_sql(
            "INSERT INTO handover "
            "(id, direction, system, external_id, kind, incident_id, status, at, account_id, path) "
            "SELECT %s, 'in', '110', 'drawn', 'dispute', id, 'accepted', now(), 0, path "
            "FROM incident WHERE code = %s",
            (HANDOVER, CASE),
        )
        connection.exec_driver_sql("INSERT INTO handover_detail (handover_id) VALUES (%s)", (HANDOVER,))
        connection.exec_driver_sql(
            "INSERT INTO open311_request (incident_id, requested_at) SELECT id, now() FROM incident WHERE code = %s",
            (OPENED,),
        )
        token = accounts.add_kiosk(connection, "wall", name="大屏", area="D1")
    while conftest.outbox.publish(owner_engine):
        pass
    cheap = conftest.CHEAP
    app = create_app(
        Settings(
            data_dir=web, web_dir=web, password_memory_kib=cheap.memory_kib, password_passes=cheap.passes,
            password_lanes=cheap.lanes, _env_file=None,
        ),
        database,
    )  # fmt: skip
    app.state.token, app.state.sign_in = token, conftest.sign_in
    yield app
    app.state.context.reader.close()
    app.state.context.engine.dispose()
    app.state.context.background.dispose()


@pytest.fixture(scope="module")
def signed_in(world: FastAPI) -> dict[str, dict[str, str]]:
    """The headers of every role, for questions that end no session."""
    return sign_all_in(world)


def sign_all_in(world: FastAPI) -> dict[str, dict[str, str]]:
    """Sign every role in: cookie and CSRF token as headers."""
    found: dict[str, dict[str, str]] = {"anonymous": {}}
    for role in ROLES:
        client = TestClient(world, base_url="http://localhost")
        world.state.sign_in(client, role)
        found[role] = {
            "cookie": f"yiwangtu_session={client.cookies['yiwangtu_session']}",
            "x-csrf-token": client.headers["X-CSRF-Token"],
        }
    return found


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "blue").save(out, "JPEG")
    return out.getvalue()


def recipes(token: str) -> dict[str, tuple[str, dict, int]]:
    """How each route is asked: address, arguments, and the status of a caller who may.

    An illegal move answers 409 to those who may move the case at all, and leaves it as it is.
    """
    case, shift = f"/api/incidents/{CASE_ID}", f"/api/shifts/{SHIFT}"
    plan, job = "/api/plans/3", f"/api/jobs/{JOB}"
    told = {"key": str(KEY), "category": "litter", "words": "x", "place": "D1S1C1G1"}
    wish = {"kind": "lock", "title": "x", "community": "D1S1C1"}
    report = {"category": "litter", "title": "x", "lon": 115.0025, "lat": 30.205, "datum": "wgs84"}
    gaps = {"kind": "gaps", "within": "D1", "parameters": {}}
    return {
        "GET /": ("/", {}, 307),
        "GET /{name}": ("/sw.js", {}, 200),
        **{f"GET /{name}/": (f"/{name}/", {}, 200) for name in (
            "assets", "screen", "planner", "worker", "desk", "public",
        )},
        **{f"GET {path}": (path, {}, 200) for path in (
            "/healthz", "/readyz", "/metrics", "/api/openapi.json", "/api/layers", "/api/categories", "/api/areas",
            "/api/session", "/live", "/api/jobs",
        )},
        "GET /api/styles/{theme}.json": ("/api/styles/light.json", {}, 200),
        "GET /tiles/{layer}.json": ("/tiles/station.json", {}, 200),
        "GET /tiles/{layer}/{z}/{x}/{y}.mvt": ("/tiles/station/12/3356/1687.mvt", {}, 200),
        "GET /api/layers/{layer}/items": ("/api/layers/station/items", {}, 200),
        "GET /api/layers/{layer}/items/{code}": ("/api/layers/station/items/D1S1C1-station", {}, 200),
        "GET /api/public/places": ("/api/public/places?within=D1S1&kind=station&kind=canteen", {}, 200),
        "GET /public/grid/{code:path}": ("/public/grid/D1S1C1G1", {}, 200),
        "GET /public/{kind}/{code:path}": ("/public/station/D1S1C1-station", {}, 200),
        "GET /api/public/qr/grid/{code:path}.svg": ("/api/public/qr/grid/D1S1C1G1.svg", {}, 200),
        "GET /api/public/qr/{kind}/{code:path}.svg": ("/api/public/qr/station/D1S1C1-station.svg", {}, 200),
        "GET /public/report": ("/public/report?place=D1S1C1G1", {}, 200),
        "POST /public/report": ("/public/report", {"data": told, "files": {"x": b""}}, 200),
        "GET /public/track": ("/public/track", {}, 200),
        "POST /public/track": ("/public/track", {"data": {"code": tracking_code(KEY)}}, 200),
        "POST /api/public/reports": ("/api/public/reports", {"json": told}, 200),
        "POST /api/public/track": ("/api/public/track", {"json": {"code": tracking_code(KEY)}}, 200),
        "GET /api/public/walks": ("/api/public/walks?within=D1", {}, 200),
        "GET /api/figures": ("/api/figures?within=D1S1C1", {}, 200),
        "GET /api/replay": ("/api/replay?within=D1S1C1&date=2026-01-01", {}, 200),
        "GET /api/scenes/{code}": ("/api/scenes/D1S1C1", {}, 200),
        "PUT /api/scenes/{code}": ("/api/scenes/D1S1C1", {"json": {"version": NO_SCENES, "scenes": []}}, 200),
        "GET /api/incidents": ("/api/incidents", {}, 200),
        "GET /api/statistics": ("/api/statistics?within=D1S1C1", {}, 200),
        "GET /api/statistics/definitions": ("/api/statistics/definitions", {}, 200),
        "GET /api/recurring": ("/api/recurring?within=D1S1C1", {}, 200),
        "GET /api/incidents/counts": ("/api/incidents/counts", {}, 200),
        "GET /api/departments": ("/api/departments", {}, 200),
        "PUT /api/incidents/{incident_id}": (f"/api/incidents/{uuid.uuid4()}", {"json": report}, 201),
        "POST /api/incidents/{incident_id}/events": (f"{case}/events", {"json": {"to": "verified"}}, 409),
        "GET /api/incidents/{incident_id}": (case, {}, 200),
        "GET /api/incidents/{incident_id}/contact": (f"{case}/contact", {}, 200),
        "GET /api/incidents/{incident_id}/duplicates": (f"{case}/duplicates", {}, 200),
        # it has no limit, its one request is decided, the other takes none in, and it is not joined: 409
        "POST /api/incidents/{incident_id}/requests": (
            f"{case}/requests", {"json": {"kind": "extension", "reason": "x", "amount": 1}}, 409,
        ),
        "POST /api/incidents/{incident_id}/requests/{request_id}/decision": (
            f"{case}/requests/1/decision", {"json": {"is_granted": True}}, 409,
        ),
        "POST /api/incidents/{incident_id}/merge": (f"{case}/merge", {"json": {"into": ENDED_ID}}, 409),
        "POST /api/incidents/{incident_id}/seconds": (f"{case}/seconds", {"json": {}}, 200),
        "GET /api/rounds": ("/api/rounds?within=D1S1C1G1", {}, 200),
        "PUT /api/rounds/marks/{mark_id}": (
            f"/api/rounds/marks/{uuid.uuid4()}",
            {"json": {"grid": "D1S1C1G1", "item": "R1", "outcome": "fine", "at": "2026-01-01T08:00:00Z"}}, 201,
        ),
        "PUT /api/visits/{visit_id}": (
            f"/api/visits/{uuid.uuid4()}",
            {"json": {"grid": "D1S1C1G1", "unit": "D1S1C1G1U1", "outcome": "met", "at": "2026-01-01T08:00:00Z"}}, 201,
        ),
        "PUT /api/shifts/{shift_id}": (
            f"/api/shifts/{uuid.uuid4()}", {"json": {"grid": "D1S1C1G1", "started_at": "2026-01-01T08:00:00Z"}}, 201,
        ),
        "GET /api/shifts": ("/api/shifts", {}, 200),
        "PUT /api/shifts/{shift_id}/points": (
            f"{shift}/points", {"json": {"points": [{"at": "2026-01-01T09:00:00Z", "lon": 115, "lat": 30.2}]}}, 200,
        ),
        "GET /api/shifts/{shift_id}/track": (f"{shift}/track", {}, 200),
        "DELETE /api/shifts/{shift_id}/track": (f"{shift}/track", {}, 204),
        "PUT /api/shifts/{shift_id}/end": (f"{shift}/end", {"json": {"ended_at": "2026-01-01T10:00:00Z"}}, 200),
        "POST /api/incidents/{incident_id}/unmerge": (f"{case}/unmerge", {"json": {"note": "x"}}, 409),
        "PUT /api/incidents/{incident_id}/photos/{photo_id}": (
            f"{case}/photos/{uuid.uuid4()}", {"content": photo(), "headers": {"content-type": "image/jpeg"}}, 201,
        ),
        "PATCH /api/incidents/{incident_id}/photos/{photo_id}": (
            f"{case}/photos/{uuid.uuid4()}",
            {"content": b"\xff", "headers": {"upload-offset": "0", "upload-length": "2"}}, 204,
        ),
        "GET /api/incidents/{incident_id}/photos": (f"{case}/photos", {}, 200),
        "GET /api/incidents/{incident_id}/photos/{photo_id}": (f"{case}/photos/{PHOTO}", {}, 200),
        "GET /api/supervision": ("/api/supervision", {}, 200),
        "POST /api/supervision/{number}/reply": ("/api/supervision/1/reply", {"json": {"words": "x"}}, 409),  # closed
        "GET /api/whistles/form": ("/api/whistles/form", {}, 200),
        "GET /api/whistles/rate": ("/api/whistles/rate", {}, 200),
        "GET /api/whistles": ("/api/whistles", {}, 200),
        "GET /api/whistles/{number}": ("/api/whistles/1", {}, 200),
        "POST /api/whistles": (
            "/api/whistles",
            {"json": {"reason": "joint", "words": "x", "departments": ["城管"], "datum": "wgs84", **WHERE}}, 201,
        ),
        "POST /api/whistles/{number}/moves": ("/api/whistles/1/moves", {"json": {"move": "rate"}}, 409),  # not resolved
        "POST /api/supervision/{number}/close": ("/api/supervision/1/close", {"json": {}}, 409),
        "POST /api/handovers": ("/api/handovers", {"json": {}}, 201),  # an account is no token
        **{f"GET /open311/v2/{name}.{{form}}": (f"/open311/v2/{name}.xml", {}, 200) for name in (
            "discovery", "services", "requests",
        )},
        "GET /open311/v2/services/{code}.{form}": ("/open311/v2/services/litter.json", {}, 200),
        "GET /open311/v2/requests/{code}.{form}": (f"/open311/v2/requests/{OPENED}.json", {}, 200),
        "GET /open311/v2/tokens/{token}.{form}": (f"/open311/v2/tokens/{OPENED}.json", {}, 200),
        "POST /open311/v2/requests.{form}": ("/open311/v2/requests.json", {"data": {"service_code": "litter"}}, 201),
        "GET /api/handovers": ("/api/handovers", {}, 200),
        "GET /api/handovers/{handover_id}/details": (f"/api/handovers/{HANDOVER}/details", {}, 200),
        "POST /api/incidents/{incident_id}/handover": (  # there is no webhook yet: 409
            f"{case}/handover", {"json": {"system": "110", "words": "x"}}, 409,
        ),
        "GET /api/orders/kinds": ("/api/orders/kinds", {}, 200),
        "GET /api/orders": ("/api/orders?status=offered&within=D1", {}, 200),
        "PUT /api/orders/{order_id}": (f"/api/orders/{uuid.uuid4()}", {"json": wish}, 200),
        "GET /api/orders/{order_id}": (f"/api/orders/{ORDER}", {}, 200),
        "GET /api/orders/{order_id}/contact": (f"/api/orders/{ORDER}/contact", {}, 403),  # nobody here has taken it
        "POST /api/orders/{order_id}/moves": (f"/api/orders/{ORDER}/moves", {"json": {"to": "confirmed"}}, 409),
        "GET /api/volunteer": ("/api/volunteer", {}, 200),
        "PUT /api/volunteer": ("/api/volunteer", {}, 200),
        "DELETE /api/volunteer": ("/api/volunteer", {}, 200),
        "GET /api/points/accounts": ("/api/points/accounts", {}, 200),
        "GET /api/points/accounts/{account_id}": ("/api/points/accounts/1", {}, 200),
        # the town has no such shop and no such transfer: 404
        "POST /api/points/exchanges": (
            "/api/points/exchanges", {"json": {"id": ORDER, "exchange": "x", "amount": 1, "words": "x"}}, 404,
        ),
        "POST /api/points/reversals": ("/api/points/reversals", {"json": {"transfer": ORDER, "words": "x"}}, 404),
        "POST /api/jobs": ("/api/jobs", {"json": gaps}, 202),
        "GET /api/jobs/{job_id}": (job, {}, 200),
        "DELETE /api/jobs/{job_id}": (job, {}, 200),
        "GET /api/plans": ("/api/plans?within=D1", {}, 200),
        "GET /api/plans/{plan_id}": (plan, {}, 200),
        "GET /api/plans/{plan_id}/grids": (f"{plan}/grids", {}, 200),
        "GET /api/plans/{plan_id}/changes": (f"{plan}/changes", {}, 200),
        "GET /api/plans/{plan_id}/export/{kind}": (f"{plan}/export/csv", {}, 200),
        "GET /api/plans/{plan_id}/notice.{kind}": (f"{plan}/notice.html", {}, 200),
        "POST /api/plans/import": (
            "/api/plans/import?within=D1S1C1", {"content": "unit,grid\n" + "".join(
                f"D1S1C1G{g}U{u},X\n" for g in (1, 2) for u in (1, 2)
            )}, 201,
        ),
        "GET /api/schemes": ("/api/schemes", {}, 200),
        "GET /api/workload": ("/api/workload?within=D1S1C1", {}, 200),
        "GET /api/grids": ("/api/grids?within=D1&as_of=2026-01-01", {}, 200),
        "POST /api/plans": ("/api/plans", {"json": {"within": "D1", "name": "copied"}}, 201),
        "GET /api/plans/{plan_id}/workbench": (f"{plan}/workbench", {}, 200),
        "GET /api/plans/{plan_id}/reasons": (f"{plan}/reasons", {}, 200),
        "PUT /api/plans/{plan_id}/assignment": (
            f"{plan}/assignment",
            {"json": {"version": 1, "moves": [], "grids": [{"code": "D1S1C1G9", "community": "D1S1C1"}]}}, 200,
        ),
        "POST /api/plans/{plan_id}/submit": (f"{plan}/submit", {}, 409),  # it is unfinished, and not submitted:
        "POST /api/plans/{plan_id}/withdraw": (f"{plan}/withdraw", {}, 409),
        "POST /api/plans/{plan_id}/reject": (f"{plan}/reject", {"json": {"reason": "not yet"}}, 409),
        "POST /api/plans/{plan_id}/approve": (f"{plan}/approve", {"json": {"effective_on": "2099-01-01"}}, 409),
        "POST /api/plans/{plan_id}/restore": (f"{plan}/restore", {}, 201),
        "PATCH /api/plans/{plan_id}": (plan, {"json": {"name": "kept"}}, 200),
        "DELETE /api/plans/{plan_id}": (plan, {}, 204),
        "POST /api/crosswalks": ("/api/crosswalks", {"json": {"within": "D1", "name": "drawn"}}, 201),
        "GET /api/crosswalks": ("/api/crosswalks", {}, 200),
        "GET /api/crosswalks/{crosswalk_id}": ("/api/crosswalks/1", {}, 200),
        "PUT /api/crosswalks/{crosswalk_id}/layers/{name}": ("/api/crosswalks/1/layers/a?source=today", {}, 200),
        "GET /api/crosswalks/{crosswalk_id}/conflicts": ("/api/crosswalks/1/conflicts", {}, 400),  # one layer has none
        "GET /api/crosswalks/{crosswalk_id}/table": ("/api/crosswalks/1/table", {}, 200),
        "GET /api/crosswalks/{crosswalk_id}/table.csv": ("/api/crosswalks/1/table.csv", {}, 200),
        "DELETE /api/crosswalks/{crosswalk_id}/layers/{name}": ("/api/crosswalks/1/layers/a", {}, 200),
        "DELETE /api/crosswalks/{crosswalk_id}": ("/api/crosswalks/1", {}, 204),
        "GET /api/examinations": ("/api/examinations?within=D1", {}, 200),
        "GET /api/examinations/{number}": ("/api/examinations/1", {}, 200),
        "GET /api/examinations/{number}/rules/{rule}": ("/api/examinations/1/rules/station_500", {}, 200),
        "GET /api/examinations/{number}/rules/{rule}/cells": ("/api/examinations/1/rules/station_500/cells", {}, 200),
        "GET /api/life-circle.{kind}": ("/api/life-circle.html?within=D1S1C1", {}, 200),
        "GET /api/targets": ("/api/targets?within=D1", {}, 200),
        "GET /api/rulebooks": ("/api/rulebooks", {}, 200),
        "GET /api/rulebooks/{code}/{version}": ("/api/rulebooks/drawn/1", {}, 200),
        "GET /api/rulebooks/{code}/{version}/rules.csv": ("/api/rulebooks/drawn/1/rules.csv", {}, 200),
        "PUT /api/rulebooks/{code}": ("/api/rulebooks/city", {"content": RULES}, 200),
        "POST /api/sites/candidates": ("/api/sites/candidates", {"content": "lon,lat\n115,30.2\n"}, 200),
        "GET /api/sites/{job_id}": (f"/api/sites/{SITE}", {}, 200),
        "POST /api/session/kiosk": ("/api/session/kiosk", {"json": {"token": token}}, 201),
        "POST /api/session": ("/api/session", {"json": {"login": "chief", "password": "a drawn town 2024"}}, 201),
        "DELETE /api/session": ("/api/session", {}, 204),
    }  # fmt: skip


def stream_status(app: FastAPI, path: str, headers: dict[str, str]) -> int:
    """Open a stream, take its status and hang up."""
    statuses = []
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: dict) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": path,
        "raw_path": b"", "query_string": b"", "root_path": "", "scheme": "http",
        "server": ("localhost", 80), "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    run_alone(app(scope, receive, send))
    return statuses[0]


def test_every_route_is_on_the_page(world: FastAPI) -> None:
    assert sorted(table("Routes")) == sorted(routes(world.routes))


def test_every_route_as_every_role(world: FastAPI) -> None:
    """In the page's order: what ends a plan, a job or a session comes last."""
    wrong = []
    signed_in = sign_all_in(world)
    made = recipes(world.state.token)
    for route, row in table("Routes").items():
        assert set(row) == {"anonymous", *ROLES}
        address, arguments, success = made[route]
        method = route.split()[0]
        for role, cell in row.items():
            headers = signed_in[role] | arguments.get("headers", {})
            if route == "GET /live":
                status = stream_status(world, address, headers)
            else:
                fresh = dict(arguments)
                if route.startswith(("PUT /api/incidents", "PUT /api/orders")):
                    address = f"{address.rpartition('/')[0]}/{uuid.uuid4()}"
                client = TestClient(world, base_url="http://localhost", follow_redirects=False)
                status = client.request(method, address, **{**fresh, "headers": headers}).status_code
            if status != (success if cell == "yes" else REFUSED[cell]):
                wrong.append((route, role, cell, status))
    assert wrong == []


def test_every_layer_is_on_the_page() -> None:
    assert set(table("Layers")) == set(BY_NAME)


@pytest.mark.parametrize("layer", sorted(BY_NAME))
def test_every_layer_as_every_role(world: FastAPI, signed_in, owner_engine: Engine, layer: str) -> None:
    """Tiles, lists and TileJSON show the rows and the fields that the page says, and nothing else."""
    for role, cell in table("Layers")[layer].items():
        client = TestClient(world, base_url="http://localhost", headers=signed_in[role])
        answers = [client.get(f"/tiles/{layer}.json"), client.get(f"/api/layers/{layer}/items")]
        if cell == "-":
            answers.append(client.get(f"/tiles/{layer}/14/13425/6750.mvt"))
            refusal = 401 if role == "anonymous" else 403
            assert [(role, one.status_code) for one in answers] == [(role, refusal)] * 3
            continue
        rows, audience = cell.split()
        names = field_names(layer, audience)
        features = answers[1].json()["features"]
        assert {name for one in features for name in one["properties"]} <= names
        codes = {one["properties"]["code"] for one in features}
        assert (role, codes) == (role, expected_codes(owner_engine, layer, role, rows))
        drawn, attributes = tiles(client, layer)
        if rows == "5":
            assert len(drawn) >= len(codes)  # other zoom levels have other cells
        else:
            assert (role, drawn) == (role, codes)
        in_tile = {field.name for field in BY_NAME[layer].fields if field.in_tile and field.name in names}
        assert attributes <= in_tile
        assert set(answers[0].json()["vector_layers"][0]["fields"]) == in_tile
        if features and rows != "5":
            assert set(features[0]["properties"]) == names


def field_names(layer: str, audience: str) -> set[str]:
    """The fields of a layer for an audience; staff see what the public sees, case workers what staff see."""
    seen = {"public": {"public"}, "staff": {"public", "staff"}, "case": {"public", "staff", "case"}}[audience]
    return {field.name for field in BY_NAME[layer].fields if field.audience in seen}


def expected_codes(engine: Engine, name: str, role: str, rows: str) -> set[str]:
    """The codes that a role sees, found by the owner with text comparison alone: no ltree, no row-level security."""
    layer = BY_NAME[name]
    where = layer.where or "true"
    with engine.begin() as connection:
        if rows == "5":
            top = MAP_SCOPE.get(role, "D1") if role in ROLES and role not in ADMINISTRATORS else "nowhere"
            sql = (
                "SELECT z || '-' || x || '-' || y FROM incident_cell WHERE z = 18 GROUP BY z, x, y "
                f"HAVING sum(count) >= 5 OR bool_and(path::text || '.' LIKE '{top}.%%')"
            )
            return {row[0] for row in connection.exec_driver_sql(sql)}
        if rows == "scope":
            scope = CASE_SCOPE if layer.scope == "case" else MAP_SCOPE
            where += f" AND path::text || '.' LIKE '{scope.get(role, 'D1')}.%%'"
            if layer.scope == "case":
                where += f" AND (department = '城管' OR '{role}' <> 'department')"
                where += f" OR reported_by = (SELECT id FROM account WHERE login = '{role}')"
        return {row[0] for row in connection.exec_driver_sql(f"SELECT code FROM {layer.table.name} t WHERE {where}")}


def tiles(client: TestClient, layer: str) -> tuple[set[str], set[str]]:
    """Codes and attribute names in all tiles over the town."""
    zoom = max(BY_NAME[layer].min_zoom, 12)
    zoom = min(zoom, BY_NAME[layer].max_zoom)
    codes: set[str] = set()
    attributes: set[str] = set()
    (west, north), (east, south) = tile_of(114.999, 30.221, zoom), tile_of(115.041, 30.199, zoom)
    for x in range(west, east + 1):
        for y in range(north, south + 1):
            answer = client.get(f"/tiles/{layer}/{zoom}/{x}/{y}.mvt")
            assert answer.status_code == 200
            for feature in mapbox_vector_tile.decode(answer.content).get(layer, {"features": []})["features"]:
                # a density cell has no code in a tile: its place names it
                codes.add(feature["properties"].get("code", f"{x}/{y}/{feature['geometry']}"))
                attributes |= set(feature["properties"])
    return codes, attributes


def tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """The web-Mercator tile of a place."""
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return int((lon + 180) / 360 * 2**zoom), int(y * 2**zoom)


def test_the_page_lists_every_move() -> None:
    section = DOCUMENT.read_text("utf-8").split("## Moves of an incident")[1]
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in section.splitlines()
        if line.startswith("|")
    ]
    assert sorted(rows[2:]) == sorted(
        (status, to, ", ".join(sorted(roles))) for status, legal in MOVES.items() for to, roles in legal.items()
    )


def test_nobody_unknown_sees_anything() -> None:
    """A viewer without roles has an empty scope, whatever its account."""
    nobody = Viewer(account_id=1)
    assert {name for name, layer in BY_NAME.items() if nobody.sees(layer)} == {
        name for name, layer in BY_NAME.items() if layer.scope == "public"
    }
