"""The scan as one picture for people: the room unrolled, what was and was not seen, when, and whose faces."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from evidence_server.vision.flow import NOMINAL_FOCAL
from evidence_server.vision.frame import Picture
from evidence_server.vision.observation import Observations
from evidence_server.vision.scan import ScanResult
from evidence_server.vision.sectors import COUNT, DEGREES

WIDTH = 1440
"""Pixels for 360 degrees: four a degree."""
HEIGHT = 330
"""Of the room's picture."""
HEADER, FOOTER = 30, 54
INK = (60, 55, 50)
PAPER = (250, 250, 248)
SEEN, MISSING, DOUBTFUL = (120, 160, 70), (60, 60, 210), (40, 160, 235)
FACE, OTHER = (120, 200, 90), (60, 60, 230)


def draw_strip(seen: Observations, result: ScanResult) -> bytes:
    """A JPEG of 1440 x 414 pixels; empty if there is nothing to draw."""
    if not seen.views or len(result.yaw) != len(seen.t_s):
        return b""
    canvas = np.full((HEADER + HEIGHT + FOOTER, WIDTH, 3), PAPER, np.uint8)
    room = _room(seen, result)
    _grey_out(room, result)
    canvas[HEADER : HEADER + HEIGHT] = room
    _faces(canvas, seen, result)
    _sectors(canvas, result)
    _times(canvas, result)
    _title(canvas, result)
    ok, jpeg = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, 82])
    return jpeg.tobytes() if ok else b""


def _room(seen: Observations, result: ScanResult) -> Picture:
    """Every kept view, bent to a cylinder and blended in by how near a column is to the view's middle."""
    total = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    weight = np.full((1, WIDTH, 1), 1e-6, np.float32)
    for view, picture in zip(seen.views, seen.pictures, strict=True):
        bent, middle = _cylinder(picture)
        columns = bent.shape[1]
        near = np.maximum(1e-3, 1 - np.abs(np.arange(columns) - middle) / middle).astype(np.float32) ** 6
        at = round(result.yaw[view.index][1] * WIDTH / 360) - middle
        where = (at + np.arange(columns)) % WIDTH
        total[:, where] += bent * near[None, :, None]
        weight[:, where] += near[None, :, None]
    return np.asarray(np.clip(total / weight, 0, 255).astype(np.uint8))


def _cylinder(picture: Picture) -> tuple[NDArray[np.float32], int]:
    """The picture at four columns a degree, and which column is its middle."""
    height, width = picture.shape[:2]
    unit = min(height, width) / 2
    half = round(np.degrees(np.arctan(width / 2 / unit / NOMINAL_FOCAL)) * WIDTH / 360)
    angle = np.radians(np.arange(-half, half + 1) * 360 / WIDTH)
    x = (np.tan(angle) * NOMINAL_FOCAL * unit + (width - 1) / 2).astype(np.float32)
    # The whole height of the picture, squeezed a little: walls, and the candidate's head below.
    rows = np.linspace(0.12, 0.86, HEIGHT, dtype=np.float32) * height
    y = (rows[:, None] - height / 2) / np.cos(angle)[None, :] * 0.92 + height / 2
    return cv2.remap(
        picture, np.broadcast_to(x, y.shape).astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32), half


def _grey_out(room: Picture, result: ScanResult) -> None:
    """What was not looked at: pale, and hatched."""
    hatch = ((np.arange(HEIGHT)[:, None] + np.arange(WIDTH // COUNT)[None, :]) % 14 < 2)[..., None]
    for sector in result.sectors_missing:
        left = sector * WIDTH // COUNT
        part = room[:, left : left + WIDTH // COUNT]
        grey = part.mean(axis=2, keepdims=True)
        pale = np.clip(grey * 0.25 + 175, 0, 255).repeat(3, axis=2)
        colour = DOUBTFUL if sector in result.sectors_unverified else MISSING
        part[:] = np.where(hatch, np.array(colour, np.float32), pale).astype(np.uint8)


def _faces(canvas: Picture, seen: Observations, result: ScanResult) -> None:
    """Not the candidate, who is everywhere: those who are in the room."""
    times = np.array([t_s for t_s, _ in result.yaw])
    degrees = np.array([yaw for _, yaw in result.yaw])
    for look in seen.sightings:
        yaw = float(np.interp(look.t_s, times, degrees))
        for face in look.others:
            aside = np.degrees(np.arctan((face.centre[0] - 0.5) * 2 / NOMINAL_FOCAL))
            x = int((yaw + aside) % 360 * WIDTH / 360)
            y = HEADER + int(((face.centre[1] - 0.5) / 0.92 + 0.5 - 0.12) / 0.74 * HEIGHT)
            half = max(8, int(np.degrees(np.arctan(face.width / NOMINAL_FOCAL)) * WIDTH / 360))
            cv2.rectangle(canvas, (x - half, y - half), (x + half, y + half), OTHER, 2, cv2.LINE_AA)


def _sectors(canvas: Picture, result: ScanResult) -> None:
    top = HEADER + HEIGHT
    for sector in range(COUNT):
        left = sector * WIDTH // COUNT
        colour = SEEN if sector in result.sectors_covered else MISSING
        if sector in result.sectors_unverified and sector not in result.sectors_covered:
            colour = DOUBTFUL
        cv2.rectangle(canvas, (left + 1, top + 3), (left + WIDTH // COUNT - 2, top + 11), colour, -1)
        if sector % 3 == 0:
            _text(canvas, f"{sector * DEGREES}", (left + 2, top + 27), 0.42)


def _times(canvas: Picture, result: ScanResult) -> None:
    """A tick each two seconds where the camera looked then."""
    top, last = HEADER + HEIGHT, -2.0
    for t_s, yaw in result.yaw:
        if t_s - last >= 2:
            last = t_s
            x = int(yaw % 360 * WIDTH / 360)
            cv2.line(canvas, (x, top + 31), (x, top + 37), INK, 1, cv2.LINE_AA)
            _text(canvas, f"{t_s:.0f}s", (min(x + 3, WIDTH - 30), top + 47), 0.38)


def _title(canvas: Picture, result: ScanResult) -> None:
    codes = ", ".join(reason.code for reason in result.reasons) or "whole turn, candidate in the picture"
    turned = f"{result.net_yaw:+.0f} deg" if result.closed else (
        f"{result.net_yaw_interval[0]:+.0f} to {result.net_yaw_interval[1]:+.0f} deg"
    )
    title = f"{result.accepted}  |  {turned} in {result.duration_s:.0f} s  |  {codes}"
    _text(canvas, title[:170], (8, 20), 0.5)


def _text(canvas: Picture, text: str, at: tuple[int, int], size: float) -> None:
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, INK, 1, cv2.LINE_AA)
