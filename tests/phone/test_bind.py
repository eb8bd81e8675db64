"""Reading an offer, keeping a key, claiming."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import qrcode
from joserfc.jwk import ECKey

from pairing.codes import digits
from pairing.errors import PairingError
from pairing.jws import new_phone_key, new_server_key, sign, thumbprint
from pairing.messages import Binding
from phone_client.bind import (
    Offer,
    claim_offer,
    keep_binding,
    load_or_make_key,
    offer_from_code,
    offer_from_link,
    offer_from_picture,
)
from phone_client.buffer import Buffer
from phone_client.clock import Clock
from phone_client.server import Server
from tests.phone.fake_server import NONCE, NOW_MS, SITTING, FakeServer

TICKET = "6NdnEbXtOi7XlSJNA5Ejor7ARQTHi92tfjwOUmKebd4"


@pytest.fixture
def buffer(tmp_path: Path) -> Iterator[Buffer]:
    with Buffer(tmp_path) as opened:
        yield opened


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer().serving() as serving:
        yield serving


@pytest.mark.parametrize(
    ("link", "address"),
    [
        (f"https://exam.example/p/#t={TICKET}", "https://exam.example"),
        (f" http://127.0.0.1:8480/p/#t={TICKET}\n", "http://127.0.0.1:8480"),
        (f"https://exam.example/evidence/p/#t={TICKET}", "https://exam.example/evidence"),
    ],
)
def test_a_link_says_where_and_what(link: str, address: str) -> None:
    assert offer_from_link(link) == Offer(address, TICKET)


@pytest.mark.parametrize(
    "link",
    ["", "https://exam.example/", f"https://exam.example/q/#t={TICKET}", "https://exam.example/p/",
     f"https://exam.example/p/#x={TICKET}", f"ftp://exam.example/p/#t={TICKET}", f"/p/#t={TICKET}"],
)
def test_anything_else_is_no_binding_link(link: str) -> None:
    with pytest.raises(PairingError) as refusal:
        offer_from_link(link)
    assert refusal.value.code == "ticket_invalid"


def test_the_qr_code_is_read_from_a_picture(tmp_path: Path) -> None:
    link = f"https://exam.example/p/#t={TICKET}"
    qrcode.make(link).save(tmp_path / "qr.png")
    assert offer_from_picture(tmp_path / "qr.png") == offer_from_link(link)


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_file_that_is_no_picture_of_a_code_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "qr.png").write_bytes(content)
    with pytest.raises(PairingError) as refusal:
        offer_from_picture(tmp_path / "qr.png")
    assert refusal.value.code == "ticket_invalid"


def test_a_typed_code_is_forgiving_but_not_of_a_wrong_check_symbol() -> None:
    assert offer_from_code("0000-0000-0", "https://exam.example/").secret == "000000000"
    assert offer_from_code("oooo ooooo", "https://exam.example").server == "https://exam.example"
    with pytest.raises(PairingError) as refusal:
        offer_from_code("0000-0000-1", "https://exam.example")
    assert refusal.value.code == "code_mistyped"


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    key = load_or_make_key(tmp_path)
    assert thumbprint(load_or_make_key(tmp_path)) == thumbprint(key)
    assert (tmp_path / "phone_key.pem").stat().st_mode & 0o077 == 0
    assert isinstance(key, ECKey)
    assert key.is_private


def test_a_damaged_key_is_not_silently_replaced(tmp_path: Path) -> None:
    (tmp_path / "phone_key.pem").write_bytes(b"-----BEGIN")
    with pytest.raises(ValueError, match="holds no key"):
        load_or_make_key(tmp_path)


async def test_a_claim_is_kept_and_asked_again_gets_the_same(server: FakeServer, buffer: Buffer) -> None:
    key = load_or_make_key(buffer.folder)
    offer = offer_from_link(server.link)
    async with Server(server.base) as reached:
        first = await claim_offer(offer, reached, buffer, key, Clock())
        again = await claim_offer(offer, reached, buffer, key, Clock())
    assert dict(first) == dict(again)
    assert first["digits"] == digits(offer.secret, thumbprint(key), NONCE)
    assert buffer.ledger.claim == again


async def test_another_phone_is_told_so(server: FakeServer, buffer: Buffer) -> None:
    async with Server(server.base) as reached:
        offer = offer_from_link(server.link)
        await claim_offer(offer, reached, buffer, new_phone_key(), Clock())
        with pytest.raises(PairingError) as refusal:
            await claim_offer(offer, reached, buffer, load_or_make_key(buffer.folder), Clock())
    assert refusal.value.code == "offer_used"


async def test_only_the_pinned_server_can_bind_and_only_this_phone(
    server: FakeServer, buffer: Buffer
) -> None:
    key = load_or_make_key(buffer.folder)
    async with Server(server.base) as reached:
        claim = await claim_offer(offer_from_link(server.link), reached, buffer, key, Clock())
    mine = thumbprint(key)
    wrong = [
        sign(new_server_key(), Binding.TYP, Binding(SITTING, 1, mine, NONCE, NOW_MS).to_claims()),
        sign(server.key, Binding.TYP, Binding("s_other", 1, mine, NONCE, NOW_MS).to_claims()),
        sign(server.key, Binding.TYP, Binding(SITTING, 1, "A" * 43, NONCE, NOW_MS).to_claims()),
        sign(server.key, Binding.TYP, Binding(SITTING, 1, mine, "b3RoZXI", NOW_MS).to_claims()),
    ]
    for record in wrong:
        with pytest.raises(PairingError):
            keep_binding(buffer, claim, record)
        assert buffer.ledger.binding is None
    keep_binding(buffer, claim, server.binding())
    assert buffer.ledger.binding is not None
