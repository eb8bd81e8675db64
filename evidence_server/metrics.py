"""What the service counts and measures of itself, for Prometheus: totals only, nothing of any one sitting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from evidence_server.event import Event
from pairing.jws import read_unverified
from pairing.messages import VERDICT_TYP

STAGES = ("offered", "claimed", "bound", "ended", "decided", "published")
WORDS = ("complete", "incomplete", "late")
ANSWERS = ("accept", "repeat", "review")

_APPEND_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Standing:
    """How things stand at the moment of a scrape."""

    stages: Mapping[str, int]
    """Sittings by stage."""
    overdue_ms: int
    """For how long the longest overdue sitting has been due; 0 if none is."""
    unmeasured: int
    """Sittings that wait for the media worker."""
    unseen: int
    """Sittings that wait to be looked at."""
    free_bytes: int
    """Room left on the disk of the data folder."""
    codes_guessed: bool = False
    """Whether somebody seems to be guessing codes."""


class Metrics:
    """The counters of one server process.  Labels are patterns and words, never what a peer has sent."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "evidence_requests", "Requests; the status 'cut' means that nobody was left to answer",
            ("method", "route", "status"), registry=registry,
        )
        self._received = Counter(
            "evidence_received_bytes", "Bytes of request bodies, counted when the request ends",
            registry=registry,
        )
        self._acknowledged = Counter(
            "evidence_acknowledged_entries", "Heads and notes made durable", registry=registry
        )
        self._stored = Counter("evidence_stored_segments", "Segments made durable", registry=registry)
        self._wrong_codes = Counter(
            "evidence_wrong_codes", "Wrong typed codes, by how they were refused", ("refusal",),
            registry=registry,
        )
        self._guessed = Gauge(
            "evidence_codes_guessed", "1 while there are more wrong codes than people make",
            registry=registry,
        )
        self._verdicts = Counter(
            "evidence_verdicts", "Verdict versions given, by word", ("word",), registry=registry
        )
        self._append = Histogram(
            "evidence_journal_append_seconds", "One durable transaction of the journal",
            buckets=_APPEND_SECONDS, registry=registry,
        )
        self._sittings = Gauge("evidence_sittings", "Sittings by stage", ("stage",), registry=registry)
        self._overdue = Gauge(
            "evidence_sweep_lag_seconds", "How long the longest overdue sitting has been due",
            registry=registry,
        )
        self._unmeasured = Gauge(
            "evidence_unmeasured_sittings", "Sittings that wait for the media worker", registry=registry
        )
        self._unseen = Gauge(
            "evidence_unseen_sittings", "Sittings that wait to be looked at", registry=registry
        )
        self._scans = Counter(
            "evidence_scans", "Room scans measured, by answer", ("answer",), registry=registry
        )
        self._free = Gauge("evidence_disk_free_bytes", "Room left for the data folder", registry=registry)
        ProcessCollector(registry=registry)
        for word in WORDS:
            self._verdicts.labels(word)
        for answer in ANSWERS:
            self._scans.labels(answer)

    def answered(self, method: str, route: str, status: str, received_bytes: int) -> None:
        """A request is over."""
        self._requests.labels(method, route, status).inc()
        self._received.inc(received_bytes)

    def wrong_code(self, refusal: str) -> None:
        """A typed code was wrong, and refused with this code of the error table."""
        self._wrong_codes.labels(refusal).inc()

    def appended(self, events: Sequence[Event], seconds: float) -> None:
        """`events` became durable in one transaction, which took so long."""
        self._append.observe(seconds)
        for event in events:
            if event.kind == "committed":
                self._acknowledged.inc(len(event.fields()["entries"]))
            elif event.kind == "stored":
                self._stored.inc()
            elif event.kind == "scanned":
                self._scans.labels(str(event.fields()["result"]["accepted"])).inc()
            elif event.kind == "verdict":
                claims, _ = read_unverified(event.fields()["verdict"], VERDICT_TYP)
                self._verdicts.labels(str(claims["word"])).inc()

    def text(self, standing: Standing) -> bytes:
        """All of it in Prometheus' text format."""
        for stage in STAGES:
            self._sittings.labels(stage).set(standing.stages.get(stage, 0))
        self._overdue.set(standing.overdue_ms / 1000)
        self._unmeasured.set(standing.unmeasured)
        self._unseen.set(standing.unseen)
        self._free.set(standing.free_bytes)
        self._guessed.set(standing.codes_guessed)
        return generate_latest(self._registry)
