"""Both implementations read the same vectors: this one here, JavaScript in `tests/vectors/`."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pairing import codes
from pairing.chain import Chains, RunChain, read_entry
from pairing.clock import Placement, place_by_samples, place_by_wall
from pairing.deadline import Outage, deadline_ms
from pairing.errors import PairingError
from pairing.jws import phone_key, record_hash, sign, thumbprint, verify
from pairing.manifest import ListedRun, Manifest, list_runs
from pairing.messages import ClockSample
from pairing.policy import Policy
from tests.node import node
from tests.pairing.vectors import key_of, load, read_message
from tests.vectors.make import MAKERS, path_of, text_of

HERE = Path(__file__).parents[1] / "vectors"
RECORDS, CODES, CHAINS, CLOCKS = load("records"), load("codes"), load("chains"), load("clock")
KEYS = {name: key_of(jwk) for name, jwk in RECORDS["keys"].items()}
Vector = dict[str, Any]


def each(vectors: list[Vector]) -> pytest.MarkDecorator:
    """One test for every vector, called by its name."""
    return pytest.mark.parametrize("vector", vectors, ids=[vector["name"] for vector in vectors])


@pytest.mark.parametrize("name", MAKERS)
def test_the_vectors_are_as_their_makers_make_them(name: str) -> None:
    assert path_of(name).read_text(encoding="utf-8") == text_of(name), "run: python -m tests.vectors.make"


def test_every_name_is_given_once() -> None:
    for name in MAKERS:
        for vectors in load(name).values():
            if isinstance(vectors, list):
                assert Counter(vector["name"] for vector in vectors).most_common(1)[0][1] == 1


def test_javascript_passes_the_same_vectors() -> None:
    done = subprocess.run(
        [node(), "--test", "--test-reporter=tap", HERE / "vectors.test.mjs"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    vectors = sum(len(part) for name in MAKERS for part in load(name).values() if isinstance(part, list))
    vectors += len(RECORDS["records"])  # which it reads once more as an older browser
    assert {f"# pass {vectors + len(KEYS)}", "# skipped 0", "# todo 0"} <= set(done.stdout.splitlines())


# --- records -------------------------------------------------------------------------------------


@each(RECORDS["records"])
def test_record(vector: Vector) -> None:
    if vector["outcome"] == "accepted":
        claims = verify(vector["record"], vector["typ"], KEYS[vector["key"]])
        assert claims == vector["claims"]
        assert read_message(vector["typ"], claims).to_claims() == vector["claims"]
    else:
        with pytest.raises(PairingError) as refusal:
            read_message(vector["typ"], verify(vector["record"], vector["typ"], KEYS[vector["key"]]))
        assert refusal.value.code == vector["outcome"]


@pytest.mark.parametrize("name", KEYS)
def test_thumbprints_and_what_we_sign_ourselves(name: str) -> None:
    assert thumbprint(KEYS[name]) == RECORDS["thumbprints"][name]
    assert verify(sign(KEYS[name], "test+jws", {"word": "佐证"}), "test+jws", KEYS[name]) == {"word": "佐证"}


@each(RECORDS["phone_keys"])
def test_phone_key(vector: Vector) -> None:
    if vector["outcome"] == "accepted":
        assert thumbprint(phone_key(vector["jwk"])) == vector["thumbprint"]
    else:
        with pytest.raises(PairingError) as refusal:
            phone_key(vector["jwk"])
        assert refusal.value.code == vector["outcome"]


# --- codes ---------------------------------------------------------------------------------------


@each(CODES["shown"])
def test_what_an_offer_shows(vector: Vector) -> None:
    secret, offer, now_ms = bytes.fromhex(vector["secret"]), bytes.fromhex(vector["offer"]), vector["now_ms"]
    assert codes.ticket(secret, offer, now_ms) == vector["ticket"]
    assert codes.next_ticket_ms(now_ms) == vector["next_ticket_ms"]
    assert codes.typed_code(secret, offer, now_ms) == vector["code"]
    assert codes.next_code_ms(now_ms) == vector["next_code_ms"]
    assert list(codes.valid_codes(secret, offer, now_ms)) == vector["working"]


@each(CODES["tickets"])
def test_ticket(vector: Vector) -> None:
    try:
        codes.Ticket.parse(vector["ticket"]).check(bytes.fromhex(vector["secret"]), vector["now_ms"])
        outcome = "accepted"
    except PairingError as refusal:
        outcome = refusal.code
    assert outcome == vector["outcome"]


@each(CODES["typed"])
def test_typed(vector: Vector) -> None:
    if vector["code"] is None:
        with pytest.raises(PairingError, match="code_mistyped"):
            codes.read_code(vector["typed"])
    else:
        assert codes.read_code(vector["typed"]) == vector["code"]


@each(CODES["digits"])
def test_digits(vector: Vector) -> None:
    assert codes.digits(vector["secret"], vector["key"], vector["nonce"]) == vector["digits"]


# --- chains and manifests ------------------------------------------------------------------------


@each(CHAINS["chains"])
def test_chain(vector: Vector) -> None:
    key = key_of(CHAINS["key"])
    chains = Chains(CHAINS["sitting"], CHAINS["generation"], CHAINS["binding"])
    for step in vector["steps"]:
        following: object = None
        try:
            taken = chains.extend(read_entry(step["record"], key), step["record"])
            outcome = "accepted" if taken else "duplicate"
        except PairingError as refusal:
            outcome = refusal.code
            following = refusal.extra or None
        assert (outcome, following) == (step["outcome"], step.get("next"))
    assert list_runs(chains) == tuple(ListedRun(**run) for run in vector["runs"])


@each(load("manifest")["manifests"])
def test_manifest(vector: Vector) -> None:
    runs = {
        run["run"]: RunChain(next_seq=run["entries"], tip=run["tip"], bytes=run["bytes"])
        for run in vector["committed"]
    }
    chains = Chains("s_vectors", 1, record_hash("binding"), runs=runs)
    assert Manifest.from_claims(vector["claims"]).covers(chains) is vector["covers"]


# --- times ---------------------------------------------------------------------------------------


@each(load("deadline")["deadlines"])
def test_deadline(vector: Vector) -> None:
    policy = Policy(upload_window_s=vector["upload_window_s"], min_notice_s=vector["min_notice_s"])
    assert deadline_ms(
        policy, end_ms=vector["end_ms"], notice_ms=vector["notice_ms"], extensions_ms=vector["extensions_ms"],
        outages=[Outage(begin, end) for begin, end in vector["outages"]],
    ) == vector["deadline_ms"]  # fmt: skip


@each(CLOCKS["by_samples"])
def test_placed_by_samples(vector: Vector) -> None:
    samples = [ClockSample(**sample) for sample in vector["samples"]]
    expected = vector["placement"] and Placement(**vector["placement"])
    assert place_by_samples(samples) == expected
    assert place_by_samples(reversed(samples)) == expected


@each(CLOCKS["by_wall"])
def test_placed_by_wall_clock(vector: Vector) -> None:
    samples = [ClockSample(**sample) for sample in vector["samples"]]
    expected = Placement(**vector["placement"])
    assert place_by_wall(vector["mono_ms"], vector["wall_ms"], samples) == expected
    assert place_by_wall(vector["mono_ms"], vector["wall_ms"], reversed(samples)) == expected
