"""Bind: offers, claims and confirms (requirements E2, E3; protocol §2)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from evidence_server.identity import Identity
from evidence_server.register import Held, Register
from evidence_server.sitting import CLAIM_LAPSES_MS, ClaimState, Sitting
from pairing import codes
from pairing.claims import is_identifier
from pairing.encoding import b64u, from_b64u, sha256_b64u
from pairing.errors import PairingError
from pairing.jws import phone_key, read_unverified, sign, thumbprint, verify
from pairing.messages import Binding, Claim
from pairing.policy import Policy

RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True)
class Offer:
    """What the laptop shows now: the link's ticket and the typed code, and when each is replaced."""

    ticket: str
    code: str
    link_refresh_at_ms: int
    code_refresh_at_ms: int


class Binder:
    """Makes sittings and binds phones to them."""

    def __init__(self, register: Register, identity: Identity, random: RandomBytes) -> None:
        self._register = register
        self._identity = identity
        self._random = random
        self._shown: dict[tuple[str, str], int] = {}
        """Until when each (offer, typed code) works that is being shown, in the order of these moments."""

    async def create(
        self, sitting: str | None, exam: str, start_ms: int | None, end_ms: int | None,
        policy: Mapping[str, object],
    ) -> Sitting:
        """A new sitting with its first offer; the same settings under the same id give it again.

        Raises PairingError: claims_invalid, policy_invalid, sitting_exists.
        """
        name = sitting or "s_" + b64u(self._random(12))
        if not is_identifier(name):
            raise PairingError("claims_invalid", "sitting_id must be 1 to 64 of A-Z a-z 0-9 _ -")
        if start_ms is not None and end_ms is not None and end_ms <= start_ms:
            raise PairingError("claims_invalid", "the window ends before it starts")
        text = Policy.from_json(policy).to_text()
        body = {"exam": exam, "start_ms": start_ms, "end_ms": end_ms, "policy": text}
        async with self._register.create(name) as held:
            if held.state.seq:
                await self._same(name, body)
                return held.state
            return await held.append(("created", body), self.new_offer("created"))

    async def _same(self, sitting: str, body: Mapping[str, object]) -> None:
        first = (await self._register.journal.read(sitting))[0]
        if first.fields() != body:
            raise PairingError("sitting_exists", sitting)

    def new_offer(self, reason: str) -> tuple[str, dict[str, object]]:
        """The event of a fresh offer."""
        return "offer_made", {"offer": b64u(self._random(codes.OFFER_BYTES)), "reason": reason}

    def _offer_secret(self, offer: str) -> bytes:
        return hmac.digest(self._identity.secret, b"offer\x00" + offer.encode(), hashlib.sha256)

    async def offer(self, sitting: str) -> Offer:
        """What to show now.  Raises PairingError("wrong_stage") while no offer is open."""
        await self.lapse(sitting)
        state = await self._register.look(sitting)
        if state.offer is None:
            raise PairingError("wrong_stage", "no offer is open")
        offer, now = state.offer, self._register.now_ms()
        secret, raw = self._offer_secret(offer), from_b64u(offer)
        code = codes.typed_code(secret, raw, now)
        until = codes.next_code_ms(now) - codes.CODE_SLOT_MS + codes.CODE_VALID_MS
        await self._show(code, sitting, offer, until, now)
        return Offer(codes.ticket(secret, raw, now), code, codes.next_ticket_ms(now), codes.next_code_ms(now))

    async def _show(self, code: str, sitting: str, offer: str, until_ms: int, now_ms: int) -> None:
        """Makes a typed code findable, with one durable write however often it is asked for."""
        shown = self._shown
        while shown and shown[oldest := next(iter(shown))] <= now_ms:
            del shown[oldest]
        if (offer, code) not in shown:
            await self._register.journal.show_code(code, sitting, offer, until_ms, now_ms)
            shown[offer, code] = until_ms

    async def claim(
        self, record: str, before_typed: Callable[[], Awaitable[None]] | None = None
    ) -> tuple[Sitting, ClaimState]:
        """Redeems an offer for the phone that signed `record`.

        The same secret and key get the same answer again, also after expiry: a lost reply harms nobody.
        `before_typed` is called before a typed code is looked up, and may refuse by raising.
        Raises PairingError: signature_invalid, claims_invalid, ticket_invalid, code_mistyped,
        code_unknown, offer_expired, offer_used.
        """
        unverified, _ = read_unverified(record, Claim.TYP)
        key = phone_key(Claim.from_claims(unverified).key)
        claim = Claim.from_claims(verify(record, Claim.TYP, key))
        thumb = thumbprint(key)
        by_link = len(claim.secret) > 16
        try:
            secret = claim.secret if by_link else codes.read_code(claim.secret)
        except PairingError:
            if before_typed is not None:
                await before_typed()
            raise
        again = await self._claimed_before(secret, thumb)
        if again is not None:
            return again
        if not by_link and before_typed is not None:
            await before_typed()
        sitting, offer = await (self._by_ticket(secret) if by_link else self._by_code(secret))
        await self.lapse(sitting)
        async with self._register.hold(sitting) as held:
            known = held.state.claims.get(thumb)
            if known is not None and known.secret_sha256 == sha256_b64u(secret):
                return held.state, known  # the same claim came twice at once, and this is the second
            self._still_open(held.state, offer, secret, by_link)
            if known is not None and known.stage in ("bound", "replaced"):
                raise PairingError("wrong_stage", "this key is bound already")
            nonce = b64u(self._random(codes.NONCE_BYTES))
            bearer = self._identity.bearer(sitting, thumb, nonce)
            await held.append(("claimed", {
                "offer": offer, "via": "link" if by_link else "code", "key": thumb, "jwk": claim.key,
                "nonce": nonce, "secret_sha256": sha256_b64u(secret), "client": claim.client,
                "digits": codes.digits(secret, thumb, nonce), "bearer_sha256": sha256_b64u(bearer),
                "claim": record_without_secret(claim),
            }))
            return held.state, held.state.claims[thumb]

    async def _claimed_before(self, secret: str, key: str) -> tuple[Sitting, ClaimState] | None:
        name = await self._register.journal.find("secret", sha256_b64u(sha256_b64u(secret) + key))
        if name is None:
            return None
        state = await self._register.look(name.sitting)
        claim = state.claims.get(key)
        if claim is None or claim.secret_sha256 != sha256_b64u(secret):
            return None
        return state, claim

    async def _by_ticket(self, text: str) -> tuple[str, str]:
        ticket = codes.Ticket.parse(text)
        offer = b64u(ticket.offer)
        ticket.check(self._offer_secret(offer), self._register.now_ms())
        name = await self._register.journal.find("offer", offer)
        if name is None:
            raise PairingError("ticket_invalid", "no such offer")
        return name.sitting, offer

    async def _by_code(self, code: str) -> tuple[str, str]:
        found = await self._register.journal.find_code(code)
        if found is None:
            raise PairingError("code_unknown")
        return found

    def _still_open(self, state: Sitting, offer: str, secret: str, by_link: bool) -> None:
        if offer in state.offers_spent:
            raise PairingError("offer_used", "another key has redeemed it")
        if state.offer != offer:
            raise PairingError("offer_expired", "a newer offer has replaced it")
        if not by_link:
            raw, now = from_b64u(offer), self._register.now_ms()
            if secret not in codes.valid_codes(self._offer_secret(offer), raw, now):
                raise PairingError("offer_expired", "the code is no longer valid")

    async def confirm(self, sitting: str, key: str, by: str) -> Sitting:
        """Binds the pending phone, named by its key's thumbprint.  Confirming again is fine.

        Raises PairingError: key_mismatch, wrong_stage, claim_lapsed.
        """
        await self.lapse(sitting)
        async with self._register.hold(sitting) as held:
            known = held.state.claims.get(key)
            if known is not None and known.stage == "bound":
                return held.state
            claim = self._pending(held, key)
            generation = len(held.state.generations) + 1
            at_ms = held.at_ms()
            binding = Binding(sitting, generation, key, claim.nonce, at_ms)
            record = sign(self._identity.signing, Binding.TYP, binding.to_claims())
            return await held.append(("confirmed", {"key": key, "by": by, "binding": record}), at_ms=at_ms)

    async def refuse(self, sitting: str, key: str, by: str) -> Sitting:
        """Turns the pending phone away and opens a new offer."""
        await self.lapse(sitting)
        async with self._register.hold(sitting) as held:
            self._pending(held, key)
            return await held.append(("claim_refused", {"key": key, "by": by}), self.new_offer("refused"))

    def _pending(self, held: Held, key: str) -> ClaimState:
        known = held.state.claims.get(key)
        if known is not None and known.stage == "lapsed":
            raise PairingError("claim_lapsed")
        claim = held.state.pending
        if claim is None:
            raise PairingError("wrong_stage", "no claim is waiting")
        if claim.key != key:
            raise PairingError("key_mismatch")
        return claim

    async def lapse(self, sitting: str) -> None:
        """Lets a claim that waited too long give way to a new offer."""
        async with self._register.hold(sitting) as held:
            claim = held.state.pending
            if claim is not None and self._register.now_ms() >= claim.at_ms + CLAIM_LAPSES_MS:
                await held.append(("claim_lapsed", {"key": claim.key}), self.new_offer("lapsed"))


def record_without_secret(claim: Claim) -> str:
    """The claim for the journal: what was redeemed stays out of it, only its hash is kept."""
    return json.dumps(claim.to_claims() | {"secret": sha256_b64u(claim.secret)}, separators=(",", ":"))
