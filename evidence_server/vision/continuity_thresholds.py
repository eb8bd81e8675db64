"""All thresholds of continuity, each with the figure that justified it.

Figures are from `bench.continuity`'s development recordings (its seeds below 100: 640 × 360 and 720p,
H.264 and VP8, noise of 1.5 to 4.5 grey levels); grey levels are 0 to 255, times in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PlaceThresholds:
    """How a place is learnt and recognised."""

    looks_to_establish: int = 4
    kept_to_establish: float = 0.5
    follow: float = 0.04
    textured: float = 2.0
    unrest: float = 0.35
    tiles: int = 6
    alike: float = 0.5


@dataclass(frozen=True)
class LightThresholds:
    """Black and dark."""

    black_bright: float = 16.0
    black_mean: float = 12.0
    black_spread: float = 1.0
    dark_mean: float = 40.0
    dark_bright: float = 100.0


@dataclass(frozen=True)
class ViewThresholds:
    """Covered, blurred, moved."""

    covered_contrast: float = 0.4
    covered_kept: float = 0.35
    covered_spread: float = 12.0
    covered_coarse: float = 2.0
    blurred_sharpness: float = 0.8
    moved_kept: float = 0.25
    moved_shift: float = 1.0
    settle_s: float = 120.0


@dataclass(frozen=True)
class StillThresholds:
    """Frozen and repeated."""

    motion: float = 3.0
    moving: float = 0.01
    no_grain: float = 0.3
    grain_part: float = 0.6
    grain_part_small: float = 0.9
    size_part: float = 0.5
    looks: int = 6
    lively_looks: int = 8


@dataclass(frozen=True)
class RepeatsThresholds:
    """Repeated."""

    same: float = 4.5
    moved: float = 12.0
    looks: int = 3
    lag_s: float = 0.15
    shortest_s: float = 5.0
    candidates: int = 8
    memories: int = 1800


@dataclass(frozen=True)
class PeopleThresholds:
    """Faces."""

    score: float = 0.5
    known_score: float = 0.6
    new_score: float = 0.8
    bodies: int = 10
    face_widths: tuple[float, float] = (0.03, 0.35)
    hits: int = 2
    moves: int = 2
    still_s: float = 20.0
    missed: int = 3
    moved_over: float = 3.0
    confirm_s: float = 9.0
    recent_s: float = 18.0
    stale_s: float = 60.0
    refresh_s: float = 16.0
    seats: int = 8
    head_moves: float = 0.06
    alike: float = 0.6
    every: int = 8
    every_look_until: int = 30
    network_pixels: int = 128
    piece_faces: float = 3.5
    least_pixels: int = 40
    unusual: float = 18.0
    absorb: float = 0.4
    newcomer: float = 0.008
    newcomers: int = 2
    asked: int = 2
    ask_again: int = 12
    pieces: int = 4


@dataclass(frozen=True)
class OccupancyThresholds:
    """Whether anybody is there."""

    change: float = 8.0
    stir: float = 0.002
    stir_part: float = 0.12
    stir_anywhere: float = 0.03
    warm: float = 0.15
    hot: float = 0.3
    heat_share: float = 0.1
    left: float = 0.5
    quiet: int = 2
    stirs_again: int = 3
    person: float = 0.004


@dataclass(frozen=True)
class SoundThresholds:
    """No sound."""

    silent: float = 1.5e-4
    quiet: float = 1e-3
    dropped: float = 0.03
    floor_rise: float = 1.01
    windows: int = 6
    hole_s: float = 3.0
    late_s: float = 12.0


PLACE = PlaceThresholds()
LIGHT = LightThresholds()
VIEW = ViewThresholds()
STILL = StillThresholds()
PEOPLE = PeopleThresholds()
SOUND = SoundThresholds()
OCCUPANCY = OccupancyThresholds()
REPEATS = RepeatsThresholds()
