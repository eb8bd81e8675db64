"""Rules change: what older ones judged cannot be judged again, and need not be once it is superseded."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidence_server.proof import prove
from evidence_server.verdict import RULES
from tests.sittings import Exam, Service


async def test_a_verdict_by_older_rules(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exam = await Exam.begin(service)
    await exam.phone.film(0, 40)
    await exam.phone.upload()
    exam.clock.to(60)
    await exam.end(60)
    await exam.phone.manifest()
    with monkeypatch.context() as before_the_update:
        before_the_update.setattr("evidence_server.verdict.RULES", RULES - 1)
        assert await exam.verdict()
    newest = prove(await service.bundle(exam.sitting, tmp_path / "1.zip"), service.identity.jwks)
    assert not newest.holds
    assert [f"rules {RULES - 1}; this program knows rules {RULES}" in one.says for one in newest.findings
            if not one.holds] == [True]

    await service.support.waive(exam.sitting, "gap_too_long", "the fire alarm")
    claims = await exam.verdict()
    assert claims is not None
    assert (claims["version"], claims["rules"]) == (2, RULES)
    proof = prove(await service.bundle(exam.sitting, tmp_path / "2.zip"), service.identity.jwks)
    assert proof.holds
    assert any("1 more by older rules" in one.says for one in proof.findings)
