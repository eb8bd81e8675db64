"""The course of a scan: its true turn at every frame, from what the pictures show and the sensors felt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evidence_server.vision.closure import Closure, closure_of, find_revisits
from evidence_server.vision.flow import NOMINAL_FOCAL
from evidence_server.vision.observation import Observations
from evidence_server.vision.orientation import SensedTurn
from evidence_server.vision.thresholds import ScanThresholds
from evidence_server.vision.turn import Turn, fit_turn, summed

Doubles = NDArray[np.float64]

OPEN_SHAPES = (0.60, 0.92)
"""Of an open scan without sensors the walls' distance is unknown: all that good scans have (thresholds)."""
LOOKED_FOR_SHAPES = (0.5, 1.15)
"""Rooms' shapes by the first, rough fit of the picture's curvature: wider than what is accepted."""
CLOSED_ERROR = 1.5
"""Degrees by which a closed scan's total may err: the goal, three times what was measured."""
OPEN_DRIFT = 0.005
"""The error that grows along the way, as a share of it: to and fro over 500 degrees 1.5 were lost."""
UNSEEN_ERROR = 0.1
"""The error of what was filled in without sensors, as a share of it: to and fro along a bare wall 3 of 61
degrees were lost."""
SENSED_ERROR = 4.0
"""The same by the sensors' drift: twice the largest measured."""
BRIDGED_ERROR = 8.0
"""Degrees between the seen and the felt turn, anywhere, within which the sensors lead across what could not
be measured: good scans 1.3 to 4.7; a stretch frozen or left out parts them by its own length."""


@dataclass(frozen=True)
class Course:
    """Yaw at every frame, in degrees relative to the first, growing to the right, and how sure it is.

    `total`, `low` and `high`: the turn at the last frame and its interval. `lost` is true for each step
    between frames that could not be measured and was filled in, `bare` where there was nothing to follow.
    `trusted`: sensors felt the rates that are seen; `bridged`: also the loop closes, and they felt the same
    turn all along. `shape` is what the full turn implies about the room (1 - arm / distance); None without
    closure. `sensors_alike` is the correlation of turning rates; None without sensors.
    """

    yaw: Doubles
    total: float
    low: float
    high: float
    lost: NDArray[np.bool_]
    bare: NDArray[np.bool_]
    trusted: bool
    bridged: bool
    closure: Closure | None
    shape: float | None
    sensors_alike: float | None


def find_course(seen: Observations, sensed: SensedTurn | None, limits: ScanThresholds) -> Course:
    """Measure the course; needs two frames."""
    times = np.array(seen.t_s)
    lost = lost_steps(seen, limits)
    motions = [None if gone else motion for gone, motion in zip(lost, seen.motions, strict=True)]
    felt = None
    if sensed is not None and sensed.covers(times[0], times[-1]):
        felt = sensed.at(times)
    turn = _filled(fit_turn(motions, None), times, lost, felt)
    shortest, longest = (full_turn_of(turn.curvature, each) for each in LOOKED_FOR_SHAPES)
    revisits = find_revisits(seen.views, turn.yaw, (shortest, longest))
    closure = closure_of(revisits, turn.yaw)
    if closure is not None:
        # Knowing the full turn, the room's shape can be fitted where it belongs.
        turn = _filled(fit_turn(motions, closure.full_turn), times, lost, felt)
        closure = closure_of(revisits, turn.yaw)
    shape = None if closure is None else turn.curvature * (closure.full_turn / 360 * NOMINAL_FOCAL) ** 2
    if shape is not None and not limits.shape_low <= shape <= limits.shape_high:
        closure = None
    alike = None if felt is None else _alike(summed(motions), felt, times, lost)
    trusted = felt is not None and alike is not None and alike >= limits.sensors_alike
    if closure is not None:
        factor, low, high = 360 / closure.full_turn, -CLOSED_ERROR, CLOSED_ERROR
    elif trusted and felt is not None:
        factor, low, high = _factor(turn.yaw, felt), -SENSED_ERROR, SENSED_ERROR
    else:
        factors = [360 / full_turn_of(turn.curvature, each) for each in (*OPEN_SHAPES, sum(OPEN_SHAPES) / 2)]
        factor = factors[2]
        low, high = sorted(float(turn.yaw[-1]) * (each - factor) for each in factors[:2])
        steps = np.abs(np.diff(turn.yaw))
        margin = CLOSED_ERROR + OPEN_DRIFT * float(steps.sum()) + UNSEEN_ERROR * float(steps[lost].sum())
        low, high = low - margin, high + margin
    yaw = turn.yaw * factor
    total = float(yaw[-1])
    bridged = (
        closure is not None and trusted and felt is not None
        and float(np.abs(yaw - felt).max()) <= BRIDGED_ERROR
    )
    bare = lost & np.array([each is None or each.best_energy < limits.bare_energy for each in seen.motions])
    return Course(yaw, total, total + low, total + high, lost, bare, trusted, bridged, closure, shape, alike)


