"""The outbox: what happened, in the order in which it became visible, each thing once.

Writers add a row in their own transaction (triggers do it) and never wait for each other: NOTIFY there takes a
database-wide lock at commit and was measured 8 to 23 times slower at 32 writers. One reader at a time takes every
committed row out, keeps it as an event under the next number, and in the same transaction moves the layers' revisions
and the density pyramid on. So a number, once given, is final, nothing that is numbered is missing from the pyramid, and
nothing is counted twice.
"""

from dataclasses import dataclass

from sqlalchemy import Engine, text

from data import pyramid

PUBLISHER_LOCK = 7_420_204  # advisory lock: who holds it is the one reader
BATCH = 5000
KEPT_EVENTS = 100_000
FORGOTTEN_AT_ONCE = 100_000
LAYERS_OF_INCIDENTS = ("incident", "incident_density")
_MOVES = (
    "SELECT to_geom AS geom, path, 1 AS change FROM numbered WHERE to_geom IS NOT NULL "
    "UNION ALL SELECT from_geom, from_path, -1 FROM numbered WHERE from_geom IS NOT NULL"
)

# through the index: the table itself is full of what has been taken out since it was last vacuumed
_WAITING = text("SELECT id FROM outbox ORDER BY id LIMIT 1")
# One statement: nothing of a flood of reports passes through this process.
_TAKEN = (
    "taken AS ("
    "  DELETE FROM outbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM outbox ORDER BY id LIMIT :batch)) RETURNING *"
    "), numbered AS MATERIALIZED ("
    "  SELECT nextval('event_seq') AS seq, o.* FROM (SELECT * FROM taken ORDER BY id) o"
    "), kept AS ("
    "  INSERT INTO event (seq, kind, layer, path, key) SELECT seq, kind, layer, path, key FROM numbered"
    "), revised AS ("
    "  INSERT INTO layer_revision (layer, revision) "
    "  SELECT name, max(seq) FROM numbered, unnest("
    "    CASE kind WHEN 'incident' THEN CAST(:layers_of_incidents AS text[]) WHEN 'layer' THEN ARRAY[layer] END) name "
    "  GROUP BY name ORDER BY name "  # whoever else writes revisions takes them in the same order
    "  ON CONFLICT (layer) DO UPDATE SET revision = greatest(layer_revision.revision, excluded.revision)"
    "),"
)
# One statement: nothing of a flood of reports passes through this process.
_PUBLISH = text(pyramid.merge_sql(_MOVES, after=_TAKEN))
_LAST_SEQ = text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM event_seq")
_READ = text("SELECT seq, kind, layer, path::text AS path, key FROM event WHERE seq > :after ORDER BY seq LIMIT :batch")
_FORGET = text(
    "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE seq <= (SELECT max(seq) FROM event) - :kept "
    "ORDER BY seq LIMIT :limit)"
)


@dataclass(frozen=True)
class OutboxEvent:
    """One thing that happened.

    Attributes
    ----------
    seq
        Its number; rises in the order in which things became visible.
    kind
        `layer` (rows of a layer changed), `incident` or `job` (the one named by `key`).
    path
        Where, as an area path; None for whole layers.
    key
        Id of the incident or job.
    """

    seq: int
    kind: str
    layer: str | None
    path: str | None
    key: str | None


def publish(engine: Engine) -> int:
    """Number the rows that wait, and bring revisions and pyramid up to them.

    Returns
    -------
    count
        Rows numbered; 0 also when another process is the reader right now.
    """
    with engine.connect() as connection:
        if connection.execute(_WAITING).first() is None:
            return 0
        connection.rollback()
        with connection.begin():
            is_reader = connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": PUBLISHER_LOCK})
            if not is_reader.scalar():
                return 0
            before = connection.execute(_LAST_SEQ).scalar_one()
            connection.execute(_PUBLISH, {"batch": BATCH, "layers_of_incidents": list(LAYERS_OF_INCIDENTS)})
            return int(connection.execute(_LAST_SEQ).scalar_one() - before)


def newest(engine: Engine) -> int:
    """Number of the newest event, 0 when nothing ever happened."""
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT coalesce(max(seq), 0) FROM event")).scalar() or 0)


def oldest(engine: Engine) -> int:
    """Number of the oldest event that is kept, 0 when there is none."""
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT coalesce(min(seq), 0) FROM event")).scalar() or 0)


def read(engine: Engine, *, after: int, batch: int = BATCH) -> list[OutboxEvent]:
    """Read the numbered events after one, in order, at most `batch` of them."""
    with engine.connect() as connection:
        rows = connection.execute(_READ, {"after": after, "batch": batch})
        return [OutboxEvent(row.seq, row.kind, row.layer, row.path, row.key) for row in rows]


def prune(engine: Engine) -> None:
    """Forget old events, a bounded number at a time; a client that asks for one of them is told to start afresh."""
    with engine.begin() as connection:
        connection.execute(_FORGET, {"kept": KEPT_EVENTS, "limit": FORGOTTEN_AT_ONCE})


def revisions(engine: Engine) -> dict[str, int]:
    """Read each layer's revision: the number of the last event that changed it."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT layer, revision FROM layer_revision"))
        return {row.layer: row.revision for row in rows}
