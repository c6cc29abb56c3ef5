import { expect, test } from "../harness/test.mjs";
import { row, state } from "../harness/look.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 17 } });

/** Presses Tab until this has the focus. */
async function tabTo(page, locator, key = "Tab") {
  for (let press = 0; press < 60; press += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`60 presses of ${key} did not reach ${locator}`);
}

test("everything on the way to a stop is reached with the keyboard alone", async ({ desk, page }) => {
  await page.goto(desk.url);
  await expect(page.getByRole("main")).toContainText("No recordings.");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();

  // Start one.
  await tabTo(page, page.getByRole("link", { name: "Start recording" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").getByLabel("Channel")).toBeFocused();
  await page.keyboard.type("math-7b");
  await tabTo(page, page.getByRole("dialog").getByRole("button", { name: "Start recording" }));
  await page.keyboard.press("Enter");
  await expect(state(page)).toHaveText("Recording");
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();

  // The list, and back to the recording.
  await tabTo(page, page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Recordings" }), "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(row(page, "math-7b")).toBeVisible();
  await tabTo(page, row(page, "math-7b"));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("complementary").getByRole("heading", { name: "math-7b" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(row(page, "math-7b")).toBeFocused();
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("link", { name: "Full page" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "math-7b" })).toBeVisible();

  // The dialog holds the focus, Esc closes it, and the focus is where it was.
  const opener = page.getByRole("link", { name: "Stop recording…" });
  await tabTo(page, opener);
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await expect(dialog).toBeVisible();
  for (let press = 0; press < 12; press += 1) {
    await page.keyboard.press("Tab");
    const where = await page.evaluate(() => {
      const active = document.activeElement;
      return active === document.body || Boolean(active.closest("dialog"));
    });
    expect(where, "the focus stays in the dialog").toBe(true);
  }
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(opener).toBeFocused();
  await expect(state(page)).toHaveText("Recording");
});
