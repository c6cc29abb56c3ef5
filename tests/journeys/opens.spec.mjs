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

test("what the list does not need is fetched after it, again and again until it comes", async ({ desk, page, trouble }) => {
  trouble.allow(/later-[0-9a-f]+\.wasm|later-[0-9a-f]+\.js|Failed to fetch/);
  await page.route(/later-[0-9a-f]+\.wasm/, (route) => route.abort());
  await page.goto(`${desk.url}?start=`);
  await expect(page.getByRole("alert").filter({ hasText: "could not be fetched" })).toBeVisible();
  await expect(page.getByRole("main")).toContainText("No recordings.");
  await page.unroute(/later-[0-9a-f]+\.wasm/);
  await expect(page.getByRole("dialog", { name: "Start a recording" })).toBeVisible();
});

test("a program that has ended says so, and how to go on", async ({ desk, page, trouble }) => {
  trouble.allow("ended by the journey");
  await page.goto(desk.url);
  await expect(page.getByRole("main")).toContainText("No recordings.");
  await page.evaluate(() => setTimeout(() => { throw new WebAssembly.RuntimeError("ended by the journey"); }));
  await expect(page.getByRole("alertdialog", { name: "The page stopped" })).toBeVisible();
});
