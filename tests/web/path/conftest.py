"""The rig of real processes, with a browser as the phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.path.rig import Rig
from tests.web.capture import cameras
from tests.web.path.numbers import FILM_S, RATE


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A camera of numbered pictures and a microphone of numbered beeps, both over and over."""
    folder = tmp_path_factory.mktemp("film")
    pictures = cameras.numbered(FILM_S, RATE, 640, 480)
    return (
        cameras.write_y4m(folder / "camera.y4m", pictures, RATE),
        cameras.write_sound(folder / "sound.wav", FILM_S),
    )


@pytest.fixture
async def rig(tmp_path: Path, film: tuple[Path, Path]) -> AsyncIterator[Rig]:
    async with Rig(tmp_path, film[0]) as rig:
        yield rig
