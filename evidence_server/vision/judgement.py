"""Accept, repeat or review: each rule looks at what was measured and names its reason with the facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from evidence_server.vision.course import Course
from evidence_server.vision.distant import distant_people
from evidence_server.vision.observation import Observations
from evidence_server.vision.presence import Face, Sighting
from evidence_server.vision.thresholds import ScanThresholds

FEWEST_LOOKS = 15
"""At the candidate's face, for comparing a third of them with another."""


class Answer(StrEnum):
    """What becomes of a scan."""

    ACCEPT = "accept"
    REVIEW = "review"
    REPEAT = "repeat"


@dataclass(frozen=True)
class Reason:
    """Why a scan is not simply accepted: a code, the answer it leads to, and the facts in figures."""

    code: str
    answer: Answer
    facts: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """`code`, `answer` and the facts, in one object."""
        return {"code": self.code, "answer": str(self.answer), **self.facts}


def longest_run(times: NDArray[np.float64], true: NDArray[np.bool_]) -> tuple[float, float]:
    """The longest stretch in which all entries are true: its start, and its length to the entry that ends
    it."""
    best, start = (0.0, 0.0), None
    for at, here in enumerate([*true.tolist(), False]):
        if here and start is None:
            start = at
        if not here and start is not None:
            length = float(times[min(at, len(times) - 1)] - times[start])
            if length > best[1]:
                best = (float(times[start]), length)
            start = None
    return best


def picture_reasons(seen: Observations, limits: ScanThresholds) -> Iterator[Reason]:
    """Light, lens, and whether it is one continuous film of something that moves."""
    times = np.array(seen.t_s)
    if seen.cut_off:
        yield Reason("too_long", Answer.REPEAT, {"longest_s": limits.longest_s})
    if seen.landscape:
        yield Reason("landscape", Answer.REPEAT)
    turned = [look.turned for look in seen.sightings if look.turned is not None]
    if turned and float(np.median(turned)) > limits.upside_down:
        yield Reason("upside_down", Answer.REPEAT)
    step = float(np.median(np.diff(times)))
    if step > limits.longest_step_s:
        yield Reason("few_frames", Answer.REPEAT, {"frames_a_second": round(1 / step, 2)})
    covered = np.array(seen.contrast) < limits.covered_contrast
    if covered.mean() > limits.always_covered:
        # A picture that is black from end to end was taken without light.
        covered[:] = False
    at, length = longest_run(times, covered)
    if length >= limits.covered_s:
        yield Reason("covered", Answer.REPEAT, {"start": round(at, 1), "length": round(length, 1)})
    dark = (np.array(seen.luma) < limits.dark_luma) & ~covered
    if dark.mean() >= limits.dark_share:
        yield Reason("dark", Answer.REPEAT, {"share": round(float(dark.mean()), 2)})
    blurred = (np.array(seen.gradient) < limits.blurred_gradient) & ~covered & ~dark
    if blurred.mean() >= limits.blurred_share:
        yield Reason("blurred", Answer.REPEAT, {"share": round(float(blurred.mean()), 2)})
    elif seen.sharpness and float(np.percentile(seen.sharpness, 90)) < limits.blurred_sharpness:
        # The candidate may be sharp and the room not: at no time was it.
        yield Reason("blurred", Answer.REPEAT, {"share": 1.0})


def repetition_reasons(seen: Observations, course: Course, limits: ScanThresholds) -> Iterator[Reason]:
    """A still picture, a replayed stretch."""
    thumbs = np.stack(seen.thumbs)
    follow = np.einsum("ij,ij->i", thumbs[:-1], thumbs[1:])
    apparent = float(np.ptp(course.yaw))
    if apparent < limits.still_turn:
        if float(np.median(follow)) > limits.still_alike:
            yield Reason("still", Answer.REPEAT)
        return
    found = replayed(thumbs, np.array(seen.t_s), np.array(seen.contrast) >= limits.covered_contrast, limits)
    if found is not None:
        yield Reason("loop", Answer.REPEAT, {"start": round(found[0], 1), "again": round(found[1], 1)})


