"""Photos of incidents: sent whole, or in parts that go on where the link broke."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from api.context import Context, ContextDep
from api.errors import ConflictError, InvalidRequestError
from api.problems import problems
from api.reading import ClientGoneError
from api.services import photos, uploads
from api.services.sessions import Session
from api.session import SessionDep

router = APIRouter(prefix="/api", tags=["incidents"])
PHOTO_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            f"image/{kind}": {"schema": {"type": "string", "format": "binary"}}
            for kind in ("jpeg", "png", "webp", "heic")
        },
    }
}
PART_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/partial-upload": {"schema": {"type": "string", "format": "binary"}}},
    }
}
Stage = Annotated[
    Literal["report", "before", "after"], Query(description="Of the report, before or after it was handled.")
]
Count = Annotated[int, Header(ge=0, le=2**40)]
OFFSET = {"Upload-Offset": {"description": "How many bytes have come.", "schema": {"type": "integer"}}}


class PhotoOut(BaseModel):
    """A stored photo; `sha256` is of the bytes as they were sent, `lon` and `lat` are what the camera told."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    sha256: str
    width: int
    height: int
    lon: float | None
    lat: float | None
    stage: Literal["report", "before", "after"]
    created_at: AwareDatetime


class PhotoList(BaseModel):
    """The photos of an incident, oldest first."""

    photos: list[PhotoOut]


@dataclass(frozen=True)
class Sending:
    """A photo on its way into an incident, and who sends it."""

    incident_id: UUID
    photo_id: UUID
    request: Request
    context: Context
    session: Session
    stage: str

    async def known(self, receive: Receive) -> photos.Photo | None:
        """Find the photo if it is there whole."""

        def find(connection: Connection) -> photos.Photo | None:
            return photos.known(connection, self.session, self.incident_id, self.photo_id)

        return await self.context.reader.run(self.session.viewer, find, receive)

    async def add(self, content: bytes) -> tuple[photos.Photo, bool]:
        """Store the photo."""
        sent, store = photos.Sent(self.photo_id, content, self.stage), self.context.photos

        def work(connection: Connection) -> tuple[photos.Photo, bool]:
            return photos.add(connection, self.session, store, self.incident_id, sent)

        return await self.context.reader.run(self.session.viewer, work, self.request.receive)


async def get_sending(
    incident_id: UUID,
    photo_id: UUID,
    request: Request,
    context: ContextDep,
    session: SessionDep,
    stage: Stage = "report",
) -> Sending:
    """Give a route the photo that is sent to it."""
    return Sending(incident_id, photo_id, request, context, session, stage)


async def get_part(
    upload_offset: Count, upload_length: Count, repr_digest: Annotated[str | None, Header(max_length=200)] = None
) -> uploads.Part:
    """Give a route what the headers say of the bytes that follow."""
    return uploads.Part(upload_offset, upload_length, repr_digest)


SendingDep = Annotated[Sending, Depends(get_sending)]
PartDep = Annotated[uploads.Part, Depends(get_part)]


@router.put(
    "/incidents/{incident_id}/photos/{photo_id}",
    status_code=201,
    responses={
        200: {"model": PhotoOut, "description": "The same photo came before."},
        **problems("not_signed_in", "forbidden", "csrf_failed", "not_found", "conflict", "too_large"),
    },
    openapi_extra=PHOTO_BODY,
)
async def add_photo(request: Request, response: Response, sending: SendingDep) -> PhotoOut:
    """Add a photo (JPEG, PNG, WebP or HEIC) to an incident. Who reported it and who works on it may call.

    The client makes the id: sent again, it is the same photo.
    """
    photo, is_new = await sending.add(await request.body())  # the edge stops it at the limit
    response.status_code = 201 if is_new else 200
    return PhotoOut.model_validate(photo)


