"""What is told before and after deadlines, the supervision that follows, and whistles of streets for departments."""

from typing import Literal, get_args

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from data.tables.cases import LIMIT_UNITS
from layers.tables import WARNING_LEVELS, LTree, identity, metadata, one_of

STEP_KINDS = ("warning", "overdue", "supervision")
TO_LEVELS = ("handler", "community", "street", "district")
WhistleStatus = Literal["waiting", "called", "resolved", "rated", "refused", "withdrawn"]
WHISTLE_STATUSES: tuple[str, ...] = get_args(WhistleStatus)
WHISTLE_STEPS = ("response", "arrival", "resolution")
UNIT_LEVELS = ("street", "district")
MOST_DEPARTMENTS = 8

supervision_rule = Table(
    "supervision_rule",
    metadata,
    Column("code", Text, primary_key=True),
    Column("place", Integer, nullable=False),  # the later, the graver
    Column("kind", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("percent", Integer, nullable=False),  # of the limit
    Column("plus_amount", Integer),  # or so long after the due time, whichever comes first
    Column("plus_unit", Text),
    Column("to_level", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("source", Text, nullable=False, server_default=""),
    Column("note", Text),
    one_of("kind", STEP_KINDS),
    one_of("level", WARNING_LEVELS),
    one_of("to_level", TO_LEVELS),
    CheckConstraint("percent BETWEEN 1 AND 1000", name="percent"),
    CheckConstraint("(plus_amount IS NULL) = (plus_unit IS NULL) AND plus_amount > 0", name="plus"),
)

incident_step = Table(  # never changed: a trigger refuses
    "incident_step",
    metadata,
    identity(),
    Column("incident_id", ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
    Column("code", Text, nullable=False),
    Column("since_seq", Integer, nullable=False),  # the event with which the clock began to run towards this due time
    Column("kind", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),  # when it fell due
    Column("written_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("to_level", Text, nullable=False),
    Column("to_name", Text, nullable=False),
    Column("path", LTree, nullable=False),
    Column("words", Text, nullable=False),
    Column("words_en", Text, nullable=False),
    UniqueConstraint("incident_id", "code", "since_seq"),
    one_of("kind", STEP_KINDS),
)

supervision = Table(
    "supervision",
    metadata,
    identity(),
    Column("incident_id", ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
    Column("step_id", ForeignKey("incident_step.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("path", LTree, nullable=False),  # of the level that supervises
    Column("reply", Text),
    Column("replied_by", BigInteger),
    Column("replied_at", DateTime(timezone=True)),
    Column("closing_note", Text),
    Column("closed_by", BigInteger),
    Column("closed_at", DateTime(timezone=True)),
    CheckConstraint("num_nonnulls(reply, replied_by, replied_at) IN (0, 3)", name="reply"),
    CheckConstraint("num_nonnulls(closed_by, closed_at) IN (0, 2)", name="closing"),
    CheckConstraint("replied_by <> closed_by", name="two_persons"),
)

whistle_reason = Table(
    "whistle_reason",
    metadata,
    Column("code", Text, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("source", Text, nullable=False, server_default=""),
    Column("note", Text),
)

whistle_limit = Table(
    "whistle_limit",
    metadata,
    Column("step", Text, primary_key=True),
    Column("reason", Text, primary_key=True, server_default=""),  # "" is any
    Column("amount", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("source", Text, nullable=False, server_default=""),
    Column("note", Text),
    one_of("step", WHISTLE_STEPS),
    CheckConstraint("amount BETWEEN 1 AND 1000", name="amount"),
    one_of("unit", LIMIT_UNITS),
)

whistle = Table(
    "whistle",
    metadata,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False, server_default="waiting"),
    Column("reason", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("place", Text),  # where, in words
    Column("incident_id", ForeignKey("incident.id", ondelete="SET NULL")),
    Column("unit_level", Text, nullable=False),  # a street, or the district's centre
    Column("unit_code", Text, nullable=False),
    Column("path", LTree, nullable=False),  # of the unit
    Column("place_path", LTree, nullable=False),
    Column("grid_code", Text),
    Column("geom", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
    Column("departments", ARRAY(Text), nullable=False),
    Column("limit_source", Text, nullable=False, server_default=""),
    Column("whistled_by", BigInteger, nullable=False),
    Column("whistled_at", DateTime(timezone=True), nullable=False),
    Column("decided_by", BigInteger),
    Column("decided_at", DateTime(timezone=True)),
    Column("decision_note", Text),
    Column("called_at", DateTime(timezone=True)),
    Column("resolve_due_at", DateTime(timezone=True)),
    Column("resolved_by", BigInteger),
    Column("resolved_at", DateTime(timezone=True)),
    Column("resolution", Text),
    one_of("status", WHISTLE_STATUSES),
    one_of("unit_level", UNIT_LEVELS),
    CheckConstraint("cardinality(departments) BETWEEN 1 AND 8", name="departments"),
    CheckConstraint("whistled_by <> decided_by", name="two_persons"),
    CheckConstraint("num_nonnulls(decided_by, decided_at) IN (0, 2)", name="decision"),
    CheckConstraint("called_at IS NULL OR decided_at IS NOT NULL", name="called"),
    CheckConstraint(
        "num_nonnulls(resolved_by, resolved_at, resolution) = "
        "CASE WHEN status IN ('resolved', 'rated') THEN 3 ELSE 0 END",
        name="resolution",
    ),
)

whistle_call = Table(  # a department that is called
    "whistle_call",
    metadata,
    Column("whistle_id", ForeignKey("whistle.id", ondelete="CASCADE"), primary_key=True),
    Column("department", Text, primary_key=True),
    Column("respond_due_at", DateTime(timezone=True)),
    Column("responded_by", BigInteger),
    Column("responded_at", DateTime(timezone=True)),
    Column("response_note", Text),
    Column("arrive_due_at", DateTime(timezone=True)),
    Column("arrived_by", BigInteger),
    Column("arrived_at", DateTime(timezone=True)),
    Column("rating", SmallInteger),
    Column("rated_by", BigInteger),
    Column("rated_at", DateTime(timezone=True)),
    CheckConstraint("num_nonnulls(responded_by, responded_at) IN (0, 2)", name="response"),
    CheckConstraint(
        "num_nonnulls(arrived_by, arrived_at) IN (0, 2) AND (arrived_at IS NULL OR responded_at IS NOT NULL)",
        name="arrival",
    ),
    CheckConstraint("num_nonnulls(rating, rated_by, rated_at) IN (0, 3) AND rating BETWEEN 1 AND 5", name="rating"),
    CheckConstraint("rated_by <> responded_by", name="two_persons"),
)

whistle_event = Table(  # never changed: a trigger refuses
    "whistle_event",
    metadata,
    Column("whistle_id", ForeignKey("whistle.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("move", Text, nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("department", Text),
    Column("note", Text),
)
