"""One valid example of the claims of every kind of record."""

from __future__ import annotations

from tests.vectors.signing import OTHER_PHONE, PHONE, name_of

Claims = dict[str, object]

SITTING = "s_vectors"
HASH = name_of("any record")
OTHER_HASH = name_of("any other record")
AT_MS = 1_800_000_000_000
SAMPLE: Claims = {"server_ms": AT_MS, "mono_ms": 5_000, "wall_ms": AT_MS + 40, "rtt_ms": 31}
OF_SITTING: Claims = {"sitting": SITTING, "generation": 1}
LINK: Claims = OF_SITTING | {"run": 1, "seq": 0, "prev": HASH, "seen": HASH}

HEAD: Claims = LINK | {
    "source": "camera", "container": "video/mp4", "offset": 0, "length": 4_194_304, "sha256": OTHER_HASH,
    "media_us": [0, 4_000_000], "mono_ms": [5_000, 9_000], "wall_ms": AT_MS,
}  # fmt: skip
NOTE: Claims = LINK | {"note": "gap_begin", "cause": "call", "mono_ms": 9_000, "wall_ms": AT_MS}
CLAIM: Claims = {"secret": "01234567B", "key": PHONE.public_jwk, "client": "vectors", "wall_ms": AT_MS}
BINDING: Claims = OF_SITTING | {"key": PHONE.kid, "nonce": "AAECAwQFBgcICQoLDA0ODw", "at_ms": AT_MS}
ACKNOWLEDGEMENT: Claims = OF_SITTING | {
    "entries": [HASH, OTHER_HASH], "at_ms": AT_MS, "position": 7, "journal": HASH,
}  # fmt: skip
RECEIPT: Claims = OF_SITTING | {
    "run": 1, "seq": 0, "head": HASH, "sha256": OTHER_HASH, "length": 4_194_304, "stored_at_ms": AT_MS,
}  # fmt: skip
RELEASE: Claims = OF_SITTING | {"heads": [HASH], "at_ms": AT_MS}
MANIFEST: Claims = OF_SITTING | {
    "version": 1, "runs": [{"run": 1, "entries": 3, "tip": HASH, "bytes": 8_388_608}], "seen": HASH,
    "wall_ms": AT_MS,
}  # fmt: skip

# typ: who signs it, its claims
EXAMPLES: dict[str, tuple[str, Claims]] = {
    "evidence-head+jws": ("phone", HEAD),
    "evidence-note+jws": ("phone", NOTE),
    "evidence-claim+jws": ("phone", CLAIM),
    "evidence-manifest+jws": ("phone", MANIFEST),
    "evidence-binding+jws": ("server", BINDING),
    "evidence-ack+jws": ("server", ACKNOWLEDGEMENT),
    "evidence-receipt+jws": ("server", RECEIPT),
    "evidence-release+jws": ("server", RELEASE),
}

# name: the typ, the fields to put in place of the example's; a field that is None is left out.
ALSO_VALID: dict[str, tuple[str, Claims]] = {
    "head with a clock sample": ("evidence-head+jws", {"clock": SAMPLE}),
    "head of the phone's orientation": (
        "evidence-head+jws", {"source": "orientation", "container": "application/json"},
    ),
    "head without duration": ("evidence-head+jws", {"media_us": [7, 7], "mono_ms": [5_000, 5_000]}),
    "largest numbers of a head": (
        "evidence-head+jws",
        {"generation": 999, "run": 2_000, "seq": 999_999, "length": 67_108_864, "wall_ms": 2**53 - 1},
    ),
    "longest sitting id": ("evidence-note+jws", {"sitting": "-_aZ09" + "x" * 58}),
    "64 characters of 4 bytes": ("evidence-claim+jws", {"client": "\U0001f4f1" * 64}),
    "acknowledgement of 64 entries": ("evidence-ack+jws", {"entries": [HASH] * 64}),
    "manifest without runs": ("evidence-manifest+jws", {"runs": []}),
}  # fmt: skip

