"""Binding this phone to a sitting: read an offer, keep a key, claim, show six digits.

The key is made and durable before anything is claimed (protocol §2).  Waiting for the confirm is not done
here: recording must not wait for it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from pairing.codes import digits, read_code
from pairing.errors import PairingError
from pairing.jws import new_phone_key, public_jwk, sign, thumbprint, verify
from pairing.messages import Binding, Claim
from phone_client.buffer import Buffer
from phone_client.clock import Clock
from phone_client.journal import sync_directory
from phone_client.ledger import Fact
from phone_client.server import Server

CLIENT_NAME = "phone_client/0.1"
_KEY_FILE = "phone_key.pem"
_LINK_PATH = "/p/"


@dataclass(frozen=True)
class Offer:
    """What can be redeemed and where: `secret` is a link's ticket or a typed code in normal form."""

    server: str
    secret: str


def offer_from_link(link: str) -> Offer:
    """The offer in a link `https://host/p/#t=TICKET`.  Raises PairingError("ticket_invalid")."""
    parts = urlsplit(link.strip())
    before, found, after = parts.path.rpartition(_LINK_PATH)
    if parts.scheme not in {"http", "https"} or not parts.netloc or not found or after:
        raise PairingError("ticket_invalid", "not a binding link")
    name, _, ticket = parts.fragment.partition("=")
    if name != "t" or not ticket:
        raise PairingError("ticket_invalid", "the link carries no ticket")
    return Offer(f"{parts.scheme}://{parts.netloc}{before}", ticket)


def offer_from_code(code: str, server: str) -> Offer:
    """The offer behind a typed code.  Raises PairingError("code_mistyped")."""
    return Offer(server.rstrip("/"), read_code(code))


def offer_from_picture(path: Path) -> Offer:
    """The offer in a picture of the QR code.

    Raises PairingError("ticket_invalid"), also where no code is seen."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise PairingError("ticket_invalid", f"{path} is no picture")
    text = read_qr(picture)
    if not text:
        raise PairingError("ticket_invalid", f"no QR code is seen in {path}")
    return offer_from_link(text)


def read_qr(picture: cv2.typing.MatLike) -> str:
    """The text of the QR code in a picture (rows × columns × BGR); empty where none is read."""
    # OpenCV's plain detector alone fails on 3 % of our own links, drawn without a fault.
    for detector in (cv2.QRCodeDetectorAruco(), cv2.QRCodeDetector()):
        text = detector.detectAndDecode(picture)[0]
        if text:
            return text
    return ""


def load_or_make_key(folder: Path) -> ECKey:
    """The phone's key in a buffer folder, made at the first call.  Raises OSError, ValueError."""
    path = folder / _KEY_FILE
    if path.exists():
        try:
            return ECKey.import_key(path.read_bytes())
        except (JoseError, ValueError, TypeError) as error:
            raise ValueError(f"{path} holds no key") from error
    key = new_phone_key()
    # Crash before the rename: another key is made next time, and nothing was claimed with this one.
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key.as_pem(private=True))
        file.flush()
        os.fsync(handle)
    fresh.rename(path)
    sync_directory(folder)
    return key


def server_key(claim: Fact) -> OKPKey:
    """The server's public key as it was pinned when the phone claimed."""
    return OKPKey.import_key(dict(claim["server_jwk"]))


async def claim_offer(offer: Offer, server: Server, buffer: Buffer, key: ECKey, clock: Clock) -> Fact:
    """Redeem an offer and keep the answer, durable.  Raises PairingError, TryLater.

    Asking again with the same offer and key is safe: the server gives the same answer."""
    jwk = public_jwk(key)
    record = sign(key, Claim.TYP, Claim(offer.secret, jwk, CLIENT_NAME, clock.wall_ms()).to_claims())
    fact = _claimed(offer, await server.claim(record), thumbprint(key))
    buffer.record(fact)
    return fact


def _claimed(offer: Offer, answer: Any, name: str) -> Fact:
    try:
        jwk = {member: str(answer["server_jwk"][member]) for member in ("kty", "crv", "x")}
        nonce, bearer = str(answer["nonce"]), str(answer["bearer"])
        OKPKey.import_key(dict(jwk))
        fact: dict[str, Any] = {
            "fact": "claimed", "server": offer.server, "secret": offer.secret, "key": name,
            "sitting": str(answer["sitting_id"]), "nonce": nonce, "bearer": bearer, "server_jwk": jwk,
            "digits": digits(offer.secret, name, nonce),
        }
    except (KeyError, TypeError, ValueError, JoseError) as error:
        raise PairingError("malformed", f"the answer to the claim: {error!r}") from error
    if answer.get("digits") not in {None, fact["digits"]}:
        # The server that answered is not the one whose nonce this is, or one of us can't count.
        raise PairingError("key_mismatch", "the server shows other digits than this phone")
    return fact


def keep_binding(buffer: Buffer, claim: Fact, record: str) -> None:
    """Check the server's word that this phone is bound, and keep it.  Raises PairingError."""
    binding = Binding.from_claims(verify(record, Binding.TYP, server_key(claim)))
    expected = (claim["sitting"], claim["key"], claim["nonce"])
    if (binding.sitting, binding.key, binding.nonce) != expected:
        raise PairingError("claims_invalid", "the binding speaks of another phone or sitting")
    buffer.record(
        {"fact": "bound", "sitting": binding.sitting, "generation": binding.generation, "record": record}
    )


