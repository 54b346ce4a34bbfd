"""The pages on which residents report and follow a matter; they need no script and set no cookie."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from api.context import Context, ContextDep
from api.errors import ConflictError, InvalidRequestError, MissingError, ServiceError, TooManyRequestsError
from api.query import FREE
from api.routes.residents import follow, take_in, tidy
from api.services import incidents
from api.services.incidents import Move
from api.services.residents import MOST_PHOTOS, Sent, UnusableError
from api.services.sessions import utc_now
from api.services.shell import TITLE, fill_shell
from api.session import is_same_site
from data.catalogue.orders import order_categories
from data.residents.codes import make_key, read_code
from data.residents.pages import Form, Reading, render_form, render_progress, render_question, render_receipt
from data.residents.words import LANGUAGES, fault, say
from layers.viewer import ANONYMOUS

router = APIRouter(tags=["residents"], include_in_schema=False)
LONGEST = 200
FIELD_BYTES = 20_000
_MB = 1_000_000


@dataclass(frozen=True)
class Place:
    """Where a form is for: a grid or a community, its community's name, and the communities to choose from."""

    code: str
    grid: str
    community: str
    communities: Sequence[tuple[str, str]]
    is_sample: bool


@router.get("/public/report", response_class=HTMLResponse, openapi_extra={FREE: True})
async def report_form(request: Request, context: ContextDep) -> Response:
    """The form; `place` is the grid of the QR code that led here, `within` an area to choose from. For anyone."""
    reading = _reading(request.query_params.get("lang"), request.query_params.get("elder"))
    reading = replace(reading, is_order=request.query_params.get("kind") == "order")
    try:
        place = await _place(request, context, reading, request.query_params.get("place", "")[:LONGEST])
    except MissingError:
        return await _answer(context, reading, render_question(reading, said=say(reading.lang, "nowhere")), 404)
    form = await _form(request, context, reading, place, str(make_key(utc_now())))
    reading = replace(reading, is_sample=place.is_sample)
    return await _answer(context, reading, render_form(reading, form, {}, (), has_photos=False), 200)


@router.post("/public/report", response_class=HTMLResponse)
async def send_report(request: Request, context: ContextDep) -> Response:
    """Take the form: the tracking code, or the form again with what has to be changed. For anyone."""
    try:
        async with request.form(max_files=MOST_PHOTOS + 6, max_fields=20, max_part_size=FIELD_BYTES) as typed:
            return await _send(request, context, typed)
    except HTTPException as error:  # too large, or no form at all
        reading = _reading(request.query_params.get("lang"), None)
        mb = context.settings.photo_limit_mb
        said = say(reading.lang, "too_large", mb=mb, most=MOST_PHOTOS)
        return await _answer(context, reading, render_question(reading, said=said), error.status_code)


@router.get("/public/track", response_class=HTMLResponse, openapi_extra={FREE: True})
async def track_form(request: Request, context: ContextDep) -> Response:
    """The page that asks for a tracking code; codes never stand in an address. For anyone."""
    reading = _reading(request.query_params.get("lang"), request.query_params.get("elder"))
    return await _answer(context, reading, render_question(reading), 200)


@router.post("/public/track", response_class=HTMLResponse)
async def track_report(request: Request, context: ContextDep) -> Response:
    """How far a report is, after what the holder of its code answers. For anyone who has the code."""
    async with request.form(max_files=0, max_fields=10, max_part_size=FIELD_BYTES) as typed:
        values = {name: str(value) for name, value in typed.items()}
    reading = _reading(values.get("lang"), values.get("elder"))
    if not is_same_site(request.headers):
        return await _answer(context, reading, render_question(reading, said=say(reading.lang, "elsewhere")), 403)
    code = values.get("code", "")[:40]
    status, said = 200, ""
    to = values.get("to")
    if to in ("rated", "reopened"):
        status, said = await _try_answer(request, context, reading, values)
    try:
        progress = await follow(request, context, code, None)
    except MissingError:
        return await _answer(context, reading, render_question(reading, code, say(reading.lang, "missing")), 404)
    except TooManyRequestsError as error:
        return await _answer(context, reading, render_question(reading, "", _wait(reading, "wait", error)), 429, error)
    tone = "good" if status == 200 else "bad"
    body = render_progress(reading, read_code(code) or code, progress, values, said=said, tone=tone)
    return await _answer(context, reading, body, status)


