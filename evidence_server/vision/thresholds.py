"""The thresholds of the room scan, in one place, each with the figure that it comes from.

"Good" and "bad" are rendered scans (bench/scan.py), 720x1280 and 360x640 at 1 Mbit/s and 0.5 Mbit/s.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScanThresholds:
    """What a scan must show. Luma is 0 (black) to 255; lengths in seconds; turns in degrees."""

    # -- how much is looked at
    longest_s: float = 300.0
    """A scan that goes on longer is refused: twelve times an ordinary one (24 degrees a second)."""
    most_frames: int = 3_300
    """The same at 10 frames a second, and some."""
    face_every_s: float = 0.24
    """A second person was in the picture for 0.4 s: two looks fall into that."""
    longest_step_s: float = 0.45
    """Between two frames: beyond it 80 degrees a second are more than half of the picture."""

    # -- light
    dark_luma: float = 48.0
    """Mean luma of a picture that is too dark: bad 17-41, good (dim rooms) from 63."""
    dark_share: float = 0.2
    """Of the frames."""
    covered_contrast: float = 9.0
    """Standard deviation of a picture of 18x32 pixels below which the lens is covered: bad 5, good from
    23."""
    always_covered: float = 0.7
    """Share of covered frames from which the room is called dark instead."""
    covered_s: float = 0.5
    """Longest stretch of covered frames: a hand that passes."""
    blurred_gradient: float = 7.0
    """Horizontal gradient (98th percentile) below which a picture is blurred: bare walls 14, dim rooms 20."""
    blurred_share: float = 0.3
    blurred_sharpness: float = 0.22
    """Share of a step in the light over eight rows that falls between two of them, outside of the candidate
    (the sharpest tenth of the looks): rooms from 0.29, blurred by 2.2 of 180 pixels at most 0.21, by 3 at
    most 0.17. There a face at two metres is no face any more."""

    # -- candidate and others
    upside_down: float = 0.0
    """How much surer the network is of faces with the picture turned round (median): upside down from 0.23,
    upright at most -0.20."""
    face_confident: float = 0.5
    """Median of the candidate's face 0.81-0.97."""
    face_doubtful: float = 0.35
    """Enough where the face was a fifth of a second before: lowest twentieth 0.61."""
    absent_s: float = 1.6
    """Longest absence: eight looks; good scans have none, a face that turns away briefly may."""
    face_fraction: float = 0.85
    changed: float = 0.45
    """Difference in appearance (see `presence.appearance`) between the first and the last third of a scan:
    one person at most 0.31 (in most scans 0.04), two people from 0.57."""
    changed_between: float = 0.55
    """The same of any two thirds, which see the candidate in unlike light: one person at most 0.52."""
    other_confident: float = 0.72
    """Confidence of another person's face: somebody in the room 0.73-0.95 in most looks, hands and furniture
    at most 0.66."""
    other_doubtful: float = 0.6
    """The same for a face that is not on the candidate's body and is left to people, if it is seen twice."""
    other_size: float = 0.5
    """Its width in the candidate's: somebody in the room 0.7-0.95; pictures on walls are smaller."""
    other_looks: int = 2
    """Looks with another face of that kind for "repeat"; one is for review. Seen: 2 to 6 at 24 degrees a
    second."""

    # -- people in the room, whose faces are small: 15 of 360 pixels at three metres
    distant_every: float = 7.5
    """Apparent degrees of turn from one look for them to the next: what is beside the candidate is in two
    looks (25 degrees each) before the candidate covers it."""
    distant_every_s: float = 2.0
    """Seconds, where the camera rests."""
    distant_whole_every: int = 4
    """Of so many looks one goes over the picture's whole width, the others over the side."""
    distant_side: float = 0.42
    """Width of a look to the side: a candidate covers the rest. The network sees 15 pixels as 19."""
    distant_width: float = 0.03
    """Smallest face, in the picture's width: at four metres."""
    distant_faces: int = 2
    """Closer looks at one time: each costs a third of a look."""
    distant_pieces: tuple[float, ...] = (3.5, 5.0)
    """Sides of the closer pieces, in faces."""
    distant_far: float = 0.3
    """Confidence of the full-range network worth a closer look: faces at two metres 0.5-0.9, at three
    0.1-0.9."""
    distant_near: float = 0.35
    """Confidence of the other network in the closer look: at two metres 0.74-0.95, at three 0.3-0.8."""
    distant_both: float = 1.0
    """Sum of both for a face that has to be found twice: at three metres two of five looks; in 49 turns
    without anybody 2 finds, in two of them (1.06 and 1.20)."""
    distant_sure: float = 1.4
    """The same for one find alone: at two metres 1.4-1.8; without anybody at most 1.39, looked for ten times
    as often."""
    distant_moved: float = 4.0
    """Apparent degrees between two finds of one person: what turns with the camera is the candidate's."""
    distant_apart: float = 20.0
    """Most by which their directions may differ: the camera moves about the candidate, and who is near is
    seen elsewhere by up to 9 degrees."""

    # -- motion
    fast: float = 90.0
    """Degrees a second at which a sector no longer counts as seen."""
    too_fast: float = 120.0
    """Degrees a second that are not accepted for `fast_s`: quick good scans reach 101, bad ones 170 to
    220."""
    fast_s: float = 0.4
    lost_spread: float = 0.025
    """Residual of the flow (half widths) from which a step is unmeasured: good below 0.01, bare walls
    0.02."""
    cut_alike: float = 0.7
    """Correlation of consecutive pictures of 18x32 pixels below which a step that flow could not measure is a
    cut: cuts 0.0-0.83, with a residual from 0.045. Steps that are measured go down to 0.66 (dim, gravel)."""
    jump_alike: float = 0.92
    """The same where there is something to follow: mirrored 0.73, blended 0.82, into a bare wall
    0.95."""
    jump_spread: float = 0.038
    """Residual of the flow from which it is a jump: cuts from 0.045, a quick step in a dim room 0.031."""
    dropped_s: float = 0.25
    """A longer step between two pictures (eight a second are looked at) means that some are missing: a
    browser on a busy machine drops 0.2 to 0.33 s at a time."""
    bare_energy: float = 4.0
    """Gradient energy of the better points below which there is nothing to follow: blank walls 1.2-1.8 (noise
    alone), the barest real ones from 5."""
    jump_energy: float = 20.0
    """Gradient energy from which an unmeasured step is a jump and no bare wall (bare walls 2-60, rooms from
    60)."""
    still_turn: float = 20.0
    """Apparent degrees below which a scan may be a still picture."""
    still_alike: float = 0.9993
    """Correlation of consecutive pictures of 18x32 pixels: still 0.9997, slow turning 0.997."""
    loop_alike: float = 0.99
    """Correlation of 1.5 s with an earlier 1.5 s, both moving: loop 0.9999, good at most 0.965."""
    static_share: float = 0.4
    """Points outside of the candidate that stay in place while the room moves: good below 0.15."""

    # -- turn
    accepted_turn: float = 352.0
    """355 degrees must be accepted, below 345 not; the total is measured to 1.5."""
    closed_turn: float = 349.0
    """The picture closes: less is missing than the lens sees at once, but not looked at."""
    shape_low: float = 0.60
    shape_high: float = 1.05
    """Curvature times the squared focal length that the closure implies, that is 1 - arm / (D + arm): good
    0.64-0.82, a hall 0.95; what seems to close after less than a turn (loops, stretches left out)
    0.38-0.58."""
    unseen: float = 30.0
    """Degrees of unmeasured turn beyond which it is for people to say: less than half of what the lens sees
    at once (46 to 74) is also seen at the rim of the pictures before and after. Good scans of bare or dim
    rooms up to 27, in the worst 72; stretches left out or frozen from 59. Where sensors bridge it only walls
    that show nothing at all count: dim rooms 0, bare ones 15 to 44, a wall painted out over 95 degrees 45 to
    71."""
    sensors_alike: float = 0.9
    """Correlation of sensed and seen turning rates: good from 0.98, loops at most 0.61."""
