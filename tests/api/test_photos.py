"""Photos in parts, in stages, in the store of files."""

import base64
import hashlib
import io
import os
import random
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from api.services import uploads
from data.photos import checking
from data.photos.store import DiskStore
from tests.looping import run_alone

Make = Callable[[str], TestClient]
REPORT = {"category": "litter", "lon": 115.0025, "lat": 30.205, "datum": "wgs84"}  # in D1S1C1G1


def picture(seed: int = 1, side: int = 300) -> bytes:
    """A photo of noise: of some tens of kilobytes, unlike any other."""
    out = io.BytesIO()
    noise = random.Random(seed).randbytes(side * side * 3)
    Image.frombytes("RGB", (side, side), noise).save(out, "JPEG", quality=60)
    return out.getvalue()


PHOTO = picture()


@pytest.fixture
def worker(client: Make) -> TestClient:
    return client("worker")


@pytest.fixture
def address(worker: TestClient) -> str:
    """Of a new photo of a new report."""
    return new_address(worker)


def new_address(worker: TestClient) -> str:
    incident = worker.put(f"/api/incidents/{uuid.uuid4()}", json=REPORT).json()["properties"]["id"]
    return f"/api/incidents/{incident}/photos/{uuid.uuid4()}"


def patch(client: TestClient, address: str, content: bytes, *, offset: int, length: int = len(PHOTO), **more: str):
    headers = {"upload-offset": str(offset), "upload-length": str(length), **more}
    return client.patch(address, content=content, headers=headers)


def offset(client: TestClient, address: str) -> int | None:
    """From where to go on; None of a photo that is there whole."""
    answer = client.head(address)
    assert answer.status_code == 200
    assert answer.headers["upload-complete"] == ("?0" if "upload-offset" in answer.headers else "?1")
    return int(answer.headers["upload-offset"]) if "upload-offset" in answer.headers else None


def digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def test_a_photo_in_three_parts_is_the_photo(worker: TestClient, address: str, settings) -> None:
    assert offset(worker, address) == 0
    for start, stop in ((0, 10_000), (10_000, 20_001)):
        answer = patch(worker, address, PHOTO[start:stop], offset=start)
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(stop))
        assert offset(worker, address) == stop
    answer = patch(worker, address, PHOTO[20_001:], offset=20_001, **{"repr-digest": digest(PHOTO)})
    assert (answer.status_code, answer.json()["sha256"]) == (201, hashlib.sha256(PHOTO).hexdigest())
    assert offset(worker, address) is None
    assert list((settings.data_dir / uploads.FOLDER).glob("*/*")) == []
    again = patch(worker, address, PHOTO[20_001:], offset=20_001)
    assert (again.status_code, again.json()) == (200, answer.json())
    whole = new_address(worker)
    worker.put(whole, content=PHOTO)
    assert worker.get(address).content == worker.get(whole).content
    # the same picture twice is one file
    assert len(list(DiskStore(settings.data_dir / "photos").kept())) == 1


def test_bytes_that_came_before_may_come_again_and_none_may_be_left_out(worker: TestClient, address: str) -> None:
    patch(worker, address, PHOTO[:5000], offset=0)
    gap = patch(worker, address, PHOTO[6000:], offset=6000)
    assert (gap.status_code, gap.json()["code"], gap.json()["offset"]) == (409, "conflict", 5000)
    assert patch(worker, address, PHOTO[1000:4000], offset=1000).headers["upload-offset"] == "5000"
    assert patch(worker, address, PHOTO[4000:], offset=4000, **{"repr-digest": digest(PHOTO)}).status_code == 201


def hang_up(app: FastAPI, client: TestClient, address: str, content: bytes) -> None:
    """Send the beginning of a photo and close the connection in the middle of the request."""
    messages = iter([
        {"type": "http.request", "body": content[i : i + 1000], "more_body": True} for i in range(0, len(content), 1000)
    ])  # fmt: skip

    async def receive() -> dict:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: dict) -> None:
        pass

    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = {
        "cookie": cookies, "x-csrf-token": client.headers["x-csrf-token"], "host": "localhost",
        "upload-offset": "0", "upload-length": str(len(PHOTO)),
    }  # fmt: skip
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "PATCH", "path": address,
        "raw_path": b"", "query_string": b"", "root_path": "", "scheme": "http",
        "server": ("localhost", 80), "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    run_alone(app(scope, receive, send))


