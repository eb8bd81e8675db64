"""What "durable" takes on a local disk, in one place.  Everything here blocks."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pairing.errors import PairingError

RETRY_AFTER_FULL_S = 30
"""What a peer is told to wait when there is no room, in seconds."""

# EFBIG: a limit on the size of files (ulimit -f, or the file system's own).
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def full_disk_refused() -> Iterator[None]:
    """Turn "no room" from the operating system into the refusal `storage_full`; the rest stays OSError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise PairingError(
                "storage_full", errno.errorcode[error.errno], retry_after_s=RETRY_AFTER_FULL_S
            ) from error
        raise


def free_bytes(folder: Path) -> int:
    """How much more the disk of `folder` takes from us."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def require_room(folder: Path, length: int, keep_free_bytes: int) -> None:
    """Raise `storage_full` unless the disk of `folder` has `length` bytes more than are to stay free."""
    if free_bytes(folder) < length + keep_free_bytes:
        raise PairingError("storage_full", "less room than asked for", retry_after_s=RETRY_AFTER_FULL_S)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable (fsync of the directory)."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make `folder`, for its owner only, and its name durable; a folder that is there is left as it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sync_folder(folder.parent)


def write_all(handle: int, content: bytes, position: int) -> None:
    """pwrite until everything is written; a full disk writes the first bytes and fails on the rest."""
    rest = memoryview(content)
    while rest:
        written = os.pwrite(handle, rest, position)
        rest, position = rest[written:], position + written


def write_pieces(handle: int, pieces: Sequence[bytes], position: int) -> None:
    """The same for a few pieces that follow each other, without putting them together first."""
    written = os.pwritev(handle, pieces, position)
    if written < sum(map(len, pieces)):  # the disk is filling up, or a limit is near
        write_all(handle, b"".join(pieces)[written:], position + written)


def write_new(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet, mode 0600, and make its bytes (not its name) durable."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_all(handle, content, 0)
        os.fdatasync(handle)
    finally:
        os.close(handle)
