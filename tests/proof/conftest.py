"""One bundle for all tests of the proof: two phones, a fork, a gap, a late segment, two verdicts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pairing.errors import PairingError
from tests.proof.forgery import Contents
from tests.sittings import Exam, Service


async def _exam(service: Service) -> Exam:
    exam = await Exam.begin(service, policy={"upload_window_s": 20, "min_notice_s": 0})
    first = exam.phone
    film = await first.film(0, 20)
    fork = first.head(20, 21)
    first.pieces.remove(fork)
    run = first.runs[1]
    run.seq, run.tip, run.bytes = run.seq - 1, film[-1].name, run.bytes - len(fork.content)
    run.media_us -= 1_000_000
    await first.film(20, 25)
    with pytest.raises(PairingError, match="chain_forked"):
        await first.commit(fork.record)
    await first.commit(first.note("gap_begin", 25, "battery"))
    second = await exam.rebind(skew_ms=5_000)
    film = await second.film(33, 60)
    film[1].kept = True
    for phone in (first, second):
        await phone.upload()
    exam.clock.to(60)
    await exam.end(60)
    for phone in (first, second):
        await phone.manifest()
    exam.clock.to(80)
    await exam.settle()
    exam.clock.to(90)
    await second.upload(film[1])
    await exam.settle()
    return exam


async def _make(folder: Path) -> tuple[Path, Contents, dict[str, object]]:
    service = await Service.open(folder)
    try:
        exam = await _exam(service)
        bundle = await service.bundle(exam.sitting, folder / "one.bundle.zip")
        return bundle, Contents.read(bundle, service.identity.signing), service.identity.jwks
    finally:
        await service.close()


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Contents, dict[str, object]]:
    return asyncio.run(_make(tmp_path_factory.mktemp("proof")))


@pytest.fixture
def bundle(_made: tuple[Path, Contents, dict[str, object]]) -> Path:
    return _made[0]


@pytest.fixture
def contents(_made: tuple[Path, Contents, dict[str, object]]) -> Contents:
    return _made[1]


@pytest.fixture
def jwks(_made: tuple[Path, Contents, dict[str, object]]) -> dict[str, object]:
    return _made[2]
