"""Vectors of the deadline and of the phone's clock on the server's; every number was worked out by hand."""

from __future__ import annotations

from tests.vectors.claims import Claims

HOUR_S, MIN_S = 3_600, 60
END_MS = 1_800_000_000_000
AFTER = {"second": 1_000, "minute": 60_000, "hour": 3_600_000}


def _deadline(
    name: str, after_end_ms: int, *, window_s: int = HOUR_S, min_notice_s: int = 10 * MIN_S,
    notice_ms: int | None = 0, extensions_ms: int = 0, outages: tuple[tuple[int, int], ...] = (),
) -> Claims:
    """Times count from the end, so that the table can be read; the vectors hold them since 1970."""
    return {
        "name": name, "upload_window_s": window_s, "min_notice_s": min_notice_s, "end_ms": END_MS,
        "notice_ms": None if notice_ms is None else END_MS + notice_ms, "extensions_ms": extensions_ms,
        "outages": [[END_MS + begin, END_MS + end] for begin, end in outages],
        "deadline_ms": END_MS + after_end_ms,
    }  # fmt: skip


def make_deadlines() -> dict[str, object]:
    """The content of deadline.json."""
    second, minute, hour = AFTER["second"], AFTER["minute"], AFTER["hour"]
    deadlines = [
        _deadline("end and window", hour),
        _deadline("no window", 600 * second, window_s=0),
        _deadline("neither window nor notice", 0, window_s=0, min_notice_s=0),
        _deadline("end never announced: no notice to give", 0, window_s=0, notice_ms=None),
        _deadline("announced so late that notice decides", hour + second, notice_ms=50 * minute + second),
        _deadline("announced when notice and window agree", hour, notice_ms=50 * minute),
        _deadline("extension", hour + 5 * minute, extensions_ms=5 * minute),
        _deadline("extension before notice", hour + minute, notice_ms=51 * minute, extensions_ms=30 * second),
        _deadline("outage between end and deadline", hour + minute, outages=((minute, 2 * minute),)),
        _deadline("outage before the end", hour, outages=((-2 * minute, -minute),)),
        _deadline("outage until the very end", hour, outages=((-minute, 0),)),
        _deadline("outage until a millisecond before the end", hour, outages=((-minute, -1),)),
        _deadline("outage a millisecond past the end", hour + 1, outages=((-minute, 1),)),
        _deadline("outage from the very end", hour + minute, outages=((0, minute),)),
        _deadline("outage over the end: only what lies after", hour + minute, outages=((-hour, minute),)),
        _deadline("over the deadline: its whole length", 3 * hour, outages=((30 * minute, 150 * minute),)),
        _deadline("outage from the very deadline", hour + minute, outages=((hour, hour + minute),)),
        _deadline("outage a millisecond past the deadline", hour, outages=((hour + 1, hour + minute),)),
        _deadline("outage over all of it", 4 * hour, outages=((-hour, 3 * hour),)),
        _deadline(
            "second outage within what the first added", hour + 2 * minute,
            outages=((59 * minute, hour), (hour + 30 * second, hour + 90 * second)),
        ),
        _deadline(
            "second outage past what the first added", hour + minute,
            outages=((0, minute), (hour + minute + 1, 2 * hour)),
        ),
        _deadline("two outages", hour + 2 * minute, outages=((0, minute), (5 * minute, 6 * minute))),
        _deadline("in any order", hour + 2 * minute, outages=((5 * minute, 6 * minute), (0, minute))),
        _deadline("overlaps count once", hour + 2 * minute, outages=((0, 90 * second), (minute, 2 * minute))),
        _deadline("one within another", hour + 2 * minute, outages=((0, 2 * minute), (minute, 90 * second))),
        _deadline("the same twice", hour + minute, outages=((0, minute), (0, minute))),
        _deadline("end to end", hour + 2 * minute, outages=((0, minute), (minute, 2 * minute))),
        _deadline("of no length", hour, outages=((minute, minute),)),
        _deadline("reversed", hour, outages=((2 * minute, minute),)),
        _deadline(
            "outage within the notice that decides", 20 * minute + second, window_s=0, notice_ms=10 * minute,
            outages=((15 * minute, 15 * minute + second),),
        ),
    ]  # fmt: skip
    return {"deadlines": deadlines}


def _sample(server_ms: int, mono_ms: int, wall_ms: int, rtt_ms: int) -> Claims:
    return {"server_ms": server_ms, "mono_ms": mono_ms, "wall_ms": wall_ms, "rtt_ms": rtt_ms}


def make_clocks() -> dict[str, object]:
    """The content of clock.json."""
    slow, quick = _sample(10_000, 4_000, 9_000, 300), _sample(20_000, 14_010, 19_000, 21)
    later = _sample(30_000, 24_020, 31_000, 21)
    by_samples: dict[str, tuple[list[Claims], Claims | None]] = {
        "no sample": ([], None),
        "one": ([slow], {"offset_ms": 6_000, "uncertainty_ms": 150}),
        "the shortest round trip decides; half of it, rounded up, is the error": (
            [slow, quick], {"offset_ms": 5_990, "uncertainty_ms": 11},
        ),
        "of equal ones the first by the server's clock": (
            [later, quick], {"offset_ms": 5_990, "uncertainty_ms": 11},
        ),
        "no round trip": ([_sample(5, 9, 5, 0)], {"offset_ms": -4, "uncertainty_ms": 0}),
    }  # fmt: skip
    by_wall: dict[str, tuple[int, int, list[Claims], Claims]] = {
        "no sample: the wall clock's word": (
            1_000, 50_000, [], {"offset_ms": 49_000, "uncertainty_ms": 5_000},
        ),
        "a sample tells how far the wall clock is off": (
            1_000, 50_000, [quick], {"offset_ms": 50_000, "uncertainty_ms": 5_011},
        ),
        "the nearest by wall clock": (
            1_000, 26_000, [slow, quick, later], {"offset_ms": 24_000, "uncertainty_ms": 5_011},
        ),
        "the nearest, not the quickest": (
            1_000, 10_000, [slow, quick], {"offset_ms": 10_000, "uncertainty_ms": 5_150},
        ),
    }  # fmt: skip
    return {
        "by_samples": [
            {"name": name, "samples": samples, "placement": placement}
            for name, (samples, placement) in by_samples.items()
        ],
        "by_wall": [
            {"name": name, "mono_ms": mono, "wall_ms": wall, "samples": samples, "placement": placement}
            for name, (mono, wall, samples, placement) in by_wall.items()
        ],
    }
