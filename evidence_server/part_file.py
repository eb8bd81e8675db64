"""One file of the store on the local disk: its header, its cipher, appending and rewinding.

Everything here blocks; `local_store.LocalStore` calls it from worker threads, one call at a time per file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from evidence_server.disk import full_disk_refused, sync_folder, write_all, write_pieces
from pairing.errors import PairingError

if TYPE_CHECKING:
    from hashlib import _Hash

    from cryptography.hazmat.primitives.ciphers import CipherContext

CHUNK_BYTES = 256 * 1024
_FEW = 16

_MAGIC = b"ECO1"
NONCE_BYTES = 12
_BLOCK = 16
SEALED_HEADER_BYTES = len(_MAGIC) + NONCE_BYTES
# The counter has the 32 bits the nonce leaves; beyond them the key stream would begin again.
SEALED_MAX_BYTES = _BLOCK * 2**32


class ObjectUnreadableError(Exception):
    """A stored file is not in this store's format: damaged, or written with another setting."""


def key_stream(key: bytes, nonce: bytes, offset: int) -> CipherContext:
    """The cipher that encrypts or decrypts (in counter mode the same) from byte `offset` on."""
    stream = Cipher(AES(key), CTR(nonce + (offset // _BLOCK).to_bytes(4, "big"))).encryptor()
    stream.update(bytes(offset % _BLOCK))
    return stream


def read_nonce(handle: int) -> bytes:
    """The nonce in the header of an encrypted file."""
    header = os.pread(handle, SEALED_HEADER_BYTES, 0)
    if len(header) != SEALED_HEADER_BYTES or not header.startswith(_MAGIC):
        raise ObjectUnreadableError("no ECO1 header: damaged, or stored without encryption")
    return header[len(_MAGIC) :]


def new_header() -> bytes:
    """A header with a fresh random nonce."""
    return _MAGIC + secrets.token_bytes(NONCE_BYTES)


class PartFile:
    """A file being appended.  `written` and `durable` are byte positions without the header.

    After `rewind` the same positions are encrypted with the same key stream again.  The bytes given up
    are those that failed a checksum or did not fit on the disk, so an image of the disk from before and
    one from after would show what the transfer had damaged, not what was recorded.
    """

    def __init__(self, path: Path, key: bytes | None, known: tuple[int, _Hash] | None) -> None:
        """Open or create.  `known` is (durable, hash of it) from an earlier use by this process.

        Without it the bytes there are counted as they are: those after the last sync of a process that
        was killed may be there or not, in any amount; they are synced now, before anybody is told, and
        hashed again, so that a wrong one shows at the end against the expected sha256.
        """
        self._path = path
        self._header_bytes = 0 if key is None else SEALED_HEADER_BYTES
        self._max_bytes = None if key is None else SEALED_MAX_BYTES
        self._key, self._nonce = key, b""
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            with full_disk_refused():
                self.durable, self._hash = self._take_up(known)
        except BaseException:
            os.close(self._handle)
            raise
        self._durable_hash = self._hash.copy()
        self.written = self.durable
        self._stream = None if key is None else key_stream(key, self._nonce, self.written)

    def _take_up(self, known: tuple[int, _Hash] | None) -> tuple[int, _Hash]:
        size = os.fstat(self._handle).st_size
        begun = os.pread(self._handle, self._header_bytes, 0)
        if size < self._header_bytes or size == 0 or (begun and not any(begun)):
            # New, or a crash came before the header was whole, or written (a file system may leave zeros
            # in its place): nothing was ever acknowledged here.
            if size:
                os.ftruncate(self._handle, 0)
            if self._key is not None:
                header = new_header()
                write_all(self._handle, header, 0)
                self._nonce = header[-NONCE_BYTES:]
            self._name_durable = False
            return 0, hashlib.sha256()
        if self._key is not None:
            self._nonce = read_nonce(self._handle)
        offset = size - self._header_bytes
        if known is not None and known[0] == offset:
            self._name_durable = offset > 0  # a header alone may never have been synced
            return offset, known[1].copy()
        os.fdatasync(self._handle)
        sync_folder(self._path.parent)
        self._name_durable = True
        return offset, self._hash_again(offset)

    def _hash_again(self, end: int) -> _Hash:
        digest = hashlib.sha256()
        stream = None if self._key is None else key_stream(self._key, self._nonce, 0)
        position = 0
        while position < end:
            piece = os.pread(self._handle, min(CHUNK_BYTES, end - position), self._header_bytes + position)
            if not piece:
                raise ObjectUnreadableError(f"{self._path.name} became shorter while it was read")
            digest.update(piece if stream is None else stream.update(piece))
            position += len(piece)
        return digest

    @property
    def known(self) -> tuple[int, _Hash]:
        """What to hand to the next `PartFile` of this path, to save hashing again."""
        return self.durable, self._durable_hash

    @property
    def sha256(self) -> str:
        """Of the written bytes, lower-case hexadecimal."""
        return self._hash.hexdigest()

    def append(self, pieces: Sequence[bytes]) -> None:
        """Write after `written`.  If that fails, everything since the last sync is given up."""
        if not pieces:
            return
        if len(pieces) > _FEW:
            # Each piece costs a call that gives up the interpreter's lock: more than copying small ones.
            pieces = [b"".join(pieces)]
        size = sum(map(len, pieces))
        if self._max_bytes is not None and self.written + size > self._max_bytes:
            raise PairingError("too_large", f"an object has at most {self._max_bytes} bytes")
        with self._rewound_if_failing():
            sealed = pieces if self._stream is None else [self._stream.update(piece) for piece in pieces]
            write_pieces(self._handle, sealed, self._header_bytes + self.written)
        for piece in pieces:
            self._hash.update(piece)
        self.written += size

    def sync(self) -> None:
        """Make what is written durable, the name of the file too.

        A failed fdatasync may have dropped the pages it could not write, and the next one would report
        success: nothing since the last good one may be believed, so it is cut off.
        """
        if self.durable == self.written and self._name_durable:
            return
        with self._rewound_if_failing():
            os.fdatasync(self._handle)
            if not self._name_durable:
                sync_folder(self._path.parent)
        self._name_durable = True
        self.durable, self._durable_hash = self.written, self._hash.copy()

    @contextlib.contextmanager
    def _rewound_if_failing(self) -> Iterator[None]:
        try:
            with full_disk_refused():
                yield
        except BaseException:
            self.rewind()
            raise

    def rewind(self) -> None:
        """Give up what was written since the last sync (a failed checksum, a full disk)."""
        os.ftruncate(self._handle, self._header_bytes + self.durable)
        self.written, self._hash = self.durable, self._durable_hash.copy()
        if self._key is not None:
            self._stream = key_stream(self._key, self._nonce, self.written)

    def finalise(self, final: Path) -> None:
        """Give the bytes their final name, durably; may be repeated after a crash at any point."""
        with self._rewound_if_failing():
            # Crash before: a part with some of its tail.  The peer is told its length and goes on.
            os.fdatasync(self._handle)
        self.durable, self._durable_hash = self.written, self._hash.copy()
        with full_disk_refused():
            # Crash before: a whole part.  Its offset equals its length: finalised when next looked at.
            try:
                os.link(self._path, final)
            except FileExistsError:
                # A crash between the link and the unlink below; or other bytes: those stay as they are.
                if not os.path.samestat(os.fstat(self._handle), final.stat()):
                    raise
            # Crash before: the new name may be lost, the part is still there: linked again.
            sync_folder(final.parent)
            # Crash before: one file with two names; `LocalStore.standing` removes the part's.
            self._path.unlink(missing_ok=True)
            # Crash before the unlink is durable: the same.

    def close(self) -> None:
        """Close the file; what was not synced stays written, but promised to nobody."""
        os.close(self._handle)
