"""Bind: one offer is redeemed by one phone, and only the phone that the laptop names is bound."""

from __future__ import annotations

from typing import Any

import pytest

from evidence_server.bind import Offer
from pairing import codes
from pairing.errors import PairingError
from pairing.jws import new_phone_key, sign
from pairing.messages import Claim
from tests.sittings import Phone, Service, at

LAPSES_S = 300


async def sitting(service: Service, name: str = "s_1") -> str:
    return (await service.binder.create(name, "oral", None, None, {})).id


async def shown(service: Service, name: str = "s_1") -> Offer:
    return await service.binder.offer(name)


def refused(error: pytest.ExceptionInfo[PairingError]) -> str:
    return error.value.code


# --- create ------------------------------------------------------------------------------------------


async def test_creating_again_with_the_same_settings_gives_the_same_sitting(service: Service) -> None:
    first = await service.binder.create("s_1", "oral", at(0), at(60), {"max_gap_s": 5})
    again = await service.binder.create("s_1", "oral", at(0), at(60), {"max_gap_s": 5})
    assert again.seq == first.seq
    for changed in (("other", at(0), at(60), {"max_gap_s": 5}), ("oral", at(0), at(60), {})):
        with pytest.raises(PairingError) as error:
            await service.binder.create("s_1", *changed)
        assert refused(error) == "sitting_exists"


@pytest.mark.parametrize(("name", "start", "end", "policy", "code"), [
    ("../x", None, None, {}, "claims_invalid"),
    ("s_1", 60, 60, {}, "claims_invalid"),
    ("s_1", None, None, {"max_gap_s": -1}, "policy_invalid"),
    ("s_1", None, None, {"checks": {"recording": "off"}}, "policy_invalid"),
    ("s_1", None, None, {"checks": {"fork": "maybe"}}, "policy_invalid"),
    ("s_1", None, None, {"max_gap": 1}, "policy_invalid"),
])
async def test_settings_that_are_refused(
    service: Service, name: str, start: int | None, end: int | None, policy: dict[str, object], code: str
) -> None:
    with pytest.raises(PairingError) as error:
        await service.binder.create(name, "oral", start, end, policy)
    assert refused(error) == code


# --- offer -------------------------------------------------------------------------------------------


async def test_however_often_an_offer_is_asked_for_its_code_is_written_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await sitting(service)
    written: list[str] = []
    show = service.journal.show_code

    async def show_code(code: str, *more: Any) -> None:
        written.append(code)
        await show(code, *more)

    monkeypatch.setattr(service.journal, "show_code", show_code)
    told = []
    for seconds in (0, 1, 89, 90, 179, 180, 270):
        service.clock.to(seconds)
        offer = await shown(service)
        told.append(offer.code)
        found = await service.journal.find_code(offer.code)
        assert found is not None
        assert found[0] == name
    assert written == list(dict.fromkeys(told))
    assert len(written) == 4


# --- claim -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [False, True], ids=["link", "typed code"])
async def test_bound_by_either(service: Service, code: bool) -> None:
    phone = Phone(service, await sitting(service))
    await phone.bind(code=code)
    state = await service.register.look("s_1")
    assert [generation.key for generation in state.generations] == [phone.thumb]
    assert state.claims[phone.thumb].via == ("code" if code else "link")
    assert state.stages.phone == "bound"


@pytest.mark.parametrize("code", [False, True], ids=["link", "typed code"])
async def test_the_same_claim_is_answered_again_also_after_expiry(service: Service, code: bool) -> None:
    phone, offer = Phone(service, await sitting(service)), await shown(service)
    record = phone.claim(offer.code if code else offer.ticket)
    state, first = await service.binder.claim(record)
    seq, digits, nonce = state.seq, first.digits, first.nonce
    for moment in (1, 200, 299):
        service.clock.to(moment)
        state, again = await service.binder.claim(record)
        assert (again.digits, again.nonce, state.seq) == (digits, nonce, seq)
    # signed anew, but the same secret and key
    _, again = await service.binder.claim(phone.claim(offer.code if code else offer.ticket))
    assert again.nonce == nonce


