// How the page looks is one system: each state has a glyph, a word and a hue, whatever a person's eyes or screen ask for.

import { violations } from "../harness/axe.mjs";
import { expect, test } from "../harness/test.mjs";

const SCREENS = [
  { colorScheme: "light" },
  { colorScheme: "dark" },
  { colorScheme: "light", contrast: "more" },
  { colorScheme: "dark", contrast: "more" },
  { colorScheme: "light", forcedColors: "active" },
];

test("4.1 a state is a glyph, a word and a hue, in light, in dark, in high contrast and in the system's colours", async ({ desk, page }) => {
  await page.goto(desk.url);
  await desk.request("math-7b");
  const state = page.getByRole("row", { name: /math-7b/ }).locator(".state");
  await expect(state).toContainText("Recording");
  const hues = new Set();
  for (const screen of SCREENS) {
    await page.emulateMedia({ contrast: "no-preference", forcedColors: "none", ...screen });
    await expect(state.locator("svg")).toBeVisible();
    await expect(state).toContainText("Recording");
    hues.add(await state.locator("svg").evaluate((glyph) => getComputedStyle(glyph).color));
    if (!screen.forcedColors) expect(await violations(page, screen.colorScheme), JSON.stringify(screen)).toEqual([]);
  }
  expect(hues.size, "each theme has its own").toBeGreaterThan(1);
});
