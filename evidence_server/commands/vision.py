"""The command that looks at a clip."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from evidence_server.commands.terminal import INCOMPLETE, UNVERIFIED, USAGE, Json, console, fail, writing
from evidence_server.media.once import look_once


def scan(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="A room scan, MP4 or WebM.")],
    orientation: Annotated[
        Path | None, typer.Option(metavar="F", help="DeviceOrientation: JSON, [t, alpha, beta, gamma] each.")
    ] = None,
    strip: Annotated[Path | None, typer.Option(metavar="OUT.jpg", help="Draw the room as a strip.")] = None,
    json_: Json = False,
) -> None:
    """Judge a clip as a room scan; exit 1 if it has to be repeated, 3 if it cannot be read."""
    if not clip.is_file():
        fail(f"There is no file {clip}.", USAGE)
    samples = None if orientation is None else _samples(orientation)
    told = look_once("scan", clip, {"orientation": samples, "picture": strip is not None})
    picture = base64.b64decode(told.pop("picture", ""))
    if "unreadable" in told:
        fail(f"{clip} can't be read: {told['unreadable']}", UNVERIFIED)
    if json_:
        print(json.dumps(told))
    else:
        _print(told)
    if strip is not None and picture:
        with writing(strip):
            strip.write_bytes(picture)
    raise typer.Exit(INCOMPLETE if told["accepted"] == "repeat" else 0)


def _samples(path: Path) -> list[list[float]]:
    try:
        samples = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fail(f"{path} cannot be read: {error}", USAGE)
    if not isinstance(samples, list) or not all(isinstance(sample, list) for sample in samples):
        fail(f"{path} is no list of [t, alpha, beta, gamma].", USAGE)
    return samples


def _print(told: dict[str, Any]) -> None:
    low, high = told["net_yaw_interval"]
    console.print(f"scan: {told['accepted']}", markup=False)
    if told["problem"]:
        console.print(f"  media: {told['problem']}", markup=False)
    for reason in told["reasons"]:
        facts = [f"{name} {value}" for name, value in reason.items() if name not in ("code", "answer")]
        line = f"  {reason['answer']}: {reason['code']}" + (f" ({', '.join(facts)})" if facts else "")
        console.print(line, markup=False)
    closed = "closed" if told["closed"] else "not closed"
    console.print(f"  turned {told['net_yaw']:.1f} degrees ({low:.1f} to {high:.1f}), {closed}", markup=False)
    console.print(f"  sectors covered {len(told['sectors_covered'])} of 36, candidate seen "
                  f"{told['face_fraction']:.0%} of {told['duration_s']:.1f} s", markup=False)
