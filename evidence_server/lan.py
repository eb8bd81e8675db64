"""Trying it with one's own phone: a certificate authority of this machine's own, for its own addresses.

A phone gives a page the camera only where it trusts the server.  In production that is a real certificate
(docs/operations.md); at a desk it is this one, which the phone's owner installs and removes by hand.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from evidence_server.disk import make_folder, write_new

_NAME = "Evidence camera (local try-out)"
_LASTS = timedelta(days=365)
"""iOS takes no server certificate that lasts over 825 days."""
_ELSEWHERE = ("192.0.2.1", 9)
"""An address of RFC 5737 that nobody has: asking for the way there sends nothing."""


def own_addresses() -> tuple[str, ...]:
    """This machine's IPv4 addresses that a phone beside it may reach; empty without a network."""
    found = []
    # OSError: no route out
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect(_ELSEWHERE)
        found.append(str(way.getsockname()[0]))
    with contextlib.suppress(OSError):  # the host's name leads nowhere
        found += [
            str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        ]
    return tuple(dict.fromkeys(address for address in found if not address.startswith(("127.", "0."))))


@dataclass(frozen=True)
class LocalAuthority:
    """The authority: `certificate` is what a phone is to trust, as PEM."""

    certificate: bytes
    _authority: trustme.CA

    @classmethod
    def open(cls, keys: Path) -> LocalAuthority:
        """The authority in `keys`, made at the first call, so that a phone trusts it once.

        Raises OSError, ValueError."""
        path = keys / "lan-authority.pem"
        if not path.exists():
            make_folder(keys)
            made = trustme.CA(organization_name=_NAME)
            draft = path.with_suffix(".draft")
            draft.unlink(missing_ok=True)
            write_new(draft, made.private_key_pem.bytes() + made.cert_pem.bytes())
            # Crash before this: another authority is made, and no phone has seen this one.
            draft.rename(path)
        pem = path.read_bytes()
        authority = trustme.CA.from_pem(pem, pem)
        return cls(authority.cert_pem.bytes(), authority)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as phones show it: pairs of hexadecimal digits."""
        digest = x509.load_pem_x509_certificate(self.certificate).fingerprint(hashes.SHA256())
        return digest.hex(" ").upper()

    def context(self, addresses: Sequence[str], now: datetime) -> ssl.SSLContext:
        """What serves TLS for `addresses`."""
        leaf = self._authority.issue_cert(
            *addresses, not_before=now - timedelta(days=1), not_after=now + _LASTS
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        leaf.configure_cert(context)
        return context
