"""All thresholds of continuity, each with the figure that justified it.

Figures are from development recordings rendered by `bench.rooms` (seeds 1 to 24 and 201 to 203; 640 × 360 and
720p, H.264 and VP8 at 0.4 and 1 Mbit/s, noise of 1.5 to 4.5 grey levels, some of them in panoramas).  Grey
levels are 0 to 255, times seconds, "points" those of the grid, 160 along the longer side.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PlaceThresholds:
    """How a place is learnt and recognised."""

    looks_to_establish: int = 4
    """Looks in a row that agree; a phone that is still being put down agrees with itself twice at most."""
    kept_to_establish: float = 0.5
    """Share of tiles by which two looks agree; looks of one place had 0.8 and more."""
    follow: float = 0.04
    """How fast the reference follows: half of a change in 17 looks."""
    textured: float = 2.0
    """Grey levels of structure that make a tile worth comparing; noise had 0.5 to 0.8."""
    unrest: float = 0.35
    """Mean unlikeness beyond which a tile keeps changing; about 110 of 128 textured tiles stay below it."""
    tiles: int = 6
    """Fewer tiles say nothing."""
    alike: float = 0.5
    """Correlation of a tile with its reference; unchanged ones had 0.9, strange ones 0 ± 0.3."""


@dataclass(frozen=True)
class LightThresholds:
    """Black and dark."""

    black_bright: float = 16.0
    """98th percentile of light; black pictures had 1 to 9 (noise included), the darkest of dark ones 17."""
    black_mean: float = 12.0
    black_spread: float = 1.0
    """Deviation between tiles; black had 0 to 0.2, the darkest of dark ones 2."""
    dark_mean: float = 40.0
    """The scan data's dark clip has 25 to 37, its dim one (still usable) 67 to 85."""
    dark_bright: float = 100.0
    """A dark room with a window or a lamp in it is not dark; the dark clip has at most 71."""


@dataclass(frozen=True)
class ViewThresholds:
    """Covered, blurred, moved."""

    covered_contrast: float = 0.4
    """Contrast in relation to the place's own; covers left 0.08, an empty seat 0.82."""
    covered_kept: float = 0.35
    """Share of tiles still alike; covers left 0."""
    covered_spread: float = 12.0
    """Before the place is known: deviation between tiles; a shaded cover had 9, rooms 24 and more."""
    covered_coarse: float = 2.0
    """The same for steps between neighbours; covers had 0.9 to 1.3, a bare wall 6.7."""
    blurred_sharpness: float = 0.8
    """Sharpness in relation to the place's own; undisturbed 0.90 to 1.08, a blur of 5 pixels 0.70."""
    moved_kept: float = 0.25
    """Share of steady tiles still alike; a second person left 0.83; for small moves: `moved_shift`."""
    moved_shift: float = 1.0
    """Points, 8 pixels of 1280 or 0.4 degrees; undisturbed at most 0.28."""
    settle_s: float = 120.0
    """After so long in the new place it is the place."""


@dataclass(frozen=True)
class StillThresholds:
    """Frozen."""

    motion: float = 3.0
    """Change of structure that noise does not make; frozen pictures had 1.8 to 2.3 (99th percentile)."""
    moving: float = 0.01
    """Share of points that may change more."""
    no_grain: float = 0.3
    """Change of single pixels without any noise; frozen pictures went from 1.0 down to 0."""
    grain_part: float = 0.6
    """Part of the usual change of single pixels; a frozen picture's fell to 0.75, 0.47, 0.25 and 0 of it."""
    grain_part_small: float = 0.9
    """The same where coded pictures became small, too."""
    size_part: float = 0.5
    """Part of the usual coded size; frozen pictures had 0.13 to 0.38, undisturbed 0.66 and more."""
    looks: int = 6
    """Looks in a row without any movement of whoever sits there: nobody keeps still for twelve seconds."""
    lively_looks: int = 8
    """Looks with movement before stillness means anything."""


@dataclass(frozen=True)
class RepeatsThresholds:
    """Repeated."""

    same: float = 4.5
    """Difference that all but one point of 200 of the same picture stay below: it had 1 (H.264) to 3 (VP8);
    the two most alike of 12,000 other pairs had 6."""
    moved: float = 12.0
    """Difference between looks in which something moved; undisturbed, with a person, 65."""
    looks: int = 3
    """Looks in a row that are repeated and moved."""
    lag_s: float = 0.15
    """How far apart two looks' lags may be to count as one."""
    shortest_s: float = 5.0
    """Shorter loops are frozen pictures to key frames two seconds apart."""
    candidates: int = 8
    """Memories compared in full."""
    memories: int = 1800
    """An hour of looks, 6.5 MB."""


