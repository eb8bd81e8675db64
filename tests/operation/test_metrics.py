"""/metrics: what happened is counted, and no peer can put its own words there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from prometheus_client.parser import text_string_to_metric_families

from evidence_server.app import build
from evidence_server.event import GENESIS, Event, dump
from evidence_server.journal import Journal
from evidence_server.metrics import WORDS, Metrics, Standing
from evidence_server.settings import Settings
from pairing.errors import PairingError
from tests.operation.http_phone import Backend, BoundPhone
from tests.sittings import Exam, Service

CONTENT = bytes(range(256)) * 64
PATCH = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    data = tmp_path / "data"
    data.mkdir()
    settings: dict[str, Any] = {"data": data}
    async with TestServer(await build(Settings(**settings))) as server, aiohttp.ClientSession() as http:
        yield Backend(http, str(server.make_url("")).rstrip("/"), (data / "keys/api.key").read_text().strip())


async def scrape(backend: Backend) -> Samples:
    async with backend.http.get(f"{backend.url}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        families = text_string_to_metric_families(await answer.text())
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families for sample in family.samples
        }


def sample(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def answered(samples: Samples, method: str, route: str, status: int) -> float:
    return sample(samples, "evidence_requests_total", method=method, route=route, status=str(status))


async def test_a_stored_segment_is_counted_at_every_step(backend: Backend) -> None:
    phone = await BoundPhone.bind(backend)
    path = await phone.commit(CONTENT)
    half = len(CONTENT) // 2
    before = sample(await scrape(backend), "evidence_received_bytes_total")
    for offset, piece in ((0, CONTENT[:half]), (half, CONTENT[half:])):
        headers = PATCH | {"Upload-Offset": str(offset)}
        async with backend.http.patch(backend.url + path, data=piece, headers=headers) as answer:
            assert answer.status == 204
    samples = await scrape(backend)
    assert sample(samples, "evidence_received_bytes_total") - before == len(CONTENT)
    assert sample(samples, "evidence_acknowledged_entries_total") == 1
    assert sample(samples, "evidence_stored_segments_total") == 1
    assert answered(samples, "PATCH", "/uploads/{upload_id}", 204) == 2
    assert answered(samples, "POST", "/v1/claims", 200) == 1
    assert sample(samples, "evidence_sittings", stage="bound") == 1
    assert sample(samples, "evidence_sittings", stage="offered") == 0
    assert sample(samples, "evidence_journal_append_seconds_count") >= 4
    assert sample(samples, "evidence_disk_free_bytes") > 0
    assert sample(samples, "evidence_sweep_lag_seconds") == 0


async def test_the_words_of_peers_and_the_names_of_sittings_stay_out(backend: Backend) -> None:
    phone = await BoundPhone.bind(backend)
    path = await phone.commit(CONTENT)
    strange = (("GET", "/no/such/place"), ("REPORT", "/no/such/place"), ("PURGE", "/v1/claims"))
    for method, address in strange:
        async with backend.http.request(method, backend.url + address) as answer:
            assert answer.status in {404, 405}
    async with backend.http.head(backend.url + path, headers={"Tus-Resumable": "1.0.0"}) as answer:
        assert answer.status == 200
    async with backend.http.get(f"{backend.url}/metrics") as answer:
        text = await answer.text()
    assert not re.search("such|REPORT|PURGE", text)
    assert phone.sitting not in text
    assert path.rpartition("/")[2] not in text
    assert answered(await scrape(backend), "unknown", "unknown", 404) == 2
    assert answered(await scrape(backend), "unknown", "unknown", 405) == 1


async def test_verdicts_are_counted_by_word(tmp_path: Path) -> None:
    service = await Service.open(tmp_path)
    told: list[Event] = []
    service.journal.tell(lambda events, _seconds: told.extend(events))
    exam = await Exam.begin(service)
    service.clock.to(60)
    await exam.end(60)
    service.clock.to(2 * 3600)
    assert await exam.verdict()
    await service.close()

    metrics = Metrics()
    metrics.appended(told, 0.004)
    text = metrics.text(Standing({"decided": 1}, 0, 0, 0, 0)).decode()
    found = dict(re.findall(r'evidence_verdicts_total\{word="(\w+)"\} (\S+)', text))
    assert found == dict.fromkeys(WORDS, "0.0") | {"incomplete": "1.0"}
    assert 'evidence_journal_append_seconds_bucket{le="0.002"} 0.0' in text
    assert 'evidence_journal_append_seconds_bucket{le="0.005"} 1.0' in text


async def test_an_append_that_fails_is_not_told(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "journal.sqlite")
    told: list[Event] = []
    journal.tell(lambda events, _seconds: told.extend(events))
    event = Event("s", 1, 1_000, "offer_made", dump({"offer": "o", "reason": "created"}), GENESIS)
    await journal.append([event], due_ms=None, decided=False, stage="offered")
    with pytest.raises(PairingError, match="another writer"):
        await journal.append([event], due_ms=None, decided=False, stage="offered")
    await journal.close()
    assert told == [event]
