"""Sittings made by the real code: real keys, real signed entries, a real journal, store, verifier and sweep.

Not the product's are the clock, which a test sets, and, unless a test brings the real ones, the media worker
and the eyes: they implement the product's seams but read *scripts*: a segment's bytes say what would be
found in them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidence_server.bind import Binder
from evidence_server.bundle import export
from evidence_server.faults import Faults
from evidence_server.identity import Identity
from evidence_server.journal import Journal
from evidence_server.local_store import LocalStore
from evidence_server.media.measurement import AudioTrack, KeyFrame, Measurement, Problem, VideoTrack
from evidence_server.media.process import MediaWorkerError
from evidence_server.receive import SegmentUploads
from evidence_server.record import Committed, Recorder
from evidence_server.register import Register
from evidence_server.release import Releaser
from evidence_server.segment import Segment
from evidence_server.sitting import Sitting
from evidence_server.support import Support
from evidence_server.sweep import Sweep
from evidence_server.verify import Verifier
from evidence_server.watch import Watcher
from pairing.encoding import sha256_b64u
from pairing.jws import new_phone_key, public_jwk, record_hash, sign, thumbprint
from pairing.manifest import Manifest, list_runs
from pairing.messages import Claim, ClockSample, Head, Link, Note

T0 = 1_800_000_000_000
"""The start of every window made here; tests speak of seconds after it."""
FRAME_US = 66_667
BOOT_MS = T0 - 5_000_000
"""Server time at which the phones' monotonic clocks began, sleep left out."""


def at(seconds: float) -> int:
    """Milliseconds since the epoch, `seconds` after T0."""
    return T0 + round(seconds * 1000)


class FakeClock:
    """The server's clock: it stands still unless a test moves it."""

    def __init__(self, now_ms: int = T0) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def to(self, seconds: float) -> None:
        """Moves on to `seconds` after T0, never back."""
        self.now_ms = max(self.now_ms, at(seconds))


def script(first_us: int, end_us: int, **found: Any) -> bytes:
    """Bytes that the scripted worker finds this in: `max_step_us`, `problems`, `behind_hole`, `packets`.

    `behind_hole` are the problems it finds as long as something in front of the segment is missing.
    """
    return json.dumps({"first_us": first_us, "end_us": end_us} | found).encode()


class ScriptedWorker:
    """Implements the seam of `MediaWorker`; while `broken` it fails, as the real one can."""

    def __init__(self) -> None:
        self.broken = False
        self.while_reading: Callable[[], Awaitable[None]] | None = None

    async def measure(
        self, run: str, segment: int, before: Sequence[int], container: str,
        read: Callable[[int], Awaitable[bytes]],
    ) -> Measurement:
        content = await read(segment)
        if self.broken:
            raise MediaWorkerError("broken")
        if self.while_reading is not None:
            what, self.while_reading = self.while_reading, None
            await what()
        found = json.loads(content)
        problems = found.get("problems", [])
        if len(before) < segment:
            problems = problems + found.get("behind_hole", [])
        video = VideoTrack(
            codec="h264", packets=found.get("packets", 60), first_us=found["first_us"],
            end_us=found["end_us"], max_step_us=found.get("max_step_us", FRAME_US), non_monotonic=0,
            width=1280, height=720, key_frames=1,
        )
        audio = AudioTrack("aac", 100, found["first_us"], found["end_us"], 23_220, 0, 44_100, 1)
        return Measurement(
            segment=segment, bytes=len(content), container=container, video=video, audio=audio,
            key_frame=KeyFrame(True, 1280, 720, 100, ""),
            problems=tuple(Problem(code, "") for code in problems), tools={"script": "1"},
        )


