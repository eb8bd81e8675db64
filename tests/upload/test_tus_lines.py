"""Every line of tus 1.0.0 that has a MUST (protocol.md of tus/tus-resumable-upload-protocol, 82 lines), and
what shows that we keep it: the sentence of `test_tus_spec` that begins so, or why there is none."""

from __future__ import annotations

from tests.upload.test_tus_spec import MUSTS

WORDS = "explains the word itself"
CLIENT = "a MUST of clients"
CONCATENATION = "concatenation is not offered, and so not announced"

LINES: tuple[tuple[int, str, str], ...] = (
    (49, "key words", WORDS),
    (89, "all implement the core protocol", "PATCH MUST be acknowledged with 204"),
    (151, "Upload-Offset is a non-negative integer", "Upload-Offset: the value"),
    (156, "Upload-Length is a non-negative integer", "Upload-Length: the value"),
    (160, "Tus-Version is a list", "Tus-Version MUST be"),
    (161, "sorted by preference: ours has one entry", "Tus-Version MUST be"),
    (166, "Tus-Resumable in every response", "Tus-Resumable MUST be included"),
    (167, "its value", "Tus-Resumable MUST be included"),
    (171, "412 for another version", "an unsupported version"),
    (173, "which is not processed", "an unsupported version"),
    (177, "Tus-Extension is a list", "Tus-Extension MUST be a"),
    (179, "omitted without extensions", "Tus-Extension MUST be omitted"),
    (183, "Tus-Max-Size is a non-negative integer", "Tus-Max-Size MUST be"),
    (189, "X-HTTP-Method-Override is the method", "X-HTTP-Method-Override MUST"),
    (191, "the actual one is ignored", "X-HTTP-Method-Override MUST"),
    (198, "HEAD: Upload-Offset always", "HEAD MUST always include"),
    (200, "HEAD: Upload-Length if known", "HEAD: if the size"),
    (208, "HEAD: not cached", "HEAD MUST be kept out of caches"),
    (215, "PATCH: media type", "PATCH MUST use Content-Type"),
    (219, "PATCH: the current offset", "PATCH: if the offsets do not match"),
    (222, "PATCH: 409, nothing modified", "PATCH: if the offsets do not match"),
    (230, "PATCH: acknowledged", "PATCH MUST be acknowledged with 204"),
    (231, "by 204 with Upload-Offset", "PATCH MUST be acknowledged with 204"),
    (232, "the sum of before and received", "PATCH MUST be acknowledged with 204"),
    (249, "OPTIONS: Tus-Version", "OPTIONS: 204 or 200"),
    (253, "OPTIONS: Tus-Resumable ignored", "OPTIONS: 204 or 200"),
    (289, "creation announced", "Tus-Extension MUST be a"),
    (324, "Upload-Defer-Length is 1", "Creation MUST include Upload-Length or"),
    (325, "and omitted where nothing is deferred", "Deferred length: HEAD"),
    (329, "Upload-Metadata is pairs", "Upload-Metadata: pairs"),
    (330, "separated by a space", "Upload-Metadata: pairs"),
    (331, "keys without spaces, commas, not empty", "Upload-Metadata: pairs"),
    (332, "values Base64, keys unique", "Upload-Metadata: pairs"),
    (344, "POST to create", CLIENT),
    (345, "with a length or deferred", "Creation MUST include Upload-Length or"),
    (353, "the length in the next PATCH once known", CLIENT),
    (355, "a set length does not change", "Once set the length"),
    (356, "Upload-Defer-Length in HEAD", "Deferred length: HEAD"),
    (359, "creation-defer-length announced", "Tus-Extension MUST be a"),
    (369, "HEAD: Upload-Metadata as given", "Upload-Metadata: HEAD MUST"),
    (373, "413 beyond the maximum", "Creation beyond the maximum"),
    (376, "creation: 201", "Creation: 201 with Location"),
    (377, "creation: Location", "Creation: 201 with Location"),
    (380, "the upload by the core protocol", CLIENT),
    (387, "creation-with-upload announced", "Tus-Extension MUST be a"),
    (390, "not without creation", "Creation-with-upload MUST NOT be offered"),
    (395, "Content-Type of a body in POST", "Creation-with-upload MUST have"),
    (397, "Upload-Offset in the answer", "Creation-with-upload: MUST include"),
    (398, "that after the bytes taken", "Creation-with-upload: MUST include"),
    (438, "expiration announced", "Tus-Extension MUST be a"),
    (478, "Upload-Expires with PATCH", "Expiration: Upload-Expires"),
    (480, "and with POST", "Expiration: Upload-Expires"),
    (488, "as RFC 9110 writes dates", "Expiration: Upload-Expires"),
    (494, "checksum announced", "Tus-Extension MUST be a"),
    (498, "the chunk is verified", "Checksum: the uploaded chunk"),
    (505, "a wrong one is discarded", "Checksum: the uploaded chunk"),
    (506, "and the offset stays", "Checksum: the uploaded chunk"),
    (508, "at least SHA1", "Checksum: MUST support sha1"),
    (509, "named in ASCII", "Checksum: MUST support sha1"),
    (512, "Tus-Checksum-Algorithm with OPTIONS", "Checksum: MUST support sha1"),
    (516, "trailers only where announced", "Tus-Extension MUST be a"),
    (525, "a list of algorithms", "Checksum: MUST support sha1"),
    (531, "name and Base64 of the checksum", "Checksum: an algorithm that is not"),
    (578, "termination announced", "Tus-Extension MUST be a"),
    (586, "204, and then gone", "Termination: DELETE"),
    *((line, "concatenation", CONCATENATION) for line in (
        612, 620, 622, 623, 625, 627, 631, 643, 644, 648, 652, 654, 656, 663, 665, 666, 668,
    )),
)


def test_each_line_is_kept_or_has_a_reason() -> None:
    assert len({line for line, _, _ in LINES}) == len(LINES) == 82
    reasons = {WORDS, CLIENT, CONCATENATION}
    for line, gist, shown in LINES:
        if shown not in reasons:
            found = [sentence for sentence in MUSTS if sentence.startswith(shown)]
            assert len(found) == 1, (line, gist, found)


def test_each_sentence_that_is_tested_stands_there() -> None:
    """What else `test_tus_spec` tests are SHOULDs, or MUSTs that follow from two lines together."""
    beside = {
        "HEAD of what is not found", "PATCH of a non-existent resource", "Upload-Length 0: complete",
        "Checksum in a creation-with-upload",
    }
    known = {shown for _, _, shown in LINES} | beside
    assert [sentence for sentence in MUSTS if not any(sentence.startswith(shown) for shown in known)] == []
