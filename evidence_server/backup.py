"""Backup and restore of a data folder: a journal and the objects it names, and apart from them the keys.

    TO/backup.json            what is in it, with lengths and hashes; written last: it makes the backup
    TO/journal-HASH.sqlite    a snapshot of the journal
    TO/objects/SITTING/NAME   media, encrypted as they lie in the store
    KEYS                      one JSON file, mode 0600, to be kept in another place

The journal is copied first and then the objects that this copy calls stored: an object never changes once it
has its name, so the pair agrees while the server goes on.  A folder may be used again: what it has is not
copied twice, and what the journal no longer names is removed.  At every moment it holds one whole backup.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import json
import os
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evidence_server.check import check_folder
from evidence_server.data_folder import DataFolder
from evidence_server.disk import full_disk_refused, sync_folder, write_new
from evidence_server.journal import Journal
from evidence_server.sitting import fold

BACKUP_FORMAT = "evidence-backup 1"
KEYS_FORMAT = "evidence-keys 1"
_MANIFEST = "backup.json"
_JOURNALS = "journal-*.sqlite"
_PIECE = 1 << 20
_DRAFT = ".draft"
_OBJECT = re.compile(r"[A-Za-z0-9_-]{1,64}/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_KEY = re.compile(r"(sittings/)?[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_UNFINISHED = (_DRAFT, ".new")

Progress = Callable[[int, int], None]
"""Told how many objects are done, of how many."""


class BackupError(Exception):
    """There is no backup, it is not as it was made, or there is something in the way.  For the operator.

    `code` is one of no_journal, journal_unreadable, no_backup, altered, keys_invalid, not_empty; `detail`
    says where."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Content:
    """One file of a backup: its length in bytes and its SHA-256, lower-case hexadecimal."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What is in a backup.  `objects` are named SITTING/NAME."""

    taken_ms: int
    journal: str
    journal_content: Content
    objects: Mapping[str, Content]

    def to_text(self) -> str:
        """As JSON."""
        told = {
            "format": BACKUP_FORMAT, "taken_ms": self.taken_ms,
            "journal": {"name": self.journal} | asdict(self.journal_content),
            "objects": {name: asdict(content) for name, content in sorted(self.objects.items())},
        }
        return json.dumps(told, indent=1) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The manifest of the backup in `folder`.  Raises BackupError("no_backup")."""
        path = folder / _MANIFEST
        try:
            told = json.loads(path.read_bytes())
            journal = told["journal"]
            objects = {name: _content(content) for name, content in told["objects"].items()}
            manifest = cls(int(told["taken_ms"]), Path(journal["name"]).name, _content(journal), objects)
            if told["format"] == BACKUP_FORMAT and all(_OBJECT.fullmatch(name) for name in objects):
                return manifest
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise BackupError("no_backup", f"{path}: {error!r}") from error
        raise BackupError("no_backup", f"{path}: not {BACKUP_FORMAT}")


def _content(told: Mapping[str, Any]) -> Content:
    return Content(int(told["bytes"]), str(told["sha256"]))


@dataclass(frozen=True)
class Taken:
    """What a backup came to; `missing` are objects that the journal calls stored and that are not there."""

    sittings: int
    objects: int
    copied: int
    copied_bytes: int
    missing: list[str]


async def back_up(data: Path, to: Path, *, media: bool, now_ms: int, progress: Progress) -> Taken:
    """Copies the journal of the data folder, and with `media` the objects it names, to the folder `to`.

    The server may be running.  Raises BackupError("no_journal", "journal_unreadable"), OSError, and
    PairingError("folder_in_use", for `to`; "storage_full"; "internal", for a damaged journal).
    """
    source = DataFolder(data)
    with DataFolder(to).locked():
        _remove_drafts(to)
        earlier = Manifest.read(to).objects if (to / _MANIFEST).exists() else {}
        draft = to / f"journal-{secrets.token_hex(8)}{_DRAFT}"
        await asyncio.to_thread(_snapshot, source.journal, draft)
        sittings, named = await _stored(draft)

        def finish() -> Taken:
            kept, copied, missing = _copy_objects(source, to, named if media else [], earlier, progress)
            if not media:
                kept = {name: earlier[name] for name in named if name in earlier}
            content = _read(draft)
            final = to / f"journal-{content.sha256[:16]}.sqlite"
            # Crash before the manifest is in its place: the earlier backup stands, what is new is in no one's
            # way.  After it: this one stands, and what is no longer needed is removed by the next.
            draft.replace(final)
            _sync_below(to)
            _write(to / _MANIFEST, Manifest(now_ms, final.name, content, kept).to_text().encode())
            _remove_unnamed(to, final.name, kept)
            return Taken(sittings, len(kept), len(copied), sum(item.bytes for item in copied), missing)

        with full_disk_refused():
            return await asyncio.to_thread(finish)


def _snapshot(journal: Path, draft: Path) -> None:
    """One consistent copy of a database that is being written to."""
    if not journal.is_file():
        raise BackupError("no_journal", str(journal))
    try:
        # rw, not ro: without a server the write-ahead log has to be opened, too; it is never created.
        source = sqlite3.connect(f"{journal.absolute().as_uri()}?mode=rw", uri=True)
        with contextlib.closing(source), contextlib.closing(sqlite3.connect(draft)) as copy:
            # All pages in one step: a writer in between would make it begin again, and again.
            source.backup(copy)
    except sqlite3.Error as error:
        raise BackupError("journal_unreadable", f"{journal}: {error}") from error


async def _stored(draft: Path) -> tuple[int, list[str]]:
    """How many sittings the copy has, and the objects it calls stored; its hash chains are checked."""
    journal, named = await Journal.open(draft), []
    try:
        sittings = await journal.sittings()
        for sitting in sittings:
            state = fold(sitting, await journal.read(sitting))
            stored = [segment.name for segment in state.segments() if segment.stored_at_ms is not None]
            named += [f"{sitting}/{name}" for name in (*stored, *sorted(state.pictures()))]
    finally:
        await journal.close()
    return len(sittings), named


def _copy_objects(
    source: DataFolder, to: Path, named: list[str], earlier: Mapping[str, Content], progress: Progress
) -> tuple[dict[str, Content], list[Content], list[str]]:
    """Everything that is there afterwards, what of it was copied now, and what could not be."""
    kept: dict[str, Content] = {}
    copied: list[Content] = []
    missing: list[str] = []
    for done, name in enumerate(named):
        progress(done, len(named))
        there = to / "objects" / name
        before = earlier.get(name)
        if before is not None and there.is_file() and there.stat().st_size == before.bytes:
            kept[name] = before
            continue
        try:
            kept[name] = _copy(source.object(name), there)
        except FileNotFoundError:
            missing.append(name)
            continue
        copied.append(kept[name])
    progress(len(named), len(named))
    return kept, copied, missing


def _copy(source: Path, to: Path, expected: Content | None = None) -> Content:
    """Copies a file, its bytes durably, its name not yet; no link, lest one bad block spoil both.

    Crash before: a draft, which the next backup removes.  Raises BackupError("altered") if it is not as
    `expected`.
    """
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reading:
        to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = to.with_name(to.name + _DRAFT)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as writing:
            while piece := reading.read(_PIECE):
                digest.update(piece)
                size += writing.write(piece)
            writing.flush()
            os.fdatasync(handle)
    content = Content(size, digest.hexdigest())
    if expected is not None and content != expected:
        raise BackupError("altered", str(source))
    draft.replace(to)
    return content


def _sync_below(folder: Path) -> None:
    """Makes all names in `folder` and in the folders below it durable."""
    for path, _, _ in os.walk(folder):
        sync_folder(Path(path))


def _write(path: Path, content: bytes) -> None:
    """A file in the place of an earlier one, durably: a crash leaves the one or the other."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}{_DRAFT}")
    write_new(draft, content)
    draft.replace(path)
    sync_folder(path.parent)


