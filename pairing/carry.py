"""The carry file: heads, notes and segments of a phone, brought by hand where its network won't (E12).

    carry.json          {"sitting", "generation"}
    entries.txt         the signed heads and notes, one a line, in the order of the phone's chain
    manifest.jws        the newest manifest, if there is one
    segments/SHA256     the media, named by its hash (base64url)

An uncompressed ZIP.  It proves as much as an upload does, for every entry is signed and chained; what it
brings was committed late, and is listed as that.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from pairing.claims import ClaimsReader
from pairing.errors import PairingError
from pairing.jws import MAX_RECORD, strict_object
from pairing.messages import MAX_SEGMENT

MAX_LINES = 50_000
_MAX_ENTRIES_BYTES = 128 * 1024 * 1024
_UNREADABLE = (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError)
"""What `zipfile` raises for a damaged entry: ValueError for a place before the file, RuntimeError if it is
encrypted or needs what Python does not know."""


def write_carry(
    to: IO[bytes], sitting: str, generation: int, entries: Iterable[str], manifest: str | None,
    segments: Iterable[tuple[str, Callable[[], bytes]]],
) -> None:
    """Writes a carry file; `segments` are (sha256, how to read the bytes), each hash once."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("carry.json", json.dumps({"sitting": sitting, "generation": generation}))
        archive.writestr("entries.txt", "".join(f"{entry}\n" for entry in entries))
        if manifest is not None:
            archive.writestr("manifest.jws", manifest)
        for sha256, read in segments:
            archive.writestr(f"segments/{sha256}", read())


@dataclass(frozen=True)
class Carry:
    """An opened carry file; nothing in it is checked but its form and sizes."""

    sitting: str
    generation: int
    entries: tuple[str, ...]
    manifest: str | None
    archive: zipfile.ZipFile

    def segments(self) -> Iterator[tuple[str, bytes]]:
        """(name, bytes) one by one; a segment that cannot be read is passed over."""
        for entry in self.archive.infolist():
            folder, _, name = entry.filename.rpartition("/")
            if folder == "segments" and entry.file_size <= MAX_SEGMENT:
                try:
                    yield name, self.archive.read(entry)
                except _UNREADABLE:
                    continue


def open_carry(archive: zipfile.ZipFile) -> Carry:
    """Reads everything but the media.  Raises PairingError("carry_invalid")."""
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
        raise PairingError("carry_invalid", "its entries must not be compressed")
    try:
        reader = ClaimsReader(strict_object(_read(archive, "carry.json", 4096)))
        sitting, generation = reader.identifier("sitting"), reader.integer("generation", 1, 999)
        reader.done()
    except PairingError as error:
        raise PairingError("carry_invalid", f"carry.json: {error.detail}") from error
    lines = _read(archive, "entries.txt", _MAX_ENTRIES_BYTES).decode("ascii", "replace").split()
    if len(lines) > MAX_LINES:
        raise PairingError("carry_invalid", f"more than {MAX_LINES} entries")
    manifest = None
    if "manifest.jws" in archive.namelist():
        manifest = _read(archive, "manifest.jws", MAX_RECORD).decode("ascii", "replace").strip()
    return Carry(sitting, generation, tuple(lines), manifest, archive)


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    try:
        if archive.getinfo(name).file_size > most:
            raise PairingError("carry_invalid", f"{name} is too large")
        return archive.read(name)
    except (KeyError, *_UNREADABLE) as error:
        raise PairingError("carry_invalid", f"{name} is missing or damaged") from error
