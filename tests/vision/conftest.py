"""The face network and a few scans, made once for all tests."""

from __future__ import annotations

import cv2
import pytest

from evidence_server.media.scanning import FACE_MODEL
from evidence_server.vision.presence import FaceFinder
from evidence_server.vision.scan import RoomScan, ScanResult
from tests.vision.scan_room import Look, film, turn


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    cv2.setNumThreads(1)
    return FaceFinder(FACE_MODEL)


def scanned(finder: FaceFinder, looks: list[Look], samples: list[list[float]] | None = None) -> ScanResult:
    """The answer to a film of these looks."""
    scan = RoomScan(finder)
    for frame in film(looks):
        scan.take(frame)
    return scan.finish(samples)


@pytest.fixture(scope="session")
def whole_scan(finder: FaceFinder) -> tuple[RoomScan, ScanResult]:
    """A good scan of 376 degrees to the right, and its result."""
    scan = RoomScan(finder)
    for frame in film(turn(376)):
        scan.take(frame)
    return scan, scan.finish()


@pytest.fixture(scope="session")
def whole_turn(whole_scan: tuple[RoomScan, ScanResult]) -> ScanResult:
    """Its result."""
    return whole_scan[1]
