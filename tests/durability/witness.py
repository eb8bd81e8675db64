"""Reads what `witness.c` wrote down, and judges whether an answer was given too early.

Every rule reads the log alone.  A file's bytes are durable at a moment if a sync of it that began after they
were written was over by then; a name, if its folder was synced so, and the folder's own name too, up to the
data folder.  An event is known by its hash: the page of the journal's log that bears it must be synced.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).with_name("witness.c")


@dataclass(frozen=True)
class Call:
    """One line: `what` is write, name, sync (it begins), synced (it is done) or send."""

    what: str
    inode: int
    path: str
    content: bytes


@dataclass
class Preload:
    """The compiled witness, and the server's environment with it; `log` is what it writes."""

    library: Path
    root: Path
    log: Path
    sign: Path

    @classmethod
    def compiled(cls, folder: Path, root: Path) -> Preload:
        """Compiles it into `folder`, to watch the files below `root`."""
        library = folder / "witness.so"
        flags = ("-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC")
        subprocess.run(["gcc", *flags, "-o", library, SOURCE, "-ldl"], check=True)
        return cls(library, root, folder / "witness.log", folder / "disk-is-full")

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to be watched."""
        return dict(os.environ) | {
            "LD_PRELOAD": str(self.library), "WITNESS_ROOT": str(self.root), "WITNESS_LOG": str(self.log),
            "DISK_FULL": str(self.sign),
        }

    @contextlib.contextmanager
    def full_disk(self, part_of_path: str = "") -> Iterator[None]:
        """During the block nothing that needs room succeeds, in files with this in their path."""
        self.sign.write_text(part_of_path)
        try:
            yield
        finally:
            self.sign.unlink()

    def heard(self) -> Log:
        """All that was written down so far."""
        calls = []
        for line in self.log.read_text().splitlines():
            what, inode, path, content = line.split("\t")
            calls.append(Call(what, int(inode), path, bytes.fromhex(content)))
        return Log(calls, self.root)


@dataclass(frozen=True)
class Log:
    """The calls in their order.  A moment is an index in `calls`: what stands before it was over."""

    calls: Sequence[Call]
    root: Path
    complaints: list[str] = field(default_factory=list)

    def answers(self) -> list[int]:
        """The moments at which answers were sent."""
        return [number for number, call in enumerate(self.calls) if call.what == "send"]

    def without_syncs(self, part_of_path: str) -> Log:
        """The log of a server that does not sync files or folders with this in their path."""
        kept = [
            call for call in self.calls
            if not (call.what in {"sync", "synced"} and call.path.endswith(part_of_path))
        ]
        return Log(kept, self.root)

    # --- what must have been durable ---------------------------------------------------------------------

    def require_file(self, path: Path, moment: int) -> None:
        """Bytes and name of `path`, and the names of the folders it is in."""
        named = self._last(moment, "name", path=str(path))
        if named is None:
            self.complaints.append(f"{self._told(path)}: there was no such name")
            return
        inode = self.calls[named].inode
        written = self._last(moment, "write", inode=inode)
        if written is not None and not self._synced_after(written, moment, inode=inode):
            self.complaints.append(f"{self._told(path)}: bytes were not synced")
        self._require_name(path, named, moment)

    def require_event(self, event: str, moment: int, after: Path | None = None) -> None:
        """The event with this hash is in the journal's log, and that is synced; its own name is, too.

        `after`: only when this file's last name had become durable was the event written."""
        log = self.root / "journal.sqlite-wal"
        # A text may lie on two pages: then one half of it lies on one.
        halves = (event[:21].encode(), event[22:].encode())
        written = next((
            number for number, call in enumerate(self.calls[:moment])
            if call.what == "write" and call.path == str(log) and any(half in call.content for half in halves)
        ), None)
        if written is None:
            self.complaints.append("event: it was not written")
            return
        if not self._synced_after(written, moment, inode=self.calls[written].inode):
            self.complaints.append("event: it was not synced")
        named = self._last(moment, "name", path=str(log))
        if named is not None:
            self._require_name(log, named, moment)
        if after is not None:
            before = Log(self.calls[:written], self.root)
            before.require_file(after, written)
            self.complaints.extend(f"before its event: {complaint}" for complaint in before.complaints)

    def _require_name(self, path: Path, named: int, moment: int) -> None:
        folder = path.parent
        if not self._synced_after(named, moment, path=str(folder)):
            self.complaints.append(f"{self._told(path)}: the name was not synced")
        made = self._last(moment, "name", path=str(folder))
        if made is not None and folder != self.root:
            self._require_name(folder, made, moment)

    def _last(
        self, moment: int, what: str, *, path: str | None = None, inode: int | None = None
    ) -> int | None:
        for number in range(moment - 1, -1, -1):
            call = self.calls[number]
            if call.what == what and path in {None, call.path} and inode in {None, call.inode}:
                return number
        return None

    def _synced_after(
        self, done: int, moment: int, *, path: str | None = None, inode: int | None = None
    ) -> bool:
        begun = 0
        for call in self.calls[done + 1 : moment]:
            if path in {None, call.path} and inode in {None, call.inode}:
                begun += call.what == "sync"
                # One that was under way when the bytes were written does not cover them.
                if call.what == "synced" and begun:
                    return True
        return False

    def _told(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()
