"""Before each answer that promises something, the file, its folders and the journal are synced.

The real servers run with a witness in them that writes down what they ask of the disk; see `witness.c`.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from pairing.carry import write_carry
from pairing.chain import Chains
from pairing.encoding import sha256_b64u
from pairing.jws import new_phone_key, public_jwk, record_hash, sign, thumbprint
from pairing.manifest import Manifest, list_runs
from pairing.messages import Claim, Head, Link, Note
from tests.durability.watched import Watched, watched
from tests.durability.witness import Log

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONTENT = Random(1).randbytes(300_000)
HALF = 150_000
NOW_MS = 1_800_000_000_000
TUS = {"Tus-Resumable": "1.0.0"}
PATCH = TUS | {"Content-Type": "application/offset+octet-stream"}

Requirement = Callable[[Log, int], None]


@dataclass
class Story:
    """Every answer in its order, and what it needs to be durable; `object` is the segment's object."""

    log: Log
    answers: list[tuple[str, Requirement]] = field(default_factory=list)
    object: Path = Path()

    def broken(self, log: Log | None = None) -> dict[str, list[str]]:
        """What was promised too early, by answer."""
        log = log or self.log
        moments, found = log.answers(), {}
        assert len(moments) == len(self.answers)
        for moment, (name, require) in zip(moments, self.answers, strict=True):
            log.complaints.clear()
            require(log, moment)
            if log.complaints:
                found[name] = list(log.complaints)
        return found


def nothing(_log: Log, _moment: int) -> None:
    """The answer promises nothing new."""


def files(*paths: Path) -> Requirement:
    """All of them are durable, names and bytes."""
    def require(log: Log, moment: int) -> None:
        for path in paths:
            log.require_file(path, moment)

    return require


class Client:
    """Asks the server, and writes down what each answer promises."""

    def __init__(self, server: Watched) -> None:
        self.server = server
        self.answers: list[tuple[str, Requirement]] = []

    async def ask(
        self, name: str, requirement: Requirement, method: str, path: str, *, status: int = 200, **more: Any
    ) -> Any:
        """One request; the answer's JSON object, or its headers where it has none."""
        async with self.server.http.request(method, self.server.url + path, **more) as answer:
            assert answer.status == status, await answer.text()
            self.answers.append((name, requirement))
            return await answer.json() if answer.content_type == "application/json" else answer.headers

    def event(self, kind: str, number: int = -1, after: Path | None = None) -> Requirement:
        """The newest event of a kind so far, or the `number`-th, counted from 0."""
        return lambda log, moment: log.require_event(self.server.events(kind)[number], moment, after)

    def story(self) -> Story:
        return Story(self.server.preload.heard(), self.answers)


async def tell(server: Watched) -> Story:
    """One sitting, from its creation to the publication."""
    client, key = Client(server), new_phone_key()
    backend = {"Authorization": f"Bearer {server.api_key}"}

    async def order(name: str, event: str, path: str, body: object) -> Any:
        return await client.ask(name, client.event(event), "POST", path, json=body, headers=backend)

    # Nothing has to be looked at before the verdict, which the publication needs: that takes its time.
    policy = {"checks": dict.fromkeys(("scan", "placement", "continuity", "anchor"), "off")}
    created = await order("sitting", "created", "/v1/sittings", {"exam": "oral", "policy": policy})
    sitting = created["sitting_id"]
    claim = Claim(created["link"].partition("#t=")[2], public_jwk(key), "test", NOW_MS)
    record = sign(key, Claim.TYP, claim.to_claims())
    claimed = await client.ask("claim", client.event("claimed"), "POST", "/v1/claims", json={"claim": record})
    await order("confirm", "confirmed", f"/v1/sittings/{sitting}/confirm", {"key": thumbprint(key)})
    phone = {"Authorization": f"Bearer {claimed['bearer']}"}
    reads = await client.ask("read", nothing, "GET", "/v1/binding", headers=phone)

    async def send(name: str, event: Requirement, path: str, body: object) -> Any:
        return await client.ask(name, event, "POST", path, json=body, headers=phone)

    binding = record_hash(reads["binding"])
    chains = Chains(sitting, 1, binding)
    head = Head(
        Link(sitting, 1, 1, 0, binding, binding, None), "camera", "video/mp4", 0, len(CONTENT),
        sha256_b64u(CONTENT), (0, 4_000_000), (NOW_MS, NOW_MS + 4_000), NOW_MS,
    )
    record = sign(key, Head.TYP, head.to_claims())
    chains.extend(head, record)
    name = record_hash(record)
    told = await send("head", client.event("committed", 0), "/v1/entries", {"entries": [record]})
    note = Note(Link(sitting, 1, 1, 1, name, binding, None), "stop", "none", NOW_MS, NOW_MS)
    record = sign(key, Note.TYP, note.to_claims())
    chains.extend(note, record)
    await send("note", client.event("committed", 1), "/v1/entries", {"entries": [record]})

    folder, upload = server.data / "objects" / sitting, told["uploads"][name]
    part, whole = folder / "parts" / name, folder / "objects" / name
    # Without its key nothing of a sitting can be read.
    sealed = server.data / "keys" / "sittings" / f"{sitting}.key"
    await client.ask("half", files(part, sealed), "PATCH", upload, status=204, data=CONTENT[:HALF],
                     headers=PATCH | {"Upload-Offset": "0"})
    rest = await client.ask("receipt", nothing, "PATCH", upload, status=204, data=CONTENT[HALF:],
                            headers=PATCH | {"Upload-Offset": str(HALF)})
    assert rest["Evidence-Receipt"]

    def stored(log: Log, moment: int) -> None:
        files(whole, sealed)(log, moment)
        client.event("stored", 0, after=whole)(log, moment)

    client.answers[-1] = ("receipt", stored)
    await client.ask("receipt again", stored, "HEAD", upload, headers=TUS)

    brought = Random(3).randbytes(5_000)
    head = Head(
        Link(sitting, 1, 1, 2, record_hash(record), binding, None), "camera", "video/mp4", len(CONTENT),
        len(brought), sha256_b64u(brought), (4_000_000, 5_000_000), (NOW_MS + 4_000, NOW_MS + 5_000), NOW_MS,
    )
    record = sign(key, Head.TYP, head.to_claims())
    chains.extend(head, record)
    carried = folder / "objects" / record_hash(record)

    def taken_in(log: Log, moment: int) -> None:
        files(carried, sealed)(log, moment)
        client.event("committed", 2)(log, moment)
        client.event("stored", 1, after=carried)(log, moment)

    carry = io.BytesIO()
    write_carry(carry, sitting, 1, [record], None, [(sha256_b64u(brought), lambda: brought)])
    await client.ask(
        "carry file", taken_in, "POST", f"/v1/sittings/{sitting}/carry",
        headers=backend | {"Evidence-Reason": "test"},
        data=carry.getvalue(),
    )
    await order("end", "ended", f"/v1/sittings/{sitting}/end", {})
    manifest = Manifest(sitting, 1, 1, list_runs(chains), binding, NOW_MS)
    record = sign(key, Manifest.TYP, manifest.to_claims())
    await send("manifest", client.event("manifest"), "/v1/manifests", {"manifest": record})
    support = {"extension_s": 60, "reason": "the network was down"}
    await order("extend", "deadline_moved", f"/v1/sittings/{sitting}/extend", support)
    await order("publish", "published", f"/v1/sittings/{sitting}/publish", {})
    story = client.story()
    story.object = whole
    return story