async def _try_answer(request: Request, context: Context, reading: Reading, values: dict[str, str]) -> tuple[int, str]:
    """Rate or reopen; gives the status and what to say."""
    rating = int(values["rating"]) if values["to"] == "rated" and values.get("rating") in tuple("12345") else None
    step = Move(values["to"], values.get("note", "").strip() or None, rating)
    try:
        await follow(request, context, values.get("code", "")[:40], step)
    except UnusableError as error:
        return 400, fault(reading.lang, error.reason, limit=error.limit)
    except ConflictError:
        return 409, say(reading.lang, "too_late")
    except (MissingError, TooManyRequestsError):
        return 200, ""  # the progress says so
    return 200, say(reading.lang, "thanks")


async def _send(request: Request, context: Context, typed: FormData) -> Response:
    """Take a form that was read."""
    values = {name: value for name, value in typed.items() if isinstance(value, str)}
    uploads = [one for one in typed.getlist("photos") if isinstance(one, UploadFile) and one.filename]
    reading = replace(_reading(values.get("lang"), values.get("elder")), is_order=values.get("kind") == "order")
    if not is_same_site(request.headers):
        return await _answer(context, reading, render_question(reading, said=say(reading.lang, "elsewhere")), 403)
    key, error = _key(values.get("key", "")), None
    try:
        sent = _sent(key, values)
        most = context.settings.photo_limit_mb * _MB
        if any((one.size or 0) > most for one in uploads):
            raise UnusableError(
                "photos", "large", f"a photo is larger than {most} bytes", context.settings.photo_limit_mb
            )
        found = await take_in(request, context, sent, [await one.read() for one in uploads])
    except ServiceError as raised:
        error = raised
    else:
        address = f"{_origin(request, context)}/public/track"
        body = render_receipt(
            reading, str(key), found.tracking_code, found.receipt, is_new=found.is_new, address=address
        )
        return await _answer(context, reading, body, 200)
    status, faults = _faults(reading, error)
    try:
        place = await _place(request, context, reading, values.get("place", "")[:LONGEST])
    except MissingError:
        place = await _place(request, context, reading, "")
    form = await _form(request, context, reading, place, str(key))
    reading = replace(reading, is_sample=place.is_sample)
    body = render_form(reading, form, values, faults, has_photos=bool(uploads))
    return await _answer(context, reading, body, status, error)


def _sent(key: uuid.UUID, values: dict[str, str]) -> Sent:
    """Read a form's fields."""
    position = [values.get(name, "").strip() for name in ("lon", "lat", "accuracy_m")]
    lon, lat, accuracy_m = (_number(one) for one in position)
    if lon is None or lat is None or not (-180 <= lon <= 180 and -90 <= lat <= 90):
        if any(position[:2]):
            raise UnusableError("position", "position", "is no position")
        lon = lat = accuracy_m = None
    if accuracy_m is not None and not 0 <= accuracy_m <= 100_000:
        accuracy_m = None
    return tidy(Sent(
        key, values.get("category", "")[:LONGEST], values.get("words", ""), values.get("place", "")[:LONGEST],
        values.get("where", ""), lon, lat, "wgs84", accuracy_m, values.get("phone", "")[:LONGEST],
    ))  # fmt: skip


def _number(written: str) -> float | None:
    """Read a number as a script writes it."""
    try:
        return float(written) if written else None
    except ValueError:
        return None


