"""The phone's durable store: a folder that survives a kill at any moment.

    BUFFER/lock            held while a client runs: one recorder at a time
    BUFFER/journal.jsonl   what happened (see `ledger`)
    BUFFER/phone_key.pem   the phone's private key (see `bind`)
    BUFFER/media/RUN-OFFSET.part   one file a segment: run number, first byte within the run

The segment being recorded is the file at its run's present length; it grows by whole slices and becomes
a segment by the journal's word alone, so there is nothing to rename.  Nothing is ever deleted but what a
verified release names.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from pairing.encoding import b64u
from phone_client.boxes import BoxError, Slice, SliceCutter
from phone_client.clock import Instant
from phone_client.journal import Journal, sync_directory
from phone_client.ledger import Entry, Fact, Ledger, Run, Segment

CONTAINER = "video/mp4"


class BufferLocked(Exception):  # noqa: N818  a state, told to the user in their language
    """Another client is recording into this folder."""


class BufferFull(Exception):  # noqa: N818  likewise
    """No room for more media; what is there is kept."""


@dataclass(frozen=True)
class BufferLimits:
    """`reserve` bytes of the disk stay free (heads and notes must still fit); `most` bounds the media."""

    reserve: int = 64 * 1024 * 1024
    most: int | None = None


@dataclass
class _Tail:
    """The segment being recorded."""

    path: Path
    file: IO[bytes]
    digest: hashlib._Hash
    length: int = 0
    wall_ms: int = 0
    start_us: int | None = None
    end_us: int | None = None


class Buffer:
    """An open buffer.  All methods may be called from any thread; `ledger` is read under `lock`, or from
    facts that only the caller adds."""

    def __init__(self, folder: Path, limits: BufferLimits | None = None) -> None:
        """Takes the lock, replays the journal, seals what a crash left.  Raises BufferLocked, JournalError,
        LedgerError, OSError."""
        self.folder = folder
        self.lock = threading.RLock()
        self.ledger = Ledger()
        self._limits = limits or BufferLimits()
        self._listeners: list[Callable[[], None]] = []
        self._tail: _Tail | None = None
        self._held = 0
        self._media = folder / "media"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._media.mkdir(mode=0o700, exist_ok=True)
        with ExitStack() as undo:
            self._lock_file = undo.enter_context(self._take_lock())
            self._journal = Journal(folder / "journal.jsonl")
            undo.callback(self._journal.close)
            for fact in self._journal.facts:
                self.ledger.apply(fact)
            self._finish_deletions()
            self._seal_after_crash()
            self._held = self.ledger.totals().bytes_held
            undo.pop_all()

    def __enter__(self) -> Buffer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of files and lock.  A tail that was not sealed is sealed at the next opening."""
        with self.lock:
            if self._tail is not None:
                self._tail.file.close()
                self._tail = None
            self._journal.close()
            self._lock_file.close()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after every new fact, in the thread that recorded it."""
        self._listeners.append(listener)

    def _take_lock(self) -> IO[bytes]:
        file = (self.folder / "lock").open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise BufferLocked(str(self.folder)) from error
        return file

    # --- facts -------------------------------------------------------------------------------------------

    def record(self, *facts: Fact) -> None:
        """Make facts durable and true, all or none.  Raises BufferFull, OSError."""
        with self.lock:
            try:
                self._journal.append(facts)
            except OSError as error:
                raise _full(error) from error
            for fact in facts:
                self.ledger.apply(fact)
        for listener in self._listeners:
            listener()

    def note(self, note: str, cause: str, at: Instant) -> None:
        """A note in the newest run's chain."""
        with self.lock:
            run = self.ledger.run
            if run is None:
                raise RuntimeError("a note needs a run to stand in")
            self.record(_note(run.number, note, cause, at))

    # --- recording ---------------------------------------------------------------------------------------

    def open_run(self, base: Instant, first_frame: Instant, boot: str, source: str = "camera") -> int:
        """A new run whose media time 0 is `base`, on the monotonic clock of `boot`.

        It ends a gap that is open, at `first_frame`."""
        with self.lock:
            newest = self.ledger.run
            number = newest.number + 1 if newest else 1
            facts: list[Fact] = [
                {
                    "fact": "run_opened", "run": number, "source": source, "container": CONTAINER,
                    "base_us": base.mono_us, "wall_ms": base.wall_ms, "boot": boot,
                }
            ]
            if self.ledger.gap is not None:
                facts.append(_note(number, "gap_end", self.ledger.gap.cause, first_frame))
            self.record(*facts)
            return number

    def check_room(self, more: int = 0) -> None:
        """Raises BufferFull when `more` bytes would not leave the reserve free or pass the bound."""
        if self._limits.most is not None and self._held + more > self._limits.most:
            raise BufferFull(f"the buffer's bound of {self._limits.most} bytes is reached")
        if shutil.disk_usage(self.folder).free - more < self._limits.reserve:
            raise BufferFull("the disk is nearly full")

    def append(self, piece: Slice, now: Instant) -> None:
        """Add a slice to the segment being recorded; durable on return.  Raises BufferFull."""
        with self.lock:
            run = self._open_run()
            self.check_room(len(piece.raw))
            tail = self._tail or self._begin_segment(run)
            try:
                tail.file.write(piece.raw)
                # Crash before this: the slices before stay, this one is cut off as torn.
                os.fdatasync(tail.file.fileno())
            except OSError as error:
                with suppress(OSError):  # what is torn is cut off at the next opening anyway
                    tail.file.truncate(tail.length)
                raise _full(error) from error
            tail.digest.update(piece.raw)
            tail.length += len(piece.raw)
            self._held += len(piece.raw)
            if piece.start_us is not None:
                if tail.start_us is None:
                    tail.start_us = piece.start_us
                    tail.wall_ms = now.wall_ms - (now.mono_us - run.base_us - piece.start_us) // 1_000
                tail.end_us = piece.end_us

    def tail_us(self) -> int:
        """How much media the segment being recorded has, in microseconds."""
        tail = self._tail
        if tail is None or tail.start_us is None or tail.end_us is None:
            return 0
        return tail.end_us - tail.start_us

    def seal(self) -> None:
        """End the segment being recorded; nothing happens where it holds no media yet."""
        with self.lock:
            facts = self._sealed(self._open_run())
            if facts:
                self.record(*facts)
                self._tail = None

    def close_run(self, note: str, cause: str, at: Instant) -> None:
        """Seal what is left, put `note` (gap_begin or stop) behind it and close the run, as one fact."""
        with self.lock:
            run = self._open_run()
            facts = self._sealed(run)
            self.record(
                *facts, _note(run.number, note, cause, at), {"fact": "run_closed", "run": run.number}
            )
            if not facts and self._tail is not None:
                self._tail.file.close()
                self._tail.path.unlink()
                self._held -= self._tail.length
            self._tail = None

    def _open_run(self) -> Run:
        run = self.ledger.run
        if run is None or run.closed:
            raise RuntimeError("no run is open")
        return run

    def _begin_segment(self, run: Run) -> _Tail:
        path = self.path(run.number, run.bytes)
        file = path.open("wb", buffering=0)
        # Crash before this: the file may be gone or empty; either way no slice was durable.
        sync_directory(self._media)
        self._tail = _Tail(path, file, hashlib.sha256())
        return self._tail

    def _sealed(self, run: Run) -> list[Fact]:
        """What the tail is.

        Crash before the fact is durable: the bytes are, and the next opening seals the same bytes.  A full
        disk keeps the fact out likewise: the tail stays and is sealed at the next try."""
        tail = self._tail
        if tail is None or tail.start_us is None or tail.end_us is None:
            return []
        tail.file.close()
        return [_segment(run, tail.length, tail.digest.digest(), (tail.start_us, tail.end_us), tail.wall_ms)]

    # --- what a crash left -------------------------------------------------------------------------------

    def _seal_after_crash(self) -> None:
        """Seal the tail of a run that was never closed, as the last segment of that run, and open the gap.

        One journal line: a crash in here leaves everything to be done again, with the same result."""
        run = self.ledger.run
        if run is None or run.closed:
            return
        facts: list[Fact] = []
        end_us = max((e.segment.media_us[1] for e in run.entries if e.segment), default=0)
        path = self.path(run.number, run.bytes)
        if path.exists():
            pieces = self._whole_slices(run, path)
            spans = [(piece.start_us, piece.end_us) for piece in pieces]
            timed = [(start, end) for start, end in spans if start is not None and end is not None]
            if timed:
                whole = b"".join(piece.raw for piece in pieces)
                with path.open("r+b") as file:
                    file.truncate(len(whole))
                    os.fsync(file.fileno())
                end_us = timed[-1][1]
                # The wall clock at its start was lost with the process; the run's own start tells it nearly.
                wall_ms = run.wall_ms + timed[0][0] // 1_000
                digest = hashlib.sha256(whole).digest()
                facts.append(_segment(run, len(whole), digest, (timed[0][0], end_us), wall_ms))
            else:
                path.unlink()
        at = Instant(run.base_us + end_us, run.wall_ms + end_us // 1_000)
        self.record(
            *facts, _note(run.number, "gap_begin", "crash", at), {"fact": "run_closed", "run": run.number}
        )

    def _whole_slices(self, run: Run, path: Path) -> list[Slice]:
        cutter = SliceCutter()
        try:
            if run.bytes:
                # What the tracks are is said only at the run's beginning.
                cutter.feed(self.path(run.number, 0).read_bytes())
            return cutter.feed(path.read_bytes())
        except BoxError:
            # Not torn but damaged (a disk that lost power may do that): nothing of it can be vouched for.
            return []

    # --- media on disk -----------------------------------------------------------------------------------

    def path(self, run: int, offset: int) -> Path:
        """Where the segment that begins at byte `offset` of `run` lies."""
        return self._media / f"{run:04d}-{offset:012d}.part"

    def path_of(self, entry: Entry) -> Path:
        """Where an entry's segment lies.  Raises ValueError for a note."""
        if not isinstance(entry.what, Segment):
            raise ValueError("a note has no media")
        return self.path(entry.run, entry.what.offset)

    def delete(self, entries: Iterable[Entry]) -> int:
        """Delete the media of entries that a release names; gives the bytes freed.

        The journal says so first: after a crash in between the deletion is finished at the next opening."""
        with self.lock:
            chosen = [entry for entry in entries if entry.segment is not None and not entry.deleted]
            if not chosen:
                return 0
            self.record({"fact": "deleted", "heads": [entry.name for entry in chosen]})
            freed = sum(entry.segment.length for entry in chosen if entry.segment)
            self._finish_deletions()
            self._held -= freed
            return freed

    def _finish_deletions(self) -> None:
        gone = False
        for entry in self.ledger.entries():
            if entry.deleted and (path := self.path_of(entry)).exists():
                path.unlink()
                gone = True
        if gone:
            sync_directory(self._media)


def _full(error: OSError) -> Exception:
    return BufferFull(str(error)) if error.errno in {errno.ENOSPC, errno.EDQUOT} else error


def _note(run: int, note: str, cause: str, at: Instant) -> Fact:
    return {
        "fact": "note", "run": run, "note": note, "cause": cause,
        "mono_ms": at.mono_us // 1_000, "wall_ms": at.wall_ms,
    }


def _segment(run: Run, length: int, digest: bytes, media_us: tuple[int, int], wall_ms: int) -> Fact:
    return {
        "fact": "segment", "run": run.number, "offset": run.bytes, "length": length, "sha256": b64u(digest),
        "media_us": list(media_us), "mono_ms": [(run.base_us + us) // 1_000 for us in media_us],
        "wall_ms": wall_ms,
    }
