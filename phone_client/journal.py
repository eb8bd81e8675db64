"""The phone's journal: facts in JSON lines, appended and synced, never rewritten.

One line is one list of facts that become true together: a crash leaves all of them or none, because a
last line without its end is cut off when the journal is opened again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phone_client.ledger import Fact


class JournalError(Exception):
    """A line before the last can't be read: the file was changed by something else than a crash."""


def sync_directory(folder: Path) -> None:
    """Make names created or removed in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Journal:
    """The open file.  Only the holder of the buffer's lock may open it."""

    def __init__(self, path: Path) -> None:
        """Reads what is there and cuts a torn last line off.  Raises JournalError, OSError."""
        created = not path.exists()
        # The bearer of the binding stands in it.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(handle, "ab", buffering=0)
        try:
            if created:
                sync_directory(path.parent)
            self.facts = self._read(path)
        except BaseException:
            self._file.close()
            raise

    def _read(self, path: Path) -> list[Fact]:
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            # Crash while appending: these facts never became true for anyone.
            self._file.truncate(whole)
            os.fsync(self._file.fileno())
        facts: list[Fact] = []
        for number, line in enumerate(content[:whole].splitlines(), 1):
            try:
                batch: list[dict[str, Any]] = json.loads(line)
                facts.extend(batch)
            except (ValueError, TypeError) as error:
                raise JournalError(f"line {number} can't be read") from error
        return facts

    def append(self, facts: Sequence[Fact]) -> None:
        """Make `facts` durable, all or none.  Raises OSError; the journal is then as it was before."""
        line = json.dumps([dict(fact) for fact in facts], separators=(",", ":"), ensure_ascii=False)
        raw = line.encode() + b"\n"
        before = os.fstat(self._file.fileno()).st_size
        try:
            if self._file.write(raw) != len(raw):
                raise OSError("the journal was written only in part")
            os.fdatasync(self._file.fileno())
        except OSError:
            # A half-written line must not stay in front of the next one.
            self._file.truncate(before)
            raise

    def close(self) -> None:
        """Close the file; everything appended is durable already."""
        self._file.close()
