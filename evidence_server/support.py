"""Support: what the desk may do for a candidate, each with a reason that stays in the journal (E12, S2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO

from evidence_server.register import Register
from evidence_server.sitting import Sitting
from pairing.carry import Carry, open_archive, open_carry
from pairing.errors import PairingError

MAX_REASON = 500
"""Longest reason, in characters."""
LONGEST_EXTENSION_MS = 30 * 86_400_000
WAIVABLE = frozenset(
    {
        "no_recording", "missing_media", "gap_too_long", "gaps_too_long", "undecodable_media",
        "scan_missing", "scan_not_measured", "scan_repeat", "placement_missing", "placement_not_measured",
        "placement_failed",
        "continuity_not_measured", "continuity_failed", "anchor_not_measured", "anchor_failed",
        "committed_late", "fork",
    }
)
"""The reasons of a verdict that support may set aside."""


class Support:
    """Acts on one sitting at a time.  `new_offer` makes the event of a fresh offer.

    Every method raises PairingError: malformed where there is no reason, sitting_unknown, wrong_stage.
    """

    def __init__(self, register: Register, new_offer: Callable[[str], tuple[str, dict[str, object]]]) -> None:
        self._register = register
        self._new_offer = new_offer

    async def rebind(self, sitting: str, reason: str) -> Sitting:
        """Opens an offer for another phone; the bound one stays bound until that one is confirmed.

        While that offer is open, doing it again changes nothing: what the offer shows is always fresh.
        """
        reason = given(reason)
        async with self._register.hold(sitting) as held:
            if held.state.stages.phone == "reoffered" and held.state.published_at_ms is None:
                return held.state
            return await held.append(("rebind_opened", {"reason": reason}), self._new_offer("rebind"))

    async def extend(
        self, sitting: str, extension_ms: int, reason: str, command: str | None = None
    ) -> Sitting:
        """Moves the deadline, once for each `command` where it has such an id.

        Raises PairingError("malformed"), also for an id that stood for another extension.
        """
        reason = given(reason)
        if not 0 < extension_ms <= LONGEST_EXTENSION_MS:
            raise PairingError("malformed", f"an extension has 1 to {LONGEST_EXTENSION_MS} ms")
        body: dict[str, object] = {"cause": "support", "extension_ms": extension_ms, "reason": reason}
        async with self._register.hold(sitting) as held:
            if command is not None:
                body["command"] = command
                if await self._done(sitting, body):
                    return held.state
            return await held.append(("deadline_moved", body))

    async def _done(self, sitting: str, body: Mapping[str, object]) -> bool:
        """Whether the deadline was moved by this very command: its answer was lost, and it comes again."""
        for event in await self._register.journal.read(sitting):
            if event.kind != "deadline_moved":
                continue
            before = event.fields()
            if before.get("command") == body["command"]:
                if before != body:
                    raise PairingError("malformed", "this command was another one before")
                return True
        return False

    async def waive(self, sitting: str, code: str, reason: str) -> Sitting:
        """Sets a verdict's reason aside; again for the same reason changes nothing.

        Raises PairingError("malformed").
        """
        reason = given(reason)
        if code not in WAIVABLE:
            raise PairingError("malformed", f"only these can be waived: {', '.join(sorted(WAIVABLE))}")
        async with self._register.hold(sitting) as held:
            if held.state.waived.get(code) == reason:
                return held.state
            return await held.append(("waived", {"code": code, "reason": reason}))

    async def accepted(self, sitting: str, sha256: str, reason: str) -> Sitting:
        """Notes that a file was brought by hand, before anything of it is taken in."""
        reason = given(reason)
        async with self._register.hold(sitting) as held:
            return await held.append(("accepted", {"sha256": sha256, "reason": reason}))


def given(reason: str) -> str:
    """`reason` without the blanks around it.  Raises PairingError("malformed") if that leaves none."""
    reason = reason.strip()
    if not 0 < len(reason) <= MAX_REASON:
        raise PairingError("malformed", f"a reason of 1 to {MAX_REASON} characters is needed")
    return reason


@dataclass(frozen=True)
class Brought:
    """What a carry file of a known generation brings; `key` is that phone's thumbprint."""

    carry: Carry
    key: str


def read_brought(file: IO[bytes], state: Sitting) -> Brought:
    """A carry file of this sitting; it stays open.  Raises PairingError("carry_invalid")."""
    carry = open_carry(open_archive(file))
    if carry.sitting != state.id or carry.generation > len(state.generations):
        raise PairingError("carry_invalid", "it belongs to another sitting or phone")
    return Brought(carry, state.generations[carry.generation - 1].key)
