"""The carry file: what a phone holds, to be brought by hand where its network won't (requirement E12)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pairing.carry import write_carry
from pairing.errors import PairingError
from phone_client.buffer import Buffer
from phone_client.commit import Signer
from phone_client.journal import sync_directory
from phone_client.ledger import Entry


def write_carry_file(
    buffer: Buffer, signer: Signer, to: Path, wall_ms: int, *, everything: bool = False
) -> int:
    """Write all entries, the manifest, and every segment without a receipt; gives how many segments.

    `everything`: those with a receipt too, for a server that was restored from a backup.  What was not signed
    yet is signed now and stays signed: the phone may go on uploading afterwards.  Raises
    PairingError("not_bound"), FileExistsError, OSError."""
    binding = buffer.ledger.binding
    if binding is None:
        raise PairingError("not_bound", "a carry file needs the binding")
    entries = list(buffer.ledger.deliverable())
    signer.sign_next(len(entries))
    owed = [
        entry for entry in entries
        if entry.segment and not entry.deleted and (everything or entry.receipt is None)
    ]
    with to.open("xb") as file:
        try:
            write_carry(
                file, binding["sitting"], binding["generation"], (entry.record or "" for entry in entries),
                signer.manifest(wall_ms), _segments(buffer, owed),
            )
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            to.unlink()  # half a file helps nobody, and would be in the way of the next try
            raise
    sync_directory(to.resolve().parent)
    return len(owed)


def _segments(buffer: Buffer, owed: list[Entry]) -> Iterator[tuple[str, partial[bytes]]]:
    for entry in owed:
        if entry.segment:
            yield entry.segment.sha256, partial(buffer.path_of(entry).read_bytes)