def replayed(
    thumbs: NDArray[np.float32], times: NDArray[np.float64], open_: NDArray[np.bool_], limits: ScanThresholds
) -> tuple[float, float] | None:
    """Where a moving stretch of 1.5 s is shown again at least 2 s later: both times. `open_`: nothing covers
    the lens.

    The candidate never holds the phone twice alike: at the same place of the room pose, tilt and face differ.
    """
    step = float(np.median(np.diff(times)))
    window, first = max(5, round(1.5 / step)), max(5, round(2.0 / step))
    count = len(thumbs)
    if count < window + first:
        return None
    alike = thumbs @ thumbs.T
    alike[~open_] = alike[:, ~open_] = 0
    best, where = limits.loop_alike, None
    for lag in range(first, count - window):
        diagonal = np.diagonal(alike, lag)
        sums = np.concatenate([[0.0], np.cumsum(diagonal, dtype=np.float64)])
        means = (sums[window:] - sums[:-window]) / window
        for at in np.flatnonzero(means > best):
            # A pause is alike with a pause; only what moves can be told to be a replay.
            if alike[at, at + window - 1] < 0.97:
                best, where = float(means[at]), (float(times[at]), float(times[at + lag]))
    return where


def _jumps(seen: Observations, course: Course, limits: ScanThresholds) -> NDArray[np.bool_]:
    """The steps in which the picture changed to one that no motion explains."""
    thumbs = np.stack(seen.thumbs)
    alike = np.einsum("ij,ij->i", thumbs[:-1], thumbs[1:])
    energies = [0.0 if motion is None else motion.energy for motion in seen.motions]
    textured = np.array(energies) > limits.jump_energy
    # A picture full of small things is hardly like the next one, and yet the flow may follow it exactly.
    unexplained = course.lost & ((alike < limits.cut_alike) | (textured & (alike < limits.jump_alike)))
    spreads = np.array([np.inf if motion is None else motion.spread for motion in seen.motions])
    open_ = np.array(seen.contrast) >= limits.covered_contrast
    return np.asarray(unexplained & (spreads > limits.jump_spread) & open_[:-1] & open_[1:])


def people_reasons(seen: Observations, limits: ScanThresholds) -> Iterator[Reason]:
    """The candidate in the picture, and nobody else."""
    looks = seen.sightings
    times = np.array([look.t_s for look in looks])
    there = np.array([look.candidate is not None for look in looks])
    at, absence = longest_run(times, ~there)
    fraction = float(there.mean())
    if absence > limits.absent_s or fraction < limits.face_fraction:
        facts = {"start": round(at, 1), "length": round(absence, 1), "fraction": round(fraction, 2)}
        yield Reason("candidate_absent", Answer.REPEAT, facts)
    changed = _changed(looks)
    if changed is not None:
        throughout, somewhere = changed
        facts = {"difference": round(max(throughout, somewhere), 2)}
        if throughout > limits.changed:
            yield Reason("candidate_changed", Answer.REPEAT, facts)
        elif somewhere > limits.changed_between:
            yield Reason("candidate_changed", Answer.REVIEW, facts)
    strong, weak = other_people(looks, limits)
    distant = distant_people(looks, limits)
    if len(strong) >= limits.other_looks:
        yield Reason("people", Answer.REPEAT, {"start": round(strong[0], 1), "looks": len(strong)})
    elif strong or len(weak) >= limits.other_looks or distant:
        either = sorted({*strong, *weak, *distant})
        yield Reason("people_perhaps", Answer.REVIEW, {"start": round(either[0], 1), "looks": len(either)})


def _changed(looks: list[Sighting]) -> tuple[float, float] | None:
    """How differently the candidate looks in the first and the last third of the looks, and in any two
    thirds: 0 alike, 1 unlike."""
    figures = [look.appearance for look in looks if look.appearance is not None]
    if len(figures) < FEWEST_LOOKS:
        return None
    thirds = [part.mean(axis=0) for part in np.array_split(np.stack(figures), 3)]
    apart = 1 - np.corrcoef(thirds)
    return float(apart[0, 2]), float(apart.max())


