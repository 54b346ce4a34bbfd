"""The tables behind the map layers (SQLAlchemy Core, PostGIS).

Geometry is EPSG:4326 (lon, lat) in `geom`; `geom_3857` is a stored web-Mercator copy that tiles read, so that no tile
transforms a row. `path` is the `ltree` of area codes by which row-level security decides who sees a row.
"""

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.types import UserDefinedType

from layers.pyramid import key_sql

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

AREA_LEVELS = ("district", "street", "community")
FACILITY_KINDS = ("station", "canteen", "elder_care", "parking", "refuse_point", "exchange_point")
FACILITY_STATUSES = ("open", "planned", "closed")
PLAN_STATUSES = ("proposed", "draft", "submitted", "approved", "effective", "retired")
WORKLOADS = ("households", "incidents_month", "residents_60", "no_lift_units")  # what a scheme may weigh
INCIDENT_STATUSES = (
    "reported", "accepted", "assigned", "in_progress", "resolved", "verified", "closed", "rated",
    "rejected", "returned", "paused", "reopened", "merged",
)  # fmt: skip
PHOTO_STAGES = ("report", "before", "after")  # of handling
RESOLVED_LEVELS = ("grid", *reversed(AREA_LEVELS))
WARNING_LEVELS = ("blue", "yellow", "orange", "red")  # of a deadline that nears or has passed
CLOSED_STATUSES = ("closed", "rated", "rejected", "merged")


