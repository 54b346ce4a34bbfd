"""Rulebooks, examinations, sitings, promises and what facilities can do."""

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
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from geo.verdicts import BINDINGS, CONFIDENCES, DEMANDS, METRICS
from layers.tables import FACILITY_KINDS, LTree, metadata, one_of

TARGET_MEASURES = ("facility_count", "capacity_added", "sorting_streets")

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

examination = Table(  # units of an area judged by a version of a rulebook; see service_gap
    "examination",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("area_code", Text, nullable=False),
    Column("path", LTree, nullable=False),
    Column("rulebook", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("rules", ARRAY(Text), nullable=False),  # those judged, in the order of the verdicts
    Column("data_on", ARRAY(Date), nullable=False),  # how old the data of each are, null where that was not noted
    Column("without_data", ARRAY(Text), nullable=False),
    Column("made_by", Text),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    ForeignKeyConstraint(["rulebook", "version"], ["rulebook.code", "rulebook.version"]),
    CheckConstraint("cardinality(rules) = cardinality(data_on)", name="rules"),
)

siting = Table(  # what a siting job found, whole
    "siting",
    metadata,
    Column("job_id", ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("path", LTree, nullable=False),
    Column("answer", JSONB, nullable=False),
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

service_item = Table(  # what one can get done at a facility, and what to bring
    "service_item",
    metadata,
    Column("name", Text, primary_key=True),
    Column("name_en", Text),
    Column("facility_kind", Text, nullable=False),
    Column("tier", Text),  # the lowest that does it
    Column("bring", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("note", Text),
    Column("place", Integer, nullable=False),  # in the order of the file
    one_of("facility_kind", FACILITY_KINDS),
)
