"""Measuring a bundle's media again, in the same limited worker as the server's (step 8 of `proof`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evidence_server.media.supervisor import MediaWorker
from evidence_server.proof import Proof, compare_measurements, media_reader
from evidence_server.sitting import Segment


async def measure_again(bundle: Path, proof: Proof) -> None:
    """Adds the finding of step 8 to a proof that holds: each segment read behind what it was read behind."""
    if proof.state is None:
        return
    read_segment = media_reader(bundle)
    pairs: list[tuple[Segment, Mapping[str, Any]]] = []
    async with MediaWorker() as worker:
        for generation in proof.state.generations:
            for number, segments in generation.runs.items():

                async def read(ordinal: int, segments: list[Segment] = segments) -> bytes:
                    return read_segment(segments[ordinal])

                run = f"{generation.number}/{number}"
                for ordinal, segment in enumerate(segments):
                    if segment.measurement is None or segment.head.source != "camera":
                        continue
                    before = range(ordinal) if segment.read_behind is None else segment.read_behind
                    again = await worker.measure(run, ordinal, before, segment.head.container, read)
                    pairs.append((segment, again.to_json()))
    proof.findings.append(compare_measurements(pairs))
    proof.findings.sort(key=lambda finding: finding.step)
