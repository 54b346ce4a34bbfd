"""Reports again: grids in force between two instants, an outbox that is emptied, every second zoom of the pyramid.

Revision ID: 0005
"""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
here = Path(__file__).parent


def upgrade() -> None:
    op.get_bind().exec_driver_sql((here / "0005_up.sql").read_text("utf-8").replace("%", "%%"))


def downgrade() -> None:
    op.get_bind().exec_driver_sql((here / "0005_down.sql").read_text("utf-8").replace("%", "%%"))