class ScriptedEyes:
    """Implements the seam of `Eyes` over the same scripts: `seen` is what a segment shows of its run, so far;
    `scan` and `placement` what is measured of one that it is part of."""

    tools: Mapping[str, str] = {"script": "1"}

    def __init__(self) -> None:
        self.broken = False
        self.forgetful = 0
        """How many answers are still to be forgotten, as when the worker dies."""
        self.read: dict[str, list[int]] = {}
        self._results: dict[str, dict[str, Any]] = {}

    async def follow(
        self, name: str, segment: int, before: Sequence[int], container: str,
        read: Callable[[int], Awaitable[bytes]], **facts: Any,
    ) -> dict[str, Any]:
        found = json.loads(await read(segment))
        if self.broken:
            raise MediaWorkerError("broken")
        self.read.setdefault(name, []).append(segment)
        if facts["kind"] == "run":
            return dict(found.get("seen", {}))
        if facts["kind"] in found:
            self._results[name] = found[facts["kind"]]
        return {"progress": {"yaw_deg": segment, "sectors": [segment]}}

    async def conclude(self, name: str, **facts: Any) -> dict[str, Any] | None:
        self.read.setdefault(name, [])
        if self.forgetful:
            self.forgetful -= 1
            return None
        return {"result": self._results.get(name, NOTHING_WRONG)}


NOTHING_WRONG: Mapping[str, Any] = {"accepted": "accept", "reasons": [], "ok": True, "missing": []}


class Service:
    """The server's stages on a data folder, wired as in `app.build`, without HTTP and background tasks."""

    def __init__(
        self, folder: Path, journal: Journal, clock: FakeClock, worker: Any = None, eyes: Any = None
    ) -> None:
        self.clock = clock
        self.journal = journal
        self.worker = worker or ScriptedWorker()
        self.store = LocalStore(folder / "objects", None, threads=2, keep_free_bytes=0)
        self.identity = Identity.open(folder / "keys")
        self.register = Register(journal, clock)
        counter = itertools.count(1)
        self.binder = Binder(self.register, self.identity, lambda size: next(counter).to_bytes(size, "big"))
        self.recorder = Recorder(self.register, self.identity)
        self.verifier = Verifier(self.register, self.store, self.worker)
        self.eyes = eyes or ScriptedEyes()
        self.watcher = self.new_watcher()
        self.uploads = SegmentUploads(self.register, self.identity, self.verifier.notice)
        self.releaser = Releaser(self.register, self.identity)
        self.support = Support(self.register, self.binder.new_offer)
        self.faults = Faults()
        self.sweep = self.new_sweep()

    @classmethod
    async def open(cls, folder: Path, clock: FakeClock | None = None, **processes: Any) -> Service:
        """A service on the existing `folder`, new or as an earlier one left it; `processes`: a `worker` and
        `eyes` that are not scripted."""
        journal = await Journal.open(folder / "journal.sqlite")
        return cls(folder, journal, clock or FakeClock(), **processes)

    def new_sweep(self) -> Sweep:
        """A sweep of a process that starts now."""
        return Sweep(
            self.register, self.binder, self.verifier, self.watcher, self.faults, self.identity, 10
        )

    def new_watcher(self, *, blind: bool = False) -> Watcher:
        """A watcher of a process that starts now; `blind`: one that looks at nothing."""
        return Watcher(self.register, self.store, self.eyes, self.identity.anchor_key, looking=not blind)

    async def close(self) -> None:
        """Lets go of the folder."""
        await self.store.close()
        await self.journal.close()

    async def settle(self, sitting: str) -> Sitting:
        """Measures and sweeps until nothing more happens to the sitting by itself."""
        seq = -1
        while (state := await self.register.look(sitting)).seq != seq:
            seq = state.seq
            await self.sweep.look_after(sitting)
            if not getattr(self.worker, "broken", False):
                while await self.verifier.step(sitting):
                    pass
            if not getattr(self.eyes, "broken", False):
                while await self.watcher.step(sitting):
                    pass
        return state

    async def bundle(self, sitting: str, path: Path) -> Path:
        """The sitting's bundle, by the real exporter."""
        state = await self.register.look(sitting)
        events = await self.journal.read(sitting)
        with path.open("wb") as out:
            async for piece in export(
                state, events, self.store, self.identity.signing, self.identity.jwks
            ):
                out.write(piece)
        return path


@dataclass
class Piece:
    """A segment that the phone holds."""

    record: str
    content: bytes
    upload: str = ""
    kept: bool = False

    @property
    def name(self) -> str:
        """The hash of its head."""
        return record_hash(self.record)


@dataclass
class _Run:
    seq: int = 0
    tip: str = ""
    bytes: int = 0
    media_us: int = 0


