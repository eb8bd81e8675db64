// Replays sequences of facts in the web app's ledger: node replay.mjs FILE, which holds [[fact, …], …].
// Prints what came of each: the ledger, and the number of the fact that it refused.

import { readFileSync } from "node:fs";
import { Ledger, LedgerError } from "../../../phone_client/web/ledger.js";

/** @typedef {import("../../../phone_client/web/types.js").Fact} Fact */

/** @param {Fact[]} facts */
function replayed(facts) {
  const ledger = new Ledger();
  const refused = facts.findIndex((fact) => {
    try {
      ledger.apply(fact);
      return false;
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      return true;
    }
  });
  const { claim, seen, gap, stopped, end_ms, manifests, listed, manifest_sent, verdicts, releases } = ledger;
  return {
    refused,
    ledger: {
      totals: ledger.totals(),
      runs: [...ledger.runs.values()].map(({ number, bytes, closed, entries }) => ({
        run: number, bytes, closed,
        entries: entries.map(({ name, record, committed, upload, receipt, deleted }) =>
          [name, record, committed, upload, receipt, deleted]),
      })),
      deliverable: [...ledger.deliverable()].map(({ run, seq }) => [run, seq]),
      claim: claim && claim["secret"],
      seen,
      gap: gap && [gap.note, gap.cause, gap.mono_ms, gap.wall_ms],
      stopped, end_ms, manifests, listed, manifest_sent, verdicts, releases,
    },
  };
}

/** @type {Fact[][]} */
const sequences = JSON.parse(readFileSync(String(process.argv[2]), "utf-8"));
process.stdout.write(JSON.stringify(sequences.map(replayed)));
