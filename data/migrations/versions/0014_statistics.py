"""Statistics of cases.

Revision ID: 0014
"""

from pathlib import Path

from alembic import op

revision = "0014"
down_revision = "0013"
here = Path(__file__).parent


def upgrade() -> None:
    op.get_bind().exec_driver_sql((here / "0014_up.sql").read_text("utf-8").replace("%", "%%"))


def downgrade() -> None:
    op.get_bind().exec_driver_sql((here / "0014_down.sql").read_text("utf-8").replace("%", "%%"))