@dataclass(frozen=True)
class PeopleThresholds:
    """Faces; sizes are parts of the picture's width."""

    score: float = 0.5
    """Confidence worth a closer look."""
    known_score: float = 0.6
    """Confidence that is enough where a face was seen before."""
    new_score: float = 0.8
    """Confidence for somebody new, in a close piece; faces had 0.84 to 0.97, patterns up to 0.76."""
    face_widths: tuple[float, float] = (0.03, 0.35)
    """Smaller ones were patterns."""
    hits: int = 2
    """How often a new face must be found."""
    moves: int = 2
    """How often its head must have moved: a poster that is put up moves once."""
    moves_again: int = 3
    """Looks in a row with movement after which a seat that was left is taken again, without a face."""
    still_s: float = 30.0
    """A head that has not moved for so long is a picture."""
    missed: int = 3
    """How often a face may be missed where nothing changed."""
    moved_over: float = 3.0
    """How many face widths somebody moves between two finds."""
    confirm_s: float = 9.0
    """A new face that is not found again for so long was none."""
    recent_s: float = 23.0
    """A face seen within this time counts: it is looked for every `refresh_s`."""
    stale_s: float = 60.0
    """A seat whose face was not seen for so long, and that does not move, is given up for another."""
    refresh_s: float = 20.0
    """How often a known face is looked for when nothing is in doubt."""
    seats: int = 8
    bodies: int = 10
    """Finds that say where persons move."""
    head_moves: float = 0.06
    """Share of the points around a head that change when it moves."""
    alike: float = 0.6
    """Correlation of head and shoulders with how they were last seen."""
    every: int = 10
    """Looks between two pieces of the walk over the whole picture."""
    every_look_until: int = 30
    """Until then, and while no face is known, every look takes one."""
    pieces: int = 4
    """Most pieces in one look; each costs as much as decoding its key frame."""
    piece_faces: float = 3.5
    """Side of a piece around a face, in faces: where the network is surest."""
    least_pixels: int = 40
    """Smallest piece of the frame."""
    unusual: float = 18.0
    """Difference from what is usual there."""
    absorb: float = 0.4
    """Grey levels by which what is usual follows each look."""
    newcomer: float = 0.008
    """Share of the picture that is not as usual, for somebody to be looked for; a second person had 0.02."""
    newcomers: int = 2
    """Such places looked at in one look."""


@dataclass(frozen=True)
class OccupancyThresholds:
    """Whether anybody is there; shares are of the picture's points."""

    change: float = 8.0
    """Change of a point that noise does not make (at most 3.9 in the noisiest recording)."""
    stir: float = 0.002
    """Least share that changes when a person moves."""
    stir_part: float = 0.12
    """The same as part of what usually moves; persons had 0.2 to 1.5."""
    stir_anywhere: float = 0.03
    """So much is a person anywhere."""
    warm: float = 0.15
    """Share of looks in which a point moved, for its movement to count."""
    hot: float = 0.3
    """The same, for the point to belong to somebody; a page that changes every 12 s has 0.15."""
    heat_share: float = 0.1
    """How fast that is learnt."""
    left: float = 0.5
    """Share of hot points that differ when somebody has left."""
    quiet: int = 2
    """Looks in a row without a sign."""
    stirs_again: int = 3
    """Looks in a row with movement, for an empty seat to be taken without a face."""
    person: float = 0.004
    """Share that moves again and again, for somebody to be known to be there."""
    vacant_s: float = 180.0
    """So long may nobody be seen who never was, before that is told."""
    vacant_looks: int = 45
    """So many looks without any movement as well: one every 4 s."""
    vacant_stir: float = 0.004
    """Share of points that changes when somebody may move, wherever, however small.  Rendered persons (seeds
    301 to 306, their faces shown for 0.3 of the time) changed 0.01 and more in 0.99 of all looks, 0.048 to
    0.09 in half of them; empty rooms 0 to 0.0015 in half, noise and coding at 0.4 Mbit/s 0.002 to 0.006 in
    one look of ten: there nothing is told, rather than something wrong."""
    vacant_stirs: float = 0.1
    """Share of looks in which something may move all the same: the laptop's marker changes in one of 15,
    and nobody keeps still for six (`StillThresholds.looks`), which is 0.17."""
    vacant_confidence: float = 0.5
    """Less than for somebody who left (0.8): a person who never was seen may be hidden from the camera."""


@dataclass(frozen=True)
class SoundThresholds:
    """No sound; levels are of full scale 1."""

    silent: float = 1.5e-4
    """-76 dB: muted tracks decode to 0 to 1e-5, the quietest undisturbed room had 1e-3."""
    quiet: float = 1e-3
    """-60 dB: below it a fall from the usual floor is silence, too."""
    dropped: float = 0.03
    """Such a fall, 30 dB."""
    floor_rise: float = 1.01
    """How fast the floor may rise in half a second: words are not the room."""
    windows: int = 6
    """Half-second windows in a row: noise gates close for less."""
    hole_s: float = 3.0
    """Time without any sound between sound, or before the end."""
    late_s: float = 12.0
    """How far behind the pictures a container may bring the sound (fragments of 4 s are common)."""


PLACE = PlaceThresholds()
LIGHT = LightThresholds()
VIEW = ViewThresholds()
STILL = StillThresholds()
REPEATS = RepeatsThresholds()
PEOPLE = PeopleThresholds()
OCCUPANCY = OccupancyThresholds()
SOUND = SoundThresholds()
