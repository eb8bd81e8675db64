/** What the window is shown, made of what the phone knows and where the delivery stands (pure). */

/** @typedef {import("./types.js").State} State */

/**
 * Beside the ledger: what only the Keeper knows.
 * @typedef {object} Surroundings
 * @property {import("./delivery.js").Delivery|null} delivery null before a claim
 * @property {import("./pacing.js").Pacing} pacing
 * @property {State["storage"]} storage
 */

const NOTHING = Object.freeze({
  stops_at_ms: null, deadline_ms: null, server_offset_ms: null, last_contact_ms: null,
  waiting: { segments: 0, bytes: 0, ms: 0 }, stuck: 0, rate_bps: null, forecast: { done_ms: null, late: false, needed_bps: null },
  uploading_held: null, metered_overridden: false, verdict: null, verdict_jws: null, freed_bytes: 0, refusal: null,
  ended: false, window: { start_ms: null, end_ms: null }, scan: null, placement: null, alarms: [],
});

/**
 * @param {import("./ledger.js").Ledger} ledger
 * @param {Surroundings} around
 * @returns {State}
 */
export function stateOf(ledger, { delivery, pacing, storage }) {
  const { claim, consented, gap } = ledger;
  const totals = ledger.totals();
  const run = ledger.openRuns().find(({ source }) => source === "camera") ?? null;
  const open = gap !== null && gap.note === "gap_begin" ? gap : null;
  return {
    ...(delivery === null ? NOTHING : delivered(delivery)),
    stage: stageOf(ledger, delivery),
    sitting: claim?.["sitting"] ?? "", exam: claim?.["exam"] ?? "", digits: claim?.["digits"] ?? "",
    key: claim?.["key"] ?? "", lapses_at_ms: claim?.["lapses_at_ms"] ?? null,
    generation: ledger.binding?.["generation"] ?? 0, policy: claim?.["policy"] ?? {}, end_ms: ledger.end_ms,
    online: pacing.online,
    consented: consented && {
      version: consented["version"], face: consented["face"], room: consented["room"], at_ms: consented["wall_ms"],
    },
    run: run?.number ?? null, stopped: ledger.stopped,
    recorded_ms: Math.floor((totals.recorded_us + tailOf(run)) / 1_000),
    segments: {
      recorded: totals.recorded, committed: totals.committed, stored: totals.stored,
      verified: delivery?.standing?.verified ?? 0,
    },
    held_bytes: totals.bytes_held, storage, metered_allowed: ledger.metered_allowed,
    gap: open && { cause: open.cause, since_ms: open.wall_ms }, gaps: [...ledger.gaps],
    crashed: open !== null && open.cause === "crash" && run === null,
    listed: ledger.manifests.length > 0 && ledger.manifest_sent === ledger.manifests.length
      && ledger.listed === [...ledger.deliverable()].length,
    released: ledger.releases.length > 0,
  };
}

/**
 * How much media the segment being recorded has, in microseconds.
 * @param {import("./ledger.js").Run|null} run
 */
function tailOf(run) {
  const media = (run?.tail ?? []).flatMap(({ media_us }) => (media_us ? [media_us] : []));
  const [first, last] = [media[0], media.at(-1)];
  return first && last ? Math.max(0, last[1] - first[0]) : 0;
}

/**
 * @param {import("./ledger.js").Ledger} ledger
 * @param {import("./delivery.js").Delivery|null} delivery
 * @returns {import("./types.js").Stage}
 */
function stageOf({ claim, binding, turned_away_at }, delivery) {
  if (delivery?.lost) return delivery.lost;
  if (claim === null) return "start";
  if (turned_away_at !== null || delivery?.standing?.stage === "replaced") return "replaced";
  return binding === null ? "claimed" : "bound";
}

/** @param {import("./delivery.js").Delivery} delivery */
function delivered(delivery) {
  const { standing, samples, verdicts, window, deadline_ms, examEnd, last_contact_ms, freed, refusal, ended } = delivery;
  const { held, overridden } = delivery.hold();
  const newest = verdicts.newest;
  return {
    scan: standing?.scan ?? null, placement: standing?.placement ?? null, alarms: standing?.alarms ?? [],
    window, deadline_ms, stops_at_ms: examEnd.stops_at_ms, ended, last_contact_ms, server_offset_ms: samples.offset_ms,
    waiting: delivery.waiting(), stuck: delivery.uploads.stuck, rate_bps: delivery.uploads.rate_bps, forecast: delivery.forecast(),
    uploading_held: held ? /** @type {const} */ ("metered") : null, metered_overridden: overridden,
    verdict: newest && {
      word: newest.word, version: newest.version, issued_at_ms: newest.issued_at_ms, reasons: newest.reasons,
      review: newest.review, missing: newest.missing, gaps: newest.gaps,
    },
    verdict_jws: newest?.record ?? null, freed_bytes: freed, refusal: refusal?.told() ?? null,
  };
}
