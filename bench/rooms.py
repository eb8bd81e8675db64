"""Renders recordings of an exam room with known events: a phone that is fixed, a desk, a candidate.

Every picture is a pure function of its number, so that a stretch can be shown again exactly (as a loop),
and events are put in before encoding.  Textures are scikit-image's photographs, or panoramas of `--scenes`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from demo import scene

Picture = np.ndarray[Any, Any]
WIDTH, HEIGHT, MARGIN = 1280, 720, 170
SOUND_RATE = 48_000
PHOTOGRAPHS = ("rocket.jpg", "chelsea.png", "motorcycle_left.png", "coffee.png", "hubble_deep_field.jpg",
               "retina.jpg", "color.png", "page.png")


@dataclass(frozen=True)
class Event:
    """Something injected between two times, in seconds; `size` is how strong, where that has a meaning."""

    kind: str
    start_s: float
    end_s: float
    size: float = 1.0

    def at(self, t_s: float) -> bool:
        """Whether it is going on."""
        return self.start_s <= t_s < self.end_s


@dataclass(frozen=True)
class Plan:
    """One recording: its room is made from `seed`; `face_shown` is the share of time with the face seen."""

    seed: int
    length_s: float
    fps: int = 15
    width: int = WIDTH
    height: int = HEIGHT
    events: tuple[Event, ...] = ()
    codec: str = "h264"
    bit_rate: int = 1_000_000
    key_s: float = 2.0
    noise: float = 3.0
    face_shown: float = 0.5
    person: bool = True
    panorama: Path | None = None
    face: Path | None = None
    second_face: Path | None = None


@dataclass
class Sprite:
    """A person cut out: colours, how opaque, and where the head is (centre x, y and half height, pixels)."""

    bgr: Picture
    alpha: Picture
    head: tuple[int, int, int] = field(default=(222, 130, 95))


def astronaut() -> Sprite:
    """The person of the demonstration's room."""
    bgr, alpha = scene._person()
    return Sprite(bgr, alpha)


