import { expect, test } from "../harness/test.mjs";
import { facts, row, state } from "../harness/look.mjs";
import { record } from "../screens.mjs";

const CHANNELS = ["art-4", "bio-3c", "chem-1", "econ-5"];

test.use({ deskOptions: { clockRate: 10, seed: 21 } });

test("4.4 a recording opens beside the list, and one walks through the others without leaving it", async ({ desk, page }) => {
  await record(desk, page, CHANNELS);
  await page.goto(desk.url);
  const inspector = page.getByRole("complementary");
  await expect(row(page, CHANNELS[3])).toBeVisible();
  const names = await page.getByRole("table").locator("th.cell-name a[id]").allTextContents();
  expect([...names].sort()).toEqual(CHANNELS);

  await row(page, names[0]).click();
  await expect(inspector.getByRole("heading", { name: names[0] })).toBeFocused();
  await expect(page.locator("table.board").getByRole("row", { name: names[0] })).toHaveAttribute("aria-current", "true");
  await expect(state(page)).toHaveText("Recording");
  await expect(row(page, names[3]), "the list stays").toBeVisible();

  // The same by the arrow keys: the focus stays on the rows, and what is beside them goes along.
  await row(page, names[0]).focus();
  await page.keyboard.press("ArrowDown");
  await expect(row(page, names[1])).toBeFocused();
  await expect(inspector.getByRole("heading", { name: names[1] })).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await expect(inspector.getByRole("heading", { name: names[1] })).toBeVisible();
  await expect(row(page, names[1])).toBeFocused();

  // The address names both the view of the list and what is open.
  await page.getByRole("combobox", { name: "Query" }).fill("state:recording");
  await expect(page).toHaveURL(/open=.*q=state/);
  await page.reload();
  await expect(inspector.getByRole("heading", { name: names[1] })).toBeVisible();
  await expect(page.getByRole("combobox", { name: "Query" })).toHaveValue("state:recording");

  // As wide as one likes, by keys or by dragging; the browser keeps it.
  const width = async () => (await inspector.boundingBox()).width;
  const usual = await width();
  await page.getByRole("separator").focus();
  await page.keyboard.press("ArrowLeft");
  await expect.poll(width).toBeGreaterThan(usual);
  await page.reload();
  await expect(inspector.getByRole("heading", { name: names[1] })).toBeVisible();
  await expect.poll(width).toBeGreaterThan(usual);
  const edge = await page.getByRole("separator").boundingBox();
  await page.mouse.move(edge.x + 2, 300);
  await page.mouse.down();
  await page.mouse.move(edge.x + 120, 300, { steps: 4 });
  await page.mouse.up();
  await expect.poll(width).toBeLessThan(usual);

  await page.getByRole("link", { name: "Close, back to the list" }).click();
  await expect(inspector).toHaveCount(0);
  await expect(row(page, names[1])).toBeFocused();
});

test("4.7 many are chosen and stopped after a dry run, and the rest can be broken off", async ({ desk, page }) => {
  const ids = await record(desk, page, CHANNELS);
  await page.goto(desk.url);
  for (const channel of CHANNELS.slice(0, 2)) await page.getByRole("checkbox", { name: `Choose ${channel}` }).check();
  await expect(page.getByText("2 recordings chosen")).toBeVisible();
  await page.getByRole("checkbox", { name: "Choose all 4 shown that can be stopped" }).check();
  await expect(page.getByText("4 recordings chosen")).toBeVisible();
  await page.getByRole("checkbox", { name: "Choose econ-5" }).uncheck();

  await page.getByRole("link", { name: "Stop 3…" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("row", { name: /chem-1.*Recording.*One stop is sent/ })).toBeVisible();
  const press = dialog.getByRole("button", { name: "Stop all of them" });
  await expect(press).toHaveAttribute("aria-disabled", "true");
  await press.click({ force: true });
  expect((await desk.recordings()).filter((one) => one.stop), "a blocked press does nothing").toEqual([]);
  await dialog.getByLabel("How many").fill("3");
  await press.click();
  await expect(dialog.getByText("3 of 3 stops are asked for.")).toBeVisible();
  await dialog.getByRole("button", { name: "Break off, and take back what is not sent" }).click();
  await expect(dialog.getByText("Taken back; nothing was sent.")).toHaveCount(3);
  await dialog.getByRole("button", { name: "Close", exact: true }).last().click();
  for (const channel of CHANNELS) expect(facts(await desk.journal(ids[channel]), "CallSent").filter((sent) => sent.operation === "stop")).toEqual([]);

  // And now to the end.
  for (const channel of CHANNELS.slice(0, 2)) await page.getByRole("checkbox", { name: `Choose ${channel}` }).check();
  await page.getByRole("link", { name: "Stop 2…" }).click();
  await dialog.getByLabel("How many").fill("2");
  await press.click();
  await expect(dialog.getByRole("row", { name: /art-4.*Ended/ })).toBeVisible({ timeout: 20_000 });
  await expect(dialog.getByRole("row", { name: /bio-3c.*Ended/ })).toBeVisible({ timeout: 20_000 });
  const ledger = await desk.ledger();
  expect(ledger.sessions.filter((session) => session.live).length).toBe(2);
});
