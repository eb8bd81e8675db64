"""Renders a camera file: a room with a desk, a number in every picture, a time code in the sound.

``python -m demo.camera OUT.mp4 --seconds 60`` writes H.264 and AAC in MP4. It stands in for a camera in the
demonstration and in tests, which afterwards count the numbers (:mod:`demo.frames`).
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from demo.framecode import PictureMark, draw_bar, draw_beep
from demo.scene import Film

SAMPLE_RATE = 48_000
_BEEP_LEVEL = 0.25
_ROOM_LEVEL = 0.004


def render(
    out: Path, seconds: int, rate: int = 15, width: int = 640, height: int = 480, seed: int = 1
) -> None:
    """Write a camera file of ``seconds`` with ``rate`` pictures a second; equal arguments, equal film.

    Raises:
        ValueError: a size that is odd or below 160 x 120, or a length that the frame code can't number.
        FileNotFoundError: scikit-image, which carries the photographs, is not installed.
    """
    if width < 160 or height < 120 or width % 2 or height % 2:
        raise ValueError(f"size {width}x{height}: both must be even and at least 160x120")
    if seconds < 1:
        raise ValueError("a camera file lasts at least one second")
    film = Film(width, height, seed)
    random = np.random.default_rng(seed)
    with av.open(str(out), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        pictures = container.add_stream("libx264", rate=rate)
        pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv420p"
        pictures.bit_rate = 1_200_000 * width * height // (640 * 480)
        pictures.gop_size = 2 * rate
        pictures.time_base = pictures.codec_context.time_base = Fraction(1, rate)
        # No B-frames: cameras have none, and decoding order stays the order of showing.
        pictures.options = {"preset": "ultrafast", "bf": "0", "profile": "baseline"}
        sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        sound.bit_rate = 64_000
        for second in range(seconds):
            for number in range(second * rate, (second + 1) * rate):
                picture = film.picture(number / rate)
                bar = draw_bar(PictureMark(number, rate), width, height)
                picture[: bar.shape[0]] = bar[..., None]
                frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
                frame.pts = number
                container.mux(pictures.encode(frame))
            container.mux(_sound_of(second, random, sound))
        container.mux(pictures.encode(None))
        container.mux(sound.encode(None))


def _sound_of(second: int, random: np.random.Generator, sound: AudioStream) -> list[av.Packet[AudioStream]]:
    samples: NDArray[np.float64] = random.normal(0, _ROOM_LEVEL, SAMPLE_RATE)
    beep = draw_beep(second, SAMPLE_RATE)
    samples[: len(beep)] += _BEEP_LEVEL * beep
    frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], format="fltp", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    frame.pts = second * SAMPLE_RATE
    return sound.encode(frame)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="demo.camera", description="Render a numbered camera file.")
    parser.add_argument("out", type=Path, metavar="OUT.mp4")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--size", default="640x480", metavar="WxH")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    try:
        width, height = (int(n) for n in options.size.split("x"))
        render(options.out, options.seconds, options.fps, width, height, options.seed)
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
