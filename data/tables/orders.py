"""群众点单、社区派单、党员接单: orders, who takes them, and points by double entry."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)

from layers.tables import LTree, metadata, one_of

ORDER_STATUSES = ("asked", "offered", "accepted", "done", "confirmed", "cancelled")
ACCOUNT_KINDS = ("issuer", "volunteer", "exchange")
PURPOSES = ("award", "exchange", "reversal")

volunteer = Table(
    "volunteer",
    metadata,
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("path", LTree, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

service_order = Table(
    "service_order",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "code", Text, nullable=False, unique=True,
        server_default=text("('DD-' || lpad(nextval('order_code_seq')::text, 6, '0'))"),
    ),
    Column("kind", Text, nullable=False),
    Column("kind_name", Text, nullable=False),  # as the tariff had it
    Column("kind_name_en", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("details", Text),
    Column("community", Text, nullable=False),
    Column("path", LTree, nullable=False),
    Column("points", Integer, nullable=False),  # as the tariff had it
    Column("status", Text, nullable=False, server_default="asked"),
    Column("incident_id", Uuid),  # the report that it came from
    Column("is_case", Boolean, nullable=False, server_default=text("false")),  # it goes with that report's case
    Column("asked_by", BigInteger, nullable=False),
    Column("volunteer_id", BigInteger),
    Column("confirmed_by", BigInteger),
    Column("body_hash", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("points BETWEEN 1 AND 10000", name="points"),
    one_of("status", ORDER_STATUSES),
    CheckConstraint("(volunteer_id IS NOT NULL) = (status IN ('accepted', 'done', 'confirmed'))", name="taken"),
    CheckConstraint("(confirmed_by IS NOT NULL) = (status = 'confirmed')", name="confirmed"),
    CheckConstraint("NOT is_case OR incident_id IS NOT NULL", name="of_case"),
    CheckConstraint("volunteer_id <> asked_by AND volunteer_id <> confirmed_by", name="persons"),
)  # fmt: skip

order_event = Table(
    "order_event",
    metadata,
    Column("order_id", ForeignKey("service_order.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("note", Text),
    Column("account_id", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

points_account = Table(
    "points_account",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("holder", ForeignKey("account.id"), unique=True),  # of a volunteer
    Column("facility", Text, unique=True),  # of a shop: its code
    Column("name", Text, nullable=False),
    Column("path", LTree, nullable=False),
    Column("balance", BigInteger, nullable=False, server_default=text("0")),  # kept by a trigger alone
    one_of("kind", ACCOUNT_KINDS),
    CheckConstraint(
        "(holder IS NOT NULL) = (kind = 'volunteer') AND (facility IS NOT NULL) = (kind = 'exchange')", name="whose"
    ),
    CheckConstraint("balance >= 0 OR kind = 'issuer'", name="balance"),
)

points_transfer = Table(  # the account that gives and the one that gets: the sum over all accounts is zero
    "points_transfer",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("debit_id", ForeignKey("points_account.id"), nullable=False),
    Column("credit_id", ForeignKey("points_account.id"), nullable=False),
    Column("amount", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("order_id", ForeignKey("service_order.id"), unique=True),
    Column("reverses", ForeignKey("points_transfer.id"), unique=True),
    Column("made_by", BigInteger, nullable=False),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("debit_id <> credit_id", name="two"),
    one_of("purpose", PURPOSES),
    CheckConstraint(
        "(order_id IS NOT NULL) = (purpose = 'award') AND (reverses IS NOT NULL) = (purpose = 'reversal')", name="why"
    ),
)
