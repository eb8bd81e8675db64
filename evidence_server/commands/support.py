"""Commands of the support desk: HTTP clients of a running server, each with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote
from uuid import uuid4

import typer

from evidence_server.commands.sittings import show
from evidence_server.commands.terminal import (
    DATA,
    USAGE,
    Folder,
    Host,
    Json,
    Port,
    Reason,
    SittingId,
    call,
    console,
    fail,
    insist,
    remote_of,
)
from evidence_server.remote import RemoteError, UnreachableError
from evidence_server.settings import DEFAULT_PORT


def rebind(
    sitting: SittingId, reason: Reason, data: Folder = DATA, port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1", json_: Json = False,
) -> None:
    """Open an offer for another phone; the old one stays bound until that one is confirmed.

    While it is open, this shows it again with a fresh link and code.
    """
    body: dict[str, object] = {"reason": reason}
    remote = remote_of(data, host, port)
    state = insist(remote, f"/v1/sittings/{sitting}/rebind", body)
    offer = call(remote, "GET", f"/v1/sittings/{sitting}/offer")
    show(state | {name: offer[name] for name in ("link", "code", "address")}, json_)
    if not json_:
        for name in ("link", "code", "address"):
            console.print(f"{name}: {offer[name]}", markup=False)


def extend(
    sitting: SittingId,
    minutes: Annotated[int, typer.Option(min=1, help="How much later the deadline is.")],
    reason: Reason,
    command: Annotated[
        str, typer.Option(help="Its id, to repeat it once its answer was lost; default: a new one.")
    ] = "",
    data: Folder = DATA, port: Port = DEFAULT_PORT, host: Host = "127.0.0.1", json_: Json = False,
) -> None:
    """Move the deadline."""
    command = command or uuid4().hex
    body: dict[str, object] = {"extension_s": minutes * 60, "reason": reason, "command": command}
    remote = remote_of(data, host, port)
    try:
        state = remote.insist("POST", f"/v1/sittings/{sitting}/extend", body)
    except UnreachableError as error:
        fail(f"{error}\n不知道是否已延期，请用 --command {command} 重复同一命令。It may have been done: "
             f"repeat the same with --command {command}.", USAGE)
    except RemoteError as error:
        fail(str(error), USAGE)
    show(state, json_)


def waive(
    sitting: SittingId,
    code: Annotated[str, typer.Option(help="The verdict's reason to set aside, such as gap_too_long.")],
    reason: Reason, data: Folder = DATA, port: Port = DEFAULT_PORT, host: Host = "127.0.0.1",
    json_: Json = False,
) -> None:
    """Set a verdict's reason aside; it stays listed as waived."""
    body: dict[str, object] = {"code": code, "reason": reason}
    show(insist(remote_of(data, host, port), f"/v1/sittings/{sitting}/waive", body), json_)


def accept(
    sitting: SittingId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A carry file that the phone exported.")],
    reason: Reason, data: Folder = DATA, port: Port = DEFAULT_PORT, host: Host = "127.0.0.1",
    json_: Json = False,
) -> None:
    """Take in a carry file brought by hand."""
    if not file.is_file():
        fail(f"There is no file {file}.", USAGE)
    headers = {"Evidence-Reason": quote(reason)}
    try:
        state = remote_of(data, host, port).upload(f"/v1/sittings/{sitting}/carry", file, headers)
    except RemoteError as error:
        fail(str(error), USAGE)
    except OSError as error:
        fail(f"无法读取 {file}。{file} cannot be read: {error}", USAGE)
    show(state, json_)
    if not json_:
        told = f"accepted: {state['entries']} entries, {state['stored']} segments that were missing"
        late = f"; {state['left']} entries are of after the replacement" if state["left"] else ""
        console.print(told + late, markup=False)
