"""What other systems are: tokens, hand-overs from and to 110 and 12345, webhooks, what came through Open311."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from data.tables.cases import versions
from layers.tables import LTree, metadata, one_of

SYSTEMS = ("110", "12345")
TOKEN_SCOPES = ("handover", "open311")
HANDOVER_KINDS = ("dispute", "matter")
HANDOVER_STATUSES = ("accepted", "refused", "sent")
LISTS = ("singlevaluelist", "multivaluelist")
DATATYPES = ("string", "number", "datetime", "text", *LISTS)

api_token = Table(
    "api_token",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), nullable=False),  # whose name its deeds have
    Column("token_hash", Text, nullable=False, unique=True),
    Column("scope", Text, nullable=False),
    Column("system", Text),
    Column("path", LTree, nullable=False),  # the empty path is every area
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    Column("last_used_at", DateTime(timezone=True)),
    one_of("scope", TOKEN_SCOPES),
    CheckConstraint("(scope = 'handover') = (system IS NOT NULL) AND system IN ('110', '12345')", name="system"),
)

handover_list = versions("handover_list")

handover_rule = Table(
    "handover_rule",
    metadata,
    Column("version", ForeignKey("handover_list.version"), primary_key=True, autoincrement=False),
    Column("system", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_en", Text),
    Column("kind", Text, nullable=False),
    Column("category", Text),
    Column("is_accepted", Boolean, nullable=False),
    Column("reason", Text),
    Column("note", Text),
    one_of("system", SYSTEMS),
    one_of("kind", HANDOVER_KINDS),
    CheckConstraint("CASE WHEN is_accepted THEN category IS NOT NULL ELSE reason IS NOT NULL END", name="answer"),
)

handover = Table(
    "handover",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("direction", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("external_id", Text),  # the other system's
    Column("kind", Text, nullable=False),
    Column("code", Text),  # the other system's, of the list
    Column("category", Text),
    Column("incident_id", ForeignKey("incident.id", ondelete="CASCADE")),  # null: it was refused
    Column("status", Text, nullable=False),
    Column("reason", Text),  # why it was refused
    Column("scope_version", Integer),  # of the list that decided
    Column("at", DateTime(timezone=True), nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("path", LTree, nullable=False),
    Column("content", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # what was sent, without words
    Column("digests", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # of the words
    one_of("direction", ("in", "out")),
    one_of("system", SYSTEMS),
    one_of("kind", HANDOVER_KINDS),
    one_of("status", HANDOVER_STATUSES),
    CheckConstraint(
        "(direction = 'in') = (external_id IS NOT NULL) AND (direction = 'out') = (status = 'sent') "
        "AND (status = 'refused') = (incident_id IS NULL) AND (status <> 'refused' OR reason IS NOT NULL)",
        name="way",
    ),
)

handover_detail = Table(  # sealed: read only through open_handover, which writes down who did
    "handover_detail",
    metadata,
    Column("handover_id", ForeignKey("handover.id", ondelete="CASCADE"), primary_key=True),
    Column("parties", Text),
    Column("cause", Text),
    Column("nature", Text),
    Column("demand", Text),
    Column("words", Text),
    Column("address", Text),
    Column("lon", Double),
    Column("lat", Double),
)

webhook = Table(
    "webhook",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("system", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("away_until", DateTime(timezone=True)),  # it did not answer: not asked again before
    UniqueConstraint("system", "url"),
    one_of("system", SYSTEMS),
)

webhook_delivery = Table(  # an event for a webhook: waits, was taken, or nobody took it for days
    "webhook_delivery",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("webhook_id", ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False),
    Column("handover_id", ForeignKey("handover.id", ondelete="CASCADE"), nullable=False),
    Column("event", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("delivered_at", DateTime(timezone=True)),
    Column("dead_at", DateTime(timezone=True)),
    Column("last_error", Text),
    CheckConstraint("delivered_at IS NULL OR dead_at IS NULL", name="end"),
)

category_question = Table(  # what an app asks beside place and words
    "category_question",
    metadata,
    Column("category", ForeignKey("category.code", ondelete="CASCADE"), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("datatype", Text, nullable=False),
    Column("is_required", Boolean, nullable=False),
    Column("words", Text, nullable=False),
    Column("hint", Text),
    Column("choices", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # key: name
    one_of("datatype", DATATYPES),
    CheckConstraint("(datatype IN ('singlevaluelist', 'multivaluelist')) = (choices <> '{}'::jsonb)", name="choices"),
)

open311_request = Table(
    "open311_request",
    metadata,
    Column("incident_id", ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("answers", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
)

catalogue_change = Table(  # when the services that apps are offered changed last
    "catalogue_change",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, server_default=text("1")),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("id = 1", name="one"),
)
