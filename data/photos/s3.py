"""Photos as objects of an S3 service (MinIO, Ceph, OSS and OBS in their S3 form, Amazon's own), through obstore."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket

from data.photos.store import SUFFIX, Kept, PhotoStoreError
from data.settings import DataSettings

LIMIT_S = 20
_FAULTS = (BaseError, OSError)  # what is not found is FileNotFoundError


class S3Store:
    """Photos as objects: the service answers when it has an object durably.

    Parameters
    ----------
    settings
        Bucket, address and keys.

    Raises
    ------
    PhotoStoreError
        If they can't be used.
    """

    def __init__(self, settings: DataSettings) -> None:
        url = urlsplit(settings.photo_url)
        endpoint, secret = settings.photo_endpoint.rstrip("/"), settings.photo_secret
        if not settings.photo_key or secret is None:
            raise PhotoStoreError("YIWANGTU_PHOTO_URL needs YIWANGTU_PHOTO_KEY and YIWANGTU_PHOTO_SECRET beside it")
        self._place = f"{endpoint or 'S3'}/{url.netloc}"
        try:
            self._bucket = Bucket(
                url.netloc, prefix=url.path.strip("/") or None, region=settings.photo_region,
                access_key_id=settings.photo_key, secret_access_key=secret.get_secret_value(),
                virtual_hosted_style_request=False,  # the bucket in the path: what every service understands
                client_options={"allow_http": endpoint.startswith("http://"), "timeout": f"{LIMIT_S}s"},
                retry_config={"max_retries": 2},
                endpoint=endpoint or f"https://s3.{settings.photo_region}.amazonaws.com",
            )  # fmt: skip
        except _FAULTS as error:
            raise self._fault(error) from None

    def put(self, content: bytes) -> str:
        """Keep a photo.

        Raises
        ------
        PhotoStoreError
            If the service does not take it.
        """
        name = hashlib.sha256(content).hexdigest()
        try:
            obstore.put(self._bucket, _key(name), content, attributes={"Content-Type": "image/jpeg"})
        except _FAULTS as error:
            raise self._fault(error) from None
        return name

    def get(self, name: str) -> bytes | None:
        """Read a photo; None if it is not there.

        Raises
        ------
        PhotoStoreError
            If the service does not answer.
        """
        try:
            return bytes(obstore.get(self._bucket, _key(name)).bytes())
        except FileNotFoundError:
            return None
        except _FAULTS as error:
            raise self._fault(error) from None

    def kept(self) -> Iterator[Kept]:
        """List all photos, in no order.

        Raises
        ------
        PhotoStoreError
            If the service does not answer.
        """
        now = datetime.now(UTC)
        try:
            for batch in obstore.list(self._bucket):
                for one in batch:
                    name = one["path"].rpartition("/")[2]
                    if name.endswith(SUFFIX):
                        age_s = (now - one["last_modified"]).total_seconds()
                        yield Kept(name.removesuffix(SUFFIX), one["size"], age_s)
        except _FAULTS as error:
            raise self._fault(error) from None

    def remove(self, name: str) -> None:
        """Take a photo away.

        Raises
        ------
        PhotoStoreError
            If the service does not let it go.
        """
        try:
            obstore.delete(self._bucket, _key(name))
        except FileNotFoundError:
            return
        except _FAULTS as error:
            raise self._fault(error) from None

    def _fault(self, error: Exception) -> PhotoStoreError:
        """Say which service fails, and how; never with keys."""
        return PhotoStoreError(f"the photo store {self._place} does not work ({type(error).__name__})")


def _key(name: str) -> str:
    """Name an object, as the directory names a file."""
    return f"{name[:2]}/{name}{SUFFIX}"
