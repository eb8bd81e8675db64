"""What the commands share: options, the two consoles, and how a refusal reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from evidence_server.remote import Remote, RemoteError
from pairing.errors import PairingError

INCOMPLETE, USAGE, UNVERIFIED = 1, 2, 3

Folder = Annotated[Path, typer.Option("--data", help="The data folder.", envvar="EVIDENCE_DATA")]
Port = Annotated[int, typer.Option("--port", help="The server's port.", envvar="EVIDENCE_PORT")]
Host = Annotated[str, typer.Option("--host", help="The server's address.", envvar="EVIDENCE_HOST")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Language = Annotated[str, typer.Option("--lang", help="zh-CN or en. 语言", envvar="EVIDENCE_LANG")]
Reason = Annotated[str, typer.Option(help="Why: it is kept in the journal, for good.")]
SittingId = Annotated[str, typer.Argument(metavar="SITTING", help="The sitting's id.")]

DATA = Path("evidence-data")
console = Console(highlight=False, soft_wrap=True)
complaints = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(text: str, code: int) -> NoReturn:
    complaints.print(text, style="red", markup=False)
    raise typer.Exit(code)


def refused(error: PairingError) -> NoReturn:
    row = error.row
    fail(f"{row.says['zh-CN']}{row.do['zh-CN']}\n{row.says['en']} {row.do['en']} ({error})", USAGE)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What keeps a file from being written, as a sentence."""
    try:
        yield
    except OSError as error:
        fail(f"无法写入 {path}。{path} cannot be written: {error}", USAGE)


def remote_of(data: Path, host: str, port: int) -> Remote:
    try:
        return Remote.of_folder(data, f"http://{host}:{port}")
    except OSError:
        fail(f"There is no key in {data / 'keys'}: name the server's data folder with --data.", USAGE)


def call(remote: Remote, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    try:
        return remote.call(method, path, body)
    except RemoteError as error:
        fail(str(error), USAGE)


def insist(remote: Remote, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Posts what is done once however often it is sent."""
    try:
        return remote.insist("POST", path, body)
    except RemoteError as error:
        fail(str(error), USAGE)
