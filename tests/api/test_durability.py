"""An answer of 2xx is on disk: app and PostgreSQL are killed in the middle of a load of reports, several times.

SIGKILL leaves no time to write anything more. What the operating system holds for the disk survives it, so this proves
that nothing is answered before its commit, not that the disk keeps its word.
"""

import contextlib
import io
import os
import random
import signal
import threading
import uuid
from pathlib import Path

import httpx
from PIL import Image
from sqlalchemy import create_engine, text

from data import accounts, cluster, integrity
from data.credentials import Cost
from data.photos import checking
from data.photos.store import FOLDER, DiskStore
from tests.api.processes import Up, ask, is_running, offspring

ROUNDS, CLIENTS, RECEIPTS = 3, 6, 15
PASSWORD = "killed in the middle"
TOWN = """
INSERT INTO area (level, code, name, source, geom, path)
  VALUES ('district', 'D', '区', 'drawn', ST_Multi(ST_MakeEnvelope(115, 30, 115.1, 30.05, 4326)), 'D');
INSERT INTO category (code, name) VALUES ('litter', '暴露垃圾');
"""


class Load:
    """Clients that report without a pause, each report with a photo, until the server is gone.

    Attributes
    ----------
    receipts
        Number of each report that was answered 2xx, by its id.
    photos
        Photo to report, of those that were answered 2xx.
    unanswered
        Reports whose answer never came.
    """

    def __init__(self, up: Up, headers: dict[str, str]) -> None:
        self._up, self._headers = up, headers
        self.receipts: dict[str, str] = {}
        self.photos: dict[str, str] = {}
        self.unanswered: list[str] = []
        self._threads = [threading.Thread(target=self._work) for _ in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        with httpx.Client(base_url=self._up.base, headers=self._headers, timeout=30) as client:
            while True:
                report, photo = str(uuid.uuid4()), str(uuid.uuid4())
                try:
                    send(client, report, self.receipts)
                    answer = client.put(f"/api/incidents/{report}/photos/{photo}", content=PICTURE, headers=JPEG)
                    if answer.status_code == 201:
                        self.photos[photo] = report
                except httpx.TransportError:
                    self.unanswered += [report] if report not in self.receipts else []
                    return


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "blue").save(out, "JPEG")
    return out.getvalue()


PICTURE, JPEG = picture(), {"content-type": "image/jpeg"}


def send(client: httpx.Client, report: str, receipts: dict[str, str]) -> int:
    """Send a report and keep its receipt; a server that is losing its database answers 503 and no receipt."""
    sent = {"category": "litter", "description": report, "lon": 115.05, "lat": 30.025, "datum": "wgs84"}
    answer = client.put(f"/api/incidents/{report}", json=sent)
    if answer.is_success:
        receipts[report] = answer.json()["properties"]["code"]
    elif answer.status_code == 503:
        raise httpx.ReadError("the database is gone")
    else:
        raise AssertionError(answer.text)
    return answer.status_code


def sign_in(up: Up) -> dict[str, str]:
    answer = httpx.post(f"{up.base}/api/session", json={"login": "patrol", "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    cookie = answer.headers["set-cookie"].split(";")[0]
    return {"cookie": cookie, "x-csrf-token": answer.json()["csrf_token"]}


def kill(up: Up, rng: random.Random, until) -> None:
    """Kill the server and every process of PostgreSQL, in any order."""
    family = [up.process.pid, *offspring(up.process.pid)]
    rng.shuffle(family)
    for pid in family:
        with contextlib.suppress(ProcessLookupError):  # one that the others' end has ended
            os.kill(pid, signal.SIGKILL)
    up.process.wait()
    until(lambda: not any(map(is_running, family)))


def test_no_receipt_is_lost_and_no_report_is_doubled(directory: Path, start, until) -> None:
    rng = random.Random(5)
    up = start(directory).wait_until_ready()
    ask(directory, TOWN)
    owner = create_engine(cluster.locate(directory).url())
    with owner.begin() as connection:
        post = accounts.Post("dispatcher", "D", "")
        accounts.add(connection, "patrol", name="测试", post=post, password=PASSWORD, cost=Cost(8, 1, 1))
    headers = sign_in(up)
    receipts: dict[str, str] = {}
    photos: dict[str, str] = {}
    cut_off = 0
    for _ in range(ROUNDS):
        load = Load(up, headers)
        load.start()
        enough = rng.randint(RECEIPTS, 3 * RECEIPTS)
        until(lambda load=load, enough=enough: len(load.receipts) >= enough)
        kill(up, rng, until)
        load.join()
        owner.dispose()
        receipts |= load.receipts
        photos |= load.photos
        up = start(directory).wait_until_ready()
        assert dict(ask(directory, "SELECT id::text, code FROM incident")).items() >= receipts.items()
        assert dict(ask(directory, "SELECT id::text, incident_id::text FROM incident_photo")).items() >= photos.items()
        cut_off += len(load.unanswered)
        with httpx.Client(base_url=up.base, headers=headers) as client:  # the session has survived, too
            for report in load.unanswered:
                send(client, report, receipts)
            for report in rng.sample(sorted(load.receipts), 5):
                assert send(client, report, again := {}) == 200
                assert again[report] == receipts[report]
    assert cut_off > 0  # the load was really in the middle
    stored = ask(directory, "SELECT id::text, code FROM incident")
    assert (len(stored), dict(stored)) == (len(receipts), receipts)
    assert ask(directory, "SELECT count(*) FROM incident_event WHERE seq = 1") == [(len(receipts),)]
    until(lambda: ask(directory, "SELECT count(*) FROM outbox") == [(0,)])
    with owner.begin() as connection:
        assert integrity.faults(connection) == []
        assert checking.faults(connection, DiskStore(directory / FOLDER)) == []  # no photo lost, none cut
        events = connection.execute(text("SELECT count(*) FROM event WHERE kind = 'incident'")).scalar_one()
    assert events == len(receipts)
    owner.dispose()
    up.process.send_signal(signal.SIGTERM)
    up.process.wait()