def test_what_came_before_the_link_broke_is_kept(app: FastAPI, worker: TestClient, address: str) -> None:
    hang_up(app, worker, address, PHOTO[:17_000])
    assert offset(worker, address) == 17_000
    answer = patch(worker, address, PHOTO[17_000:], offset=17_000, **{"repr-digest": digest(PHOTO)})
    assert answer.status_code == 201


def test_a_damaged_photo_is_sent_again_from_its_beginning(worker: TestClient, address: str) -> None:
    patch(worker, address, bytes(5000), offset=0)
    damaged = patch(worker, address, PHOTO[5000:], offset=5000, **{"repr-digest": digest(PHOTO)})
    assert (damaged.status_code, damaged.json()["errors"][0]["field"]) == (400, "Repr-Digest")
    assert offset(worker, address) == 0
    assert patch(worker, address, PHOTO, offset=0, **{"repr-digest": digest(PHOTO)}).status_code == 201


@pytest.mark.parametrize(
    ("headers", "status", "field"),
    [
        ({"upload-offset": "5", "upload-length": "4"}, 400, "Upload-Offset"),
        ({"upload-offset": "0", "upload-length": "0"}, 400, "Upload-Offset"),
        ({"upload-offset": "0", "upload-length": "3"}, 400, "Upload-Length"),  # four bytes come
        ({"upload-offset": "0", "upload-length": "9", "repr-digest": "md5=:eA==:"}, 400, "Repr-Digest"),
        ({"upload-offset": "0", "upload-length": "4"}, 400, None),  # they are no photo
        ({"upload-offset": "0", "upload-length": "10000001"}, 413, None),
        ({"upload-offset": "0"}, 400, "upload-length"),
        ({"upload-offset": "-1", "upload-length": "4"}, 400, "upload-offset"),
    ],
)
def test_parts_that_make_no_sense(worker: TestClient, address: str, headers: dict, status: int, field) -> None:
    answer = worker.patch(address, content=b"text", headers=headers)
    assert answer.status_code == status
    if field:
        assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert offset(worker, address) == 0 or headers["upload-length"] == "3"


def test_nobody_adds_to_anothers_photo(client: Make, worker: TestClient, address: str) -> None:
    """The community's bytes under the same address are the community's own."""
    patch(worker, address, PHOTO[:5000], offset=0)
    community = client("community")
    assert offset(community, address) == 0
    other = picture(2)
    patch(community, address, other[:300], offset=0, length=len(other))
    assert offset(worker, address) == 5000
    assert patch(worker, address, PHOTO[5000:], offset=5000).status_code == 201
    assert (
        patch(community, address, other[300:], offset=300, length=len(other)).json()["sha256"]
        == hashlib.sha256(PHOTO).hexdigest()
    )  # the photo that is there
    for stranger, status in (("far_worker", 404), ("planner", 403), ("anonymous", 401)):
        assert client(stranger).head(address).status_code == status
        assert patch(client(stranger), address, PHOTO[:9], offset=0).status_code == status


def test_unfinished_photos_are_few_and_forgotten(worker: TestClient, address: str, settings, monkeypatch) -> None:
    monkeypatch.setattr(uploads, "MOST_OPEN", 2)
    base = address.rpartition("/")[0]
    statuses = [patch(worker, f"{base}/{uuid.uuid4()}", b"\xff", offset=0).status_code for _ in range(3)]
    assert statuses == [204, 204, 429]
    for path in (settings.data_dir / uploads.FOLDER).glob("*/*"):
        os.utime(path, (0, 0))
    assert patch(worker, address, b"\xff", offset=0).status_code == 204
    assert len(list((settings.data_dir / uploads.FOLDER).glob("*/*"))) == 1


def test_stages(worker: TestClient, address: str) -> None:
    base = address.rpartition("/")[0]
    assert worker.put(f"{base}/{uuid.uuid4()}", content=picture(3, 20)).json()["stage"] == "report"
    before = worker.put(f"{base}/{uuid.uuid4()}?stage=before", content=picture(4, 20)).json()
    after = patch(worker, f"{base}/{uuid.uuid4()}?stage=after", PHOTO, offset=0).json()
    assert [one["stage"] for one in worker.get(base).json()["photos"]] == ["report", "before", "after"]
    assert (before["stage"], after["stage"]) == ("before", "after")
    assert worker.put(f"{base}/{uuid.uuid4()}?stage=later", content=PHOTO).status_code == 400


