"""What a category wants to see of what was done, before somebody verifies it."""

from uuid import UUID

from sqlalchemy import Connection, text

from api.errors import ConflictError

_LACKS = text("""
SELECT c.needs_after_photo AND NOT EXISTS (
  SELECT 1 FROM incident_photo p WHERE p.incident_id = i.id AND p.stage = 'after' AND p.created_at > coalesce(
    (SELECT max(e.at) FROM incident_event e WHERE e.incident_id = i.id AND e.status = 'reopened'
      -- the move itself: what else happens while it is reopened, such as supervision, has the status too
      AND NOT EXISTS (SELECT 1 FROM incident_event b WHERE b.incident_id = i.id AND b.seq = e.seq - 1
        AND b.status = 'reopened')), '-infinity'))
FROM incident i JOIN category c ON c.code = i.category WHERE i.id = :id
""")


def lacks_after_photo(connection: Connection, incident_id: UUID) -> bool:
    """Tell whether the category wants a photo of what was done (处置后), and none came since it was last reopened."""
    return bool(connection.execute(_LACKS, {"id": incident_id}).scalar())


def check_proofs(connection: Connection, incident_id: UUID, code: str) -> None:
    """Refuse to verify what lacks its photo.

    Raises
    ------
    ConflictError
        If it does.
    """
    if lacks_after_photo(connection, incident_id):
        raise ConflictError(f"incident {code} needs a photo of what was done (处置后照片) before it is verified")
