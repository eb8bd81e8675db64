"""Pictures of a laptop's screen with an anchor marker in a room, as a fixed phone takes and compresses them.

A room is a photograph; the screen is a page with a marker, seen through a pinhole camera; then come bloom,
glare, a gradient of light, moiré, blur, noise and H.264.  Everything follows from a seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from evidence_server.vision import marker

WIDTH, HEIGHT = 1280, 720
FPS = 15
KEY_FRAME_EVERY = 30
SCREEN = (1600, 1000)
VISITOR_PX = 150
"""The height of the strip along the lower edge in which somebody moves."""
MARKER_PX = 150
"""The black square's width on the screen's canvas."""

Grey = NDArray[np.uint8]
Real = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """How a marker is seen: the mean side of its black square in pixels, angles in degrees, and the light."""

    width_px: float
    yaw: float
    pitch: float
    roll: float
    centre: tuple[float, float]
    brightness: float
    room: float
    blur_px: float
    bloom: float
    glare: float
    gradient: float
    moire: float
    noise: float

    @classmethod
    def draw(cls, rng: np.random.Generator, smallest: float = 40, largest: float = 90) -> View:
        """Any of the views that the goal is about."""
        width = float(rng.uniform(smallest, largest))
        return cls(
            width, float(rng.uniform(-45, 45)), float(rng.uniform(-25, 25)),
            float(rng.uniform(-15, 15)) + 90 * int(rng.integers(4)),
            (float(rng.uniform(2.5 * width, WIDTH - 2.5 * width)),
             float(rng.uniform(2.5 * width, HEIGHT - VISITOR_PX - 2 * width))),
            float(rng.uniform(0.55, 1.25)), float(rng.uniform(0.25, 0.9)), float(rng.uniform(0.5, 2.0)),
            float(rng.uniform(0, 0.2)), float(rng.choice([0, 0, rng.uniform(20, 140)])),
            float(rng.uniform(0, 0.5)), float(rng.choice([0, rng.uniform(0.02, 0.12)])),
            float(rng.uniform(1, 5)),
        )


def page(rng: np.random.Generator, squares: Sequence[Grey]) -> tuple[Grey, tuple[float, float]]:
    """A screen showing `squares` (pictures with their quiet zones) in a row, and the first one's centre."""
    light = bool(rng.integers(2))
    ground, ink = (244, 40) if light else (18, 200)
    canvas = np.full(SCREEN[::-1], ground, np.uint8)
    for top in range(60, SCREEN[1] - 60, 34):
        right = int(rng.integers(300, SCREEN[0] - 80))
        shade = int(np.clip(ink + rng.integers(-20, 20), 0, 255))
        for left in range(80, right, 46):
            cv2.rectangle(canvas, (left, top), (left + int(rng.integers(12, 38)), top + 12), shade, -1)
    side = squares[0].shape[0]
    left = int(rng.integers(120, SCREEN[0] - 120 - (side + 60) * len(squares)))
    top = int(rng.integers(120, SCREEN[1] - 120 - side))
    for index, square in enumerate(squares):
        x = left + index * (side + 60)
        cv2.rectangle(canvas, (x - 12, top - 12), (x + side + 11, top + side + 11), 255, -1)
        canvas[top : top + side, x : x + side] = square
    return canvas, (left + side / 2 - 0.5, top + side / 2 - 0.5)


def marker_square(code: int, width_px: int = MARKER_PX) -> Grey:
    """The marker as `marker.svg` draws it, black square `width_px` wide."""
    grid = np.full((marker.MODULES, marker.MODULES), 255, np.uint8)
    grid[1:-1, 1:-1] = 0
    bits = np.array([int(bit) for bit in f"{marker.pattern(code):036b}"], np.uint8)
    grid[2:-2, 2:-2] = bits.reshape(marker.SIDE, marker.SIDE) * 255
    side = round(width_px * marker.MODULES / (marker.SIDE + 2))
    return cv2.resize(grid, (side, side), interpolation=cv2.INTER_NEAREST)


