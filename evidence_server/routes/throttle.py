"""A budget of wrong codes per address: forty bits are safe only while nobody may try them fast (E3)."""

from __future__ import annotations

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from pairing.errors import PairingError

WRONG_A_MINUTE = 10
"""A person who mistypes needs three; a school behind one address still gets one every six seconds."""
RETRY_S = 10
"""What a throttled address is told to wait: by then the window has room for another try, or nearly."""

GUESSES = frozenset({"code_unknown", "code_mistyped", "offer_expired", "ticket_invalid"})
"""Refusals of a claim that may be somebody guessing."""


class WrongCodes:
    """Counts wrong codes by address, over the last minute."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._budget = RateLimitItemPerMinute(WRONG_A_MINUTE)

    def admit(self, address: str) -> None:
        """Raises PairingError("throttled") while the address has used its budget up."""
        if not self._limiter.test(self._budget, address):
            raise PairingError("throttled", "too many wrong codes", retry_after_s=RETRY_S)

    def count(self, address: str) -> None:
        """One more wrong code from `address`."""
        self._limiter.hit(self._budget, address)
