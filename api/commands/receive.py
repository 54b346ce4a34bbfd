"""`yiwangtu cases receive`: what a phone could not send, from the file that it wrote, as if the phone had sent it."""

import asyncio
import base64
import binascii
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import click
from fastapi import FastAPI
from pydantic import BaseModel, ValidationError

from api.main import create_app
from api.services.sessions import Session
from api.session import COOKIE
from api.settings import Settings
from data.cli import EXIT_FAILURE
from data.engine import attached
from data.errors import BadInputError
from data.migrate import check_current

MOST_MB = 300
FORMAT = "yiwangtu-queue-1"
_ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_QUEUE = re.compile(r'<script type="application/json" id="queue">(.*?)</script>', re.DOTALL)
_ADDRESSES = {  # what a phone's queue sends, and nothing else
    "report": ("PUT", re.compile(rf"/api/incidents/{_ID}")),
    "move": ("POST", re.compile(rf"/api/incidents/{_ID}/(events|requests|seconds)")),
    "record": ("PUT", re.compile(rf"/api/((rounds/marks|visits|shifts)/{_ID}|shifts/{_ID}/(end|points))")),
}
_PHOTO = re.compile(rf"/api/incidents/{_ID}/photos/{_ID}(\?stage=(before|after))?")


class FilePhoto(BaseModel):
    """A photo that the phone still had."""

    path: str
    type: str
    base64: str


class FileItem(BaseModel):
    """A report, a move or an entry, with the request that the phone would have sent."""

    kind: Literal["report", "move", "record"]
    id: str
    state: Literal["draft", "waiting", "received", "failed"]
    method: str
    path: str
    key: str | None = None
    body: dict[str, Any] | None = None
    photos: list[FilePhoto]


class QueueFile(BaseModel):
    """All that a phone had of an account."""

    format: str
    account: str
    items: list[FileItem]


@dataclass(frozen=True)
class Outcome:
    """What became of an item; `code` is its receipt number, `refusal` why it was not taken."""

    id: str
    is_draft: bool = False
    code: str | None = None
    refusal: str | None = None


@dataclass(frozen=True)
class Ask:
    """A request to the server in this process."""

    method: str
    path: str
    content: bytes
    headers: dict[str, str]


@click.command("receive")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(file: Path, *, as_json: bool) -> int:
    """Receive FILE, which a grid worker's phone wrote when it could not send.

    Everything is taken under the worker's own account and each report once, under its id: when the phone is online
    again, it gets the same receipts. Exit code 1 when something was refused.
    """
    queue = read_file(file)
    settings = Settings()
    with attached(settings) as database:
        owner = database.owner_engine()
        try:
            check_current(owner)
        finally:
            owner.dispose()
        app = create_app(settings, database)
        context = app.state.context
        try:
            token, session = context.sessions.stand_in(queue.account)
            try:
                outcomes = asyncio.run(receive_all(app, queue, token, session))
            finally:
                context.sessions.sign_out(session)
        finally:
            context.reader.close()
            context.engine.dispose()
            context.background.dispose()
    _say(queue, outcomes, as_json=as_json)
    return EXIT_FAILURE if any(one.refusal for one in outcomes) else 0


def read_file(path: Path) -> QueueFile:
    """Read a phone's file.

    Raises
    ------
    BadInputError
        If it is none, is cut off, or asks for what no phone sends; the message names the item.
    """
    try:
        if path.stat().st_size > MOST_MB * 1_000_000:
            raise BadInputError(f"{path}: it is larger than {MOST_MB} MB")
        text = path.read_text("utf-8")
    except OSError as error:
        raise BadInputError(f"{path}: it can't be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BadInputError(f"{path}: it is no text; a phone writes an HTML page") from None
    found = _QUEUE.search(text)
    if found is None:
        raise BadInputError(f"{path}: there is no queue in it; it is cut off, or no phone's export")
    try:
        queue = QueueFile.model_validate_json(found[1])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(one) for one in first["loc"]) or "the queue"
        raise BadInputError(f"{path}: {where}: {first['msg']}") from None
    if queue.format != FORMAT:
        raise BadInputError(f"{path}: its format is {queue.format[:40]!r}, not {FORMAT!r}")
    for number, item in enumerate(queue.items, start=1):
        _check(path, number, item)
    return queue


