import { expect, test } from "../harness/test.mjs";
import { record } from "../screens.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 23 } });

test("4.6 the screen can stand still while the page goes on acting, and comes back to now", async ({ desk, page }) => {
  const ids = await record(desk, page, ["math-7b", "phys-2a"]);
  await expect(page.locator("table.board").getByRole("row", { name: /phys-2a/ })).toContainText("Recording");
  const line = page.locator("table.board").getByRole("row", { name: /math-7b/ });
  await expect(line).toContainText("Recording");
  const bar = page.locator("header.topbar");
  await bar.getByRole("button", { name: "Pause" }).click();
  await expect(bar).toContainText("Paused");

  await desk.faults({ fault: "disconnect", cname: "math-7b", resumes_after_ms: 85_000 });
  await desk.hurry(ids["math-7b"]);
  await expect(bar).toContainText(/[12] changes? waits?/);
  await expect(line, "what is shown stays").toContainText("Recording");
  const asked = async () => (await desk.ledger()).requests.filter((one) => one.operation === "query" && one.status === 404).length;
  await desk.until("the page asks again although its screen stands still", async () => (await asked()) > 1);
  await expect(line).toContainText("Recording");

  // Whoever acts, acts on what is.
  await bar.getByRole("button", { name: "Go on" }).click();
  await expect(line).toContainText(/In doubt|In failover/);
  await expect(bar).not.toContainText("Paused");
  await bar.getByRole("button", { name: "Pause" }).click();
  await line.getByRole("link", { name: "Stop math-7b" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await expect(bar).not.toContainText("Paused");
});

test("4.6 a page that is open says when a newer one lies on the server", async ({ desk, page }) => {
  await page.goto(desk.url);
  const build = await page.locator("html").getAttribute("data-build");
  test.skip(build === "development", "a page under development has no build to compare");
  await page.route("**/version.json", (route) => route.fulfill({ json: { build: "another" } }));
  await page.reload();
  const reload = page.getByRole("button", { name: "New version: reload" });
  await expect(reload).toBeVisible();
  await page.unroute("**/version.json");
  await reload.click();
  await expect(page.getByRole("main")).toContainText("No recordings.");
  await expect(reload).toHaveCount(0);
});
