"""Lots of units and their neighbours, and grid layers that are merged."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from layers.tables import LTree, metadata

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
