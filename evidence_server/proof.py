"""Judging a bundle again, offline: no server, no network, nobody to be believed.

The steps, numbered as they are reported:

1. The ZIP is, byte for byte, what its entries make; nothing in it is packed.
2. The bundle's statement is signed by the key in it (and that key is the one you trust, if you name it), and
   speaks of the key set and the README as they are.
3. The journal is one unbroken chain of events, up to the tip that was signed.
4. Each phone key was bound by the server's signed word.
5. Each head, note and manifest is signed by its phone's key and follows its chain, each fork is signed by
   it too; each acknowledgement is the server's.
6. Each receipt is the server's and speaks of its segment, and of when the journal has it stored.
7. Each stored segment is there with the length and hash that its head committed to.
8. Measuring the media again finds what was found then (differences are reported, they break nothing).
9. Judging the journal again gives each verdict that was signed, word for word, and each names the one
   before it.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey

from evidence_server.bundle import BundleWriter, journal_lines, media_path, picture_path, stored_segments
from evidence_server.event import GENESIS, Event
from evidence_server.seen import picture_name
from evidence_server.segment import Segment
from evidence_server.sitting import Sitting
from evidence_server.verdict import RULES, judge
from pairing.chain import read_entry
from pairing.encoding import b64u, sha256_b64u
from pairing.errors import PairingError
from pairing.jws import phone_key, record_hash, thumbprint, verify
from pairing.manifest import Manifest
from pairing.messages import BUNDLE_TYP, VERDICT_TYP, Acknowledgement, Binding, Release
from pairing.receipt import Receipt


@dataclass(frozen=True)
class Finding:
    """The result of one numbered step; `says` in English names what was checked or what is wrong."""

    step: int
    holds: bool
    says: str


@dataclass
class Proof:
    """What `prove` found.  `findings` is never empty; `state` is None where the journal cannot be read.

    `measurements` are the journal's, whole, by generation and head: the state holds only what it judges by.
    """

    findings: list[Finding] = field(default_factory=list)
    state: Sitting | None = None
    measurements: dict[tuple[int, str], Mapping[str, Any]] = field(default_factory=dict)
    key: str = ""
    trusted: bool = False

    @property
    def holds(self) -> bool:
        """Whether every step holds."""
        return bool(self.findings) and all(finding.holds for finding in self.findings)


_UNREADABLE = (
    zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, struct.error
)
"""What zipfile raises on damaged archives."""


class _BrokenError(Exception):
    """A step failed in a way that makes the next ones meaningless."""


def prove(bundle: Path, trusted: Mapping[str, Any] | None = None) -> Proof:
    """Steps 1 to 7 and 9 on `bundle`; `trusted` is a JWK set.  Step 8 is `measure_again`."""
    proof = Proof()
    prover = _Prover(bundle, proof)
    try:
        prover.run(trusted)
    except _BrokenError as error:
        step, says = error.args
        proof.findings.append(Finding(step, False, says))
    except Exception as error:
        # A forger can put anything anywhere; whatever we stumble over is no evidence.
        proof.findings.append(Finding(prover.step, False, f"cannot be read: {error!r}"))
    return proof


class _Prover:
    def __init__(self, bundle: Path, proof: Proof) -> None:
        self._bundle = bundle
        self._proof = proof
        self.step = 1
        """The step that is being worked on."""
        self._key: OKPKey | None = None
        self._counts = {"entries": 0, "receipts": 0, "acknowledgements": 0, "manifests": 0, "bindings": 0}

    def run(self, trusted: Mapping[str, Any] | None) -> None:
        try:
            archive = zipfile.ZipFile(self._bundle)
        except _UNREADABLE as error:
            raise _BrokenError(1, f"not a ZIP: {error!r}") from error
        with archive:
            self._check_entries_plain(archive)
            self.step = 2
            self._check_trust(archive, trusted)
            self.step = 3
            state = self._check_journal(archive)
            self.step = 7
            broken = self._check_media(archive, state)
        if not broken:
            self.step = 1
            self._check_container()
        self._proof.state = state
        self._proof.findings.sort(key=lambda finding: finding.step)

    def _say(self, step: int, says: str, holds: bool = True) -> None:
        self._proof.findings.append(Finding(step, holds, says))

    def _check_entries_plain(self, archive: zipfile.ZipFile) -> None:
        """Step 1, before anything is read: no entry can be larger than the file, or hide another."""
        entries = archive.infolist()
        for entry in entries:
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                raise _BrokenError(1, f"{entry.filename} is packed")
        if len({entry.filename for entry in entries}) != len(entries):
            raise _BrokenError(1, "two entries have one name")
        if sum(entry.file_size for entry in entries) > self._bundle.stat().st_size:
            raise _BrokenError(1, "entries overlap")

    def _check_container(self) -> None:
        """Step 1: builds the ZIP again from its entries and compares."""
        writer = BundleWriter()
        with zipfile.ZipFile(self._bundle) as archive, self._bundle.open("rb") as original:
            names = archive.namelist()
            for content in _built_again(writer, archive):
                if original.read(len(content)) != content:
                    raise _BrokenError(1, "the ZIP was altered outside its entries")
            if original.read(1):
                raise _BrokenError(1, "something was added behind the ZIP")
        self._say(1, f"the ZIP is what its {len(names)} entries make")

    def _check_trust(self, archive: zipfile.ZipFile, trusted: Mapping[str, Any] | None) -> None:
        """Step 2."""
        keys = _json(archive, "jwks.json", 2).get("keys")
        if not isinstance(keys, list) or len(keys) != 1:
            raise _BrokenError(2, "jwks.json does not hold exactly one key")
        self._key = _okp(keys[0])
        self._proof.key = thumbprint(self._key)
        if trusted is not None:
            known = {thumbprint(_okp(key)) for key in trusted.get("keys", [])}
            if self._proof.key not in known:
                raise _BrokenError(2, f"signed by {self._proof.key}, which is none of the keys you trust")
            self._proof.trusted = True
        statement = self._signed(2, _read(archive, "bundle.jws", 2).decode("ascii", "replace"), BUNDLE_TYP)
        for name, member in (("jwks.json", "jwks_sha256"), ("README.txt", "readme_sha256")):
            if sha256_b64u(_read(archive, name, 2)) != statement.get(member):
                raise _BrokenError(2, f"{name} was altered")
        if not {"sitting", "position", "tip"} <= statement.keys():
            raise _BrokenError(2, "bundle.jws does not say where the journal ends")
        self._statement = statement
        trust = "a key you trust" if self._proof.trusted else "the key it carries, not trusted by itself"
        self._say(2, f"the bundle is signed by {trust}: {self._proof.key}")

    def _signed(self, step: int, record: str, typ: str) -> dict[str, Any]:
        if self._key is None:
            raise _BrokenError(step, "no key")
        try:
            return dict(verify(record, typ, self._key))
        except PairingError as error:
            raise _BrokenError(step, f"a record of kind {typ}: {error.detail}") from error

    def _check_journal(self, archive: zipfile.ZipFile) -> Sitting:
        """Steps 3 to 6 and 9, event by event."""
        sitting = str(self._statement["sitting"])
        state = Sitting(sitting)
        verdicts: list[str] = []
        """Of each verdict why it was not judged again, or nothing."""
        for event in _events(_read(archive, "journal.jsonl", 3), sitting):
            self.step = 3
            self._check_event(state, event)
            if event.kind == "verdict":
                verdicts.append(self._check_verdict(state, event))
            try:
                state.apply(event)
            except (PairingError, KeyError, IndexError, TypeError, ValueError) as error:
                raise _BrokenError(3, f"event {event.seq} ({event.kind}) has no place: {error}") from error
        if (state.seq, state.tip) != (self._statement["position"], self._statement["tip"]):
            raise _BrokenError(3, "the journal does not end where the bundle's statement says")
        if verdicts and verdicts[-1]:
            raise _BrokenError(9, verdicts[-1])
        newest = state.verdicts[-1].record if state.verdicts else ""
        shown = _read(archive, "verdict.jws", 9) if "verdict.jws" in archive.namelist() else b""
        if shown.decode("ascii", "replace") != newest:
            raise _BrokenError(9, "verdict.jws is not the journal's newest verdict")
        counts = self._counts
        self._say(3, f"the journal is one chain of {state.seq} events")
        self._say(4, f"{counts['bindings']} binding(s), each signed by the server")
        self._say(
            5, f"{counts['entries']} heads and notes and {counts['manifests']} manifest(s), each signed by "
            f"its phone, {counts['acknowledgements']} acknowledgements by the server",
        )
        self._say(6, f"{counts['receipts']} receipts, each for its segment")
        older = sum(map(bool, verdicts))
        but = f"; {older} more by older rules, superseded, not judged again" if older else ""
        self._say(9, f"{len(verdicts) - older} verdict(s), each what the journal gives again{but}")
        return state

    def _check_event(self, state: Sitting, event: Event) -> None:
        try:
            body = event.fields()
            if event.kind == "confirmed":
                self._check_binding(state, body)
            elif event.kind == "committed":
                self._check_entries(state, body)
            elif event.kind == "forked":
                read_entry(body["entry"], phone_key(state.generations[body["generation"] - 1].jwk))
            elif event.kind == "manifest":
                self._check_manifest(state, body)
            elif event.kind == "stored":
                segment = state.generations[body["generation"] - 1].segments[body["head"]]
                receipt = Receipt.from_claims(verify(body["receipt"], Receipt.TYP, self._server_key()))
                if receipt != segment.receipt(state.id, event.at_ms):
                    raise PairingError("claims_invalid", "the receipt speaks of another segment or time")
                self._counts["receipts"] += 1
            elif event.kind == "measured":
                self._proof.measurements[body["generation"], body["head"]] = body["measurement"]
            elif event.kind == "released":
                self._check_release(state, body)
        except PairingError as error:
            step = {"confirmed": 4, "stored": 6, "released": 6}.get(event.kind, 5)
            raise _BrokenError(step, f"event {event.seq} ({event.kind}): {error}") from error
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise _BrokenError(3, f"event {event.seq} ({event.kind}) is malformed: {error!r}") from error

    def _server_key(self) -> OKPKey:
        if self._key is None:
            raise _BrokenError(2, "no key")
        return self._key

    def _check_binding(self, state: Sitting, body: Mapping[str, Any]) -> None:
        binding = Binding.from_claims(verify(body["binding"], Binding.TYP, self._server_key()))
        claim = state.claims[body["key"]]
        bound = state.id, len(state.generations) + 1, claim.key, claim.nonce
        if (binding.sitting, binding.generation, binding.key, binding.nonce) != bound:
            raise PairingError("claims_invalid", "the binding names another sitting, phone or generation")
        if thumbprint(phone_key(claim.jwk)) != claim.key:
            raise PairingError("claims_invalid", "the key is not the one that was bound")
        self._counts["bindings"] += 1

    def _check_release(self, state: Sitting, body: Mapping[str, Any]) -> None:
        """Step 6: what a phone was allowed to delete is stored here."""
        release = Release.from_claims(verify(body["release"], Release.TYP, self._server_key()))
        if (release.sitting, release.generation) != (state.id, body["generation"]):
            raise PairingError("claims_invalid", "the release speaks of another sitting or generation")
        segments = state.generations[release.generation - 1].segments
        if any(name not in segments or segments[name].stored_at_ms is None for name in release.heads):
            raise PairingError("claims_invalid", "the release names what is not stored")

    def _check_manifest(self, state: Sitting, body: Mapping[str, Any]) -> None:
        generation = state.generations[body["generation"] - 1]
        manifest = Manifest.from_claims(verify(body["manifest"], Manifest.TYP, phone_key(generation.jwk)))
        if (manifest.sitting, manifest.generation) != (state.id, generation.number):
            raise PairingError("claims_invalid", "the manifest speaks of another sitting or generation")
        if not manifest.covers(generation.chains):
            raise PairingError("claims_invalid", "the manifest lists something else than was committed")
        self._counts["manifests"] += 1

    def _check_entries(self, state: Sitting, body: Mapping[str, Any]) -> None:
        signer = phone_key(state.generations[body["generation"] - 1].jwk)
        for record in body["entries"]:
            read_entry(record, signer)
            self._counts["entries"] += 1
        claims = verify(body["acknowledgement"], Acknowledgement.TYP, self._server_key())
        acknowledged = Acknowledgement.from_claims(claims)
        if (acknowledged.sitting, acknowledged.generation) != (state.id, body["generation"]):
            raise PairingError("claims_invalid", "the acknowledgement is another sitting's or generation's")
        if not {record_hash(record) for record in body["entries"]} <= set(acknowledged.entries):
            raise PairingError("claims_invalid", "the acknowledgement names other entries")
        if (acknowledged.position, acknowledged.journal) != (state.seq, state.tip):
            raise PairingError("claims_invalid", "the acknowledgement follows another journal")
        self._counts["acknowledgements"] += 1

    def _check_verdict(self, state: Sitting, event: Event) -> str:
        """Step 9: the verdict is a pure function of what the journal held before it.

        Says why it could not be judged again, where that is so: one by older rules that a newer one
        supersedes need not be.
        """
        self.step = 9
        issued = self._signed(9, str(event.fields().get("verdict", "")), VERDICT_TYP)
        if state.required is None:
            raise _BrokenError(9, f"event {event.seq}: a verdict without a required interval")
        if issued.get("rules") != RULES:
            return f"judged by rules {issued.get('rules')}; this program knows rules {RULES}"
        again = dict(judge(state).claims) | {
            "version": len(state.verdicts) + 1,
            "supersedes": record_hash(state.verdicts[-1].record) if state.verdicts else "",
        }
        for name, value in again.items():
            if issued.get(name) != value:
                version = issued.get("version")
                raise _BrokenError(9, f"verdict version {version}: {name} is not what the journal gives")
        return ""

    def _check_media(self, archive: zipfile.ZipFile, state: Sitting) -> bool:
        """Step 7; says whether something is broken."""
        names = set(archive.namelist())
        segments = stored_segments(state)
        wrong = [says for segment in segments if (says := _differs(archive, names, segment))]
        pictures = state.pictures()
        wrong += [says for name in sorted(pictures) if (says := _differs_picture(archive, names, name))]
        expected = {media_path(segment) for segment in segments} | {picture_path(name) for name in pictures}
        unnamed = sorted(names - expected - _FIXED)
        wrong += [f"{name} belongs to nothing that the journal names" for name in unnamed]
        for says in wrong:
            self._say(7, says, holds=False)
        if not wrong:
            size = sum(segment.length for segment in segments)
            self._say(7, f"{len(segments)} segments, {size} bytes, each with its committed length and hash")
        return bool(wrong)


def _built_again(writer: BundleWriter, archive: zipfile.ZipFile) -> Iterator[bytes]:
    for name in archive.namelist():
        yield writer.add(name, archive.read(name))
    yield writer.close()


_FIXED = {"README.txt", "bundle.jws", "jwks.json", "journal.jsonl", "verdict.jws"}


def _differs(archive: zipfile.ZipFile, names: set[str], segment: Segment) -> str:
    path = media_path(segment)
    named = f"segment {segment.seq} of run {segment.run}, generation {segment.generation} ({path})"
    if path not in names:
        return f"{named} is missing from the bundle"
    try:
        content = archive.read(path)
    except _UNREADABLE as error:
        return f"{named} was altered: {error!r}"
    if len(content) != segment.length or b64u(hashlib.sha256(content).digest()) != segment.sha256:
        return f"{named} was altered: its bytes do not have the committed hash"
    return ""


def _differs_picture(archive: zipfile.ZipFile, names: set[str], name: str) -> str:
    path = picture_path(name)
    if path not in names:
        return f"{path} is missing from the bundle"
    try:
        whole = picture_name(archive.read(path)) == name
    except _UNREADABLE as error:
        return f"{path} was altered: {error!r}"
    return "" if whole else f"{path} was altered: its bytes do not have the hash in its name"


def _read(archive: zipfile.ZipFile, name: str, step: int) -> bytes:
    try:
        return archive.read(name)
    except (KeyError, *_UNREADABLE) as error:
        raise _BrokenError(step, f"{name} is missing or damaged: {error!r}") from error


def _json(archive: zipfile.ZipFile, name: str, step: int) -> dict[str, Any]:
    try:
        value = json.loads(_read(archive, name, step))
    except ValueError as error:
        raise _BrokenError(step, f"{name} is not JSON") from error
    if not isinstance(value, dict):
        raise _BrokenError(step, f"{name} is not a JSON object")
    return value


def _okp(jwk: Any) -> OKPKey:
    try:
        return OKPKey.import_key({name: jwk[name] for name in ("kty", "crv", "x")})
    except Exception as error:  # the library raises many kinds for a malformed key
        raise _BrokenError(2, "the key set holds something that is no Ed25519 key") from error


def _events(lines: bytes, sitting: str) -> Iterator[Event]:
    prev = GENESIS
    # Only "\n" parts lines: splitlines would also part at U+2028, which a text may hold.
    *whole_lines, rest = lines.decode("utf-8", "replace").split("\n")
    if rest:
        raise _BrokenError(3, "the journal ends in the middle of a line")
    for seq, line in enumerate(whole_lines, 1):
        try:
            row = json.loads(line)
            event = Event(row["sitting"], row["seq"], row["at_ms"], row["kind"], row["body"], row["prev"])
            whole = event.hash == row["hash"] and journal_lines([event]) == line + "\n"
        except (ValueError, KeyError, TypeError) as error:
            raise _BrokenError(3, f"line {seq} of the journal is malformed") from error
        if not whole or event.prev != prev or event.seq != seq or event.sitting != sitting:
            raise _BrokenError(3, f"the journal's chain breaks at event {seq}")
        prev = event.hash
        yield event


def media_reader(bundle: Path) -> Callable[[Segment], bytes]:
    """Gives a segment's bytes out of a bundle."""

    def read(segment: Segment) -> bytes:
        with zipfile.ZipFile(bundle) as archive:
            return archive.read(media_path(segment))

    return read
