"""The buffer after a kill at any moment: whole, in order, and the same however often it is opened."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pairing.encoding import sha256_b64u
from phone_client.boxes import Slice
from phone_client.buffer import Buffer, BufferFull, BufferLimits, BufferLocked
from phone_client.clock import Instant
from phone_client.encode import RunEncoder
from phone_client.journal import Journal, JournalError
from phone_client.ledger import Happening, LedgerError
from tests.phone.sources import joined, pictures

NOW = Instant(1_000_000, 1_800_000_000_000)
Steps = list[Callable[[Buffer], None]]


@pytest.fixture(scope="module")
def slices() -> list[Slice]:
    """Eight slices of 0.5 s behind the one that declares the tracks."""
    frames = pictures(60, 1_100_000)
    encoder = RunEncoder(pictures(1, 1_100_000)[0], False)
    return [piece for frame in frames for piece in encoder.add(frame)] + encoder.finish()


def recording(slices: list[Slice]) -> Steps:
    """Two runs, the first of two segments: every step leaves the disk as a kill might find it."""

    def append(number: int) -> Callable[[Buffer], None]:
        return lambda buffer: buffer.append(slices[number], NOW)

    return [
        lambda buffer: open_run(buffer),
        *(append(number) for number in range(4)),
        lambda buffer: buffer.seal(),
        *(append(number) for number in range(4, 6)),
        lambda buffer: buffer.note("scan_begin", "none", NOW),
        append(6),
        lambda buffer: buffer.close_run("gap_begin", "camera_lost", NOW),
        lambda buffer: open_run(buffer),
        *(append(number) for number in range(2)),
        lambda buffer: buffer.close_run("stop", "stopped", NOW),
    ]


def open_run(buffer: Buffer) -> None:
    buffer.open_run(NOW, NOW, "boot")


def state_of(buffer: Buffer) -> object:
    """All that the ledger says, comparable."""
    runs = buffer.ledger.runs.values()
    return [(run.number, run.closed, run.bytes, [entry.what for entry in run.entries]) for run in runs]


def check_whole(buffer: Buffer, slices: list[Slice]) -> None:
    """Every run is closed, its segments are what their hashes say and join to the stream's beginning."""
    stream = b"".join(piece.raw for piece in slices)
    for run in buffer.ledger.runs.values():
        assert run.closed
        whole = joined(buffer, run.number)
        assert len(whole) == run.bytes
        assert stream.startswith(whole)
        for entry in run.entries:
            if entry.segment:
                raw = buffer.path_of(entry).read_bytes()
                assert (len(raw), sha256_b64u(raw)) == (entry.segment.length, entry.segment.sha256)
    files = {path.name for path in (buffer.folder / "media").iterdir()}
    assert files == {buffer.path_of(entry).name for entry in buffer.ledger.entries() if entry.segment}


