// The `test` of every journey: a page that may not fail silently.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test as base, expect } from "@playwright/test";
import { Desk } from "./desk.mjs";

export { expect };

/** Writes each recording's journal, an entry a line, into the folder that `TALLYLIGHT_JOURNALS` names. */
async function keep(desk, name) {
  const folder = process.env.TALLYLIGHT_JOURNALS;
  if (!folder || !name) return;
  const recordings = await desk.recordings();
  for (const [index, { id }] of recordings.entries()) {
    const lines = (await desk.journal(id)).map((entry) => `${JSON.stringify(entry)}\n`);
    const file = recordings.length === 1 ? name : `${name}-${index + 1}`;
    // One that is there stays: what was once kept is not changed.
    await writeFile(join(folder, `${file}.jsonl`), lines.join(""), { flag: "wx" });
  }
}

/** Leaves what was written down and what truly happened beside the trace of a journey that failed. */
async function leaveTruth(desk, testInfo) {
  const leave = async (name, look) => {
    const body = await look().catch((error) => ({ error: error.message }));
    await writeFile(testInfo.outputPath(`${name}.json`), JSON.stringify(body, null, 1));
  };
  await leave("ledger", () => desk.ledger());
  await leave("journals", async () => Promise.all((await desk.recordings()).map(({ id }) => desk.journal(id))));
}

export const test = base.extend({
  /** How the desk of a journey is started, set by `test.use({ deskOptions: { clockRate: 1 } })`. */
  deskOptions: [{}, { option: true }],

  /**
   * The name under which the journals of a journey are kept for the rules to be tested with, set by
   * `test.use({ journal: "one-failover" })`; see `TALLYLIGHT_JOURNALS` in the README.
   */
  journal: ["", { option: true }],

  /**
   * A control desk of this journey's own. When the journey is over, the ledger of the simulated service and the journal
   * agree, or it fails.
   */
  desk: async ({ deskOptions, journal, context }, use, testInfo) => {
    const desk = await Desk.start(deskOptions);
    try {
      await use(desk);
      if (testInfo.status === testInfo.expectedStatus) {
        await desk.agree();
        await keep(desk, journal);
      }
    } finally {
      if (testInfo.status !== testInfo.expectedStatus) await leaveTruth(desk, testInfo);
      // A page that outlives its proxy complains, and rightly.
      await Promise.all(context.pages().map((page) => page.close()));
      await desk.close();
      for (const program of [desk.simulator, desk.proxy]) {
        await testInfo.attach(program.name, { body: program.output.join("\n"), contentType: "text/plain" });
      }
    }
  },

  /**
   * Collects what the browser complains about, on every page of the journey, and fails the journey for it.
   * `trouble.allow(pattern)` declares what a journey provokes: a part of the text, or a regular expression.
   * `trouble.watch(context)` adds a second person's browser.
   */
  trouble: [
    async ({ context }, use) => {
      const seen = [];
      const allowed = [];
      const broken = [];
      const began = new WeakMap();
      const left = new Map();
      const watch = (watched) => {
        const leaves = (page) => left.set(page, [...(left.get(page) ?? []), Date.now()]);
        const follow = (page) => {
          page.on("framenavigated", (frame) => frame === page.mainFrame() && leaves(page));
          page.on("close", () => leaves(page));
        };
        for (const page of watched.pages()) follow(page);
        watched.on("page", follow);
        watched.on("request", (request) => began.set(request, Date.now()));
        watched.on("console", (message) => {
          if (message.type() === "error") seen.push(`console: ${message.text()} ${message.location().url}`);
        });
        watched.on("weberror", (error) => seen.push(`uncaught: ${error.error().message}`));
        watched.on("requestfailed", (request) => {
          const text = `request failed: ${request.method()} ${request.url()} ${request.failure()?.errorText ?? ""}`;
          const reads = request.method() === "GET" && !request.isNavigationRequest() && text.endsWith("net::ERR_ABORTED");
          if (reads) broken.push({ text, page: request.frame().page(), from: began.get(request) ?? 0, to: Date.now() });
          else seen.push(text);
        });
        watched.on("response", (response) => {
          if (response.status() >= 400) {
            seen.push(`response: ${response.status()} ${response.request().method()} ${response.url()}`);
          }
        });
      };
      watch(context);
      await use({ watch, allow: (pattern) => allowed.push(pattern) });
      // A step that is decided while somebody else writes, or while the page is about to be left, is refused or cut off and
      // decided anew; it may happen, not often.
      let stale = 10;
      const isStale = (text) => /\b(40[39]|ERR_ABORTED)\b/.test(text) && /\/(calls|decisions|leases)\b/.test(text) && stale-- > 0;
      // A page that is left or loaded again breaks off what it was still reading; the browser says so a little earlier.
      const isLeft = ({ page, from, to }) => left.get(page)?.some((at) => from <= at && to >= at - 1000);
      for (const one of broken) if (!isLeft(one)) seen.push(one.text);
      const matches = (text, pattern) => (pattern instanceof RegExp ? pattern.test(text) : text.includes(pattern));
      const unexpected = seen.filter((text) => !isStale(text) && !allowed.some((pattern) => matches(text, pattern)));
      expect(unexpected, "what the browser complained about").toEqual([]);
    },
    { auto: true },
  ],
});