def random_square(rng: np.random.Generator, width_px: int = MARKER_PX) -> Grey:
    """A bordered square whose 36 modules nobody made."""
    grid = np.full((marker.MODULES, marker.MODULES), 255, np.uint8)
    grid[1:-1, 1:-1] = 0
    grid[2:-2, 2:-2] = rng.integers(0, 2, (marker.SIDE, marker.SIDE)) * 255
    side = round(width_px * marker.MODULES / (marker.SIDE + 2))
    return cv2.resize(grid, (side, side), interpolation=cv2.INTER_NEAREST)


def stock_square(dictionary: int, number: int, width_px: int = MARKER_PX) -> Grey:
    """A marker of one of cv2.aruco's own dictionaries, in a quiet zone like ours."""
    black = cv2.aruco.generateImageMarker(cv2.aruco.getPredefinedDictionary(dictionary), number, width_px)
    edge = round(width_px / (marker.SIDE + 2))
    return cv2.copyMakeBorder(black, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=255)


def screen_to_picture(view: View, about: tuple[float, float]) -> NDArray[np.float64]:
    """The homography under which the marker around `about` is as the view says."""
    focal = 0.8 * WIDTH
    distance = focal * MARKER_PX / view.width_px
    yaw, pitch, roll = np.radians((view.yaw, view.pitch, view.roll))
    turn = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    lean = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    look = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    rotation = turn @ lean @ look
    half = MARKER_PX / 2
    corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
    for _ in range(3):  # a tilted square's sides are shorter: come nearer until their mean is right
        plane = np.column_stack((rotation[:, 0], rotation[:, 1], (0, 0, distance)))
        seen = np.column_stack((corners, np.ones(4))) @ plane.T
        flat = focal * seen[:, :2] / seen[:, 2:]
        sides = np.linalg.norm(np.roll(flat, -1, axis=0) - flat, axis=1)
        distance *= float(sides.mean()) / view.width_px
    plane = np.column_stack((rotation[:, 0], rotation[:, 1], (0, 0, distance)))
    camera = np.array([[focal, 0, view.centre[0]], [0, focal, view.centre[1]], [0, 0, 1]])
    return camera @ plane @ np.array([[1, 0, -about[0]], [0, 1, -about[1]], [0, 0, 1.0]])


