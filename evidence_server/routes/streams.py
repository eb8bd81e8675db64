"""The description of the operations that do not answer JSON with JSON: files, pictures, events, uploads.

They are handled where they are mounted; the table of routes (`api`) has no place for such bodies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evidence_server.routes.probe import MAX_PROBE, PROBE
from evidence_server.routes.support import MAX_CARRY, REASON_HEADER
from evidence_server.upload import MEDIA_TYPE, TUS_VERSION
from pairing.errors import ERRORS
from pairing.messages import MAX_SEGMENT

TAG = "streams"
"""What these operations are tagged with."""
_TEXT: Mapping[str, Any] = {"type": "string"}


def streams() -> dict[str, dict[str, Any]]:
    """Paths and their operations."""
    one = "/v1/sittings/{sitting}"
    return {
        f"{one}/events": {"get": _operation(
            "followSitting", "The state now and after every change", ("backend", "page"), ("sitting",),
            {"200": _content("text/event-stream", "`event: state`, `data:` as of readSitting.")},
            ("sitting_unknown", "throttled"),
        )},
        f"{one}/qr.{{kind}}": {"get": _operation(
            "drawOffer", "The current link as a QR code", ("backend", "page"), ("sitting", "kind"),
            {"200": {"description": "The picture; `kind` is svg or png.", "content": {
                "image/svg+xml": {"schema": _TEXT}, "image/png": {"schema": _TEXT},
            }}},
            ("sitting_unknown", "wrong_stage"),
        )},
        f"{one}/anchor.svg": {"get": _operation(
            "drawAnchor", "The marker to show on the laptop's screen now", ("backend", "page"), ("sitting",),
            {"200": {
                "description": "The picture with its quiet zone. It changes every 30 s.",
                "headers": {
                    "Evidence-Next-Change": {"description": "When, in server milliseconds.", "schema": _TEXT},
                    "Refresh": {"description": "In how many whole seconds.", "schema": _TEXT},
                },
                "content": {"image/svg+xml": {"schema": _TEXT}},
            }},
            ("sitting_unknown",),
        )},
        f"{one}/pictures/{{picture}}": {"get": _operation(
            "readPicture", "A picture made of what was seen", ("backend", "page"), ("sitting", "picture"),
            {"200": _content("image/jpeg", "The picture that `strip` or `picture` names.")},
            ("sitting_unknown", "not_found"),
        )},
        "/v1/binding/pictures/{picture}": {"get": _operation(
            "readOwnPicture", "A picture made of what this phone recorded", ("phone",), ("picture",),
            {"200": _content("image/jpeg", "The picture that `strip` or `picture` names.")}, ("not_found",),
        )},
        f"{one}/bundle": {"get": _operation(
            "exportBundle", "The evidence, to be checked offline", ("backend",), ("sitting",),
            {"200": _content("application/zip", "The bundle as of now.")}, ("sitting_unknown",),
        )},
        f"{one}/carry": {"post": _operation(
            "acceptCarryFile", "Take in a file that was brought by hand", ("backend",), ("sitting",),
            {"200": {"description": "The sitting's state, and `stored`, `entries`, `left`, `manifest`."}},
            ("sitting_unknown", "malformed", "carry_invalid", "too_large", "request_idle", "storage_full",
             "chain_broken", "chain_forked", "claims_invalid", "signature_invalid", "binding_replaced"),
            headers=(_header(REASON_HEADER, "Why, in UTF-8 and percent-encoding: kept in the journal."),),
            body=_content("application/zip", f"A carry file of at most {MAX_CARRY} bytes."),
        )},
        PROBE: {"post": _operation(
            "probeNetwork", "Take bytes and forget them, to be timed by a phone", (), (),
            {"200": {"description": "`bytes`: how many came."}},
            ("content_encoded", "throttled", "too_large", "request_idle"),
            body=_content("application/octet-stream", f"At most {MAX_PROBE} bytes of anything."),
        )},
        "/uploads/{upload_id}": {
            "options": _operation(
                "readUploadRules", "What of tus is offered", (), ("upload_id",),
                {"204": {"description": "Tus-Version, Tus-Extension, Tus-Checksum-Algorithm."}}, (),
            ),
            "head": _operation(
                "readUpload", "How far an upload has come", (), ("upload_id",),
                {"200": {"description": "Upload-Offset, Upload-Length; Evidence-Receipt once stored."}},
                ("upload_unknown", "tus_version"), headers=(_tus(),),
            ),
            "patch": _operation(
                "uploadSegment", "Append to an upload", (), ("upload_id",),
                {"204": {"description": "Upload-Offset; Evidence-Receipt with the last byte."}},
                ("malformed", "upload_unknown", "tus_version", "wrong_media_type", "content_encoded",
                 "checksum_algorithm", "upload_offset", "upload_taken_over", "upload_idle", "upload_length",
                 "upload_hash", "storage_full", "busy"),
                headers=(_tus(), _header("Upload-Offset", "Where the body begins.")),
                body=_content(MEDIA_TYPE, f"At most {MAX_SEGMENT} bytes in all, of the head's sha256."),
            ),
        },
    }


def _operation(
    name: str, says: str, access: tuple[str, ...], path: tuple[str, ...], done: Mapping[str, Any],
    refusals: tuple[str, ...], *, headers: tuple[Mapping[str, Any], ...] = (),
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code in sorted({*refusals, "internal", *(("unauthorised",) if access else ())}):
        by_status.setdefault(ERRORS[code].status, []).append(code)
    operation: dict[str, Any] = {
        "operationId": name, "summary": says, "tags": [TAG],
        "parameters": [
            *({"name": part, "in": "path", "required": True, "schema": _TEXT} for part in path), *headers,
        ],
        "responses": {**done, **{
            str(status): {"description": ", ".join(codes), "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}},
            }}
            for status, codes in sorted(by_status.items())
        }},
    }
    if access:
        operation["security"] = [{who: []} for who in access]
    if body is not None:
        operation["requestBody"] = {"required": True, **body}
    return operation


def _content(media_type: str, says: str) -> dict[str, Any]:
    return {"description": says, "content": {media_type: {"schema": _TEXT}}}


def _header(name: str, says: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": True, "description": says, "schema": _TEXT}


def _tus() -> dict[str, Any]:
    return _header("Tus-Resumable", f"Always {TUS_VERSION}.")