async def test_a_typed_code_is_read_as_people_type_it(service: Service) -> None:
    phone, offer = Phone(service, await sitting(service)), await shown(service)
    typed = f" {codes.group_code(offer.code).lower()} "
    _, claim = await service.binder.claim(phone.claim(typed.strip()[:16]))
    assert claim.digits == codes.digits(offer.code, phone.thumb, claim.nonce)


async def test_a_second_phone_is_told_that_the_offer_is_used(service: Service) -> None:
    name, offer = await sitting(service), await shown(service)
    await service.binder.claim(Phone(service, name).claim(offer.ticket))
    for secret in (offer.ticket, offer.code):
        with pytest.raises(PairingError) as error:
            await service.binder.claim(Phone(service, name).claim(secret))
        assert refused(error) == "offer_used"


async def test_while_a_claim_waits_no_offer_is_shown(service: Service) -> None:
    name, offer = await sitting(service), await shown(service)
    await service.binder.claim(Phone(service, name).claim(offer.ticket))
    with pytest.raises(PairingError) as error:
        await shown(service)
    assert refused(error) == "wrong_stage"


@pytest.mark.parametrize(("code", "works_s"), [(False, 180), (True, 180)], ids=["link", "typed code"])
async def test_how_long_an_offer_works(service: Service, code: bool, works_s: int) -> None:
    name = await sitting(service)
    offer = await shown(service)  # at T0, where slots of 30 s and of 90 s begin
    assert at(0) % codes.TICKET_SLOT_MS == at(0) % codes.CODE_SLOT_MS == 0
    service.clock.now_ms = at(works_s)
    phone = Phone(service, name)
    with pytest.raises(PairingError) as error:
        await service.binder.claim(phone.claim(offer.code if code else offer.ticket))
    assert refused(error) == "offer_expired"
    service.clock.now_ms = at(works_s) - 1
    await service.binder.claim(phone.claim(offer.code if code else offer.ticket))


async def test_secrets_that_open_nothing(service: Service) -> None:
    name, offer = await sitting(service), await shown(service)
    phone = Phone(service, name)
    other = codes.typed_code(b"another secret", bytes(12), service.clock.now_ms)
    mistyped = offer.code[:-1] + ("0" if offer.code[-1] != "0" else "1")
    for secret, code in (
        (offer.ticket[:-1] + ("A" if offer.ticket[-1] != "A" else "Q"), "ticket_invalid"),
        (offer.ticket[:-4], "ticket_invalid"), ("x" * 64, "ticket_invalid"), (other, "code_unknown"),
        (mistyped, "code_mistyped"), ("U", "code_mistyped"),
    ):
        with pytest.raises(PairingError) as error:
            await service.binder.claim(phone.claim(secret))
        assert refused(error) == code, secret


async def test_a_claim_must_be_signed_by_the_key_it_names(service: Service) -> None:
    name, offer = await sitting(service), await shown(service)
    phone, other = Phone(service, name), new_phone_key()
    claims = Claim(offer.ticket, {**Phone(service, name).key.as_dict(private=False)}, "x", 0).to_claims()
    claims["key"] = {member: claims["key"][member] for member in ("kty", "crv", "x", "y")}  # type: ignore[index]
    with pytest.raises(PairingError) as error:
        await service.binder.claim(sign(other, Claim.TYP, claims))
    assert refused(error) == "signature_invalid"
    await service.binder.claim(phone.claim(offer.ticket))  # and nothing was consumed


async def test_what_was_redeemed_is_not_in_the_journal(service: Service) -> None:
    name, offer = await sitting(service), await shown(service)
    phone = Phone(service, name)
    _, claim = await service.binder.claim(phone.claim(offer.ticket))
    bearer = service.identity.bearer(name, phone.thumb, claim.nonce)
    text = "".join(event.body for event in await service.journal.read(name))
    assert offer.ticket not in text
    assert bearer not in text


