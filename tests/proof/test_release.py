"""A release is proven like a receipt: signed by the server, and only for what is stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from joserfc.jwk import OKPKey

from evidence_server.event import Event
from evidence_server.proof import prove
from pairing.jws import read_unverified, sign
from pairing.messages import Release
from tests.proof.forgery import Contents
from tests.sittings import Exam, Service


@pytest.fixture
async def released(tmp_path: Path) -> tuple[Contents, dict[str, object]]:
    service = await Service.open(tmp_path)
    try:
        exam = await Exam.begin(service)
        await exam.phone.film(0, 8)
        await exam.phone.upload()
        exam.clock.to(8)
        await exam.end(8)
        await exam.phone.manifest()
        await exam.settle()
        await service.releaser.publish(exam.sitting, "results")
        bundle = await service.bundle(exam.sitting, tmp_path / "one.bundle.zip")
        return Contents.read(bundle, service.identity.signing), service.identity.jwks
    finally:
        await service.close()


Change = Callable[[dict[str, object]], dict[str, object]]


def rewritten(contents: Contents, change: Change, key: OKPKey) -> Contents:
    """With the release's claims changed and signed by `key`, all chained and stated again."""

    def rewrite(events: list[Event]) -> list[Event]:
        return [again(event) if event.kind == "released" else event for event in events]

    def again(event: Event) -> Event:
        body = event.fields()
        claims = dict(read_unverified(body["release"], Release.TYP)[0])
        record = sign(key, Release.TYP, change(claims))
        return replace(event, body=json.dumps(body | {"release": record}, separators=(",", ":")))

    return contents.rechained(rewrite).resigned()


async def test_a_release_holds(released: tuple[Contents, dict[str, object]], tmp_path: Path) -> None:
    contents, jwks = released
    assert any(event.kind == "released" for event in contents.events())
    assert prove(rewritten(contents, dict, contents.key).write(tmp_path / "same.zip"), jwks).holds


@pytest.mark.parametrize(
    "change",
    [
        lambda claims: claims | {"heads": [*claims["heads"], "A" * 43]},
        lambda claims: claims | {"sitting": "s_9"},
        lambda claims: claims | {"generation": 2},
    ],
    ids=["of what is not stored", "of another sitting", "of another generation"],
)
async def test_a_release_that_is_not_ours(
    released: tuple[Contents, dict[str, object]], tmp_path: Path, change: Change
) -> None:
    contents, jwks = released
    proof = prove(rewritten(contents, change, contents.key).write(tmp_path / "forged.zip"), jwks)
    assert [finding.step for finding in proof.findings if not finding.holds] == [6]


async def test_a_stranger_s_release(released: tuple[Contents, dict[str, object]], tmp_path: Path) -> None:
    contents, jwks = released
    stranger = OKPKey.generate_key("Ed25519", private=True)
    proof = prove(rewritten(contents, dict, stranger).write(tmp_path / "forged.zip"), jwks)
    assert [finding.step for finding in proof.findings if not finding.holds] == [6]
