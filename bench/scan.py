"""Room scans with known truth: `python -m bench.scan --scans DIR [DIR ...] --json`.

Every clip (as tools render them: NAME.mp4 or .webm beside NAME.json) is measured without and, where its truth
has samples, with DeviceOrientation. The peer is cv2.Stitcher on twelve pictures a turn of a few of the same
clips: how often it makes a panorama of a good scan, and of how many degrees.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.machine import facts
from bench.report import Goal, arguments, tell
from evidence_server.media.clip import Clip
from evidence_server.media.scanning import FACE_MODEL
from evidence_server.vision.presence import FaceFinder
from evidence_server.vision.scan import RoomScan

ANSWERS = {"accept": "accept", "reject": "repeat", "review": "review"}


@dataclass
class Measured:
    """One clip: its truth, what was told without and with sensors, and the processor's seconds without
    them."""

    name: str
    truth: dict[str, Any]
    told: dict[str, Any]
    cpu_s: float
    sensed: dict[str, Any] | None = None
    errors: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def good(self) -> bool:
        """Whether a correct verifier accepts it."""
        return bool(self.truth["verdict"] == "accept")

    @property
    def wanted(self) -> str:
        """What a correct verifier answers."""
        return ANSWERS[self.truth["verdict"]]

    def total_error(self, told: dict[str, Any]) -> float:
        """Degrees between the total told and the true turn at the last measured frame."""
        yaw = told["yaw"]
        return abs(yaw[-1][1] - float(true_yaw(self.truth, [yaw[-1][0]])[0]))

    def sector_iou(self, told: dict[str, Any]) -> float:
        """Intersection over union of the sectors told and the true ones."""
        seen, true = set(told["sectors_covered"]), set(self.truth["sectors"])
        return len(seen & true) / max(1, len(seen | true))


def true_yaw(truth: dict[str, Any], times: list[float]) -> NDArray[np.float64]:
    """The true turn at the given times."""
    frames = truth["frames"]
    return np.interp(times, [frame["t"] for frame in frames], [frame["yaw"] for frame in frames])


def yaw_errors(truth: dict[str, Any], told: dict[str, Any]) -> NDArray[np.float64]:
    """Degrees of error at each frame told."""
    times = [t_s for t_s, _ in told["yaw"]]
    return np.asarray(np.abs(np.array([degrees for _, degrees in told["yaw"]]) - true_yaw(truth, times)))


def measure(clip: Path, truth: dict[str, Any], finder: FaceFinder) -> Measured:
    """Measure one clip both ways."""
    began, scan = time.process_time(), RoomScan(finder)
    for frame in Clip(clip).frames(scan.pace):
        scan.take(frame)
    told = scan.finish().to_json()
    result = Measured(clip.stem, truth, told, time.process_time() - began)
    if truth.get("frames"):
        result.errors = yaw_errors(truth, told)
    if truth.get("orientation"):
        # Of the same pictures: only the judgement differs.
        result.sensed = scan.finish(truth["orientation"]).to_json()
    return result


def clips_of(folders: list[Path]) -> list[tuple[Path, dict[str, Any]]]:
    """All clips with their truth, by folder and name."""
    found = []
    for folder in folders:
        for path in sorted(folder.glob("*.json")):
            truth = json.loads(path.read_text(encoding="utf-8"))
            clip = path.with_name(truth["video"])
            if clip.exists():
                found.append((clip, truth))
    return found


def stitched(clip: Path) -> float | None:
    """Degrees of the panorama that cv2.Stitcher makes of thirty pictures of a clip; None if it refuses."""
    frames = [frame.bgr for frame in Clip(clip).frames()]
    chosen = [frames[int(at)] for at in np.linspace(0, len(frames) - 1, 30)]
    try:
        status, panorama = cv2.Stitcher.create(cv2.Stitcher_PANORAMA).stitch(chosen)
    except cv2.error:
        return None
    if status != cv2.Stitcher_OK:
        return None
    # A spherical panorama is as many pixels wide as its focal length times its angle.
    focal = 1.54 * chosen[0].shape[1] / 2
    return float(np.degrees(panorama.shape[1] / focal))


def decoding(clip: Path) -> float:
    """How many times faster than real time a clip is only decoded and scaled: what is left for measuring."""
    began, decoded = time.process_time(), Clip(clip)
    for _ in decoded.frames():
        pass
    return decoded.duration_s / (time.process_time() - began)


def plot(measured: Measured, folder: Path) -> None:
    """Yaw against truth, and the error, as a picture."""
    width, height, rim = 900, 460, 50
    canvas = np.full((height, width, 3), 255, np.uint8)
    times = np.array([t_s for t_s, _ in measured.told["yaw"]])
    told = np.array([degrees for _, degrees in measured.told["yaw"]])
    true = true_yaw(measured.truth, times.tolist())
    low, high = float(min(told.min(), true.min())), float(max(told.max(), true.max())) + 1

    def line(values: NDArray[np.float64], bottom: float, top: float, colour: tuple[int, int, int]) -> None:
        x = rim + times / max(times[-1], 1e-6) * (width - 2 * rim)
        y = height - rim - (values - bottom) / (top - bottom) * (height - 2 * rim)
        points = np.stack([x, y], axis=1).astype(np.int32)
        cv2.polylines(canvas, [points], False, colour, 2, cv2.LINE_AA)

    cv2.rectangle(canvas, (rim, rim), (width - rim, height - rim), (180, 180, 180), 1)
    line(true, low, high, (60, 160, 60))
    line(told, low, high, (200, 80, 30))
    line(told - true, -5, 5, (60, 60, 220))
    answer = measured.told["accepted"]
    note = f"{measured.name}: {answer}; true green, told blue ({low:.0f}..{high:.0f}), error red (-5..5)"
    cv2.putText(canvas, note, (rim, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (40, 40, 40), 1, cv2.LINE_AA)
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{measured.name}.png"), canvas)


def goals_of(results: list[Measured]) -> list[Goal]:
    """The issue's goals, each with what was measured."""
    good = [each for each in results if each.good and each.truth.get("frames")]
    bad = [each for each in results if each.wanted == "repeat"]
    closed = [each.total_error(each.told) for each in good]
    sensed = [each.total_error(each.sensed) for each in good if each.sensed]
    medians = [float(np.median(each.errors)) for each in good]
    late = [float(np.percentile(each.errors, 95)) for each in good]
    answers = [told for each in bad for told in (each.told, each.sensed) if told]
    accepted = [told for each in good for told in (each.told, each.sensed) if told]
    open_ = [each for each in bad if each.truth.get("reason") == "coverage" and each.sensed]
    speeds = [each.told["duration_s"] / each.cpu_s for each in results if each.told["duration_s"] > 3]
    intervals = [(each.told["net_yaw_interval"], each.truth["net_yaw"]) for each in open_]
    inside = [low <= true <= high for (low, high), true in intervals]
    sector_shares = [each.sector_iou(each.told) for each in good]
    sensed_shares = [each.sector_iou(each.sensed) for each in open_ if each.sensed]
    repeated = [told["accepted"] == "repeat" for told in answers]
    accepted_good = [told["accepted"] == "accept" for told in accepted]
    return [
        Goal("closed scans: error of the total angle, worst", _most(closed), 1.5, 2.5, "degrees"),
        Goal("closed scans: error of the total angle, median", _middle(closed), 0.4, 0.8, "degrees"),
        Goal("the same with DeviceOrientation, worst", _most(sensed), 1.5, 2.5, "degrees"),
        Goal("the same with DeviceOrientation, median", _middle(sensed), 0.4, 0.8, "degrees"),
        Goal("yaw error, median of the worst good scan", _most(medians), 0.5, 1.0, "degrees"),
        Goal("yaw error, 95th percentile of the worst good scan", _most(late), 2.5, 5.0, "degrees"),
        Goal("sectors of closed scans, worst overlap (IoU)", _least(sector_shares), 0.99, 0.95, "", True),
        Goal("sectors of open scans with sensors, worst overlap", _least(sensed_shares), 0.95, 0.9, "", True),
        Goal("open scans whose interval has the true angle", _share(inside), 100, 90, "%", True),
        Goal("bad scans accepted", sum(told["accepted"] == "accept" for told in answers), 0, 0, "answers"),
        Goal("bad scans answered with repeat", _share(repeated), 90, 80, "%", True),
        Goal("good scans accepted", _share(accepted_good), 98, 95, "%", True),
        Goal("speed on one core, all included, median", _middle(speeds), 20, 10, "x real time", True),
    ]


