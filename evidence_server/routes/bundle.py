"""The evidence bundle and the raw journal, for the exam backend."""

from __future__ import annotations

from aiohttp import web

from evidence_server.bundle import export
from evidence_server.identity import Identity
from evidence_server.register import Register
from evidence_server.routes.access import Access
from evidence_server.sitting import fold
from evidence_server.store import Store
from pairing.errors import PairingError


class BundleRoutes:
    """Serves `GET /v1/sittings/{sitting}/bundle`."""

    def __init__(self, register: Register, store: Store, identity: Identity, access: Access) -> None:
        self._register = register
        self._store = store
        self._identity = identity
        self._access = access

    def mount(self, app: web.Application) -> None:
        """Adds the route."""
        app.router.add_get("/v1/sittings/{sitting}/bundle", self.bundle)

    async def bundle(self, request: web.Request) -> web.StreamResponse:
        """The bundle as of now.

        Not of the register's state, which moves on while the media streams: of a fold of its own.
        """
        self._access.backend(request)
        sitting = request.match_info["sitting"]
        events = await self._register.journal.read(sitting)
        if not events:
            raise PairingError("sitting_unknown", sitting)
        state = fold(sitting, events)
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/zip", "Cache-Control": "no-store",
                "Content-Disposition": f'attachment; filename="{sitting}.bundle.zip"',
            }
        )
        await response.prepare(request)
        async for piece in export(state, events, self._store, self._identity.signing, self._identity.jwks):
            await response.write(piece)
        await response.write_eof()
        return response