def full_turn_of(curvature: float, shape: float) -> float:
    """The apparent degrees of a full turn that a picture's curvature and a room's shape belong to."""
    return 360 * float(np.sqrt(shape / max(curvature, 0.05))) / NOMINAL_FOCAL


def lost_steps(seen: Observations, limits: ScanThresholds) -> NDArray[np.bool_]:
    """Which steps between frames could not be measured: nothing to follow, nothing that agrees, or no
    light."""
    blind = (np.array(seen.contrast) < limits.covered_contrast)
    lost = [
        motion is None
        or motion.spread > limits.lost_spread
        or motion.best_energy < limits.bare_energy
        or after - before > limits.longest_step_s
        for motion, before, after in zip(seen.motions, seen.t_s[:-1], seen.t_s[1:], strict=True)
    ]
    return np.array(lost, bool) | blind[:-1] | blind[1:]


def _filled(turn: Turn, times: Doubles, lost: NDArray[np.bool_], felt: Doubles | None) -> Turn:
    """Fill unmeasured steps: by the sensors, or at the speed measured around them."""
    if not lost.any() or lost.all():
        return turn
    steps, spans = np.diff(turn.yaw), np.diff(times)
    if felt is not None:
        measured = np.diff(felt)
        over = float(measured[~lost] @ measured[~lost])
        factor = float(measured[~lost] @ steps[~lost]) / over if over > 1 else 0.0
        steps[lost] = measured[lost] * factor
    else:
        speed = steps / spans
        smooth = np.convolve(np.where(lost, 0, speed), np.ones(5), "same")
        smooth = smooth / np.maximum(np.convolve(~lost, np.ones(5), "same"), 1)
        middle = (times[:-1] + times[1:]) / 2
        steps[lost] = np.interp(middle[lost], middle[~lost], smooth[~lost]) * spans[lost]
    return Turn(np.concatenate([[0.0], np.cumsum(steps)]), turn.curvature, turn.shape)


def _factor(yaw: Doubles, felt: Doubles) -> float:
    """By how much the seen turn has to grow to be the felt one."""
    seen, sensed = yaw - yaw.mean(), felt - felt.mean()
    over = float(seen @ seen)
    return float(seen @ sensed) / over if over > 1 else 1.0


def _alike(plain: Doubles, felt: Doubles, times: Doubles, lost: NDArray[np.bool_]) -> float:
    """Correlation of the turning rates over half a second."""
    span = 5
    if len(times) <= 2 * span:
        return 1.0
    passed = times[span:] - times[:-span]
    seen, sensed = (plain[span:] - plain[:-span]) / passed, (felt[span:] - felt[:-span]) / passed
    whole = np.convolve(lost, np.ones(span), "valid") == 0
    if np.count_nonzero(whole) < span or seen[whole].std() < 1 or sensed[whole].std() < 1:
        # Nothing turns evenly enough to be compared only by rates; hardly any turn means hardly any
        # difference.
        return 1.0 if np.abs(seen[whole] - sensed[whole]).mean() < 8 else 0.0
    return float(np.corrcoef(seen[whole], sensed[whole])[0, 1])
