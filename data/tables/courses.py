"""What an incident has been through, one narrow row each: statistics read nothing else.

`case_course_now` in migration 0014 derives the row from the incident and its events; triggers and bulk imports keep it.
"""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from layers.tables import LTree, metadata

case_course = Table(
    "case_course",
    metadata,
    Column("incident_id", UUID(as_uuid=True), primary_key=True),  # held by triggers, as category
    Column("reported_at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True)),
    Column("resolved_at", DateTime(timezone=True)),
    Column("reported_by", BigInteger),
    # minutes from report to first answer, on to dispatch, on to resolved, on to verified; and from report to resolved
    Column("answer_min", Integer),
    Column("dispatch_min", Integer),
    Column("handle_min", Integer),
    Column("verify_min", Integer),
    Column("solve_min", Integer),
    Column("rating", SmallInteger),
    Column("returned_count", SmallInteger, nullable=False),
    Column("extended_count", SmallInteger, nullable=False),
    Column("resolved_count", SmallInteger, nullable=False),
    Column("reopened_count", SmallInteger, nullable=False),  # after it had been resolved
    # asked many times in one count: statuses as truth values
    Column("is_filed", Boolean, nullable=False),
    Column("is_done", Boolean, nullable=False),
    Column("is_closed", Boolean, nullable=False),
    Column("is_dispatched", Boolean, nullable=False),
    Column("path", LTree, nullable=False),
    Column("category", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("department", Text),
    Column("resolved_level", Text),
)
