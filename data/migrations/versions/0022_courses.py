"""A bulk import fills the courses as quickly into tables that were empty when last looked at.

Revision ID: 0022
"""

from pathlib import Path

from alembic import op

revision = "0022"
down_revision = "0021"
here = Path(__file__).parent


def upgrade() -> None:
    op.get_bind().exec_driver_sql((here / "0022_up.sql").read_text("utf-8"))


def downgrade() -> None:
    op.get_bind().exec_driver_sql((here / "0022_down.sql").read_text("utf-8"))
