"""The two coupled machines of a sitting, as tables: everything that affects its stages lives here.

The *phone* machine says which phone is bound; the *evidence* machine how far the recording is judged.
Both see every event; an event a machine has no row for leaves that machine where it is, but only if
the event is not one of its own, and only if the coupling allows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pairing.errors import PairingError

# (stage, event) -> stage
PHONE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("offered", "offer_made"): "offered",
        ("offered", "claimed"): "claimed",
        ("claimed", "claim_refused"): "offered",
        ("claimed", "claim_lapsed"): "offered",
        ("claimed", "confirmed"): "bound",
        ("bound", "rebind_opened"): "reoffered",
        ("reoffered", "offer_made"): "reoffered",
        ("reoffered", "claimed"): "reclaimed",
        ("reclaimed", "claim_refused"): "reoffered",
        ("reclaimed", "claim_lapsed"): "reoffered",
        ("reclaimed", "confirmed"): "bound",
    }
)

EVIDENCE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("awaited", "confirmed"): "recording",
        ("awaited", "ended"): "ended",
        ("awaited", "verdict"): "decided",
        ("recording", "confirmed"): "recording",
        ("recording", "committed"): "recording",
        ("recording", "ended"): "ended",
        ("recording", "verdict"): "decided",
        ("ended", "confirmed"): "ended",
        ("ended", "committed"): "ended",
        ("ended", "ended"): "ended",
        ("ended", "verdict"): "decided",
        ("decided", "confirmed"): "decided",
        ("decided", "committed"): "decided",
        ("decided", "verdict"): "decided",
        ("decided", "ended"): "decided",  # only support moves the end then, with a reason
        ("decided", "published"): "published",
        ("published", "committed"): "published",
        ("published", "ended"): "published",
        ("published", "verdict"): "published",
        ("published", "published"): "published",
        ("published", "released"): "published",
        ("published", "erased"): "erased",
    }
)

# The coupling: an event of one machine that only some stages of the other admit.
PHONE_ADMITS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "committed": frozenset({"bound", "reoffered", "reclaimed"}),
        "released": frozenset({"bound", "reoffered", "reclaimed"}),
    }
)
EVIDENCE_ADMITS: Mapping[str, frozenset[str]] = MappingProxyType(
    {  # once the results are out no confirm follows, and whoever claimed would wait for it in vain
        "claimed": frozenset({"awaited", "recording", "ended", "decided"}),
        "rebind_opened": frozenset({"awaited", "recording", "ended", "decided"}),
    }
)

_PHONE_EVENTS = frozenset(event for _, event in PHONE)
_EVIDENCE_EVENTS = frozenset(event for _, event in EVIDENCE)


@dataclass(frozen=True)
class Stages:
    """Where both machines stand."""

    phone: str = "offered"
    evidence: str = "awaited"

    def after(self, event: str) -> Stages:
        """The stages after `event`.  Raises PairingError("wrong_stage") where it has no place."""
        if self.phone not in PHONE_ADMITS.get(event, {self.phone}):
            raise PairingError("wrong_stage", f"{event} while the phone is {self.phone}")
        if self.evidence not in EVIDENCE_ADMITS.get(event, {self.evidence}):
            raise PairingError("wrong_stage", f"{event} while the evidence is {self.evidence}")
        return Stages(
            _step(PHONE, _PHONE_EVENTS, self.phone, event),
            _step(EVIDENCE, _EVIDENCE_EVENTS, self.evidence, event),
        )


def _step(table: Mapping[tuple[str, str], str], own: frozenset[str], stage: str, event: str) -> str:
    if event not in own:
        return stage
    following = table.get((stage, event))
    if following is None:
        raise PairingError("wrong_stage", f"{event} at {stage}")
    return following


def diagram(table: Mapping[tuple[str, str], str]) -> str:
    """The table as a Mermaid state diagram."""
    first = next(iter(table))[0]
    rows = [f"    {stage} --> {following}: {event}" for (stage, event), following in table.items()]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {first}", *rows])


def document() -> str:
    """docs/machines.md: both tables as diagrams, and how they are coupled."""
    parts = [
        "# The two machines of a sitting",
        "Generated from `pairing/machine.py`: `python -m pairing.machine > docs/machines.md`.",
        "Both machines see every event of the journal. One that a machine knows, but not at the stage where "
        "it stands, is refused (`wrong_stage`); one that it does not know leaves it where it is.",
    ]
    titled = {"Phone: which phone is bound": PHONE, "Evidence: how far it is judged": EVIDENCE}
    for title, table in titled.items():
        parts += [f"## {title}", f"```mermaid\n{diagram(table)}\n```"]
    parts.append("## Coupling")
    for machine, admits in {"phone": PHONE_ADMITS, "evidence": EVIDENCE_ADMITS}.items():
        rows = [f"| {event} | {', '.join(sorted(admitted))} |" for event, admitted in admits.items()]
        parts.append("\n".join([f"| event | only while the {machine} is |", "|---|---|", *rows]))
    return "\n\n".join(parts)


if __name__ == "__main__":
    print(document())
