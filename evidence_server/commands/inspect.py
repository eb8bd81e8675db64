"""The command that looks through a recording for what its camera and microphone missed."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from evidence_server.commands.terminal import INCOMPLETE, UNVERIFIED, USAGE, Json, console, fail, writing
from evidence_server.media.once import look_once


def inspect(
    recording: Annotated[Path, typer.Argument(metavar="RECORDING", help="MP4 or WebM.")],
    picture: Annotated[
        Path | None, typer.Option(metavar="OUT.png", help="Also draw the timeline.")
    ] = None,
    json_: Json = False,
) -> None:
    """Find where a recording does not show what it should; exit 1 if that is anywhere, 3 if unreadable."""
    if not recording.is_file():
        fail(f"There is no file {recording}.", USAGE)
    told = look_once("inspect", recording, {"picture": picture is not None})
    drawn = base64.b64decode(told.pop("picture", ""))
    if "unreadable" in told:
        fail(f"{recording} can't be read: {told['unreadable']}", UNVERIFIED)
    if json_:
        print(json.dumps(told))
    else:
        _print(told)
    if picture is not None:
        with writing(picture):
            picture.write_bytes(drawn)
    raise typer.Exit(INCOMPLETE if told["spans"] or told["unchecked"] else 0)


def _print(told: dict[str, Any]) -> None:
    table = Table("what", "from", "to", "seconds", "sure")
    for span in told["spans"]:
        length = f"{span['end'] - span['start']:.1f}"
        table.add_row(
            span["kind"], _clock(span["start"]), _clock(span["end"]), length, f"{span['confidence']:.0%}"
        )
    if told["spans"]:
        console.print(table)
    for start_s, end_s in told["unchecked"]:
        console.print(f"no picture to look at from {_clock(start_s)} to {_clock(end_s)}")
    for problem in told["problems"]:
        console.print(f"problem: {problem}", markup=False)
    console.print(
        f"{len(told['spans'])} spans in {_clock(told['duration_s'])}; {told['looks']} key frames looked at, "
        f"{told['undecoded']} not decodable; {told['cpu_s']:.1f} s of processor"
    )


def _clock(t_s: float) -> str:
    tenths = round(t_s * 10)
    return f"{tenths // 36_000}:{tenths // 600 % 60:02}:{tenths % 600 / 10:04.1f}"
