"""Entries for chains, without signatures: what a chain is made of is their fields and their record's hash."""

from __future__ import annotations

from dataclasses import replace

from pairing.chain import Chains, Entry, RunChain
from pairing.jws import record_hash
from pairing.messages import Head, Link, Note

SITTING, BINDING = "s_chain", record_hash("the binding")


def new_chains() -> Chains:
    """Chains of a generation that has recorded nothing."""
    return Chains(SITTING, 1, BINDING)


def link(chains: Chains, run: int) -> Link:
    """Where the next entry of `run` belongs."""
    standing = chains.runs.get(run, RunChain(tip=BINDING))
    return Link(SITTING, 1, run, standing.next_seq, standing.tip, BINDING, None)


def note(chains: Chains, run: int) -> Note:
    """The next entry of `run`: a note."""
    return Note(link(chains, run), "placed", "none", 0, 0)


def head(chains: Chains, run: int, length: int = 1_000) -> Head:
    """The next entry of `run`: a segment of `length` bytes."""
    standing = chains.runs.get(run, RunChain())
    mono_ms = standing.mono_ms + 4_000
    return Head(
        link(chains, run), "camera", "video/mp4", standing.bytes, length, record_hash("bytes"),
        (0, 4_000_000), (mono_ms, mono_ms + 4_000), 0,
    )  # fmt: skip


def relinked(entry: Entry, **changes: object) -> Entry:
    """`entry` at another place."""
    return replace(entry, link=replace(entry.link, **changes))  # type: ignore[arg-type]


def text_of(entry: Entry) -> str:
    """Stands for the entry's record."""
    return repr(entry)


def take(chains: Chains, *entries: Entry) -> None:
    """Adds entries that must be taken."""
    for entry in entries:
        if not chains.extend(entry, text_of(entry)):
            raise ValueError("the entry stands there already")
