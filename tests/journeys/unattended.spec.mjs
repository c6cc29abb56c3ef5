import { record } from "../screens.mjs";
import { expect, test } from "../harness/test.mjs";

test.use({ deskOptions: { clockRate: 60, seed: 3 } });

test("6.4 the list says for how long nobody acted and what that may have cost, until it is seen", async ({ desk, page, context }) => {
  const ids = await record(desk, page, ["night-1"]);
  // The only page is closed, and there is no attendant: ten minutes pass.
  await page.close();
  const from = Date.now();
  await expect.poll(() => Date.now() - from, { timeout: 15_000, intervals: [500] }).toBeGreaterThan(10_000);
  const back = await context.newPage();
  await back.goto(desk.url);
  const banner = back.getByText(/^Unattended .* nobody acted for 1 recording\. Up to \d+ min were recorded, and billed, unwatched\./);
  await expect(banner).toBeVisible({ timeout: 15_000 });
  await back.screenshot({ path: "results/unattended.png" });
  await back.getByRole("button", { name: "Seen" }).click();
  await expect(banner).toHaveCount(0);
  await back.reload();
  await expect(back.getByRole("link", { name: "night-1", exact: true })).toBeVisible();
  await expect(banner).toHaveCount(0);
  // The stretch stands on the recording's own timeline.
  await back.goto(`${desk.url}?recording=${ids["night-1"]}`);
  await back.getByRole("button", { name: /table/i }).first().click();
  await expect(back.getByText(/Unattended from .* nobody acted \(M10\)/).first()).toBeVisible();
});
