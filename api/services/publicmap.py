"""The public map of each district: read once for everybody, until something changes or an hour has passed."""

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection, text
from starlette.types import Receive

from api.errors import InvalidRequestError, MissingError
from api.reading import Reader
from api.services.areas import list_areas
from api.services.revisions import Revisions
from api.services.shelf import Shelf
from api.settings import Settings
from data.errors import BadInputError, NotFoundError
from data.publicmap.places import KINDS, Book, District, find_district, read_book
from data.publicmap.walks import Walks, read_walks
from geo.walking import SNAP_LIMIT_M

AREAS = ("district", "street", "community")
MOST_BOOKS, MOST_ANSWERS, MOST_AREAS = 16, 64, 4096
_LEVEL = 6
_PLACE = text("SELECT a.code FROM facility f JOIN area a ON a.id = f.area_id WHERE f.kind = :kind AND f.code = :code")
_GRID = text("SELECT code, community, lon, lat FROM public_grid(:code)")


@dataclass(frozen=True)
class Answer:
    """JSON, plain and packed by gzip, and its tag."""

    raw: bytes
    packed: bytes
    tag: str

    @classmethod
    def of(cls, value: Any) -> "Answer":
        """Write JSON."""
        raw = orjson.dumps(value)
        packer = zlib.compressobj(_LEVEL, wbits=31)
        tag = hashlib.blake2b(raw, digest_size=12).hexdigest()
        return cls(raw, packer.compress(raw) + packer.flush(), f'W/"{tag}"')


class PublicMap:
    """What the public map says, for routes that serve it as JSON and as pages; it knows no reader and no cookie."""

    def __init__(
        self,
        reader: Reader,
        revisions: Revisions,
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._revisions = revisions
        self._settings = settings
        self._clock = clock
        self._cities: Shelf[Sequence[Mapping[str, Any]]] = Shelf.of(reader, most=1)
        self._grids: Shelf[Mapping[str, Any]] = Shelf.of(reader, most=MOST_AREAS)
        self._districts: Shelf[District] = Shelf.of(reader, most=MOST_AREAS)
        self._books: Shelf[Book] = Shelf.of(reader, most=MOST_BOOKS)
        self._walks: Shelf[Walks] = Shelf.of(reader, most=MOST_BOOKS)
        self._answers: Shelf[Answer] = Shelf.of(reader, most=MOST_ANSWERS)

    def now(self) -> datetime:
        """Give the time, UTC."""
        return self._clock()

    async def district(self, code: str, receive: Receive) -> District:
        """Find the district of an area, and the area's own path.

        Raises
        ------
        MissingError
            If there is no such area.
        """
        await self._revisions.settle()
        return await self._districts.get((code, self._at(*AREAS)), lambda made: _find(made, code), receive)

    async def book(self, district: District, receive: Receive) -> Book:
        """Give what the public map says of a district."""
        return await self._books.get(self._book_key(district), lambda made: self._read(made, district), receive)

    async def walks(self, district: District, receive: Receive) -> Walks:
        """Give the streets of a district and where its places meet them."""
        book = await self.book(district, receive)

        def make(connection: Connection) -> Walks:
            return read_walks(connection, district.path, book.places, snap_limit_m=SNAP_LIMIT_M)

        return await self._walks.get(self._walks_key(district), make, receive)

    async def places_answer(self, code: str, kinds: Sequence[str], receive: Receive) -> Answer:
        """Give the places of an area as JSON."""
        district = await self.district(code, receive)
        book = await self.book(district, receive)
        wanted = tuple(kind for kind in KINDS if kind in kinds)
        key = ("places", code, wanted, district.own, self._book_key(district))
        return await self._answers.get(key, lambda _: Answer.of(book.answer(code, district.own, wanted)), receive)

    async def walks_answer(self, code: str, receive: Receive) -> Answer:
        """Give the walking graph of an area's district as JSON."""
        district = await self.district(code, receive)
        walks = await self.walks(district, receive)

        def make(_: Connection) -> Answer:
            return Answer.of(walks.answer(self._settings.paces, snap_limit_m=SNAP_LIMIT_M))

        return await self._answers.get(("walks", self._walks_key(district)), make, receive)

    async def cities(self, receive: Receive) -> Sequence[Mapping[str, Any]]:
        """Give the districts as `/api/areas` lists them for everybody."""
        await self._revisions.settle()
        return await self._cities.get(self._at("district"), _list_cities, receive)

    async def place_district(self, kind: str, code: str, receive: Receive) -> District:
        """Find the district of a place.

        Raises
        ------
        MissingError
            If there is no such place.
        """
        await self._revisions.settle()

        def find(connection: Connection) -> District:
            found = connection.execute(_PLACE, {"kind": kind, "code": code}).scalar()
            if found is None:
                raise MissingError(f"there is no {kind} with the code {code!r}")
            return _find(connection, found)

        return await self._districts.get((kind, code, self._at(*AREAS, *KINDS)), find, receive)

    async def grid(self, code: str, receive: Receive) -> Mapping[str, Any]:
        """Give what everybody may know of a grid: `code`, `community`, `lon` and `lat` of a point inside.

        Raises
        ------
        MissingError
            If no grid in force has this code.
        """
        await self._revisions.settle()

        def find(connection: Connection) -> Mapping[str, Any]:
            found = connection.execute(_GRID, {"code": code}).mappings().one_or_none()
            if found is None or found["code"] is None:
                raise MissingError(f"there is no grid with the code {code!r}")
            return dict(found)

        return await self._grids.get((code, self._at("grid", "road", *AREAS)), find, receive)

    def _at(self, *layers: str) -> tuple[int, ...]:
        """Give the revisions of layers as far as they are known."""
        return tuple(self._revisions.get(layer) for layer in layers)

    def _book_key(self, district: District) -> tuple[Any, ...]:
        """Say what a district's book depends on: its rows, and the hour and the day where it is."""
        now = self._clock()
        hour = now.replace(minute=0, second=0, microsecond=0)
        return *self._walks_key(district), hour, now.astimezone(ZoneInfo(district.time_zone)).date()

    def _walks_key(self, district: District) -> tuple[Any, ...]:
        """Say what a district's walking graph depends on."""
        return district.code, self._at("road", *AREAS, *KINDS)

    def _read(self, connection: Connection, district: District) -> Book:
        """Read a district's book."""
        try:
            return read_book(connection, district, self._clock())
        except BadInputError as exc:
            raise InvalidRequestError(str(exc)) from exc


def _find(connection: Connection, code: str) -> District:
    """Find a district."""
    try:
        return find_district(connection, code)
    except NotFoundError as exc:
        raise MissingError(str(exc)) from exc


def _list_cities(connection: Connection) -> Sequence[Mapping[str, Any]]:
    """List the districts."""
    return [dict(row) for row in list_areas(connection, None)]