async def tell_tus(server: Watched) -> Story:
    """Two uploads to the bare tus server: one in two pieces, its length told late; one with its creation."""
    client = Client(server)
    declared, stored = server.data / "uploads.jsonl", server.data / "files"

    def created(answer: Any) -> str:
        return str(answer["Location"]).rpartition("/")[2]

    answer = await client.ask("creation", nothing, "POST", "/files", status=201,
                              headers=TUS | {"Upload-Defer-Length": "1"})
    one = created(answer)
    client.answers[-1] = ("creation", files(declared))
    await client.ask("half", files(stored / "parts" / one), "PATCH", f"/files/{one}", status=204,
                     data=CONTENT[:HALF], headers=PATCH | {"Upload-Offset": "0"})
    length = {"Upload-Offset": str(HALF), "Upload-Length": str(len(CONTENT))}
    await client.ask("whole", files(declared, stored / "objects" / one), "PATCH",
                     f"/files/{one}", status=204, data=CONTENT[HALF:], headers=PATCH | length)
    answer = await client.ask("with upload", nothing, "POST", "/files", status=201, data=CONTENT,
                              headers=PATCH | {"Upload-Length": str(len(CONTENT))})
    two = created(answer)
    client.answers[-1] = ("with upload", files(declared, stored / "objects" / two))
    answer = await client.ask("empty", nothing, "POST", "/files", status=201,
                              headers=TUS | {"Upload-Length": "0"})
    three = created(answer)
    client.answers[-1] = ("empty", files(declared, stored / "objects" / three))
    story = client.story()
    story.object = stored / "objects" / one
    return story


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def sitting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    async with watched(tmp_path_factory.mktemp("synced"), "serve") as server:
        yield await tell(server)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def tus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    async with watched(tmp_path_factory.mktemp("synced-tus"), "tus") as server:
        yield await tell_tus(server)


async def test_no_answer_of_a_sitting_comes_too_early(sitting: Story) -> None:
    assert len(sitting.answers) == 14
    assert sitting.broken() == {}


async def test_no_answer_to_a_bare_upload_comes_too_early(tus: Story) -> None:
    assert len(tus.answers) == 5
    assert tus.broken() == {}


JOURNALLED = {
    "sitting", "claim", "confirm", "head", "note", "receipt", "receipt again", "carry file", "end",
    "manifest", "extend", "publish",
}


@pytest.mark.parametrize(("unsynced", "too_early"), [
    ("journal.sqlite-wal", JOURNALLED),
    ("/parts", {"half"}),
    ("/objects", {"half", "receipt", "receipt again", "carry file"}),
    ("THE OBJECT", {"half", "receipt", "receipt again"}),
    ("/keys/sittings", {"half", "receipt", "receipt again", "carry file"}),
])  # fmt: skip
async def test_a_sync_that_is_left_out_is_noticed(sitting: Story, unsynced: str, too_early: set[str]) -> None:
    log = sitting.log.without_syncs(sitting.object.name if unsynced == "THE OBJECT" else unsynced)
    assert set(sitting.broken(log)) == too_early


@pytest.mark.parametrize(("unsynced", "too_early"), [
    ("/uploads.jsonl", {"creation", "whole", "with upload", "empty"}), ("/parts", {"half"}),
    ("files/objects", {"whole", "with upload", "empty"}), ("THE OBJECT", {"half", "whole"}),
])  # fmt: skip
async def test_a_sync_of_an_upload_that_is_left_out_is_noticed(
    tus: Story, unsynced: str, too_early: set[str]
) -> None:
    log = tus.log.without_syncs(tus.object.name if unsynced == "THE OBJECT" else unsynced)
    assert set(tus.broken(log)) == too_early
