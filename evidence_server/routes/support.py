"""What the support desk calls, with the backend's key (E12, S2)."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Any
from urllib.parse import unquote

from aiohttp import web

from evidence_server import views
from evidence_server.disk import full_disk_refused
from evidence_server.receive import SegmentUploads
from evidence_server.record import Recorder
from evidence_server.register import Register
from evidence_server.routes import models
from evidence_server.routes.access import Access
from evidence_server.routes.api import Route, answer_json, pieces
from evidence_server.settings import Settings
from evidence_server.sitting import Sitting
from evidence_server.store import Store
from evidence_server.support import Brought, Support, given, read_brought
from pairing.chain import decode_entry
from pairing.encoding import b64u
from pairing.errors import PairingError
from pairing.messages import MAX_BATCH, Link

MAX_CARRY = 16 * 2**30
REASON_HEADER = "Evidence-Reason"
"""The reason in UTF-8, percent-encoded: headers carry no other letters than ASCII's."""


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
        extension_ms = body.extension_s * 1000
        return self._see(await self._support.extend(sitting, extension_ms, body.reason, body.command))

    async def waive(self, request: web.Request, body: models.Waive) -> dict[str, Any]:
        """Sets a verdict's reason aside."""
        self._access.backend(request)
        return self._see(await self._support.waive(request.match_info["sitting"], body.code, body.reason))

    async def accept(self, request: web.Request) -> web.Response:
        """Takes a carry file, with a reason in `REASON_HEADER`: entries, then segments, then the manifest.

        Cut off anywhere, sending it again goes on: everything in it is idempotent.  An entry that is refused
        keeps nothing back of what came before it.
        """
        self._access.backend(request)
        sitting = request.match_info["sitting"]
        reason = given(_reason_of(request))
        state = await self._register.look(sitting)
        if (request.content_length or 0) > MAX_CARRY:
            raise PairingError("too_large", f"at most {MAX_CARRY} bytes")
        await self._store.require_room(2 * (request.content_length or 0))
        with tempfile.TemporaryFile(dir=self._settings.data) as file:
            digest = await self._spool(request, file)
            brought = await asyncio.to_thread(read_brought, file, state)
            await self._support.accepted(sitting, digest, reason)
            refusal: PairingError | None = None
            entries = left = 0
            try:
                entries, left = await self._commit(sitting, brought)
            except PairingError as error:
                refusal = error
            stored = await self._store_segments(sitting, brought.carry.segments())
            if refusal is not None:
                raise refusal
            listed = left == 0 and await self._take_manifest(sitting, brought)
        state = await self._register.look(sitting)
        return answer_json(
            {"stored": stored, "entries": entries, "left": left, "manifest": listed} | self._see(state)
        )

    async def _commit(self, sitting: str, brought: Brought) -> tuple[int, int]:
        """Commits the entries; gives how many, and how many a replaced phone recorded too late."""
        entries, taken, late = brought.carry.entries, 0, _Late()
        for first in range(0, len(entries), MAX_BATCH):
            batch = late.leave(entries[first : first + MAX_BATCH])
            while batch:
                try:
                    await self._recorder.commit(sitting, brought.key, batch, by="carry")
                except PairingError as refusal:
                    if not late.explains(refusal):
                        raise
                    batch = late.leave(batch)
                    await asyncio.sleep(0)  # as below
                else:
                    taken += len(batch)
                    break
            await asyncio.sleep(0)  # neither a refusal nor what is left waits for anything: others come first
        return taken, late.left

    async def _take_manifest(self, sitting: str, brought: Brought) -> bool:
        """Whether the file has a manifest that lists all that is committed by now."""
        if not brought.carry.manifest:
            return False
        try:
            await self._recorder.take_manifest(sitting, brought.key, brought.carry.manifest)
        except PairingError as refusal:
            if refusal.code not in ("chain_broken", "claims_invalid"):
                raise
            return False
        return True

    async def _store_segments(self, sitting: str, segments: Iterator[tuple[str, bytes]]) -> int:
        """Stores what is committed and missing, byte for byte what its head says; gives how many."""
        wanted: dict[tuple[str, int], list[str]] = {}
        for segment in (await self._register.look(sitting)).segments():
            if segment.stored_at_ms is None:
                wanted.setdefault((segment.sha256, segment.length), []).append(segment.name)
        stored = 0
        while (item := await asyncio.to_thread(next, segments, None)) is not None:
            sha256 = b64u(await asyncio.to_thread(_sha256, item[1]))
            for name in wanted.pop((sha256, len(item[1])), ()):
                # Durable first, then journalled: a crash in between leaves an object that the next try finds.
                await self._store.put(sitting, name, item[1])
                await self._uploads.finished(await self._uploads.of_segment(sitting, name))
                stored += 1
        return stored

    async def _spool(self, request: web.Request, file: IO[bytes]) -> str:
        """The request's body into `file`; gives its SHA-256."""
        digest, size = hashlib.sha256(), 0
        async for piece in pieces(request, self._settings.idle_body_s, MAX_CARRY):
            digest.update(piece)
            size += len(piece)
            # Who sends chunks does not say how long it is: room for this, and to store what has come so far.
            await self._store.require_room(len(piece) + size)
            with full_disk_refused():
                await asyncio.to_thread(file.write, piece)
        with full_disk_refused():
            await asyncio.to_thread(file.flush)
        return b64u(digest.digest())

    def _see(self, state: Sitting) -> dict[str, Any]:
        return views.sitting(state, self._register.now_ms(), self._settings.support_contact)


class _Late:
    """What a phone recorded while another had taken over: of each run, from which entry on."""

    def __init__(self) -> None:
        self._since: dict[int, int] = {}
        self.left = 0
        """How many entries are left out."""

    def explains(self, refusal: PairingError) -> bool:
        """Takes note of where a run is late; False if the refusal is about something else."""
        # What follows on a late entry is late as well.
        if refusal.code != "binding_replaced" and not (refusal.code == "chain_broken" and self._since):
            return False
        self._since[int(refusal.extra["run"])] = int(refusal.extra["seq"])
        return True

    def leave(self, records: Sequence[str]) -> Sequence[str]:
        """`records` without those that are late."""
        if not self._since:
            return records
        kept = [record for record in records if not self._is_late(decode_entry(record).link)]
        self.left += len(records) - len(kept)
        return kept

    def _is_late(self, link: Link) -> bool:
        since = self._since.get(link.run)
        return since is not None and link.seq >= since


def _reason_of(request: web.Request) -> str:
    """The reason that comes beside a file.  Not in the address: that would put it into every proxy's log."""
    try:
        return unquote(request.headers.get(REASON_HEADER, ""), errors="strict")
    except UnicodeDecodeError:
        raise PairingError("malformed", f"{REASON_HEADER} is UTF-8 in percent-encoding") from None


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
