"""The keys objects are encrypted with: one per sitting, wrapped by one master key.

Erasing a sitting is shredding its key: what remains of its objects, in a backup too, can no longer
be read.  The folder must therefore be kept out of ordinary backups.

    DIR/keys/master.key               32 random bytes, mode 0600
    DIR/keys/sittings/SITTING.key     b"ECK1" + nonce (12) + AES-256-GCM(master, key) (48)

The sitting's name is authenticated with its key (as associated data), so two key files that change
places are noticed instead of decrypting to noise.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import threading
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from evidence_server.disk import make_folder, sync_folder, write_new

KEY_BYTES = 32
_MAGIC = b"ECK1"
_NONCE_BYTES = 12
_WRAPPED_BYTES = len(_MAGIC) + _NONCE_BYTES + KEY_BYTES + 16
_SITTING = re.compile(r"[A-Za-z0-9_-]{1,64}")


class KeyUnreadableError(Exception):
    """A key file is damaged, belongs to another sitting, or was wrapped by another master key.

    For the operator: restore the `keys` folder this store was written with; nothing is overwritten.
    """


def sitting_name(sitting: str) -> str:
    """Give `sitting` back if it can safely be a file name, else raise ValueError."""
    if not _SITTING.fullmatch(sitting):
        raise ValueError(f"not a sitting id: {sitting!r}")
    return sitting


class KeyRing:
    """Keys by sitting, in `folder`.  Calls block on the disk; they may come from any thread."""

    def __init__(self, folder: Path) -> None:
        """Open or create the ring; the folder is made 0700, the master key 0600."""
        self._folder = folder / "sittings"
        self._lock = threading.Lock()
        self._known: dict[str, bytes] = {}
        make_folder(folder)
        make_folder(self._folder)
        master = folder / "master.key"
        if not master.exists():
            _write_once(master, secrets.token_bytes(KEY_BYTES))
        self._master = AESGCM(_read_exactly(master, KEY_BYTES))

    def key(self, sitting: str, create: bool = True) -> bytes:
        """The 256-bit key of `sitting`; if it has none and `create`, a new one, durable before it is used.

        Raises ValueError for a name that is no sitting id, KeyUnreadableError for a key that the master
        key does not open, or for none where `create` is false (nothing was ever stored, or it was shredded).
        """
        path = self._folder / f"{sitting_name(sitting)}.key"
        with self._lock:
            known = self._known.get(sitting)
            if known is None:
                if not path.exists():
                    if not create:
                        raise KeyUnreadableError(f"{path.name}: no such key")
                    _write_once(path, self._wrapped(sitting, secrets.token_bytes(KEY_BYTES)))
                known = self._known[sitting] = self._unwrap(sitting, path)
            return known

    def shred(self, sitting: str) -> None:
        """Destroy the key of `sitting`; doing it again changes nothing.

        The file is overwritten before it is removed.  On copy-on-write file systems and flash the old
        block may survive until the disk reuses it; there the master key's folder needs its own medium.
        """
        path = self._folder / f"{sitting_name(sitting)}.key"
        with self._lock:
            self._known.pop(sitting, None)
            try:
                handle = os.open(path, os.O_WRONLY)
            except FileNotFoundError:
                return
            try:
                os.pwrite(handle, bytes(_WRAPPED_BYTES), 0)
                os.fsync(handle)
            finally:
                os.close(handle)
            # A crash here leaves a file of zeros, which opens nothing: shredding again removes it.
            path.unlink()
            sync_folder(self._folder)

    def _wrapped(self, sitting: str, key: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _MAGIC + nonce + self._master.encrypt(nonce, key, sitting.encode("ascii"))

    def _unwrap(self, sitting: str, path: Path) -> bytes:
        wrapped = _read_exactly(path, _WRAPPED_BYTES)
        if not wrapped.startswith(_MAGIC):
            raise KeyUnreadableError(f"{path.name}: not a key file of this version")
        start = len(_MAGIC) + _NONCE_BYTES
        try:
            return self._master.decrypt(
                wrapped[len(_MAGIC) : start], wrapped[start:], sitting.encode("ascii")
            )
        except InvalidTag:
            raise KeyUnreadableError(f"{path.name}: the master key does not open it") from None


def _read_exactly(path: Path, size: int) -> bytes:
    content = path.read_bytes()
    if len(content) != size:
        raise KeyUnreadableError(f"{path.name}: {len(content)} bytes instead of {size}")
    # Whoever made the file may have crashed before its name was durable.
    sync_folder(path.parent)
    return content


def _write_once(path: Path, content: bytes) -> None:
    """Write a new file durably; if another process made it in the meantime, that one stands."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.draft")
    write_new(draft, content)
    # A crash before the link leaves a draft nobody reads; after it, the whole file.
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
