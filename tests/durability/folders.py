"""A data folder as a server leaves it: real journal, store and keys, with a phone that has delivered some."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from evidence_server.data_folder import DataFolder
from evidence_server.keyring import KeyRing
from evidence_server.local_store import LocalStore
from tests.sittings import Exam, Piece, Service


@dataclass
class Furnished:
    """The folder, its running service, and the phone's film: all committed, the first two segments stored."""

    folder: DataFolder
    service: Service
    exam: Exam
    film: list[Piece]

    @property
    def names(self) -> list[str]:
        """The film as objects are named."""
        return [f"{self.exam.sitting}/{piece.name}" for piece in self.film]


@asynccontextmanager
async def furnished(data: Path) -> AsyncIterator[Furnished]:
    """A service on `data` with encrypted objects, closed at the end of the block."""
    folder = DataFolder(data)
    with folder.locked():
        service = await Service.open(data)
        service.store = LocalStore(folder.objects, KeyRing(folder.keys), threads=2, keep_free_bytes=0)
        try:
            exam = await Exam.begin(service)
            film = await exam.phone.film(0, 20)
            await exam.phone.upload(*film[:2])
            yield Furnished(folder, service, exam, film)
        finally:
            await service.close()
