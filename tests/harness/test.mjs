// The `test` of every journey: a page that may not fail silently.

import { test as base, expect } from "@playwright/test";
import { Desk } from "./desk.mjs";

export { expect };

export const test = base.extend({
  /** How the desk of a journey is started, set by `test.use({ deskOptions: { clockRate: 1 } })`. */
  deskOptions: [{}, { option: true }],

  /**
   * A control desk of this journey's own. When the journey is over, the ledger of the simulated service and the journal
   * agree, or it fails.
   */
  desk: async ({ deskOptions, context }, use, testInfo) => {
    const desk = await Desk.start(deskOptions);
    try {
      await use(desk);
      if (testInfo.status === testInfo.expectedStatus) await desk.agree();
    } finally {
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
      const watch = (watched) => {
        watched.on("console", (message) => {
          if (message.type() === "error") seen.push(`console: ${message.text()} ${message.location().url}`);
        });
        watched.on("weberror", (error) => seen.push(`uncaught: ${error.error().message}`));
        watched.on("requestfailed", (request) =>
          seen.push(`request failed: ${request.method()} ${request.url()} ${request.failure()?.errorText ?? ""}`),
        );
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
      const isStale = (text) => /\b(40[39]|ERR_ABORTED)\b/.test(text) && /\/(calls|decisions)\b/.test(text) && stale-- > 0;
      const matches = (text, pattern) => (pattern instanceof RegExp ? pattern.test(text) : text.includes(pattern));
      const unexpected = seen.filter((text) => !isStale(text) && !allowed.some((pattern) => matches(text, pattern)));
      expect(unexpected, "what the browser complained about").toEqual([]);
    },
    { auto: true },
  ],
});
