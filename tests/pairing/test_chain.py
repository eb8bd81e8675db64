"""Chains of any runs in any order, layers over them, and the manifests that list them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairing.chain import Chains, RunChain, decode_entry, read_entry
from pairing.errors import PairingError
from pairing.jws import record_hash
from pairing.manifest import ListedRun, Manifest, list_runs
from pairing.messages import Head, Note
from tests.pairing.entries import BINDING, SITTING, head, new_chains, note, relinked, take, text_of
from tests.pairing.vectors import key_of
from tests.vectors.claims import EXAMPLES
from tests.vectors.signing import OTHER_PHONE, PHONE, SERVER

# What a phone may send next: an entry of a run, a segment (with its length) or a note.
STEPS = st.lists(st.tuples(st.integers(1, 4), st.none() | st.integers(1, 5_000)), max_size=25)
Steps = list[tuple[int, int | None]]
PHONE_KEY = key_of({**PHONE.public_jwk})


def told(steps: Steps, chains: Chains | None = None) -> Chains:
    """The chains after `steps`."""
    chains = new_chains() if chains is None else chains
    for run, length in steps:
        take(chains, note(chains, run) if length is None else head(chains, run, length))
    return chains


def content(chains: Chains) -> tuple[dict[int, RunChain], set[str]]:
    return dict(chains.runs), set(chains.known)


@given(STEPS)
def test_runs_are_numbered_without_holes_and_count_their_bytes(steps: Steps) -> None:
    chains = told(steps)
    for run in {run for run, _ in steps}:
        lengths = [length for of, length in steps if of == run]
        assert chains.runs[run].next_seq == len(lengths)
        assert chains.runs[run].bytes == sum(length or 0 for length in lengths)
        assert chains.runs[run].tip in chains.known
    assert chains.entries == len(chains.known) - 1 == len(steps)


@given(STEPS, STEPS)
def test_a_trial_leaves_the_base_untouched_and_says_what_it_would_become(first: Steps, more: Steps) -> None:
    base = told(first)
    before = content(base)
    trial = told(more, base.trial())
    assert content(base) == before
    assert content(trial) == content(told(first + more))
    assert content(told(more, base)) == content(trial)


@given(STEPS, STEPS, STEPS)
def test_a_trial_of_a_trial_leaves_both_untouched(first: Steps, second: Steps, third: Steps) -> None:
    base = told(first)
    trial = told(second, base.trial())
    before = content(base), content(trial)
    told(third, trial.trial())
    assert (content(base), content(trial)) == before


@given(STEPS.filter(bool), st.data())
def test_what_is_refused_changes_nothing(steps: Steps, data: st.DataObject) -> None:
    chains = told(steps)
    run = data.draw(st.sampled_from(sorted(chains.runs)))
    seq = chains.runs[run].next_seq
    good = head(chains, run)
    elsewhere = record_hash("nobody sent this")
    wrong = {
        "chain_broken": [
            relinked(good, seq=seq + 1), relinked(good, prev=elsewhere),
            relinked(good, run=99, seq=0, prev=elsewhere),
        ],
        "chain_forked": [relinked(good, seq=data.draw(st.integers(0, seq - 1)))],
        "claims_invalid": [
            replace(good, offset=good.offset + 1),
            relinked(good, sitting="s_other"), relinked(good, generation=2),
        ],
    }  # fmt: skip
    before = content(chains)
    for code, entries in wrong.items():
        for entry in entries:
            with pytest.raises(PairingError) as refusal:
                chains.extend(entry, text_of(entry))
            assert refusal.value.code == code
            assert content(chains) == before
    take(chains, good)


@given(STEPS.filter(bool), st.data())
def test_what_stands_is_taken_again_without_effect(steps: Steps, data: st.DataObject) -> None:
    chains = new_chains()
    sent = []
    for run, length in steps:
        sent.append(note(chains, run) if length is None else head(chains, run, length))
        take(chains, sent[-1])
    before = content(chains)
    entry = data.draw(st.sampled_from(sent))
    assert chains.extend(entry, text_of(entry)) is False
    assert chains.trial().extend(entry, text_of(entry)) is False
    assert content(chains) == before


@given(STEPS.filter(bool), st.data())
def test_a_run_may_begin_behind_any_record_known_and_no_other(steps: Steps, data: st.DataObject) -> None:
    chains = told(steps)
    first = relinked(note(chains, 9), prev=data.draw(st.sampled_from(sorted(chains.known))))
    take(chains.trial(), first)
    with pytest.raises(PairingError, match="chain_broken"):
        take(chains, relinked(first, prev=""))
    with pytest.raises(PairingError, match="chain_broken"):
        take(chains, relinked(first, prev=record_hash(text_of(first))))


def test_a_fork_names_its_place() -> None:
    chains = told([(3, 10)])
    first = chains.runs[3].tip
    told([(3, None), (3, 10)], chains)
    other = relinked(head(chains, 3), seq=1, prev=first)
    with pytest.raises(PairingError) as refusal:
        chains.extend(other, text_of(other))
    assert (refusal.value.code, refusal.value.extra) == ("chain_forked", {"run": 3, "seq": 1})


def test_the_monotonic_clock_of_a_run_never_goes_back() -> None:
    chains = told([(1, 10)])
    same = replace(head(chains, 1), mono_ms=(chains.runs[1].mono_ms, chains.runs[1].mono_ms))
    take(chains.trial(), same)
    with pytest.raises(PairingError, match="claims_invalid"):
        take(chains, replace(same, mono_ms=(same.mono_ms[0] - 1, same.mono_ms[1])))


# --- signed entries ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Head, Note])
def test_an_entry_is_read_by_its_kind(kind: type[Head | Note]) -> None:
    claims = EXAMPLES[kind.TYP][1]
    record = PHONE.record(kind.TYP, claims)
    entry = read_entry(record, PHONE_KEY)
    assert type(entry) is kind
    assert entry.to_claims() == claims
    assert decode_entry(record) == entry


@pytest.mark.parametrize(
    "record",
    [
        PHONE.record("evidence-manifest+jws", EXAMPLES["evidence-manifest+jws"][1]),
        SERVER.record("evidence-ack+jws", EXAMPLES["evidence-ack+jws"][1]),
        OTHER_PHONE.record("evidence-note+jws", EXAMPLES["evidence-note+jws"][1]),
        PHONE.compact(b'{"alg":"ES256"}', b"{}"),
        PHONE.compact(b"[]", b"{}"),
        "a.b.c", "..", "", "\ud800",
    ],
    ids=["manifest", "acknowledgement", "other phone", "no typ", "list", "no JSON", "dots", "empty", "half"],
)  # fmt: skip
def test_what_is_no_entry_of_this_phone(record: str) -> None:
    with pytest.raises(PairingError, match="signature_invalid"):
        read_entry(record, PHONE_KEY)


# --- manifests -----------------------------------------------------------------------------------


def manifest(runs: tuple[ListedRun, ...]) -> Manifest:
    return Manifest(SITTING, 1, 1, runs, BINDING, 0)


@given(STEPS)
def test_the_list_of_what_is_held_covers_it(steps: Steps) -> None:
    chains = told(steps)
    listed = manifest(list_runs(chains))
    assert listed.covers(chains)
    assert listed.covers(chains.trial())
    assert Manifest.from_claims(listed.to_claims()) == listed


@given(STEPS.filter(bool), st.data())
def test_whatever_else_is_listed_does_not_cover(steps: Steps, data: st.DataObject) -> None:
    chains = told(steps)
    runs = list_runs(chains)
    place = data.draw(st.integers(0, len(runs) - 1))
    run = runs[place]
    for other in (
        (replace(run, entries=run.entries + 1),), (replace(run, entries=run.entries - 1),),
        (replace(run, bytes=run.bytes + 1),), (replace(run, tip=BINDING),), (replace(run, run=99),), (),
        (run, replace(run, run=99)),
    ):  # fmt: skip
        assert not manifest((*runs[:place], *other, *runs[place + 1 :])).covers(chains)


@given(STEPS, st.integers(1, 4))
def test_a_manifest_covers_no_more_once_recording_goes_on(steps: Steps, run: int) -> None:
    chains = told(steps)
    listed = manifest(list_runs(chains))
    take(chains, note(chains, run))
    assert not listed.covers(chains)
    assert manifest(list_runs(chains)).covers(chains)
