"""What grid workers do on their shifts: rounds by a list, visits by outcome, and tracks that are theirs alone."""

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Double, ForeignKey, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from layers.tables import LTree, metadata, one_of

PERIODS = ("shift", "day", "week", "month")
MARK_OUTCOMES = ("fine", "finding")
VISIT_OUTCOMES = ("met", "absent", "declined", "vacant")
TRACK_DAYS = 30  # as forget_tracks() of migration 0016 says

round_item = Table(  # what is looked at, and how often
    "round_item",
    metadata,
    Column("code", Text, primary_key=True),
    Column("round", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_en", Text),
    Column("every", Text, nullable=False),
    Column("category", ForeignKey("category.code", ondelete="SET NULL")),  # of what is found
    Column("area_code", Text, nullable=False, server_default=""),  # "" is everywhere
    one_of("every", PERIODS),
)

shift = Table(
    "shift",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("grid_code", Text, nullable=False),
    Column("path", LTree, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("is_tracked", Boolean, nullable=False),
    CheckConstraint("ended_at >= started_at", name="times"),
)

round_mark = Table(  # an item that was looked at
    "round_mark",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("shift_id", UUID(as_uuid=True)),
    Column("item", Text, nullable=False),
    Column("grid_code", Text, nullable=False),
    Column("path", LTree, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("incident_id", UUID(as_uuid=True)),  # the report of what was found, which may come later
    one_of("outcome", MARK_OUTCOMES),
)

visit = Table(  # a building, and how it went; never who lives there
    "visit",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("shift_id", UUID(as_uuid=True)),
    Column("unit_code", Text, nullable=False),
    Column("grid_code", Text, nullable=False),
    Column("path", LTree, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text, nullable=False),
    one_of("outcome", VISIT_OUTCOMES),
)

track_point = Table(
    "track_point",
    metadata,
    Column("shift_id", ForeignKey("shift.id", ondelete="CASCADE"), primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("lon", Double, nullable=False),
    Column("lat", Double, nullable=False),
    Column("accuracy_m", Double),
)
