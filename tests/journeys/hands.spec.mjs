// Several people and pages, some of them asleep: what is to be done is done once, and by somebody.

import { facts, panel, start, state } from "../harness/look.mjs";
import { expect, test } from "../harness/test.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 29 } });

const live = (page) => page.getByRole("banner").getByText("Live", { exact: true });
const actor = (page) => panel(page, "What was asked for").getByRole("definition").filter({ hasText: "epoch" });

test("6.1 two people who start the same channel at once see one recording, and who presses acts for it", async ({ desk, page, browser, trouble }) => {
  const context = await browser.newContext();
  trouble.watch(context);
  const pages = [page, await context.newPage()];
  for (const one of pages) {
    await one.goto(`${desk.url}?start=`);
    await one.getByRole("dialog").getByLabel("Channel").fill("lang-6");
    await expect(one.getByRole("dialog").getByRole("button", { name: "Start recording" })).not.toHaveAttribute("aria-disabled", "true");
  }
  const press = (one) => one.getByRole("dialog").getByRole("button", { name: "Start recording" }).evaluate((button) => button.click());
  await Promise.all(pages.map(press));
  await desk.until("it is asked for", async () => (await desk.recordings()).length > 0);
  const [{ id }] = await desk.recordings();
  for (const one of pages) {
    // On a machine that is busy the second press may come when the first one's recording is on the form already.
    const known = one.getByRole("dialog").getByRole("link", { name: id });
    await expect(one.getByRole("heading", { level: 1, name: "lang-6" }).or(known)).toBeVisible();
    if ((await known.count()) > 0) await known.click();
    await expect(state(one)).toHaveText("Recording", { timeout: 30_000 });
  }
  expect((await desk.recordings()).length).toBe(1);
  expect((await desk.ledger()).requests.filter((one) => one.operation === "start").length).toBe(1);
  const here = await Promise.all(pages.map(async (one) => (await actor(one).innerText()).includes("this page")));
  expect(here.filter(Boolean).length, "one of them acts").toBe(1);
  const other = pages[here.indexOf(false)];
  await other.getByRole("button", { name: "Ask now" }).click();
  await expect(actor(other)).toContainText("this page, epoch 2");
  await expect(actor(pages[here.indexOf(true)])).not.toContainText("this page");
  await context.close();
});

test("6.2 a hidden page acts by the heartbeat; frozen it loses its leases, and says so when it wakes", async ({ desk, page, browser, trouble }) => {
  // The timers of a hidden page fire once a minute, if at all.
  await page.addInitScript(() => {
    const real = window.setTimeout;
    window.setTimeout = (what, wait, ...rest) => real(what, window.heldBack ? Math.max(wait ?? 0, 60_000) : wait, ...rest);
  });
  await page.goto(desk.url);
  const id = await start(page, "music-2");
  await expect(state(page)).toHaveText("Recording", { timeout: 20_000 });
  await page.evaluate(() => (window.heldBack = true));
  const asked = async () => facts(await desk.journal(id), "CallSent").filter((sent) => sent.operation === "query").length;
  const before = await asked();
  await desk.until("it asks although its timers are held back", async () => (await asked()) > before, 30_000);
  await page.evaluate(() => (window.heldBack = false));
  await expect(actor(page)).toContainText("this page, epoch 1");

  const context = await browser.newContext();
  trouble.watch(context);
  const other = await context.newPage();
  await other.goto(`${desk.url}?recording=${id}`);
  await expect(actor(other)).not.toContainText("this page");
  // It stands still at the next thing that it does, as a frozen page does; what comes for it waits.
  const session = await page.context().newCDPSession(page);
  await session.send("Debugger.enable");
  await session.send("Debugger.pause");
  await expect(actor(other)).toContainText("this page, epoch 2", { timeout: 9_000 });
  await session.send("Debugger.resume");
  await session.send("Debugger.disable");
  await expect(live(page)).toBeVisible();
  await expect(actor(page)).toContainText("epoch 2");
  await expect(actor(page)).not.toContainText("this page");
  await context.close();
});
