import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { violations } from "../harness/axe.mjs";
import { expect, test } from "../harness/test.mjs";
import { scenes } from "../screens.mjs";

/** A phone (and a page at 400 %), a tablet, a desk. */
const WIDTHS = [320, 768, 1440];

const SOURCE = fileURLToPath(new URL("../../src/", import.meta.url));

for (const scene of scenes) {
  test(`4.9 nobody is kept out while ${scene.name}`, async ({ desk, page, trouble }) => {
    test.slow();
    const here = { desk, page, trouble };
    // Every screen is another page: the steps of the one before are cut off, or go to it no more.
    trouble.allow(/\b(40[39]|ERR_ABORTED)\b.*\/(calls|decisions|leases)\b|\/(calls|decisions|leases)\b.*ERR_ABORTED/);
    await scene.prepare?.(here);
    for (const screen of scene.screens) {
      await test.step(screen.name, async () => {
        await screen.reach(here);
        if (screen.dialog) {
          await expect(page.locator(`dialog[open][aria-labelledby="${screen.dialog}"]`)).toBeVisible();
        } else {
          await expect(page.locator("dialog[open]")).toHaveCount(0);
        }
        // What comes later is there before it is judged.
        await expect(page.getByRole("heading", { level: 1 }).first()).toBeAttached();
        const usual = page.viewportSize();
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: usual.height });
          for (const theme of ["light", "dark"]) {
            expect.soft(await violations(page, theme), `${screen.name}, ${theme}, ${width} wide`).toEqual([]);
          }
          if (width === WIDTHS[0]) {
            await page.screenshot({ path: `results/screens/${screen.name} narrow.png` });
          }
        }
        await page.setViewportSize(usual);
        for (const theme of ["light", "dark"]) {
          await page.emulateMedia({ colorScheme: theme });
          await page.screenshot({ path: `results/screens/${screen.name} ${theme}.png` });
        }
      });
    }
    // The scene that ends with the connection lost has taken its proxy away.
    if (!desk.isServed) await desk.startProxy();
  });
}

test("every route and every dialog of the page is in the list of screens", () => {
  const screens = scenes.flatMap((scene) => scene.screens);
  const list = /ROUTES[^=]*=\s*\[([^\]]*)\]/.exec(readFileSync(join(SOURCE, "route.rs"), "utf8"))[1];
  const routes = [...list.matchAll(/"([^"]+)"/g)].map((match) => match[1]);
  expect(routes.length).toBeGreaterThan(0);
  expect(routes.filter((route) => !screens.some((screen) => screen.route === route)), "routes that are not listed").toEqual([]);

  const sources = readdirSync(SOURCE, { recursive: true }).filter((name) => name.endsWith(".rs"))
    // The page of all parts is of development builds only, and has a journey of its own.
    .filter((name) => name !== "screens/parts.rs");
  const dialogs = sources.flatMap((name) => {
    const text = readFileSync(join(SOURCE, name), "utf8");
    return [...text.matchAll(/\b(?:dialog\(|Question \{\s*id:)\s*"([^"]+)"/g)].map((match) => match[1]);
  });
  expect(dialogs.length).toBeGreaterThan(0);
  expect(dialogs.filter((id) => !screens.some((screen) => screen.dialog === id)), "dialogs that are not listed").toEqual([]);
});
