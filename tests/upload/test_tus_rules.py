"""Properties of the pure rules: any state of an upload, any request."""

from __future__ import annotations

import base64
import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence_server.upload import (
    CHECKSUMS,
    MEDIA_TYPE,
    Announce,
    Append,
    Create,
    Decision,
    Extension,
    Rules,
    Show,
    Terminate,
    Upload,
    UploadRequest,
    announcement,
    decide,
    expired,
    is_whole,
    parse_metadata,
    progress,
    refusal_headers,
    shown,
)
from pairing.errors import ERRORS, PairingError

# How long an example takes says nothing here, and the machine may be busy.
at_leisure = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW_MS = 1_800_000_000_000
sizes = st.integers(0, 2**40)


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    offered = draw(st.frozensets(st.sampled_from(Extension)))
    if Extension.CREATION not in offered:
        offered -= {Extension.CREATION_WITH_UPLOAD, Extension.CREATION_DEFER_LENGTH}
    expiry = draw(st.integers(1, 10**9)) if Extension.EXPIRATION in offered else None
    return Rules(offered, draw(st.none() | sizes), expiry)


@st.composite
def uploads(draw: st.DrawFn) -> Upload:
    length = draw(st.none() | sizes)
    offset = draw(st.integers(0, 2**40 if length is None else length))
    return Upload(
        "u1",
        "s1",
        "n1",
        length,
        last_write_ms=NOW_MS - draw(st.integers(0, 2 * 10**9)),
        offset=offset,
        finished=offset == length,
        metadata=draw(st.sampled_from(["", "a", "a YQ=="])),
    )


characters = st.text(" ,=aYQ1!äé", max_size=20)
integers = sizes.map(str) | st.sampled_from(["", "-1", "1e3", "०", "1" * 16])
digests = st.sampled_from([f"{a} {base64.b64encode(bytes(n)).decode()}" for a, n in CHECKSUMS.items()])


@st.composite
def requests(draw: st.DrawFn, upload: Upload | None = None) -> UploadRequest:
    offsets = integers if upload is None else st.just(str(upload.offset)) | integers
    possible = {
        "tus-resumable": st.just("1.0.0") | st.sampled_from(["0.2.2", ""]),
        "upload-offset": offsets,
        "upload-length": integers,
        "upload-defer-length": st.sampled_from(["1", "0", ""]),
        "upload-metadata": st.sampled_from(["a YQ==", "a", "a a", ""]) | characters,
        "upload-checksum": digests | st.sampled_from(["md5 AAAA", "sha1 ä", "sha1", ""]) | characters,
        "content-type": st.just(MEDIA_TYPE) | st.sampled_from(["text/plain", ""]),
        "content-length": integers,
        "transfer-encoding": st.just("chunked"),
        "content-encoding": st.sampled_from(["identity", "gzip"]),
        "x-http-method-override": st.sampled_from(["PATCH", "DELETE", "BREW"]),
    }
    likely = {"tus-resumable": "1.0.0", "content-type": MEDIA_TYPE}
    said = draw(st.fixed_dictionaries({}, optional=possible))
    method = draw(st.sampled_from(["OPTIONS", "HEAD", "PATCH", "POST", "DELETE", "GET", "PUT"]))
    return UploadRequest(method, said if draw(st.booleans()) else {**said, **likely})


def outcome(rules: Rules, request: UploadRequest, upload: Upload | None) -> Decision | PairingError:
    try:
        return decide(rules, request, upload, NOW_MS)
    except PairingError as refusal:
        return refusal


@at_leisure
@given(st.data(), rules(), st.none() | uploads())
def test_every_request_gets_a_decision_or_a_refusal_from_the_table(
    data: st.DataObject, rules: Rules, upload: Upload | None
) -> None:
    request = data.draw(requests(upload))
    method = request.effective_method
    decision = outcome(rules, request, upload)
    if isinstance(decision, PairingError):
        assert decision.code in ERRORS
        assert 400 <= decision.row.status < 500
        headers = refusal_headers(rules, decision, upload)
        assert headers["Tus-Resumable"] == "1.0.0"
        if decision.code == "upload_offset":
            assert upload is not None
            assert headers["Upload-Offset"] == str(upload.offset)
        return
    if method != "OPTIONS":
        assert request.headers["tus-resumable"] == "1.0.0"
        assert request.headers.get("content-encoding") != "gzip"
    if isinstance(decision, Announce):
        assert method == "OPTIONS"
    elif isinstance(decision, Create):
        assert upload is None
        assert method == "POST"
        assert decision.length is None or rules.max_bytes is None or decision.length <= rules.max_bytes
    else:
        assert upload is not None
        assert not expired(rules, upload, NOW_MS)
        assert method == {Show: "HEAD", Terminate: "DELETE", Append: "PATCH"}[type(decision)]
    if isinstance(decision, Append) and upload is not None:
        assert request.headers["upload-offset"] == str(upload.offset)
        length = upload.length if decision.new_length is None else decision.new_length
        assert length is None or (decision.limit is not None and upload.offset + decision.limit == length)