def _read(path: Path) -> Content:
    with path.open("rb") as file:
        os.fdatasync(file.fileno())
        return Content(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _remove_drafts(folder: Path) -> None:
    """What an earlier attempt left behind."""
    for draft in (*folder.glob(f"*{_DRAFT}*"), *folder.glob(f"objects/*/*{_DRAFT}")):
        draft.unlink()


def _remove_unnamed(to: Path, journal: str, kept: Mapping[str, Content]) -> None:
    """Earlier journals, and objects that this one does not name: what is erased is erased here, too."""
    for path in to.glob(_JOURNALS):
        if path.name != journal:
            path.unlink()
    for path in to.glob("objects/*/*"):
        if f"{path.parent.name}/{path.name}" not in kept:
            path.unlink()


# --- keys --------------------------------------------------------------------------------------------------


def back_up_keys(data: Path, to: Path) -> int:
    """Writes all keys of the data folder to the file `to`, mode 0600, in the place of what is there.

    Gives how many.  After the journal's backup, never before: then every sitting in it has its key here.
    Raises BackupError("no_journal") where there are none, OSError.
    """
    folder = DataFolder(data).keys
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted((*folder.glob("*"), *folder.glob("sittings/*")))
        if path.is_file() and not path.name.endswith(_UNFINISHED)
    }
    if not files:
        raise BackupError("no_journal", f"{folder}: no keys")
    told = {
        name: {"bytes": base64.b64encode(raw).decode(), "sha256": hashlib.sha256(raw).hexdigest()}
        for name, raw in files.items()
    }
    _write(to.absolute(), json.dumps({"format": KEYS_FORMAT, "files": told}, indent=1).encode())
    return len(files)