def read_sprite(path: Path) -> Sprite:
    """A person out of a picture with transparency."""
    rgba = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if rgba is None or rgba.ndim != 3 or rgba.shape[2] != 4:
        raise ValueError(f"{path}: a picture with transparency is needed")
    height, width = rgba.shape[:2]
    head = (width // 2, height * 3 // 10, height // 5)
    return Sprite(rgba[..., :3].copy(), rgba[..., 3].astype(np.float32) / 255, head)


def _smooth(random: np.random.Generator, count: int, fps: float, below_hz: float) -> Picture:
    """Noise of unit deviation, without anything faster than `below_hz`."""
    padded = count + int(8 * fps)
    spectrum = np.fft.rfft(random.standard_normal(padded))
    spectrum *= np.exp(-((np.fft.rfftfreq(padded, 1 / fps) / below_hz) ** 2))
    wave = np.fft.irfft(spectrum, padded)[int(4 * fps) : int(4 * fps) + count]
    return (wave - wave.mean()) / (wave.std() + 1e-9)


class Room:
    """One room and who moves in it; `picture(number)` draws any picture of the recording."""

    def __init__(self, plan: Plan) -> None:
        """Everything random is drawn here, from the plan's seed."""
        self.plan = plan
        random = np.random.default_rng(plan.seed)
        self.count = int(plan.length_s * plan.fps)
        background = self._panorama(random) if plan.panorama else self._drawn(random)
        # drawn in full size, then everything is composed at the recording's own
        self._scale = plan.width / WIDTH
        self._margin = round(MARGIN * self._scale)
        self._background = cv2.resize(
            background, None, fx=self._scale, fy=self._scale, interpolation=cv2.INTER_AREA
        )
        self._seat = random.uniform(0.35, 0.65) * WIDTH, HEIGHT * random.uniform(1.0, 1.1)
        self._height = HEIGHT * random.uniform(0.42, 0.62)
        self._person = read_sprite(plan.face) if plan.face else astronaut()
        self._other = read_sprite(plan.second_face) if plan.second_face else self._person
        self._other_at = (0.15 if self._seat[0] > WIDTH / 2 else 0.85) * WIDTH
        noise, fps = random.standard_normal, plan.fps
        bank = noise((3, plan.height + 64, plan.width + 64, 3), dtype=np.float32)
        self._bank = [0.7 * one + cv2.GaussianBlur(one, (0, 0), 1.2) for one in bank]
        self._noise = [np.round(plan.noise * one).astype(np.int16) for one in self._bank]
        n = self.count + 1
        self._jitter = 0.25 * np.stack([_smooth(random, n, fps, 2.0) for _ in range(2)])
        self._jitter += 0.5 * np.stack([_smooth(random, n, fps, 0.02) for _ in range(2)])
        self._sway = np.stack([_smooth(random, n, fps, 0.25) for _ in range(2)])
        self._fidget = _smooth(random, n, fps, 0.03)
        self._tilt = 2.5 * _smooth(random, n, fps, 0.3)
        self._daylight = 1 + 0.18 * _smooth(random, n, fps, 1 / 240) + 0.01 * _smooth(random, n, fps, 0.5)
        self._shown = self._face_shown(random)
        self._screen_change = np.cumsum(random.random(n) < 1 / (12 * fps))
        self._screen_flicker = 0.03 * _smooth(random, n, fps, 3.0)
        screen = round(230 * self._scale), round(140 * self._scale)
        self._screens = [
            cv2.resize(scene._photograph(name), screen, interpolation=cv2.INTER_AREA) for name in PHOTOGRAPHS
        ]
        beside = -330 if self._seat[0] > WIDTH / 2 else 120
        self._screen_at = int(self._seat[0]) + beside, int(HEIGHT * 0.72)

    def _face_shown(self, random: np.random.Generator) -> Picture:
        """For every picture whether the face is seen: stretches of 5 to 100 seconds."""
        shown = np.zeros(self.count + 1, bool)
        at, state = 0, True
        while at < len(shown):
            mean_s = 40 * (self.plan.face_shown if state else 1 - self.plan.face_shown) * 2
            length = int(self.plan.fps * max(5, random.exponential(mean_s)))
            shown[at : at + length] = state
            at, state = at + length, not state
        return shown

    def _panorama(self, random: np.random.Generator) -> Picture:
        pano = cv2.imread(str(self.plan.panorama))
        if pano is None:
            raise ValueError(f"{self.plan.panorama} is no picture")
        width, height = WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN
        focal = WIDTH / 2 / math.tan(math.radians(66 / 2))
        x, y = np.meshgrid((np.arange(width) - width / 2) / focal, (np.arange(height) - height / 2) / focal)
        yaw = random.uniform(-math.pi, math.pi)
        u = ((np.arctan2(x, 1) + yaw) / (2 * math.pi) % 1) * pano.shape[1]
        v = (0.5 + np.arctan2(y, np.hypot(x, 1)) / math.pi + 0.03) * pano.shape[0]
        return cv2.remap(pano, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR,
                         borderMode=cv2.BORDER_WRAP)

    @staticmethod
    def _drawn(random: np.random.Generator) -> Picture:
        """A wall with pictures and shelves on it, and a desk in front."""
        width, height = WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN
        room = np.empty((height, width, 3), np.uint8)
        desk = int(height * random.uniform(0.62, 0.72))
        wall = scene._photograph(str(random.choice(["brick.png", "gravel.png", "grass.png"])))
        colour = tuple(int(n) for n in random.integers(120, 215, 3))
        depth = float(random.uniform(0.03, 0.35))
        scene._paste(room, scene._tinted(wall, (width, desk), colour, depth), 0, 0)
        brown = tuple(int(n) for n in random.integers(40, 150, 3))
        table = scene._tinted(scene._photograph("grass.png")[:40], (width, height - desk), brown, 0.4)
        scene._paste(room, table, 0, desk)
        for _ in range(int(random.integers(3, 8))):
            size = int(random.integers(90, 330)), int(random.integers(70, 230))
            photograph = scene._resized(scene._photograph(str(random.choice(PHOTOGRAPHS))), size)
            framed = scene._framed(photograph, 8, (40, 52, 66))
            left = int(random.integers(0, width - size[0] - 16))
            scene._paste(room, framed, left, int(random.integers(0, desk - size[1] - 16)))
        shade = np.linspace(random.uniform(0.7, 1), random.uniform(0.7, 1), width)[None, :, None]
        return (room * shade).astype(np.uint8)

    @cached_property
    def _loops(self) -> list[Event]:
        return [event for event in self.plan.events if event.kind == "repeated"]

    def picture(self, number: int) -> Picture:
        """Picture `number` as the camera gives it, with what is injected at its time; BGR."""
        t_s = number / self.plan.fps
        going_on = {event.kind: event for event in self.plan.events if event.at(t_s)}
        if loop := going_on.get("repeated"):
            # `size` seconds before the event are shown again, and again
            period = int(loop.size * self.plan.fps)
            first = int(loop.start_s * self.plan.fps)
            return self.picture(first - period + (number - first) % period)
        if (frozen := going_on.get("frozen")) and number > int(frozen.start_s * self.plan.fps):
            still = self._without_noise(int(frozen.start_s * self.plan.fps), going_on)
            return self._with_noise(still, int(frozen.start_s * self.plan.fps), 1)
        grain = 2.5 if "dark" in going_on else 1
        return self._with_noise(self._without_noise(number, going_on), number, grain)

    def _without_noise(self, number: int, going_on: dict[str, Event]) -> Picture:
        size = self.plan.width, self.plan.height
        if "black" in going_on:
            return np.zeros((size[1], size[0], 3), np.uint8)
        if cover := going_on.get("covered"):
            shade = 1 + 0.15 * np.linspace(-1, 1, size[0])[None, :, None]
            flat = np.array([31, 28, 41]) * cover.size * shade
            return np.broadcast_to(np.clip(flat, 0, 255), (size[1], size[0], 3)).astype(np.uint8)
        whole = self._background.copy()
        self._draw_screen(whole, number)
        if "people" in going_on:
            sway = 12 * self._sway[1, number]
            self._draw(whole, self._other, self._other_at + sway, HEIGHT * 1.02, self._height * 0.9, 0, True)
        if self.plan.person and "absent" not in going_on:
            self._draw_candidate(whole, number)
        view = self._view(number, going_on.get("moved"))
        picture = cv2.warpAffine(whole, view, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                                 borderMode=cv2.BORDER_REPLICATE)
        if blur := going_on.get("blurred"):
            picture = cv2.GaussianBlur(picture, (0, 0), blur.size * self.plan.width / WIDTH)
        light = self._daylight[number]
        if dark := going_on.get("dark"):
            light *= dark.size
        return cv2.convertScaleAbs(picture, alpha=float(light))

    def _draw_candidate(self, whole: Picture, number: int) -> None:
        x = self._seat[0] + 14 * self._sway[0, number] + 30 * self._fidget[number]
        bottom = self._seat[1] + 5 * self._sway[1, number]
        shown = bool(self._shown[number])
        self._draw(whole, self._person, x, bottom, self._height, self._tilt[number], shown)

    def _draw_screen(self, whole: Picture, number: int) -> None:
        picture = self._screens[int(self._screen_change[number]) % len(self._screens)]
        left, top = (round(n * self._scale) + self._margin for n in self._screen_at)
        light = 0.9 + self._screen_flicker[number]
        place = whole[top : top + picture.shape[0], left : left + picture.shape[1]]
        place[:] = cv2.convertScaleAbs(picture, alpha=float(light))

    def _draw(
        self, whole: Picture, sprite: Sprite, x: float, bottom: float, height: float, tilt: float, shown: bool
    ) -> None:
        """A person, standing at (x, bottom) of the picture; without `shown` only the hair is seen."""
        colours, alpha = sprite.bgr, sprite.alpha
        if not shown:
            colours = colours.copy()
            cx, cy, half = sprite.head
            cv2.ellipse(colours, (cx, cy), (int(half * 0.8), half), 0, 0, 360, (35, 50, 70), -1)
        x, bottom, height = (n * self._scale for n in (x, bottom, height))
        turn = cv2.getRotationMatrix2D((alpha.shape[1] / 2, alpha.shape[0]), tilt, height / alpha.shape[0])
        reach, margin = int(height * 1.3), self._margin
        left, top = int(x) + margin - reach // 2, int(bottom) + margin - reach
        turn[0, 2] += x + margin - left - alpha.shape[1] / 2
        turn[1, 2] += bottom + margin - top - alpha.shape[0]
        low = max(0, -left), max(0, -top)
        place = whole[max(0, top) : top + reach, max(0, left) : left + reach]
        cut = np.s_[low[1] : low[1] + place.shape[0], low[0] : low[0] + place.shape[1]]
        mask = cv2.warpAffine(alpha.astype(np.float32), turn, (reach, reach), flags=cv2.INTER_AREA)[cut]
        drawn = cv2.warpAffine(
            colours, turn, (reach, reach), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
        )[cut]
        place[:] = (place + (drawn.astype(np.float32) - place) * mask[..., None]).astype(np.uint8)

    def _view(self, number: int, moved: Event | None) -> Picture:
        """The part of the drawn room that the camera sees: picture to room."""
        dx, dy = self._jitter[:, number]
        turn = np.eye(2, 3)
        if moved:
            angle = math.radians(moved.size * 0.02)
            turn[:, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
            dx, dy = dx + moved.size, dy - moved.size * 0.5
        turn[:, 2] = self._margin + dx * self._scale, self._margin + dy * self._scale
        return turn

    def _with_noise(self, picture: Picture, number: int, grain: float) -> Picture:
        chance = np.random.default_rng((self.plan.seed, number))
        which, across, down = (int(n) for n in chance.integers(0, (3, 64, 64)))
        noise = self._noise[which][down : down + self.plan.height, across : across + self.plan.width]
        if grain != 1:
            noise = (noise * grain).astype(np.int16)
        return cv2.add(picture, noise, dtype=cv2.CV_8U)

    def sound(self) -> Picture:
        """All of the sound, mono, float32: a room's hiss, words and keys; silence where it is injected."""
        random = np.random.default_rng((self.plan.seed, 1))
        count = int(self.plan.length_s * SOUND_RATE)
        wave = random.standard_normal(count, dtype=np.float32)
        wave *= np.float32(10 ** random.uniform(-3.0, -2.2))
        at = 0.0
        while at < self.plan.length_s:
            at += float(random.exponential(20))
            length = float(random.uniform(0.5, 3))
            first = int(at * SOUND_RATE)
            times = np.arange(min(int(length * SOUND_RATE), max(0, count - first))) / SOUND_RATE
            tone = np.sin(2 * np.pi * random.uniform(110, 220) * times)
            tone *= 0.6 + 0.4 * np.sin(2 * np.pi * 4 * times)
            wave[first : first + len(times)] += (0.08 * tone).astype(np.float32)
        for event in self.plan.events:
            if event.kind == "silent":
                wave[int(event.start_s * SOUND_RATE) : int(event.end_s * SOUND_RATE)] = 0
        return wave


def write(plan: Plan, out: Path) -> None:
    """Render and encode `plan`: MP4 with H.264 and AAC, or WebM with VP8 and Opus."""
    room = Room(plan)
    is_mp4 = plan.codec == "h264"
    options = {"movflags": "empty_moov+default_base_moof", "frag_duration": "1000000"} if is_mp4 else {}
    with av.open(str(out), "w", format="mp4" if is_mp4 else "webm", options=options) as target:
        pictures = target.add_stream("libx264" if is_mp4 else "libvpx", rate=plan.fps)
        pictures.width, pictures.height, pictures.pix_fmt = plan.width, plan.height, "yuv420p"
        pictures.bit_rate, pictures.gop_size = plan.bit_rate, max(1, round(plan.key_s * plan.fps))
        pictures.time_base = pictures.codec_context.time_base = Fraction(1, plan.fps)
        rate = str(plan.bit_rate * 3 // 2)
        pictures.options = (
            {"preset": "superfast", "profile": "baseline", "tune": "zerolatency", "maxrate": rate,
             "bufsize": str(plan.bit_rate * 2)}
            if is_mp4 else {"deadline": "realtime", "cpu-used": "8"}
        )
        pictures.codec_context.thread_count = 1
        sound = target.add_stream("aac" if is_mp4 else "libopus", rate=SOUND_RATE, layout="mono")
        sound.bit_rate = 48_000
        wave = room.sound()
        for number in range(room.count):
            frame = av.VideoFrame.from_ndarray(room.picture(number), format="bgr24")
            frame.pts = number
            target.mux(pictures.encode(frame))
            if number % plan.fps == 0:
                for packet in _second(sound, wave, number // plan.fps):
                    target.mux(packet)
        target.mux(pictures.encode(None))
        target.mux(sound.encode(None))


def _second(sound: Any, wave: Picture, second: int) -> Iterator[Any]:
    """Packets of one second of sound."""
    piece = wave[second * SOUND_RATE : (second + 1) * SOUND_RATE]
    if len(piece):
        frame = av.AudioFrame.from_ndarray(np.clip(piece, -1, 1)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SOUND_RATE, second * SOUND_RATE
        yield from sound.encode(frame)
