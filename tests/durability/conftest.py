"""One camera file for the ordeals."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.camera import render


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ordeal-camera") / "camera.mp4"
    render(path, seconds=120, rate=10, width=320, height=240)
    return path
