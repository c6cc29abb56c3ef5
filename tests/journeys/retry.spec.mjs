import { expect, test } from "../harness/test.mjs";
import { row } from "../harness/look.mjs";
import { record } from "../screens.mjs";

test.use({ deskOptions: { clockRate: 3, seed: 29 } });

test("4.3 a retry says which try it is, when, why and what comes after, can be hurried, and leaves its mark", async ({ desk, page }) => {
  const ids = await record(desk, page, ["econ-5"]);
  await expect(row(page, "econ-5")).toBeVisible();
  const line = page.locator("table.board").getByRole("row", { name: /econ-5/ });
  await expect(line).toContainText("Recording");
  await page.getByRole("button", { name: "Pin econ-5" }).click();
  await page.mouse.move(5, 5);

  await desk.faults({ fault: "answer", operation: "query", times: 7, status: 503 });
  await desk.hurry(ids["econ-5"]);
  await expect(line).toContainText("Unclear");
  await expect(page.getByRole("status").filter({ hasText: "econ-5: Unclear." }), "a pinned one is announced").toHaveCount(1);
  await expect(line).toContainText(/Query \d+( of \d+|, no limit documented) in \d+:\d\d/);

  // Hurried from the row: one press, one query.
  const queries = async () => (await desk.ledger()).requests.filter((one) => one.operation === "query").length;
  await expect(line).toContainText(/Query [34][ ,]/);
  const before = await queries();
  await page.getByRole("button", { name: "Ask econ-5 now" }).click();
  await desk.until("the query that was asked for goes out", async () => (await queries()) > before, 2_000);

  // Why: what was answered, by which rule, and what comes after.
  await page.getByRole("link", { name: "Why econ-5 is tried again" }).click();
  const inspector = page.getByRole("complementary");
  await expect(inspector.getByText(/^Query (retry )?\d+/)).toBeVisible();
  await expect(inspector.getByText(/to be confirmed|The last one was answered 50/)).toBeVisible();
  await expect(inspector.locator(".retry").getByRole("link", { name: /Rule (M5|V1)/ })).toBeVisible();
  await expect(inspector.locator(".retry").getByRole("timer")).toHaveText(/\d+:\d\d|now/);
  await page.screenshot({ path: "results/retry-beside-the-list.png" });

  await expect(line).toContainText(/after \d retries \(.*\d+ s\)/, { timeout: 90_000 });
  await expect(line).toContainText("Recording");
});
