"""The sweep: what happens to a sitting without anybody asking, at its moment or when something changed.

Claims lapse, verdicts are given at the deadline or as soon as they can be, and the service's own outages move
deadlines.  Nothing here is a running timer: what is due is computed from the journal, so a restart or a
day of downtime loses nothing (requirement E10).
"""

from __future__ import annotations

import asyncio
import secrets

import structlog

from evidence_server.bind import Binder
from evidence_server.faults import Faults
from evidence_server.identity import Identity
from evidence_server.register import Held, Register
from evidence_server.release import release_stored
from evidence_server.sitting import Sitting
from evidence_server.verdict import COMPLETE, judge, waits_for
from evidence_server.verify import Verifier
from evidence_server.watch import Watcher
from pairing.encoding import sha256_b64u
from pairing.jws import sign
from pairing.messages import VERDICT_TYP

RETRY_S = 1.0
"""Seconds between turns that fail altogether."""
OVERDUE_MS = 500
"""How often something overdue that cannot be done yet is looked at again without news of it."""

DUE_A_TURN = 100
"""Sittings that are looked after between two signs of life."""

_log = structlog.get_logger("sweep")


class Sweep:
    """Runs as long as the server does."""

    def __init__(
        self, register: Register, binder: Binder, verifier: Verifier, watcher: Watcher, faults: Faults,
        identity: Identity, alive_every_s: int,
    ) -> None:
        self._register = register
        self._binder = binder
        self._verifier = verifier
        self._watcher = watcher
        self._faults = faults
        self._identity = identity
        self._alive_every_ms = alive_every_s * 1000
        self._process = secrets.token_urlsafe(16)
        self._started_ms = register.now_ms()
        self._last_alive_ms = self._started_ms
        self._skip = 0

    async def begin(self) -> None:
        """Journals the outage since a process was last alive, before anything can be judged."""
        last = await self._register.journal.last_alive_ms()
        if last is not None:
            await self._outage(last, self._register.now_ms())
        await self._alive()

    async def run(self) -> None:
        """Sweeps whenever something is due or has changed, until cancelled."""
        while True:
            try:
                await self._turn()
            except Exception as error:
                # A full disk, say: what is due stays due, and without a sign of life the time counts as an
                # outage, for the candidates.
                _log.error("sweep failed", exc_info=error)
                await asyncio.sleep(RETRY_S)

    async def _turn(self) -> None:
        now = self._register.now_ms()
        if now - self._last_alive_ms > 3 * self._alive_every_ms:
            await self._outage(self._last_alive_ms, now)  # the process stood still
        if now - self._last_alive_ms >= self._alive_every_ms or now < self._last_alive_ms:
            await self._alive()
        due = await self._register.journal.due(now, DUE_A_TURN, self._skip)
        # What is overdue and cannot be done yet must not be all that ever gets a turn.
        self._skip = self._skip + DUE_A_TURN if len(due) == DUE_A_TURN else 0
        for sitting in {*due, *self._register.take_changed()}:
            try:
                await self.look_after(sitting)
            except Exception as error:  # one sitting's trouble must not keep the others from their verdicts
                _log.error("sitting failed", sitting=sitting, exc_info=error)
                asyncio.get_running_loop().call_later(RETRY_S, self._register.mark_changed, sitting)
        next_ms = await self._register.journal.next_due_ms()
        alive_ms = self._last_alive_ms + self._alive_every_ms
        moment = alive_ms if next_ms is None else min(alive_ms, max(next_ms, now + OVERDUE_MS))
        if self._skip:
            return  # the rest of what is due
        try:
            async with asyncio.timeout(max(0, moment - self._register.now_ms()) / 1000):
                await self._register.changed.wait()
        except TimeoutError:
            return

    async def look_after(self, sitting: str) -> None:
        """Does what is due for one sitting."""
        await self._binder.lapse(sitting)
        async with self._register.hold(sitting) as held:
            await self._faults.settle(held, self._register.now_ms())
            await release_stored(held, self._identity, self._register.now_ms())
            waits = waits_for(held.state, self._register.now_ms())
            if not waits:
                # An ordered wait that is still running may move the deadline past now.
                await self._faults.settle(held, self._register.now_ms(), all_of_them=True)
                waits = waits_for(held.state, self._register.now_ms())
            looking = self._watcher.waits(held.state)
            if not waits and not looking:
                await self._decide(held)
                return
        if looking:
            self._watcher.notice(sitting)
        if waits == "stored media is being measured":
            self._verifier.notice(sitting)

    async def _decide(self, held: Held) -> None:
        state = held.state
        judgement = judge(state)
        newest = state.verdicts[-1] if state.verdicts else None
        if newest is not None and not judgement.differs_from(newest.claims):
            await held.append(("upheld", {"version": newest.claims["version"]}))
            return
        claims = dict(judgement.claims) | {
            "version": len(state.verdicts) + 1,
            "supersedes": sha256_b64u(newest.record) if newest else "",
            "issued_at_ms": max(self._register.now_ms(), state.last_ms),
        }
        record = sign(self._identity.signing, VERDICT_TYP, claims)
        await held.append(("verdict", {"verdict": record}))
        _log.info("verdict", sitting=state.id, word=judgement.word, version=claims["version"])

    async def _alive(self) -> None:
        now = self._register.now_ms()
        await self._register.journal.alive(self._process, self._started_ms, now)
        self._last_alive_ms = now

    async def _outage(self, from_ms: int, to_ms: int) -> None:
        """Journals [from_ms, to_ms) in every sitting that it may concern."""
        if to_ms <= from_ms:
            return
        _log.warning("outage", from_ms=from_ms, to_ms=to_ms)
        for sitting in await self._register.journal.undecided(or_deadline_after_ms=from_ms):
            try:
                await self._register.look(sitting)
            except Exception as error:
                # What cannot be read cannot be judged either, and must not keep the server from starting.
                _log.error("sitting failed", sitting=sitting, exc_info=error)
                continue
            async with self._register.hold(sitting) as held:
                if _concerns(held.state, from_ms, to_ms):
                    await held.append(("deadline_moved", {
                        "cause": "service", "from_ms": from_ms, "to_ms": to_ms,
                        "reason": "the service was down",
                    }))


def _concerns(state: Sitting, from_ms: int, to_ms: int) -> bool:
    """Whether an outage may touch [end, deadline], as they are or may yet be.

    The end may still be announced for a moment inside it, and support may extend a deadline that has passed
    while our own measuring keeps the verdict waiting.  After a verdict they are as they are: what comes late
    for an extended deadline, or after an early verdict, is judged by it.
    """
    start, end, deadline = state.window_start_ms, state.end_ms, state.deadline_ms
    if state.verdicts and end is not None and deadline is not None:
        # The sitting's newest event is a sign of life, too.
        touches = max(from_ms, state.last_ms) <= deadline and to_ms > end
        return touches and state.verdicts[-1].claims["word"] != COMPLETE
    start = state.ended_at_ms if start is None else start
    return start is not None and to_ms > max(start, state.created_ms)
