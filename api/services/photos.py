"""Photos of incidents: checked, turned upright, made smaller, and written anew without any metadata."""

import hashlib
import io
import math
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pi_heif import register_heif_opener
from PIL import ExifTags, Image, ImageOps
from sqlalchemy import Connection, text

from api.errors import ConflictError, ForbiddenError, InvalidRequestError, MissingError, UnavailableError
from api.services import incidents
from api.services.sessions import Session
from data import audit
from data.photos.store import PhotoStore, PhotoStoreError
from layers.viewer import CASE_ROLES

register_heif_opener()  # reads what iPhones take; no writing, whose libraries are GPL
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
LONGEST_SIDE = 2048
MOST_PIXELS = 50_000_000  # read before a pixel is decoded
MOST_PHOTOS = 9
QUALITY = 85
_COLUMNS = "id, sha256, width, height, lon, lat, stage, created_at"
_INSERT = text(
    "INSERT INTO incident_photo (id, incident_id, sha256, width, height, lon, lat, stage, size_bytes, file) "
    "VALUES (:id, :incident_id, :sha256, :width, :height, :lon, :lat, :stage, :size_bytes, :file) "
    "ON CONFLICT (id) DO NOTHING"
)
# all that Pillow raises over files that are cut off, damaged or made to do harm
_UNREADABLE = (
    OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, EOFError, OverflowError, MemoryError,
    RuntimeError, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """A photo as it comes in.

    Attributes
    ----------
    id
        Made by the client, so that sending twice is one photo.
    stage
        `report`, or `before` or `after` it was handled.
    """

    id: UUID
    content: bytes
    stage: str = "report"

    @property
    def sha256(self) -> str:
        """Hash of the bytes as they were sent."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Photo:
    """A stored photo.

    Attributes
    ----------
    sha256
        Of the bytes as they were sent.
    width, height
        Of the stored picture, pixels.
    lon, lat
        Where the camera says that it was, degrees in WGS84; None if it says nothing.
    stage
        `report`, `before` or `after`.
    """

    id: UUID
    sha256: str
    width: int
    height: int
    lon: float | None
    lat: float | None
    stage: str
    created_at: datetime


@dataclass(frozen=True)
class Owner:
    """Whose a photo is: the incident, its number, and the account that sends it; None is somebody without one."""

    incident_id: UUID
    code: str
    account_id: int | None


@dataclass(frozen=True)
class Picture:
    """A picture written anew, and the place (lon, lat) that its metadata told."""

    content: bytes
    width: int
    height: int
    place: tuple[float, float] | None


def rewrite(sent: bytes) -> Picture:
    """Decode a photo and write it as JPEG of at most 2048 pixels a side: nothing but the pixels comes through.

    Raises
    ------
    InvalidRequestError
        If it is no JPEG, PNG, WebP or HEIC, is damaged, or has more than 50 million pixels.
    """
    try:
        with Image.open(io.BytesIO(sent), formats=FORMATS) as image:
            _check_size(image)
            return _write(image, _place(image))
    except _UNREADABLE:
        raise InvalidRequestError("the photo can't be read; it must be an undamaged JPEG, PNG, WebP or HEIC") from None


def _place(image: Image.Image) -> tuple[float, float] | None:
    """Read the camera's place; what makes no sense is no place."""
    tags = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    try:
        lat, lon = (
            math.fsum(float(part) / 60**power for power, part in enumerate(tags[value]))
            * (-1 if str(tags[side]).strip("\0 ").upper() in ("S", "W") else 1)
            for value, side in ((ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef),
                                (ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef))
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    is_place = abs(lat) <= 90 and abs(lon) <= 180 and (lon, lat) != (0, 0)  # false for what is no number, too
    return (lon, lat) if is_place else None


def _check_size(image: Image.Image) -> None:
    """Refuse what would take too much memory to decode."""
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise InvalidRequestError(
            f"the photo has {width} x {height} pixels; at most {MOST_PIXELS // 1_000_000} million are taken"
        )


def _write(image: Image.Image, place: tuple[float, float] | None) -> Picture:
    """Turn upright, shrink, flatten, encode."""
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a large JPEG is decoded small right away
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    with_alpha = upright.convert("RGBA")
    plain = Image.new("RGB", upright.size, "white")
    plain.paste(with_alpha, mask=with_alpha.getchannel("A"))
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=QUALITY)
    return Picture(out.getvalue(), *plain.size, place)


def add(
    connection: Connection, session: Session, store: PhotoStore, incident_id: UUID, sent: Sent
) -> tuple[Photo, bool]:
    """Store a photo of an incident, once.

    Parameters
    ----------
    connection
        In a transaction as the session's viewer.
    store
        Has the photo on disk before the transaction ends.

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
    code = _open_to(connection, session, incident_id)
    return keep(connection, store, Owner(incident_id, code, session.account_id), sent)


def keep(connection: Connection, store: PhotoStore, owner: Owner, sent: Sent) -> tuple[Photo, bool]:
    """Store a photo for a sender who was checked, once; see `add`."""
    incident_id, code = owner.incident_id, owner.code
    # photos of one incident come in one after the other: the same one sent twice at once is one, and nine are nine
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 9))"), {"id": str(incident_id)})
    known = _known(connection, incident_id, sent.id)
    if known is not None:
        if known.sha256 != sent.sha256:
            raise _taken(sent.id)
        return known, False
    count = connection.execute(
        text("SELECT count(*) FROM incident_photo WHERE incident_id = :id"), {"id": incident_id}
    ).scalar_one()
    if count >= MOST_PHOTOS:
        raise ConflictError(f"incident {code} has {count} photos; at most {MOST_PHOTOS} are kept")
    picture = rewrite(sent.content)
    lon, lat = picture.place or (None, None)
    values = {
        "id": sent.id, "incident_id": incident_id, "sha256": sent.sha256, "width": picture.width,
        "height": picture.height, "lon": lon, "lat": lat, "stage": sent.stage, "size_bytes": len(picture.content),
        "file": _put(store, picture.content),
    }  # fmt: skip
    if not connection.execute(_INSERT, values).rowcount:
        raise _taken(sent.id)
    stored = _known(connection, incident_id, sent.id)
    if stored is None:
        raise _taken(sent.id)
    audit.record(connection, "photo.add", account_id=owner.account_id, subject=code, photo=str(sent.id))
    return stored, True


def _put(store: PhotoStore, content: bytes) -> str:
    """Bring a photo to the store."""
    try:
        return store.put(content)
    except PhotoStoreError as error:
        raise UnavailableError(str(error)) from error


def known(connection: Connection, session: Session, incident_id: UUID, photo_id: UUID) -> Photo | None:
    """Read a photo that an account may add to an incident; None if it has not come whole yet.

    Raises
    ------
    MissingError
        If there is no such incident, or none that the account may see.
    ForbiddenError
        If the account's roles do not work on incidents.
    ConflictError
        If the photo is another incident's.
    """
    _open_to(connection, session, incident_id)
    return _known(connection, incident_id, photo_id)


def _known(connection: Connection, incident_id: UUID, photo_id: UUID) -> Photo | None:
    """Read a photo, or refuse the id of another incident's."""
    row = connection.execute(
        text(f"SELECT {_COLUMNS}, incident_id FROM incident_photo WHERE id = :id"), {"id": photo_id}
    ).one_or_none()
    if row is None:
        return None
    if row.incident_id != incident_id:
        raise _taken(photo_id)
    return Photo(*row[:-1])


def _taken(photo_id: UUID) -> ConflictError:
    """Say that an id is another photo's."""
    return ConflictError(f"another photo has the id {photo_id} already")


def find_all(connection: Connection, session: Session, incident_id: UUID) -> list[Photo]:
    """Read what photos an incident has, oldest first.

    Raises
    ------
    MissingError
        If there is no such incident, or none that the account may see.
    ForbiddenError
        If the account's roles do not work on incidents.
    """
    _open_to(connection, session, incident_id)
    rows = connection.execute(
        text(f"SELECT {_COLUMNS} FROM incident_photo WHERE incident_id = :id ORDER BY created_at, id"),
        {"id": incident_id},
    )
    return [Photo(*row) for row in rows]


def read(connection: Connection, session: Session, store: PhotoStore, incident_id: UUID, photo_id: UUID) -> bytes:
    """Read a photo's JPEG; that it was looked at is written down.

    Raises
    ------
    MissingError
        If there is no such photo, or none that the account may see.
    ForbiddenError
        If the account's roles do not work on incidents.
    """
    code = _open_to(connection, session, incident_id)
    content = content_of(connection, store, incident_id, photo_id)
    if content is None:
        raise MissingError(f"incident {code} has no photo {photo_id}")
    audit.record(connection, "photo.read", account_id=session.account_id, subject=code, photo=str(photo_id))
    return content


def content_of(connection: Connection, store: PhotoStore, incident_id: UUID, photo_id: UUID) -> bytes | None:
    """Read a photo's JPEG for a reader who was checked; None if the incident has no such photo.

    Raises
    ------
    UnavailableError
        If the store has lost it, or does not answer.
    """
    row = connection.execute(
        text("SELECT content, file FROM incident_photo WHERE id = :id AND incident_id = :incident_id"),
        {"id": photo_id, "incident_id": incident_id},
    ).one_or_none()
    if row is None:
        return None
    try:
        content = bytes(row.content) if row.file is None else store.get(row.file)
    except PhotoStoreError as error:
        raise UnavailableError(str(error)) from error
    if content is None:
        raise UnavailableError(f"the file of photo {photo_id} is not in the photo store")
    return content


def _open_to(connection: Connection, session: Session, incident_id: UUID) -> str:
    """Refuse an incident that the account may not see, or whose photos it may not; gives its number."""
    code = str(incidents.find(connection, incident_id).code)
    if not session.viewer.roles & CASE_ROLES:
        raise ForbiddenError("your roles do not show photos of incidents")
    return code
