"""Budgets of wrong codes: forty bits are safe only while nobody may try them fast (E3).

Only typed codes are counted and held back: what a QR code holds cannot be guessed at any speed, so scanning
it works whatever others do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Protocol
from weakref import WeakValueDictionary

import structlog
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from pairing.errors import PairingError

WRONG_A_MINUTE = 10
"""A person who mistypes needs three; a school behind one address still gets one every six seconds."""
WRONG_WHILE_GUESSED = 2
"""The same while the server as a whole is being guessed at."""
WRONG_OVERALL = 300
"""Wrong codes a minute, from everywhere, that people make: ten thousand candidates who bind within half an
hour and mistype every other code make fewer."""
RETRY_S = 10
"""What a throttled address is told to wait: by then the window has room for another try, or nearly."""
RETRY_WHILE_GUESSED_S = 30

GUESSES = frozenset({"code_unknown", "code_mistyped", "offer_expired"})
"""Refusals of a typed code that may be somebody guessing."""
_SUBNET_BITS = 64
"""What one subscriber of IPv6 has at least for himself (RFC 6177)."""

_log = structlog.get_logger("throttle")


class Watcher(Protocol):
    """Who is told of wrong codes: the metrics."""

    def wrong_code(self, refusal: str) -> None:
        """One more, refused with this code of the error table."""


class WrongCodes:
    """Counts wrong codes over the last minute: by address, and all of them.

    Beyond an address's budget that address is refused.  Beyond the overall budget nobody is: an alarm is
    raised, and every address has a smaller budget, so that who types a code right is always let in.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._usual = RateLimitItemPerMinute(WRONG_A_MINUTE)
        self._strict = RateLimitItemPerMinute(WRONG_WHILE_GUESSED)
        self._overall = RateLimitItemPerMinute(WRONG_OVERALL)
        self._alarm = False
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Whose turn it is, by address; kept while anybody there is waiting or trying."""

    @asynccontextmanager
    async def trial(self, address: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Around one claim; the function given is to be called before a typed code is looked up.

        It raises PairingError("throttled") while the address has used its budget up.  Typed codes of one
        address take turns: however many come at once, each is admitted on what became of those before it.
        """
        counted = subscriber(address)
        typed = False
        async with AsyncExitStack() as turn:

            async def begin() -> None:
                nonlocal typed
                await turn.enter_async_context(self._turns.setdefault(counted, asyncio.Lock()))
                self._admit(counted)
                typed = True

            try:
                yield begin
            except PairingError as refusal:
                if typed and refusal.code in GUESSES:
                    self._count(counted, refusal.code)
                raise

    def guessed(self) -> bool:
        """Whether there are more wrong codes now than people make."""
        guessed = not self._limiter.test(self._overall)
        if guessed and not self._alarm:
            _log.warning("codes_guessed", wrong_a_minute=WRONG_OVERALL)
        self._alarm = guessed
        return guessed

    def _admit(self, address: str) -> None:
        budget, retry_s = (
            (self._strict, RETRY_WHILE_GUESSED_S) if self.guessed() else (self._usual, RETRY_S)
        )
        if not self._limiter.test(budget, address):
            raise PairingError("throttled", "too many wrong codes", retry_after_s=retry_s)

    def _count(self, address: str, refusal: str) -> None:
        for budget in (self._usual, self._strict):
            self._limiter.hit(budget, address)
        self._limiter.hit(self._overall)
        self._watcher.wrong_code(refusal)
        self.guessed()


def subscriber(address: str) -> str:
    """Whose address it is: of IPv6 the network, in which one machine can have any number of addresses."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ip_network((known.packed, _SUBNET_BITS), strict=False))
