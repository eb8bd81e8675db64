"""Receive: what became of uploads, for the tus shell: the signed head is the creation (protocol §4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evidence_server.identity import Identity
from evidence_server.register import Register
from evidence_server.upload import Upload
from pairing.encoding import from_b64u
from pairing.errors import PairingError
from pairing.jws import sign
from pairing.receipt import Receipt

RECEIPT_HEADER = "Evidence-Receipt"


class SegmentUploads:
    """Owns the uploads of committed segments.  `on_stored(sitting)` is called after each receipt."""

    def __init__(self, register: Register, identity: Identity, on_stored: Callable[[str], None]) -> None:
        self._register = register
        self._identity = identity
        self._on_stored = on_stored

    async def find(self, upload_id: str) -> Upload | None:
        """The upload whose head was committed under this address."""
        name = await self._register.journal.find("upload", upload_id)
        if name is None:
            return None
        return await self.of_segment(name.sitting, name.of)

    async def of_segment(self, sitting: str, head: str) -> Upload:
        """The upload of a committed segment.  Raises PairingError("upload_unknown")."""
        found = (await self._register.look(sitting)).find_segment(head)
        if found is None:
            raise PairingError("upload_unknown", head)
        _, segment = found
        return Upload(
            self._identity.upload(head), sitting, segment.name, segment.length,
            from_b64u(segment.sha256).hex(), last_write_ms=segment.committed_at_ms,
        )

    async def finished(self, upload: Upload) -> Mapping[str, str]:
        """Journals that the object is durable and gives its receipt; the same receipt ever after.

        A crash before the event leaves a durable object without a receipt: the phone asks again, the shell
        calls again, and the event is written then.
        """
        async with self._register.hold(upload.sitting) as held:
            found = held.state.find_segment(upload.name)
            if found is None:
                raise PairingError("upload_unknown", upload.upload_id)
            generation, segment = found
            if segment.stored_at_ms is None:
                at_ms = held.at_ms()
                receipt = segment.receipt(upload.sitting, at_ms)
                record = sign(self._identity.signing, Receipt.TYP, receipt.to_claims())
                await held.append(("stored", {
                    "generation": generation.number, "head": segment.name, "sha256": segment.sha256,
                    "length": segment.length, "receipt": record,
                }), at_ms=at_ms)
                self._on_stored(upload.sitting)
                return {RECEIPT_HEADER: record}
            return {RECEIPT_HEADER: await self._register.receipt(upload.sitting, segment)}
