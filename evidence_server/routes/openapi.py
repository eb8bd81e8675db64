"""The OpenAPI 3.1 description, generated from the table of routes and their models."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from evidence_server.routes import models
from evidence_server.routes.api import MAX_WHOLE, Route
from evidence_server.routes.streams import streams
from pairing.errors import ERRORS

_REF = "#/components/schemas/{model}"
_WHOLE = {"type": "integer", "minimum": 0, "maximum": MAX_WHOLE}
_ALWAYS = ("malformed", "internal")
_WITH_BODY = ("too_large", "content_encoded", "wrong_media_type", "request_idle")


def describe(routes: Sequence[Route[Any]], base_url: str) -> dict[str, Any]:
    """The whole description as a JSON object."""
    shapes = {route.answer for route in routes} | {route.body for route in routes if route.body}
    _, definitions = models_json_schema(
        [(shape, "validation") for shape in sorted({*shapes, models.Refusal}, key=_name)],
        ref_template=_REF,
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    paths.update(streams())
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Evidence camera", "version": version("evidence-camera"),
            "summary": "Binds a phone to a sitting and says whether its recording is complete.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "backend": {"type": "http", "scheme": "bearer", "description": "The exam backend's key."},
                "page": {"type": "http", "scheme": "bearer", "description": "A sitting's page token."},
                "phone": {"type": "http", "scheme": "bearer", "description": "The bearer of a claim."},
            },
        },
    }


def _operation(route: Route[Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name, "summary": route.says,
        "responses": {"200": {"description": "Done.", "content": _json(route.answer.__name__)}},
    }
    parameters = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
        for part in route.path.split("/") if part.startswith("{")
    ]
    parameters += [
        {"name": name, "in": "query", "description": says, "schema": _WHOLE}
        for name, says in route.query.items()
    ]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        required = any(field.is_required() for field in route.body.model_fields.values())
        operation["requestBody"] = {"required": required, "content": _json(route.body.__name__)}
    if route.access != "open":
        allowed = ("backend", "page") if route.access == "page" else (route.access,)
        operation["security"] = [{name: []} for name in allowed]
    codes = {*_ALWAYS, *route.refusals}
    if route.body is not None:
        codes.update(_WITH_BODY)
    if route.access != "open":
        codes.add("unauthorised")
    by_status: dict[int, list[str]] = {}
    for code in sorted(codes):
        by_status.setdefault(ERRORS[code].status, []).append(code)
    for status, some in sorted(by_status.items()):
        operation["responses"][str(status)] = {"description": ", ".join(some), "content": _json("Refusal")}
    return operation


def _name(shape: type[BaseModel]) -> str:
    return shape.__name__


def _json(model: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(model=model)}}}
