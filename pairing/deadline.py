"""The deadline: a moment, computed from what happened, never a running timer (requirement E10).

Deadline = end + upload window + extensions, at least the minimum notice after the end became known.
The service's own outages are not the candidate's: each moves the deadline by its whole length after
the end, also one that ran past the old deadline.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pairing.policy import Policy


@dataclass(frozen=True, order=True)
class Outage:
    """A stretch in which the service failed, [from_ms, to_ms) on the server's clock."""

    from_ms: int
    to_ms: int


def merge(outages: Iterable[Outage]) -> tuple[Outage, ...]:
    """The same stretches in order, overlaps counted once."""
    merged: list[Outage] = []
    for outage in sorted(outages):
        if outage.to_ms <= outage.from_ms:
            continue
        if merged and outage.from_ms <= merged[-1].to_ms:
            merged[-1] = Outage(merged[-1].from_ms, max(merged[-1].to_ms, outage.to_ms))
        else:
            merged.append(outage)
    return tuple(merged)


def deadline_ms(
    policy: Policy, *, end_ms: int, notice_ms: int | None, extensions_ms: int = 0,
    outages: Iterable[Outage] = (),
) -> int:
    """When the evidence must be stored.

    `end_ms` is the exam's end; `notice_ms` is when that end was announced to the server (None where it
    never was: then the planned end counts); `extensions_ms` the sum of what support granted.

    Raises ValueError for negative extensions: a deadline is never brought forward.
    """
    if extensions_ms < 0:
        raise ValueError(f"extensions of {extensions_ms} ms")
    deadline = end_ms + policy.upload_window_s * 1000 + extensions_ms
    if notice_ms is not None:
        deadline = max(deadline, notice_ms + policy.min_notice_s * 1000)
    for outage in merge(outages):
        if outage.to_ms > end_ms and outage.from_ms <= deadline:
            deadline += outage.to_ms - max(outage.from_ms, end_ms)
    return deadline
