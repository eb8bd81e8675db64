"""The journal's schema, step by step: every start brings the database up to date before anything is read.

A new step is a module in `versions` that follows the newest one; a step that was released is never changed.
`tests/operation/test_migrations.py` holds that all of them make what `evidence_server.journal` declares.
"""

from __future__ import annotations

from importlib.resources import files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from pairing.errors import PairingError

FIRST = "0001"
"""What databases have that were made before there were migrations."""


def upgrade(connection: sa.Connection) -> None:
    """Brings the database up to date within the caller's transaction: a crash leaves all of it or nothing.

    Raises PairingError("journal_newer") if a newer version of this software has written it.
    """
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(files(__name__)))
    config.attributes["connection"] = connection
    present = MigrationContext.configure(connection).get_current_revision()
    newest = ScriptDirectory.from_config(config).get_current_head()
    if present == newest:
        return
    if present is None and sa.inspect(connection).has_table("events"):
        command.stamp(config, FIRST)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise PairingError("journal_newer", f"its schema is {present}, known is {newest}") from error
