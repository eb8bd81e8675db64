"""The command that looks through a recording for what its camera and microphone missed."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from evidence_server.commands.terminal import INCOMPLETE, UNVERIFIED, USAGE, Json, console, fail

if TYPE_CHECKING:
    from evidence_server.media.inspection import Inspection

MODEL = Path(__file__).parents[1] / "vision" / "models" / "face_detection_short_range.tflite"


def inspect(
    recording: Annotated[Path, typer.Argument(metavar="RECORDING", help="MP4 or WebM.")],
    faces: Annotated[bool, typer.Option(help="Count persons, too.")] = True,
    model: Annotated[Path, typer.Option(help="The face finder's network.")] = MODEL,
    picture: Annotated[Path | None, typer.Option(help="Write a timeline to this PNG.")] = None,
    json_: Json = False,
) -> None:
    """Find where a recording does not show what it should; exit 1 if anything was found."""
    # Imported here alone: the commands that are only HTTP clients do without.
    import cv2

    from evidence_server.media.inspection import inspect as look_through
    from evidence_server.vision.presence import FaceFinder

    if not recording.is_file():
        fail(f"There is no file {recording}.", USAGE)
    if faces and not model.is_file():
        fail(f"There is no network {model}: set the project up, or say --no-faces.", USAGE)
    cv2.setNumThreads(1)
    began_s = process_time()
    try:
        finder = FaceFinder(model) if faces else None
        with recording.open("rb") as source:
            found = look_through(source, finder)
    except (ValueError, cv2.error) as error:
        fail(f"{recording} can't be read: {error}", UNVERIFIED)
    cpu_s = process_time() - began_s
    if picture is not None:
        from evidence_server.vision.timeline import draw

        picture.write_bytes(draw(found.spans, found.duration_s))
    if json_:
        print(json.dumps(_json(found, cpu_s)))
    else:
        _print(found, cpu_s)
    raise typer.Exit(INCOMPLETE if found.spans else 0)


def _json(found: Inspection, cpu_s: float) -> dict[str, object]:
    return {
        "spans": [span.to_json() for span in found.spans], "duration_s": round(found.duration_s, 3),
        "cpu_s": round(cpu_s, 3), "looks": found.looks, "undecoded": found.undecoded,
        "problems": list(found.problems),
    }


def _print(found: Inspection, cpu_s: float) -> None:
    table = Table("what", "from", "to", "seconds", "sure")
    for span in found.spans:
        length = f"{span.end_s - span.start_s:.1f}"
        table.add_row(span.kind, _clock(span.start_s), _clock(span.end_s), length, f"{span.confidence:.0%}")
    if found.spans:
        console.print(table)
    for problem in found.problems:
        console.print(f"problem: {problem}", markup=False)
    console.print(
        f"{len(found.spans)} spans in {_clock(found.duration_s)}; {found.looks} key frames looked at, "
        f"{found.undecoded} not decodable; {cpu_s:.1f} s of processor"
    )


def _clock(t_s: float) -> str:
    tenths = round(t_s * 10)
    return f"{tenths // 36_000}:{tenths // 600 % 60:02}:{tenths % 600 / 10:04.1f}"
