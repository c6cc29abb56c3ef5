// One of the runs side by side: a browser, and a run after the other with it. `main.mjs` starts it and says which.

import { writeFile } from "node:fs/promises";
import { chromium } from "@playwright/test";
import playwright from "../playwright.config.mjs";
import { check } from "./checker.mjs";
import { run } from "./run.mjs";

/** A run that has not ended by then never will, in milliseconds. */
const GIVE_UP = 90_000;

const FOUND = { reached: {}, violations: [] };

let browser;

async function judged(seed, evidence) {
  browser = browser?.isConnected() ? browser : await chromium.launch({ ...playwright.use.launchOptions });
  const history = await run(seed, browser);
  const { reached, violations } = check(history);
  if (violations.length > 0 || process.env.TALLYLIGHT_TORTURE_KEEP) await writeFile(evidence, JSON.stringify(history));
  const faults = {};
  for (const { kind } of history.disturbances) faults[kind] = (faults[kind] ?? 0) + 1;
  return {
    seed,
    seconds: (history.ended - history.began) / 1000,
    requests: history.ledger.requests.length,
    sessions: history.ledger.sessions.length,
    recordings: history.recordings.length,
    presses: history.presses.filter(({ answered, pressed }) => answered || pressed).length,
    faults,
    reached,
    violations,
  };
}

process.on("message", async ({ seed, evidence }) => {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ ...FOUND, seed, trouble: `it did not end within ${GIVE_UP / 1000} s` }), GIVE_UP);
  });
  const result = await Promise.race([judged(seed, evidence).catch((error) => ({ ...FOUND, seed, trouble: error.stack ?? error.message })), late]);
  clearTimeout(timer);
  process.send(result, () => {
    // What hangs is left to the end of this process.
    if (result.trouble) process.exit(1);
  });
});
process.on("disconnect", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));
