"""The server's command line: `python -m evidence_server COMMAND --help`.

`serve`, `tus`, `check`, `backup` and `restore` work on a data folder; `verify` on a bundle, `scan` on a clip
and `inspect` on a recording, without server or network; all others are HTTP clients of a running server (its
key is read from the data folder).  Exit codes: 0 complete or fine, 1 incomplete or late, 2 usage, 3 cannot be
verified.
"""

from __future__ import annotations

import typer

from evidence_server.commands import backup, inspect, offline, service, sittings, support, vision

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="The evidence server. 佐证服务器。",
)
for command in (
    service.serve, service.tus, service.check, backup.backup, backup.restore,
    sittings.sitting, sittings.confirm, sittings.refuse, sittings.end, sittings.publish, sittings.state,
    sittings.export, offline.verify, vision.scan, inspect.inspect,
    support.rebind, support.extend, support.waive, support.accept,
):
    app.command()(command)

if __name__ == "__main__":
    app()
