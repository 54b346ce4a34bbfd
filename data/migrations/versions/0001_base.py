"""Tables, indexes, scope functions, triggers, row-level security.

Revision ID: 0001
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
here = Path(__file__).parent


def upgrade() -> None:
    connection = op.get_bind()
    for name in ("0001_tables.sql", "0001_behaviour.sql"):
        connection.exec_driver_sql((here / name).read_text("utf-8").replace("%", "%%"))


def downgrade() -> None:
    op.get_bind().exec_driver_sql((here / "0001_down.sql").read_text("utf-8"))
