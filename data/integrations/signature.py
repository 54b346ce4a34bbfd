"""Signatures of webhooks as Standard Webhooks has them: HMAC-SHA256 over id, time and body.

A receiver takes `webhook-id`, `webhook-timestamp` and the body as they came, signs them with the secret, and compares
with `webhook-signature`; it refuses old times, and ids that it has taken already.
"""

import base64
import binascii
import hashlib
import hmac
import secrets

from data.errors import BadInputError

PREFIX = "whsec_"
SHORTEST = 24  # bytes


def make_secret() -> str:
    """Make a secret of 256 random bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def check_secret(secret: str) -> str:
    """Refuse a secret that is too short to be one.

    Raises
    ------
    BadInputError
        If it holds fewer than 24 bytes.
    """
    length = len(_key(secret))
    if length < SHORTEST:
        raise BadInputError(f"the secret has {length} bytes; it must have at least {SHORTEST}")
    return secret


def headers(secret: str, event_id: str, timestamp: int, body: str) -> dict[str, str]:
    """Make the headers of one try to tell an event.

    Parameters
    ----------
    timestamp
        Seconds since 1970, of this try.
    """
    signed = f"{event_id}.{timestamp}.{body}".encode()
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return {
        "content-type": "application/json; charset=utf-8", "user-agent": "yiwangtu", "webhook-id": event_id,
        "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }  # fmt: skip


def _key(secret: str) -> bytes:
    """Read the key: base64 after the prefix, else the secret's own bytes."""
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
