"""The shapes of requests and answers: the API description is generated from these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Ms = Annotated[int, Field(ge=0, le=2**53 - 1, description="Milliseconds since 1970, UTC.")]
Record = Annotated[str, Field(min_length=16, max_length=262_144, description="A compact JWS.")]
Thumbprint = Annotated[str, Field(min_length=43, max_length=43, description="RFC 7638 thumbprint of a key.")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Window(_Request):
    """When the exam is to take place; either may be left open."""

    start_ms: Ms | None = Field(None, description="Default: the first confirm.")
    end_ms: Ms | None = Field(None, description="Default: four hours after the start.")


class CreateSitting(_Request):
    """A candidate's sitting at an exam project."""

    sitting_id: str | None = Field(
        None, min_length=1, max_length=64, pattern="^[A-Za-z0-9_-]+$",
        description="Opaque; never a name or a candidate number. Default: a random one.",
    )
    exam: str = Field("", max_length=80, description="The exam project, as the laptop page shows it.")
    window: Window = Field(default_factory=lambda: Window(start_ms=None, end_ms=None))
    policy: dict[str, Any] = Field(default_factory=dict, description="What differs from the default policy.")


class NameKey(_Request):
    """Names the phone's key whose six digits were compared."""

    key: Thumbprint


class EndSitting(_Request):
    """The exam is over."""

    at_ms: Ms | None = Field(None, description="Default: now, or as told before. Not in the future.")
    reason: str = Field("", max_length=500, description="Needed once there is a verdict.")


class Publish(_Request):
    """The results are published."""

    reason: str = Field("", max_length=500, description="Why now: it is kept in the journal.")


class GiveReason(_Request):
    """Why: it is kept in the journal."""

    reason: str = Field(min_length=1, max_length=500)


class Extend(GiveReason):
    """A later deadline."""

    extension_s: int = Field(ge=1, le=2_592_000)
    command: str | None = Field(
        None, min_length=1, max_length=64, pattern="^[A-Za-z0-9_-]+$",
        description="The caller's own id of this command: sent again with it, it is done once.",
    )


class Waive(GiveReason):
    """A reason of the verdict that is set aside."""

    code: str = Field(min_length=1, max_length=40)


class SendClaim(_Request):
    """A phone redeems an offer."""

    claim: Record


class SendEntries(_Request):
    """Heads and notes, in the order of their runs."""

    entries: list[Record] = Field(min_length=1, max_length=64)


class SendManifest(_Request):
    """The phone's list of all it recorded."""

    manifest: Record


class Created(BaseModel):
    """A sitting, and what the laptop page needs."""

    sitting_id: str
    page_token: str = Field(description="Opens the laptop page of this sitting, nothing else.")
    page_url: str
    link: str | None = Field(description="What the QR code holds; null once a phone has claimed.")
    code: str | None = Field(description="The typed binding code.")


class OfferNow(BaseModel):
    """What the laptop shows now."""

    link: str
    code: str
    address: str = Field(description="Where to type the code.")
    link_refresh_at_ms: int
    code_refresh_at_ms: int
    server_time_ms: int


class ClaimNow(BaseModel):
    """A phone that waits for its confirm."""

    digits: str
    key: str
    claimed_at_ms: int
    lapses_at_ms: int
    client: str


class BindingNow(BaseModel):
    """The bound phone."""

    generation: int
    key: str
    confirmed_at_ms: int


class Counts(BaseModel):
    """Camera segments by how far they have come."""

    committed: int
    stored: int
    verified: int


class OpenGap(BaseModel):
    """An interruption that the phone has reported and not yet ended."""

    cause: str
    since_ms: int


class PhoneNow(BaseModel):
    """How far the recording has come: durations of media, in milliseconds."""

    capture: Literal["recording", "interrupted", "stopped", "unknown"]
    last_contact_ms: int
    recorded_ms: int
    committed_ms: int
    stored_ms: int
    verified_ms: int
    segments: Counts
    gap: OpenGap | None


