"""The tables behind the map layers (SQLAlchemy Core, PostGIS).

Geometry is EPSG:4326 (lon, lat) in `geom`; `geom_3857` is a stored web-Mercator copy that tiles read, so that no tile
transforms a row. `path` is the `ltree` of area codes by which row-level security decides who sees a row.
"""

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
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
FACILITY_KINDS = ("station", "canteen", "elder_care", "parking", "refuse_point")
FACILITY_STATUSES = ("open", "planned", "closed")
PLAN_STATUSES = ("proposed", "draft", "submitted", "approved", "effective", "retired")
WORKLOADS = ("households", "incidents_month", "residents_60", "no_lift_units")  # what a scheme may weigh
INCIDENT_STATUSES = (
    "reported", "accepted", "assigned", "in_progress", "resolved", "verified", "closed", "rated",
    "rejected", "returned", "paused", "reopened", "merged",
)  # fmt: skip
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
    Column("attributes", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("area_id", ForeignKey("area.id", ondelete="RESTRICT"), nullable=False),
    *place("GEOMETRY"),
    one_of("kind", FACILITY_KINDS),
    one_of("status", FACILITY_STATUSES),
    CheckConstraint("capacity >= 0", name="capacity"),
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
    Column("reported_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("resolved_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("rating", SmallInteger),
    *place("POINT"),
    one_of("status", INCIDENT_STATUSES),
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
    Column("content", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
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

service_gap = Table(
    "service_gap",
    metadata,
    identity(),
    Column("unit_id", ForeignKey("unit.id", ondelete="CASCADE"), nullable=False),
    Column("code", Text, nullable=False),
    Column("facility_kind", Text, nullable=False),
    Column("radius_m", Double, nullable=False),
    Column("households", Integer, nullable=False),
    Column("distance_m", Double),
    Column("straight_m", Double),
    Column("facility_code", Text),
    Column("is_covered", Boolean),
    Column("reason", Text, nullable=False),
    Column("computed_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    *place("POINT"),
    UniqueConstraint("facility_kind", "unit_id"),
)
