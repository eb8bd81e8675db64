"""The policy of a sitting: what its evidence must fulfil.  JSON, fixed at creation, hashed verbatim."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType

from pairing.claims import ClaimsReader
from pairing.encoding import sha256_b64u
from pairing.errors import PairingError

REQUIRED, REVIEW, OFF = "required", "review", "off"
WEIGHTS = frozenset({REQUIRED, REVIEW, OFF})

DEFAULT_CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "recording": REQUIRED, "scan": REQUIRED, "placement": REVIEW, "continuity": REVIEW,
        "anchor": REVIEW, "committed_late": REVIEW, "fork": REVIEW,
    }
)
DAY_S = 86_400


@dataclass(frozen=True)
class Policy:
    """All durations in seconds.  `checks` says of each check whether it is required, reviewed or off."""

    upload_window_s: int = 3_600
    min_notice_s: int = 600
    max_gap_s: int = 10
    max_gap_total_s: int = 60
    checks: Mapping[str, str] = field(default_factory=lambda: DEFAULT_CHECKS)

    @classmethod
    def from_json(cls, given: Mapping[str, object]) -> Policy:
        """The defaults, with what `given` changes.  Raises PairingError("policy_invalid")."""
        try:
            reader = ClaimsReader(given)
            numbers = {
                item.name: reader.integer(item.name, 0, DAY_S)
                for item in fields(cls)
                if item.name != "checks" and reader.has(item.name)
            }
            checks = dict(DEFAULT_CHECKS)
            if reader.has("checks"):
                weights = reader.nested("checks")
                for name in DEFAULT_CHECKS:
                    if weights.has(name):
                        checks[name] = weights.choice(name, WEIGHTS)
                weights.done()
            reader.done()
        except PairingError as error:
            raise PairingError("policy_invalid", error.detail) from error
        if checks["recording"] != REQUIRED:
            raise PairingError("policy_invalid", "recording is always required")
        return cls(checks=MappingProxyType(checks), **numbers)

    def to_text(self) -> str:
        """The whole policy as JSON text: this text is journalled, and its hash is in the verdict."""
        whole = {item.name: getattr(self, item.name) for item in fields(self)} | {"checks": dict(self.checks)}
        return json.dumps(whole, separators=(",", ":"))


def policy_hash(text: str) -> str:
    """SHA-256 of the policy's text, base64url."""
    return sha256_b64u(text)