@dataclass
class Phone:
    """A bound phone.  `skew_ms`: how far its wall clock is ahead of the server's; each run's first entry has
    a clock sample if it is `sampled`, and so has the next entry if `sample_next`."""

    service: Service
    sitting: str
    skew_ms: int = 0
    rtt_ms: int = 0
    sampled: bool = True
    sample_next: bool = False
    boot_ms: int = BOOT_MS
    generation: int = 1
    binding: str = ""
    seen: str = ""
    newest: str = ""
    key: Any = field(default_factory=new_phone_key)
    runs: dict[int, _Run] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)

    @property
    def thumb(self) -> str:
        """The key's thumbprint."""
        return thumbprint(self.key)

    def claim(self, secret: str, client: str = "test") -> str:
        """A signed claim of the offer behind `secret`."""
        return sign(
            self.key, Claim.TYP, Claim(secret, public_jwk(self.key), client, self.service.clock()).to_claims()
        )

    async def bind(self, by: str = "page", *, code: bool = False) -> None:
        """Claims the offer that is shown and has it confirmed."""
        offer = await self.service.binder.offer(self.sitting)
        await self.service.binder.claim(self.claim(offer.code if code else offer.ticket))
        state = await self.service.binder.confirm(self.sitting, self.thumb, by)
        generation = state.generations[-1]
        self.generation, self.binding = generation.number, generation.binding
        self.seen = self.newest = record_hash(self.binding)

    # --- entries ---------------------------------------------------------------------------------

    def mono(self, server_ms: int) -> int:
        """The phone's monotonic clock at a moment of the server's."""
        return server_ms - self.boot_ms

    def wall(self, server_ms: int) -> int:
        """The phone's wall clock at a moment of the server's."""
        return server_ms + self.skew_ms

    def _link(self, run: int, server_ms: int) -> Link:
        state = self.runs.setdefault(run, _Run())
        sample = None
        if self.sampled and (state.seq == 0 or self.sample_next):
            self.sample_next = False
            sample = ClockSample(server_ms, self.mono(server_ms), self.wall(server_ms), self.rtt_ms)
        prev = state.tip or self.newest
        return Link(self.sitting, self.generation, run, state.seq, prev, self.seen, sample)

    def _chained(self, run: int, record: str) -> str:
        state = self.runs[run]
        state.seq, state.tip = state.seq + 1, record_hash(record)
        self.newest = state.tip
        return record

    def head(
        self, from_s: float, to_s: float, *, run: int = 1, media: bytes | None = None,
        mono_ms: tuple[int, int] | None = None, source: str = "camera", container: str = "video/mp4",
        **found: Any,
    ) -> Piece:
        """Signs the next segment of `run`, captured from `from_s` to `to_s`; `found`: see `script`."""
        state = self.runs.setdefault(run, _Run())
        start_ms, end_ms = at(from_s), at(to_s)
        end_us = state.media_us + (end_ms - start_ms) * 1000
        content = media or script(state.media_us, end_us, run=run, seq=state.seq, **found)
        head = Head(
            self._link(run, start_ms), source, container, state.bytes, len(content), sha256_b64u(content),
            (state.media_us, end_us), mono_ms or (self.mono(start_ms), self.mono(end_ms)),
            self.wall(start_ms),
        )
        state.bytes, state.media_us = state.bytes + len(content), end_us
        piece = Piece(self._chained(run, sign(self.key, Head.TYP, head.to_claims())), content)
        self.pieces.append(piece)
        return piece

    def note(self, note: str, seconds: float, cause: str = "none", *, run: int = 1) -> str:
        """Signs a note."""
        moment = at(seconds)
        body = Note(self._link(run, moment), note, cause, self.mono(moment), self.wall(moment))
        return self._chained(run, sign(self.key, Note.TYP, body.to_claims()))

    async def commit(self, *records: str) -> Committed:
        """Sends entries, and keeps the acknowledgement."""
        committed = await self.service.recorder.commit(self.sitting, self.thumb, records)
        self.seen = record_hash(committed.acknowledgement)
        for piece in self.pieces:
            piece.upload = committed.uploads.get(piece.name, piece.upload)
        return committed

    async def film(
        self, from_s: float, to_s: float, *, run: int = 1, piece_s: float = 5, online: bool = True,
        **found: Any,
    ) -> list[Piece]:
        """Films in pieces, each committed when it has been captured; offline, all at the end."""
        film: list[Piece] = []
        begin = from_s
        while begin < to_s:
            end = min(begin + piece_s, to_s)
            film.append(self.head(begin, end, run=run, **found))
            self.service.clock.to(end)
            if online:
                await self.commit(film[-1].record)
            begin = end
        if not online:
            for first in range(0, len(film), 64):
                await self.commit(*(piece.record for piece in film[first : first + 64]))
        return film

    async def upload(self, *pieces: Piece) -> None:
        """Stores `pieces`, or all that is committed, not kept back and not yet stored."""
        state = await self.service.register.look(self.sitting)
        for piece in pieces or [piece for piece in self.pieces if not piece.kept]:
            found = state.find_segment(piece.name)
            if found is None or found[1].stored_at_ms is not None:
                continue
            await self.service.store.put(self.sitting, piece.name, piece.content)
            upload = await self.service.uploads.find(piece.upload)
            if upload is None:
                raise LookupError(piece.name)
            await self.service.uploads.finished(upload)

    async def manifest(self, version: int = 1) -> Sitting:
        """Sends the list of all that is committed."""
        state = await self.service.register.look(self.sitting)
        chains = state.generations[self.generation - 1].chains
        body = Manifest(
            self.sitting, self.generation, version, list_runs(chains), self.seen,
            self.wall(self.service.clock()),
        )
        record = sign(self.key, Manifest.TYP, body.to_claims())
        return await self.service.recorder.take_manifest(self.sitting, self.thumb, record)


