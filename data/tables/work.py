"""Jobs, the outbox and its events, revisions of layers, answers kept for repeated requests."""

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Column, DateTime, Double, ForeignKey, Identity, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from layers.tables import LTree, metadata, one_of

JOB_KINDS = ("rebalance", "gaps", "merge", "site")
JOB_STATUSES = ("queued", "running", "succeeded", "failed", "cancelled")

job = Table(
    "job",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True, server_default=text("gen_random_uuid()")),
    Column("kind", Text, nullable=False),
    Column("area_code", Text, nullable=False),
    Column("path", LTree, nullable=False),
    Column("parameters", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("status", Text, nullable=False, server_default="queued"),
    Column("progress_ratio", Double, nullable=False, server_default=text("0")),
    Column("message", Text),
    Column("result", JSONB),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("account_id", ForeignKey("account.id", ondelete="SET NULL")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    one_of("kind", JOB_KINDS),
    one_of("status", JOB_STATUSES),
)

outbox = Table(  # what waits for the one reader
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),  # layer | incident | job | whistle
    Column("layer", Text),
    Column("path", LTree),
    Column("key", Text),
    # where an incident left the density pyramid, and where it came in
    Column("from_geom", Geometry("POINT", srid=4326, spatial_index=False)),
    Column("from_path", LTree),
    Column("to_geom", Geometry("POINT", srid=4326, spatial_index=False)),
)

event = Table(  # what the reader has taken out, in the order in which it became visible
    "event",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("layer", Text),
    Column("path", LTree),
    Column("key", Text),
)

layer_revision = Table(
    "layer_revision",
    metadata,
    Column("layer", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False, server_default=text("0")),
)

layer_date = Table(  # when rows of a layer last changed; triggers keep it
    "layer_date",
    metadata,
    Column("layer", Text, primary_key=True),
    Column("district", Text, primary_key=True),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

repeat = Table(  # what a request with a key was answered, for some days
    "repeat",
    metadata,
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("asked_hash", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)
