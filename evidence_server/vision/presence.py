"""Finds faces with BlazeFace, run by OpenCV.

The networks and their anchors are MediaPipe's (Bazarevsky et al., "BlazeFace", 2019; model cards,
`face_detection_short_range.pbtxt` and `face_detection_full_range.pbtxt` of MediaPipe, Apache-2.0). Pixels are
in -1..1, boxes relative to the middle of the anchor's cell, in pixels. Short range: 128 x 128; two anchors in
each of 16 x 16 cells, six in each of 8 x 8. Full range: 192 x 192; one anchor in each of 48 x 48 cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from evidence_server.vision.frame import Picture

Floats = NDArray[np.float32]

OVERLAP = 0.3
"""Boxes that share more of their union are the same face (MediaPipe's figure)."""
FAR_MODEL = "face_detection_full_range.tflite"
"""Lies beside the other."""


@dataclass(frozen=True)
class Face:
    """A face's box in fractions of the picture's width and height, and the network's confidence (0..1)."""

    x: float
    y: float
    width: float
    height: float
    score: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box."""
        return self.x + self.width / 2, self.y + self.height / 2


class _Network:
    """One of the networks: its square input of `side` pixels, cells along a side and anchors in each in the
    order of its outputs, and the outputs' names (boxes, confidence)."""

    def __init__(
        self, model: Path, side: int, cells: Sequence[tuple[int, int]], outputs: tuple[str, str]
    ) -> None:
        # OpenCV 5.0's new engine loses the second of the network's two outputs, and its loader from
        # memory ignores the engine asked for.
        self._net = cv2.dnn.readNetFromTFLite(str(model), engine=cv2.dnn.ENGINE_CLASSIC)
        self._side, self._outputs = side, list(outputs)
        self._centres = _anchor_centres(cells)

    def find(self, bgr: Picture, threshold: float) -> list[Face]:
        height, width = bgr.shape[:2]
        side = max(height, width)
        pad_x, pad_y = (side - width) // 2, (side - height) // 2
        square = cv2.copyMakeBorder(
            bgr, pad_y, side - height - pad_y, pad_x, side - width - pad_x, cv2.BORDER_CONSTANT
        )
        size = self._side, self._side
        blob = cv2.dnn.blobFromImage(square, 1 / 127.5, size, (127.5, 127.5, 127.5), swapRB=True)
        self._net.setInput(blob)
        boxes, logits = self._net.forward(self._outputs)
        relative = cast(Floats, boxes[0] / np.float32(self._side))
        found = _faces(relative, cast(Floats, logits[0, :, 0]), self._centres, threshold)
        scale_x, scale_y = side / width, side / height
        return [
            Face(
                face.x * scale_x - pad_x / width, face.y * scale_y - pad_y / height,
                face.width * scale_x, face.height * scale_y, face.score,
            )
            for face in found
        ]


class FaceFinder:
    """Both networks, loaded; not for several threads at once."""

    SIDE, FAR_SIDE = 128, 192
    """Pixels of their square inputs: of more, one sees no more."""

    def __init__(self, model: Path) -> None:
        """Load `model`, `face_detection_short_range.tflite`, and :data:`FAR_MODEL` beside it. Raises
        cv2.error if they are none."""
        self._near = _Network(model, self.SIDE, ((16, 2), (8, 6)), ("regressors", "classificators"))
        self._far = _Network(
            model.with_name(FAR_MODEL), self.FAR_SIDE, ((48, 1),),
            ("reshaped_regressor_face_4", "reshaped_classifier_face_4"),
        )

    def find(self, bgr: Picture, threshold: float) -> list[Face]:
        """The faces of a picture whose confidence reaches `threshold`, best first.

        Faces have to be a sixth of the picture's longer side: of 0.16 the network finds all, of 0.12 half.
        """
        return self._near.find(bgr, threshold)

    def find_far(self, bgr: Picture, threshold: float) -> list[Face]:
        """The same for faces that are half as wide, in twice the time; it is less sure of large ones."""
        return self._far.find(bgr, threshold)


def _anchor_centres(all_cells: Sequence[tuple[int, int]]) -> Floats:
    """Of each anchor's cell x and y, in fractions of the square."""
    centres = []
    for cells, anchors in all_cells:
        along = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        rows, columns = np.meshgrid(along, along, indexing="ij")
        centres.append(np.repeat(np.stack([columns.ravel(), rows.ravel()], 1), anchors, axis=0))
    return np.concatenate(centres)


def _faces(boxes: Floats, logits: Floats, centres: Floats, threshold: float) -> list[Face]:
    """Place the boxes that are confident enough and merge those of the same face, weighed by confidence."""
    kept = np.flatnonzero(logits >= np.log(threshold / (1 - threshold)))
    kept = kept[np.argsort(-logits[kept], kind="stable")]
    middle = centres[kept] + boxes[kept, :2]
    size = boxes[kept, 2:4]
    corners = np.concatenate([middle - size / 2, middle + size / 2], axis=1)
    weights = 1 / (1 + np.exp(-logits[kept]))
    faces = []
    while len(corners):
        same = _overlap(corners[0], corners) > OVERLAP
        same[0] = True
        left, top, right, bottom = np.average(corners[same], axis=0, weights=weights[same]).tolist()
        faces.append(Face(left, top, right - left, bottom - top, float(weights[0])))
        corners, weights = corners[~same], weights[~same]
    return faces


def _overlap(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box with each of the others."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return cast(Floats, shared / np.maximum(areas - shared, 1e-9))


def appearance(bgr: Picture, face: Face) -> Floats:
    """Face and collar as 216 figures: how each of 12 x 18 points differs in brightness from those around it.

    Light from another side changes them little, another face much: see `ScanThresholds.changed`.
    """
    height, width = bgr.shape[:2]
    across, down = 1.5 * face.width * width / 24, 2.2 * face.height * height / 36
    left, top = (face.centre[0] - 0.75 * face.width) * width, (face.y - 0.3 * face.height) * height
    points = np.array([[across, 0, left], [0, down, top]], np.float64)
    part = cv2.warpAffine(
        bgr, points, (24, 36), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
    )
    grey = cv2.GaussianBlur(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY).astype(np.float32), (0, 0), 1.2)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 5)
    spread = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 5)) + 4
    return np.asarray((fine / spread)[::2, ::2].ravel(), np.float32)