def test_a_photo_of_before_the_store_is_still_read(worker: TestClient, address: str, town) -> None:
    incident, photo = address.split("/")[3], address.rpartition("/")[2]
    with town.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO incident_photo (id, incident_id, sha256, width, height, content) "
            "VALUES (%s, %s, 'x', 1, 1, %s)",
            (photo, incident, PHOTO),
        )
    assert worker.get(address).content == PHOTO
    assert offset(worker, address) is None


def test_lost_damaged_and_left_files_are_found(worker: TestClient, address: str, town, settings) -> None:
    store = DiskStore(settings.data_dir / "photos")

    def faults() -> list[str]:
        with town.begin() as connection:
            return checking.faults(connection, store)

    worker.put(address, content=PHOTO)
    left = store.put(picture(5))
    assert faults() == []  # the file without a row may be on its way
    os.utime(settings.data_dir / "photos" / left[:2] / f"{left}.jpg", (0, 0))
    (orphan,) = faults()
    assert orphan.startswith("1 files of the photo store belong to no incident")
    with town.begin() as connection:
        assert checking.tidy(connection, store) == 1
    assert faults() == []
    (kept,) = store.kept()
    path = settings.data_dir / "photos" / kept.name[:2] / f"{kept.name}.jpg"
    path.write_bytes(b"cut")
    (damaged,) = faults()
    assert "is damaged" in damaged
    assert "has 3 bytes" in damaged
    path.unlink()
    (lost,) = faults()
    assert "is lost" in lost
    gone = worker.get(address)
    assert (gone.status_code, gone.json()["code"]) == (503, "unavailable")


def test_a_store_that_takes_nothing_answers_503_and_keeps_no_row(
    worker: TestClient, address: str, fetch, settings
) -> None:
    (settings.data_dir / "photos").write_text("a file where a folder should be")
    assert worker.put(address, content=PHOTO).status_code == 503
    assert fetch("SELECT count(*) FROM incident_photo") == [(0,)]
    (Path(settings.data_dir) / "photos").unlink()
    assert worker.put(address, content=PHOTO).status_code == 201


def test_some_categories_want_a_photo_of_what_was_done(client: Make, worker: TestClient, address: str, town) -> None:
    """A photo of the report is none of the result; after a reopening the old one counts no more."""
    with town.begin() as connection:
        connection.exec_driver_sql("UPDATE category SET needs_after_photo = true WHERE code = 'litter'")
    case, community = address.partition("/photos/")[0], client("community")

    def move(who: TestClient, to: str) -> int:
        return who.post(f"{case}/events", json={"to": to, "note": "x"}).status_code

    def needs() -> bool:
        return worker.get(case).json()["needs_after_photo"]

    worker.put(address, content=picture(6, 20))
    assert [move(community, to) for to in ("accepted", "assigned")] == [200, 200]
    for turn in range(2):
        assert [move(worker, to) for to in ("in_progress", "resolved")] == [200, 200]
        assert (needs(), move(community, "verified")) == (True, 409)
        photo = picture(7 + turn, 20)
        assert worker.put(f"{case}/photos/{uuid.uuid4()}?stage=after", content=photo).status_code == 201
        assert (needs(), move(community, "verified")) == (False, 200)
        assert move(community, "reopened") == 200
    assert needs()


def test_seconding_is_a_line_in_the_history_once(client: Make, worker: TestClient, address: str, fetch) -> None:
    case = address.partition("/photos/")[0]
    for _ in range(2):
        answer = worker.post(f"{case}/seconds", json={"note": "又多了一堆"}, headers={"idempotency-key": "k1"})
        assert answer.status_code == 200
    event = answer.json()["events"][-1]
    assert (event["seq"], event["status"], event["note"], event["detail"]) == (
        2,
        "reported",
        "又多了一堆",
        {"seconded": True},
    )
    assert fetch("SELECT count(*) FROM audit_event WHERE action = 'incident.second'") == [(1,)]
    community = client("community")
    community.post(f"{case}/events", json={"to": "rejected", "note": "x"})
    assert worker.post(f"{case}/seconds", json={}).status_code == 409
    assert client("far_worker").post(f"{case}/seconds", json={}).status_code == 404
