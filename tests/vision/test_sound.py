"""Silence is found from levels alone; a quiet room is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evidence_server.vision.sound import Hearing
from evidence_server.vision.spans import Span


def heard(level: Callable[[float], float | None], seconds: int = 60) -> list[Span]:
    """The spans of half-second windows whose level is given by their time; None: no sound comes."""
    hearing = Hearing()
    for half in range(2 * seconds):
        t_s = half / 2
        if half % 4 == 0:
            hearing.picture_at(t_s)
        rms = level(t_s)
        if rms is not None:
            hearing.take(t_s, 0.5, rms)
    hearing.finish(float(seconds))
    return hearing.spans()


@pytest.mark.parametrize("during", [0.0, 1e-5, None])
def test_silence(during: float | None) -> None:
    (span,) = heard(lambda t_s: during if 20 <= t_s < 35 else 0.004)
    assert span.kind == "silent"
    assert abs(span.start_s - 20) <= 1
    assert abs(span.end_s - 35) <= 1


@pytest.mark.parametrize("during", [0.0005, 0.3, 1.0])
def test_no_silence(during: float) -> None:
    assert heard(lambda t_s: during if 20 <= t_s < 35 else 0.004) == []


def test_a_pause_of_a_noise_gate_is_no_silence() -> None:
    assert heard(lambda t_s: 0.0 if t_s % 10 < 2 else 0.01) == []


def test_a_level_that_falls_to_a_thirtieth() -> None:
    (span,) = heard(lambda t_s: 0.0009 if 20 <= t_s < 35 else 0.05)
    assert span.confidence < 0.9


def test_no_sound_at_all() -> None:
    (span,) = heard(lambda _: None)
    assert (span.start_s, span.end_s) == (0.0, 60.0)


def test_sound_that_comes_some_seconds_behind_the_pictures() -> None:
    hearing = Hearing()
    for block in range(10):
        for picture in range(2):
            hearing.picture_at(block * 4.0 + picture * 2)
        for half in range(8):
            hearing.take(block * 4 + half / 2, 0.5, 0.01)
    hearing.finish(40.0)
    assert hearing.spans() == []


def test_sound_that_stops_before_the_end() -> None:
    (span,) = heard(lambda t_s: 0.01 if t_s < 30 else None)
    assert abs(span.start_s - 30) <= 1
    assert span.end_s == 60.0
