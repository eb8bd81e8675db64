"""The service's own failures: how long each counts, and what ends it."""

from __future__ import annotations

import pytest

from evidence_server.faults import DEFAULT_RETRY_S, Faults
from tests.sittings import Exam, Service, at

PATCH, READ = "PATCH /v1/uploads/{upload_id}", "GET /v1/binding"


async def journalled(service: Service, faults: Faults, seconds: float, **how: bool) -> list[tuple[int, int]]:
    """What `settle` journals at `seconds`: outages, as seconds."""
    exam_sitting = "s_1"
    before = (await service.register.look(exam_sitting)).outages[:]
    async with service.register.hold(exam_sitting) as held:
        await faults.settle(held, at(seconds), **how)
    after = (await service.register.look(exam_sitting)).outages
    return [(round((o.from_ms - at(0)) / 1000), round((o.to_ms - at(0)) / 1000)) for o in after[len(before):]]


@pytest.fixture
async def exam(service: Service) -> Exam:
    return await Exam.begin(service)


async def test_a_failure_counts_until_its_retry_after(service: Service, exam: Exam) -> None:
    faults = Faults()
    faults.failed(exam.sitting, PATCH, at(10), 30)
    assert await journalled(service, faults, 39) == []
    assert await journalled(service, faults, 40) == [(10, 40)]
    assert not faults
    faults.failed(exam.sitting, PATCH, at(50), None)
    assert await journalled(service, faults, 100) == [(50, 50 + DEFAULT_RETRY_S)]


async def test_failures_that_follow_each_other_are_one(service: Service, exam: Exam) -> None:
    faults = Faults()
    for seconds in (10, 40, 60):
        faults.failed(exam.sitting, PATCH, at(seconds), 30)
    assert await journalled(service, faults, 90) == [(10, 90)]


async def test_a_success_with_the_same_thing_ends_it(service: Service, exam: Exam) -> None:
    faults = Faults()
    faults.failed(exam.sitting, PATCH, at(10), 30)
    faults.succeeded(exam.sitting, PATCH, at(12))
    assert await journalled(service, faults, 12) == [(10, 12)]


async def test_a_success_with_another_thing_ends_nothing(service: Service, exam: Exam) -> None:
    faults = Faults()
    faults.failed(exam.sitting, PATCH, at(10), 30)
    faults.failed(exam.sitting, READ, at(11), 30)
    faults.succeeded(exam.sitting, READ, at(12))
    faults.succeeded("another", PATCH, at(12))
    assert await journalled(service, faults, 20) == [(11, 12)]
    assert await journalled(service, faults, 20, all_of_them=True) == [(10, 40)]
    assert not faults
