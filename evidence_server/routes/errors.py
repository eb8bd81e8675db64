"""How a refusal looks as an HTTP answer, the same for every route."""

from __future__ import annotations

import errno
import json
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from pairing.errors import PairingError

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_REASONS = {460: "Checksum Mismatch"}
_FROM_ROUTER = {
    400: "malformed", 403: "not_found", 404: "not_found", 405: "method_not_allowed", 413: "too_large",
    415: "wrong_media_type",
}


def error_response(refusal: PairingError) -> web.Response:
    """The refusal as JSON: {"error", "says", "do", "detail", ...extra}.

    `says` and `do` are sentences by language, from the table in `pairing.errors`.  The extra
    `retry_after_s` is sent as Retry-After too.
    """
    row = refusal.row
    answer = {
        **refusal.extra,
        "error": refusal.code,
        "says": dict(row.says),
        "do": dict(row.do),
        "detail": refusal.detail,
    }
    response = web.Response(
        # `detail` may quote a header that was no UTF-8: what cannot be encoded becomes a JSON escape.
        body=json.dumps(answer, ensure_ascii=False).encode(errors="backslashreplace"),
        content_type="application/json",
        charset="utf-8",
        status=row.status,
        reason=_REASONS.get(row.status),
    )
    response.headers["Cache-Control"] = "no-store"
    if "retry_after_s" in refusal.extra:
        response.headers["Retry-After"] = str(refusal.extra["retry_after_s"])
    return response


def unexpected(request: web.Request, error: Exception) -> web.Response:
    """The answer to a fault of ours: logged whole, told without details."""
    log.error("request_failed", method=request.method, route=_route_name(request), exc_info=error)
    return error_response(PairingError("internal"))


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn PairingError, the router's own refusals and unexpected exceptions into `error_response`s."""
    try:
        return await handler(request)
    except PairingError as refusal:
        return error_response(refusal)
    except web.HTTPException as error:
        code = _FROM_ROUTER.get(error.status)
        if code is None:
            raise
        response = error_response(PairingError(code))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except ConnectionError:
        raise  # the peer is gone: nobody to answer, nothing of ours failed
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            return error_response(PairingError("not_found"))  # a path that no file of the pages can have
        return unexpected(request, error)


def _route_name(request: web.Request) -> str:
    """The pattern of the route: the path itself may hold secrets, such as an upload's address."""
    resource = request.match_info.route.resource
    return "unknown" if resource is None else resource.canonical