def read_keys(path: Path) -> dict[str, bytes]:
    """The files of a keys backup, by their place in the keys folder.  Raises BackupError("keys_invalid")."""
    try:
        told = json.loads(path.read_bytes())
        if told["format"] != KEYS_FORMAT:
            raise ValueError(f"not {KEYS_FORMAT}")
        files = {}
        for name, file in told["files"].items():
            files[name] = base64.b64decode(file["bytes"], validate=True)
            if not _KEY.fullmatch(name) or hashlib.sha256(files[name]).hexdigest() != file["sha256"]:
                raise ValueError(name)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
        raise BackupError("keys_invalid", f"{path}: {error!r}") from error
    return files


# --- restore -----------------------------------------------------------------------------------------------


async def restore(backup: Path, keys: Path, data: Path, progress: Progress) -> dict[str, Any]:
    """Makes the empty folder `data` a data folder again, verifying every hash; gives what `check` then says.

    Raises BackupError (nothing is there that a server would take for a journal, but the folder has to be
    emptied before the next try), PairingError("folder_in_use", "storage_full", "internal"), OSError.
    """
    manifest, files = Manifest.read(backup), read_keys(keys)
    folder = DataFolder(data)
    with folder.locked(), full_disk_refused():
        await asyncio.to_thread(_put_back, backup, manifest, files, folder, progress)
    return await check_folder(data)


def _put_back(
    backup: Path, manifest: Manifest, keys: Mapping[str, bytes], folder: DataFolder, progress: Progress
) -> None:
    if any(path.name != "lock" for path in folder.root.iterdir()):
        raise BackupError("not_empty", str(folder.root))
    for done, (name, content) in enumerate(manifest.objects.items()):
        progress(done, len(manifest.objects))
        with _known_missing(backup):
            _copy(backup / "objects" / name, folder.object(name), content)
    progress(len(manifest.objects), len(manifest.objects))
    for name, raw in keys.items():
        (folder.keys / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new(folder.keys / name, raw)
    _sync_below(folder.root)
    # Last: before it the folder is no data folder, after it a whole one.
    with _known_missing(backup):
        _copy(backup / manifest.journal, folder.journal, manifest.journal_content)
    sync_folder(folder.root)


@contextlib.contextmanager
def _known_missing(backup: Path) -> Iterator[None]:
    """A file that the manifest names and that is gone: the backup is not as it was made."""
    try:
        yield
    except FileNotFoundError as error:
        raise BackupError("altered", f"{backup}: {error.filename} is missing") from error
