"""`Store` on the local disk.

    DIR/SITTING/parts/NAME       being appended
    DIR/SITTING/objects/NAME     finished; never changed again, only released

With a key ring every file begins with a header, b"ECO1" + nonce (12 bytes, random, one per file), and
continues with AES-256-CTR under the sitting's key; the counter is the byte position / 16, so any
position can be appended or read, and a restarted part goes on in its own key stream.  The cipher gives
secrecy only: integrity is the sha256 the phone signed.  Without a key ring files are the bytes as sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
import shutil
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from evidence_server.disk import full_disk_refused, make_folder, require_room, sync_folder, write_new
from evidence_server.keyring import KeyRing, sitting_name
from evidence_server.part_file import (
    CHUNK_BYTES,
    NONCE_BYTES,
    SEALED_HEADER_BYTES,
    PartFile,
    key_stream,
    new_header,
    read_nonce,
)
from evidence_server.store import Entry, Part, Standing, Stored
from pairing.errors import PairingError

if TYPE_CHECKING:
    from hashlib import _Hash

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_PARTS, _OBJECTS = "parts", "objects"
_REMEMBERED_PARTS = 4096
_SHA256_OF_NOTHING = hashlib.sha256().hexdigest()
_T = TypeVar("_T")


class LocalStore:
    """`Store` in a folder of a local file system with hard links and an fsync that means it."""

    def __init__(
        self, folder: Path, keys: KeyRing | None, *, threads: int = 4, keep_free_bytes: int = 64 * 2**20
    ) -> None:
        """Use `folder`, made if missing.  `keys` None: no encryption (the bare `tus` command).

        `threads` wait for the disk: with a single one, syncs of different uploads queue up.
        `keep_free_bytes` of the disk are left to everything else when `require_room` is asked.
        """
        if threads < 2:
            raise ValueError("at least two threads, or one slow sync holds up everybody")
        self._folder = folder
        self._keys = keys
        self._keep_free_bytes = keep_free_bytes
        self._header_bytes = 0 if keys is None else SEALED_HEADER_BYTES
        self._known: OrderedDict[tuple[str, str], tuple[int, _Hash]] = OrderedDict()
        self._made: set[str] = set()
        make_folder(folder)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="store")

    async def run(self, work: Callable[[], _T]) -> _T:
        """Do blocking `work` in a thread, to its end.

        A cancelled caller still waits for it: otherwise its cleaning up would race with a write that is
        under way, and an offset could be told that is not what the file has.
        """
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        running = self._threads.submit(work)
        running.add_done_callback(lambda _: loop.call_soon_threadsafe(done.set))
        cancelled: asyncio.CancelledError | None = None
        while not done.is_set():
            try:
                await done.wait()
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            running.exception()
            raise cancelled
        return running.result()

    async def standing(self, sitting: str, name: str) -> Standing:
        # The file system answers this from its memory: not worth a trip to a thread.
        if not self._is(sitting, _OBJECTS, name) and not self._is(sitting, _PARTS, name):
            return Standing(False, 0, None)
        part, final = self._part_path(sitting, name), self._object_path(sitting, name)
        object_, begun = _stat(final), _stat(part)
        if object_ is not None:
            if begun is not None:
                await self.run(lambda: self._finish_linking(part, final))
            return Standing(True, object_.st_size - self._header_bytes, object_.st_mtime_ns // 1_000_000)
        if begun is None:
            return Standing(False, 0, None)
        offset = max(0, begun.st_size - self._header_bytes)
        if offset and self._known.get((sitting, name), (0,))[0] != offset:
            offset = await self.run(lambda: self._take_up(sitting, name))
        return Standing(False, offset, begun.st_mtime_ns // 1_000_000)

    @staticmethod
    def _finish_linking(part: Path, final: Path) -> None:
        # Durable before it is told: a crash may have come between the link and the folder's sync.
        sync_folder(final.parent)
        part.unlink(missing_ok=True)

    def _take_up(self, sitting: str, name: str) -> int:
        """Makes durable and hashes what an earlier process left of a part; gives its offset."""
        opened = self._open(sitting, name)
        self._shut(sitting, name, opened)
        return opened.durable

    async def part(self, sitting: str, name: str, expected_bytes: int = 0) -> Part:
        finished, begun = self._is(sitting, _OBJECTS, name), self._is(sitting, _PARTS, name)
        require_room(self._folder, expected_bytes, self._keep_free_bytes)
        if finished:
            raise FileExistsError(f"{sitting}/{name} is finished")
        opened = await self.run(lambda: self._open(sitting, name)) if begun else None
        return _LocalPart(self, sitting, name, opened)

    def _open(self, sitting: str, name: str) -> PartFile:
        with full_disk_refused():
            self._make_folders(sitting)
            key = None if self._keys is None else self._keys.key(sitting)
            return PartFile(self._part_path(sitting, name), key, self._known.pop((sitting, name), None))

    def _shut(self, sitting: str, name: str, opened: PartFile) -> None:
        opened.close()
        self._known[sitting, name] = opened.known
        while len(self._known) > _REMEMBERED_PARTS:
            self._known.popitem(last=False)

    async def put(self, sitting: str, name: str, content: bytes) -> None:
        final = self._object_path(sitting, name)

        # A leading dot is no part's name: a draft left by a crash is neither taken up nor listed.
        draft = self._folder / sitting / _PARTS / f".{secrets.token_hex(16)}"

        def write() -> None:
            with full_disk_refused():
                self._make_folders(sitting)
                header, sealed = b"", content
                if self._keys is not None:
                    header = new_header()
                    sealed = key_stream(self._keys.key(sitting), header[-NONCE_BYTES:], 0).update(content)
                try:
                    write_new(draft, header + sealed)
                    # Crash before: nothing was stored.  After it and before the sync: stored or not; the
                    # caller was not told and puts again, which syncs the folder in either case.
                    with contextlib.suppress(FileExistsError):
                        os.link(draft, final)
                    sync_folder(final.parent)
                finally:
                    draft.unlink(missing_ok=True)
            if self._read(sitting, name, 0, None) != content:
                raise FileExistsError(f"{sitting}/{name} holds other bytes")

        await self.run(write)

    async def exists(self, sitting: str, name: str) -> bool:
        return self._is(sitting, _OBJECTS, name)

    async def size(self, sitting: str, name: str) -> int:
        final = self._object_path(sitting, name)
        return await self.run(lambda: final.stat().st_size - self._header_bytes)

    async def read(self, sitting: str, name: str, offset: int = 0, length: int | None = None) -> bytes:
        self._object_path(sitting, name)
        return await self.run(lambda: self._read(sitting, name, offset, length))

    def _read(self, sitting: str, name: str, offset: int, length: int | None) -> bytes:
        if offset < 0 or (length is not None and length < 0):
            raise ValueError("offset and length are not negative")
        handle = os.open(self._object_path(sitting, name), os.O_RDONLY)
        try:
            rest = max(0, os.fstat(handle).st_size - self._header_bytes - offset)
            wanted = rest if length is None else min(rest, length)
            with open(handle, "rb", closefd=False) as file:
                file.seek(self._header_bytes + offset)
                content = file.read(wanted)
            if self._keys is None or not content:
                return content
            key = self._keys.key(sitting, create=False)
            return key_stream(key, read_nonce(handle), offset).update(content)
        finally:
            os.close(handle)

    async def chunks(
        self, sitting: str, name: str, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        end = await self.size(sitting, name)
        if length is not None:
            end = min(end, offset + length)
        while offset < end:
            piece = await self.read(sitting, name, offset, min(CHUNK_BYTES, end - offset))
            if not piece:
                raise FileNotFoundError(f"{sitting}/{name} became shorter while it was read")
            yield piece
            offset += len(piece)

    async def discard(self, sitting: str, name: str) -> None:
        part = self._part_path(sitting, name)
        self._known.pop((sitting, name), None)
        await self.run(lambda: self._remove(part))

    async def release(self, sitting: str, name: str) -> None:
        final = self._object_path(sitting, name)
        await self.run(lambda: self._remove(final))

    @staticmethod
    def _remove(path: Path) -> None:
        try:
            path.unlink()
        except FileNotFoundError:
            return
        # Crash before: it may come back, and is removed when asked again.
        sync_folder(path.parent)

    async def erase(self, sitting: str) -> None:
        folder = self._folder / sitting_name(sitting)
        for known in [known for known in list(self._known) if known[0] == sitting]:
            self._known.pop(known, None)

        def shred() -> None:
            self._made.discard(sitting)
            if self._keys is not None:
                self._keys.shred(sitting)
            # Crash before: files without a key, which nobody can read; removed when asked again.
            if folder.exists():
                shutil.rmtree(folder)
                sync_folder(self._folder)

        await self.run(shred)

    async def objects(self, sitting: str | None = None) -> list[Entry]:
        folders = self._folder / ("*" if sitting is None else sitting_name(sitting))

        def walk() -> list[Entry]:
            found = sorted(self._folder.glob(f"{folders.name}/{_OBJECTS}/*"))
            return [Entry(p.parts[-3], p.name, p.stat().st_size - self._header_bytes) for p in found]

        return await self.run(walk)

    async def require_room(self, length: int) -> None:
        # Answered from the file system's memory: not worth a trip to a thread.
        require_room(self._folder, length, self._keep_free_bytes)

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)

    def _part_path(self, sitting: str, name: str) -> Path:
        return Path(self._name(sitting, _PARTS, name))

    def _object_path(self, sitting: str, name: str) -> Path:
        return Path(self._name(sitting, _OBJECTS, name))

    def _is(self, sitting: str, kind: str, name: str) -> bool:
        """Whether there is such a file.  Mostly there is none, and asking with `stat` costs an exception."""
        return os.access(self._name(sitting, kind, name), os.F_OK)

    def _name(self, sitting: str, kind: str, name: str) -> str:
        return f"{self._folder}/{sitting_name(sitting)}/{kind}/{_object_name(name)}"

    def _make_folders(self, sitting: str) -> None:
        """Make the sitting's folders, their names durable before anything in them is promised."""
        if sitting in self._made:
            return
        folder = self._folder / sitting
        for sub in (_PARTS, _OBJECTS):
            make_folder(folder / sub)
        sync_folder(self._folder)
        self._made.add(sitting)


