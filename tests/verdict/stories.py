"""What can happen in an exam of 60 s, told to the real stages; times in seconds after its start.

Unless a story says otherwise, all is filmed, stored at once, ended at 60 and listed in a manifest.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pairing.errors import PairingError
from tests.sittings import Exam, at, script

Story = Callable[[Exam], Awaitable[None]]


async def ends(exam: Exam, seconds: float = 60) -> None:
    """The end is told when it comes, and the phone lists all it has."""
    exam.clock.to(seconds)
    await exam.end(seconds)
    await exam.phone.manifest()


def films(*spans: tuple[float, float], end: float = 60) -> Story:
    """Each span is a run of its own; all is stored before the end."""

    async def story(exam: Exam) -> None:
        for run, (start, stop) in enumerate(spans, 1):
            await exam.phone.film(start, stop, run=run)
        await exam.phone.upload()
        await ends(exam, end)

    return story


whole = films((0, 60))


def stored_at(seconds: float, *, told_at: float = 60) -> Story:
    """Everything becomes durable at `seconds`; the end, 60, is told at `told_at`."""

    async def story(exam: Exam) -> None:
        await exam.phone.film(0, 60)
        exam.clock.to(told_at)
        await exam.end(60)
        await exam.phone.manifest()
        exam.clock.to(seconds)
        await exam.phone.upload()

    return story


def one_gap(length_s: float) -> Story:
    return films((0, 20), (20 + length_s, 60))


def gaps_of(count: int, length_s: float, more_s: float = 0) -> Story:
    """`count` gaps of `length_s`, and one of `more_s`, each after 10 s of film, up to 200."""

    async def story(exam: Exam) -> None:
        moment, run = 0.0, 1
        for length in [*[length_s] * count, more_s]:
            await exam.phone.film(moment, moment + 10, run=run)
            moment, run = moment + 10 + length, run + 1
        await exam.phone.film(moment, 200, run=run, piece_s=20)
        await exam.phone.upload()
        await ends(exam, 200)

    return story


def held_back(delivered_at: float | None = None, *, outside: bool = False) -> Story:
    """One piece is not delivered by the deadline (80); perhaps at `delivered_at`."""

    async def story(exam: Exam) -> None:
        film = await exam.phone.film(-20 if outside else 0, 60)
        kept = film[2]
        kept.kept = True
        await exam.phone.upload()
        await ends(exam)
        exam.clock.to(80)
        await exam.settle()
        if delivered_at is not None:
            exam.clock.to(delivered_at)
            await exam.phone.upload(kept)

    return story


async def nothing_filmed(exam: Exam) -> None:
    await exam.phone.commit(exam.phone.note("consent", -1))
    await ends(exam)
    exam.clock.to(80)


async def only_outside(exam: Exam) -> None:
    await exam.phone.film(-20, 0)
    await exam.phone.film(60, 80, run=2)
    await exam.phone.upload()
    await ends(exam)


def without_end(judged_at: float) -> Story:
    async def story(exam: Exam) -> None:
        await exam.phone.film(0, 60)
        await exam.phone.upload()
        await exam.phone.manifest()
        exam.clock.to(judged_at)

    return story


async def ended_early(exam: Exam) -> None:
    await exam.phone.film(0, 30)
    await exam.phone.upload()
    await ends(exam, 30)


async def ended_twice(exam: Exam) -> None:
    """The last end counts: 40, then 30."""
    await exam.phone.film(0, 30)
    await exam.phone.upload()
    exam.clock.to(40)
    await exam.end(40)
    await exam.end(30)
    await exam.phone.manifest()


def without_manifest(judged_at: float, *, stale: bool = False) -> Story:
    """No manifest, or one that the phone has recorded on since."""

    async def story(exam: Exam) -> None:
        await exam.phone.film(0, 30)
        if stale:
            await exam.phone.manifest()
        await exam.phone.film(30, 60)
        await exam.phone.upload()
        exam.clock.to(60)
        await exam.end(60)
        exam.clock.to(judged_at)

    return story


async def listed_again(exam: Exam) -> None:
    await without_manifest(60, stale=True)(exam)
    await exam.phone.manifest(2)


def interrupted(cause: str, length_s: float) -> Story:
    """The phone tells why: at the gap's beginning, and that it is over."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        await phone.film(0, 20)
        await phone.commit(phone.note("gap_begin", 20, cause))
        await phone.film(20 + length_s, 40, run=2)
        await phone.commit(phone.note("gap_end", 20 + length_s, run=2))
        await phone.film(40, 60, run=2)
        await phone.upload()
        await ends(exam)

    return story


