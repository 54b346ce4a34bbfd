"""Scenes that a wall shows in turn."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
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

from layers.tables import LTree, metadata

SHORTEST_S, LONGEST_S = 5, 600

scene = Table(
    "scene",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("area_id", ForeignKey("area.id", ondelete="CASCADE"), nullable=False),  # whose walls show it
    Column("path", LTree, nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("code", Text, nullable=False),  # of the area or grid that it looks at
    Column("bounds", ARRAY(Double)),  # west, south, east, north; null is the whole of it
    Column("layers", ARRAY(Text), nullable=False),
    Column("figures", ARRAY(Text), nullable=False),
    Column("dwell_s", Integer, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    UniqueConstraint("area_id", "position"),
    CheckConstraint("cardinality(bounds) = 4 AND bounds[1] < bounds[3] AND bounds[2] < bounds[4]", name="bounds"),
    CheckConstraint(f"dwell_s BETWEEN {SHORTEST_S} AND {LONGEST_S}", name="dwell_s"),
)
