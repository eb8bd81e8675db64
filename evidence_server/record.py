"""Record: takes in the phone's signed entries, manifests, and the exam's end (requirements E4, E7-E9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evidence_server.identity import Identity
from evidence_server.placing import marks, place_phone
from evidence_server.register import Held, Register
from evidence_server.sitting import Generation, Sitting
from pairing.chain import Chains, Entry, read_entry
from pairing.errors import PairingError
from pairing.jws import phone_key, record_hash, sign, verify
from pairing.manifest import Manifest
from pairing.messages import MAX_BATCH, Acknowledgement, Head, require_own

LATE_END_MS = 1_000
"""How far an announced end may lie in the future: the backend's clock may run a little ahead."""
MAX_ENTRIES = 50_000
"""Most chain entries of one phone: two days of four-second segments."""
MAX_BYTES = 64 * 2**30
"""Most media that one phone may commit to: twelve hours at 12 Mbit/s."""


@dataclass(frozen=True)
class Committed:
    """The answer to entries: the signed acknowledgement and, per head, its upload's name."""

    acknowledgement: str
    uploads: Mapping[str, str]
    state: Sitting


class Recorder:
    """Journals what bound phones commit to."""

    def __init__(self, register: Register, identity: Identity) -> None:
        self._register = register
        self._identity = identity

    async def commit(
        self, sitting: str, key: str, records: Sequence[str], *, by: str = "phone"
    ) -> Committed:
        """Takes all of `records` or none, durably; the same ones again are answered again.

        Raises PairingError: too_many, not_bound, binding_replaced, signature_invalid, claims_invalid,
        chain_broken, chain_forked (the other record is kept all the same).
        """
        if not 0 < len(records) <= MAX_BATCH:
            raise PairingError("too_many", f"1 to {MAX_BATCH} entries a request")
        async with self._register.hold(sitting) as held:
            generation = _generation_of(held.state, key)
            trial, fresh, uploads = generation.chains.trial(), [], {}
            signer, entries = phone_key(generation.jwk), list[Entry]()
            for record in records:
                entry, name = read_entry(record, signer), record_hash(record)
                try:
                    new = trial.extend(entry, record)
                except PairingError as error:
                    if error.code == "chain_forked":
                        await self._keep_fork(held, generation, record)
                    raise
                if new:
                    fresh.append(record)
                    entries.append(entry)
                if isinstance(entry, Head):
                    uploads[name] = self._identity.upload(name)
            _require_before_replacement(generation, entries)
            _within_limits(generation, trial, len(fresh))
            at_ms = held.at_ms()
            acknowledgement = self._acknowledge(held.state, generation, records, at_ms)
            if fresh:
                await held.append(("committed", {
                    "generation": generation.number, "entries": fresh, "acknowledgement": acknowledgement,
                    "uploads": uploads, "by": by,
                }), at_ms=at_ms)
            # From here on the entries are on disk: the acknowledgement may be told.
            return Committed(acknowledgement, uploads, held.state)

    def _acknowledge(
        self, state: Sitting, generation: Generation, records: Sequence[str], at_ms: int
    ) -> str:
        names = tuple(record_hash(record) for record in records)
        body = Acknowledgement(state.id, generation.number, names, at_ms, state.seq, state.tip)
        return sign(self._identity.signing, Acknowledgement.TYP, body.to_claims())

    async def _keep_fork(self, held: Held, generation: Generation, record: str) -> None:
        if record not in generation.forks and len(generation.forks) < MAX_BATCH:
            await held.append(("forked", {"generation": generation.number, "entry": record}))

    async def take_manifest(self, sitting: str, key: str, record: str) -> Sitting:
        """Accepts the phone's list of all it recorded.

        Raises PairingError: not_bound, signature_invalid, claims_invalid, chain_broken when it lists
        something else than what is committed.
        """
        async with self._register.hold(sitting) as held:
            generation = _generation_of(held.state, key)
            manifest = Manifest.from_claims(verify(record, Manifest.TYP, phone_key(generation.jwk)))
            require_own(manifest.sitting, sitting)
            if manifest == generation.manifest:
                return held.state
            standing = generation.manifest.version if generation.manifest else 0
            if manifest.generation != generation.number or manifest.version <= standing:
                raise PairingError("claims_invalid", f"the next manifest has a version above {standing}")
            if not manifest.covers(generation.chains):
                raise PairingError("chain_broken", "the manifest does not list exactly what is committed")
            return await held.append(("manifest", {"generation": generation.number, "manifest": record}))

    async def end(self, sitting: str, end_ms: int | None, by: str, reason: str = "") -> Sitting:
        """The exam is over, at `end_ms` (default: now).  The last one counts until there is a verdict; after
        it the end moves only with support's `reason`, and makes a new version.

        Told again without a moment, as after a lost answer, it stays where it is.  Raises PairingError:
        end_invalid, decided.
        """
        async with self._register.hold(sitting) as held:
            state, now = held.state, self._register.now_ms()
            at_ms = now if end_ms is None else end_ms
            again = (end_ms is None and not reason) or end_ms == state.ended_at_ms
            if state.ended_at_ms is not None and again:
                return state
            if state.verdicts and not reason:
                raise PairingError("decided")
            if at_ms > now + LATE_END_MS or (state.window_start_ms or 0) > at_ms:
                raise PairingError("end_invalid", f"end {at_ms}, now {now}, start {state.window_start_ms}")
            return await held.append(("ended", {"end_ms": min(at_ms, now), "by": by, "reason": reason}))


def _require_before_replacement(generation: Generation, fresh: Sequence[Entry]) -> None:
    """A replaced phone may deliver what it recorded before another took over, and nothing else.

    It is placed as the verdict will place it: by what came before and what comes with it.
    """
    replaced_ms = generation.replaced_at_ms
    heads = [entry for entry in fresh if isinstance(entry, Head)]
    if replaced_ms is None or not heads:
        return
    placements = place_phone(marks(generation, fresh))
    for head in heads:
        run, seq, placement = head.link.run, head.link.seq, placements[head.link.run]
        if placement.server_ms(head.mono_ms[0]) - placement.uncertainty_ms > replaced_ms:
            raise PairingError("binding_replaced", f"run {run}, entry {seq} is later", run=run, seq=seq)


def _within_limits(generation: Generation, trial: Chains, fresh: int) -> None:
    if generation.chains.entries + fresh > MAX_ENTRIES:
        raise PairingError("too_many", f"a phone may commit {MAX_ENTRIES} entries")
    if sum(run.bytes for run in trial.runs.values()) > MAX_BYTES:
        raise PairingError("too_large", f"a phone may commit {MAX_BYTES} bytes")


def _generation_of(state: Sitting, key: str) -> Generation:
    for generation in state.generations:
        if generation.key == key:
            return generation
    raise PairingError("not_bound")