@at_leisure
@given(st.data(), rules(), uploads())
def test_a_wrong_offset_is_always_a_conflict_that_tells_the_right_one(
    data: st.DataObject, rules: Rules, upload: Upload
) -> None:
    rules = dataclasses.replace(
        rules, extensions=rules.extensions - {Extension.EXPIRATION}, expire_after_ms=None
    )
    wrong = data.draw(sizes.filter(lambda offset: offset != upload.offset))
    headers = {"tus-resumable": "1.0.0", "content-type": MEDIA_TYPE, "upload-offset": str(wrong)}
    with pytest.raises(PairingError) as caught:
        decide(rules, UploadRequest("PATCH", headers), upload, NOW_MS)
    assert (caught.value.code, caught.value.extra["offset"]) == ("upload_offset", upload.offset)


@at_leisure
@given(uploads().filter(lambda upload: upload.length is not None), st.lists(st.integers(0, 2**38)))
def test_patches_of_any_sizes_end_exactly_at_the_length(upload: Upload, pieces: list[int]) -> None:
    rules = Rules(frozenset())
    for piece in [*pieces, 2**40]:
        headers = {"tus-resumable": "1.0.0", "content-type": MEDIA_TYPE, "upload-offset": str(upload.offset)}
        decision = decide(rules, UploadRequest("PATCH", headers), upload, NOW_MS)
        assert isinstance(decision, Append)
        assert decision.limit is not None
        taken = min(piece, decision.limit)
        upload = dataclasses.replace(upload, offset=upload.offset + taken)
    assert is_whole(upload)
    assert upload.offset == upload.length


@at_leisure
@given(rules(), uploads())
def test_head_tells_where_the_upload_stands(rules: Rules, upload: Upload) -> None:
    headers = shown(rules, upload)
    assert headers["Upload-Offset"] == str(upload.offset)
    assert ("Upload-Length" in headers) == (upload.length is not None)
    assert ("Upload-Defer-Length" in headers) == (upload.length is None)
    assert ("Upload-Metadata" in headers) == bool(upload.metadata)
    assert ("Upload-Expires" in headers) == (rules.expire_after_ms is not None and not upload.finished)
    assert progress(rules, upload).items() <= headers.items()


@at_leisure
@given(rules())
def test_only_what_is_offered_is_announced(rules: Rules) -> None:
    said = announcement(rules).get("Tus-Extension", "")
    assert {Extension(name) for name in said.split(",") if name} == rules.extensions


def test_expiry_is_counted_from_the_last_write_and_never_ends_what_is_finished() -> None:
    rules = Rules(frozenset({Extension.EXPIRATION}), expire_after_ms=1000)
    upload = Upload("u1", "s1", "n1", 5, last_write_ms=NOW_MS, offset=3)
    assert not expired(rules, upload, NOW_MS + 999)
    assert expired(rules, upload, NOW_MS + 1000)
    assert not expired(rules, dataclasses.replace(upload, last_write_ms=NOW_MS + 1), NOW_MS + 1000)
    assert not expired(rules, dataclasses.replace(upload, finished=True), NOW_MS + 1000)
    with pytest.raises(PairingError, match="upload_gone"):
        decide(rules, UploadRequest("HEAD", {"tus-resumable": "1.0.0"}), upload, NOW_MS + 1000)


@at_leisure
@given(st.dictionaries(st.text("abc_-.", min_size=1), st.binary(max_size=20), min_size=1, max_size=5))
def test_metadata_is_read_as_it_is_written(pairs: dict[str, bytes]) -> None:
    text = ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in pairs.items())
    assert parse_metadata(text) == pairs


@pytest.mark.parametrize(
    "wrong",
    [
        {"extensions": frozenset({Extension.CREATION_WITH_UPLOAD})},
        {"extensions": frozenset({Extension.EXPIRATION})},
        {"extensions": frozenset(), "expire_after_ms": 1},
    ],
)
def test_rules_that_would_announce_what_is_not_true(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"creation|expir"):
        Rules(**wrong)  # type: ignore[arg-type]
