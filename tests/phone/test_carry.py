"""The carry file holds all that the server would need, in its order."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from pairing.carry import open_carry
from pairing.chain import Chains, read_entry
from pairing.encoding import sha256_b64u
from pairing.errors import PairingError
from pairing.jws import new_phone_key, new_server_key, record_hash, sign, verify
from pairing.manifest import Manifest
from pairing.messages import Binding
from phone_client.buffer import Buffer
from phone_client.carry import write_carry_file
from phone_client.clock import Clock
from phone_client.commit import Signer
from phone_client.record import Recorder
from tests.phone.sources import Idle, hurried_clock, pictures, record

KEY = new_phone_key()


def recorded(folder: Path, bound: bool) -> tuple[Buffer, Signer]:
    """A stopped run of 9 s: three segments and a note."""
    buffer = Buffer(folder)
    if bound:
        claims = Binding("s_1", 1, KEY.thumbprint(), "bm9uY2U", 1).to_claims()
        text = sign(new_server_key(), Binding.TYP, claims)
        buffer.record({"fact": "bound", "sitting": "s_1", "generation": 1, "record": text})
    source = Idle(pictures(135, 1_000_000), None)
    record(Recorder(buffer, lambda: source, hurried_clock()), source.exhausted)
    return buffer, Signer(buffer, KEY, "boot", lambda: None)


def test_it_holds_the_chain_the_manifest_and_what_has_no_receipt(tmp_path: Path) -> None:
    buffer, signer = recorded(tmp_path / "buffer", bound=True)
    with buffer:
        first = next(buffer.ledger.entries())
        signer.sign_next(1)
        buffer.record({"fact": "receipt", "head": first.name, "record": "a.receipt.record"})
        assert write_carry_file(buffer, signer, tmp_path / "carry.zip", Clock().wall_ms()) == 2
        chains = Chains("s_1", 1, record_hash((buffer.ledger.binding or {})["record"]))
        with zipfile.ZipFile(tmp_path / "carry.zip") as archive:
            carry = open_carry(archive)
            segments = dict(carry.segments())
        assert (carry.sitting, carry.generation) == ("s_1", 1)
        for line in carry.entries:
            chains.extend(read_entry(line, KEY), line)
        assert Manifest.from_claims(verify(carry.manifest or "", Manifest.TYP, KEY)).covers(chains)
        owed = [entry for entry in buffer.ledger.entries() if entry.segment][1:]
        assert segments == {sha256_b64u(raw): raw for raw in (buffer.path_of(e).read_bytes() for e in owed)}
        # What was carried is what would have been sent: nothing is signed twice.
        assert [entry.record for entry in signer.sign_next()] == list(carry.entries)


def test_all_of_it_is_what_has_a_receipt_too(tmp_path: Path) -> None:
    buffer, signer = recorded(tmp_path / "buffer", bound=True)
    with buffer:
        signer.sign_next()
        for entry in buffer.ledger.entries():
            if entry.segment:
                buffer.record({"fact": "receipt", "head": entry.name, "record": "a.receipt.record"})
        assert write_carry_file(buffer, signer, tmp_path / "none.zip", 1) == 0
        assert write_carry_file(buffer, signer, tmp_path / "all.zip", 1, everything=True) == 3


def test_half_a_file_is_not_left_behind(tmp_path: Path) -> None:
    buffer, signer = recorded(tmp_path / "buffer", bound=True)
    with buffer:
        segments = [entry for entry in buffer.ledger.entries() if entry.segment]
        buffer.path_of(segments[-1]).unlink()
        with pytest.raises(FileNotFoundError):
            write_carry_file(buffer, signer, tmp_path / "carry.zip", 1)
        assert not (tmp_path / "carry.zip").exists()


def test_nothing_is_overwritten_and_nothing_is_carried_before_the_binding(tmp_path: Path) -> None:
    buffer, signer = recorded(tmp_path / "buffer", bound=False)
    with buffer:
        with pytest.raises(PairingError) as refusal:
            write_carry_file(buffer, signer, tmp_path / "carry.zip", 1)
        assert refusal.value.code == "not_bound"
    buffer, signer = recorded(tmp_path / "another", bound=True)
    (tmp_path / "carry.zip").write_bytes(b"")
    with buffer, pytest.raises(FileExistsError):
        write_carry_file(buffer, signer, tmp_path / "carry.zip", 1)
