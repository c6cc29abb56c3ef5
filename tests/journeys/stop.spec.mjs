import { expect, test } from "../harness/test.mjs";
import { facts, panel, sentence, start, state, statuses, stop } from "../harness/look.mjs";

test.describe("sent", () => {
  test.use({ deskOptions: { clockRate: 10, seed: 5 }, journal: "stop-in-a-failover" });

  test("a stop during a failover is answered 404, and is sent again when the session is back", async ({ desk, page }) => {
    const channel = "phys-2a";
    await page.goto(desk.url);
    const id = await start(page, channel);
    await expect(state(page)).toHaveText("Recording");

    // The server is gone for 85 s; the stop leaves 5 s of the wall after the press, in the middle of it.
    await desk.faults({ fault: "disconnect", cname: channel, resumes_after_ms: 85_000 });
    await stop(page, channel);
    await expect(state(page)).toHaveText("Stop pending");
    await expect(state(page)).toHaveText("Stop waits", { timeout: 15_000 });
    await expect(sentence(page)).toContainText("Stop got 404; sent again when the session is back.");
    await page.screenshot({ path: "results/stop-waits.png" });

    await expect(state(page)).toHaveText("Ended", { timeout: 30_000 });
    await expect(sentence(page)).toContainText("Stopped; the service confirmed it.");
    await expect(panel(page, "Failovers used")).toContainText("1 of 3 used");
    expect(statuses(await desk.journal(id), "stop")).toEqual([404, 200]);

    const ledger = await desk.ledger();
    expect(ledger.sessions.map(({ live, ended_how, failovers }) => ({ live, ended_how, failovers }))).toEqual([
      { live: false, ended_how: "stopped", failovers: 1 },
    ]);
    expect(ledger.requests.filter((request) => request.operation === "stop").map((request) => request.status)).toEqual([404, 200]);
    await page.getByRole("link", { name: "Recordings", exact: true }).first().click();
    await expect(page.getByRole("row", { name: new RegExp(channel) })).toContainText("Ended");
  });
});

test.describe("not sent", () => {
  test.use({ deskOptions: { clockRate: 10, seed: 5 }, journal: "stop-withdrawn" });

  test("a stop can be taken back before it is sent", async ({ desk, page }) => {
    const channel = "chem-1";
    await page.goto(desk.url);
    const id = await start(page, channel);
    await expect(state(page)).toHaveText("Recording");
    await stop(page, channel);
    await page.getByRole("button", { name: "Undo the stop" }).click();
    await expect(state(page)).toHaveText("Recording");
    expect(facts(await desk.journal(id), "StopWithdrawn")).toHaveLength(1);
    expect(statuses(await desk.journal(id), "stop")).toEqual([]);
  });
});

test.describe("said why", () => {
  test.use({ deskOptions: { clockRate: 10, seed: 5 } });

  test("4.7 a stop is kept with its reason, and leaves at once for who wants no time to take it back", async ({ desk, page }) => {
    const channel = "econ-5";
    await page.goto(`${desk.url}?settings`);
    await page.getByRole("radio", { name: "no time: it is sent at once" }).check();
    await page.keyboard.press("Escape");
    await page.goto(desk.url);
    const id = await start(page, channel);
    await expect(state(page)).toHaveText("Recording");
    await page.getByRole("link", { name: "Stop recording…" }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog).not.toContainText("in 5 s");
    await dialog.getByLabel("Why it is stopped").fill("The lesson ended early");
    await dialog.getByRole("button", { name: "Stop recording" }).click();
    await expect(state(page)).toHaveText(/Stopping|Ended/);
    const [asked] = facts(await desk.journal(id), "StopRequested");
    expect(asked.reason).toBe("The lesson ended early");
  });
});

test.describe("meant", () => {
  test.use({ deskOptions: { clockRate: 10, seed: 5 } });

  test("4.7 a recording that is away is stopped only by who types its name", async ({ desk, page }) => {
    const channel = "art-4";
    await page.goto(desk.url);
    const id = await start(page, channel);
    await expect(state(page)).toHaveText("Recording");
    await desk.faults({ fault: "disconnect", cname: channel, resumes_after_ms: 85_000 });
    await desk.hurry(id);
    await expect(state(page)).toHaveText(/In doubt|In failover/);
    await page.getByRole("link", { name: "Stop recording…" }).click();
    const dialog = page.getByRole("dialog", { name: channel });
    const press = dialog.getByRole("button", { name: "Stop recording", exact: true });
    await expect(press).toHaveAttribute("aria-disabled", "true");
    await dialog.getByLabel("Channel").fill(channel);
    await press.click();
    await expect(dialog).toHaveCount(0);
    await expect(page.getByRole("button", { name: "Undo the stop" })).toBeVisible();
  });
});
