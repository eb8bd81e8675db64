"""The service's own failures towards one phone: they move its deadline, whoever's network is slow (E10).

An answer of 500 or above, and an ordered wait, count from when they were given until their Retry-After
or the phone's next success with the same thing, whichever comes first: what a full disk refuses is not made
good by an answer that needs no room.  Refusals for exceeding documented limits never count.
A crash loses what was not yet journalled; the outage that the restart journals covers the time since the
process was last known to be alive.
"""

from __future__ import annotations

from evidence_server.register import Held
from pairing.deadline import Outage, merge

DEFAULT_RETRY_S = 5
"""What a failure without a Retry-After counts as: the wait that our answers then ask for."""


class Faults:
    """Failures that are not journalled yet, by sitting and by what the phone asked for."""

    def __init__(self) -> None:
        self._open: dict[str, dict[str, list[Outage]]] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    def failed(self, sitting: str, what: str, now_ms: int, retry_after_s: int | None) -> None:
        """A phone of `sitting` asked for `what`, was failed at `now_ms` and told to come back."""
        until = now_ms + 1000 * (DEFAULT_RETRY_S if retry_after_s is None else retry_after_s)
        faults = self._open.setdefault(sitting, {})
        faults[what] = list(merge([*faults.get(what, ()), Outage(now_ms, until)]))

    def succeeded(self, sitting: str, what: str, now_ms: int) -> None:
        """A phone of `sitting` got `what`: where that was to be waited for, the wait is over."""
        faults = self._open.get(sitting, {})
        if what in faults:
            faults[what] = [
                Outage(outage.from_ms, min(outage.to_ms, now_ms)) for outage in faults[what]
                if outage.from_ms < now_ms
            ]

    async def settle(self, held: Held, now_ms: int, *, all_of_them: bool = False) -> None:
        """Journals the failures that are over; before anything is judged, `all_of_them`."""
        faults = self._open.get(held.state.id)
        if faults is None:
            return
        for what in list(faults):
            over = [outage for outage in faults[what] if all_of_them or outage.to_ms <= now_ms]
            for outage in over:
                await held.append(("deadline_moved", {
                    "cause": "service", "from_ms": outage.from_ms, "to_ms": outage.to_ms,
                    "reason": "the service failed to answer",
                }))
            faults[what] = [outage for outage in faults[what] if outage not in over]
        if not any(faults.values()):
            del self._open[held.state.id]
