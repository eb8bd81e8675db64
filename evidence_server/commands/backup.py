"""Commands that save a data folder and bring it back.

They need no server; `backup` may run beside one.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

from evidence_server.commands.terminal import (
    DATA,
    INCOMPLETE,
    USAGE,
    Folder,
    Json,
    complaints,
    console,
    fail,
    refused,
)
from pairing.errors import PairingError

if TYPE_CHECKING:
    from evidence_server.backup import BackupError
    from evidence_server.backup import Progress as Told

_SAYS = MappingProxyType({
    "no_journal": "不是数据目录。 This is no data folder.",
    "journal_unreadable": "无法读取记录库。 The journal cannot be read.",
    "no_backup": "这里没有备份。 There is no backup here.",
    "altered": "备份与当初不一致，未恢复。 The backup is not as it was made; it was not restored.",
    "keys_invalid": "密钥备份无法使用。 The backup of the keys cannot be used.",
    "not_empty": "目录不是空的，未做任何更改。 The folder is not empty; nothing was changed.",
})


def backup(
    to: Annotated[Path | None, typer.Argument(help="A folder; it may hold an earlier backup.")] = None,
    data: Folder = DATA,
    media: Annotated[bool, typer.Option("--media", help="The media, too, not the journal alone.")] = False,
    keys: Annotated[Path | None, typer.Option(help="Write all keys to this file: keep it elsewhere.")] = None,
    json_: Json = False,
) -> None:
    """Save journal and media to a folder, or the keys to a file; the server may be running.

    Exit code 1: objects are missing that the journal calls stored.
    """
    from evidence_server.backup import back_up, back_up_keys

    if to is None and keys is None:
        fail("Name a folder, or --keys FILE. 请指定目录，或 --keys 文件。", USAGE)
    told: dict[str, Any] = {}
    with _explained():
        if to is not None:
            with _shown() as progress:
                now_ms = time.time_ns() // 1_000_000
                taken = asyncio.run(back_up(data, to, media=media, now_ms=now_ms, progress=progress))
            told |= asdict(taken)
        if keys is not None:
            told |= {"keys": back_up_keys(data, keys)}
    _tell(told, json_)
    raise typer.Exit(INCOMPLETE if told.get("missing") else 0)


def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="The folder of a backup.")],
    keys: Annotated[Path, typer.Option(help="The file with the keys.")],
    data: Folder = DATA,
    json_: Json = False,
) -> None:
    """Make an empty folder a data folder again, and check it; exit code 1: something is missing."""
    from evidence_server.backup import restore as put_back

    with _explained(), _shown() as progress:
        report = asyncio.run(put_back(source, keys, data, progress))
    _tell(report, json_)
    raise typer.Exit(0 if report["fine"] else INCOMPLETE)


@contextmanager
def _explained() -> Iterator[None]:
    from evidence_server.backup import BackupError

    try:
        yield
    except PairingError as error:
        refused(error)
    except BackupError as error:
        fail(_sentence(error), USAGE)
    except OSError as error:
        fail(str(error), USAGE)


def _sentence(error: BackupError) -> str:
    return f"{_SAYS[error.code]} ({error.detail})"


@contextmanager
def _shown() -> Iterator[Told]:
    """A bar on standard error, where that is a terminal."""
    with Progress(console=complaints, transient=True, disable=not complaints.is_terminal) as bars:
        bar = bars.add_task("objects")
        yield lambda done, whole: bars.update(bar, completed=done, total=whole)


def _tell(told: dict[str, Any], json_: bool) -> None:
    if json_:
        print(json.dumps(told))
        return
    for name, value in told.items():
        console.print(f"{name}: {value}", markup=False)
