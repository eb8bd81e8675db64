"""What the phone holds and what the bundle holds, read from their files without the product's own readers."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from demo.frames import Count, count, read_beeps, read_marks

CLOCK_SLACK_MS = 50
"""Phone and server are on one machine and share its wall clock; the phone still estimates the server's."""


def hash_of(record: str) -> str:
    """The hash by which records name each other."""
    return _b64u(hashlib.sha256(record.encode()).digest())


def claims_of(record: str) -> dict[str, Any]:
    """What a record claims; its signature is other tests' business."""
    payload = record.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _b64u(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class PhoneFolder:
    """A phone's buffer as it lies on the disk at this moment."""

    def __init__(self, folder: Path) -> None:
        self.media = {path.name: path.stat().st_size for path in (folder / "media").glob("*.part")}
        self.segments: list[Mapping[str, Any]] = []
        self.runs_open: set[int] = set()
        self.heads: dict[str, str] = {}
        """Upload addresses, and the heads they are for."""
        self.acknowledged: set[str] = set()
        self.receipts: dict[str, str] = {}
        self.bearer = ""
        for fact in _facts(folder / "journal.jsonl"):
            self._take(fact)

    def _take(self, fact: Mapping[str, Any]) -> None:
        match fact["fact"]:
            case "claimed":
                self.bearer = fact["bearer"]
            case "run_opened":
                self.runs_open.add(fact["run"])
            case "run_closed":
                self.runs_open.discard(fact["run"])
            case "segment":
                self.segments.append(fact)
            case "acknowledged":
                self.acknowledged |= set(fact["entries"])
                self.heads |= {address: head for head, address in fact["uploads"].items()}
            case "receipt":
                self.receipts[fact["head"]] = fact["record"]

    @property
    def unsealed(self) -> int:
        """Bytes of the segment that is being recorded."""
        sealed = {f"{segment['run']:04d}-{segment['offset']:012d}.part" for segment in self.segments}
        return sum(size for name, size in self.media.items() if name not in sealed)

    def length_of(self, run: int) -> int:
        """Bytes of the run's segments."""
        return sum(segment["length"] for segment in self.segments if segment["run"] == run)


def _facts(journal: Path) -> Iterator[Mapping[str, Any]]:
    whole, _, _torn = (journal.read_bytes() if journal.exists() else b"").rpartition(b"\n")
    for line in whole.splitlines():
        yield from json.loads(line)


class Bundle:
    """An exported bundle."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            self.media = {name: archive.read(name) for name in names if name.startswith("media/")}
            self.events = [json.loads(line) for line in archive.read("journal.jsonl").splitlines()]
        self.entries = {
            hash_of(record): claims_of(record)
            for body in self.bodies("committed") for record in body["entries"]
        }
        """Claims of the committed entries, by hash."""
        self.receipts = {body["head"]: body["receipt"] for body in self.bodies("stored")}
        self.verdicts = [claims_of(body["verdict"]) for body in self.bodies("verdict")]

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        """The journal's events of one kind."""
        return [json.loads(event["body"]) for event in self.events if event["kind"] == kind]

    @property
    def heads(self) -> dict[str, dict[str, Any]]:
        """Claims of the committed heads, by hash."""
        return {name: claims for name, claims in self.entries.items() if "sha256" in claims}

    @property
    def undelivered(self) -> set[str]:
        """Heads whose media is not in it although it began before the end.

        A segment that begins after the end is committed and stays on the phone."""
        end_ms = self.bodies("ended")[-1]["end_ms"]
        return {
            name for name, claims in self.heads.items()
            if name not in self.receipts and claims["wall_ms"] < end_ms - CLOCK_SLACK_MS
        }

    @property
    def stored(self) -> set[str]:
        """SHA-256 of every segment of media in it."""
        return {_b64u(hashlib.sha256(piece).digest()) for piece in self.media.values()}

    def runs(self) -> dict[int, bytes]:
        """The media of every run, its segments one after another."""
        runs: defaultdict[int, bytes] = defaultdict(bytes)
        for name in sorted(self.media):
            runs[int(name.split("/")[2])] += self.media[name]
        return dict(runs)

    def shown(self) -> dict[int, Count]:
        """What decoding shows of every run."""
        return {
            number: count(read_marks(io.BytesIO(run)), read_beeps(io.BytesIO(run)))
            for number, run in self.runs().items()
        }
