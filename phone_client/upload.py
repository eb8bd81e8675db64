"""Media to the server by tus 1.0 (tuspy), segment by segment: resumable after anything.

tuspy resumes from the server's offset and does the protocol; what a phone needs besides is added here:
time limits on every socket operation (tuspy sets none and would hang on a dead network), the receipt that
comes with the last answer, and the server's Retry-After.
"""

from __future__ import annotations

import asyncio
import io
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

import requests
from joserfc.jwk import ECKey, OKPKey
from tusclient.request import TusRequest
from tusclient.uploader.uploader import Uploader

from pairing.chain import read_entry
from pairing.encoding import sha256_b64u
from pairing.errors import Fault, PairingError
from pairing.messages import Head
from pairing.receipt import check_receipt
from phone_client.buffer import Buffer
from phone_client.ledger import Entry
from phone_client.pacing import Pacer, Pacing, Signal
from phone_client.server import Server, TryLater, refusal

CONNECT_S = 10.0
STALL_S = 20.0
"""No byte moves for this long: the connection is dead."""

_RECEIPT = "evidence-receipt"
_BARE_REFUSALS = MappingProxyType({404: "upload_unknown", 409: "upload_taken_over", 410: "upload_gone"})


class _Patch(TusRequest):
    """One PATCH of what is left of a segment, sent in small blocks so that a stall is noticed."""

    def __init__(self, uploader: _Tus) -> None:
        super().__init__(uploader)  # type: ignore[no-untyped-call]  # tuspy is untyped
        self._http = uploader.http
        self._begun_at = uploader.offset

    def perform(self) -> None:
        rest = io.BytesIO(self.file.read(self._content_length))
        answer = self._http.patch(
            self._url, data=rest, headers=self._request_headers, timeout=(CONNECT_S, STALL_S),
            allow_redirects=False,
        )
        _check(answer)
        if _offset(answer) <= self._begun_at:
            raise TryLater("the server took nothing of this segment", reached=True)
        self.status_code = answer.status_code
        self.response_content = answer.content
        self.response_headers = {name.lower(): value for name, value in answer.headers.items()}


class _Tus(Uploader):
    """tuspy's uploader over a session with time limits."""

    def __init__(self, http: requests.Session, file: io.BufferedReader, url: str) -> None:
        self.http = http
        self.receipt = ""
        super().__init__(file_stream=file, url=url)

    def get_offset(self) -> int:
        headers: dict[str, str] = self.get_headers()  # type: ignore[no-untyped-call]  # tuspy
        answer = self.http.head(
            str(self.url), headers=headers, timeout=(CONNECT_S, STALL_S), allow_redirects=False
        )
        _check(answer)
        self.receipt = answer.headers.get(_RECEIPT, "")
        return _offset(answer)

    def _do_request(self) -> None:
        patch = _Patch(self)
        patch.perform()
        self.request = patch  # type: ignore[assignment]  # tuspy says None
        self.receipt = patch.response_headers.get(_RECEIPT, "")


def _check(answer: requests.Response) -> None:
    if 200 <= answer.status_code < 300:
        return
    if not answer.content and answer.status_code in _BARE_REFUSALS:
        # An answer to HEAD has no body: only its status tells which refusal it is.
        raise PairingError(_BARE_REFUSALS[answer.status_code])
    raise refusal(answer.status_code, answer.content, answer.headers.get("Retry-After"))


def _offset(answer: requests.Response) -> int:
    offset = answer.headers.get("Upload-Offset", "")
    if not (offset.isascii() and offset.isdigit()):
        raise TryLater("the answer carries no Upload-Offset", reached=True)
    return int(offset)


def deliver(http: requests.Session, path: Path, url: str) -> str:
    """Upload what the server does not have yet of the segment at `path`.

    Gives the receipt's record, "" if none came.  It blocks: call it in a thread.
    Raises TryLater (call again: it goes on from the server's offset), PairingError (upload_unknown: send the
    head again; upload_hash: begin again), OSError (the file can't be read)."""
    with path.open("rb") as file:
        try:
            uploader = _Tus(http, file, url)
            if uploader.offset > uploader.stop_at:
                raise PairingError("upload_length", "the server has more of this segment than the phone")
            uploader.upload()
        except requests.RequestException as error:
            raise TryLater(f"{type(error).__name__}: {error}") from error
        except PairingError as error:
            if error.row.fault is Fault.NOBODY:
                # Such as an earlier request of ours, still alive at the server: its bytes count, ask again.
                raise TryLater(error.detail, reached=True) from error
            raise
    return str(uploader.receipt)


