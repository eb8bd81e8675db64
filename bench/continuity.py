"""Continuity: injected events found, false alarms, and speed, against plain ffmpeg filters in the same run.

Recordings are rendered by `bench.rooms`; events are put into pictures and sound at random times before
encoding.  Undisturbed recordings are rendered cheaply (640 x 360, two pictures a second, a key frame every
two seconds as ever), those with events at five or fifteen; speed is measured on 720p15.
`--keep DIR` keeps what was rendered for the next run; `--scenes DIR` takes panoramas (`--faces DIR`: cut-out
persons) for every other room instead of scikit-image's photographs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
from av.filter import Graph

from bench.machine import facts
from bench.report import Goal, arguments, scratch, tell
from bench.rooms import Event, Plan, write
from evidence_server.media.inspection import Inspection, inspect
from evidence_server.vision.presence import FaceFinder
from evidence_server.vision.spans import KINDS, Span

SIZES = {
    "black": (1, 1), "covered": (0.6, 4), "frozen": (1, 1), "repeated": (8, 15), "moved": (14, 120),
    "absent": (1, 1), "people": (1, 1), "blurred": (4, 9), "dark": (0.1, 0.25), "silent": (1, 1),
}
"""How strong injected events are: a cover's light, seconds repeated, pixels of 1280, sigma, light."""
TOLERANCE_S = 2.0
"""Beyond one interval between key frames, at both edges."""
FIRST_SEED = 1000
CALM_ROOMS, CALM_S = 12, 610
EVENT_RECORDINGS, EVENT_S = 14, 240
MODEL = Path(__file__).parents[1] / "evidence_server/vision/models/face_detection_short_range.tflite"


@dataclass(frozen=True)
class Outcome:
    """What became of one recording's events."""

    name: str
    found: tuple[Event, ...]
    missed: tuple[tuple[Event, Span | None], ...]
    false: tuple[Span, ...]
    edges_s: tuple[float, ...]


def events_of(seed: int, length_s: float) -> tuple[Event, ...]:
    """Events of 8 to 20 s at random times, 14 to 25 s apart, the first after half a minute."""
    chance = random.Random(seed)
    kinds = list(SIZES) * 3
    chance.shuffle(kinds)
    events: list[Event] = []
    at, undisturbed_since = 30 + chance.uniform(0, 5), 0.0
    for kind in kinds:
        length = chance.uniform(8, 20)
        if at + length > length_s - 8:
            break
        size = chance.uniform(*SIZES[kind])
        if kind == "repeated":
            # loops whose length is a whole number of key-frame intervals: others are not seen soon
            size = min(size, at - undisturbed_since - 1) // 2 * 2
        events.append(Event(kind, round(at, 2), round(at + length, 2), round(size, 2)))
        undisturbed_since = at + length
        at = undisturbed_since + chance.uniform(14, 25)
    return tuple(events)


def plan_of(seed: int, asked: argparse.Namespace, calm: bool) -> Plan:
    """A recording: every other one in a panorama if there are any, every third in WebM."""
    chance = random.Random(-seed)
    scenes = sorted(asked.scenes.glob("*.jpg")) if asked.scenes else []
    faces = sorted(asked.faces.glob("*.png")) if asked.faces else []
    in_scene = scenes and seed % 2
    fps = 2 if calm else 15 if seed % 5 == 0 else 5
    return Plan(
        seed, CALM_S if calm else EVENT_S, fps=fps, width=640, height=360, bit_rate=400_000,
        events=() if calm else events_of(seed, EVENT_S), codec="vp8" if seed % 3 == 2 else "h264",
        noise=chance.uniform(1.5, 4.5), face_shown=chance.uniform(0.3, 0.9),
        panorama=scenes[seed % len(scenes)] if in_scene else None,
        face=faces[seed % len(faces)] if in_scene and faces else None,
        second_face=faces[(seed + 1) % len(faces)] if in_scene and faces else None,
    )


