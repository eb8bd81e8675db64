"""The command `inspect`: one JSON object, a table, a picture, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from evidence_server.__main__ import app
from tests.media.recordings import SECONDS, silent_mp4


@pytest.fixture
def silent(camera: Path, tmp_path: Path) -> Path:
    path = tmp_path / "silent.mp4"
    path.write_bytes(silent_mp4(camera))
    return path


def test_nothing_found(camera: Path) -> None:
    ran = CliRunner().invoke(app, ["inspect", str(camera), "--json"])
    assert ran.exit_code == 0
    told = json.loads(ran.stdout)
    assert told["spans"] == []
    assert abs(told["duration_s"] - SECONDS) < 0.2
    assert told["cpu_s"] > 0


def test_something_found(silent: Path, tmp_path: Path) -> None:
    picture = tmp_path / "line.png"
    ran = CliRunner().invoke(app, ["inspect", str(silent), "--json", "--picture", str(picture)])
    assert ran.exit_code == 1
    (span,) = json.loads(ran.stdout)["spans"]
    assert set(span) == {"kind", "start", "end", "confidence"}
    assert span["kind"] == "silent"
    drawn = cv2.imdecode(np.frombuffer(picture.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape[1] == 1200


def test_for_people(silent: Path) -> None:
    ran = CliRunner().invoke(app, ["inspect", str(silent)])
    assert ran.exit_code == 1
    assert "silent" in ran.stdout
    assert "1 spans in 0:00:06" in ran.stdout


def test_exit_codes(tmp_path: Path, camera: Path) -> None:
    nothing = tmp_path / "nothing.mp4"
    assert CliRunner().invoke(app, ["inspect", str(nothing)]).exit_code == 2
    assert CliRunner().invoke(app, ["inspect", str(nothing.parent / "none")]).exit_code == 2
    nothing.write_bytes(b"no recording")
    assert CliRunner().invoke(app, ["inspect", str(nothing)]).exit_code == 3