INVALID: dict[str, tuple[str, Claims]] = {
    "unknown field": ("evidence-head+jws", {"gps": "none"}),
    "a field of a head in a note": ("evidence-note+jws", {"offset": 0}),
    "field missing": ("evidence-head+jws", {"seen": None}),
    "text for an integer": ("evidence-head+jws", {"offset": "0"}),
    "true for 1": ("evidence-head+jws", {"run": True}),
    "camera as JSON": ("evidence-head+jws", {"container": "application/json"}),
    "orientation as MP4": ("evidence-head+jws", {"source": "orientation"}),
    "integer for a text": ("evidence-note+jws", {"sitting": 7}),
    "negative time": ("evidence-note+jws", {"wall_ms": -1}),
    "generation 0": ("evidence-note+jws", {"generation": 0}),
    "generation 1000": ("evidence-note+jws", {"generation": 1_000}),
    "run 0": ("evidence-note+jws", {"run": 0}),
    "run 2001": ("evidence-note+jws", {"run": 2_001}),
    "entry -1": ("evidence-note+jws", {"seq": -1}),
    "entry 1000000": ("evidence-note+jws", {"seq": 1_000_000}),
    "segment without bytes": ("evidence-head+jws", {"length": 0}),
    "segment of more than 64 MiB": ("evidence-head+jws", {"length": 67_108_865}),
    "empty sitting id": ("evidence-note+jws", {"sitting": ""}),
    "sitting id of 65 characters": ("evidence-note+jws", {"sitting": "x" * 65}),
    "sitting id with a slash": ("evidence-note+jws", {"sitting": "s/1"}),
    "sitting id with a line end": ("evidence-note+jws", {"sitting": "s_vectors\n"}),
    "hash of 42 characters": ("evidence-head+jws", {"sha256": HASH[:-1]}),
    "second spelling of a hash": ("evidence-head+jws", {"sha256": HASH[:-1] + "_"}),
    "padded hash": ("evidence-head+jws", {"sha256": HASH + "="}),
    "hash in standard base64": ("evidence-head+jws", {"sha256": "+" + HASH[1:]}),
    "media times reversed": ("evidence-head+jws", {"media_us": [4_000_000, 0]}),
    "three media times": ("evidence-head+jws", {"media_us": [0, 1, 2]}),
    "one monotonic time": ("evidence-head+jws", {"mono_ms": 5_000}),
    "unknown source": ("evidence-head+jws", {"source": "screen"}),
    "unknown container": ("evidence-head+jws", {"container": "video/x-matroska"}),
    "unknown note": ("evidence-note+jws", {"note": "pause"}),
    "unknown cause": ("evidence-note+jws", {"cause": "dog"}),
    "text for a clock sample": ("evidence-head+jws", {"clock": "none"}),
    "clock sample with a field too many": ("evidence-head+jws", {"clock": SAMPLE | {"utc": 1}}),
    "clock sample without round trip": (
        "evidence-head+jws", {"clock": {name: SAMPLE[name] for name in ("server_ms", "mono_ms", "wall_ms")}},
    ),
    "round trip of more than ten minutes": ("evidence-head+jws", {"clock": SAMPLE | {"rtt_ms": 600_001}}),
    "65 characters of a client's name": ("evidence-claim+jws", {"client": "x" * 65}),
    "empty secret": ("evidence-claim+jws", {"secret": ""}),
    "private key in a claim": ("evidence-claim+jws", {"key": PHONE.private_jwk}),
    "key without y": (
        "evidence-claim+jws", {"key": {"kty": "EC", "crv": "P-256", "x": OTHER_PHONE.public_jwk["x"]}},
    ),
    "acknowledgement of 65 entries": ("evidence-ack+jws", {"entries": [HASH] * 65}),
    "acknowledged entry that is no hash": ("evidence-ack+jws", {"entries": [HASH, 7]}),
    "manifest version 0": ("evidence-manifest+jws", {"version": 0}),
    "manifest with a run of no entries": (
        "evidence-manifest+jws", {"runs": [{"run": 1, "entries": 0, "tip": HASH, "bytes": 0}]},
    ),
    "manifest with a run twice": (
        "evidence-manifest+jws", {"runs": [{"run": 1, "entries": 1, "tip": HASH, "bytes": 0}] * 2},
    ),
    "manifest whose runs are texts": ("evidence-manifest+jws", {"runs": ["1"]}),
}  # fmt: skip


def changed(typ: str, changes: Claims) -> Claims:
    """The example's claims with `changes`."""
    claims = EXAMPLES[typ][1] | changes
    return {name: value for name, value in claims.items() if value is not None}