def _check(path: Path, number: int, item: FileItem) -> None:
    """Refuse requests that no phone's queue makes."""
    method, address = _ADDRESSES[item.kind]
    if item.method != method or not address.fullmatch(item.path):
        raise BadInputError(f"{path}: item {number}: {item.method[:10]} {item.path[:80]} is nothing that a phone sends")
    if item.kind == "move" and not item.key:
        raise BadInputError(f"{path}: item {number}: a move needs its key")
    for photo in item.photos:
        if not _PHOTO.fullmatch(photo.path):
            raise BadInputError(f"{path}: item {number}: {photo.path[:80]} is no photo's address")


async def receive_all(app: FastAPI, queue: QueueFile, token: str, session: Session) -> list[Outcome]:
    """Send everything to the server in this process, in the order in which it was made."""
    headers = {"cookie": f"{COOKIE}={token}", "x-csrf-token": session.csrf_token, "host": "localhost"}
    outcomes = []
    for item in sorted(queue.items, key=lambda one: one.id):  # ids have the time in them
        if item.state == "draft" or item.body is None:
            outcomes.append(Outcome(item.id, is_draft=True))
            continue
        outcomes.append(await _receive_item(app, item, headers))
    return outcomes


async def _receive_item(app: FastAPI, item: FileItem, headers: dict[str, str]) -> Outcome:
    """Send an item, and its photos once its words are there."""
    code = None
    if item.state != "received":  # else only photos are missing
        key = {"idempotency-key": item.key} if item.key else {}
        words = Ask(
            item.method, item.path, json.dumps(item.body).encode(),
            {**headers, **key, "content-type": "application/json"},
        )  # fmt: skip
        status, answer = await _ask(app, words)
        if status >= 400:
            return Outcome(item.id, refusal=_reason(status, answer))
        code = answer.get("incident", answer).get("properties", {}).get("code")
    for number, photo in enumerate(item.photos, start=1):
        try:
            content = base64.b64decode(photo.base64, validate=True)
        except binascii.Error:
            return Outcome(item.id, code=code, refusal=f"photo {number} is damaged in the file")
        sent = Ask("PUT", photo.path, content, {**headers, "content-type": photo.type})
        status, answer = await _ask(app, sent)
        if status >= 400:
            return Outcome(item.id, code=code, refusal=f"photo {number}: {_reason(status, answer)}")
    return Outcome(item.id, code=code)


async def _ask(app: FastAPI, asked: Ask) -> tuple[int, dict[str, Any]]:
    """Call the application as its server would; gives status and JSON."""
    url = urlsplit(asked.path)
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": asked.method, "path": url.path,
        "raw_path": url.path.encode(), "query_string": url.query.encode(), "root_path": "", "scheme": "http",
        "server": ("localhost", 80), "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in asked.headers.items()],
    }  # fmt: skip
    incoming: Iterator[dict[str, Any]] = iter([{"type": "http.request", "body": asked.content, "more_body": False}])
    status, body, is_over = 0, bytearray(), asyncio.Event()

    async def receive() -> Any:
        message = next(incoming, None)
        if message is None:
            await is_over.wait()
            return {"type": "http.disconnect"}
        return message

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)
        body.extend(message.get("body", b""))

    await app(scope, receive, send)
    is_over.set()
    return status, json.loads(body) if body else {}


def _reason(status: int, answer: dict[str, Any]) -> str:
    """Say why something was refused, on one line."""
    return html.unescape(str(answer.get("detail") or f"HTTP {status}")).replace("\n", " ")


def _say(queue: QueueFile, outcomes: list[Outcome], *, as_json: bool) -> None:
    """Print what became of each item."""
    refused = sum(one.refusal is not None for one in outcomes)
    drafts = sum(one.is_draft for one in outcomes)
    received = len(outcomes) - refused - drafts
    if as_json:
        items = [vars(one) for one in outcomes]
        result = {"account": queue.account, "received": received, "refused": refused, "drafts": drafts, "items": items}
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    for one in outcomes:
        if one.is_draft:
            click.echo(f"草稿，未提交 a draft, left  {one.id}")
        elif one.refusal is not None:
            click.echo(f"未收 refused  {one.id}  {one.code or ''}  {one.refusal}")
        else:
            click.echo(f"已收 received  {one.id}  {one.code or ''}".rstrip())
    click.echo(f"{queue.account}：{received} 件已收 received，{refused} 件未收 refused，{drafts} 件草稿 drafts")
