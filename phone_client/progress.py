"""What the candidate sees: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table

from pairing.errors import PairingError
from phone_client.ledger import Totals
from phone_client.record import RecorderState
from phone_client.wording import Wording


@dataclass(frozen=True)
class Snapshot:
    """Where the phone stands.  `left_ms` is the time to the deadline, None until there is one."""

    recorder: RecorderState
    totals: Totals
    verified: int
    left_ms: int | None
    online: bool
    bound: bool
    ended: bool
    digits: str


class View(Protocol):
    """Where the client speaks to."""

    def say(self, name: str, **facts: str | int) -> None:
        """A sentence of `locale/`."""

    def refusal(self, error: PairingError) -> None:
        """What the server (or this client) refused, and what to do."""

    def show(self, now: Snapshot) -> None:
        """Called twice a second."""


def clock_face(ms: int) -> str:
    """Milliseconds as h:mm:ss, with a sign when the time is over."""
    sign, seconds = ("-" if ms <= -1_000 else ""), abs(ms) // 1_000
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


class Lines:
    """One line for each thing that happens; a status line when the numbers have changed."""

    def __init__(self, console: Console, wording: Wording, every: int = 20) -> None:
        self._console = console
        self._wording = wording
        self._every = every
        self._count = 0
        self._last_status = ""
        self._last: Snapshot | None = None

    def say(self, name: str, **facts: str | int) -> None:
        """Print a sentence."""
        self._console.print(self._wording(name, **facts), highlight=False, markup=False, soft_wrap=True)

    def refusal(self, error: PairingError) -> None:
        """Print what was refused and what to do."""
        self._console.print(
            f"{self._wording.refusal(error)} [{error.code}] {error.detail}".rstrip(),
            highlight=False, markup=False, soft_wrap=True,
        )

    def show(self, now: Snapshot) -> None:
        """Say what changed; every `every` calls the numbers."""
        for name, facts in changes(self._last, now):
            self.say(name, **facts)
        self._last = now
        self._count += 1
        if self._count % self._every == 0:
            status = " · ".join(f"{name} {value}" for name, value in rows(now, self._wording))
            if status != self._last_status:
                self._last_status = status
                self._console.print(status, highlight=False, markup=False, soft_wrap=True)


class Screen:
    """A table that stays at the bottom of the terminal.  Use as a context manager."""

    def __init__(self, console: Console, wording: Wording) -> None:
        self._wording = wording
        self._lines = Lines(console, wording, every=2**62)
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, name: str, **facts: str | int) -> None:
        """Print a sentence above the table."""
        self._lines.say(name, **facts)

    def refusal(self, error: PairingError) -> None:
        """Print a refusal above the table."""
        self._lines.refusal(error)

    def show(self, now: Snapshot) -> None:
        """Redraw the table."""
        self._lines.show(now)
        colour = {"recording": "green", "interrupted": "bold red"}.get(now.recorder.doing, "default")
        if now.recorder.doing == "recording" and not now.online:
            colour = "yellow"
        table = Table(show_header=False, border_style=colour)
        for name, value in rows(now, self._wording):
            table.add_row(name, value)
        self._live.update(table, refresh=True)


def changes(before: Snapshot | None, now: Snapshot) -> list[tuple[str, dict[str, str | int]]]:
    """The sentences that the step from one snapshot to the next deserves."""
    said: list[tuple[str, dict[str, str | int]]] = []
    was = before.recorder.doing if before else "starting"
    if now.recorder.doing != was:
        if now.recorder.doing == "recording":
            said.append(("recording-started", {}))
            if now.recorder.cause == "muted":
                said.append(("recording-mute", {"detail": now.recorder.detail}))
        elif now.recorder.doing == "interrupted":
            name = "recording-interrupted" if now.recorder.can_return else "recording-over"
            said.append((name, {"cause": now.recorder.cause, "detail": now.recorder.detail}))
    if before is not None and before.online != now.online:
        lost = "offline-stopped" if now.recorder.doing == "stopped" else "offline"
        said.append(("online" if now.online else lost, {}))
    if now.ended and not (before is not None and before.ended):
        said.append(("end-heard", {}))
    return said


def rows(now: Snapshot, wording: Wording) -> list[tuple[str, str]]:
    """The table's lines."""
    totals = now.totals
    found = [
        (wording("state"), wording(f"doing-{now.recorder.doing}")),
        (wording("recorded"), f"{clock_face(totals.recorded_us // 1_000)} ({totals.recorded})"),
        (wording("committed"), wording("of", part=totals.committed, whole=totals.recorded)),
        (wording("stored"), wording("of", part=totals.stored, whole=totals.recorded)),
        (wording("verified"), wording("of", part=now.verified, whole=totals.recorded)),
        (wording("network"), wording(_network(now))),
    ]
    if now.left_ms is not None:
        found.append((wording("time-left"), clock_face(now.left_ms)))
    if now.recorder.dropped:
        found.append((wording("dropped"), str(now.recorder.dropped)))
    return found


def _network(now: Snapshot) -> str:
    if not now.online:
        return "network-lost"
    return "network-ok" if now.bound else "network-wait"
