"""The tables that are no map layer: accounts, sessions, jobs, the outbox, revisions, audit, lots of units.

They share the map layers' metadata, so one migration history and one check of it against PostgreSQL cover both.
"""

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from geo.verdicts import BINDINGS, CONFIDENCES, DEMANDS, METRICS
from layers.tables import LTree, metadata, one_of

ROLES = (
    "worker", "community", "street", "dispatcher", "department", "planner", "screen",
    "system_admin", "security_admin", "audit_admin",
)  # fmt: skip
JOB_KINDS = ("rebalance", "gaps", "merge")
TARGET_MEASURES = ("facility_count", "capacity_added", "sorting_streets")
JOB_STATUSES = ("queued", "running", "succeeded", "failed", "cancelled")

account = Table(
    "account",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("failed_count", Integer, nullable=False, server_default=text("0")),
    Column("locked_until", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

membership = Table(
    "membership",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),
    Column("path", LTree, nullable=False),  # the empty path is every area
    Column("department", Text, nullable=False, server_default=""),
    UniqueConstraint("account_id", "role", "path", "department"),
    one_of("role", ROLES),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("csrf_token", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("last_seen_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

kiosk_token = Table(
    "kiosk_token",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("expires_at", DateTime(timezone=True)),
)

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
    Column("kind", Text, nullable=False),  # layer | incident | job
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

audit_event = Table(
    "audit_event",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("account_id", BigInteger),
    Column("action", Text, nullable=False),
    Column("subject", Text),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
)

lot_sheet = Table(  # a community whose lots and neighbours are drawn and up to date
    "lot_sheet",
    metadata,
    Column("area_id", ForeignKey("area.id", ondelete="CASCADE"), primary_key=True),
    Column("path", LTree, nullable=False),
    Column("drawn_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

unit_lot = Table(
    "unit_lot",
    metadata,
    Column("unit_id", ForeignKey("unit.id", ondelete="CASCADE"), primary_key=True),
    Column("path", LTree, nullable=False),
    Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
)

unit_neighbour = Table(
    "unit_neighbour",
    metadata,
    Column("unit_a", ForeignKey("unit.id", ondelete="CASCADE"), primary_key=True),
    Column("unit_b", ForeignKey("unit.id", ondelete="CASCADE"), primary_key=True),
    Column("path", LTree, nullable=False),
    Column("border_m", Double, nullable=False),
    Column("is_cut", Boolean, nullable=False),
    Column("is_bridge", Boolean, nullable=False),
    CheckConstraint("unit_a < unit_b", name="order"),
)

crosswalk = Table(  # grid layers that are merged, and the plan that merges them
    "crosswalk",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("area_id", ForeignKey("area.id", ondelete="CASCADE"), nullable=False),
    Column("path", LTree, nullable=False),
    Column("plan_id", ForeignKey("plan.id", ondelete="SET NULL")),
    Column("created_by", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

crosswalk_layer = Table(
    "crosswalk_layer",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("crosswalk_id", ForeignKey("crosswalk.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("weight", Double, nullable=False, server_default=text("1")),
    Column("source", Text, nullable=False),
    CheckConstraint("weight > 0", name="weight"),
    UniqueConstraint("crosswalk_id", "name"),
)

crosswalk_code = Table(  # the grid that a unit is in, in a layer
    "crosswalk_code",
    metadata,
    Column("layer_id", ForeignKey("crosswalk_layer.id", ondelete="CASCADE"), primary_key=True),
    Column("unit_id", ForeignKey("unit.id", ondelete="CASCADE"), primary_key=True),
    Column("code", Text, nullable=False),
)

rulebook = Table(  # a version never changes: a trigger refuses
    "rulebook",
    metadata,
    Column("code", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False),
    Column("source", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    CheckConstraint("version > 0", name="version"),
)

standard_rule = Table(  # see geo.verdicts.Rule
    "standard_rule",
    metadata,
    Column("rulebook", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("code", Text, primary_key=True),
    Column("place", Integer, nullable=False),  # in the order of the file
    Column("facility_kind", Text, nullable=False),
    Column("facility_types", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("facility_name", Text, nullable=False),
    Column("demand", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("threshold_m", Double, nullable=False),
    Column("level", SmallInteger),
    Column("binding", Text, nullable=False),
    Column("standard", Text, nullable=False),
    Column("edition", Text, nullable=False, server_default=""),
    Column("clause", Text, nullable=False, server_default=""),
    Column("confidence", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("note_en", Text, nullable=False, server_default=""),
    ForeignKeyConstraint(["rulebook", "version"], ["rulebook.code", "rulebook.version"]),
    one_of("demand", DEMANDS),
    one_of("metric", METRICS),
    one_of("binding", BINDINGS),
    one_of("confidence", CONFIDENCES),
    CheckConstraint("threshold_m > 0", name="threshold"),
    CheckConstraint("level IN (5, 10, 15)", name="level"),
)

target = Table(  # what a plan document promises, or a report says was reached
    "target",
    metadata,
    Column("code", Text, primary_key=True),
    Column("area_code", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("title_en", Text),
    Column("kind", Text, nullable=False, server_default="target"),
    Column("measure", Text),
    Column("facility_kind", Text),
    Column("amount", Integer, nullable=False),
    Column("unit", Text),
    Column("since_on", Date),
    Column("due_on", Date),
    Column("is_yearly", Boolean, nullable=False, server_default=text("false")),
    Column("source", Text, nullable=False),
    Column("note", Text),
    one_of("kind", ("target", "actual")),
    one_of("measure", TARGET_MEASURES),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("since_on <= due_on", name="days"),
)

layer_date = Table(  # when rows of a layer last changed; triggers keep it
    "layer_date",
    metadata,
    Column("layer", Text, primary_key=True),
    Column("district", Text, primary_key=True),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)
