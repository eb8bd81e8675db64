"""The server's own secrets, one file each under DIR/keys, readable by its user only.

They are made on first use and never change by themselves.  Losing them loses: `signing.jwk` the ability to
sign further verdicts under the same key (old ones stay checkable), `tickets.key` only what is on screens and
in phones now, and which markers were shown before, `api.key` the backend's access.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from joserfc.jwk import OKPKey

from evidence_server.disk import make_folder, sync_folder, write_new
from pairing.encoding import b64u
from pairing.jws import new_server_key, public_jwk, thumbprint


@dataclass(frozen=True)
class Identity:
    """The signing key, the secret that offers, bearers and upload addresses are derived from, the API key."""

    signing: OKPKey
    secret: bytes
    api_key: str

    @classmethod
    def open(cls, folder: Path) -> Identity:
        """Reads the secrets in `folder`, making what is missing."""
        make_folder(folder)
        fresh = json.dumps(new_server_key().as_dict(private=True))
        signing = OKPKey.import_key(json.loads(_kept(folder / "signing.jwk", fresh)))
        secret = bytes.fromhex(_kept(folder / "tickets.key", secrets.token_hex(32)))
        return cls(signing, secret, _kept(folder / "api.key", secrets.token_urlsafe(32)))

    @property
    def jwks(self) -> dict[str, object]:
        """The public key set (RFC 7517) for `/.well-known/jwks.json`."""
        key = public_jwk(self.signing) | {"kid": thumbprint(self.signing), "alg": "Ed25519", "use": "sig"}
        return {"keys": [key]}

    def derive(self, purpose: str, *parts: str) -> str:
        """A 192-bit secret of its own for each (purpose, parts), base64url."""
        text = "\x00".join((purpose, *parts)).encode()
        return b64u(hmac.digest(self.secret, text, hashlib.sha256)[:24])

    def page_token(self, sitting: str) -> str:
        """The laptop page's access to one sitting."""
        return self.derive("page", sitting)

    def bearer(self, sitting: str, key: str, nonce: str) -> str:
        """A phone's access to its binding."""
        return self.derive("bearer", sitting, key, nonce)

    def upload(self, head: str) -> str:
        """The unguessable name of a segment's upload address."""
        return self.derive("upload", head)

    def anchor_key(self, sitting: str) -> bytes:
        """What a sitting's markers are made of (`anchor`)."""
        return self.derive("anchor", sitting).encode()

    def is_page_token(self, sitting: str, token: str) -> bool:
        """Whether `token` opens the laptop page of `sitting`."""
        return hmac.compare_digest(self.page_token(sitting).encode(), token.encode())

    def is_api_key(self, token: str) -> bool:
        """Whether `token` is the exam backend's key."""
        return hmac.compare_digest(self.api_key.encode(), token.encode())


def _kept(path: Path, fresh: str) -> str:
    """The text in `path`; `fresh`, written durably, if the file is not there.

    A crash before the rename leaves no file (a new secret next time, nothing was signed with the old one);
    after it, this one.
    """
    if not path.exists():
        temporary = path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        write_new(temporary, fresh.encode())
        temporary.rename(path)
        sync_folder(path.parent)
    return path.read_text().strip()
