"""Photos of incidents: checked, turned upright, made smaller, and written anew without any metadata."""

import hashlib
import io
from dataclasses import dataclass
from uuid import UUID

from PIL import Image, ImageOps
from sqlalchemy import Connection, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError, MissingError
from api.services import incidents
from api.services.sessions import Session
from data import audit
from layers.viewer import CASE_ROLES

FORMATS = ("JPEG", "PNG", "WEBP")
LONGEST_SIDE = 2048
MOST_PIXELS = 50_000_000  # read before a pixel is decoded
MOST_PHOTOS = 9
QUALITY = 85
# all that Pillow raises over files that are cut off, damaged or made to do harm
_UNREADABLE = (
    OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, EOFError, OverflowError, MemoryError,
    RuntimeError, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


@dataclass(frozen=True)
class Photo:
    """A stored photo.

    Attributes
    ----------
    sha256
        Of the bytes as they were sent.
    width, height
        Of the stored picture, pixels.
    """

    id: UUID
    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class Picture:
    """A picture written anew."""

    content: bytes
    width: int
    height: int


def rewrite(sent: bytes) -> Picture:
    """Decode a photo and write it as JPEG of at most 2048 pixels a side: nothing but the pixels comes through.

    Raises
    ------
    InvalidRequestError
        If it is no JPEG, PNG or WebP, is damaged, or has more than 50 million pixels.
    """
    try:
        with Image.open(io.BytesIO(sent), formats=FORMATS) as image:
            _check_size(image)
            return _write(image)
    except _UNREADABLE:
        raise InvalidRequestError("the photo can't be read; it must be an undamaged JPEG, PNG or WebP") from None


def _check_size(image: Image.Image) -> None:
    """Refuse what would take too much memory to decode."""
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise InvalidRequestError(
            f"the photo has {width} x {height} pixels; at most {MOST_PIXELS // 1_000_000} million are taken"
        )


def _write(image: Image.Image) -> Picture:
    """Turn upright, shrink, flatten, encode."""
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a large JPEG is decoded small right away
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    with_alpha = upright.convert("RGBA")
    plain = Image.new("RGB", upright.size, "white")
    plain.paste(with_alpha, mask=with_alpha.getchannel("A"))
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=QUALITY)
    return Picture(out.getvalue(), *plain.size)


def add(connection: Connection, session: Session, incident_id: UUID, photo_id: UUID, sent: bytes) -> tuple[Photo, bool]:
    """Store a photo of an incident, once.

    Parameters
    ----------
    connection
        In a transaction as the session's viewer.
    photo_id
        Made by the client, so that sending twice is one photo.

    Returns
    -------
    photo, is_new
        The stored photo, and whether this call stored it.

    Raises
    ------
    MissingError
        If there is no such incident, or none that the account may see.
    ForbiddenError
        If the account's roles do not work on incidents.
    ConflictError
        If another photo has this id, or the incident has nine photos.
    InvalidRequestError
        If it is no photo.
    """
    code = incidents.find(connection, incident_id).code
    _require_case_role(session)
    sha256 = hashlib.sha256(sent).hexdigest()
    known = connection.execute(
        text("SELECT id, incident_id, sha256, width, height FROM incident_photo WHERE id = :id"), {"id": photo_id}
    ).one_or_none()
    if known is not None and (known.incident_id, known.sha256) == (incident_id, sha256):
        return Photo(known.id, known.sha256, known.width, known.height), False
    taken = ConflictError(f"another photo has the id {photo_id} already")
    if known is not None:
        raise taken
    count = connection.execute(
        text("SELECT count(*) FROM incident_photo WHERE incident_id = :id"), {"id": incident_id}
    ).scalar_one()
    if count >= MOST_PHOTOS:
        raise ConflictError(f"incident {code} has {count} photos; at most {MOST_PHOTOS} are kept")
    picture = rewrite(sent)
    photo = Photo(photo_id, sha256, picture.width, picture.height)
    inserted = connection.execute(
        text(
            "INSERT INTO incident_photo (id, incident_id, sha256, width, height, content) "
            "VALUES (:id, :incident_id, :sha256, :width, :height, :content) ON CONFLICT (id) DO NOTHING"
        ),
        {**vars(photo), "incident_id": incident_id, "content": picture.content},
    )
    if not inserted.rowcount:
        raise taken
    audit.record(connection, "photo.add", account_id=session.account_id, subject=code, photo=str(photo_id))
    return photo, True


def find_all(connection: Connection, session: Session, incident_id: UUID) -> list[Photo]:
    """Read what photos an incident has, oldest first.

    Raises
    ------
    MissingError
        If there is no such incident, or none that the account may see.
    ForbiddenError
        If the account's roles do not work on incidents.
    """
    incidents.find(connection, incident_id)
    _require_case_role(session)
    rows = connection.execute(
        text("SELECT id, sha256, width, height FROM incident_photo WHERE incident_id = :id ORDER BY created_at, id"),
        {"id": incident_id},
    )
    return [Photo(*row) for row in rows]


def read(connection: Connection, session: Session, incident_id: UUID, photo_id: UUID) -> bytes:
    """Read a photo's JPEG; that it was looked at is written down.

    Raises
    ------
    MissingError
        If there is no such photo, or none that the account may see.
    ForbiddenError
        If the account's roles do not work on incidents.
    """
    code = incidents.find(connection, incident_id).code
    _require_case_role(session)
    content = connection.execute(
        text("SELECT content FROM incident_photo WHERE id = :id AND incident_id = :incident_id"),
        {"id": photo_id, "incident_id": incident_id},
    ).scalar()
    if content is None:
        raise MissingError(f"incident {code} has no photo {photo_id}")
    audit.record(connection, "photo.read", account_id=session.account_id, subject=code, photo=str(photo_id))
    return bytes(content)


def _require_case_role(session: Session) -> None:
    """Refuse those who see that there is an incident but not what it is about."""
    if not session.viewer.roles & CASE_ROLES:
        raise ForbiddenError("your roles do not show photos of incidents")
