"""The planner's workbench: life of a plan, validity of grids, lots and neighbours of units, weights of schemes.

Revision ID: 0002
"""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
here = Path(__file__).parent


def upgrade() -> None:
    op.get_bind().exec_driver_sql((here / "0002_up.sql").read_text("utf-8").replace("%", "%%"))


def downgrade() -> None:
    op.get_bind().exec_driver_sql((here / "0002_down.sql").read_text("utf-8").replace("%", "%%"))
