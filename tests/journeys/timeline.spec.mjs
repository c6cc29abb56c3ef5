import { violations } from "../harness/axe.mjs";
import { expect, test } from "../harness/test.mjs";
import { panel, start, state } from "../harness/look.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 44, notifications: [], imports: ["crates/xtask/demo/yesterday.json"] } });

/** Opens the recording of yesterday, which failed over once. */
async function yesterday(desk, page) {
  const [{ id }] = await desk.recordings();
  await page.goto(`${desk.url}?recording=${id}`);
  await expect(page.getByRole("heading", { level: 1, name: "history-4" })).toBeVisible();
  return id;
}

const timeline = (page) => page.getByRole("slider", { name: "Timeline of history-4" });

test("4.4 one recording stands in one order: what is so, what comes, until when, and then everything that was", async ({ desk, page }) => {
  await page.goto(desk.url);
  await start(page, "math-7b");
  await expect(state(page)).toHaveText("Recording");
  await desk.faults({ fault: "kill", cname: "math-7b", resumes_after_ms: 60_000 });
  await page.getByRole("button", { name: "Ask now" }).click();
  await expect(page.getByRole("img", { name: /^Failover window of 90 seconds/ })).toBeVisible();
  await expect(panel(page, "Decisions")).toContainText("In doubt, not dead");

  // In the order in which the page is read, whatever its width.
  const order = await page.evaluate(() =>
    [...document.querySelectorAll(".recording h1, .recording .sentence, .recording .retry, .recording .window, .recording h2")].map(
      (one) => (one.matches("h1, h2") ? one.textContent : one.className),
    ),
  );
  expect(order.filter((name) => name !== "Failover window")).toEqual([
    ...["math-7b", "sentence", "retry", "window", "Deadlines", "Failovers used", "Sessions and recorder UIDs"],
    ...["Timeline", "Failover history", "Files", "Notifications", "Decisions", "What was asked for", "Journal"],
  ]);

  // The window is drawn around the first 404 in the timeline too, with the tries to come.
  await expect(page.locator(".timeline .window-zone")).toHaveCount(1);
  await expect(page.locator(".timeline .due")).toHaveCount(1);
  await expect(page.getByRole("img", { name: /0 of 3 failovers/ })).toBeVisible();
  // The session comes back, and its try to come is no more.
  await expect(state(page)).toHaveText("Recording", { timeout: 30_000 });
  await expect(page.locator(".timeline .due")).toHaveCount(0);
});

test("4.4 the timeline folds what was idle, is walked with the keys, and stands as a table", async ({ desk, page }) => {
  const id = await yesterday(desk, page);
  for (const lane of ["Service", "Queries", "Retries", "Recorder UIDs", "Files", "Notifications", "People"]) {
    await expect(page.locator(".timeline li", { hasText: new RegExp(`^${lane}$`) })).toBeVisible();
  }
  // Idle stretches are folded, and say how long and what of routine was in them.
  await expect(page.locator(".timeline text", { hasText: /min.* idle, \d × 200/ }).first()).toBeAttached();

  // One tab stop; every event is said.
  await timeline(page).focus();
  const said = () => timeline(page).getAttribute("aria-valuetext");
  await page.keyboard.press("Home");
  expect(await said()).toMatch(/^[\d:.]+, People: Demonstration: Asked for/);
  const count = Number(await timeline(page).getAttribute("aria-valuemax"));
  expect(count).toBeGreaterThan(20);
  const walked = [await said()];
  for (let step = 1; step < count; step += 1) {
    await page.keyboard.press("ArrowRight");
    await expect(timeline(page)).toHaveAttribute("aria-valuenow", String(step + 1));
    walked.push(await said());
  }
  expect(walked.some((one) => /Decisions: M2 In doubt, not dead/.test(one))).toBe(true);
  expect(walked.some((one) => /Retries: .*4 tries without success/.test(one))).toBe(true);
  expect(walked.some((one) => /Files: files go on as bak0_/.test(one))).toBe(true);
  expect(walked.some((one) => /Service: session 1 was not found for/.test(one))).toBe(true);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Home");
  await expect(page.getByRole("slider", { name: "Timeline of history-4" })).toBeFocused();

  // The table says the same.
  await panel(page, "Timeline").getByRole("button", { name: "As a table" }).click();
  const table = page.getByRole("region", { name: "Timeline as a table" });
  await expect(table.getByRole("row")).toHaveCount(count + 1);
  const rows = await table.locator("tbody tr").evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
  expect(rows.reverse().map(([time, lane, what]) => (lane ? `${time}, ${lane}: ${what}` : `${time}: ${what}`))).toEqual(walked);
  expect(await violations(page, "light")).toEqual([]);

  // From a row, or with Enter from an event, one comes to the moment.
  await table.getByRole("row").filter({ hasText: "In doubt, not dead" }).getByRole("link").click();
  await expect(state(page)).toHaveText("In doubt");
  await expect(page).toHaveURL(new RegExp(`recording=${id}&at=39$`));
  await panel(page, "Timeline").getByRole("button", { name: "As a table" }).click();
  await timeline(page).focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`recording=${id}&at=1$`));
});

test("4.4 the journal is folded, and shows one kind of entry alone", async ({ desk, page }) => {
  await yesterday(desk, page);
  const journal = panel(page, "Journal");
  await expect(journal.getByRole("listitem")).toHaveCount(0);
  await journal.getByRole("button", { name: "Show all entries" }).click();
  await expect(journal.getByRole("listitem")).toHaveCount(80);
  await journal.getByRole("button", { name: /^Decisions \d+$/ }).click();
  await expect(journal.getByRole("listitem")).toHaveCount(5);
  await expect(journal.getByRole("listitem").first()).toContainText("Over: session 1, stopped");
  await journal.getByRole("button", { name: /^People \d+$/ }).click();
  await expect(journal.getByRole("listitem").last()).toContainText("Asked for");
  await journal.getByRole("button", { name: "Hide the entries" }).click();
  await expect(journal.getByRole("listitem")).toHaveCount(0);
});

test("4.4 in a narrow column nothing of a recording is cut off", async ({ desk, page }) => {
  await page.setViewportSize({ width: 320, height: 720 });
  const id = await yesterday(desk, page);
  for (const address of [`?recording=${id}`, `?recording=${id}&at=39`]) {
    await page.goto(desk.url + address);
    await expect(panel(page, "Timeline")).toBeVisible();
    const wide = await page.locator(".recording").evaluate((one) => one.scrollWidth - one.clientWidth);
    expect(wide, address).toBeLessThanOrEqual(0);
    expect(await violations(page, "dark")).toEqual([]);
  }
});
