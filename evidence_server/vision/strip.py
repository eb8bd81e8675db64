"""The scan as one picture for people: the room unrolled, what was and was not seen, when, and whose faces."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from evidence_server.vision.distant import distant_people
from evidence_server.vision.flow import NOMINAL_FOCAL, body_mask
from evidence_server.vision.frame import Picture
from evidence_server.vision.judgement import is_another
from evidence_server.vision.observation import Observations
from evidence_server.vision.presence import Face
from evidence_server.vision.scan import ScanResult
from evidence_server.vision.sectors import COUNT, DEGREES
from evidence_server.vision.thresholds import ScanThresholds

WIDTH = 1440
"""Pixels for 360 degrees: four a degree."""
HEIGHT = 330
"""Of the room's picture."""
TOP, BOTTOM, SQUEEZE = 0.12, 0.8, 0.92
"""Which rows of a picture (in its heights) are drawn, and how much taller."""
HEADER, FOOTER = 30, 54
INSET = 84
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
    _others(canvas, seen, result)
    _candidate(canvas, seen)
    _sectors(canvas, result)
    _times(canvas, result)
    _title(canvas, result)
    ok, jpeg = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, 82])
    return jpeg.tobytes() if ok else b""


def _room(seen: Observations, result: ScanResult) -> Picture:
    """Every kept view, bent to a cylinder and blended in: the nearer to its middle the more, the candidate
    hardly.

    What the candidate hides in one view is seen beside the candidate in another.
    """
    total = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    weight = np.full((HEIGHT, WIDTH, 1), 1e-9, np.float32)
    for view, picture in zip(seen.views, seen.pictures, strict=True):
        bent, shown, middle = _cylinder(picture, view.candidate)
        columns = bent.shape[1]
        near = np.maximum(0.02, 1 - np.abs(np.arange(columns) - middle) / middle).astype(np.float32) ** 4
        each = near[None, :, None] * shown[..., None]
        at = round(result.yaw[view.index][1] * WIDTH / 360) - middle
        where = (at + np.arange(columns)) % WIDTH
        total[:, where] += bent * each
        weight[:, where] += each
    return np.asarray(np.clip(total / weight, 0, 255).astype(np.uint8))


def _cylinder(
    picture: Picture, candidate: Face | None
) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
    """The picture at four columns a degree, how much each pixel shows of the room, and which column is the
    middle."""
    height, width = picture.shape[:2]
    unit = min(height, width) / 2
    half = round(np.degrees(np.arctan(width / 2 / unit / NOMINAL_FOCAL)) * WIDTH / 360)
    angle = np.radians(np.arange(-half, half + 1) * 360 / WIDTH)
    x = (np.tan(angle) * NOMINAL_FOCAL * unit + (width - 1) / 2).astype(np.float32)
    rows = np.linspace(TOP, BOTTOM, HEIGHT, dtype=np.float32) * height
    y = (rows[:, None] - height / 2) / np.cos(angle)[None, :] * SQUEEZE + height / 2
    maps = np.broadcast_to(x, y.shape).astype(np.float32), y.astype(np.float32)
    shown = np.ones((height, width), np.float32)
    if candidate is not None:
        shown[body_mask(shown.shape, candidate)] = 1e-4
        shown = np.asarray(cv2.blur(shown, (9, 9)) ** 2, np.float32)
    bent = cv2.remap(picture, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return bent.astype(np.float32), cv2.remap(shown, *maps, cv2.INTER_LINEAR).astype(np.float32) + 1e-7, half


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


def _candidate(canvas: Picture, seen: Observations) -> None:
    """The candidate's face, who turned with the camera and is drawn nowhere else, in the corner."""
    views = [at for at, view in enumerate(seen.views) if view.candidate is not None]
    if not views:
        return
    at = views[len(views) // 2]
    face, picture = seen.views[at].candidate, seen.pictures[at]
    if face is None:
        return
    height, width = picture.shape[:2]
    x, y = face.centre
    half = 0.9 * face.width * width
    left, right = int(max(0, x * width - half)), int(min(width, x * width + half))
    upper, lower = int(max(0, y * height - 1.1 * half)), int(min(height, y * height + 0.9 * half))
    if right - left < 8 or lower - upper < 8:
        return
    inset = cv2.resize(picture[upper:lower, left:right], (INSET, INSET), interpolation=cv2.INTER_CUBIC)
    top, edge = HEADER + 8, WIDTH - INSET - 8
    canvas[top : top + INSET, edge : edge + INSET] = inset
    cv2.rectangle(canvas, (edge - 1, top - 1), (edge + INSET, top + INSET), FACE, 2, cv2.LINE_AA)


def _others(canvas: Picture, seen: Observations, result: ScanResult) -> None:
    """Outline those who are in the room, where the answer speaks of them: one doubtful look at a plant is
    nobody."""
    if not any(reason.code in ("people", "people_perhaps") for reason in result.reasons):
        return
    times = np.array([t_s for t_s, _ in result.yaw])
    degrees = np.array([yaw for _, yaw in result.yaw])
    limits = ScanThresholds()
    distant = set(distant_people(seen.sightings, limits))
    for look in seen.sightings:
        yaw = float(np.interp(look.t_s, times, degrees))
        shown = [face for face in look.others if is_another(face, look.candidate, limits)]
        shown += [one.face for one in look.distant if look.t_s in distant]
        for face in shown:
            aside = np.degrees(np.arctan((face.centre[0] - 0.5) * 2 / NOMINAL_FOCAL))
            x = int((yaw + aside) % 360 * WIDTH / 360)
            y = HEADER + int(((face.centre[1] - 0.5) / SQUEEZE + 0.5 - TOP) / (BOTTOM - TOP) * HEIGHT)
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