@pytest.fixture(scope="module")
def kills(slices: list[Slice], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """The folder as it was on the disk after each step."""
    base = tmp_path_factory.mktemp("kills")
    copies: list[Path] = []
    with Buffer(base / "live") as buffer:
        for number, step in enumerate(recording(slices)):
            step(buffer)
            copies.append(base / f"after-{number:02d}")
            shutil.copytree(base / "live", copies[-1])
        yield copies


def test_a_kill_after_any_step_loses_nothing_that_was_durable(
    kills: list[Path], slices: list[Slice], tmp_path: Path
) -> None:
    for number, killed in enumerate(kills):
        sizes = [path.stat().st_size for path in (killed / "media").iterdir()]
        # What declares the tracks is no evidence by itself.
        on_disk = sum(size for size in sizes if size != len(slices[0].raw))
        folder = shutil.copytree(killed, tmp_path / str(number))
        with Buffer(folder) as buffer:
            check_whole(buffer, slices)
            kept = sum(path.stat().st_size for path in (folder / "media").iterdir())
            assert kept == on_disk
            once = state_of(buffer)
        with Buffer(folder) as buffer:
            assert state_of(buffer) == once


def test_a_kill_while_a_slice_is_written_keeps_the_slices_before(
    kills: list[Path], slices: list[Slice], tmp_path: Path
) -> None:
    killed = kills[7]  # segment 2 holds slices 4 and 5
    tail = max((killed / "media").iterdir())
    last = len(slices[5].raw)
    whole = tail.stat().st_size
    for cut in [*range(0, last, 97), last - 1]:
        folder = shutil.copytree(killed, tmp_path / str(cut))
        with (folder / "media" / tail.name).open("r+b") as file:
            file.truncate(whole - last + cut)
        with Buffer(folder) as buffer:
            check_whole(buffer, slices)
            assert joined(buffer, 1) == b"".join(piece.raw for piece in slices[:5])
        shutil.rmtree(folder)


def test_a_kill_at_any_byte_of_the_journals_last_line_makes_it_all_or_nothing(
    kills: list[Path], slices: list[Slice], tmp_path: Path
) -> None:
    for number in (0, 5, 8, 10, 11, 14):
        content = (kills[number] / "journal.jsonl").read_bytes()
        begin = content.rstrip(b"\n").rfind(b"\n") + 1
        for end in range(begin, len(content) + 1):
            folder = shutil.copytree(kills[number], tmp_path / "torn")
            (folder / "journal.jsonl").write_bytes(content[:end])
            with Buffer(folder) as buffer:
                check_whole(buffer, slices)
                once = state_of(buffer)
            with Buffer(folder) as buffer:
                assert state_of(buffer) == once
            shutil.rmtree(folder)


def test_after_a_kill_the_old_run_ends_with_a_gap_that_the_next_run_ends(
    kills: list[Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(kills[4], tmp_path / "killed")
    with Buffer(folder) as buffer:
        run = buffer.ledger.runs[1]
        segment, note = run.entries[0].segment, run.entries[1].what
        assert segment is not None
        assert isinstance(note, Happening)
        assert (note.note, note.cause) == ("gap_begin", "crash")
        assert note.mono_ms == segment.mono_ms[1]
        later = Instant(9_000_000, NOW.wall_ms + 8_000)
        buffer.open_run(later, later, "boot")
        back = buffer.ledger.runs[2].entries[0].what
        assert back == Happening("gap_end", "crash", 9_000, NOW.wall_ms + 8_000)


def test_one_recorder_at_a_time(tmp_path: Path) -> None:
    with Buffer(tmp_path), pytest.raises(BufferLocked):
        Buffer(tmp_path)
    Buffer(tmp_path).close()


def test_another_process_is_kept_out_too(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from phone_client.buffer import *\n" \
        "try: Buffer(Path(sys.argv[1]))\nexcept BufferLocked: print('locked')"
    with Buffer(tmp_path):
        command = [sys.executable, "-c", code, str(tmp_path)]
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "locked"


def test_a_line_that_is_damaged_and_not_last_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(b'[{"fact": "run_op\n[]\n')
    with pytest.raises(JournalError, match="line 1"):
        Buffer(tmp_path)
    (tmp_path / "journal.jsonl").write_bytes(b'[{"fact": "dance"}]\n')
    with pytest.raises(LedgerError, match="dance"):
        Buffer(tmp_path)


def test_a_full_disk_keeps_what_is_there(slices: list[Slice], tmp_path: Path) -> None:
    with Buffer(tmp_path) as buffer:
        open_run(buffer)
        # The device that is always full stands in for the disk.
        buffer.path(1, 0).symlink_to("/dev/full")
        with pytest.raises(BufferFull):
            buffer.append(slices[0], NOW)
        buffer.close_run("gap_begin", "storage_full", NOW)
    with Buffer(tmp_path) as buffer:
        assert [entry.what for entry in buffer.ledger.entries()] == [
            Happening("gap_begin", "storage_full", NOW.mono_us // 1_000, NOW.wall_ms)
        ]


def test_the_reserve_of_the_disk_stays_free(slices: list[Slice], tmp_path: Path) -> None:
    with Buffer(tmp_path, BufferLimits(reserve=1 << 62)) as buffer:
        open_run(buffer)
        with pytest.raises(BufferFull):
            buffer.append(slices[0], NOW)
        buffer.note("placed", "none", NOW)  # what is left is for notes and heads


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer") as buffer:
        for path in (buffer.folder, buffer.folder / "media", buffer.folder / "journal.jsonl"):
            assert path.stat().st_mode & 0o077 == 0


def test_the_journal_takes_all_facts_of_a_line_or_none(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append([{"fact": "a"}, {"fact": "b"}])
    journal.append([{"fact": "c"}])
    journal.close()
    content = (tmp_path / "journal.jsonl").read_bytes()
    for end in range(len(content) + 1):
        (tmp_path / "torn.jsonl").write_bytes(content[:end])
        torn = Journal(tmp_path / "torn.jsonl")
        names = "".join(str(fact["fact"]) for fact in torn.facts)
        first = content.index(b"\n") + 1
        assert names == ("" if end < first else "ab" if end < len(content) else "abc")
        torn.append([{"fact": "d"}])
        torn.close()
        again = Journal(tmp_path / "torn.jsonl")
        assert [str(fact["fact"]) for fact in again.facts] == [*names, "d"]
        again.close()
