"""Vectors of what an offer shows and of how people's typing is read."""

from __future__ import annotations

from collections.abc import Mapping

from pairing import codes
from tests.vectors.signing import OTHER_PHONE, PHONE, b64u

SECRET = bytes(range(32))
OFFER = bytes(range(0xA0, 0xAC))
NOON_MS = 1_800_000_000_000  # begins a ticket's slot of 30 s and a code's of 90 s
NONCE = "AAECAwQFBgcICQoLDA0ODw"
LEADING_ZERO_NONCE = "AAAAAAAAAAAAAAAAAAAACA"




def _ticket(
    name: str, text: str, after_ms: int, outcome: str, secret: bytes = SECRET
) -> dict[str, object]:
    return {
        "name": name, "ticket": text, "secret": secret.hex(), "now_ms": NOON_MS + after_ms, "outcome": outcome
    }


def _joined(ticket: codes.Ticket, slots_on: int = 0, mac: bytes | None = None) -> str:
    slot = (ticket.slot + slots_on).to_bytes(4, "big")
    return b64u(ticket.offer + slot + (ticket.mac if mac is None else mac))


def _tickets() -> list[dict[str, object]]:
    shown = codes.ticket(SECRET, OFFER, NOON_MS)
    good = codes.Ticket.parse(shown)
    of_another_offer = codes.Ticket.parse(codes.ticket(SECRET, bytes(12), NOON_MS)).mac
    return [
        _ticket("first moment of its slot", shown, 0, "accepted"),
        _ticket("last valid moment", shown, 179_999, "accepted"),
        _ticket("too old", shown, 180_000, "offer_expired"),
        _ticket("a slot ahead: the clock was set back", shown, -30_000, "accepted"),
        _ticket("more than a slot ahead", shown, -30_001, "offer_expired"),
        _ticket("another secret", shown, 0, "ticket_invalid", bytes(32)),
        _ticket("the MAC of another offer", _joined(good, mac=of_another_offer), 0, "ticket_invalid"),
        _ticket("a later slot under the same MAC", _joined(good, slots_on=1), 0, "ticket_invalid"),
        _ticket("a byte short", _joined(good, mac=good.mac[:-1]), 0, "ticket_invalid"),
        _ticket("a byte long", _joined(good, mac=good.mac + b"\0"), 0, "ticket_invalid"),
        _ticket("one character short", shown[:-1], 0, "ticket_invalid"),
        _ticket("a space behind", shown + " ", 0, "ticket_invalid"),
        _ticket("empty", "", 0, "ticket_invalid"),
    ]


def _shown() -> list[dict[str, object]]:
    times = {
        # Ordinary check symbols stand for 0 to 31; that of the first candidate would be one of *~$=U here.
        "first moment of a slot, second candidate for the code: the first is 36 modulo 37": NOON_MS,
        "second candidate: the first is 32 modulo 37": NOON_MS + 46 * 90_000,
        "first candidate: it is 31 modulo 37": NOON_MS + 69 * 90_000,
        "last moment of a ticket": NOON_MS + 29_999,
        "last moment of a code": NOON_MS + 89_999,
        "next code": NOON_MS + 90_000,
        "1970, when there is no older code": 0,
    }
    return [
        {
            "name": name, "secret": SECRET.hex(), "offer": OFFER.hex(), "now_ms": now_ms,
            "ticket": codes.ticket(SECRET, OFFER, now_ms), "next_ticket_ms": codes.next_ticket_ms(now_ms),
            "code": codes.typed_code(SECRET, OFFER, now_ms), "next_code_ms": codes.next_code_ms(now_ms),
            "working": list(codes.valid_codes(SECRET, OFFER, now_ms)),
        }
        for name, now_ms in times.items()
    ]


# What is typed, and what it reads as: None where it is refused as mistyped.
_TYPED: Mapping[str, tuple[str, str | None]] = {
    "as shown": ("0123-4567-B", "01234567B"),
    "without hyphens": ("01234567B", "01234567B"),
    "small letters": ("abcd-efgh-q", "ABCDEFGHQ"),
    "spaces anywhere": (" 01 23 45 67 B ", "01234567B"),
    "the wide space of a Chinese keyboard": ("0123\u30004567\u3000B", "01234567B"),
    "full-width letters and digits": (
        "\uff10\uff11\uff12\uff13\uff0d\uff14\uff15\uff16\uff17\uff0d\uff22", "01234567B"
    ),
    "full-width small letters": ("\uff41\uff42\uff43\uff44efgh\uff51", "ABCDEFGHQ"),
    "full-width o, I and l": ("\uff29\uff4f\uff4c\uff2f-OOOO-2", "101000002"),
    "full-width, one symbol mistyped": ("\uff10\uff11\uff12\uff134568B", None),
    "64 characters, some of them of two UTF-16 units": (
        "\U0001d7ce\U0001d7cf\U0001d7d0\U0001d7d1\U0001d7d2\U0001d7d3\U0001d7d4\U0001d7d5B" + " " * 55,
        "01234567B",
    ),
    "an accented letter, in one and in two": ("\u00e90001234E\u0301", None),
    "hyphens anywhere": ("-0-1-2-3-4-5-6-7-B-", "01234567B"),
    "O, I and L for 0 and 1": ("OIL0-0I00-0", None),
    "O for 0": ("OOOO-OOOO-O", "000000000"),
    "I for 1": ("IOIO-OOOO-2", "101000002"),
    "L for 1": ("LOLO-OOOO-2", "101000002"),
    "small o, i and l": ("ioLo-oooo-2", "101000002"),
    "largest": ("ZZZZ-ZZZZ-F", "ZZZZZZZZF"),
    "one symbol mistyped": ("0123-4568-B", None),
    "two neighbours exchanged": ("0123-4576-B", None),
    "last symbol and check symbol exchanged": ("0123-456B-7", None),
    "wrong check symbol": ("0123-4567-C", None),
    "check symbol missing": ("0123-4567", None),
    "a symbol too many": ("0123-4567-BB", None),
    "U is not a symbol": ("0123-456U-B", None),
    "check symbol beyond the ordinary ones": ("0000-0010-*", None),
    "another script's digit": ("\u0660123-4567-B", None),
    "a Turkish i, whose capital is I": ("\u0131000-0000-K", None),
    "a letter that becomes two capitals": ("\u00df000-000-A", None),
    "an underscore": ("0123_4567_B", None),
    "empty": ("", None),
    "65 characters": (" " * 56 + "01234567B", None),
    "64 characters": (" " * 55 + "01234567B", "01234567B"),
}


def _read() -> list[dict[str, object]]:
    return [{"name": name, "typed": typed, "code": code} for name, (typed, code) in _TYPED.items()]


def _digits() -> list[dict[str, object]]:
    shown = codes.ticket(SECRET, OFFER, NOON_MS)
    cases = {
        "by link": (shown, PHONE.kid, NONCE),
        "by typed code": ("01234567B", PHONE.kid, NONCE),
        "another key": (shown, OTHER_PHONE.kid, NONCE),
        "another nonce": (shown, PHONE.kid, NONCE[::-1]),
        "a zero in front": ("01234567B", PHONE.kid, LEADING_ZERO_NONCE),
    }
    return [
        {
            "name": name, "secret": secret, "key": key, "nonce": nonce,
            "digits": codes.digits(secret, key, nonce),
        }
        for name, (secret, key, nonce) in cases.items()
    ]


def make() -> dict[str, object]:
    """The content of codes.json."""
    return {"shown": _shown(), "tickets": _tickets(), "typed": _read(), "digits": _digits()}
