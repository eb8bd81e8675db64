"""Commands of the exam system: HTTP clients of a running server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from evidence_server.commands.terminal import (
    DATA,
    USAGE,
    Folder,
    Host,
    Json,
    Port,
    SittingId,
    call,
    console,
    fail,
    insist,
    remote_of,
    writing,
)
from evidence_server.remote import RemoteError
from evidence_server.settings import DEFAULT_PORT


def sitting(
    data: Folder = DATA,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    sitting_id: Annotated[str, typer.Option("--id", help="Opaque id; default: a random one.")] = "",
    exam: Annotated[str, typer.Option(help="The exam project, as the laptop page shows it.")] = "",
    start: Annotated[int | None, typer.Option(help="Start, ms since 1970; default: first confirm.")] = None,
    end: Annotated[int | None, typer.Option(help="End, ms since 1970; default: 4 h after the start.")] = None,
    policy: Annotated[str, typer.Option(help="JSON with what differs from the default policy.")] = "{}",
    qr: Annotated[Path | None, typer.Option(help="Write the current QR code to this .png or .svg.")] = None,
    json_: Json = False,
) -> None:
    """Create a sitting; print its link, typed code and page."""
    remote = remote_of(data, host, port)
    try:
        changes = json.loads(policy)
    except ValueError:
        fail("--policy is not JSON.", USAGE)
    body = {"exam": exam, "window": {"start_ms": start, "end_ms": end}, "policy": changes}
    created = call(remote, "POST", "/v1/sittings", body | ({"sitting_id": sitting_id} if sitting_id else {}))
    # First of all the sitting, which there is now whatever becomes of the picture.
    if json_:
        print(json.dumps(created))
    else:
        for name in ("sitting_id", "link", "code", "page_url"):
            console.print(f"{name:>11}  {created[name]}", markup=False)
    if qr is not None:
        try:
            picture = remote.read(f"/v1/sittings/{created['sitting_id']}/qr.{qr.suffix[1:]}")
        except RemoteError as error:
            fail(str(error), USAGE)
        with writing(qr):
            qr.write_bytes(picture)


def confirm(
    sitting: SittingId,
    key: Annotated[str, typer.Option(help="Thumbprint of the phone's key, as the phone shows it.")],
    data: Folder = DATA,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    json_: Json = False,
) -> None:
    """Bind the phone that waits, naming its key."""
    state = call(remote_of(data, host, port), "POST", f"/v1/sittings/{sitting}/confirm", {"key": key})
    show(state, json_)


def refuse(
    sitting: SittingId,
    key: Annotated[str, typer.Option(help="Thumbprint of the phone's key.")],
    data: Folder = DATA,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    json_: Json = False,
) -> None:
    """Turn the phone that waits away, and open a new offer."""
    state = call(remote_of(data, host, port), "POST", f"/v1/sittings/{sitting}/refuse", {"key": key})
    show(state, json_)


def end(
    sitting: SittingId,
    at: Annotated[int | None, typer.Option(help="When it ended, ms since 1970; default: now.")] = None,
    reason: Annotated[str, typer.Option(help="Why it moves: needed once there is a verdict.")] = "",
    data: Folder = DATA,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    json_: Json = False,
) -> None:
    """The exam is over: the deadline starts."""
    body: dict[str, Any] = {"at_ms": at, "reason": reason}
    show(call(remote_of(data, host, port), "POST", f"/v1/sittings/{sitting}/end", body), json_)


def publish(
    sitting: SittingId,
    reason: Annotated[str, typer.Option(help="Why now: it is kept in the journal, for good.")] = "",
    data: Folder = DATA,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    json_: Json = False,
) -> None:
    """The results are published: the phone may delete what is stored here."""
    body = {"reason": reason}
    show(insist(remote_of(data, host, port), f"/v1/sittings/{sitting}/publish", body), json_)


def state(
    sitting: SittingId, data: Folder = DATA, port: Port = DEFAULT_PORT, host: Host = "127.0.0.1",
    json_: Json = False,
) -> None:
    """Show a sitting: stage, phone, deadline, verdict."""
    show(call(remote_of(data, host, port), "GET", f"/v1/sittings/{sitting}"), json_)


def show(state: dict[str, Any], json_: bool) -> None:
    if json_:
        print(json.dumps(state))
        return
    console.print(f"stage: {state['stage']}", markup=False)
    if state["phone"]:
        counts = state["phone"]["segments"]
        console.print(
            f"segments: {counts['committed']} committed, {counts['stored']} stored, "
            f"{counts['verified']} verified"
        )
    if state["verdict"]:
        console.print(f"verdict: {state['verdict']['word']} (version {state['verdict']['version']})")


def export(
    sitting: SittingId,
    out: Annotated[Path | None, typer.Option("--out", help="Default: SITTING.bundle.zip here.")] = None,
    data: Folder = DATA,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
) -> None:
    """Write the evidence bundle: media, journal, keys and verdict in one ZIP."""
    path = out or Path(f"{sitting}.bundle.zip")
    try:
        with writing(path):
            size = remote_of(data, host, port).download(f"/v1/sittings/{sitting}/bundle", path)
    except RemoteError as error:
        fail(str(error), USAGE)
    console.print(f"{path}: {size} bytes", markup=False)
