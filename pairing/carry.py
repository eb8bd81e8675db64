"""The carry file: heads, notes and segments of a phone, brought by hand where its network won't (E12).

    carry.json          {"sitting", "generation"}
    entries.txt         the signed heads and notes, one a line, in the order of the phone's chain
    manifest.jws        the newest manifest, if there is one
    segments/SHA256     the media, named by its hash (base64url)

An uncompressed ZIP without a comment that holds these names, each once, and no others.  It proves as much
as an upload does, for every entry is signed and chained; what it brings was committed late, and is listed as
that.  The candidate brings it: nothing in it may cost more than its own size to read.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from pairing.claims import ClaimsReader
from pairing.errors import PairingError
from pairing.jws import MAX_RECORD, strict_object
from pairing.messages import MAX_SEGMENT

MAX_LINES = 50_000
MAX_DIRECTORY = 8 * 1024 * 1024
"""Longest list of a file's entries, in bytes: one of 50,000 segments has some 5 MB."""
_NAMES = re.compile(r"carry\.json|entries\.txt|manifest\.jws|segments/[A-Za-z0-9_-]{43}")
_END, _END64, _LOCATOR64 = struct.Struct("<4s8xL4xH"), struct.Struct("<4s36xQ8x"), struct.Struct("<4s16x")
"""The end of a ZIP (APPNOTE 4.3.14 to 4.3.16): signature, bytes of its directory, bytes of its comment."""
_MAX_ENTRIES_BYTES = 128 * 1024 * 1024
_UNREADABLE = (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError)
"""What `zipfile` raises for a damaged entry: ValueError for a place before the file, RuntimeError if it is
encrypted or needs what Python does not know."""


def write_carry(
    to: IO[bytes], sitting: str, generation: int, entries: Iterable[str], manifest: str | None,
    segments: Iterable[tuple[str, Callable[[], bytes]]],
) -> None:
    """Writes a carry file; `segments` are (sha256, how to read the bytes), equal ones written once."""
    written: set[str] = set()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("carry.json", json.dumps({"sitting": sitting, "generation": generation}))
        archive.writestr("entries.txt", "".join(f"{entry}\n" for entry in entries))
        if manifest is not None:
            archive.writestr("manifest.jws", manifest)
        for sha256, read in segments:
            if sha256 not in written:
                written.add(sha256)
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


def open_archive(file: IO[bytes]) -> zipfile.ZipFile:
    """The ZIP in `file`.  Raises PairingError("carry_invalid")."""
    try:
        if _directory_bytes(file) > MAX_DIRECTORY:
            raise PairingError("carry_invalid", "it lists too many entries")
        return zipfile.ZipFile(file)
    except _UNREADABLE as error:
        raise PairingError("carry_invalid", "not a ZIP that can be read") from error


def _directory_bytes(file: IO[bytes]) -> int:
    """How long the list of entries says it is: `zipfile` reads it whole."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END64.size - _LOCATOR64.size - _END.size))
    tail = file.read()
    if len(tail) < _END.size:
        raise zipfile.BadZipFile("too short")
    signature, directory, comment = _END.unpack(tail[-_END.size :])
    if signature != b"PK\5\6" or comment:
        raise zipfile.BadZipFile("no end, or something behind it")
    longest: int = directory
    if len(tail) == _END64.size + _LOCATOR64.size + _END.size:
        long_signature, long_directory = _END64.unpack(tail[: _END64.size])
        if long_signature == b"PK\6\6":
            longest = max(longest, long_directory)
    return longest


def open_carry(archive: zipfile.ZipFile) -> Carry:
    """Reads everything but the media.  Raises PairingError("carry_invalid")."""
    _require_plain(archive)
    try:
        reader = ClaimsReader(strict_object(_read(archive, "carry.json", 4096)))
        sitting, generation = reader.identifier("sitting"), reader.integer("generation", 1, 999)
        reader.done()
    except PairingError as error:
        raise PairingError("carry_invalid", f"carry.json: {error.detail}") from error
    text = _read(archive, "entries.txt", _MAX_ENTRIES_BYTES).decode("ascii", "replace")
    lines = text.split(maxsplit=MAX_LINES)
    if len(lines) > MAX_LINES:
        raise PairingError("carry_invalid", f"more than {MAX_LINES} entries")
    manifest = None
    if "manifest.jws" in archive.namelist():
        manifest = _read(archive, "manifest.jws", MAX_RECORD).decode("ascii", "replace").strip()
    return Carry(sitting, generation, tuple(lines), manifest, archive)


def _require_plain(archive: zipfile.ZipFile) -> None:
    """Only known names, once each, lying side by side as they are: no entry is larger than its place."""
    entries = archive.infolist()
    names = {entry.filename for entry in entries}
    if len(names) != len(entries):
        raise PairingError("carry_invalid", "two of its entries have one name")
    if not all(_NAMES.fullmatch(name) for name in names):
        raise PairingError("carry_invalid", "it holds something else than entries, manifest and segments")
    if any(
        entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size
        for entry in entries
    ):
        raise PairingError("carry_invalid", "its entries must not be compressed")
    if sum(entry.file_size for entry in entries) > archive.start_dir:
        raise PairingError("carry_invalid", "its entries overlap")


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    try:
        if archive.getinfo(name).file_size > most:
            raise PairingError("carry_invalid", f"{name} is too large")
        return archive.read(name)
    except (KeyError, *_UNREADABLE) as error:
        raise PairingError("carry_invalid", f"{name} is missing or damaged") from error