class LTree(UserDefinedType[str]):
    """PostgreSQL's `ltree`: the codes of district, street, community and grid, joined by dots."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name the type in DDL."""
        return "LTREE"


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """Allow only the named values in a text column."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def place(geometry_type: str) -> list[Column[Any]]:
    """Make the columns that every mapped row has: its place, its Mercator copy, its path."""
    return [
        Column("geom", Geometry(geometry_type, srid=4326, spatial_index=False), nullable=False),
        Column(
            "geom_3857",
            Geometry(geometry_type, srid=3857, spatial_index=False),
            Computed("ST_Transform(geom, 3857)", persisted=True),
        ),
        Column("path", LTree, nullable=False),
    ]


def identity() -> Column[Any]:
    """Make the surrogate key."""
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


area = Table(
    "area",
    metadata,
    identity(),
    Column("level", Text, nullable=False),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("name_en", Text),
    Column("parent_id", ForeignKey("area.id", ondelete="RESTRICT")),
    Column("time_zone", Text, nullable=False, server_default="Asia/Shanghai"),
    Column("source", Text),
    Column("is_sample", Boolean, nullable=False, server_default=text("false")),
    *place("MULTIPOLYGON"),
    one_of("level", AREA_LEVELS),
)

compound = Table(
    "compound",
    metadata,
    identity(),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("kind", Text),
    Column("built_year", SmallInteger),
    Column("area_id", ForeignKey("area.id", ondelete="RESTRICT"), nullable=False),
    *place("MULTIPOLYGON"),
)

unit = Table(
    "unit",
    metadata,
    identity(),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text),
    Column("area_id", ForeignKey("area.id", ondelete="RESTRICT"), nullable=False),
    Column("compound_id", ForeignKey("compound.id", ondelete="SET NULL")),
    Column("households", Integer, nullable=False),
    Column("residents", Integer),
    Column("residents_60", Integer),
    Column("residents_80", Integer),
    Column("floors", SmallInteger),
    Column("use", Text),
    Column("built_year", SmallInteger),
    Column("has_lift", Boolean),
    *place("GEOMETRY"),
    CheckConstraint("households >= 0", name="households"),
)

road = Table(
    "road",
    metadata,
    identity(),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text),
    Column("class", Text, nullable=False, server_default="local"),
    Column("is_walkable", Boolean, nullable=False, server_default=text("true")),
    Column("is_barrier", Boolean, nullable=False, server_default=text("false")),
    *place("MULTILINESTRING"),
)

barrier = Table(
    "barrier",
    metadata,
    identity(),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text),
    Column("kind", Text, nullable=False, server_default="other"),
    *place("GEOMETRY"),
)

grid_scheme = Table(
    "grid_scheme",
    metadata,
    identity(),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("floor", Integer, nullable=False),
    Column("ceiling", Integer, nullable=False),
    Column("target", Integer, nullable=False),
    Column("code_template", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("valid_from", Date),
    *[
        Column(f"weight_{name}", Double, nullable=False, server_default=text("1" if name == "households" else "0"))
        for name in WORKLOADS
    ],
    CheckConstraint("0 < floor AND floor <= target AND target <= ceiling", name="band"),
    CheckConstraint(
        "least(weight_households, weight_incidents_month, weight_residents_60, weight_no_lift_units) >= 0 AND "
        "weight_households + weight_incidents_month + weight_residents_60 + weight_no_lift_units > 0",
        name="weights",
    ),
)

plan = Table(
    "plan",
    metadata,
    identity(),
    Column("scheme_id", ForeignKey("grid_scheme.id"), nullable=False),
    Column("area_id", ForeignKey("area.id", ondelete="CASCADE"), nullable=False),
    Column("path", LTree, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="proposed"),
    Column("base_id", ForeignKey("plan.id", ondelete="SET NULL")),  # the plan that it came from
    Column("parameters", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("seed", BigInteger, nullable=False, server_default=text("0")),
    Column("metrics", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("effective_on", Date),
    Column("created_by", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("locks", JSONB, nullable=False, server_default=text("""'{"grids": [], "units": []}'::jsonb""")),
    Column("submitted_by", Text),
    Column("submitted_at", DateTime(timezone=True)),
    Column("approved_by", Text),
    Column("approved_at", DateTime(timezone=True)),
    Column("reject_reason", Text),
    Column("retired_on", Date),
    Column("updated_by", Text),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    one_of("status", PLAN_STATUSES),
    CheckConstraint("submitted_by <> approved_by", name="two_persons"),
)

grid = Table(
    "grid",
    metadata,
    identity(),
    Column("plan_id", ForeignKey("plan.id", ondelete="CASCADE"), nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text),
    Column("area_id", ForeignKey("area.id", ondelete="RESTRICT"), nullable=False),
    Column("is_effective", Boolean, nullable=False, server_default=text("false")),
    Column("households", Integer, nullable=False, server_default=text("0")),
    Column("compactness_ratio", Double),
    Column("valid_from", Date),  # null: in force for as long as anything is known
    Column("valid_to", Date),  # the first day on which it no longer was
    Column("starts_at", DateTime(timezone=True)),  # when these days begin by the clock of the area; a trigger sets them
    Column("ends_at", DateTime(timezone=True)),
    *place("MULTIPOLYGON"),
    UniqueConstraint("plan_id", "code"),
    CheckConstraint("valid_from <= valid_to", name="validity"),
)

plan_assignment = Table(
    "plan_assignment",
    metadata,
    Column("plan_id", ForeignKey("plan.id", ondelete="CASCADE"), primary_key=True),
    Column("unit_id", ForeignKey("unit.id", ondelete="CASCADE"), primary_key=True),
    Column("grid_id", ForeignKey("grid.id", ondelete="CASCADE"), nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),  # of the plan, when the unit came here
)

facility = Table(
    "facility",
    metadata,
    identity(),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("name_en", Text),
    Column("tier", Text),
    Column("status", Text, nullable=False, server_default="open"),
    Column("opens_on", Date),
    Column("address", Text),
    Column("phone", Text),
    Column("hours", Text),
    Column("services", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("capacity", Integer),
    Column("is_accessible", Boolean),
    Column("price", Double),  # of a meal; this and the next are a canteen's
    Column("price_note", Text),
    Column("meals_per_day", Integer),
    Column("meals", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # meal: its hours
    Column("delivers_to", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),  # codes of communities
    Column("attributes", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("area_id", ForeignKey("area.id", ondelete="RESTRICT"), nullable=False),
    *place("GEOMETRY"),
    one_of("kind", FACILITY_KINDS),
    one_of("status", FACILITY_STATUSES),
    CheckConstraint("capacity >= 0", name="capacity"),
    CheckConstraint("price >= 0", name="price"),
    CheckConstraint("meals_per_day >= 0", name="meals_per_day"),
    CheckConstraint("jsonb_typeof(meals) = 'object'", name="meals"),
)

sorting_zone = Table(
    "sorting_zone",
    metadata,
    identity(),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="active"),
    *place("MULTIPOLYGON"),
    one_of("status", ("planned", "active")),
)

category = Table(
    "category",
    metadata,
    Column("code", Text, primary_key=True),
    Column("parent", ForeignKey("category.code")),
    Column("name", Text, nullable=False),
    Column("name_en", Text),
    Column("department", Text),
    Column("limit_hours", Integer),
    Column("note", Text),
    Column("is_local", Boolean, nullable=False, server_default=text("false")),  # no class of the standard
    Column("duplicate_m", Double, nullable=False, server_default=text("50")),  # two reports this near in place
    Column("duplicate_hours", Double, nullable=False, server_default=text("72")),  # and time may be one thing
    Column("needs_after_photo", Boolean, nullable=False, server_default=text("false")),  # before it is verified
    CheckConstraint("duplicate_m >= 0 AND duplicate_hours >= 0", name="duplicate"),
)

incident = Table(
    "incident",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("category", Text, nullable=False),  # held by triggers, as area_id: a foreign key would make reports wait
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("status", Text, nullable=False, server_default="reported"),
    Column("source", Text, nullable=False, server_default="worker"),
    Column("department", Text),
    Column("area_id", BigInteger),
    Column("grid_code", Text),
    Column("reported_by", BigInteger),
    Column("body_hash", Text),
    Column("datum", Text, nullable=False, server_default="wgs84"),
    Column("original_lon", Double),
    Column("original_lat", Double),
    Column("accuracy_m", Double),
    Column("is_placed", Boolean, nullable=False, server_default=text("true")),  # else only the middle of where it is
    Column("occurred_at", DateTime(timezone=True)),  # by the sender's clock, which may be wrong
    Column("reported_at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True)),  # by the server's clock; null of what was imported
    Column("due_at", DateTime(timezone=True)),
    Column("resolved_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("rating", SmallInteger),
    Column("merged_into", UUID(as_uuid=True)),  # the incident that it is a duplicate of
    Column("warning_level", Text),  # of the clock that runs; see data.supervision
    Column("resolved_level", Text),  # who solved it: grid, community, street or district
    *place("POINT"),
    one_of("status", INCIDENT_STATUSES),
    one_of("resolved_level", RESOLVED_LEVELS),
    one_of("warning_level", WARNING_LEVELS),
    CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
)

incident_event = Table(
    "incident_event",
    metadata,
    identity(),
    Column("incident_id", ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("note", Text),
    Column("account_id", BigInteger),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("hash", Text, nullable=False),
    Column("detail", JSONB),  # what the status alone does not say
    UniqueConstraint("incident_id", "seq"),
)

incident_photo = Table(
    "incident_photo",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("incident_id", ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("lon", Double),  # what the camera told, WGS84
    Column("lat", Double),
    Column("content", LargeBinary),  # of photos from before there was a store of files
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("file", Text),  # its name in the store: SHA-256 of the stored bytes
    Column("size_bytes", Integer),
    Column("stage", Text, nullable=False, server_default="report"),
    CheckConstraint("num_nonnulls(content, file) = 1 AND (file IS NULL) = (size_bytes IS NULL)", name="kept"),
    CheckConstraint("file ~ '^[0-9a-f]{64}$'", name="file"),
    one_of("stage", PHOTO_STAGES),
)

incident_cell = Table(
    "incident_cell",
    metadata,
    Column("z", SmallInteger, nullable=False),
    Column("x", Integer, nullable=False),
    Column("y", Integer, nullable=False),
    Column("path", LTree, primary_key=True),
    Column("count", Integer, nullable=False),
    # see layers.pyramid: the cells of one tile follow each other
    Column("cell", BigInteger, Computed(key_sql("z", "x", "y"), persisted=True), primary_key=True),
    CheckConstraint("z BETWEEN 0 AND 24", name="z"),
)

service_gap = (
    Table(  # a unit's verdicts of its newest examination, each at its rule's place: m met, n not met, u unknown
        "service_gap",
        metadata,
        identity(),
        Column("unit_id", ForeignKey("unit.id", ondelete="CASCADE"), nullable=False, unique=True),
        Column("examination_id", ForeignKey("examination.id", ondelete="CASCADE"), nullable=False),
        Column("code", Text, nullable=False),
        Column("households", Integer, nullable=False),
        Column("residents_60", Integer),
        Column("residents_80", Integer),
        Column("verdicts", Text, nullable=False),
        Column("walk_m", ARRAY(REAL), nullable=False),  # null: unknown, or no facility at all
        Column("straight_m", ARRAY(REAL), nullable=False),
        Column("facilities", ARRAY(Text), nullable=False),
        Column("reasons", ARRAY(Text), nullable=False),
        *place("POINT"),
        CheckConstraint("verdicts ~ '^[mnu]*$'", name="verdicts"),
        CheckConstraint(
            "length(verdicts) = cardinality(walk_m) AND length(verdicts) = cardinality(straight_m) "
            "AND length(verdicts) = cardinality(facilities) AND length(verdicts) = cardinality(reasons)",
            name="rules",
        ),
    )
)
