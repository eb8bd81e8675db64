"""Commands that work on a data folder: serve, tus, check.

What each needs is imported by it alone: all of it takes a second, and most commands are only HTTP clients.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from evidence_server.commands.terminal import (
    DATA,
    INCOMPLETE,
    USAGE,
    Folder,
    Host,
    Json,
    Port,
    console,
    fail,
    refused,
)
from evidence_server.data_folder import DataFolder
from evidence_server.logs import log_to_stderr
from evidence_server.settings import DEFAULT_PORT, Settings
from pairing.errors import PairingError


@contextmanager
def starting() -> Iterator[None]:
    """What keeps a server from starting (a setting, the port, the folder), as a sentence."""
    says = "服务器无法启动。The server cannot start:"
    try:
        yield
    except PairingError as error:
        refused(error)
    except ValidationError as error:
        wrong = (f"EVIDENCE_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors())
        fail("\n".join((says, *wrong)), USAGE)
    except OSError as error:
        fail(f"{says} {error}", USAGE)


def serve(
    data: Folder = DATA,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    public_url: Annotated[str, typer.Option(help="The address that phones and laptops use.")] = "",
    lan: Annotated[
        bool, typer.Option("--lan", help="Try it with your own phone, in the same Wi-Fi.")
    ] = False,
    address: Annotated[
        list[str] | None, typer.Option(help="With --lan: this machine's address there, if it is not found.")
    ] = None,
) -> None:
    """Serve until SIGTERM; everything else can be set as EVIDENCE_… (see the README)."""
    from evidence_server.app import serve as run_server

    flags: dict[str, Any] = {"data": data, "port": port, "host": host}
    with starting():
        settings = Settings(**flags | ({"public_url": public_url} if public_url else {}))
        log_to_stderr(settings.log_level)
        if lan:
            from evidence_server.commands.lan import serve_lan

            serve_lan(settings, tuple(address or ()))
        else:
            asyncio.run(run_server(settings, lambda url: console.print(f"serving at {url}")))


def tus(data: Folder = DATA, port: Port = DEFAULT_PORT, host: Host = "127.0.0.1") -> None:
    """Serve bare tus 1.0 at /files/ until SIGTERM, for interoperability tests and benchmarks.

    Nobody is asked who they are: never to be reached from outside.
    """
    # Another program in this process: what these commands have loaded would be a third of its memory.
    program = [sys.executable, "-m", "evidence_server.bare_tus", str(data), host, str(port)]
    os.execv(sys.executable, program)  # noqa: S606 - our own program, and no shell is wanted


def check(data: Folder = DATA, json_: Json = False) -> None:
    """Compare journal, store and hashes of a data folder that no server is using."""
    from evidence_server.check import check_folder

    if not DataFolder(data).journal.is_file():
        fail(f"{data} 不是数据目录。{data} is no data folder: there is no journal in it.", USAGE)
    try:
        report = asyncio.run(check_folder(data))
    except PairingError as error:
        refused(error)
    if json_:
        print(json.dumps(report))
    else:
        for name, value in report.items():
            console.print(f"{name}: {value}", markup=False)
    raise typer.Exit(0 if report["fine"] else INCOMPLETE)
