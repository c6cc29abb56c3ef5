import { servePage } from "../harness/static.mjs";
import { expect, test } from "../harness/test.mjs";

test("the page opens without an error", async ({ desk, page }) => {
  await page.goto(desk.url);
  await expect(page.getByRole("banner")).toContainText("Tallylight");
  await expect(page.locator("#skeleton")).toHaveCount(0);
  await expect(page.getByRole("main")).toContainText("No recordings. Start one, or watch one that already runs.");
  await expect(page.getByRole("banner").getByText("Live", { exact: true })).toBeVisible();
  await expect(page.getByRole("banner")).toContainText("demonstration");
  await expect(page).toHaveTitle(/Tallylight/);
  await page.screenshot({ path: "results/list-empty.png" });
});

test("the page opens from a host that has no proxy, and says so", async ({ page, trouble }) => {
  trouble.allow(/api\/v1\//);
  const server = await servePage();
  await page.goto(server.url);
  await expect(page.getByRole("banner")).toContainText("Tallylight");
  await expect(page.locator("#skeleton")).toHaveCount(0);
  await expect(page.locator("#connection")).toBeVisible();
  await server.close();
});
