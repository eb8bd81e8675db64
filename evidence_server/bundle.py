"""The evidence bundle: one uncompressed ZIP with everything a verdict rests on, for checking offline.

    README.txt              what this is, in both languages
    bundle.jws              the server's signature over the journal's length and tip, jwks.json and README.txt
    jwks.json               the server's public key
    journal.jsonl           the sitting's events, one a line
    verdict.jws             the newest verdict (it is in the journal too)
    media/G/RRRR/SSSSSS.*   segment S of run R of generation G; a run's files one after another play
    pictures/NAME.jpg       what was made of them for people; the journal names each by its hash

The ZIP is a pure function of its entries, so that a verifier can build it again and notice a change to any
byte, those between the entries included.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from joserfc.jwk import OKPKey

from evidence_server.event import Event
from evidence_server.segment import Segment
from evidence_server.sitting import Sitting
from evidence_server.store import Store
from pairing.encoding import sha256_b64u
from pairing.jws import sign
from pairing.messages import BUNDLE_TYP

_SUFFIX = {"video/mp4": "mp4", "video/webm": "webm", "application/json": "json"}
_README = """\
This bundle holds the evidence of one sitting: the recording, the journal of everything that happened to
it, and the signed verdict.  Check it without network:

    python -m evidence_server verify THIS_FILE --jwks KEYS_OF_THE_SERVER

The files of a folder under media/, one after another, are one recording: cat media/1/0001/* > run.mp4

本文件包含一场考试的佐证：录像、完整的事件记录和签名的结论。可离线核验，命令同上。
"""


def media_path(segment: Segment) -> str:
    """Where a segment's bytes lie in the bundle."""
    suffix = _SUFFIX[segment.container]
    return f"media/{segment.generation}/{segment.run:04d}/{segment.seq:06d}.{suffix}"


def picture_path(name: str) -> str:
    """Where a picture lies in the bundle."""
    return f"pictures/{name}.jpg"


def journal_lines(events: Iterable[Event]) -> str:
    """The events as JSON lines, bodies verbatim."""
    lines = [
        json.dumps(
            {
                "sitting": event.sitting, "seq": event.seq, "at_ms": event.at_ms, "kind": event.kind,
                "body": event.body, "prev": event.prev, "hash": event.hash,
            },
            separators=(",", ":"), ensure_ascii=False,
        )
        for event in events
    ]
    return "".join(line + "\n" for line in lines)


def stored_segments(state: Sitting) -> list[Segment]:
    """The segments whose bytes belong in the bundle, in the order of the ZIP."""
    stored = [segment for segment in state.segments() if segment.stored_at_ms is not None]
    return sorted(stored, key=media_path)


class ZipSink(io.RawIOBase):
    """Takes what zipfile writes, in order; `drain` gives it away."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Bytes can be written, but never sought: the ZIP streams."""
        return True

    def write(self, piece: object) -> int:
        """Keeps a piece until it is drained."""
        content = bytes(piece)  # type: ignore[call-overload]  # zipfile gives bytes-like
        self._pieces.append(content)
        return len(content)

    def drain(self) -> bytes:
        """What was written since the last call."""
        content = b"".join(self._pieces)
        self._pieces.clear()
        return content


class BundleWriter:
    """Writes entries into a ZIP whose bytes depend on nothing but them."""

    def __init__(self) -> None:
        self._sink = ZipSink()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_STORED)

    def add(self, path: str, content: bytes) -> bytes:
        """Adds an entry; gives the ZIP's next bytes."""
        entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
        entry.create_system = 3
        entry.external_attr = 0o100644 << 16
        self._zip.writestr(entry, content)
        return self._sink.drain()

    def close(self) -> bytes:
        """The ZIP's last bytes."""
        self._zip.close()
        return self._sink.drain()


async def export(
    state: Sitting, events: Sequence[Event], store: Store, signing: OKPKey, jwks: Mapping[str, object]
) -> AsyncIterator[bytes]:
    """The bundle of `state`, folded from exactly `events`, piece by piece; media decrypted."""
    keys = json.dumps(jwks, separators=(",", ":"))
    statement = {
        "sitting": state.id, "position": state.seq, "tip": state.tip,
        "readme_sha256": sha256_b64u(_README), "jwks_sha256": sha256_b64u(keys),
    }
    writer = BundleWriter()
    yield writer.add("README.txt", _README.encode())
    yield writer.add("bundle.jws", sign(signing, BUNDLE_TYP, statement).encode())
    yield writer.add("jwks.json", keys.encode())
    yield writer.add("journal.jsonl", journal_lines(events).encode())
    if state.verdicts:
        yield writer.add("verdict.jws", state.verdicts[-1].record.encode())
    for segment in stored_segments(state):
        yield writer.add(media_path(segment), await store.read(state.id, segment.name))
    for name in sorted(state.pictures()):
        yield writer.add(picture_path(name), await store.read(state.id, name))
    yield writer.close()
