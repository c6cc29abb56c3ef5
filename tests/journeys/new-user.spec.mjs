import { expect, test } from "../harness/test.mjs";
import { panel, row, state } from "../harness/look.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 46, notifications: [], imports: ["crates/xtask/demo/yesterday.json"] } });

/** Counts what a hand does: a click, or a field that is filled in. */
function hand() {
  let actions = 0;
  return {
    click: async (target, how) => {
      actions += 1;
      await target.click(how);
    },
    fill: async (field, text) => {
      actions += 1;
      await field.fill(text);
    },
    /** The actions since this was asked last. */
    taken: () => actions - (actions = 0),
  };
}

test("4.5 a new user starts, understands a retry, stops, and finds yesterday's failover, each in three actions", async ({ desk, page }) => {
  const { click, fill, taken } = hand();
  const home = () => page.goto(desk.url);
  await home();
  await expect(page.getByRole("button", { name: "Start six sample recordings" }), "although yesterday's is in the list").toBeVisible();

  // Start a recording.
  await click(page.getByRole("link", { name: "Start recording" }).first());
  await fill(page.getByRole("dialog").getByLabel("Channel"), "art-2");
  await click(page.getByRole("dialog").getByRole("button", { name: "Start recording" }));
  await expect(page.getByRole("heading", { level: 1, name: "art-2" })).toBeVisible();
  expect(taken(), "to start").toBeLessThanOrEqual(3);
  await expect(state(page)).toHaveText("Recording");

  // Another one cannot start: why, and when is it tried next? Asked from the list.
  await desk.faults({ fault: "answer", operation: "start", cname: "chem-1", times: 100, status: 500 });
  await desk.request("chem-1");
  await home();
  const retrying = row(page, "chem-1");
  await expect(page.getByRole("row", { name: /chem-1/ })).toContainText(/Start.*(retry|failed|in)/i);
  await click(retrying);
  const main = page.getByRole("main");
  await expect(main).toContainText("The last one was answered 50x.");
  await expect(main.getByRole("timer").first()).toHaveText(/^(\d+:\d\d|now)$/);
  await expect(main.getByRole("link", { name: /^Rule S4: why$/ }).first()).toBeVisible();
  expect(taken(), "to find out why it is tried again, and when").toBeLessThanOrEqual(3);

  // Stop one.
  await home();
  await click(row(page, "art-2"));
  await click(page.getByRole("link", { name: "Stop recording…" }));
  await click(page.getByRole("dialog").getByRole("button", { name: "Stop recording", exact: true }));
  expect(taken(), "to stop").toBeLessThanOrEqual(3);
  await desk.until("it is stopped", async () => !(await desk.ledger()).sessions.some((one) => one.cname === "art-2" && one.live), 60_000);

  // Find yesterday's failover.
  await home();
  await click(page.getByRole("button", { name: /^Ended/ }));
  await click(row(page, "history-4"));
  const failover = panel(page, "Failover history").getByRole("row", { name: "1 of 3" });
  await expect(failover).toContainText("bak0_");
  await expect(panel(page, "Timeline")).toBeVisible();
  expect(taken(), "to find yesterday's failover").toBeLessThanOrEqual(3);
  // It is of yesterday, and can be looked at as it was.
  const [asked] = (await desk.recordings()).filter((one) => one.channel === "history-4");
  const hours = (Date.now() - asked.last_at) / 3_600_000;
  expect(hours).toBeGreaterThan(23);
  expect(hours).toBeLessThan(25);
  await click(panel(page, "Decisions").getByRole("listitem").filter({ hasText: "In doubt, not dead" }).getByRole("link").first());
  await expect(state(page)).toHaveText("In doubt");
  await expect(page.getByText(/^Replayed to the same decisions: (\d+) of \1\.$/)).toBeVisible();
});
