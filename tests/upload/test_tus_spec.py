"""What tus 1.0.0 says a server MUST do, sentence by sentence, against the real server.

Sentences about clients, and about concatenation, which is not offered, have no row.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from evidence_server.upload import Extension, Rules, announcement
from tests.upload.conftest import RULES, Serve
from tests.upload.raw_http import BODY, TUS, Address

Check = Callable[[Address], Awaitable[None]]
MUSTS: dict[str, Check] = {}


def must(sentence: str) -> Callable[[Check], Check]:
    def note(check: Check) -> Check:
        assert sentence not in MUSTS
        MUSTS[sentence] = check
        return check

    return note


def checksum(content: bytes, algorithm: str = "sha1") -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


@must("Upload-Offset: the value MUST be a non-negative integer")
async def _(bare: Address) -> None:
    path = await bare.create(5)
    for wrong in ("-1", "+0", "0x0", "1.0", "", "٠", "9" * 30):
        answer = await bare.ask("PATCH", path, {**BODY, "Upload-Offset": wrong}, b"hello")
        assert answer.status == 400, wrong
    assert (await bare.ask("PATCH", path, BODY, b"hello")).status == 400
    assert (await bare.head(path)).headers["upload-offset"] == "0"


@must("Upload-Length: the value MUST be a non-negative integer")
async def _(bare: Address) -> None:
    for wrong in ("-1", "1.0", "", "one"):
        assert (await bare.ask("POST", "/files/", {**TUS, "Upload-Length": wrong}, b"")).status == 400, wrong
    path = await bare.create(5)
    assert (await bare.head(path)).headers["upload-length"] == "5"


@must("Tus-Version MUST be a comma-separated list of protocol versions supported by the Server")
async def _(bare: Address) -> None:
    assert (await bare.ask("OPTIONS", "/files/", {})).headers["tus-version"] == "1.0.0"


@must("Tus-Resumable MUST be included in every response except for OPTIONS responses")
async def _(bare: Address) -> None:
    path = await bare.create(5)
    answers = [
        await bare.head(path),
        await bare.head("/files/unknown"),
        await bare.ask("HEAD", path, {}),
        await bare.patch(path, 1, b"x"),
        await bare.patch(path, 0, b"hello"),
        await bare.patch(path, 0, b"much too long"),
        await bare.ask("POST", "/files/", {**TUS, "Upload-Length": "5"}, b""),
        await bare.ask("POST", "/files/", TUS, b""),
        await bare.ask("PUT", path, TUS, b""),
        await bare.ask("DELETE", path),
    ]
    assert [a.headers.get("tus-resumable") for a in answers] == ["1.0.0"] * len(answers)


@must("an unsupported version: 412 with Tus-Version, and the Server MUST NOT process the request")
async def _(bare: Address) -> None:
    path = await bare.create(5)
    for version in ({"Tus-Resumable": "0.2.2"}, {"Tus-Resumable": "2.0.0"}, {}):
        plain = {k: v for k, v in BODY.items() if k != "Tus-Resumable"}
        for method, where in (("PATCH", path), ("DELETE", path), ("HEAD", path), ("POST", "/files/")):
            headers = {**plain, **version, "Upload-Offset": "0", "Upload-Length": "5"}
            answer = await bare.ask(method, where, headers, b"" if method == "HEAD" else b"hello")
            assert (answer.status, answer.headers["tus-version"]) == (412, "1.0.0")
    assert (await bare.head(path)).offset == 0


@must("Tus-Extension MUST be a comma-separated list of the extensions supported by the Server")
async def _(bare: Address) -> None:
    answer = await bare.ask("OPTIONS", "/files/", {})
    assert set(answer.headers["tus-extension"].split(",")) == {e.value for e in Extension}


@must("Tus-Extension MUST be omitted where no extensions are supported")
async def _(bare: Address) -> None:
    """Whoever offers none cannot create either: such a server is the product, on a head's address."""
    assert "Tus-Extension" not in announcement(Rules(frozenset()))
    answer = await bare.ask("OPTIONS", "/files/", {})
    assert "checksum-trailer" not in answer.headers["tus-extension"]
    assert "concatenation" not in answer.headers["tus-extension"]