async def stopped(exam: Exam) -> None:
    await exam.phone.film(0, 40)
    await exam.phone.commit(exam.phone.note("stop", 40, "stopped"))
    await exam.phone.upload()
    await ends(exam)


def with_problem(*problems: str, pieces: int = 3) -> Story:
    """The first `pieces` of 5 s after 20 are measured to have `problems`."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        await phone.film(0, 20)
        await phone.film(20, 20 + 5 * pieces, problems=list(problems))
        await phone.film(20 + 5 * pieces, 60)
        await phone.upload()
        await ends(exam)

    return story


async def without_times(exam: Exam) -> None:
    """Packets of which the container does not say when they are shown."""
    phone = exam.phone
    await phone.film(0, 20)
    timeless = json.dumps({"first_us": None, "end_us": None}).encode()
    piece = phone.head(20, 35, media=timeless)
    exam.clock.to(35)
    await phone.commit(piece.record)
    await phone.film(35, 60)
    await phone.upload()
    await ends(exam)


def measured_at(seconds: float, *, judged_before: bool) -> Story:
    """Stored in time, but our own worker fails until `seconds`."""

    async def story(exam: Exam) -> None:
        exam.service.worker.broken = True
        await stored_at(70)(exam)
        exam.clock.to(seconds)
        await exam.settle()
        exam.service.worker.broken = judged_before

    return story


def waived(code: str, story: Story) -> Story:
    async def told(exam: Exam) -> None:
        await story(exam)
        await exam.service.support.waive(exam.sitting, code, "a fire drill")

    return told


def extended(by_s: int, seconds: float) -> Story:
    async def story(exam: Exam) -> None:
        await exam.phone.film(0, 60)
        await ends(exam)
        await exam.service.support.extend(exam.sitting, by_s * 1000, "no network")
        exam.clock.to(seconds)
        await exam.phone.upload()

    return story


def offline(from_s: float, to_s: float) -> Story:
    """What is filmed from `from_s` to `to_s` is committed only then."""

    async def story(exam: Exam) -> None:
        await exam.phone.film(0, from_s)
        await exam.phone.film(from_s, to_s, online=False)
        await exam.phone.film(to_s, 60)
        await exam.phone.upload()
        await ends(exam)

    return story


def waited(seconds: float) -> Story:
    """The last segment is committed `seconds` after it was captured."""

    async def story(exam: Exam) -> None:
        await exam.phone.film(0, 55)
        last = exam.phone.head(55, 60)
        exam.clock.to(60 + seconds)
        await exam.phone.commit(last.record)
        await exam.phone.upload()
        await exam.end(60)
        await exam.phone.manifest()

    return story


async def forked(exam: Exam) -> None:
    phone = exam.phone
    await phone.film(0, 30)
    run, newest = phone.runs[1], phone.newest
    saved = vars(run).copy()
    await phone.film(30, 60)
    after = vars(run).copy(), phone.newest
    vars(run).update(saved)
    phone.newest = newest
    other = phone.head(30, 34)
    phone.pieces.remove(other)
    with pytest.raises(PairingError) as refused:
        await phone.commit(other.record)
    assert refused.value.code == "chain_forked"
    vars(run).update(after[0])
    phone.newest = after[1]
    await phone.upload()
    await ends(exam)


def taken_over(at_s: float, *, delivered_later: bool = False, sampled: bool = True) -> Story:
    """Another phone films from `at_s` on; perhaps the first one's last piece comes only then."""

    async def story(exam: Exam) -> None:
        first = exam.phone
        await first.film(0, 25)
        last = first.head(25, 30)
        if not delivered_later:
            exam.clock.to(30)
            await first.commit(last.record)
        second = await exam.rebind(sampled=sampled)
        await second.film(at_s, 60)
        if delivered_later:
            await first.commit(last.record)
        exam.clock.to(60)
        await exam.end(60)
        for phone in (first, second):
            await phone.upload()
            await phone.manifest()

    return story


def run_without_sample(length_s: float, skew_ms: int = 90_000) -> Story:
    """After a gap of `length_s` a run that never met the server, on a wall clock that is wrong."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        await phone.film(0, 20)
        phone.sampled = False
        await phone.film(20 + length_s, 60, run=2)
        await phone.upload()
        await ends(exam)

    return story


def short_runs_without_sample(count: int) -> Story:
    """`count` runs of 5 s with pauses of 5 s, none of which ever met the server."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        phone.sampled = False
        for number in range(count):
            await phone.film(10 * number, 10 * number + 5, run=number + 1)
        await phone.film(10 * count, 60, run=count + 1)
        await phone.upload()
        await ends(exam)

    return story