def other_people(looks: list[Sighting], limits: ScanThresholds) -> tuple[list[float], list[float]]:
    """Times of the looks at which somebody else was surely, or perhaps, in the picture."""
    widths = [look.candidate.width for look in looks if look.candidate is not None]
    usual = float(np.median(widths)) if widths else 0.15
    strong, weak = [], []
    for look in looks:
        sure = [
            face for face in look.others
            if face.score >= limits.other_confident and face.width >= limits.other_size * usual
        ]
        if sure:
            strong.append(look.t_s)
        elif any(is_another(face, look.candidate, limits) for face in look.others):
            weak.append(look.t_s)
    return strong, weak


def is_another(face: Face, candidate: Face | None, limits: ScanThresholds) -> bool:
    """Whether a face may be somebody else's; doubtful ones on the candidate's body are hands and badges."""
    if face.score >= limits.other_confident:
        return True
    if face.score < limits.other_doubtful:
        return False
    if candidate is None:
        return True
    beside = abs(face.centre[0] - candidate.centre[0]) < 1.4 * candidate.width
    return not (beside and face.centre[1] > candidate.y + 0.8 * candidate.height)


def turn_reasons(seen: Observations, course: Course, limits: ScanThresholds) -> Iterator[Reason]:
    """Speed, jumps, and whether the turn is whole."""
    times = np.array(seen.t_s)
    rate = np.abs(np.diff(course.yaw)) / np.diff(times)
    fast = (rate > limits.too_fast) & ~course.lost
    fast_s = float(np.diff(times)[fast].sum())
    if fast_s >= limits.fast_s:
        at = float(times[int(np.argmax(rate * ~course.lost))])
        yield Reason("too_fast", Answer.REPEAT, {"start": round(at, 1), "length": round(fast_s, 1)})
    jumps = _jumps(seen, course, limits)
    if jumps.any():
        # Where the phone dropped pictures nothing can be followed: whether something was cut out there is for
        # people to say.
        spliced = (jumps & (np.diff(times) <= limits.dropped_s)).any()
        facts = {"start": round(float(times[1:][jumps][0]), 1), "count": int(jumps.sum())}
        yield Reason("jump", Answer.REPEAT if spliced else Answer.REVIEW, facts)
    steps = np.abs(np.diff(course.yaw))
    # Where there was something to see that could not be followed, the sensors may say how far it went.
    unseen = float(steps[course.bare if course.bridged else course.lost].sum())
    if unseen > limits.unseen:
        yield Reason("unseen", Answer.REVIEW, {"degrees": round(unseen)})
    turning = [motion.still for motion in seen.motions if motion is not None and abs(motion.yaw) > 0.02]
    if turning and float(np.median(turning)) > limits.static_share:
        yield Reason("static_surroundings", Answer.REPEAT, {"share": round(float(np.median(turning)), 2)})
    span = float(np.ptp(course.yaw))
    if course.closure is None:
        facts = {"turned": round(span), "low": round(course.low), "high": round(course.high)}
        # Across a bare wall the turn cannot be measured: whether it is whole is for people to say. So it is
        # where the sensors felt a whole turn and only the pictures do not show the beginning again.
        hidden = unseen > limits.unseen and max(-course.low, course.high) > limits.closed_turn
        felt = course.trusted and max(-course.high, course.low) > limits.closed_turn
        yield Reason("not_closed", Answer.REVIEW if hidden or felt else Answer.REPEAT, facts)
    elif span < limits.accepted_turn:
        yield Reason("not_enough", Answer.REPEAT, {"turned": round(span)})
    if course.sensors_alike is not None and course.sensors_alike < limits.sensors_alike:
        yield Reason("sensors_differ", Answer.REVIEW, {"correlation": round(course.sensors_alike, 2)})
