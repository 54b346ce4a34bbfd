"""Incidents: routing, time limits, pauses and extensions with an approver, duplicates joined and parted again.

Revision ID: 0010
"""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"
here = Path(__file__).parent


def upgrade() -> None:
    op.get_bind().exec_driver_sql((here / "0010_up.sql").read_text("utf-8").replace("%", "%%"))


def downgrade() -> None:
    op.get_bind().exec_driver_sql((here / "0010_down.sql").read_text("utf-8").replace("%", "%%"))
