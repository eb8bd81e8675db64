"""What the support desk calls, with the backend's key (E12, S2)."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import zipfile
from collections.abc import Sequence
from typing import IO, Any

from aiohttp import web

from evidence_server import views
from evidence_server.receive import SegmentUploads
from evidence_server.record import Recorder
from evidence_server.register import Register
from evidence_server.routes import models
from evidence_server.routes.access import Access
from evidence_server.routes.api import Route, answer_json
from evidence_server.settings import Settings
from evidence_server.sitting import Sitting
from evidence_server.store import Store
from evidence_server.support import Support, read_brought
from pairing.encoding import b64u
from pairing.errors import PairingError
from pairing.messages import MAX_BATCH

MAX_CARRY = 16 * 2**30
MAX_REASON = 500


class SupportRoutes:
    """Handlers for the support desk."""

    def __init__(
        self, register: Register, access: Access, support: Support, recorder: Recorder,
        uploads: SegmentUploads, store: Store, settings: Settings,
    ) -> None:
        self._register = register
        self._access = access
        self._support = support
        self._recorder = recorder
        self._uploads = uploads
        self._store = store
        self._settings = settings

    def table(self) -> Sequence[Route[Any]]:
        """The operations that answer JSON to JSON."""
        one = "/v1/sittings/{sitting}"
        known = ("sitting_unknown", "wrong_stage")
        return (
            Route("POST", f"{one}/rebind", "rebind", "Open an offer for another phone", "backend",
                  models.GiveReason, models.SittingNow, self.rebind, known),
            Route("POST", f"{one}/extend", "extendDeadline", "Move the deadline", "backend", models.Extend,
                  models.SittingNow, self.extend, known),
            Route("POST", f"{one}/waive", "waive", "Set a verdict's reason aside", "backend", models.Waive,
                  models.SittingNow, self.waive, known),
        )

    def mount(self, app: web.Application) -> None:
        """Adds the operation that takes a file."""
        app.router.add_post("/v1/sittings/{sitting}/carry", self.accept)

    async def rebind(self, request: web.Request, body: models.GiveReason) -> dict[str, Any]:
        """Opens an offer for another phone."""
        self._access.backend(request)
        return self._see(await self._support.rebind(request.match_info["sitting"], body.reason))

    async def extend(self, request: web.Request, body: models.Extend) -> dict[str, Any]:
        """Moves the deadline."""
        self._access.backend(request)
        sitting = request.match_info["sitting"]
        return self._see(await self._support.extend(sitting, body.extension_s * 1000, body.reason))

    async def waive(self, request: web.Request, body: models.Waive) -> dict[str, Any]:
        """Sets a verdict's reason aside."""
        self._access.backend(request)
        return self._see(await self._support.waive(request.match_info["sitting"], body.code, body.reason))

    async def accept(self, request: web.Request) -> web.Response:
        """Takes a carry file, `?reason=…`: entries, then segments, then the manifest.

        Cut off anywhere, sending it again goes on: everything in it is idempotent.
        """
        self._access.backend(request)
        sitting, reason = request.match_info["sitting"], request.query.get("reason", "")
        if not 0 < len(reason) <= MAX_REASON:
            raise PairingError("malformed", f"a reason of 1 to {MAX_REASON} characters is needed")
        state = await self._register.look(sitting)
        await self._store.require_room(2 * (request.content_length or 0))
        with tempfile.TemporaryFile(dir=self._settings.data) as file:
            digest = await _spool(request, file)
            try:
                archive = zipfile.ZipFile(file)
            except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
                raise PairingError("carry_invalid", "not a ZIP that can be read") from error
            with archive:
                brought = await asyncio.to_thread(read_brought, archive, state)
                await self._support.accepted(sitting, digest, reason)
                entries = brought.carry.entries
                for first in range(0, len(entries), MAX_BATCH):
                    batch = entries[first : first + MAX_BATCH]
                    await self._recorder.commit(sitting, brought.key, batch, by="carry")
                stored = await self._store_segments(sitting, brought.carry.segments())
                if brought.carry.manifest:
                    await self._recorder.take_manifest(sitting, brought.key, brought.carry.manifest)
        state = await self._register.look(sitting)
        return answer_json({"stored": stored, "entries": len(entries)} | self._see(state))

    async def _store_segments(self, sitting: str, segments: Any) -> int:
        """Stores what is committed and missing, byte for byte what its head says; gives how many."""
        stored = 0
        while (item := await asyncio.to_thread(next, segments, None)) is not None:
            sha256, content = item
            if b64u(hashlib.sha256(content).digest()) != sha256:
                continue
            state = await self._register.look(sitting)
            for segment in state.segments():
                if segment.head.sha256 != sha256 or segment.stored_at_ms is not None:
                    continue
                # Durable first, then journalled: a crash in between leaves an object that the next try finds.
                if not await self._store.exists(sitting, segment.name):
                    await self._store.put(sitting, segment.name, content)
                upload = await self._uploads.of_segment(sitting, segment.name)
                await self._uploads.finished(upload)
                stored += 1
        return stored

    def _see(self, state: Sitting) -> dict[str, Any]:
        return views.sitting(state, self._register.now_ms(), self._settings.support_contact)


async def _spool(request: web.Request, file: IO[bytes]) -> str:
    """The request's body into `file`; gives its SHA-256."""
    digest, size = hashlib.sha256(), 0
    async for piece in request.content.iter_chunked(1 << 20):
        size += len(piece)
        if size > MAX_CARRY:
            raise PairingError("too_large", f"at most {MAX_CARRY} bytes")
        digest.update(piece)
        await asyncio.to_thread(file.write, piece)
    return b64u(digest.digest())