class _LocalPart:
    """`Part` of a `LocalStore`: each call that writes is one trip to a worker thread.

    A part that is not there yet is made in the first of them: what arrives in one go and is whole needs
    no other, and of what is refused before its first byte there is no file.
    """

    def __init__(self, store: LocalStore, sitting: str, name: str, opened: PartFile | None) -> None:
        self._store, self._sitting, self._name, self._file = store, sitting, name, opened
        self._open = True

    @property
    def written(self) -> int:
        return 0 if self._file is None else self._file.written

    @property
    def durable(self) -> int:
        return 0 if self._file is None else self._file.durable

    @property
    def sha256(self) -> str:
        return _SHA256_OF_NOTHING if self._file is None else self._file.sha256

    def _opened(self) -> PartFile:
        if self._file is None:
            self._file = self._store._open(self._sitting, self._name)
        return self._file

    async def append(self, pieces: Sequence[bytes]) -> None:
        await self._store.run(lambda: self._opened().append(pieces))

    async def sync(self, last: Sequence[bytes] = ()) -> int:
        def append_and_sync() -> None:
            file = self._opened()
            file.append(last)
            file.sync()

        if last or self._file is not None:
            await self._store.run(append_and_sync)
        return self.durable

    async def rewind(self) -> None:
        if self._file is not None:
            await self._store.run(self._file.rewind)

    async def finalise(self, last: Sequence[bytes] = (), sha256: str | None = None) -> Stored:
        final = self._store._object_path(self._sitting, self._name)

        def finish() -> Stored | None:
            file = self._opened()
            file.append(last)
            stored = Stored(file.written, file.sha256)
            if sha256 is not None and stored.sha256 != sha256:
                return None
            file.finalise(final)
            self._open = False
            file.close()
            return stored

        stored = await self._store.run(finish)
        if stored is None:
            await self.discard()
            raise PairingError("upload_hash", "not the sha256 that was declared; begin again", offset=0)
        return stored

    async def discard(self) -> None:
        await self.close()
        await self._store.discard(self._sitting, self._name)

    async def close(self) -> None:
        file, was_open, self._open = self._file, self._open, False
        if file is not None and was_open:
            await self._store.run(lambda: self._store._shut(self._sitting, self._name, file))


def _stat(path: Path) -> os.stat_result | None:
    """What the file system knows of a file; None if there is none."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _object_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not an object name: {name!r}")
    return name
