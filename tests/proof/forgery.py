"""A bundle's contents, to be altered: cleverly, with every hash made to fit again, and clumsily."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey

from evidence_server.bundle import BundleWriter, journal_lines
from evidence_server.event import GENESIS, Event, dump
from pairing.encoding import sha256_b64u
from pairing.jws import public_jwk, read_unverified, sign
from pairing.messages import BUNDLE_TYP

Events = list[Event]


@dataclass(frozen=True)
class Contents:
    """What a bundle holds, by path, in order; `key` is the key of the server that made it."""

    files: dict[str, bytes]
    key: OKPKey

    @classmethod
    def read(cls, bundle: Path, key: OKPKey) -> Contents:
        """The contents of `bundle`."""
        with zipfile.ZipFile(bundle) as archive:
            return cls({name: archive.read(name) for name in archive.namelist()}, key)

    def write(self, path: Path) -> Path:
        """These contents as a bundle whose ZIP is faultless."""
        writer = BundleWriter()
        pieces = [writer.add(name, content) for name, content in self.files.items()]
        path.write_bytes(b"".join([*pieces, writer.close()]))
        return path

    @property
    def media(self) -> list[str]:
        """The paths of segments."""
        return [name for name in self.files if name.startswith("media/")]

    def with_file(self, name: str, content: bytes | None) -> Contents:
        """With one file replaced, added or (None) removed."""
        files = {path: old for path, old in self.files.items() if path != name or content is not None}
        return replace(self, files=files if content is None else files | {name: content})

    def events(self) -> Events:
        """The journal."""
        rows = [json.loads(line) for line in self.files["journal.jsonl"].decode().splitlines()]
        return [
            Event(row["sitting"], row["seq"], row["at_ms"], row["kind"], row["body"], row["prev"])
            for row in rows
        ]

    def first(self, kind: str, nth: int = 0) -> int:
        """The index of the nth event of a kind."""
        return [index for index, event in enumerate(self.events()) if event.kind == kind][nth]

    def with_lines(self, change: Callable[[list[str]], list[str]]) -> Contents:
        """With the journal's lines changed, and nothing made to fit."""
        lines = self.files["journal.jsonl"].decode().splitlines()
        return self.with_file("journal.jsonl", "".join(line + "\n" for line in change(lines)).encode())

    def rechained(self, change: Callable[[Events], Events]) -> Contents:
        """With the events changed, and numbered and chained again."""
        chained: Events = []
        prev = GENESIS
        for seq, event in enumerate(change(self.events()), 1):
            chained.append(replace(event, seq=seq, prev=prev))
            prev = chained[-1].hash
        return self.with_file("journal.jsonl", journal_lines(chained).encode())

    def resigned(self, key: OKPKey | None = None, **claims: Any) -> Contents:
        """With a statement by `key` (the server's own by default) that fits the journal."""
        signer = key or self.key
        contents = self
        if key is not None:
            keys = json.dumps({"keys": [public_jwk(key)]}, separators=(",", ":"))
            contents = self.with_file("jwks.json", keys.encode())
        newest = contents.events()[-1]
        statement = {
            "sitting": newest.sitting, "position": newest.seq, "tip": newest.hash,
            "readme_sha256": sha256_b64u(contents.files["README.txt"]),
            "jwks_sha256": sha256_b64u(contents.files["jwks.json"]),
        }
        said = {name: value for name, value in (statement | claims).items() if value is not None}
        return contents.with_file("bundle.jws", sign(signer, BUNDLE_TYP, said).encode())


def with_body(event: Event, **changes: Any) -> Event:
    """`event` with another body."""
    return replace(event, body=dump(event.fields() | changes))


def signed_again(record: str, typ: str, key: OKPKey, **changes: Any) -> str:
    """`record` with other claims, signed by `key`."""
    return sign(key, typ, read_unverified(record, typ)[0] | changes)
