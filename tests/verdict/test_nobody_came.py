"""A sitting without a planned start, to which no phone came in time, gets its verdict all the same."""

from __future__ import annotations

from pathlib import Path

from evidence_server.proof import prove
from tests.sittings import Phone, Service, at

NOTHING = ("incomplete", [{"code": "no_recording"}, {"code": "scan_missing"}])


async def test_no_phone_ever_came(service: Service, tmp_path: Path) -> None:
    await service.binder.create("s_1", "oral", None, at(60), {})
    service.clock.to(60 + 3600)
    state = await service.settle("s_1")
    claims = state.verdicts[-1].claims
    assert (claims["word"], claims["reasons"]) == NOTHING
    assert claims["required_ms"] == [at(60), at(60)]
    assert state.due_ms is None
    assert prove(await service.bundle("s_1", tmp_path / "s_1.zip"), service.identity.jwks).holds


async def test_a_phone_that_comes_after_the_end_has_recorded_nothing(service: Service) -> None:
    service.clock.now_ms = at(0)
    await service.binder.create("s_1", "oral", None, None, {})
    service.clock.to(60)
    await service.recorder.end("s_1", at(60), "backend")
    phone = Phone(service, "s_1")
    await phone.bind()
    await phone.film(61, 81)
    await phone.upload()
    await phone.manifest()
    claims = (await service.settle("s_1")).verdicts[-1].claims
    assert (claims["word"], claims["reasons"]) == NOTHING


async def test_an_end_told_too_early_is_not_where_the_exam_began(service: Service) -> None:
    """Without a planned start the exam begins with the first phone, whatever was said before."""
    service.clock.now_ms = at(-300)
    await service.binder.create("s_1", "oral", None, None, {"checks": {"scan": "review"}})
    await service.recorder.end("s_1", at(-300), "backend")
    service.clock.to(-1)
    phone = Phone(service, "s_1")
    await phone.bind()
    begun_ms = service.clock.now_ms
    await phone.film(-1, 60)
    await phone.upload()
    service.clock.to(60)
    await service.recorder.end("s_1", at(60), "backend")
    await phone.manifest()
    claims = (await service.settle("s_1")).verdicts[-1].claims
    assert (claims["word"], claims["required_ms"]) == ("complete", [begun_ms, at(60)])
