"""The server's side of the eye: has runs looked at, scans and placements measured (`media.eye` does it)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from evidence_server.media.limits import Limits
from evidence_server.media.measurement import Problem
from evidence_server.media.supervisor import Read, RunWorker

Sight = dict[str, Any]
"""What was seen, as `media.viewing` says it; pictures are JPEG bytes."""

LOOKING = Limits(address_space_bytes=1536 << 20, cpu_s=20)
"""OpenCV and its face model take more addresses than packets do; the last answer of a long scan draws it."""


class Eyes(RunWorker[Sight]):
    """Looks at pictures and sound: the worker in `evidence_server.media.eye`."""

    program = "evidence_server.media.eye"

    async def follow(
        self, name: str, segment: int, before: Sequence[int], container: str, read: Read, **facts: object
    ) -> Sight:
        """Look at one more segment; see :meth:`feed`.  ``facts``: ``kind`` (run, scan, placement) and what
        that one wants to know."""
        return await self.feed(name, segment, before, container, read, **facts)

    async def conclude(self, name: str, **facts: object) -> Sight | None:
        """The answer to a scan or placement that has been read; None if the worker no longer has it.

        Raises:
            MediaWorkerError: the worker failed for reasons of its own.
        """
        return await self.finish(name, **facts)

    def _read(self, reply: Mapping[str, Any]) -> Sight | None:
        seen = reply["seen"]
        if seen is None:
            return None
        sight = dict(seen)
        if "picture" in sight:
            sight["picture"] = base64.b64decode(sight["picture"])
        if "pictures" in sight:
            sight["pictures"] = [one | {"jpeg": base64.b64decode(one["jpeg"])} for one in sight["pictures"]]
        return sight

    def _failed(self, segment: int | None, size: int, problem: Problem) -> Sight:
        """A sight of nothing: `problem` says that nobody could look, which is not that all was well."""
        return {"problem": problem.code, "detail": problem.detail}
