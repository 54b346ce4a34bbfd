"""Reports of residents: pages that need no script and JSON; and the number to call back, for those who handle them."""

from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.context import Context, ContextDep
from api.errors import InvalidRequestError
from api.problems import problems
from api.services import residents
from api.services.incidents import Move
from api.services.residents import Sent
from api.services.sessions import utc_now
from api.session import SessionDep
from data.catalogue.orders import order_categories
from data.residents.codes import read_code, tracking_code
from data.residents.progress import Progress
from layers.viewer import ANONYMOUS

router = APIRouter(tags=["residents"])
Text = Annotated[str, Field(max_length=4000)]


class NewReport(BaseModel, extra="forbid"):
    """A report. `key` is a UUIDv7 that the sender makes and keeps; `place` is a grid's or a community's code.

    Without `lon` and `lat` it lies in the middle of `place`.
    """

    key: UUID
    category: Annotated[str, Field(max_length=64)]
    words: Text
    place: Annotated[str, Field(max_length=100)] = ""
    where: Text = ""
    lon: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)
    datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"] = "wgs84"
    accuracy_m: float | None = Field(default=None, ge=0, le=100_000, allow_inf_nan=False)
    phone: Annotated[str, Field(max_length=40)] = ""


class ReceiptOut(BaseModel):
    """What the sender keeps; the same report again gets the same."""

    tracking_code: str
    receipt: str
    is_new: bool


class Question(BaseModel, extra="forbid"):
    """A tracking code; with `to`, what its holder answers to the closed report."""

    code: Annotated[str, Field(min_length=1, max_length=40)]
    to: Literal["rated", "reopened"] | None = None
    rating: int | None = Field(default=None, ge=1, le=5)
    note: Text | None = None


class StepOut(BaseModel):
    """Something that happened."""

    model_config = ConfigDict(from_attributes=True)

    key: str
    at: AwareDatetime


class ProgressOut(BaseModel):
    """How far a report is; of a joined one, how far the case is that it is handled as."""

    model_config = ConfigDict(from_attributes=True)

    receipt: str
    category: str
    category_en: str
    step: str
    steps: list[StepOut]
    body: str | None
    body_en: str | None
    is_joined: bool
    due_at: AwareDatetime | None
    due_words: str | None
    due_words_en: str | None
    rating: int | None
    may_rate: bool
    may_reopen_until: AwareDatetime | None


class ContactOut(BaseModel):
    """A resident's telephone number."""

    phone: str


@router.post("/api/public/reports", responses=problems("conflict", "too_large"))
async def report(body: NewReport, request: Request, context: ContextDep) -> ReceiptOut:
    """Report a matter without an account, as often as it takes: the same key is one report. Anyone may call."""
    if (body.lon is None) != (body.lat is None):
        why = "lon and lat go together"
        raise InvalidRequestError(f"lon: {why}", (("lon", why),))
    return await take_in(request, context, tidy(Sent(**body.model_dump())), [])


@router.post("/api/public/track", responses=problems("not_found", "conflict", "too_large"))
async def track(body: Question, request: Request, context: ContextDep) -> ProgressOut:
    """Tell the holder of a tracking code how far the report is, after what they answer. Anyone may call."""
    step = Move(body.to, (body.note or "").strip() or None, body.rating) if body.to else None
    return ProgressOut.model_validate(await follow(request, context, body.code, step))


@router.get(
    "/api/incidents/{incident_id}/contact",
    responses=problems("not_signed_in", "forbidden", "not_found"),
    tags=["incidents"],
)
async def read_contact(
    incident_id: UUID, request: Request, response: Response, context: ContextDep, session: SessionDep
) -> ContactOut:
    """Read the number that a resident left to be called back; every reading is written down.

    Communities, streets, dispatchers and the department that handles it may call.
    """
    response.headers["cache-control"] = "no-store"
    phone = await context.reader.run(
        session.viewer, lambda connection: residents.contact(connection, session, incident_id), request.receive
    )
    return ContactOut(phone=phone)


def tidy(sent: Sent) -> Sent:
    """Trim what was typed."""
    return replace(
        sent, category=sent.category.strip(), words=sent.words.replace("\r\n", "\n").strip(), place=sent.place.strip(),
        where=" ".join(sent.where.split()), phone=sent.phone.strip(),
    )  # fmt: skip


async def take_in(request: Request, context: Context, sent: Sent, pictures: list[bytes]) -> ReceiptOut:
    """Take a report in, if its network and its place have not sent too many."""
    residents.check(sent, len(pictures))
    address, now = address_of(request), utc_now()
    context.report_gate.charge_report(address, sent.place)

    def work(connection: Any) -> tuple[str, bool]:
        return residents.take_in(connection, context.photos, sent, pictures, now)

    receipt, is_new = await context.reader.run(ANONYMOUS, work, request.receive)
    if not is_new:
        context.report_gate.refund_report(address, sent.place)
    return ReceiptOut(tracking_code=tracking_code(sent.key), receipt=receipt, is_new=is_new)


async def follow(request: Request, context: Context, code: str, step: Move | None) -> Progress:
    """Read how far a report is, after what its holder answers; a wrong code counts, a mistyped one is no guess."""
    now, days = utc_now(), context.settings.reopen_days
    services = order_categories(context.order_kinds.values())

    def work(connection: Any) -> Progress:
        if step is not None:
            residents.answer(connection, code, step, now, reopen_days=days)
        return residents.follow(connection, code, now, reopen_days=days, services=services)

    is_guess = read_code(code) is not None
    if is_guess:
        context.report_gate.charge_code(address_of(request))
    found = await context.reader.run(ANONYMOUS, work, request.receive)
    if is_guess:
        context.report_gate.refund_code(address_of(request))
    return replace(found, body_en=context.department_names.get(found.body or ""))


def address_of(request: Request) -> str:
    """Name the client's address; behind an HTTPS front uvicorn reads it from the front's header."""
    return request.client.host if request.client else ""
