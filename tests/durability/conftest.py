"""One camera file for the ordeals."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.camera import render


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ordeal-camera") / "camera.mp4"
    render(path, seconds=100, rate=10, width=160, height=120)
    return path