def rendered(plan: Plan, folder: Path, name: str) -> Path:
    """The recording's file, rendered if it is not there."""
    path = folder / f"{name}{plan.seed}.{'mp4' if plan.codec == 'h264' else 'webm'}"
    if not path.exists():
        unfinished = path.with_suffix(".part")
        write(plan, unfinished)
        unfinished.rename(path)
    return path


def judged(name: str, plan: Plan, found: Sequence[Span]) -> Outcome:
    """Which events have a span of their kind with both edges near enough, and which spans have no event."""
    tolerance_s = plan.key_s + TOLERANCE_S
    left, hits, missed, edges = list(found), [], [], []
    for event in plan.events:
        near = [
            span for span in left if span.kind == event.kind
            and span.start_s < event.end_s + tolerance_s and span.end_s > event.start_s - tolerance_s
        ]
        best = min(near, key=lambda span: _edge_s(span, event), default=None)
        if best is not None:
            left.remove(best)
            edges.append(_edge_s(best, event))
        if best is not None and _edge_s(best, event) <= tolerance_s:
            hits.append(event)
        else:
            missed.append((event, best))
    return Outcome(name, tuple(hits), tuple(missed), tuple(left), tuple(edges))


def _edge_s(span: Span, event: Event) -> float:
    return max(abs(span.start_s - event.start_s), abs(span.end_s - event.end_s))


def inspected(path: Path, model: Path) -> tuple[Inspection, float]:
    """What `inspect` finds, and its processor seconds."""
    finder = FaceFinder(model)
    began_s = time.process_time()
    with path.open("rb") as source:
        found = inspect(source, finder)
    return found, time.process_time() - began_s


def filtered(path: Path, plan: Plan) -> tuple[dict[str, int], float]:
    """How many black and frozen events ffmpeg's filters find with their defaults, and processor seconds."""
    spans: dict[str, list[tuple[float, float]]] = {"black": [], "freeze": []}
    began_s = time.process_time()
    with av.open(str(path)) as opened:
        stream = opened.streams.video[0]
        stream.codec_context.thread_count = 1
        graph = Graph()
        source = graph.add_buffer(template=stream)
        black = graph.add("blackdetect", "d=2")
        freeze = graph.add("freezedetect", "d=2")
        sink = graph.add("buffersink")
        source.link_to(black)
        black.link_to(freeze)
        freeze.link_to(sink)
        graph.configure()
        began: dict[str, float] = {}
        for frame in opened.decode(stream):
            graph.vpush(frame)
            while True:
                try:
                    out = graph.vpull()
                except (BlockingIOError, EOFError):
                    break
                for key, value in out.metadata.items():
                    what, _, edge = key.removeprefix("lavfi.").replace("detect.freeze", "").rpartition("_")
                    what = "black" if "black" in what else "freeze"
                    if edge == "start":
                        began[what] = float(value)
                    elif edge == "end" and what in began:
                        spans[what].append((began.pop(what), float(value)))
    cpu_s = time.process_time() - began_s
    hits = {}
    for kind, what in (("black", "black"), ("frozen", "freeze")):
        events = [event for event in plan.events if event.kind == kind]
        hits[kind] = sum(
            any(abs(start - event.start_s) <= 4 and abs(end - event.end_s) <= 4 for start, end in spans[what])
            for event in events
        )
        hits[f"{kind} of"] = len(events)
    hits["false"] = max(0, sum(map(len, spans.values())) - hits["black"] - hits["frozen"])
    return hits, cpu_s