def main() -> None:
    """Measure all clips of the folders and tell."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--scans", type=Path, nargs="+", required=True, help="folders of clips and truth")
    parser.add_argument("--plots", type=Path, help="where plots of yaw against truth are saved")
    parser.add_argument("--label", default="", help="said before each claim, such as 'held out'")
    parser.add_argument("--stitch", type=int, default=3, help="good clips for cv2.Stitcher")
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    finder = FaceFinder(FACE_MODEL)
    results = []
    for clip, truth in clips_of(wanted.scans):
        results.append(measure(clip, truth, finder))
        if wanted.plots and truth.get("frames"):
            plot(results[-1], wanted.plots / clip.parent.name)
    goals = [
        replace(goal, what=f"{wanted.label}: {goal.what}") if wanted.label else goal
        for goal in goals_of(results)
    ]
    tell("scan", facts(wanted.folder), goals, _detail(results, wanted), wanted.json)


def _detail(results: list[Measured], wanted: Any) -> dict[str, object]:
    good = [each for each in results if each.good and each.truth.get("frames")]
    wrong = [
        {"clip": each.name, "of": each.truth["video"], "wanted": each.wanted, "told": each.told["accepted"],
         "with_sensors": each.sensed and each.sensed["accepted"],
         "reasons": each.told["reasons"]}
        for each in results
        if each.told["accepted"] != each.wanted or (each.sensed and each.sensed["accepted"] != each.wanted)
    ]
    worst = sorted(good, key=lambda each: -float(np.percentile(each.errors, 95)))[:5]
    sample = [(clip, truth) for clip, truth in clips_of(wanted.scans) if truth["verdict"] == "accept"]
    peers = [
        {"clip": clip.stem, "true": round(truth["net_yaw"], 1), "stitcher": stitched(clip)}
        for clip, truth in sample[: wanted.stitch]
    ]
    return {
        "clips": len(results), "good": len(good), "bad": sum(each.wanted == "repeat" for each in results),
        "folders": [folder.name for folder in wanted.scans],
        "not_as_wanted": wrong,
        "worst": [
            {"clip": each.name, "total": round(each.total_error(each.told), 2),
             "median": round(float(np.median(each.errors)), 2),
             "p95": round(float(np.percentile(each.errors, 95)), 2)}
            for each in worst
        ],
        "stitcher_degrees": peers,
        "decoding_alone_x_real_time": _middle([decoding(clip) for clip, _ in sample[:5]]),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _most(values: list[float]) -> float:
    return round(max(values, default=float("nan")), 2)


def _least(values: list[float]) -> float:
    return round(min(values, default=float("nan")), 3)


def _middle(values: list[float]) -> float:
    return round(float(np.median(values)), 2) if values else float("nan")


def _share(truths: list[bool]) -> float:
    return round(100 * sum(truths) / len(truths), 1) if truths else float("nan")


if __name__ == "__main__":
    main()
