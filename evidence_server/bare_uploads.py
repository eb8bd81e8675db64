"""What the bare tus server knows of its uploads: a log of what was declared, kept in one file.

A line a declaration, JSON: `{"id", "created_ms", "length", "metadata"}` for a new upload, `{"id",
"length"}` for one that has got its length, `{"id"}` for one that is gone.  A file each would cost an
inode, three more calls and a folder's sync an upload; in a log all that are declared while the disk is
busy become durable together.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evidence_server.disk import full_disk_refused, make_folder, sync_folder, write_all, write_new
from evidence_server.upload import Upload

KEPT_IN = "files"
"""The store's folder ("sitting") for all of them."""


class BareUploads:
    """`CreatingOwner` for the bare server.  One at a time for a folder; `close` it."""

    def __init__(self, folder: Path) -> None:
        """Read what an earlier process left in `folder`, made if missing."""
        make_folder(folder)
        path = folder / "uploads.jsonl"
        self._uploads = _uploads_in(path) if path.exists() else {}
        self._handle, self._end = self._begin(path)
        self._waiting: list[bytes] = []
        self._durable: asyncio.Future[None] | None = None
        self._writing: asyncio.Task[None] | None = None

    def _begin(self, path: Path) -> tuple[int, int]:
        """Begin the log again with the uploads there still are; gives the open file and its size."""
        lines = b"".join(_created(upload) for upload in self._uploads.values())
        draft = path.with_name(f"{path.name}.draft")
        draft.unlink(missing_ok=True)
        # Crash before the replacement: a draft that nobody reads.  After it and before the sync: the old
        # log or the new one, which say the same.
        with full_disk_refused():
            write_new(draft, lines)
            draft.replace(path)
            sync_folder(path.parent)
        return os.open(path, os.O_RDWR), len(lines)

    @property
    def ids(self) -> list[str]:
        """All uploads, finished or not."""
        return list(self._uploads)

    async def find(self, upload_id: str) -> Upload | None:
        return self._uploads.get(upload_id)

    async def finished(self, upload: Upload) -> Mapping[str, str]:
        return {}

    async def create(self, length: int | None, metadata: str, now_ms: int) -> Upload:
        upload_id = secrets.token_hex(16)
        upload = Upload(upload_id, KEPT_IN, upload_id, length, metadata=metadata, last_write_ms=now_ms)
        await self._declare(_created(upload))
        self._uploads[upload_id] = upload
        return upload

    async def set_length(self, upload: Upload, length: int) -> Upload:
        await self._declare(_line(id=upload.upload_id, length=length))
        known = self._uploads[upload.upload_id]
        self._uploads[upload.upload_id] = dataclasses.replace(known, length=length)
        return dataclasses.replace(upload, length=length)

    async def terminate(self, upload: Upload) -> None:
        await self._declare(_line(id=upload.upload_id))
        self._uploads.pop(upload.upload_id, None)

    async def _declare(self, line: bytes) -> None:
        """Append a line, durably, together with whatever else waits for the disk."""
        self._waiting.append(line)
        if self._durable is None:
            self._durable = asyncio.get_running_loop().create_future()
        durable = self._durable
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        # Shielded: all the others of the same write wait for it too.
        await asyncio.shield(durable)

    async def _write(self) -> None:
        while (durable := self._durable) is not None:
            lines, self._waiting, self._durable = b"".join(self._waiting), [], None
            try:
                await asyncio.to_thread(self._append, lines)
            except Exception as error:
                durable.set_exception(error)
                durable.exception()  # looked at: those who waited may be gone
            else:
                durable.set_result(None)
        self._writing = None

    def _append(self, lines: bytes) -> None:
        with full_disk_refused():
            try:
                # Crash here: some of these lines, the last in part, which is passed over: as if not asked.
                write_all(self._handle, lines, self._end)
                # Crash before it is durable: the same.  Nobody was told.
                os.fdatasync(self._handle)
            except BaseException:
                os.ftruncate(self._handle, self._end)
                raise
        self._end += len(lines)

    async def close(self) -> None:
        """Wait for what is being written and let go of the log."""
        if self._writing is not None:
            await self._writing
        os.close(self._handle)


def _line(**told: object) -> bytes:
    return json.dumps(told).encode() + b"\n"


def _created(upload: Upload) -> bytes:
    return _line(
        id=upload.upload_id, created_ms=upload.last_write_ms, length=upload.length, metadata=upload.metadata
    )


def _uploads_in(path: Path) -> dict[str, Upload]:
    """The uploads a log declares and does not take back."""
    uploads: dict[str, Upload] = {}
    for line in path.read_bytes().splitlines():
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:  # of a write that a crash cut short
            continue
        upload_id = told["id"]
        if "created_ms" in told:
            uploads[upload_id] = Upload(
                upload_id, KEPT_IN, upload_id, told["length"],
                metadata=told["metadata"], last_write_ms=told["created_ms"],
            )  # fmt: skip
        elif "length" in told:
            uploads[upload_id] = dataclasses.replace(uploads[upload_id], length=told["length"])
        else:
            uploads.pop(upload_id, None)
    return uploads