class Exam:
    """A sitting with one bound phone, whose required interval begins at T0."""

    def __init__(self, service: Service, sitting: str, phone: Phone) -> None:
        self.service = service
        self.sitting = sitting
        self.phone = phone
        self.clock = service.clock

    @classmethod
    async def begin(
        cls, service: Service, *, length_s: float = 60, policy: Mapping[str, Any] | None = None,
        name: str = "s_1", **phone: Any,
    ) -> Exam:
        """Creates the sitting with the window [T0, T0 + length_s] and binds a phone 30 s before."""
        service.clock.now_ms = at(-30)
        # What is not about the scan films none.
        given = dict(policy or {})
        whole = given | {"checks": {"scan": "review", **given.get("checks", {})}}
        await service.binder.create(name, "oral", T0, at(length_s), whole)
        bound = Phone(service, name, **phone)
        await bound.bind()
        return cls(service, name, bound)

    async def end(self, seconds: float) -> None:
        """The exam ended at `seconds`; told now."""
        await self.service.recorder.end(self.sitting, at(seconds), "backend")

    async def journal(self, kind: str, **body: Any) -> None:
        """Journals an event past the stage that writes it."""
        async with self.service.register.hold(self.sitting) as held:
            await held.append((kind, body))

    async def rebind(self, **phone: Any) -> Phone:
        """Another phone takes over."""
        await self.service.support.rebind(self.sitting, "the battery is empty")
        other = Phone(self.service, self.sitting, **phone)
        await other.bind()
        return other

    async def settle(self) -> Sitting:
        """Measures and sweeps until nothing more happens."""
        return await self.service.settle(self.sitting)

    async def verdict(self) -> dict[str, Any] | None:
        """The newest verdict's claims once all has settled; None if it still waits."""
        state = await self.settle()
        return state.verdicts[-1].claims if state.verdicts else None

    async def segments(self) -> list[Segment]:
        """All committed segments."""
        return list((await self.service.register.look(self.sitting)).segments())


def of_recording(found: Sequence[Mapping[str, Any]]) -> set[str]:
    """The codes but those of what was seen: who films no scan, and puts no phone down, hears of that."""
    seen = ("scan_", "placement_", "continuity_", "anchor_")
    return {code for code in codes(found) if not code.startswith(seen)}


def codes(found: Sequence[Mapping[str, Any]]) -> set[str]:
    """The codes of reasons or review items."""
    return {item["code"] for item in found}
