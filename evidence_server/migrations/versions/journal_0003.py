"""Each sitting's deadline beside it: an outage before it counts, with a verdict and without."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the column.  Of what stands there it is filled with the next event: those without a verdict are
    looked at in any case."""
    op.add_column("sittings", sa.Column("deadline_ms", sa.BigInteger, nullable=True))
