"""One run's bytes on their way to a demuxer: where reading begins, and begins again behind a hole."""

from __future__ import annotations

from collections.abc import Callable

import av

from evidence_server.media.demuxer import Demuxer, Drained, Header, Keep
from evidence_server.media.measurement import Problem
from evidence_server.media.restart import (
    FRAGMENT_START_BYTES,
    container_of,
    fragment_start,
    has_whole_fragment,
)

#: A header that is longer is not kept, and its run can't be taken up again after a hole.
_HEADER_KEPT_BYTES = 1 << 18
#: A demuxer remembers every packet of its run (10 MB an hour); past so many a new one takes over.
_RENEW_PACKETS = 20_000


class RunStream:
    """Feeds a run's segments, in order, to a demuxer, and gives what comes out of each."""

    def __init__(
        self, container: str, begin: Callable[[Demuxer], None], keep: Keep = Keep.FIRST_KEY
    ) -> None:
        """``container`` is the claimed media type; ``begin`` starts a demuxer in the run's thread."""
        self._claimed = container
        self._begin = begin
        self._keep = keep
        self.found: str | None = None
        """The container that the first bytes belong to, as its media type."""
        self._header = b""
        self._demuxer: Demuxer | None = None
        self._refused: Problem | None = None
        self._broken = False
        # Without a place in the container: everything up to the next fragment's start is passed over.
        self._lost = False
        self._passed_over = b""
        self._packets = 0

    @property
    def header(self) -> Header | None:
        """The container's header, once it has been read."""
        return self._demuxer.header if self._demuxer else None

    def feed(self, segment: int, piece: bytes, *, jump: bool, problems: list[Problem]) -> Drained:
        """Read the run's next segment; what was wrong with it is added to ``problems``.

        ``jump`` says that segments are missing in front of this one.

        Raises:
            MemoryError: reading wants more memory than the process may have; it must end.
        """
        if self._refused is None and self._demuxer is None:
            self._refused = self._refusal(segment, piece)
        if self._refused is not None:
            problems.append(self._refused)
            return Drained([], [], None, 0)
        drained = self._drain(piece, jump, problems)
        self._broken = self._note_error(problems)
        self._packets += len(drained.video) + len(drained.audio)
        if segment > 0 and not self._broken and not drained.video and not drained.audio:
            problems.append(Problem("no_packets", "no packet became complete"))
        return drained

    def finish(self, problems: list[Problem]) -> Drained:
        """Say that the run is over; what that still brings out.

        Raises:
            MemoryError: see :meth:`feed`.
        """
        if self._demuxer is None:
            return Drained([], [], None, 0)
        drained = self._demuxer.end()
        if self._demuxer.header is None and not self._broken:
            problems.append(Problem("truncated", "the run ended before the first packet"))
        return drained

    def close(self) -> None:
        """End the demuxer, so that its thread is free for another run."""
        if self._demuxer is not None:
            self._demuxer.end()

    def _refusal(self, segment: int, piece: bytes) -> Problem | None:
        """Why the run can't be read at all, judged by its first bytes."""
        if segment != 0:
            return Problem("no_header", f"reading begins at segment {segment}")
        self.found = container_of(piece)
        if self.found is None:
            return Problem("not_media", "the first bytes belong to no known container")
        if self.found != self._claimed:
            return Problem("container_mismatch", f"claimed {self._claimed}, found {self.found}")
        return None

    def _drain(self, piece: bytes, jump: bool, problems: list[Problem]) -> Drained:
        if self._demuxer is None:
            header = piece[: fragment_start(self._claimed, piece)]
            self._header = header if len(header) <= _HEADER_KEPT_BYTES else b""
            return self._start().feed(piece)
        if jump:
            return self._restart(piece)
        if self._broken:
            problems.append(Problem("resynchronised", "the container broke in an earlier segment"))
            return self._restart(piece)
        if self._lost:
            return self._seek(self._demuxer, piece)
        if self._packets >= _RENEW_PACKETS and self._header and fragment_start(self._claimed, piece) == 0:
            return self._restart(piece)
        drained = self._demuxer.feed(piece)
        if not drained.video and not drained.audio and has_whole_fragment(self._claimed, piece):
            # A wrong size somewhere before made the demuxer skip what it should have read.
            problems.append(Problem("resynchronised", "a whole fragment gave no packets"))
            return self._restart(piece)
        return drained

    def _start(self) -> Demuxer:
        if self._demuxer is not None:
            self._demuxer.end()
        self._packets = 0
        self._demuxer = Demuxer(self._claimed, self._keep)
        self._begin(self._demuxer)
        return self._demuxer

    def _restart(self, piece: bytes) -> Drained:
        """Begin again with the header, then at the first fragment that starts in ``piece`` or behind it."""
        demuxer = self._start()
        demuxer.feed(self._header)
        self._passed_over = b""
        return self._seek(demuxer, piece)

    def _seek(self, demuxer: Demuxer, piece: bytes) -> Drained:
        piece = self._passed_over + piece
        start = fragment_start(self._claimed, piece)
        self._lost = start is None
        # A fragment's start may itself be cut in two.
        self._passed_over = piece[-FRAGMENT_START_BYTES:] if self._lost else b""
        return demuxer.feed(b"" if start is None else piece[start:])

    def _note_error(self, problems: list[Problem]) -> bool:
        error = self._demuxer.error if self._demuxer else None
        if error is None:
            return False
        if isinstance(error, MemoryError) or not isinstance(error, av.FFmpegError):
            raise error
        problems.append(Problem("undecodable", error.strerror or type(error).__name__))
        return True
