"""Whether the microphone hears anything: from levels of short windows, without the sound itself."""

from __future__ import annotations

from evidence_server.vision.continuity_thresholds import SOUND, SoundThresholds
from evidence_server.vision.spans import Span, SpanKeeper


class Hearing:
    """Finds stretches without sound: silent ones, and those in which no sound came while pictures did."""

    def __init__(self, thresholds: SoundThresholds = SOUND) -> None:
        """Nothing was heard yet."""
        self._limits = thresholds
        self._keeper = SpanKeeper("silent", confirm=thresholds.windows, release=1)
        self._heard_s: float | None = None
        self._floor: float | None = None

    def take(self, t_s: float, length_s: float, rms: float) -> None:
        """One window of sound: `rms` of full scale 1 without the constant part.  Windows come in order.

        A room is never silent: a microphone that works hears its own noise.
        """
        self._note_hole(t_s)
        self._heard_s = t_s + length_s
        dropped = self._floor is not None and rms < self._floor * self._limits.dropped
        silent = rms < self._limits.silent or (dropped and rms < self._limits.quiet)
        if not silent:
            # the floor falls at once and rises slowly: words are not the room
            floor = rms if self._floor is None else min(rms, self._floor * self._limits.floor_rise)
            self._floor = floor
        self._keeper.observe(t_s + length_s / 2, silent, 0.95 if rms < self._limits.silent else 0.7)

    def picture_at(self, t_s: float) -> None:
        """Say that the recording has a picture at `t_s`: sound should have come up to about then."""
        if self._heard_s is None:
            self._heard_s = t_s
        # Containers put some seconds of sound behind some seconds of pictures.
        if t_s - self._heard_s > self._limits.late_s:
            self._note_hole(t_s)

    def finish(self, end_s: float) -> None:
        """Say that nothing comes any more, and when the recording ends."""
        if self._heard_s is None:
            self._heard_s = 0.0
        self._note_hole(end_s)
        self._keeper.finish(end_s)

    def spans(self) -> list[Span]:
        """The stretches so far, in order."""
        return self._keeper.spans()

    def _note_hole(self, t_s: float) -> None:
        if self._heard_s is not None and t_s - self._heard_s > self._limits.hole_s:
            for _ in range(self._limits.windows):
                self._keeper.observe(t_s, True, 1.0, since_s=self._heard_s)
