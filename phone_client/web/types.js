/**
 * The shapes that both threads of the phone's web app speak of, as JSDoc types.
 *
 * Times are integer milliseconds since 1970: on the phone's wall clock, or on the server's where the comment
 * says so; `mono_ms` is the page's clock that is never set: `Math.floor(performance.timeOrigin +
 * performance.now())`, the same in both threads of one page load, which `boot` names.
 *
 * @typedef {"none"|"crash"|"call"|"locked"|"hidden"|"camera_lost"|"muted"|"frozen"|"black"|"storage_full"|"battery"|"stopped"|"clock_jump"|"overload"|"unknown"} Cause
 * @typedef {"gap_begin"|"gap_end"|"scan_begin"|"scan_end"|"placed"|"consent"|"stop"} NoteName
 * @typedef {"camera"|"orientation"} Source
 * @typedef {"video/mp4"|"video/webm"|"application/json"} Container
 * @typedef {"complete"|"late"|"incomplete"} Word
 * @typedef {"zh-CN"|"en"} Language
 *
 * Both clocks of the phone at one moment.
 * @typedef {{mono_ms: number, wall_ms: number}} Instant
 *
 * One reading of the server's clock: its time at the middle of a round trip of `rtt_ms`, and the phone's
 * readings then.
 * @typedef {{server_ms: number, mono_ms: number, wall_ms: number, rtt_ms: number}} ClockSample
 *
 * A line of the phone's journal: `fact` names its kind (see ledger.js).
 * @typedef {{fact: string, [member: string]: any}} Fact
 *
 * A public key as JWK: the phone's (EC, P-256, with y) or the server's (OKP, Ed25519).
 * @typedef {{kty: string, crv: string, x: string, y?: string}} PublicJwk
 *
 * A refusal as the window is told it: sentences from the one table of refusals.
 * @typedef {{code: string, detail: string, says: Record<Language, string>, do: Record<Language, string>}} Told
 *
 * Where the sitting stands for this phone.  `start`: no claim is kept.
 * @typedef {"start"|"claimed"|"bound"|"lapsed"|"refused"|"replaced"} Stage
 *
 * @typedef {{start_ms: number, end_ms: number, cause: Cause}} Gap
 *
 * The newest verdict, read out of its verified record; times on the server's clock.
 * @typedef {object} Verdict
 * @property {Word} word
 * @property {number} version
 * @property {number} issued_at_ms
 * @property {{code: string, [member: string]: unknown}[]} reasons
 * @property {{code: string, [member: string]: unknown}[]} review
 * @property {{start_ms: number, end_ms: number}[]} missing
 * @property {Gap[]} gaps
 *
 * The newest room scan as the server told of it; `count` scans were begun so far.  Sector k is 10k…10k+10 degrees
 * from where the turn began, clockwise; `missing` are those not seen, and of
 * these `unverified` the ones that the camera passed and nothing could be made out in.
 * @typedef {object} SeenScan
 * @property {number} count
 * @property {"running"|"measuring"|"answered"} stage
 * @property {{yaw_deg: number, sectors: number[]}|null} progress while it runs: what is measured so far
 * @property {"accept"|"repeat"|"review"|null} accepted
 * @property {{code: string, [fact: string]: unknown}[]} reasons
 * @property {number|null} net_yaw_deg
 * @property {number[]} sectors_covered
 * @property {number[]} sectors_missing
 * @property {number[]} sectors_unverified
 * @property {number|null} face_percent how much of the time the candidate was in the picture
 * @property {number|null} people_max
 * @property {string|null} strip the name of its picture
 * @property {number} begin_mono_ms of its note `scan_begin`: which turn it is
 *
 * @typedef {{stage: "measuring"|"answered", ok: boolean|null, missing: string[], picture: string|null}} SeenPlacement
 *
 * What the server sees wrong with the picture or the sound; its clock, `until_ms` null while it goes on.
 * @typedef {{kind: string, since_ms: number, until_ms: number|null}} Alarm
 *
 * What the window is shown: all of it plain, made anew whenever something changed.
 * @typedef {object} State
 * @property {Stage} stage
 * @property {string} sitting its id; "" before the claim
 * @property {string} exam
 * @property {string} digits six digits to compare with the laptop; "" before the claim
 * @property {string} key thumbprint of the phone's key; "" before the claim
 * @property {number|null} lapses_at_ms when an unconfirmed claim lapses; the server's clock
 * @property {number} generation 0 before the confirm
 * @property {{start_ms: number|null, end_ms: number|null}} window as planned; the server's clock
 * @property {Record<string, unknown>} policy
 * @property {number|null} end_ms the exam's end, once announced; the server's clock
 * @property {boolean} ended the end is announced and past
 * @property {number|null} stops_at_ms when the recording ends by itself after the exam's end; wall clock
 * @property {number|null} deadline_ms when all must be stored; the server's clock
 * @property {number|null} server_offset_ms the server's clock minus the phone's wall clock; null while unknown
 * @property {boolean} online whether the server answered the last request
 * @property {number|null} last_contact_ms when it last answered; wall clock
 * @property {{version: string, face: boolean, room: boolean, at_ms: number}|null} consented
 * @property {number|null} run the run that is open
 * @property {boolean} stopped the recording was ended by its note `stop`
 * @property {number} recorded_ms
 * @property {{recorded: number, committed: number, stored: number, verified: number}} segments
 * @property {{segments: number, bytes: number, ms: number}} waiting what is to be uploaded still
 * @property {number} stuck segments waiting whose media is refused for good
 * @property {number} held_bytes media on the phone
 * @property {{quota: number, usage: number, persisted: boolean}|null} storage in bytes
 * @property {number|null} rate_bps bits a second, as measured by uploads; null while unknown
 * @property {{done_ms: number|null, late: boolean, needed_bps: number|null}} forecast when all will have
 *   arrived (wall clock), whether that is after the deadline, and the rate that would do
 * @property {boolean} metered_allowed whether uploads use a metered network
 * @property {"metered"|null} uploading_held why uploads wait by choice
 * @property {boolean} metered_overridden they would, but the deadline does not allow it
 * @property {{cause: Cause, since_ms: number}|null} gap the interruption that is open; wall clock
 * @property {Gap[]} gaps wall clock
 * @property {boolean} crashed an earlier run ended by a kill, and recording has not resumed
 * @property {boolean} listed the manifest is accepted and lists everything
 * @property {Verdict|null} verdict
 * @property {string|null} verdict_jws its signed record
 * @property {SeenScan|null} scan
 * @property {SeenPlacement|null} placement of the newest note `placed`
 * @property {Alarm[]} alarms
 * @property {boolean} released results are published and a verified release has come
 * @property {number} freed_bytes deleted by releases
 * @property {Told|null} refusal the last thing that the server refused and nobody has mended
 */

export {};
