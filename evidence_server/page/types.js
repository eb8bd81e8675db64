/**
 * The shapes the server sends, as JSDoc types; times are integer milliseconds since the epoch, lengths
 * integer milliseconds.  The server's OpenAPI document is the source.
 *
 * @typedef {"offered"|"claimed"|"bound"|"ended"|"decided"|"published"} Stage
 * @typedef {"crash"|"call"|"locked"|"hidden"|"camera_lost"|"muted"|"storage_full"|"battery"|"stopped"|"unknown"} GapCause
 *
 * @typedef {object} Claim
 * @property {string} digits six digits, the same on the phone
 * @property {string} key thumbprint of the phone's key; confirm and refuse name it
 * @property {number} claimed_at_ms
 * @property {number} lapses_at_ms
 * @property {string} client what the phone says it is; untrusted text
 *
 * @typedef {object} Phone
 * @property {"recording"|"interrupted"|"stopped"|"unknown"} capture
 * @property {number} last_contact_ms
 * @property {number} recorded_ms
 * @property {number} committed_ms
 * @property {number} stored_ms
 * @property {number} verified_ms
 * @property {{committed: number, stored: number, verified: number}} segments
 * @property {null|{cause: string, since_ms: number}} gap the gap that is open now
 *
 * @typedef {{start_ms: number, end_ms: number}} Interval
 * @typedef {{start_ms: number, end_ms: number, cause: string}} Gap
 * @typedef {{code: string, start_ms?: unknown, end_ms?: unknown, kind?: unknown, why?: unknown, missing?: unknown}} Reason
 *
 * The newest turn around the room; `strip` names its picture.
 * @typedef {object} Scan
 * @property {number} count scans begun so far
 * @property {"running"|"measuring"|"answered"} stage
 * @property {{yaw_deg: number, sectors: number[]}|null} progress
 * @property {"accept"|"repeat"|"review"|null} accepted
 * @property {{code: string}[]} reasons
 * @property {number|null} net_yaw_deg
 * @property {string|null} strip
 *
 * How the phone stands, as it said last that it does.
 * @typedef {{stage: "measuring"|"answered", ok: boolean|null, missing: string[], picture: string|null}} Placement
 *
 * What the server sees wrong with the picture or the sound; `until_ms` is null while it goes on.
 * @typedef {{kind: string, since_ms: number, until_ms: number|null}} Alarm
 *
 * @typedef {object} Verdict
 * @property {"complete"|"incomplete"|"late"} word
 * @property {number} version
 * @property {number} issued_at_ms
 * @property {Reason[]} reasons
 * @property {Reason[]} review
 * @property {number} deadline_ms
 * @property {Gap[]} gaps as judged; the state's own may have moved on
 * @property {Interval[]} missing
 *
 * @typedef {object} State
 * @property {string} sitting_id
 * @property {string} exam
 * @property {number} server_time_ms
 * @property {string} support_contact whom to ask for help; empty when not set
 * @property {Stage} stage
 * @property {{start_ms: number|null, end_ms: number|null}} window
 * @property {number|null} end_ms
 * @property {number|null} deadline_ms
 * @property {Claim|null} claim
 * @property {{generation: number, key: string, confirmed_at_ms: number}|null} binding
 * @property {Phone|null} phone
 * @property {Gap[]} gaps
 * @property {Interval[]} missing
 * @property {Scan|null} scan
 * @property {Placement|null} placement
 * @property {Alarm[]} alarms the newest, at most 20
 * @property {Verdict|null} verdict
 * @property {number|null} published_at_ms
 *
 * @typedef {object} Offer
 * @property {string} link
 * @property {string} code groups joined by hyphens
 * @property {string} address where to type the code
 * @property {number} link_refresh_at_ms
 * @property {number} code_refresh_at_ms
 * @property {number} server_time_ms
 *
 * What a view is shown with: the last state received, the server's time now, and whether the state is
 * live.  While it is not, `asOf` (the server's time when the state was received) is what it is true for.
 * @typedef {{state: State, now: number, asOf: number, live: boolean}} Moment
 *
 * A view draws one stage.  `update` is called with every state and every second; `headline` is what a
 * screen reader is told when it changes; `close` ends what the view started.
 * @typedef {object} View
 * @property {HTMLElement} node
 * @property {(moment: Moment) => void} update
 * @property {(moment: Moment) => string} headline
 * @property {() => void} close
 *
 * What views may use.
 * @typedef {object} Desk
 * @property {import("./words.js").Words} words
 * @property {import("./api.js").Api} api
 * @property {() => number} now the server's time
 * @property {(error: unknown) => void} complain show why a request failed
 * @property {() => void} settle take the last complaint away
 * @property {(state: State) => void} accept a newer state, from an answer
 */

export {};
