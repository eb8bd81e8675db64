"""The support desk's HTTP on a service, and carry files as a phone writes them."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from evidence_server.routes import api
from evidence_server.routes.access import Access
from evidence_server.routes.errors import refusals
from evidence_server.routes.support import SupportRoutes
from evidence_server.settings import Settings
from pairing.carry import write_carry
from pairing.chain import Chains, read_entry
from pairing.encoding import sha256_b64u
from pairing.jws import record_hash, sign
from pairing.manifest import Manifest, list_runs
from tests.sittings import Phone, Piece, Service


class Desk(TestClient[web.Request, web.Application]):
    """Use: `async with Desk(service, folder) as desk`; it asks with the backend's key."""

    def __init__(self, service: Service, folder: Path, **settings: Any) -> None:
        access = Access(service.identity, service.journal)
        routes = SupportRoutes(
            service.register, access, service.support, service.recorder, service.uploads, service.store,
            Settings.model_validate({"data": folder} | settings),
        )
        app = web.Application(middlewares=[refusals], client_max_size=api.MAX_BODY)
        api.mount(app, routes.table())
        routes.mount(app)
        self.service = service
        self.key = {"Authorization": f"Bearer {service.identity.api_key}"}
        super().__init__(TestServer(app))

    async def ask(self, sitting: str, action: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """Status and JSON of one of the desk's actions."""
        async with self.post(f"/v1/sittings/{sitting}/{action}", json=body, headers=self.key) as answer:
            return answer.status, await answer.json()

    async def accept(
        self, sitting: str, raw: bytes | AsyncIterator[bytes], reason: str = "no network at home"
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of bringing a file."""
        async with self.post(
            f"/v1/sittings/{sitting}/carry", data=raw,
            headers=self.key | {"Evidence-Reason": quote(reason)},
        ) as answer:
            return answer.status, await answer.json()


def film_alone(phone: Phone, from_s: float, to_s: float, *, piece_s: float = 5, run: int = 1) -> list[Piece]:
    """Films without any network: nothing is committed."""
    film = []
    begin = from_s
    while begin < to_s:
        film.append(phone.head(begin, min(begin + piece_s, to_s), run=run))
        begin += piece_s
        phone.service.clock.to(min(begin, to_s))
    return film


def manifest_of(phone: Phone, entries: Sequence[str], version: int = 1) -> str:
    """The phone's list of `entries`."""
    chains = Chains(phone.sitting, phone.generation, record_hash(phone.binding))
    for record in entries:
        chains.extend(read_entry(record, phone.key), record)
    body = Manifest(
        phone.sitting, phone.generation, version, list_runs(chains), phone.seen,
        phone.wall(phone.service.clock()),
    )
    return sign(phone.key, Manifest.TYP, body.to_claims())


def carry_file(
    phone: Phone, *, entries: Sequence[str] | None = None, segments: Sequence[bytes] | None = None,
    manifest: str | None = "", sitting: str = "", generation: int = 0,
) -> bytes:
    """A carry file of all the phone's pieces, but for what is said otherwise."""
    if entries is None:
        entries = [piece.record for piece in phone.pieces]
    if segments is None:
        segments = [piece.content for piece in phone.pieces]
    file = io.BytesIO()
    write_carry(
        file, sitting or phone.sitting, generation or phone.generation, entries,
        manifest_of(phone, entries) if manifest == "" else manifest,
        [(sha256_b64u(content), partial(bytes, content)) for content in segments],
    )
    return file.getvalue()
