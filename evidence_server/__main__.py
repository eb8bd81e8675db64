"""The server's command line: `python -m evidence_server COMMAND --help`.

`serve`, `tus` and `check` work on a data folder; `sitting`, `confirm`, `refuse`, `end`, `publish`, `state`
and `export` are HTTP clients of a running server (its key is read from the data folder); `verify`
needs neither.  Exit codes: 0 complete or fine, 1 incomplete or late, 2 usage, 3 cannot be verified.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import structlog
import typer
from pydantic import ValidationError
from rich.console import Console

from evidence_server.app import serve as run_server
from evidence_server.bare_tus import serve_tus
from evidence_server.check import check_folder
from evidence_server.proof import Proof, prove
from evidence_server.remeasure import measure_again
from evidence_server.remote import Remote, RemoteError
from evidence_server.settings import DEFAULT_PORT, Settings
from pairing.errors import PairingError

INCOMPLETE, USAGE, UNVERIFIED = 1, 2, 3

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="The evidence server. 佐证服务器。",
)

Folder = Annotated[Path, typer.Option("--data", help="The data folder.", envvar="EVIDENCE_DATA")]
Port = Annotated[int, typer.Option("--port", help="The server's port.", envvar="EVIDENCE_PORT")]
Host = Annotated[str, typer.Option("--host", help="The server's address.", envvar="EVIDENCE_HOST")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
SittingId = Annotated[str, typer.Argument(metavar="SITTING", help="The sitting's id.")]

_DATA = Path("evidence-data")
_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def _fail(text: str, code: int) -> NoReturn:
    _err.print(text, style="red", markup=False)
    raise typer.Exit(code)


def _refused(error: PairingError) -> NoReturn:
    row = error.row
    _fail(f"{row.says['zh-CN']}{row.do['zh-CN']}\n{row.says['en']} {row.do['en']} ({error})", USAGE)


def _log_to_stderr(level: str) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars, structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


@contextmanager
def _starting() -> Iterator[None]:
    """What keeps a server from starting (a setting, the port, the folder), as a sentence."""
    says = "服务器无法启动。The server cannot start:"
    try:
        yield
    except PairingError as error:
        _refused(error)
    except ValidationError as error:
        wrong = (f"EVIDENCE_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors())
        _fail("\n".join((says, *wrong)), USAGE)
    except OSError as error:
        _fail(f"{says} {error}", USAGE)


@app.command()
def serve(
    data: Folder = _DATA,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    public_url: Annotated[str, typer.Option(help="The address that phones and laptops use.")] = "",
) -> None:
    """Serve until SIGTERM; everything else can be set as EVIDENCE_… (see the README)."""
    flags: dict[str, Any] = {"data": data, "port": port, "host": host}
    with _starting():
        settings = Settings(**flags | ({"public_url": public_url} if public_url else {}))
        _log_to_stderr(settings.log_level)
        asyncio.run(run_server(settings, lambda url: _out.print(f"serving at {url}")))


@app.command()
def tus(data: Folder = _DATA, port: Port = DEFAULT_PORT, host: Host = "127.0.0.1") -> None:
    """Serve bare tus 1.0 at /files/ until SIGTERM, for interoperability tests and benchmarks.

    Nobody is asked who they are: never to be reached from outside.
    """
    _log_to_stderr("info")
    with _starting():
        asyncio.run(serve_tus(data, host, port))


def _remote(data: Path, host: str, port: int) -> Remote:
    try:
        return Remote.of_folder(data, f"http://{host}:{port}")
    except OSError:
        _fail(f"There is no key in {data / 'keys'}: name the server's data folder with --data.", USAGE)


def _call(remote: Remote, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    try:
        return remote.call(method, path, body)
    except RemoteError as error:
        _fail(str(error), USAGE)


@app.command()
def sitting(
    data: Folder = _DATA,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    sitting_id: Annotated[str, typer.Option("--id", help="Opaque id; default: a random one.")] = "",
    exam: Annotated[str, typer.Option(help="The exam project, as the laptop page shows it.")] = "",
    start: Annotated[int | None, typer.Option(help="Start, ms since 1970; default: first confirm.")] = None,
    end: Annotated[int | None, typer.Option(help="End, ms since 1970; default: 4 h after the start.")] = None,
    policy: Annotated[str, typer.Option(help="JSON with what differs from the default policy.")] = "{}",
    qr: Annotated[Path | None, typer.Option(help="Write the current QR code to this .png or .svg.")] = None,
    json_: Json = False,
) -> None:
    """Create a sitting; print its link, typed code and page."""
    remote = _remote(data, host, port)
    try:
        changes = json.loads(policy)
    except ValueError:
        _fail("--policy is not JSON.", USAGE)
    body = {"exam": exam, "window": {"start_ms": start, "end_ms": end}, "policy": changes}
    created = _call(remote, "POST", "/v1/sittings", body | ({"sitting_id": sitting_id} if sitting_id else {}))
    if qr is not None:
        try:
            qr.write_bytes(remote.read(f"/v1/sittings/{created['sitting_id']}/qr.{qr.suffix[1:]}"))
        except RemoteError as error:
            _fail(str(error), USAGE)
    if json_:
        print(json.dumps(created))
        return
    for name in ("sitting_id", "link", "code", "page_url"):
        _out.print(f"{name:>11}  {created[name]}", markup=False)


@app.command()
def confirm(
    sitting: SittingId,
    key: Annotated[str, typer.Option(help="Thumbprint of the phone's key, as the phone shows it.")],
    data: Folder = _DATA,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    json_: Json = False,
) -> None:
    """Bind the phone that waits, naming its key."""
    state = _call(_remote(data, host, port), "POST", f"/v1/sittings/{sitting}/confirm", {"key": key})
    _show(state, json_)


@app.command()
def refuse(
    sitting: SittingId,
    key: Annotated[str, typer.Option(help="Thumbprint of the phone's key.")],
    data: Folder = _DATA,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    json_: Json = False,
) -> None:
    """Turn the phone that waits away, and open a new offer."""
    state = _call(_remote(data, host, port), "POST", f"/v1/sittings/{sitting}/refuse", {"key": key})
    _show(state, json_)


@app.command()
def end(
    sitting: SittingId,
    at: Annotated[int | None, typer.Option(help="When it ended, ms since 1970; default: now.")] = None,
    data: Folder = _DATA,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
    json_: Json = False,
) -> None:
    """The exam is over: the deadline starts."""
    _show(_call(_remote(data, host, port), "POST", f"/v1/sittings/{sitting}/end", {"at_ms": at}), json_)


@app.command()
def publish(
    sitting: SittingId, data: Folder = _DATA, port: Port = DEFAULT_PORT, host: Host = "127.0.0.1",
    json_: Json = False,
) -> None:
    """The results are published: the phone may delete what is stored here."""
    _show(_call(_remote(data, host, port), "POST", f"/v1/sittings/{sitting}/publish", {}), json_)


@app.command()
def state(
    sitting: SittingId, data: Folder = _DATA, port: Port = DEFAULT_PORT, host: Host = "127.0.0.1",
    json_: Json = False,
) -> None:
    """Show a sitting: stage, phone, deadline, verdict."""
    _show(_call(_remote(data, host, port), "GET", f"/v1/sittings/{sitting}"), json_)


def _show(state: dict[str, Any], json_: bool) -> None:
    if json_:
        print(json.dumps(state))
        return
    _out.print(f"stage: {state['stage']}", markup=False)
    if state["phone"]:
        counts = state["phone"]["segments"]
        _out.print(
            f"segments: {counts['committed']} committed, {counts['stored']} stored, "
            f"{counts['verified']} verified"
        )
    if state["verdict"]:
        _out.print(f"verdict: {state['verdict']['word']} (version {state['verdict']['version']})")


@app.command()
def export(
    sitting: SittingId,
    out: Annotated[Path | None, typer.Option("--out", help="Default: SITTING.bundle.zip here.")] = None,
    data: Folder = _DATA,
    port: Port = DEFAULT_PORT,
    host: Host = "127.0.0.1",
) -> None:
    """Write the evidence bundle: media, journal, keys and verdict in one ZIP."""
    path = out or Path(f"{sitting}.bundle.zip")
    try:
        size = _remote(data, host, port).download(f"/v1/sittings/{sitting}/bundle", path)
    except RemoteError as error:
        _fail(str(error), USAGE)
    _out.print(f"{path}: {size} bytes", markup=False)


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A *.bundle.zip.")],
    jwks: Annotated[Path | None, typer.Option(help="The server's keys, obtained independently.")] = None,
    measure: Annotated[bool, typer.Option(help="Measure the media again, too.")] = True,
    json_: Json = False,
) -> None:
    """Judge a bundle again, without server and network; exit 3 if anything was altered."""
    if not bundle.is_file():
        _fail(f"There is no file {bundle}.", USAGE)
    try:
        trusted = None if jwks is None else json.loads(jwks.read_text())
    except (OSError, ValueError) as error:
        _fail(f"{jwks} is not a key set: {error}", USAGE)
    proof = prove(bundle, trusted)
    if proof.holds and measure:
        asyncio.run(measure_again(bundle, proof))
    word = proof.state.verdicts[-1].claims["word"] if proof.state and proof.state.verdicts else "none"
    if json_:
        print(json.dumps(_proof_json(proof, word)))
    else:
        _print_proof(proof, word)
    if not proof.holds:
        raise typer.Exit(UNVERIFIED)
    raise typer.Exit(0 if word == "complete" else INCOMPLETE)


def _proof_json(proof: Proof, word: str) -> dict[str, Any]:
    judged = proof.holds and proof.state is not None and proof.state.verdicts
    return {
        "holds": proof.holds, "verdict": word if proof.holds else None, "key": proof.key,
        "trusted": proof.trusted,
        "findings": [{"step": item.step, "holds": item.holds, "says": item.says} for item in proof.findings],
        "claims": proof.state.verdicts[-1].claims if proof.state and judged else None,
    }


def _print_proof(proof: Proof, word: str) -> None:
    for finding in proof.findings:
        _out.print(f"{finding.step}. {'ok ' if finding.holds else 'NO '} {finding.says}", markup=False)
    if not proof.trusted and proof.key:
        says = f"key {proof.key}: not trusted; compare it with the server's, or name --jwks"
        _out.print(says, markup=False)
    if not proof.holds:
        _out.print("verdict: cannot be verified")
        return
    if proof.state and proof.state.verdicts:
        claims = proof.state.verdicts[-1].claims
        for kind in ("reasons", "gaps", "missing", "review"):
            for item in claims[kind]:
                _out.print(f"   {kind}: {json.dumps(item)}", markup=False)
        _out.print(f"version: {claims['version']}")
    _out.print(f"verdict: {word}")


@app.command()
def check(data: Folder = _DATA, json_: Json = False) -> None:
    """Compare journal, store and hashes of a data folder that no server is using."""
    try:
        report = asyncio.run(check_folder(data))
    except PairingError as error:
        _refused(error)
    if json_:
        print(json.dumps(report))
    else:
        for name, value in report.items():
            _out.print(f"{name}: {value}", markup=False)
    raise typer.Exit(0 if report["fine"] else INCOMPLETE)


if __name__ == "__main__":
    app()
