"""One numbered camera file for all the phone's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.phone.sources import camera_file


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return camera_file(tmp_path_factory.mktemp("phone-camera"))
