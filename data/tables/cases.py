"""Time limits, offices' hours, the calendar, routing, requests and joined duplicates of incidents."""

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
    Identity,
    Integer,
    SmallInteger,
    Table,
    Text,
    Time,
    text,
)

from layers.tables import LTree, metadata, one_of

DAY_KINDS = ("holiday", "workday")
LIMIT_UNITS = ("emergency_hour", "working_hour", "working_day", "natural_day")
ROUTE_BASES = ("rule", "category", "fallback", "chosen")
REQUEST_KINDS = ("pause", "extension", "return")


def versions(name: str) -> Table:
    """Declare the versions of a book of rules; none of them ever changes: a trigger refuses."""
    return Table(
        name,
        metadata,
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("digest", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        CheckConstraint("version > 0", name="version"),
    )


sla_rule = Table(
    "sla_rule",
    metadata,
    Column("category", ForeignKey("category.code", ondelete="CASCADE"), primary_key=True),
    Column("area_code", Text, primary_key=True, server_default=""),  # "" is everywhere
    Column("amount", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("source", Text, nullable=False, server_default=""),
    Column("note", Text),
    CheckConstraint("amount BETWEEN 1 AND 1000", name="amount"),
    one_of("unit", LIMIT_UNITS),
)

office_hour = Table(  # of a working day
    "office_hour",
    metadata,
    Column("opens", Time, primary_key=True),
    Column("closes", Time, nullable=False),
    CheckConstraint("opens < closes", name="order"),
)

calendar_day = Table(  # days that are not what their weekday says; see data.hours
    "calendar_day",
    metadata,
    Column("time_zone", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_en", Text),
    Column("as_weekday", SmallInteger),  # whose hours a make-up workday has, Monday 1
    Column("source", Text, nullable=False),
    Column("is_builtin", Boolean, nullable=False, server_default=text("false")),
    one_of("kind", DAY_KINDS),
    CheckConstraint("(kind = 'workday') = (as_weekday IS NOT NULL) AND as_weekday BETWEEN 1 AND 7", name="as_weekday"),
)

incident_deadline = Table(  # how an incident's due time came about
    "incident_deadline",
    metadata,
    Column("incident_id", ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True),
    Column("amount", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("stopped_at", DateTime(timezone=True)),  # the clock stands still since
    Column("look_at", DateTime(timezone=True), nullable=False, server_default="-infinity"),  # see data.supervision
    Column("words", Text, nullable=False),
    Column("words_en", Text, nullable=False),
)

routing_book = versions("routing_book")

routing_rule = Table(
    "routing_rule",
    metadata,
    Column("version", ForeignKey("routing_book.version"), primary_key=True, autoincrement=False),
    Column("category", Text, primary_key=True, server_default=""),  # "" is any
    Column("area_code", Text, primary_key=True, server_default=""),  # "" is everywhere
    Column("body", Text, nullable=False),
    Column("note", Text),
)

incident_route = Table(  # whom an incident was given to, and why
    "incident_route",
    metadata,
    Column("incident_id", ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("version", Integer),
    Column("basis", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("path", LTree, nullable=False),
    Column("grid_code", Text),
    Column("tied", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),  # grids with the same border
    Column("outside_m", Double),  # how far outside every district
    Column("words", Text, nullable=False),
    Column("words_en", Text, nullable=False),
    one_of("basis", ROUTE_BASES),
)

incident_request = Table(  # what a handler asks for and another person grants
    "incident_request",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("incident_id", ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("amount", Integer),  # of an extension, in the limit's unit
    Column("asked_by", BigInteger, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("decided_by", BigInteger),
    Column("decided_at", DateTime(timezone=True)),
    Column("is_granted", Boolean),
    Column("decision_note", Text),
    Column("ended_at", DateTime(timezone=True)),  # of a pause
    one_of("kind", REQUEST_KINDS),
    CheckConstraint("(kind = 'extension') = (amount IS NOT NULL) AND amount > 0", name="amount"),
    CheckConstraint("asked_by <> decided_by", name="two_persons"),
    CheckConstraint("num_nonnulls(decided_by, decided_at, is_granted) IN (0, 3)", name="decision"),
)

incident_merge = Table(  # duplicates joined, and parted again
    "incident_merge",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("incident_id", ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
    Column("into_id", ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
    Column("status_before", Text, nullable=False),
    Column("merged_by", BigInteger, nullable=False),
    Column("merged_at", DateTime(timezone=True), nullable=False),
    Column("parted_by", BigInteger),
    Column("parted_at", DateTime(timezone=True)),
    CheckConstraint("incident_id <> into_id", name="two"),
)