def new_http(ca: str | None) -> requests.Session:
    """A session for `deliver`; one a thread.  `ca` is a file of certificates to trust."""
    http = requests.Session()
    http.trust_env = False
    if ca is not None:
        http.verify = ca
    return http


class Uploads:
    """Delivers every committed segment, a few at a time, in the order of recording.

    `wanted` says whether a segment is to be delivered (one that begins after the exam's end is not).
    `troubles` names segments that trying again will not bring through, with why; `on_trouble` hears of
    each."""

    def __init__(
        self, server: Server, buffer: Buffer, key: ECKey, server_key: OKPKey, pacing: Pacing,
        wanted: Callable[[Entry], bool], on_trouble: Callable[[Entry, PairingError], None],
        changed: Signal, workers: int = 2,
    ) -> None:
        self.troubles: dict[str, PairingError] = {}
        self.delivered = 0
        self._server = server
        self._buffer = buffer
        self._key = key
        self._server_key = server_key
        self._pacer = Pacer(pacing, tells=False)
        self._wanted = wanted
        self._on_trouble = on_trouble
        self._changed = changed
        self._workers = workers
        self._under_way: set[str] = set()
        self._failures: Counter[str] = Counter()
        self._http = threading.local()

    async def run(self) -> None:
        """Until cancelled."""
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="upload")
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(self._workers):
                    workers.create_task(self._work(pool))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def owed(self) -> list[Entry]:
        """Segments to be delivered that have no receipt yet, committed or not."""
        with self._buffer.lock:
            return [
                entry for entry in self._buffer.ledger.deliverable()
                if entry.segment and entry.receipt is None and not entry.deleted and self._wanted(entry)
            ]

    async def _work(self, pool: ThreadPoolExecutor) -> None:
        while True:
            # One segment that fails must not stand in front of the others.
            ready = [entry for entry in self.owed() if self._is_ready(entry)]
            entry = min(ready, key=lambda entry: self._failures[entry.name], default=None)
            if entry is None:
                await self._changed.wait()
                continue
            self._under_way.add(entry.name)
            try:
                await self._pacer.ready()
                await self._deliver(entry, pool)
            finally:
                self._under_way.discard(entry.name)

    def _is_ready(self, entry: Entry) -> bool:
        busy = entry.name in self._under_way or entry.name in self.troubles
        return entry.committed and entry.upload is not None and not busy

    async def _deliver(self, entry: Entry, pool: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        try:
            receipt = await loop.run_in_executor(pool, self._send, entry)
            if not receipt:
                receipt = await self._server.receipt(entry.name)
            self._keep(entry, receipt)
            self._pacer.succeeded()
        except TryLater as error:
            self._failures[entry.name] += 1
            self._pacer.failed(error.after_s, error.reached)
        except PairingError as error:
            self._failures[entry.name] += 1
            self._refused(entry, error)
        except OSError as error:
            # The file is gone or unreadable: nothing on this side can bring it back.
            self._refused(entry, PairingError("not_found", f"{self._buffer.path_of(entry).name}: {error}"))
        self._changed.fire()

    def _send(self, entry: Entry) -> str:
        """In a thread of the pool, over that thread's own connection."""
        http = getattr(self._http, "of_thread", None)
        if http is None:
            http = self._http.of_thread = new_http(self._server.ca)
        return deliver(http, self._buffer.path_of(entry), self._server.address(entry.upload or ""))

    def _keep(self, entry: Entry, receipt: str) -> None:
        """Check the receipt against the head this phone signed, then keep it.  Raises PairingError."""
        head = read_entry(entry.record or "", self._key)
        if not isinstance(head, Head):
            raise PairingError("claims_invalid", "a receipt for an entry without media")
        check_receipt(receipt, self._server_key, head, entry.name)
        self._buffer.record({"fact": "receipt", "head": entry.name, "record": receipt})
        self.delivered += 1

    def _refused(self, entry: Entry, error: PairingError) -> None:
        if error.code in {"upload_unknown", "upload_gone"}:
            self._buffer.record({"fact": "address_lost", "head": entry.name})
            self._pacer.failed()
        elif error.row.fault is Fault.NOBODY or (error.code == "upload_hash" and self._is_whole(entry)):
            self._pacer.failed()  # the latter: damaged on its way, the server stands at 0 again
        else:
            self.troubles[entry.name] = error
            self._on_trouble(entry, error)

    def _is_whole(self, entry: Entry) -> bool:
        """Whether the bytes on the phone are still those of the head."""
        segment, path = entry.segment, self._buffer.path_of(entry)
        return segment is not None and sha256_b64u(path.read_bytes()) == segment.sha256