class VerdictNow(BaseModel):
    """The newest verdict in short; the signed one is in `verdict_jws`."""

    word: Literal["complete", "incomplete", "late"]
    version: int
    issued_at_ms: int
    deadline_ms: int
    reasons: list[dict[str, Any]]
    review: list[dict[str, Any]]
    gaps: list[dict[str, Any]]
    missing: list[dict[str, Any]]


class ScanProgress(BaseModel):
    """What a scan that goes on has shown so far."""

    yaw_deg: int
    sectors: list[int]


class ScanNow(BaseModel):
    """The newest room scan; sectors are of 10 degrees, from where it began, growing to the right."""

    count: int = Field(description="Scans begun so far.")
    stage: Literal["running", "measuring", "answered"]
    run: int
    begin_mono_ms: int
    progress: ScanProgress | None
    accepted: Literal["accept", "repeat", "review"] | None
    reasons: list[dict[str, Any]]
    strip: str | None = Field(description="The name of the picture of the room, as seen.")
    net_yaw_deg: int | None
    sectors_covered: list[int] | None
    sectors_missing: list[int] | None
    sectors_unverified: list[int] | None
    face_percent: int | None
    people_max: int | None
    closed: bool | None
    direction: str | None


class PlacementNow(BaseModel):
    """Where the phone was put, the newest time."""

    stage: Literal["measuring", "answered"]
    ok: bool | None
    missing: list[str]
    picture: str | None


class AlarmNow(BaseModel):
    """Something wrong in picture or sound; while it lasts `until_ms` is null."""

    kind: str
    since_ms: int
    until_ms: int | None
    confidence_percent: int
    picture: str | None


class SeenNow(BaseModel):
    """What was seen in the recording."""

    scan: ScanNow | None
    placement: PlacementNow | None
    alarms: list[AlarmNow]


class SittingNow(SeenNow):
    """All that page and backend see of a sitting."""

    sitting_id: str
    exam: str
    server_time_ms: int
    support_contact: str
    stage: Literal["offered", "claimed", "bound", "ended", "decided", "published"]
    window: Window
    end_ms: int | None
    deadline_ms: int | None
    policy: dict[str, Any]
    claim: ClaimNow | None
    binding: BindingNow | None
    phone: PhoneNow | None
    gaps: list[dict[str, Any]]
    missing: list[dict[str, Any]]
    verdict: VerdictNow | None
    verdict_jws: str | None
    published_at_ms: int | None


class ClaimAnswer(BaseModel):
    """What a phone gets for its claim, the same each time it asks."""

    sitting_id: str
    exam: str
    stage: str
    nonce: str
    digits: str
    key: str
    bearer: str
    server_jwk: dict[str, str]
    server_time_ms: int
    lapses_at_ms: int
    window: Window
    policy: dict[str, Any]


class ChainTip(BaseModel):
    """How far a run's chain has come."""

    run: int
    next_seq: int
    tip: str


class PhoneReads(SeenNow):
    """All that a phone reads of its binding."""

    stage: Literal["claimed", "bound", "lapsed", "refused", "replaced"]
    server_time_ms: int
    position: int = Field(description="Events in the sitting's journal; `after` of the next read.")
    generation: int
    binding: str | None
    window: Window
    end_ms: int | None = Field(description="The announced end; null until the backend announced it.")
    deadline_ms: int | None
    progress: PhoneNow | None
    chain: list[ChainTip]
    unstored: list[str] = Field(description="Heads whose media is not stored, at most 500.")
    manifest: int = Field(description="Version of the newest accepted manifest, 0 without one.")
    verdict: VerdictNow | None
    verdict_jws: str | None
    published_at_ms: int | None
    releases: list[str]


class EntriesAnswer(BaseModel):
    """The entries are durable."""

    acknowledgement: str
    uploads: dict[str, str]
    end_ms: int | None
    server_time_ms: int


class ServerTime(BaseModel):
    """The server's clock."""

    server_time_ms: int


class ManifestAnswer(BaseModel):
    """The manifest is accepted."""

    manifest: int


class ReceiptAnswer(BaseModel):
    """A segment's receipt."""

    receipt: str


class Refusal(BaseModel):
    """Any refusal."""

    error: str
    says: dict[str, str]
    do: dict[str, str]
    detail: str