def main() -> None:
    """Run and tell."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--scenes", type=Path, help="panoramas, *.jpg")
    parser.add_argument("--faces", type=Path, help="persons cut out, *.png")
    parser.add_argument("--keep", type=Path, help="where rendered recordings are kept")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--events", type=int, default=EVENT_RECORDINGS, help="recordings with events")
    parser.add_argument("--rooms", type=int, default=CALM_ROOMS, help="undisturbed recordings")
    parser.add_argument("--seed", type=int, default=FIRST_SEED)
    parser.add_argument("--render-only", action="store_true")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    folder = asked.keep or scratch(asked.folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _measure(asked, folder)
    finally:
        if not asked.keep:
            shutil.rmtree(folder)


def _measure(asked: argparse.Namespace, folder: Path) -> None:
    eventful = [plan_of(asked.seed + number, asked, calm=False) for number in range(asked.events)]
    calm = [plan_of(asked.seed + 500 + number, asked, calm=True) for number in range(asked.rooms)]
    fast = Plan(asked.seed + 900, 100, events=events_of(asked.seed + 900, 100))
    plans = [("fast-", fast)] + [("calm-", plan) for plan in calm] + [("events-", plan) for plan in eventful]
    outcomes: list[Outcome] = []
    calm_s = 0.0
    peer_hits: Counter[str] = Counter()
    for name, plan in plans:
        path = rendered(plan, folder, name)
        if asked.render_only:
            continue
        found, cpu_s = inspected(path, asked.model)
        outcomes.append(judged(path.name, plan, found.spans))
        calm_s += found.duration_s if name == "calm-" else 0
        if name != "calm-":
            hits, peer_s = filtered(path, plan)
            peer_hits.update(hits)
        if name == "fast-":
            speed, peer_speed = found.duration_s / cpu_s, found.duration_s / peer_s
    if asked.render_only:
        return
    kinds = {kind: _of_kind(outcomes, kind) for kind in KINDS}
    false = [f"{one.name}: {span.to_json()}" for one in outcomes for span in one.false]
    calm_false = sum(len(one.false) for one in outcomes if one.name.startswith("calm-"))
    found_share = sum(hit for hit, _ in kinds.values()) / max(1, sum(total for _, total in kinds.values()))
    edges = sorted(edge for one in outcomes for edge in one.edges_s)
    goals = [
        Goal("injected events found within a key-frame interval + 2 s", round(found_share, 3), 1, 0.9, "",
             more_is_better=True, peer=_peer(peer_hits)),
        Goal(f"alarms in {calm_s / 3600:.2f} h undisturbed, {len(calm)} rooms", calm_false, 0, 1, ""),
        Goal("speed on 720p15 with sound, one core", round(speed), 300, 150, "× real time",
             more_is_better=True, peer=f"{peer_speed:.0f} ×"),
    ]
    detail: dict[str, object] = {
        "kinds": {kind: f"{hit} of {total}" for kind, (hit, total) in kinds.items()},
        "edge_error_s": {"median": _at(edges, 0.5), "p95": _at(edges, 0.95)},
        "missed": [
            f"{one.name}: {event.kind} {event.start_s}-{event.end_s} size {event.size}, "
            f"found {span.to_json() if span else None}"
            for one in outcomes for event, span in one.missed
        ],
        "false": false, "calm_s": round(calm_s), "scenes": bool(asked.scenes), "seed": asked.seed,
    }
    machine = facts(asked.folder) | {"av": av.__version__, "cv2": cv2.__version__}
    tell("continuity", machine, goals, detail, asked.json)


def _peer(hits: Counter[str]) -> str:
    found = ", ".join(f"{hits[kind]} of {hits[f'{kind} of']} {kind}" for kind in ("black", "frozen"))
    return f"blackdetect, freezedetect: {found}, {hits['false']} other spans"


def _of_kind(outcomes: Sequence[Outcome], kind: str) -> tuple[int, int]:
    hits = sum(event.kind == kind for one in outcomes for event in one.found)
    return hits, hits + sum(event.kind == kind for one in outcomes for event, _ in one.missed)


def _at(ordered: Sequence[float], part: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 2) if ordered else None


if __name__ == "__main__":
    main()