def _faults(reading: Reading, error: ServiceError) -> tuple[int, list[tuple[str, str]]]:
    """Say what has to be changed, and with which status."""
    lang = reading.lang
    if isinstance(error, UnusableError):
        return 400, [(error.field, fault(lang, error.reason, limit=error.limit))]
    if isinstance(error, TooManyRequestsError):
        return 429, [("send", _wait(reading, "wait_report", error))]
    if isinstance(error, ConflictError):
        return 409, [("key", fault(lang, "changed"))]
    if isinstance(error, InvalidRequestError) and error.errors:
        return 400, [(field, fault(lang, field)) for field, _ in error.errors]
    if isinstance(error, InvalidRequestError):
        return 400, [("photos", fault(lang, "photo"))]
    raise error


def _wait(reading: Reading, key: str, error: TooManyRequestsError) -> str:
    """Say when to come back, in whole minutes."""
    return say(reading.lang, key, minutes=-(-error.retry_after_s // 60))


async def _place(request: Request, context: Context, reading: Reading, code: str) -> Place:
    """Find where a form is for.

    Raises
    ------
    MissingError
        If there is no such grid or community, or no city at all.
    """
    receive = request.receive
    cities = await context.public_map.cities(receive)
    if not cities:
        raise MissingError("there is no city yet")
    grid = ""
    within = code or request.query_params.get("within", "")[:LONGEST] or cities[0]["code"]
    try:
        district = await context.public_map.district(within, receive)
    except MissingError:
        found = await context.public_map.grid(within, receive)
        grid, within = found["code"], found["community"]
        district = await context.public_map.district(within, receive)
    book = await context.public_map.book(district, receive)
    is_chinese = reading.lang == "zh"
    names = {one["code"]: one["name"] if is_chinese else one["name_en"] or one["name"] for one in book.communities}
    if code and within not in names:
        raise MissingError(f"{code!r} is no grid and no community")
    return Place(code, grid, names.get(within, ""), list(names.items()), book.district.is_sample)


async def _form(request: Request, context: Context, reading: Reading, place: Place, key: str) -> Form:
    """Make a form for a place: of a report the matters, of an order the services."""
    found = await context.reader.run(ANONYMOUS, incidents.categories, request.receive)
    services = order_categories(context.order_kinds.values())
    parents = {one.parent for one in found if one.parent}
    names = {one.code: one.name if reading.lang == "zh" else one.name_en or one.name for one in found}
    groups: dict[str, list[tuple[str, str]]] = {names[one.code]: [] for one in found if one.code in parents}
    for one in found:
        if one.code not in parents and (one.code in services) == reading.is_order:
            groups.setdefault(names.get(one.parent or "", names[one.code]), []).append((one.code, names[one.code]))
    settings = context.settings
    return Form(
        key, place.code, place.grid, place.community, place.communities,
        [(name, members) for name, members in groups.items() if members], MOST_PHOTOS, settings.photo_limit_mb,
        settings.contact_days,
    )  # fmt: skip


def _reading(lang: str | None, elder: str | None) -> Reading:
    """Read how a page is wanted; what is written wrongly is as usual."""
    return Reading(lang if lang in LANGUAGES else LANGUAGES[0], elder == "1")


def _key(written: str) -> uuid.UUID:
    """Read a form's key; what is none is refused as one of another version."""
    try:
        return uuid.UUID(written)
    except ValueError:
        return uuid.UUID(int=0)


def _origin(request: Request, context: Context) -> str:
    """Write this server's address as residents open it."""
    scheme = "https" if context.settings.is_behind_https else request.url.scheme
    return context.settings.public_url.rstrip("/") or f"{scheme}://{request.url.netloc}"


async def _answer(
    context: Context, reading: Reading, body: str, status: int, error: ServiceError | None = None
) -> Response:
    """Answer a page that nobody keeps."""
    title = f"{reading.title} · {TITLE}"
    html = await run_in_threadpool(fill_shell, context.settings, body, title=title, is_elder=reading.is_elder, first={})
    headers = {"cache-control": "no-store"}
    if isinstance(error, TooManyRequestsError):
        headers["retry-after"] = str(error.retry_after_s)
    return HTMLResponse(html, status, headers)
