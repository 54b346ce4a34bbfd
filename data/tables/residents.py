"""Reports of residents, who have no account: the hashed tracking code, and the telephone number under seal."""

from sqlalchemy import Column, ForeignKey, Table, Text

from layers.tables import metadata, one_of

REPORT_PLACES = ("device", "grid", "community")

resident_report = Table(
    "resident_report",
    metadata,
    Column("incident_id", ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True),
    Column("code_hash", Text, nullable=False, unique=True),
    Column("place", Text, nullable=False),  # what the point is: the device's position, or the middle of an area
    one_of("place", REPORT_PLACES),
)

resident_contact = (
    Table(  # the app writes it, and reads it only through the function open_contact, which writes an audit event
        "resident_contact",
        metadata,
        Column("incident_id", ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True),
        Column("phone", Text, nullable=False),
    )
)
