"""What a phone could not send: entered from its file as if it had been sent, once, and nothing else."""

import base64
import io
import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from api.commands import receive
from data.errors import BadInputError, NotFoundError
from tests.looping import run_alone

Make = Callable[[str], TestClient]
GRID, AT = "D1S1C1G1", "2026-01-05T08:00:00Z"
ID = "00000001-0000-7000-8000-000000000001"


def photo(color: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 20), color).save(out, "JPEG")
    return out.getvalue()


def item(kind: str, path: str, body: dict | None, **more: object) -> dict:
    return {
        "kind": kind, "id": path.rpartition("/")[2], "state": "waiting", "method": "POST" if kind == "move" else "PUT",
        "path": path, "body": body, "photos": [], **more,
    }  # fmt: skip


def report(number: int, **more: object) -> dict:
    """A report whose id says when it was made."""
    identity = f"0000000{number}-0000-7000-8000-{uuid.uuid4().hex[:12]}"
    body = {"category": "litter", "lon": 115.0025, "lat": 30.205, "datum": "wgs84", "occurred_at": AT}
    path = f"/api/incidents/{identity}"
    picture = {
        "path": f"{path}/photos/{uuid.uuid4()}", "type": "image/jpeg", "base64": base64.b64encode(photo()).decode(),
    }  # fmt: skip
    return item("report", path, body, photos=[picture], **more)


def written(tmp_path: Path, *items: dict, **changed: object) -> Path:
    path = tmp_path / "待发上报.html"
    queue = {"format": receive.FORMAT, "account": "worker", "items": items, **changed}
    text = json.dumps(queue).replace("<", "\\u003c")
    path.write_text(f'<h1>x</h1><script type="application/json" id="queue">{text}</script></html>', "utf-8")
    return path


def take_in(app: FastAPI, path: Path) -> list[receive.Outcome]:
    queue = receive.read_file(path)
    token, session = app.state.context.sessions.stand_in(queue.account)
    return run_alone(receive.receive_all(app, queue, token, session))


def test_a_file_is_entered_once_and_the_phone_gets_the_same_receipts(
    app: FastAPI, client: Make, fetch, tmp_path: Path
) -> None:
    first, second = report(1), report(2)
    visit = {"grid": GRID, "unit": f"{GRID}U1", "outcome": "met", "at": AT}
    path = written(
        tmp_path, second, first, item("record", f"/api/visits/{uuid.uuid4()}", visit),
        report(3, state="draft"), item("move", f"{first['path']}/seconds", {"note": "还有"}, key="k1", id="9"),
    )  # fmt: skip
    outcomes = take_in(app, path)
    assert [one.is_draft for one in outcomes].count(True) == 1
    assert [one.refusal for one in outcomes] == [None] * 5
    again = take_in(app, path)
    assert [one.code for one in again] == [one.code for one in outcomes]
    counts = "SELECT (SELECT count(*) FROM incident WHERE reported_by IS NOT NULL), (SELECT count(*) FROM visit), "
    assert fetch(counts + "(SELECT count(*) FROM incident_photo), (SELECT count(*) FROM incident_event)") == [
        (2, 1, 2, 3)
    ]
    worker = client("worker")  # the phone is online again
    answer = worker.put(first["path"], json=first["body"])
    assert (answer.status_code, answer.json()["properties"]["code"]) == (200, outcomes[0].code)
    kept = first["photos"][0]
    assert worker.put(kept["path"], content=photo(), headers={"content-type": "image/jpeg"}).status_code == 200
    moved = worker.post(f"{first['path']}/seconds", json={"note": "还有"}, headers={"idempotency-key": "k1"})
    assert moved.status_code == 200
    assert fetch("SELECT count(*) FROM incident_event") == [(3,)]
    starts = fetch("SELECT detail->>'how' FROM audit_event WHERE action = 'session.start' ORDER BY id")
    assert [how for (how,) in starts] == ["office", "office", "password"]


def test_what_is_refused_says_why_and_the_rest_goes_on(app: FastAPI, fetch, tmp_path: Path) -> None:
    wrong, good, damaged = report(1), report(2), report(3)
    wrong["body"] = {**wrong["body"], "category": "nothing"}
    damaged["photos"][0]["base64"] = "no base64"
    outcomes = take_in(app, written(tmp_path, wrong, good, damaged))
    assert "nothing" in (outcomes[0].refusal or "")
    assert [bool(one.code) for one in outcomes] == [False, True, True]
    assert outcomes[2].refusal == "photo 1 is damaged in the file"
    assert fetch("SELECT count(*) FROM incident_photo") == [(1,)]


@pytest.mark.parametrize(
    ("kind", "path", "method"),
    [
        ("report", "/api/session", "PUT"), ("report", f"/api/incidents/{ID}", "DELETE"),
        ("report", f"/api/incidents/{ID}/../../session", "PUT"), ("record", "/api/rulebooks/x", "PUT"),
        ("move", f"/api/incidents/{ID}/merge", "POST"),
        ("record", f"/api/visits/{ID}?within=D1", "PUT"),
    ],
)  # fmt: skip
def test_a_file_that_asks_for_anything_else_is_refused_as_a_whole(
    tmp_path: Path, kind: str, path: str, method: str
) -> None:
    wrong = item(kind, path, {}, method=method, key="k", id="x")
    with pytest.raises(BadInputError, match="item 2"):
        receive.read_file(written(tmp_path, report(1), wrong))


def test_photos_go_to_photos_only(tmp_path: Path) -> None:
    wrong = report(1)
    wrong["photos"][0]["path"] = wrong["path"]
    with pytest.raises(BadInputError, match="no photo's address"):
        receive.read_file(written(tmp_path, wrong))


def test_broken_files_are_told_in_a_sentence(tmp_path: Path, app: FastAPI) -> None:
    whole = written(tmp_path, report(1)).read_text("utf-8")
    path = tmp_path / "broken.html"
    for text, sentence in (
        (whole[:-200], "cut off"), ("<html></html>", "no phone's export"),
        (whole.replace('"format"', "format"), "JSON"),
        (whole.replace(receive.FORMAT, "other"), "its format is 'other'"),
        (whole.replace('"kind": "report"', '"kind": "x"'), "items.0.kind"),
    ):  # fmt: skip
        path.write_text(text, "utf-8")
        with pytest.raises(BadInputError, match=sentence):
            receive.read_file(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInputError, match="no text"):
        receive.read_file(path)
    with pytest.raises(BadInputError, match="can't be read"):
        receive.read_file(tmp_path / "nowhere.html")
    with pytest.raises(NotFoundError, match="'nobody'"):
        take_in(app, written(tmp_path, account="nobody"))