@must("Tus-Max-Size MUST be a non-negative integer indicating the maximum allowed size of an upload")
async def _(bare: Address) -> None:
    largest = int((await bare.ask("OPTIONS", "/files/", {})).headers["tus-max-size"])
    assert largest == RULES.max_bytes
    await bare.create(largest)


@must("X-HTTP-Method-Override MUST be interpreted as the request's method; the actual MUST be ignored")
async def _(bare: Address) -> None:
    path = await bare.create(5)
    for actual in ("POST", "GET", "PUT", "DELETE"):
        override = {**BODY, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
        answer = await bare.ask(actual, path, override, b"")
        assert (answer.status, answer.offset) == (204, 0), actual
    gone = await bare.ask("POST", path, {**TUS, "X-HTTP-Method-Override": "DELETE"}, b"")
    assert gone.status == 204
    assert (await bare.head(path)).status == 404


@must("HEAD MUST always include Upload-Offset, even if 0 or the upload is completed")
async def _(bare: Address) -> None:
    path = await bare.create(5)
    assert (await bare.head(path)).headers["upload-offset"] == "0"
    await bare.patch(path, 0, b"hel")
    assert (await bare.head(path)).headers["upload-offset"] == "3"
    await bare.patch(path, 3, b"lo")
    assert (await bare.head(path)).headers["upload-offset"] == "5"


@must("HEAD: if the size of the upload is known, the Server MUST include Upload-Length")
async def _(bare: Address) -> None:
    path = await bare.create(5)
    assert (await bare.head(path)).headers["upload-length"] == "5"
    await bare.patch(path, 0, b"hello")
    assert (await bare.head(path)).headers["upload-length"] == "5"


@must("HEAD of what is not found: 404, 410 or 403 without Upload-Offset")
async def _(bare: Address) -> None:
    answer = await bare.head("/files/unknown")
    assert answer.status == 404
    assert "upload-offset" not in answer.headers


@must("HEAD MUST be kept out of caches by Cache-Control: no-store")
async def _(bare: Address) -> None:
    assert (await bare.head(await bare.create(5))).headers["cache-control"] == "no-store"
    assert (await bare.head("/files/unknown")).headers["cache-control"] == "no-store"


@must("PATCH MUST use Content-Type: application/offset+octet-stream, otherwise 415")
async def _(bare: Address) -> None:
    path = await bare.create(5)
    for wrong in ("application/octet-stream", "text/plain", ""):
        headers = {**BODY, "Upload-Offset": "0", "Content-Type": wrong}
        assert (await bare.ask("PATCH", path, headers, b"hello")).status == 415
    assert (await bare.head(path)).offset == 0


@must("PATCH: if the offsets do not match, 409 without modifying the upload resource")
async def _(bare: Address) -> None:
    path = await bare.create(5)
    await bare.patch(path, 0, b"hel")
    for offset in (0, 2, 4, 5, 1000):
        answer = await bare.patch(path, offset, b"XX")
        assert (answer.status, answer.offset) == (409, 3)
    await bare.patch(path, 3, b"lo")
    assert (await bare.ask("GET", path)).body == b"hello"


@must("PATCH MUST be acknowledged with 204 and Upload-Offset: the old offset plus the bytes stored")
async def _(bare: Address) -> None:
    path = await bare.create(7)
    for offset, piece in ((0, b"abc"), (3, b""), (3, b"d"), (4, b"efg")):
        answer = await bare.patch(path, offset, piece)
        assert (answer.status, answer.offset, answer.body) == (204, offset + len(piece), b"")
    assert (await bare.ask("GET", path)).body == b"abcdefg"


@must("PATCH of a non-existent resource SHOULD return 404")
async def _(bare: Address) -> None:
    assert (await bare.patch("/files/unknown", 0, b"x")).status == 404


@must("OPTIONS: 204 or 200, MUST contain Tus-Version, and MUST ignore Tus-Resumable")
async def _(bare: Address) -> None:
    path = await bare.create(5)
    for where in ("/files", "/files/", path, "/files/unknown"):
        for headers in ({}, {"Tus-Resumable": "0.0.1"}):
            answer = await bare.ask("OPTIONS", where, headers)
            assert (answer.status, answer.headers["tus-version"]) == (204, "1.0.0")


@must("Creation: 201 with Location, absolute or relative, at both spellings of the address")
async def _(bare: Address) -> None:
    for where in ("/files", "/files/"):
        answer = await bare.ask("POST", where, {**TUS, "Upload-Length": "5"}, b"")
        assert answer.status == 201
        assert (await bare.head(answer.headers["location"])).offset == 0


@must("Creation MUST include Upload-Length or Upload-Defer-Length, whose value MUST be 1")
async def _(bare: Address) -> None:
    for wrong in (
        {},
        {"Upload-Defer-Length": "2"},
        {"Upload-Defer-Length": "0"},
        {"Upload-Defer-Length": "1", "Upload-Length": "5"},
    ):
        assert (await bare.ask("POST", "/files/", {**TUS, **wrong}, b"")).status == 400


@must("Upload-Metadata: pairs of a unique non-empty key and a Base64 value, which may be empty")
async def _(bare: Address) -> None:
    for wrong in ("a !", "a YQ==,a YQ==", ",", "a YQ==,", "a YQ", "a YQ== x"):
        headers = {**TUS, "Upload-Length": "5", "Upload-Metadata": wrong}
        assert (await bare.ask("POST", "/files/", headers, b"")).status == 400, wrong


@must("Upload-Metadata: HEAD MUST include it as specified by the Client during the creation")
async def _(bare: Address) -> None:
    said = "filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential,empty "
    path = await bare.create(5, **{"Upload-Metadata": said.strip()})
    assert (await bare.head(path)).headers["upload-metadata"] == said.strip()
    await bare.patch(path, 0, b"hello")
    assert (await bare.head(path)).headers["upload-metadata"] == said.strip()


@must("Deferred length: HEAD MUST set Upload-Defer-Length: 1 as long as the length is not known")
async def _(bare: Address) -> None:
    answer = await bare.ask("POST", "/files/", {**TUS, "Upload-Defer-Length": "1"}, b"")
    path = answer.headers["location"]
    await bare.patch(path, 0, b"hel")
    answer = await bare.head(path)
    assert (answer.headers["upload-defer-length"], answer.offset) == ("1", 3)
    assert "upload-length" not in answer.headers
    answer = await bare.patch(path, 3, b"lo", **{"Upload-Length": "5"})
    assert (answer.status, answer.offset) == (204, 5)
    answer = await bare.head(path)
    assert answer.headers["upload-length"] == "5"
    assert "upload-defer-length" not in answer.headers
    assert (await bare.ask("GET", path)).body == b"hello"


@must("Once set the length MUST NOT be changed")
async def _(bare: Address) -> None:
    path = await bare.create(5)
    assert (await bare.patch(path, 0, b"hel", **{"Upload-Length": "6"})).status == 400
    assert (await bare.patch(path, 0, b"hel", **{"Upload-Length": "5"})).status == 204
    answer = await bare.head(path)
    assert (answer.headers["upload-length"], answer.offset) == ("5", 3)
    answer = await bare.ask("POST", "/files/", {**TUS, "Upload-Defer-Length": "1"}, b"")
    deferred = answer.headers["location"]
    await bare.patch(deferred, 0, b"hel")
    assert (await bare.patch(deferred, 3, b"", **{"Upload-Length": "2"})).status == 400
    assert (await bare.patch(deferred, 3, b"", **{"Upload-Length": "9"})).status == 204
    assert (await bare.patch(deferred, 3, b"", **{"Upload-Length": "8"})).status == 400


@must("Upload-Length 0: complete after its creation without PATCH")
async def _(bare: Address) -> None:
    path = await bare.create(0)
    answer = await bare.head(path)
    assert (answer.offset, answer.headers["upload-length"]) == (0, "0")
    answer = await bare.ask("GET", path)
    assert (answer.status, answer.body) == (200, b"")


@must("Creation beyond the maximum MUST be refused with 413")
async def _(bare: Address) -> None:
    too_much = str((RULES.max_bytes or 0) + 1)
    assert (await bare.ask("POST", "/files/", {**TUS, "Upload-Length": too_much}, b"")).status == 413


@must("Creation-with-upload: MUST include Upload-Offset of the upload after the accepted bytes")
async def _(bare: Address) -> None:
    answer = await bare.ask("POST", "/files/", {**BODY, "Upload-Length": "11"}, b"hello")
    assert (answer.status, answer.offset) == (201, 5)
    path = answer.headers["location"]
    assert (await bare.head(path)).offset == 5
    assert (await bare.patch(path, 5, b" world")).offset == 11
    answer = await bare.ask("POST", "/files/", {**BODY, "Upload-Length": "5"}, b"hello")
    assert (answer.status, answer.offset) == (201, 5)
    assert (await bare.ask("GET", answer.headers["location"])).body == b"hello"


@must("Creation-with-upload MUST NOT be offered without creation")
async def _(bare: Address) -> None:
    for alone in (Extension.CREATION_WITH_UPLOAD, Extension.CREATION_DEFER_LENGTH):
        with pytest.raises(ValueError, match="need creation"):
            Rules(frozenset({alone}))
    offered = (await bare.ask("OPTIONS", "/files/", {})).headers["tus-extension"].split(",")
    assert {"creation", "creation-with-upload"} <= set(offered)


@must("Creation-with-upload MUST have Content-Type: application/offset+octet-stream")
async def _(bare: Address) -> None:
    headers = {**TUS, "Upload-Length": "5", "Content-Type": "text/plain"}
    assert (await bare.ask("POST", "/files/", headers, b"hello")).status == 415
    assert (await bare.ask("POST", "/files/", {**BODY, "Upload-Length": "4"}, b"hello")).status == 413


@must("Expiration: Upload-Expires MUST be in every PATCH response and the POST response, in RFC 9110 form")
async def _(bare: Address) -> None:
    answer = await bare.ask("POST", "/files/", {**TUS, "Upload-Length": "5"}, b"")
    path = answer.headers["location"]
    for expiring in (answer, await bare.patch(path, 0, b"he"), await bare.patch(path, 0, b"he")):
        said = expiring.headers["upload-expires"]
        assert said.endswith(" GMT")
        parsedate_to_datetime(said)
    assert "upload-expires" not in (await bare.patch(path, 2, b"llo")).headers


@must("Checksum: the uploaded chunk MUST be verified; on mismatch 460, discarded, offset not updated")
async def _(bare: Address) -> None:
    path = await bare.create(11)
    for algorithm in ("sha1", "sha256", "sha512"):
        wrong = {"Upload-Checksum": checksum(b"hullo", algorithm)}
        assert (await bare.patch(path, 0, b"hello", **wrong)).status == 460
        assert (await bare.head(path)).offset == 0
    assert (await bare.patch(path, 0, b"hello", **{"Upload-Checksum": checksum(b"hello")})).status == 204
    assert (await bare.patch(path, 5, b"WORLD!", **{"Upload-Checksum": checksum(b" world")})).status == 460
    assert (await bare.patch(path, 5, b" world", **{"Upload-Checksum": checksum(b" world")})).status == 204
    assert (await bare.ask("GET", path)).body == b"hello world"


@must("Checksum in a creation-with-upload is verified too, and nothing is left behind")
async def _(bare: Address) -> None:
    wrong = {**BODY, "Upload-Length": "5", "Upload-Checksum": checksum(b"hullo")}
    answer = await bare.ask("POST", "/files/", wrong, b"hello")
    assert answer.status == 460
    assert "location" not in answer.headers
    right = {**wrong, "Upload-Checksum": checksum(b"hello")}
    assert (await bare.ask("POST", "/files/", right, b"hello")).status == 201


@must("Checksum: an algorithm that is not supported is 400, the chunk discarded")
async def _(bare: Address) -> None:
    path = await bare.create(5)
    for wrong in ("crc32 AAAAAA==", "SHA1 qvTGHdzF6KLavt4PO0gs2a6pQ00=", "sha1", "sha1 !!", "sha1 AAAA"):
        assert (await bare.patch(path, 0, b"hello", **{"Upload-Checksum": wrong})).status == 400, wrong
    assert (await bare.head(path)).offset == 0


@must("Checksum: MUST support sha1, and Tus-Checksum-Algorithm MUST be in the response to OPTIONS")
async def _(bare: Address) -> None:
    answer = await bare.ask("OPTIONS", "/files/", {})
    announced = answer.headers["tus-checksum-algorithm"].split(",")
    assert announced[0] == "sha1"
    for algorithm in announced:
        path = await bare.create(5)
        said = {"Upload-Checksum": checksum(b"hello", algorithm)}
        assert (await bare.patch(path, 0, b"hello", **said)).status == 204


@must("Termination: DELETE of an existing upload MUST be answered with 204; later requests with 404 or 410")
async def _(bare: Address) -> None:
    unfinished, finished = await bare.create(5), await bare.create(5)
    await bare.patch(unfinished, 0, b"hel")
    await bare.patch(finished, 0, b"hello")
    for path in (unfinished, finished):
        assert (await bare.ask("DELETE", path)).status == 204
        later = [await bare.head(path), await bare.patch(path, 3, b"lo"), await bare.ask("GET", path)]
        assert [a.status for a in [*later, await bare.ask("DELETE", path)]] == [404] * 4


@pytest.mark.parametrize("sentence", MUSTS)
async def test_must(bare: Address, sentence: str) -> None:
    await MUSTS[sentence](bare)


async def test_without_extensions_nothing_is_announced(tmp_path: Path, serve: Serve) -> None:
    async with serve(tmp_path, rules=Rules(frozenset({Extension.CREATION}))) as bare:
        answer = await bare.ask("OPTIONS", "/files/", {})
        assert answer.headers["tus-extension"] == "creation"
        assert {"tus-max-size", "tus-checksum-algorithm"}.isdisjoint(answer.headers)
        path = await bare.create(5)
        assert "upload-expires" not in (await bare.patch(path, 0, b"he")).headers
        assert (await bare.ask("DELETE", path)).status == 405
        assert (await bare.ask("POST", "/files/", {**TUS, "Upload-Defer-Length": "1"}, b"")).status == 400
        assert (await bare.ask("POST", "/files/", {**BODY, "Upload-Length": "5"}, b"hello")).status == 400


async def test_a_compressed_body_is_refused(bare: Address) -> None:
    path = await bare.create(5)
    assert (await bare.patch(path, 0, b"hello", **{"Content-Encoding": "gzip"})).status == 415
    assert (await bare.head(path)).offset == 0


async def test_a_body_longer_than_the_length_is_refused_and_nothing_kept(bare: Address) -> None:
    path = await bare.create(5)
    await bare.patch(path, 0, b"hel")
    answer = await bare.patch(path, 3, b"lo!")
    assert answer.status == 413
    assert (await bare.head(path)).offset == 3


async def test_a_repeated_last_patch_without_bytes_is_answered_alike(bare: Address) -> None:
    path = await bare.create(5)
    await bare.patch(path, 0, b"hello")
    answer = await bare.patch(path, 5, b"")
    assert (answer.status, answer.offset) == (204, 5)
    assert (await bare.patch(path, 5, b"!")).status == 413


async def test_a_refusal_is_json_in_both_languages(bare: Address) -> None:
    answer = await bare.ask("GET", "/files/unknown", {})
    assert answer.headers["content-type"].startswith("application/json")
    assert "没有这个上传地址".encode() in answer.body
    nowhere = await bare.ask("GET", "/nowhere", {})
    assert (nowhere.status, b"not_found" in nowhere.body) == (404, True)


async def test_a_download_keeps_its_name_and_cannot_be_a_page(bare: Address) -> None:
    name = base64.b64encode('证据 "1".html'.encode()).decode()
    path = await bare.create(5, **{"Upload-Metadata": f"filename {name},filetype dGV4dC9odG1s"})
    assert (await bare.ask("GET", path)).status == 409
    await bare.patch(path, 0, b"hello")
    answer = await bare.ask("GET", path)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=utf-8''%E8%AF%81")


async def test_browsers_of_another_origin_may_read_the_tus_headers(bare: Address) -> None:
    preflight = await bare.ask("OPTIONS", "/files/", {"Origin": "https://elsewhere.example"})
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    assert "Upload-Offset" in preflight.headers["access-control-allow-headers"]
    answer = await bare.head(await bare.create(5))
    assert "Upload-Offset" in answer.headers["access-control-expose-headers"]
    assert answer.headers["access-control-allow-origin"] == "*"
