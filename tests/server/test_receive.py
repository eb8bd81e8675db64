"""Receipts: signed once the bytes are durable, the same ever after, and in agreement with the journal."""

from __future__ import annotations

import itertools

import pytest

from evidence_server.receive import RECEIPT_HEADER
from pairing.chain import decode_entry
from pairing.errors import PairingError
from pairing.jws import read_unverified
from pairing.messages import Acknowledgement, Binding
from pairing.receipt import Receipt, check_receipt
from tests.sittings import Exam, Service


async def test_a_receipt_is_given_once_and_stays_the_same(service: Service) -> None:
    exam = await Exam.begin(service)
    (piece,) = await exam.phone.film(0, 5)
    await exam.phone.upload()
    (segment,) = await exam.segments()
    upload = await service.uploads.find(piece.upload)
    assert upload is not None
    service.clock.to(100)
    again = await service.uploads.finished(upload)
    (stored,) = [event for event in await service.journal.read("s_1") if event.kind == "stored"]
    assert again == {RECEIPT_HEADER: stored.fields()["receipt"]}
    head = decode_entry(piece.record)
    receipt = check_receipt(again[RECEIPT_HEADER], service.identity.signing, head, segment.name)
    assert receipt.stored_at_ms == segment.stored_at_ms == stored.at_ms


async def test_signed_times_are_those_of_their_events(service: Service) -> None:
    """Also when the clock moves on while a record is being signed."""
    exam = await Exam.begin(service)
    ticks = itertools.count(service.clock.now_ms)
    service.register.now_ms = lambda: next(ticks)
    rebound = await exam.rebind()
    (piece,) = await rebound.film(0, 5)
    await rebound.upload(piece)
    signed = []
    for event in await service.journal.read(exam.sitting):
        body = event.fields()
        if event.kind == "confirmed" and body["key"] == rebound.thumb:
            binding = Binding.from_claims(read_unverified(body["binding"], Binding.TYP)[0])
            signed.append((event.at_ms, binding.at_ms))
        if event.kind == "committed":
            claims, _ = read_unverified(body["acknowledgement"], Acknowledgement.TYP)
            signed.append((event.at_ms, Acknowledgement.from_claims(claims).at_ms))
        if event.kind == "stored":
            receipt = Receipt.from_claims(read_unverified(body["receipt"], Receipt.TYP)[0])
            signed.append((event.at_ms, receipt.stored_at_ms))
    assert len(signed) == 3
    assert all(happened == said for happened, said in signed)


async def test_an_address_leads_to_its_segment_and_no_other_does(service: Service) -> None:
    exam = await Exam.begin(service)
    (piece,) = await exam.phone.film(0, 5)
    upload = await service.uploads.find(piece.upload)
    assert upload is not None
    assert (upload.name, upload.length) == (piece.name, len(piece.content))
    assert await service.uploads.find(piece.upload[:-1] + "_") is None
    assert await service.uploads.find(piece.name) is None


async def test_a_segment_that_is_gone_is_refused(service: Service) -> None:
    exam = await Exam.begin(service)
    (piece,) = await exam.phone.film(0, 5)
    upload = await service.uploads.find(piece.upload)
    assert upload is not None
    other = await Exam.begin(service, name="s_2")
    stranger = type(upload)(**vars(upload) | {"sitting": other.sitting})
    with pytest.raises(PairingError) as refused:
        await service.uploads.finished(stranger)
    assert refused.value.code == "upload_unknown"
