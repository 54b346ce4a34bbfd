"""What a report costs: no row locks on its category and area, a search without a sort, a lean outbox, cells under one key.

Revision ID: 0003
"""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
here = Path(__file__).parent


def upgrade() -> None:
    op.get_bind().exec_driver_sql((here / "0003_up.sql").read_text("utf-8").replace("%", "%%"))


def downgrade() -> None:
    op.get_bind().exec_driver_sql((here / "0003_down.sql").read_text("utf-8").replace("%", "%%"))
