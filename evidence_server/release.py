"""Release: after the results are published the phone may delete what is stored here, and only that (E11)."""

from __future__ import annotations

from evidence_server.identity import Identity
from evidence_server.register import Held, Register
from evidence_server.sitting import Generation, Sitting
from pairing.jws import read_unverified, sign
from pairing.messages import MAX_RELEASED, Release


class Releaser:
    """Takes the backend's word that the results are out."""

    def __init__(self, register: Register, identity: Identity) -> None:
        self._register = register
        self._identity = identity

    async def publish(self, sitting: str, by: str, reason: str = "") -> Sitting:
        """The results are published: everything stored is released.  Raises PairingError("wrong_stage")."""
        async with self._register.hold(sitting) as held:
            if held.state.published_at_ms is None:
                await held.append(("published", {"by": by, "reason": reason.strip()}))
            await release_stored(held, self._identity, self._register.now_ms())
            return held.state


async def release_stored(held: Held, identity: Identity, now_ms: int) -> None:
    """Signs releases for what is stored, published and not yet released: also what arrives afterwards."""
    if held.state.published_at_ms is None:
        return
    for generation in held.state.generations:
        waiting = _unreleased(held.state, generation)
        for first in range(0, len(waiting), MAX_RELEASED):
            heads = tuple(waiting[first : first + MAX_RELEASED])
            release = Release(held.state.id, generation.number, heads, max(now_ms, held.state.last_ms))
            record = sign(identity.signing, Release.TYP, release.to_claims())
            await held.append(("released", {"generation": generation.number, "release": record}))


def _unreleased(state: Sitting, generation: Generation) -> list[str]:
    released: set[str] = set()
    for record in state.releases.get(generation.number, ()):
        released.update(Release.from_claims(read_unverified(record, Release.TYP)[0]).heads)
    return [
        name for segment in generation.segments
        if segment.stored_at_ms is not None and (name := segment.name) not in released
    ]