def still(rng: np.random.Generator, room: Grey, screen: Grey, about: tuple[float, float], view: View) -> Real:
    """The picture before noise and compression."""
    to_picture = screen_to_picture(view, about)
    shrink = MARKER_PX / view.width_px
    soft = cv2.GaussianBlur(screen, (0, 0), max(0.3 * shrink, 0.1))
    size = (WIDTH, HEIGHT)
    shown = cv2.warpPerspective(soft, to_picture, size, flags=cv2.INTER_LINEAR).astype(np.float32)
    inside = cv2.warpPerspective(np.full_like(screen, 255), to_picture, size).astype(np.float32) / 255
    bezel = cv2.dilate(inside, np.ones((9, 9), np.uint8))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    angle = float(rng.uniform(0, 2 * np.pi))
    wave = np.float32(2 * np.pi / rng.uniform(4, 14))
    stripes = np.sin(wave * (np.cos(angle) * columns + np.sin(angle) * rows))
    light = 8 + shown * view.brightness * (1 + view.moire * stripes)
    picture = room.astype(np.float32) * view.room * (1 - bezel) + light * inside + 12 * (bezel - inside)
    # light that the lens scatters around the bright screen
    small = cv2.resize(light * inside, (WIDTH // 8, HEIGHT // 8), interpolation=cv2.INTER_AREA)
    picture += view.bloom * cv2.resize(cv2.GaussianBlur(small, (0, 0), 3), size)
    if view.glare:
        x, y = np.array(view.centre) + rng.normal(0, view.width_px, 2)
        wide, high = view.width_px * rng.uniform(0.5, 2, 2)
        picture += inside * view.glare * np.exp(-(((columns - x) / wide) ** 2) - ((rows - y) / high) ** 2)
    ramp = np.cos(angle) * (columns / WIDTH - 0.5) + np.sin(angle) * (rows / HEIGHT - 0.5)
    picture *= 1 - view.gradient * (ramp + 0.5)
    return cv2.GaussianBlur(picture, (0, 0), view.blur_px)


def filmed(
    rng: np.random.Generator, picture: Real, visitor: Grey, noise: float, frames: int
) -> Iterator[Grey]:
    """`frames` noisy pictures of a scene in which somebody moves."""
    grain = rng.normal(0, noise, (HEIGHT + 64, WIDTH + 64)).round().astype(np.int16)
    still = np.clip(picture, 0, 255).astype(np.int16)
    start = int(rng.integers(0, WIDTH))
    for index in range(frames):
        moved = still.copy()
        left = (start + 3 * index) % (WIDTH - visitor.shape[1])
        moved[HEIGHT - visitor.shape[0] :, left : left + visitor.shape[1]] = visitor
        y, x = rng.integers(0, 64, 2)
        yield cv2.add(moved, grain[y : y + HEIGHT, x : x + WIDTH], dtype=cv2.CV_8U)


def compressed(pictures: Iterator[Grey]) -> Iterator[tuple[bool, Grey]]:
    """The pictures after H.264 at 1 Mbit/s as a phone's encoder makes it; whether each is a key frame."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, FPS)
    encoder.bit_rate, encoder.gop_size, encoder.thread_count = 1_000_000, KEY_FRAME_EVERY, 1
    # a buffer of half a second: live encoders give key frames no more
    encoder.options = {
        "preset": "superfast", "tune": "zerolatency", "x264-params": "vbv-maxrate=1000:vbv-bufsize=500",
    }
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    for index, picture in enumerate(pictures):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane, values in zip(frame.planes, (_limited(picture), *_GREY_PLANES), strict=True):
            _fill(plane, values)
        frame.pts = index
        for packet in encoder.encode(frame):
            for decoded in decoder.decode(packet):
                yield bool(decoded.key_frame), luma(decoded)
    for packet in encoder.encode(None):
        for decoded in decoder.decode(packet):
            yield bool(decoded.key_frame), luma(decoded)
    for decoded in decoder.decode(None):
        yield bool(decoded.key_frame), luma(decoded)


def luma(frame: av.VideoFrame) -> Grey:
    """A decoded picture's luma plane, as it is."""
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width].copy()


def rooms(folder: Path | None) -> list[Grey]:
    """Photographs to put the screen into: `folder`'s, else scikit-image's own; 1280 × 720, grey."""
    if folder is not None:
        found = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(folder.iterdir())]
        return [_crop(picture) for picture in found if picture is not None]
    from skimage import data

    pictures = [data.astronaut(), data.chelsea(), data.coffee(), data.brick(), data.grass(), data.text()]
    pictures += [data.page(), data.camera(), data.checkerboard(), data.rocket()]
    grey = [cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) if each.ndim == 3 else each for each in pictures]
    return [_crop(each.astype(np.uint8)) for each in grey]


def visitor() -> Grey:
    """Somebody to move through the picture."""
    from skimage import data

    face = cv2.cvtColor(data.astronaut()[:300, 100:400], cv2.COLOR_RGB2GRAY)
    return cv2.resize(face, (VISITOR_PX, VISITOR_PX), interpolation=cv2.INTER_AREA)


def _crop(picture: Grey) -> Grey:
    """The middle of a picture, 16 : 9."""
    height, width = picture.shape
    wide = min(width, height * WIDTH // HEIGHT)
    high = wide * HEIGHT // WIDTH
    top, left = (height - high) // 2, (width - wide) // 2
    cut = picture[top : top + high, left : left + wide]
    return cv2.resize(cut, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def _limited(picture: Grey) -> Grey:
    """Full range to the 16…235 of video."""
    return _LIMITED[picture]


def _fill(plane: av.video.plane.VideoPlane, values: Grey) -> None:
    rows = np.zeros((plane.height, plane.line_size), np.uint8)
    rows[:, : plane.width] = values
    plane.update(rows)


_LIMITED = np.round(16 + np.arange(256) * 219 / 255).astype(np.uint8)
_GREY_PLANES = (np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8),) * 2
