"""What lies where in the data folder, and the lock that admits one process to it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from evidence_server.disk import make_folder
from pairing.errors import PairingError


class DataFolder:
    """The places of journal, objects and keys."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.keys = folder / "keys"
        self.objects = folder / "objects"
        self.journal = folder / "journal.sqlite"

    def object(self, name: str) -> Path:
        """Where the store keeps the finished object SITTING/NAME."""
        sitting, _, own = name.partition("/")
        return self.objects / sitting / "objects" / own

    def parts(self) -> list[Path]:
        """Everything that the store has begun and not finished, drafts included."""
        return sorted(self.objects.glob("*/parts/*"))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the lock.  Raises PairingError("folder_in_use")."""
        make_folder(self.root)
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise PairingError("folder_in_use", str(self.root)) from error
            yield
        finally:
            os.close(descriptor)
