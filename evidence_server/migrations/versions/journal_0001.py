"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes them."""
    op.create_table(
        "events",
        sa.Column("sitting", sa.String(64), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("hash", sa.String(43), nullable=False),
    )
    op.create_table(
        "sittings",
        sa.Column("sitting", sa.String(64), primary_key=True),
        sa.Column("due_ms", sa.BigInteger, nullable=True, index=True),
        sa.Column("decided", sa.Boolean, nullable=False),
    )
    op.create_table(
        "names",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("sitting", sa.String(64), nullable=False),
        sa.Column("of", sa.String(64), nullable=False),
    )
    op.create_table(
        "codes",
        sa.Column("code", sa.String(16), primary_key=True),
        sa.Column("sitting", sa.String(64), nullable=False),
        sa.Column("offer", sa.String(64), nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "alive",
        sa.Column("process", sa.String(43), primary_key=True),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
    )
