"""Where each sitting stands, beside it: counting them needs no fold."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# The newest of these events says whether a claim waits for its confirm.
_LAST_OF_PHONE = """
    SELECT kind FROM events WHERE events.sitting = sittings.sitting
    AND kind IN ('claimed', 'claim_refused', 'claim_lapsed', 'confirmed') ORDER BY seq DESC LIMIT 1
"""
_STAGE = f"""
    UPDATE sittings SET stage = CASE
        WHEN 'published' IN (SELECT kind FROM events WHERE events.sitting = sittings.sitting) THEN 'published'
        WHEN 'verdict' IN (SELECT kind FROM events WHERE events.sitting = sittings.sitting) THEN 'decided'
        WHEN ({_LAST_OF_PHONE}) = 'claimed' THEN 'claimed'
        WHEN 'ended' IN (SELECT kind FROM events WHERE events.sitting = sittings.sitting) THEN 'ended'
        WHEN 'confirmed' IN (SELECT kind FROM events WHERE events.sitting = sittings.sitting) THEN 'bound'
        ELSE 'offered'
    END
"""  # noqa: S608  (both parts are constants)


def upgrade() -> None:
    """Adds the column and fills it from the events."""
    op.add_column("sittings", sa.Column("stage", sa.String(16), nullable=False, server_default="offered"))
    op.execute(_STAGE)
