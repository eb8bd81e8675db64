"""Measuring a bundle's media again, in the same limited worker as the server's (step 8 of `proof`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evidence_server.media.supervisor import MediaWorker
from evidence_server.proof import Finding, Proof, media_reader
from evidence_server.segments import Run


async def measure_again(bundle: Path, proof: Proof) -> None:
    """Adds the finding of step 8 to a proof that holds: each segment read behind what it was read behind."""
    if proof.state is None:
        return
    read_segment = media_reader(bundle)
    compared: list[tuple[str, bool]] = []
    async with MediaWorker() as worker:
        for generation in proof.state.generations:
            for number, segments in generation.runs.items():

                async def read(ordinal: int, segments: Run = segments) -> bytes:
                    return read_segment(segments[ordinal])

                run = f"{generation.number}/{number}"
                for ordinal, segment in enumerate(segments):
                    if segment.measurement is None or segment.source != "camera":
                        continue
                    before = range(ordinal) if segment.read_behind is None else segment.read_behind
                    again = await worker.measure(run, ordinal, before, segment.container, read)
                    then = proof.measurements[generation.number, segment.name]
                    compared.append((f"{number}/{segment.seq}", same(then, again.to_json())))
    proof.findings.append(_finding(compared))
    proof.findings.sort(key=lambda finding: finding.step)


def same(then: Mapping[str, Any], again: Mapping[str, Any]) -> bool:
    """Whether two measurements found the same, by other tools perhaps."""
    return dict(then) | {"tools": None} == dict(again) | {"tools": None}


def _finding(compared: Iterable[tuple[str, bool]]) -> Finding:
    compared = list(compared)
    different = [name for name, agrees in compared if not agrees]
    agreeing = len(compared) - len(different)
    if different:
        return Finding(8, True, f"{agreeing} measurements agree; these differ: {', '.join(different[:20])}")
    return Finding(8, True, f"{agreeing} segments measured again, as before")
