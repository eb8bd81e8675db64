"""The chain that the phone signs is one that the protocol takes, whatever happened in between."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pairing.chain import Chains, read_entry
from pairing.jws import new_phone_key, new_server_key, record_hash, sign, verify
from pairing.manifest import Manifest
from pairing.messages import Binding, ClockSample, Head, Note
from phone_client.buffer import Buffer
from phone_client.camera import CameraError
from phone_client.clock import Instant
from phone_client.commit import SAMPLE_EVERY_MS, Signer
from phone_client.record import Recorder
from tests.phone.sources import Idle, Script, hurried_clock, pictures, record

KEY = new_phone_key()
SAMPLE = ClockSample(1_800_000_000_000, 5_000, 1_800_000_000_000, 12)


def bind(buffer: Buffer) -> None:
    claims = Binding("s_1", 1, KEY.thumbprint(), "bm9uY2U", 1).to_claims()
    record = sign(new_server_key(), Binding.TYP, claims)
    buffer.record({"fact": "bound", "sitting": "s_1", "generation": 1, "record": record})


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bound buffer with two runs of 9 s and a gap between them."""
    folder = tmp_path_factory.mktemp("two-runs")
    waiting = iter([
        Script(pictures(135, 1_000_000), CameraError("camera_lost", "unplugged")),
        last := Idle(pictures(135, 20_000_000), None),
    ])
    with Buffer(folder) as buffer:
        bind(buffer)
        recorder = Recorder(buffer, lambda: next(waiting), hurried_clock())
        record(recorder, last.exhausted)
        assert recorder.failure is None
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "buffer")


@pytest.fixture
def buffer(folder: Path) -> Iterator[Buffer]:
    with Buffer(folder) as opened:
        yield opened


def signer(buffer: Buffer, sample: ClockSample | None = SAMPLE, boot: str = "boot") -> Signer:
    return Signer(buffer, KEY, boot, lambda: sample)


def acknowledge(buffer: Buffer, names: list[str]) -> None:
    buffer.record({"fact": "acknowledged", "record": "an.acknowledge.ment", "entries": names, "uploads": {}})


@pytest.mark.parametrize("most", [1, 2, 64])
def test_the_chain_is_taken_whole_in_batches_of_any_size(buffer: Buffer, most: int) -> None:
    binding = buffer.ledger.binding or {}
    chains = Chains("s_1", 1, record_hash(binding["record"]))
    chain = signer(buffer)
    while batch := chain.sign_next(most):
        assert len(batch) <= most
        for entry in batch:
            assert entry.record is not None
            assert chains.extend(read_entry(entry.record, KEY), entry.record)
        acknowledge(buffer, [entry.name for entry in batch])
    kinds = [type(read_entry(entry.record or "", KEY)) for entry in buffer.ledger.entries()]
    assert kinds == [Head, Head, Head, Note, Note, Head, Head, Head, Note]
    record_text = chain.manifest(1_800_000_000_000)
    assert record_text is not None
    manifest = Manifest.from_claims(verify(record_text, Manifest.TYP, KEY))
    assert manifest.covers(chains)


def test_a_record_is_durable_before_it_is_given_out_and_never_made_twice(folder: Path) -> None:
    with Buffer(folder) as buffer:
        first = [entry.record for entry in signer(buffer).sign_next(4)]
    with Buffer(folder) as buffer:
        again = [entry.record for entry in signer(buffer).sign_next(64)]
        assert again[:4] == first
        assert None not in again


def test_what_the_server_has_forgotten_is_sent_again_byte_for_byte(buffer: Buffer) -> None:
    chain = signer(buffer)
    all_of_it = chain.sign_next()
    acknowledge(buffer, [entry.name for entry in all_of_it])
    assert chain.sign_next() == []
    records = [entry.record for entry in all_of_it]
    buffer.record({"fact": "uncommitted", "run": 1, "seq": 2})
    assert [entry.record for entry in chain.sign_next()] == records[2:]


def test_what_the_server_has_forgotten_has_no_receipt_any_longer(buffer: Buffer) -> None:
    chain = signer(buffer)
    heads = [entry for entry in chain.sign_next() if entry.segment]
    acknowledge(buffer, [entry.name for entry in chain.sign_next()])
    for head in heads:
        buffer.record({"fact": "receipt", "head": head.name, "record": "a.receip.t"})
    buffer.record({"fact": "manifest_sent", "version": 1}, {"fact": "uncommitted", "run": 1, "seq": 2})
    assert [entry.receipt is not None for entry in heads] == [True, True, False, False, False, False]
    assert buffer.ledger.manifest_sent == 0


def test_each_run_begins_with_a_clock_sample_and_repeats_it_in_time(buffer: Buffer) -> None:
    samples = iter([5_000, 5_000, 5_000 + SAMPLE_EVERY_MS, *[5_000 + SAMPLE_EVERY_MS] * 20])
    chain = Signer(buffer, KEY, "boot", lambda: ClockSample(1, next(samples), 1, 1))
    carried = [
        read_entry(entry.record or "", KEY).link.clock is not None for entry in chain.sign_next()
    ]
    assert carried == [True, False, True, False, True, False, False, False, False]


def test_a_sample_of_this_boot_says_nothing_of_a_run_of_another(buffer: Buffer) -> None:
    entries = signer(buffer, boot="another boot").sign_next()
    assert all(read_entry(entry.record or "", KEY).link.clock is None for entry in entries)


def test_there_is_no_manifest_before_all_is_signed_and_a_new_one_after_more(buffer: Buffer) -> None:
    chain = signer(buffer)
    assert chain.manifest(1) is None
    acknowledge(buffer, [entry.name for entry in chain.sign_next()])
    first = chain.manifest(1)
    assert first is not None
    assert chain.manifest(2) == first
    buffer.note("stop", "stopped", Instant(30_000_000, 1_800_000_000_000))
    assert chain.manifest(3) is None
    acknowledge(buffer, [entry.name for entry in chain.sign_next()])
    second = Manifest.from_claims(verify(chain.manifest(4) or "", Manifest.TYP, KEY))
    assert (second.version, second.runs[1].entries) == (2, 6)
