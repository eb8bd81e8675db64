"""A sitting without a planned start, to which no phone came, gets its verdict all the same."""

from __future__ import annotations

from pathlib import Path

from evidence_server.proof import prove
from tests.sittings import Service, at


async def test_no_phone_ever_came(service: Service, tmp_path: Path) -> None:
    await service.binder.create("s_1", "oral", None, at(60), {})
    service.clock.to(60 + 3600)
    state = await service.settle("s_1")
    claims = state.verdicts[-1].claims
    assert (claims["word"], claims["reasons"]) == ("incomplete", [{"code": "no_recording"}])
    assert claims["required_ms"] == [at(60), at(60)]
    assert state.due_ms is None
    assert prove(await service.bundle("s_1", tmp_path / "s_1.zip"), service.identity.jwks).holds
