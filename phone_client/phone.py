"""One phone at one sitting: recorder, committer, uploads and reader side by side, until the verdict.

The recorder runs in its own thread from the first moment and hears nothing of the network.  Everything
else is driven by the buffer's facts: a sealed segment wakes the committer, an acknowledgement the uploads,
a receipt whoever waits for the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from joserfc.jwk import ECKey

from pairing.errors import PairingError
from pairing.messages import ClockSample
from phone_client.bind import server_key
from phone_client.buffer import Buffer
from phone_client.clock import Clock, Instant
from phone_client.commit import Signer, commit
from phone_client.follow import (
    Standing,
    Verdict,
    apply_releases,
    drop_after_end,
    learn,
    newest_verdict,
    promised,
)
from phone_client.ledger import Entry, Fact
from phone_client.pacing import Pacer, Pacing, Signal
from phone_client.progress import Snapshot, View
from phone_client.record import Recorder, RecorderState
from phone_client.scan import mark_scan
from phone_client.server import Server, TryLater
from phone_client.sight import Teller
from phone_client.upload import Uploads

SAMPLE_S = 20.0
_REFUSED_S = 30.0
_SETTLE_S = 60.0
_AGAIN_S = 5.0
_SHOW_S = 0.5
_READ_S = 0.2


@dataclass(frozen=True)
class PhoneOptions:
    """How `Phone.run` ends: `wait` for the verdict or only until all is delivered; `keep_recording` after the
    exam's end; `scan_s` seconds at the beginning are marked as the room scan, and then that the phone stands
    (0: neither)."""

    wait: bool = True
    keep_recording: bool = False
    scan_s: int = 0


@dataclass(frozen=True)
class Outcome:
    """How it went: `verdict` where there is one, `owed` segments that are still only on the phone, `freed`
    bytes deleted by releases, `left` that somebody ended it early, `failure` the refusal that
    ended it."""

    verdict: Verdict | None
    owed: int
    freed: int
    stage: str
    left: bool = False
    failure: PairingError | None = None


class Phone:
    """Use: `await run()`; `interrupt()` is the candidate's Ctrl-C, `leave()` the system's order to go."""

    def __init__(
        self, buffer: Buffer, server: Server, key: ECKey, claim: Fact, clock: Clock,
        recorder: Recorder | None, view: View, options: PhoneOptions,
    ) -> None:
        self._buffer = buffer
        self._server = server
        self._claim = claim
        self._clock = clock
        self._recorder = recorder
        self._view = view
        self._options = options
        self._changed = Signal()
        self._pacing = Pacing()
        self._sample: ClockSample | None = None
        self._sample_asleep_us = 0
        self._signer = Signer(buffer, key, clock.boot, self._valid_sample)
        self._uploads = Uploads(
            server, buffer, key, server_key(claim), self._pacing, self._is_wanted, self._tell_trouble,
            self._changed,
        )
        self._standing: Standing | None = None
        self._standing_at: Instant | None = None
        self._version_before: int | None = None
        self._delivered_at: float | None = None
        self._freed = 0
        self._asked_at: float | None = None
        self._leaving = False
        self._failure: PairingError | None = None
        self._recording_done = recorder is None
        self._bound_told = False
        self._teller = Teller(view)

    # --- from outside ------------------------------------------------------------------------------------

    async def run(self) -> Outcome:
        """Until the verdict (or what `options` says)."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._changed.fire)

        self._buffer.on_change(wake)
        jobs: list[Callable[[], Coroutine[Any, Any, None]]] = [
            self._keep_sampling, self._keep_committing, self._uploads.run, self._keep_reading,
            self._keep_showing,
        ]
        if self._recorder is not None:
            jobs += [self._watch_recorder, self._mark_scan]
        tasks = [asyncio.create_task(self._kept_up(job)) for job in jobs]
        try:
            while not self._is_finished():
                await self._changed.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._recorder is not None:
                self._recorder.stop(for_good=False)
                await asyncio.to_thread(self._recorder.join)
        return Outcome(
            self._newest(), len(self._uploads.owed()), self._freed,
            self._standing.stage if self._standing else "", self._leaving, self._failure,
        )

    def interrupt(self) -> None:
        """The candidate wants to stop: before the exam's end that takes asking twice."""
        now = asyncio.get_running_loop().time()
        if self._recording_done:
            self._leaving = True
        elif self._buffer.ledger.end_ms is not None or (
            self._asked_at is not None and now - self._asked_at < _AGAIN_S
        ):
            self._stop_recording()
        else:
            self._asked_at = now
            self._view.say("stop-asked", seconds=int(_AGAIN_S))
        self._changed.fire()

    def leave(self) -> None:
        """Seal what is recorded and go; the same command goes on later."""
        self._leaving = True
        self._changed.fire()

    # --- jobs --------------------------------------------------------------------------------------------

    async def _kept_up(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin a job again that ends by a fault: no fault on this side may end the recording."""
        while True:
            try:
                await job()
                return
            except Exception as error:
                self._view.say("fault", detail=repr(error))
                await asyncio.sleep(_AGAIN_S)

    async def _watch_recorder(self) -> None:
        if self._recorder is None:
            return
        await asyncio.to_thread(self._recorder.join)
        self._recording_done = True
        if self._recorder.failure is not None:
            self._view.say("recording-over", cause="unknown", detail=repr(self._recorder.failure))
        else:
            self._view.say("recording-stopped")
        self._changed.fire()

    def _stop_recording(self) -> None:
        if self._recorder is not None:
            self._recorder.stop()

    async def _mark_scan(self) -> None:
        if self._options.scan_s:
            await mark_scan(self._buffer, self._clock, self._changed, self._view, self._options.scan_s)

    async def _keep_sampling(self) -> None:
        pacer = Pacer(self._pacing)
        while True:
            await pacer.ready()
            try:
                asleep_us = self._clock.asleep_us()
                self._sample = await self._server.clock_sample(self._clock)
                self._sample_asleep_us = asleep_us
                pacer.succeeded()
                self._changed.fire()
                await asyncio.sleep(SAMPLE_S)
            except TryLater as error:
                pacer.failed(error.after_s, error.reached)
            except PairingError:
                await asyncio.sleep(SAMPLE_S)

    async def _keep_committing(self) -> None:
        pacer = Pacer(self._pacing)
        while True:
            entries = self._signer.sign_next() if self._buffer.ledger.binding is not None else []
            if not entries and not await self._send_manifest(pacer):
                await self._changed.wait()
                continue
            if not entries:
                continue
            await pacer.ready()
            try:
                await commit(self._server, self._buffer, entries, server_key(self._claim))
                pacer.succeeded()
            except TryLater as error:
                pacer.failed(error.after_s, error.reached)
            except PairingError as error:
                await self._entries_refused(error)

    async def _entries_refused(self, error: PairingError) -> None:
        run, seq = error.extra.get("run"), error.extra.get("seq")
        if error.code == "chain_broken" and isinstance(run, int) and isinstance(seq, int):
            self._buffer.record({"fact": "uncommitted", "run": run, "seq": seq})
        elif error.code == "binding_replaced" and isinstance(run, int) and isinstance(seq, int):
            # What was recorded before another phone took over still counts; the rest stays here.
            self._buffer.record({"fact": "turned_away", "run": run, "seq": seq})
            return
        self._view.refusal(error)
        # Nothing is dropped: the recording goes on and the same records are sent again.
        await asyncio.sleep(_REFUSED_S if error.code != "chain_broken" else 1.0)

    async def _send_manifest(self, pacer: Pacer) -> bool:
        """Once the recorder has stopped and all is committed; True if there was something to do."""
        deliverable = self._buffer.ledger.deliverable()
        if not self._recording_done or any(not entry.committed for entry in deliverable):
            return False
        record = self._signer.manifest(self._clock.wall_ms())
        version = len(self._buffer.ledger.manifests)
        if record is None or self._buffer.ledger.manifest_sent == version:
            return False
        await pacer.ready()
        try:
            await self._server.manifest(record)
            self._buffer.record({"fact": "manifest_sent", "version": version})
            self._view.say("manifest-sent")
        except TryLater as error:
            pacer.failed(error.after_s, error.reached)
        except PairingError as error:
            await self._entries_refused(error)
        return True

    async def _keep_reading(self) -> None:
        after: int | None = None
        pacer = Pacer(self._pacing)
        while self._failure is None:
            await pacer.ready()
            asked_at = asyncio.get_running_loop().time()
            try:
                before = promised(self._buffer.ledger)
                answer = await self._server.binding(after)
                self._standing = learn(self._buffer, self._claim, answer, before)
                self._standing_at = self._clock.instant()
                self._freed += apply_releases(self._buffer, self._claim, answer)
                self._freed += drop_after_end(self._buffer, self._newest(), self._begins_after)
                pacer.succeeded()
            except TryLater as error:
                pacer.failed(error.after_s, error.reached)
                continue
            except PairingError as error:
                self._distrust(error, pacer)
                continue
            if self._version_before is None:
                newest = self._newest()
                self._version_before = newest.version if newest and self._uploads.owed() else 0
            self._heed(self._standing)
            self._changed.fire()
            after = self._standing.position
            if (rest_s := asked_at + _READ_S - asyncio.get_running_loop().time()) > 0:
                await asyncio.sleep(rest_s)  # a server may answer at once

    def _heed(self, standing: Standing) -> None:
        self._view.show(self.snapshot())
        self._teller.tell(standing.sight)
        if self._buffer.ledger.binding is not None and not self._bound_told:
            self._bound_told = True
            self._view.say("bound", sitting=self._claim["sitting"])
        if standing.stage == "lapsed":
            self._claim_lost("claim_lapsed")
        elif standing.stage == "refused":
            self._claim_lost("claim_refused")
        elif standing.stage == "replaced":
            self._view.refusal(PairingError("binding_replaced"))
            self._stop_recording()
        self._stop_at_the_end()
        if self._newest() is not None:
            self._stop_recording()

    def _stop_at_the_end(self) -> None:
        if self._buffer.ledger.end_ms is not None and not self._options.keep_recording:
            self._stop_recording()

    def _distrust(self, error: PairingError, pacer: Pacer) -> None:
        """A read was refused, or something in it does not hold: that ends a delivery, never a recording."""
        self._stop_at_the_end()
        if self._recording_done:
            self._fail(error)
            return
        self._view.refusal(error)
        pacer.failed()

    def _tell_trouble(self, entry: Entry, error: PairingError) -> None:
        self._view.say("trouble", segment=f"{entry.run}/{entry.seq}", why=str(error))

    def _claim_lost(self, code: str) -> None:
        self._buffer.record({"fact": "claim_dropped"})
        self._fail(PairingError(code))

    def _fail(self, error: PairingError) -> None:
        self._failure = error
        self._view.refusal(error)
        self._changed.fire()

    async def _keep_showing(self) -> None:
        arrived = False
        while True:
            self._view.show(self.snapshot())
            if self._recording_done and not arrived and self._is_delivered() and not self._uploads.owed():
                arrived = True
                self._view.say("arrived")
            await asyncio.sleep(_SHOW_S)

    # --- judging where it stands -------------------------------------------------------------------------

    def _newest(self) -> Verdict | None:
        return newest_verdict(self._buffer)

    def _valid_sample(self) -> ClockSample | None:
        """The newest reading of the server's clock; none from before a sleep, which stopped our own clock."""
        slept_us = abs(self._clock.asleep_us() - self._sample_asleep_us)
        return self._sample if slept_us <= Clock.SLEPT_US else None

    def _is_wanted(self, entry: Entry) -> bool:
        """Whether a segment is to be uploaded: not one that begins after the exam's end."""
        end_ms = self._buffer.ledger.end_ms
        return end_ms is None or not self._begins_after(entry, end_ms)

    def _begins_after(self, entry: Entry, moment_ms: int) -> bool:
        """Whether a segment begins at `moment_ms` of the server's clock or later, as far as is known."""
        segment, sample = entry.segment, self._valid_sample()
        if segment is None:
            return False
        if sample is None:
            return segment.wall_ms >= moment_ms
        if self._buffer.ledger.runs[entry.run].boot == self._clock.boot:
            return segment.mono_ms[0] + sample.server_ms - sample.mono_ms >= moment_ms
        return segment.wall_ms + sample.server_ms - sample.wall_ms >= moment_ms

    def _is_finished(self) -> bool:
        if self._leaving or self._failure is not None:
            return True
        if not self._recording_done or self._version_before is None or self._standing is None:
            return False
        newest = self._newest()
        if self._options.wait and newest is not None and newest.version > self._version_before:
            return True
        if not self._is_delivered():
            self._delivered_at = None
            return False
        if not self._options.wait or self._standing.stage == "replaced":
            return True
        return newest is not None and self._has_settled(newest, self._standing)

    def _is_delivered(self) -> bool:
        """Whether the server has all that it can be given: entries, manifest, and media but for troubles."""
        ledger = self._buffer.ledger
        if ledger.binding is None or any(not entry.committed for entry in ledger.deliverable()):
            return False
        if any(entry.name not in self._uploads.troubles for entry in self._uploads.owed()):
            return False
        listed = sum(1 for _ in ledger.deliverable()) == ledger.listed
        return listed and ledger.manifest_sent == len(ledger.manifests)

    def _has_settled(self, newest: Verdict, standing: Standing) -> bool:
        """Everything was delivered after a verdict: whether no newer one is to be expected."""
        if newest.word == "complete" or not self._uploads.delivered:
            return True
        now = asyncio.get_running_loop().time()
        if self._delivered_at is None:
            self._delivered_at = now
        return now - self._delivered_at > _SETTLE_S and standing.verified >= standing.stored

    def snapshot(self) -> Snapshot:
        """What the progress shows."""
        ledger, state = self._buffer.ledger, RecorderState("stopped")
        if self._recorder is not None:
            state = self._recorder.state
        with self._buffer.lock:
            totals = ledger.totals()
            totals = replace(totals, recorded_us=totals.recorded_us + self._buffer.tail_us())
        left_ms = None
        if self._standing and self._standing_at and self._standing.deadline_ms is not None:
            elapsed_ms = (self._clock.mono_us() - self._standing_at.mono_us) // 1_000
            now_ms = (self._standing.server_time_ms or self._standing_at.wall_ms) + elapsed_ms
            left_ms = self._standing.deadline_ms - now_ms
        return Snapshot(
            recorder=state, totals=totals, verified=self._standing.verified if self._standing else 0,
            left_ms=left_ms, online=self._pacing.online, bound=ledger.binding is not None,
            ended=ledger.end_ms is not None, digits=str(self._claim["digits"]),
        )


