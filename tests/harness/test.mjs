// The `test` of every journey: a page that may not fail silently.

import { test as base, expect } from "@playwright/test";

export { expect };

export const test = base.extend({
  /**
   * Collects what the browser complains about, on every page of the journey, and fails the journey for it.
   * `trouble.allow(pattern)` declares what a journey provokes: a part of the text, or a regular expression.
   */
  trouble: [
    async ({ context }, use) => {
      const seen = [];
      const allowed = [];
      context.on("console", (message) => {
        if (message.type() === "error") seen.push(`console: ${message.text()}`);
      });
      context.on("weberror", (error) => seen.push(`uncaught: ${error.error().message}`));
      context.on("requestfailed", (request) =>
        seen.push(`request failed: ${request.method()} ${request.url()} ${request.failure()?.errorText ?? ""}`),
      );
      context.on("response", (response) => {
        if (response.status() >= 400) {
          seen.push(`response: ${response.status()} ${response.request().method()} ${response.url()}`);
        }
      });
      await use({ allow: (pattern) => allowed.push(pattern) });
      const matches = (text, pattern) => (pattern instanceof RegExp ? pattern.test(text) : text.includes(pattern));
      const unexpected = seen.filter((text) => !allowed.some((pattern) => matches(text, pattern)));
      expect(unexpected, "what the browser complained about").toEqual([]);
    },
    { auto: true },
  ],
});
