"""The command line against a server that loses answers or breaks off, and against paths that take no file."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from evidence_server.__main__ import app
from evidence_server.commands import inspect, vision
from evidence_server.remote import TRIES

USAGE = 2
STATE = {"stage": "bound", "phone": None, "verdict": None}
OFFER = {"link": "https://host/p/#t=x", "code": "7ZK3-9QFA-5", "address": "https://host/p/"}


class Server(ThreadingHTTPServer):
    """Answers with 200 and what `answers` has for the path; the first `losing` answers are lost."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.losing = 0
        self.asked: list[tuple[str, Any]] = []
        self.answers: dict[str, bytes] = {}
        self.breaking_off = False

    def answer(self, path: str, told: object) -> None:
        """What the path is answered with from now on."""
        self.answers[path] = json.dumps(told).encode()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.server.asked.append((self.path, json.loads(self.rfile.read(length) or b"null")))
        if self.server.losing:
            self.server.losing -= 1
            self.close_connection = True
            return
        content = self.server.answers[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) + self.server.breaking_off))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_arguments: object) -> None:
        """Nothing on standard error: that is looked at here."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    keys = tmp_path / "data" / "keys"
    keys.mkdir(parents=True)
    (keys / "api.key").write_text("key")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ran(server: Server, folder: Path, *command: str) -> Result:
    """A command of the server in `server`."""
    where = ("--data", str(folder / "data"), "--port", str(server.server_port))
    return CliRunner().invoke(app, [*command, *where])


def require_a_sentence(ended: Result) -> None:
    """It ended as a wrong use does, and said why in both languages."""
    assert (ended.exit_code, type(ended.exception)) == (USAGE, SystemExit), ended
    assert not ended.stderr.isascii()
    assert any(word in ended.stderr for word in ("cannot", "broke off", "no evidence server"))


# --- lost answers --------------------------------------------------------------------------------


def test_a_lost_extension_is_the_same_command_again(server: Server, tmp_path: Path) -> None:
    server.answer("/v1/sittings/s/extend", STATE)
    extend = ("extend", "s", "--minutes", "10", "--reason", "asked")
    server.losing = TRIES - 1
    assert ran(server, tmp_path, *extend).exit_code == 0
    first = server.asked[0][1]
    assert server.asked == [("/v1/sittings/s/extend", first)] * TRIES
    assert ran(server, tmp_path, *extend).exit_code == 0
    assert server.asked[-1][1]["command"] != first["command"]


def test_an_extension_that_stays_unanswered_can_be_repeated_by_hand(server: Server, tmp_path: Path) -> None:
    server.answer("/v1/sittings/s/extend", STATE)
    extend = ("extend", "s", "--minutes", "10", "--reason", "asked")
    server.losing = TRIES
    ended = ran(server, tmp_path, *extend)
    require_a_sentence(ended)
    command = server.asked[0][1]["command"]
    assert f"--command {command}" in ended.stderr
    assert ran(server, tmp_path, *extend, "--command", command).exit_code == 0
    assert server.asked == [server.asked[0]] * (TRIES + 1)


@pytest.mark.parametrize("command", [
    ("rebind", "s", "--reason", "lost"),
    ("waive", "s", "--code", "fork", "--reason", "seen"),
    ("publish", "s", "--reason", "the board has met"),
])
def test_what_changes_nothing_again_is_sent_again(
    server: Server, tmp_path: Path, command: tuple[str, ...]
) -> None:
    path = f"/v1/sittings/s/{command[0]}"
    server.answer(path, STATE)
    server.answer("/v1/sittings/s/offer", OFFER)
    server.losing = 1
    assert ran(server, tmp_path, *command).exit_code == 0
    assert [asked for asked in server.asked if asked[0] == path] == [server.asked[0]] * 2
    assert server.asked[0][1]["reason"] == command[-1]


# --- answers that are none -----------------------------------------------------------------------


def test_what_answers_may_be_another_server(server: Server, tmp_path: Path) -> None:
    server.answers["/v1/sittings/s"] = b"<html>It works!</html>"
    require_a_sentence(ran(server, tmp_path, "state", "s"))


def test_a_bundle_that_breaks_off_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    server.answers["/v1/sittings/s/bundle"] = b"PK" * 1_000
    server.breaking_off = True
    out = tmp_path / "s.bundle.zip"
    ended = ran(server, tmp_path, "export", "s", "--out", str(out))
    require_a_sentence(ended)
    assert "broke off" in ended.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "data"]
    server.breaking_off = False
    assert ran(server, tmp_path, "export", "s", "--out", str(out)).exit_code == 0
    assert out.read_bytes() == b"PK" * 1_000
    assert sorted(tmp_path.iterdir()) == [tmp_path / "data", out]


# --- paths that take no file ---------------------------------------------------------------------


@pytest.mark.parametrize("place", ["no/such/folder/x.svg", "data"])
def test_where_nothing_can_be_written(server: Server, tmp_path: Path, place: str) -> None:
    server.answers["/v1/sittings/s/bundle"] = b"PK"
    out = tmp_path / place
    require_a_sentence(ran(server, tmp_path, "export", "s", "--out", str(out)))
    assert list(tmp_path.iterdir()) == [tmp_path / "data"]


def test_the_sitting_is_told_even_where_its_code_cannot_be_written(server: Server, tmp_path: Path) -> None:
    server.answer("/v1/sittings", {"sitting_id": "s", "page_token": "t"})
    server.answers["/v1/sittings/s/qr.svg"] = b"<svg/>"
    ended = ran(server, tmp_path, "sitting", "--json", "--qr", str(tmp_path / "no" / "code.svg"))
    require_a_sentence(ended)
    assert json.loads(ended.stdout)["sitting_id"] == "s"


@pytest.mark.parametrize(("module", "option"), [(inspect, "--picture"), (vision, "--strip")])
def test_what_was_seen_is_told_even_where_its_picture_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, option: str
) -> None:
    seen = {"picture": "AAAA", "spans": [], "unchecked": [], "accepted": "accept"}
    monkeypatch.setattr(module, "look_once", lambda *_: dict(seen))
    command = module.__name__.rpartition(".")[2].replace("vision", "scan")
    file = tmp_path / "recording.mp4"
    file.touch()
    ended = CliRunner().invoke(app, [command, str(file), "--json", option, str(tmp_path / "no" / "x")])
    require_a_sentence(ended)
    assert json.loads(ended.stdout)["accepted"] == "accept"


def test_a_carry_file_that_cannot_be_read(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "carry.zip"
    file.touch()
    opened = Path.open

    def refuse(path: Path, *how: Any, **more: Any) -> Any:
        if path == file:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *how, **more)

    monkeypatch.setattr(Path, "open", refuse)
    require_a_sentence(ran(server, tmp_path, "accept", "s", str(file), "--reason", "brought"))
