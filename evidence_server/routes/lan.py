"""What a phone opens first at a try-out: how to trust this machine's certificate, and the certificate."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template

from aiohttp import web

from evidence_server.lan import LocalAuthority
from evidence_server.routes.errors import refusals
from evidence_server.routes.page_files import PageFiles

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def trust_page(authority: LocalAuthority, app_url: str) -> web.Application:
    """An application of its own, for plain HTTP: the page, its style, and `/authority.crt`.

    `app_url` is where the phone goes on."""
    folder = Path(str(files("evidence_server") / "page"))
    template = Template((folder / "trust.html").read_text(encoding="utf-8"))
    text = template.substitute(app_url=app_url, fingerprint=authority.fingerprint)

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html", headers=_HEADERS)

    async def certificate(_request: web.Request) -> web.Response:
        headers = {**_HEADERS, "Content-Disposition": 'attachment; filename="evidence-camera.crt"'}
        return web.Response(
            body=authority.certificate, content_type="application/x-x509-ca-cert", headers=headers
        )

    app = web.Application(middlewares=[refusals])
    app.router.add_get("/", page)
    app.router.add_get("/authority.crt", certificate)
    PageFiles(folder, "/laptop/", _HEADERS).mount(app)
    return app