# --- confirm, refuse, lapse --------------------------------------------------------------------------


async def claimed(service: Service) -> Phone:
    phone = Phone(service, await sitting(service))
    await service.binder.claim(phone.claim((await shown(service)).ticket))
    return phone


async def test_confirm_names_the_key(service: Service) -> None:
    phone = await claimed(service)
    with pytest.raises(PairingError) as error:
        await service.binder.confirm("s_1", Phone(service, "s_1").thumb, "page")
    assert refused(error) == "key_mismatch"
    state = await service.binder.confirm("s_1", phone.thumb, "page")
    seq = state.seq
    assert (await service.binder.confirm("s_1", phone.thumb, "page")).seq == seq
    assert state.window_start_ms == service.clock.now_ms


async def test_nothing_can_be_confirmed_before_a_claim(service: Service) -> None:
    name = await sitting(service)
    with pytest.raises(PairingError) as error:
        await service.binder.confirm(name, Phone(service, name).thumb, "page")
    assert refused(error) == "wrong_stage"


async def test_a_refused_phone_gives_way_to_a_new_offer(service: Service) -> None:
    name, before = await sitting(service), await shown(service)
    phone = Phone(service, name)
    await service.binder.claim(phone.claim(before.ticket))
    with pytest.raises(PairingError) as error:
        await service.binder.refuse(name, Phone(service, name).thumb, "page")
    assert refused(error) == "key_mismatch"
    state = await service.binder.refuse(name, phone.thumb, "page")
    assert state.claims[phone.thumb].stage == "refused"
    offer = await shown(service)
    assert offer.ticket != before.ticket
    assert offer.code != before.code
    with pytest.raises(PairingError) as error:
        await service.binder.confirm(name, phone.thumb, "page")
    assert refused(error) == "wrong_stage"
    with pytest.raises(PairingError) as error:
        await service.binder.claim(Phone(service, name).claim(before.ticket))
    assert refused(error) == "offer_used"


async def test_a_claim_survives_4_minutes_59_and_lapses_at_5(service: Service) -> None:
    phone = await claimed(service)
    service.clock.now_ms = at(LAPSES_S) - 1
    await service.binder.lapse("s_1")
    assert (await service.register.look("s_1")).pending is not None
    service.clock.now_ms = at(LAPSES_S)
    with pytest.raises(PairingError) as error:
        await service.binder.confirm("s_1", phone.thumb, "page")
    assert refused(error) == "claim_lapsed"
    state = await service.register.look("s_1")
    assert state.claims[phone.thumb].stage == "lapsed"
    assert state.offer is not None


async def test_a_lapsed_phone_claims_again_with_its_key(service: Service) -> None:
    phone = await claimed(service)
    service.clock.to(LAPSES_S)
    await phone.bind()
    assert (await service.register.look("s_1")).generations[-1].key == phone.thumb


async def test_a_bound_key_cannot_claim_another_binding(service: Service) -> None:
    phone = Phone(service, await sitting(service))
    await phone.bind()
    await service.support.rebind("s_1", "test")
    with pytest.raises(PairingError) as error:
        await service.binder.claim(phone.claim((await shown(service)).ticket))
    assert refused(error) == "wrong_stage"


async def test_a_rebind_replaces_the_phone_only_when_the_next_is_confirmed(service: Service) -> None:
    first = Phone(service, await sitting(service))
    await first.bind()
    await service.support.rebind("s_1", "test")
    second = Phone(service, "s_1")
    await service.binder.claim(second.claim((await shown(service)).code))
    state = await service.register.look("s_1")
    assert state.claims[first.thumb].stage == "bound"
    await service.binder.confirm("s_1", second.thumb, "page")
    state = await service.register.look("s_1")
    assert [state.claims[phone.thumb].stage for phone in (first, second)] == ["replaced", "bound"]
    assert [generation.number for generation in state.generations] == [1, 2]
    assert state.generations[0].replaced_at_ms is not None