async def gap_without_sample(exam: Exam) -> None:
    """A gap inside one run: whatever the run's placement, its length is certain."""
    phone = exam.phone
    phone.sampled = False
    await phone.film(0, 20)
    phone.runs[1].media_us += 11_000_000
    await phone.film(31, 60)
    await phone.upload()
    await ends(exam)


def jumped(mono_s: float, media_s: float) -> Story:
    """Inside one run, after 20 s, the monotonic clock goes on `mono_s` later, the media `media_s` later."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        await phone.film(0, 20)
        phone.runs[1].media_us += round(media_s * 1_000_000)
        await phone.film(20 + mono_s, 105, piece_s=10)
        await phone.upload()
        await ends(exam, 100)

    return story


def asleep(seconds: float) -> Story:
    """In the middle of a run the phone sleeps: its monotonic clock and its media stand still, and it films
    longer than R on either side.  The next clock sample shows it."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        await phone.film(-29, 20)
        phone.boot_ms += round(seconds * 1000)
        phone.sample_next = True
        await phone.film(20 + seconds, 100)
        await phone.upload()
        await ends(exam)

    return story


def still(step_s: float, *, segment_s: float = 30, packets: int = 60) -> Story:
    """Inside one segment no frame comes for `step_s`."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        await phone.film(0, 20)
        found = {"max_step_us": round(step_s * 1_000_000), "packets": packets}
        await phone.film(20, 20 + segment_s, piece_s=segment_s, **found)
        await phone.film(20 + segment_s, 60)
        await phone.upload()
        await ends(exam)

    return story


async def still_at_the_end_of_a_segment(exam: Exam) -> None:
    """A last frame that claims to last 20 s: the step shows in the next segment, which is shorter than it."""
    phone = exam.phone
    await phone.film(0, 20)
    await phone.film(20, 44, piece_s=24)
    await phone.film(44, 48, piece_s=4, max_step_us=20_000_000)
    await phone.film(48, 60)
    await phone.upload()
    await ends(exam)


async def media_longer_than_its_clock(exam: Exam) -> None:
    """One segment captured in 5 s holds frames whose times span 40 s."""
    phone = exam.phone
    await phone.film(0, 15)
    phone.runs[1].media_us = 15_000_000
    stretched = script(15_000_000, 55_000_000)
    piece = phone.head(15, 20, media=stretched)
    exam.clock.to(20)
    await phone.commit(piece.record)
    phone.runs[1].media_us = 55_000_000
    await phone.film(55, 60)
    await phone.upload()
    await ends(exam)


def placed_ahead(by_s: float) -> Story:
    """The phone's clock sample puts its run `by_s` ahead of what the server's clock said at the commits."""

    async def story(exam: Exam) -> None:
        phone = exam.phone
        for start in range(0, 60, 5):
            piece = phone.head(start, start + 5)
            exam.clock.to(start + 5 - by_s)
            await phone.commit(piece.record)
        await phone.upload()
        exam.clock.to(60)
        await exam.end(60)
        await exam.phone.manifest()

    return story


def down(from_s: float, to_s: float, stored_s: float, *, told_at: float = 60) -> Story:
    """No process is alive from `from_s` to `to_s`; the phone films offline, and stores all at `stored_s`."""

    async def story(exam: Exam) -> None:
        steps: list[tuple[float, Callable[[], Awaitable[Any]]]] = [
            (told_at, lambda: exam.end(60)),
            (to_s, lambda: restarted(exam, from_s)),
        ]
        pieces = [exam.phone.head(start, start + 5) for start in range(0, 60, 5)]
        for moment, step in sorted(steps, key=lambda item: item[0]):
            exam.clock.to(moment)
            await step()
        exam.clock.to(max(to_s, told_at))
        await exam.phone.commit(*(piece.record for piece in pieces))
        await exam.phone.manifest()
        exam.clock.to(stored_s)
        await exam.phone.upload()

    return story


async def restarted(exam: Exam, last_alive_s: float) -> None:
    await exam.service.journal.alive("process", at(-60), at(last_alive_s))
    await exam.service.sweep.begin()


def failed(*outages: tuple[float, float], stored_s: float) -> Story:
    """The service's failures, as they are journalled."""

    async def story(exam: Exam) -> None:
        await exam.phone.film(0, 60)
        await ends(exam)
        for start, stop in outages:
            exam.clock.to(stop)
            await exam.journal(
                "deadline_moved", cause="service", from_ms=at(start), to_ms=at(stop), reason="failed"
            )
        exam.clock.to(stored_s)
        await exam.phone.upload()

    return story
