"""What phones call (protocol §2, §3, §5)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from evidence_server import views
from evidence_server.bind import Binder
from evidence_server.identity import Identity
from evidence_server.record import Recorder
from evidence_server.register import Register
from evidence_server.routes import models
from evidence_server.routes.access import Access
from evidence_server.routes.api import MAX_WHOLE, Route
from evidence_server.routes.origin import Origin
from evidence_server.routes.throttle import WrongCodes
from evidence_server.sitting import CLAIM_LAPSES_MS
from pairing.errors import PairingError
from pairing.jws import public_jwk

MAX_WAIT_S = 25
UPLOADS = "/uploads"

ScanProgress = Callable[[str, str], dict[str, Any] | None]
"""What a scan of a sitting has shown so far, by the hash of its note."""


class PhoneRoutes:
    """Handlers for phones."""

    def __init__(
        self, register: Register, identity: Identity, access: Access, binder: Binder, recorder: Recorder,
        origin: Origin, wrong_codes: WrongCodes, progress: ScanProgress,
    ) -> None:
        self._register = register
        self._identity = identity
        self._access = access
        self._binder = binder
        self._recorder = recorder
        self._origin = origin
        self._wrong_codes = wrong_codes
        self._progress = progress

    def table(self) -> Sequence[Route[Any]]:
        """The operations."""
        record = ("signature_invalid", "claims_invalid", "not_bound", "chain_broken", "too_large")
        return (
            Route("GET", "/v1/time", "readTime", "Read the server's clock", "open", None,
                  models.ServerTime, self.time),
            Route("POST", "/v1/claims", "claim", "Redeem a QR code or typed code", "open", models.SendClaim,
                  models.ClaimAnswer, self.claim,
                  ("ticket_invalid", "code_mistyped", "code_unknown", "offer_expired", "offer_used",
                   "signature_invalid", "claims_invalid", "wrong_stage", "throttled")),
            Route("GET", "/v1/binding", "readBinding", "Read all that concerns this phone", "phone", None,
                  models.PhoneReads, self.binding, query={
                      "wait": f"Seconds to hold the answer for news, at most {MAX_WAIT_S}; default 0.",
                      "after": "The journal's position that the phone knows; default: the newest.",
                  }),
            Route("POST", "/v1/entries", "commitEntries", "Commit heads and notes", "phone",
                  models.SendEntries, models.EntriesAnswer, self.entries,
                  (*record, "too_large", "chain_forked")),
            Route("POST", "/v1/manifests", "sendManifest", "List all that was recorded", "phone",
                  models.SendManifest, models.ManifestAnswer, self.manifest, record),
            Route("GET", "/v1/receipts/{head}", "readReceipt", "Read a stored segment's receipt", "phone",
                  None, models.ReceiptAnswer, self.receipt, ("upload_unknown", "upload_unfinished")),
        )

    async def time(self, _request: web.Request, _body: None) -> dict[str, Any]:
        """The server's clock."""
        return {"server_time_ms": self._register.now_ms()}

    async def claim(self, request: web.Request, body: models.SendClaim) -> dict[str, Any]:
        """Redeems an offer."""
        async with self._wrong_codes.trial(self._origin.address(request)) as before_typed:
            state, claim = await self._binder.claim(body.claim, before_typed)
        return {
            "sitting_id": state.id, "exam": state.exam, "stage": claim.stage, "nonce": claim.nonce,
            "digits": claim.digits, "key": claim.key,
            "bearer": self._identity.bearer(state.id, claim.key, claim.nonce),
            "server_jwk": public_jwk(self._identity.signing), "server_time_ms": self._register.now_ms(),
            "lapses_at_ms": claim.at_ms + CLAIM_LAPSES_MS, "window": views.window(state),
            "policy": json.loads(state.policy_text),
        }

    async def binding(self, request: web.Request, _body: None) -> dict[str, Any]:
        """All that concerns this phone; `wait` holds the answer until the journal is beyond `after`."""
        phone = await self._access.phone(request)
        await self._binder.lapse(phone.sitting)
        state = await self._register.look(phone.sitting)
        wait = min(_whole(request, "wait", 0), MAX_WAIT_S)
        after = _whole(request, "after", state.seq)
        if wait:
            state = await self._register.changes(phone.sitting, after, wait)
        progress = partial(self._progress, phone.sitting)
        return views.phone_reads(state, phone.key, self._register.now_ms(), progress)

    async def entries(self, request: web.Request, body: models.SendEntries) -> dict[str, Any]:
        """Commits heads and notes."""
        phone = await self._access.phone(request)
        committed = await self._recorder.commit(phone.sitting, phone.key, body.entries)
        return {
            "acknowledgement": committed.acknowledgement,
            "uploads": {head: f"{UPLOADS}/{upload}" for head, upload in committed.uploads.items()},
            "end_ms": committed.state.ended_at_ms, "server_time_ms": self._register.now_ms(),
        }

    async def manifest(self, request: web.Request, body: models.SendManifest) -> dict[str, Any]:
        """Accepts the list of all that was recorded."""
        phone = await self._access.phone(request)
        state = await self._recorder.take_manifest(phone.sitting, phone.key, body.manifest)
        return {"manifest": views.phone_reads(state, phone.key, self._register.now_ms())["manifest"]}

    async def receipt(self, request: web.Request, _body: None) -> dict[str, Any]:
        """A stored segment's receipt."""
        phone = await self._access.phone(request)
        found = (await self._register.look(phone.sitting)).find_segment(request.match_info["head"])
        if found is None or found[0].key != phone.key:
            raise PairingError("upload_unknown")
        if found[1].stored_seq is None:
            raise PairingError("upload_unfinished")
        return {"receipt": await self._register.receipt(phone.sitting, found[1])}


def _whole(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAX_WHOLE)):
        raise PairingError("malformed", f"{name} is a whole number")
    return int(text)