@dataclass(frozen=True)
class Glimpse:
    """What may be the face of somebody who stands in the room."""

    face: Face
    """As the near network found it."""
    score: float
    """The sum of both networks' confidence, 0..2."""
    turn: float
    """How far the camera had turned: apparent degrees, growing to the right."""
    bearing: float
    """In which direction of the room it is, in such degrees."""


@dataclass(frozen=True)
class Sighting:
    """Who was seen in one picture: the candidate, if there, and everybody else."""

    t_s: float
    candidate: Face | None
    others: tuple[Face, ...]
    appearance: Floats | None = None
    """What the candidate looks like (see :func:`appearance`)."""
    turned: float | None = None
    """How much surer the network is of a face with the picture upside down; None where that was not tried."""
    distant: tuple[Glimpse, ...] = ()
    """Small faces (see `distant.py`), the candidate's not among them."""


class Watch:
    """Follows the candidate's face from picture to picture and tells others apart.

    The candidate turns with the phone and stays in place in the picture, others pass through it: so the
    candidate is the face nearest to where it was, never simply the largest.
    """

    REACH = 0.22
    """Furthest the candidate's face moves between two looks, in fractions of the picture's width."""
    TURNED_EVERY = 6
    """Looks from one at the picture upside down to the next: the network sees faces in both, and is surer of
    upright ones."""
    BESIDES = 0.3
    """How much less sure than the surest face the candidate's may be at first: a pattern in a hall had 0.50
    beside a face of 0.95."""
    LOST_LOOKS = 5
    """Looks without the candidate after which anybody may be it."""

    def __init__(self, finder: FaceFinder, confident: float, doubtful: float) -> None:
        """`confident`: from which confidence a face is the candidate's first; `doubtful`: one where it was
        before."""
        self._finder = finder
        self._confident, self._doubtful = confident, doubtful
        self._last: Face | None = None
        self._lost = 0
        self._looks = 0

    @property
    def candidate(self) -> Face | None:
        """The candidate's face where it was seen last; None before it was seen at all."""
        return self._last

    def look(self, t_s: float, bgr: Picture) -> Sighting:
        """Find the faces in the part of the picture where people are."""
        part, top = self._part(bgr)
        faces = self._find(part, top, bgr.shape[0])
        candidate = self._choose(faces)
        if candidate is None:
            self._lost += 1
        else:
            self._last, self._lost = candidate, 0
        others = tuple(face for face in faces if face is not candidate)
        looks = None if candidate is None else appearance(bgr, candidate)
        turned = None
        if self._looks % self.TURNED_EVERY == 0:
            other_way_up = cast(Picture, cv2.rotate(part, cv2.ROTATE_180))
            turned = _surest(self._finder.find(other_way_up, self._doubtful)) - _surest(faces)
        self._looks += 1
        return Sighting(t_s, candidate, others, looks, turned)

    def _choose(self, faces: list[Face]) -> Face | None:
        if self._last is not None and self._lost <= self.LOST_LOOKS:
            x, y = self._last.centre
            near = [face for face in faces if np.hypot(face.centre[0] - x, face.centre[1] - y) < self.REACH]
            return min(near, key=lambda face: abs(face.centre[0] - x) + abs(face.centre[1] - y), default=None)
        least = max(self._confident, _surest(faces) - self.BESIDES)
        sure = [face for face in faces if face.score >= least]
        return max(sure, key=lambda face: face.width * (1 - abs(face.centre[0] - 0.5)), default=None)

    def _part(self, bgr: Picture) -> tuple[Picture, int]:
        """A square as wide as the picture, and its first row.

        In the whole of an upright picture faces are too small for the network.
        """
        height, width = bgr.shape[:2]
        if height <= width:
            return bgr, 0
        middle = 0.58 if self._last is None else self._last.centre[1]
        if self._lost:
            # Look higher and lower in turn for whoever has moved.
            middle = (0.36, 0.58, 0.74)[self._lost % 3]
        top = int(np.clip(middle * height - width / 2, 0, height - width))
        return cast(Picture, np.ascontiguousarray(bgr[top : top + width])), top

    def _find(self, part: Picture, top: int, height: int) -> list[Face]:
        scale = part.shape[0] / height
        return [
            Face(face.x, face.y * scale + top / height, face.width, face.height * scale, face.score)
            for face in self._finder.find(part, self._doubtful)
        ]


def _surest(faces: list[Face]) -> float:
    return max((face.score for face in faces), default=0.0)