@router.head(
    "/incidents/{incident_id}/photos/{photo_id}",
    response_class=Response,
    responses={200: {"headers": OFFSET}, **problems("not_signed_in", "forbidden", "not_found", "conflict")},
)
async def find_offset(request: Request, sending: SendingDep) -> Response:
    """Ask from where to go on with a photo that is sent in parts. Who may add it may call.

    `Upload-Complete: ?1` says that it is there whole.
    """
    if await sending.known(request.receive) is not None:
        return Response(headers={"upload-complete": "?1", "cache-control": "no-store"})
    find, owner = sending.context.uploads.offset, sending.session.account_id
    offset = await run_in_threadpool(find, owner, sending.incident_id, sending.photo_id)
    return Response(headers={"upload-offset": str(offset), "upload-complete": "?0", "cache-control": "no-store"})


@router.patch(
    "/incidents/{incident_id}/photos/{photo_id}",
    response_model=PhotoOut,
    responses={
        201: {"model": PhotoOut, "description": "The photo is there whole, and on disk."},
        200: {"model": PhotoOut, "description": "It was there whole already."},
        204: {"description": "These bytes have come; more are to follow.", "headers": OFFSET},
        **problems(
            "not_signed_in", "forbidden", "csrf_failed", "not_found", "conflict", "too_large", "too_many_requests"
        ),
    },
    openapi_extra=PART_BODY,
)
async def add_part(request: Request, sending: SendingDep, part: PartDep) -> Response:
    """Add bytes of a photo from `Upload-Offset` on; those that fill `Upload-Length` complete it.

    Who may add the photo may call. What came before a link broke is kept for three days; HEAD tells how much.
    Bytes that came before may come again. An offset beyond what has come is answered 409 with `offset`.
    """
    photo = await sending.known(_still)  # the body is not read yet
    if photo is not None:
        return _answer(photo, 200)
    unfinished, owner = sending.context.uploads, sending.session.account_id
    path = await run_in_threadpool(unfinished.begin, owner, sending.incident_id, sending.photo_id, part)
    try:
        offset = await unfinished.add(path, part, request.stream())
    except ClientDisconnect:
        raise ClientGoneError from None
    if offset < part.length:
        return Response(status_code=204, headers={"upload-offset": str(offset), "upload-complete": "?0"})
    content = await run_in_threadpool(uploads.read_whole, path, part)
    try:
        photo, is_new = await sending.add(content)
    except (InvalidRequestError, ConflictError):  # it will never be taken
        await run_in_threadpool(path.unlink, missing_ok=True)
        raise
    await run_in_threadpool(path.unlink, missing_ok=True)
    return _answer(photo, 201 if is_new else 200)


def _answer(photo: photos.Photo, status: int) -> Response:
    """Tell of a photo that is there whole."""
    content = PhotoOut.model_validate(photo).model_dump_json()
    return Response(content, status, {"upload-complete": "?1"}, "application/json")


async def _still() -> Message:
    """Stand for a client that says nothing, so that its body is left for later."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


@router.get("/incidents/{incident_id}/photos", responses=problems("not_signed_in", "forbidden", "not_found"))
async def list_photos(incident_id: UUID, request: Request, context: ContextDep, session: SessionDep) -> PhotoList:
    """List an incident's photos. Who reported it and who works on it may call."""
    found = await context.reader.run(
        session.viewer, lambda connection: photos.find_all(connection, session, incident_id), request.receive
    )
    return PhotoList(photos=[PhotoOut.model_validate(one) for one in found])


@router.get(
    "/incidents/{incident_id}/photos/{photo_id}",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
        **problems("not_signed_in", "forbidden", "not_found"),
    },
)
async def read_photo(
    incident_id: UUID, photo_id: UUID, request: Request, context: ContextDep, session: SessionDep
) -> Response:
    """Read a photo. Who reported the incident and who works on it may call."""
    content = await context.reader.run(
        session.viewer,
        lambda connection: photos.read(connection, session, context.photos, incident_id, photo_id),
        request.receive,
    )
    return Response(content, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})
