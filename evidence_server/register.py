"""The register of sittings: folded states kept in memory and folded on as their journals grow.

One writer a sitting at a time.  Whoever waits for news of a sitting waits here for an event.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from evidence_server.event import Event, dump
from evidence_server.journal import Journal
from evidence_server.segment import Segment
from evidence_server.sitting import Sitting, fold, names_of
from evidence_server.views import stage
from pairing.errors import PairingError

Clock = Callable[[], int]
"""Gives the time in milliseconds since the epoch."""

_KEPT = 2_000
"""Most folded states kept in memory: an hour's recording folds to a fifth of a megabyte."""
_IDLE_MS = 30 * 60_000
"""How long one is kept that nobody asks for: phones and pages that are at work ask every few seconds."""


class Held:
    """A sitting whose lock is held: read `state`, add events with `append`."""

    def __init__(self, register: Register, state: Sitting) -> None:
        self._register = register
        self.state = state

    def at_ms(self) -> int:
        """Now, for a record that its event is to agree with; never before the newest event."""
        # a clock set back must not turn the journal around
        return max(self._register.now_ms(), self.state.last_ms)

    async def append(
        self, *drafts: tuple[str, Mapping[str, object]], at_ms: int | None = None
    ) -> Sitting:
        """Journals (kind, body) drafts in one transaction and folds them on.

        They happen at `at_ms`, which the method of that name gave; by default now.  When it returns, the
        events are on disk: only then may anybody be told.  Raises
        PairingError("wrong_stage") before anything is written if an event has no place now.
        """
        stages = self.state.stages
        for kind, _ in drafts:
            stages = stages.after(kind)
        await self._register.write(self.state, drafts, self.at_ms() if at_ms is None else at_ms)
        return self.state


class _Room:
    """What the register keeps of one sitting: its lock, its state, an event for the next change, and when it
    was last asked for."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.asked_ms = 0
        self.state: Sitting | None = None
        self.change: asyncio.Event = asyncio.Event()


class Register:
    """All sittings of this process.  `now_ms` is the server's clock."""

    def __init__(self, journal: Journal, now_ms: Clock) -> None:
        self.journal = journal
        self.now_ms = now_ms
        self._rooms: OrderedDict[str, _Room] = OrderedDict()
        self.changed = asyncio.Event()
        """Set while `take_changed` has something to give: the sweep waits for it."""
        self._changed: set[str] = set()
        self.stopping = False

    @asynccontextmanager
    async def hold(self, sitting: str) -> AsyncIterator[Held]:
        """Holds the sitting's lock.  Raises PairingError("sitting_unknown")."""
        room = self._room(sitting)
        async with room.lock:
            yield Held(self, await self._state(room, sitting))

    @asynccontextmanager
    async def create(self, sitting: str) -> AsyncIterator[Held]:
        """Holds the lock of a sitting that may not exist yet (`state.seq` is then 0)."""
        room = self._room(sitting)
        async with room.lock:
            state = room.state or fold(sitting, await self.journal.read(sitting))
            room.state = state if state.seq else None
            yield Held(self, state)

    async def look(self, sitting: str) -> Sitting:
        """The newest durable state, for reading before the next await.  Raises "sitting_unknown"."""
        async with self.hold(sitting) as held:
            return held.state

    async def receipt(self, sitting: str, segment: Segment) -> str:
        """A stored segment's receipt, as it was given: from the journal, for it is seldom asked for twice."""
        if segment.stored_seq is None:
            raise ValueError("the segment is not stored")
        (event,) = await self.journal.read(sitting, segment.stored_seq - 1, segment.stored_seq)
        return str(event.fields()["receipt"])

    def stop(self) -> None:
        """Nobody is to wait for news any longer: the server is going down."""
        self.stopping = True
        for room in self._rooms.values():
            room.change.set()

    async def changes(self, sitting: str, after_seq: int, timeout_s: float) -> Sitting:
        """The state once its newest event is beyond `after_seq`, after `timeout_s`, or when all stops."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    state = await self.look(sitting)
                    if state.seq > after_seq or self.stopping:
                        return state
                    await self._room(sitting).change.wait()
        except TimeoutError:
            return await self.look(sitting)

    async def write(
        self, state: Sitting, drafts: tuple[tuple[str, Mapping[str, object]], ...], at_ms: int
    ) -> None:
        """Journals drafts for a held sitting; use `Held.append`."""
        room = self._room(state.id)
        try:
            events = []
            for kind, body in drafts:
                event = Event(state.id, state.seq + 1, at_ms, kind, dump(body), state.tip)
                state.apply(event)
                events.append(event)
            names = [name for event in events for name in names_of(event)]
            await self.journal.append(
                events, names=names, due_ms=state.due_ms, decided=bool(state.verdicts), stage=stage(state),
                deadline_ms=state.deadline_ms,
            )
        except BaseException:
            # The state in memory is ahead of the disk (or may be): forget it, fold from disk next time.
            room.state = None
            raise
        room.state = state
        change, room.change = room.change, asyncio.Event()
        change.set()
        self.mark_changed(state.id)

    def mark_changed(self, sitting: str) -> None:
        """The sweep is to look after this sitting."""
        self._changed.add(sitting)
        self.changed.set()

    def take_changed(self) -> set[str]:
        """The sittings that changed since the last call."""
        changed, self._changed = self._changed, set()
        self.changed.clear()
        return changed

    def _room(self, sitting: str) -> _Room:
        room = self._rooms.get(sitting)
        if room is None:
            room = self._rooms[sitting] = _Room()
        self._rooms.move_to_end(sitting)
        room.asked_ms = self.now_ms()
        self._forget_idle(room.asked_ms)
        return room

    def _forget_idle(self, now_ms: int) -> None:
        """Lets go of what nobody has asked for lately, and of the longest idle where there are too many."""
        idle: list[str] = []
        for name, room in self._rooms.items():
            if now_ms - room.asked_ms < _IDLE_MS and len(self._rooms) - len(idle) <= _KEPT:
                break
            if not room.lock.locked():
                idle.append(name)
        for name in idle:
            self._rooms.pop(name).change.set()  # whoever waited for it looks again and finds the new room

    async def _state(self, room: _Room, sitting: str) -> Sitting:
        if room.state is None:
            state = fold(sitting, await self.journal.read(sitting))
            if not state.seq:
                raise PairingError("sitting_unknown", sitting)
            room.state = state
        return room.state
