import { expect, test } from "../harness/test.mjs";
import { facts, panel, row, start } from "../harness/look.mjs";

/** What rule S4 says: the gaps in seconds between an answer and the next start. */
const GAPS = [3, 6, 9];

/** The requests of one operation that the service received, oldest first. */
const requests = (ledger, operation) => ledger.requests.filter((request) => request.operation === operation);

/** No two sessions of one channel and UID may live at the same time. */
function expectNoTwins(ledger) {
  for (const one of ledger.sessions) {
    const same = ledger.sessions.filter((other) => other.cname === one.cname && other.uid === one.uid && other.sid !== one.sid);
    for (const other of same) {
      const ended = Math.min(one.ended_at ?? Infinity, other.ended_at ?? Infinity);
      expect(Math.max(one.started_at, other.started_at), `UID ${one.uid} twice`).toBeGreaterThanOrEqual(ended);
    }
  }
}

/** The starts of a UID come with the documented gaps, `late` milliseconds later at most. */
function expectGaps(starts, late) {
  expect(starts).toHaveLength(GAPS.length + 1);
  for (const [index, gap] of GAPS.entries()) {
    const took = starts[index + 1].at - starts[index].answered_at;
    expect(took, `gap ${index + 1} in milliseconds`).toBeGreaterThanOrEqual(gap * 1000);
    expect(took, `gap ${index + 1} in milliseconds`).toBeLessThanOrEqual(gap * 1000 + late(gap));
  }
}

test.describe("at the speed of the wall", () => {
  test.use({ deskOptions: { clockRate: 1, seed: 3 }, journal: "start-fails-for-both-uids" });

  test("a start that is answered 500 for ever comes again after 3, 6 and 9 s, then with the backup UID, then with an alarm", async ({
    desk,
    page,
  }) => {
    await desk.faults({ fault: "answer", operation: "start", times: 100_000, status: 500 });
    await page.goto(desk.url);
    const id = await start(page, "econ-5");

    // The ladder shows all three gaps: 3 s, then 6 s, then 9 s, counted from the first try.
    await expect(page.getByRole("img", { name: "Tries that failed: first. Next: +3 s. Later: +9 s, +18 s." })).toBeVisible();
    await expect(page.getByText(/^Start retry 2 of 4/)).toBeVisible();
    await expect(page.getByText(/The last one was answered 50x\..*Then the next UID starts\./)).toBeVisible();
    await expect(page.getByText(/^Start retry 3 of 4/)).toBeVisible();
    await expect(page.getByText(/^Start retry 4 of 4/)).toBeVisible();
    await page.screenshot({ path: "results/start-fails-retry.png" });
    await expect(panel(page, "Sessions and recorder UIDs").getByText("session 2: starting")).toBeVisible({ timeout: 20_000 });
    await expect(page.getByText(/Both UIDs failed to start since [\d:]+\. One try a minute goes on\./)).toBeVisible({ timeout: 30_000 });
    await page.screenshot({ path: "results/start-fails-alarm.png" });

    const ledger = await desk.ledger();
    const uids = [...new Set(requests(ledger, "acquire").map((request) => request.uid))];
    expect(uids).toHaveLength(2);
    for (const uid of uids) {
      expectGaps(
        requests(ledger, "start").filter((request) => request.uid === uid),
        (gap) => gap * 100 + 300,
      );
    }
    // The backup UID acquires at once after the last answer, on a resource ID of its own.
    const failed = requests(ledger, "start")[GAPS.length];
    const [first, second] = requests(ledger, "acquire");
    expect(second.at - failed.answered_at).toBeGreaterThanOrEqual(0);
    expect(second.at - failed.answered_at).toBeLessThanOrEqual(300);
    expect(second.resource_id).not.toBe(first.resource_id);
    expectNoTwins(ledger);
    expect(ledger.sessions).toEqual([]);
    const alarms = facts(await desk.journal(id), "Decided").filter((decided) => decided.kind.alarm);
    expect(alarms).toHaveLength(1);
    expect(alarms[0].rule).toBe("S4");
  });
});

test.describe("ten times as fast", () => {
  test.use({ deskOptions: { clockRate: 10, seed: 3 }, journal: "start-gets-through-after-a-minute" });

  test("a start that failed for both UIDs is tried once a minute until it gets through", async ({ desk, page }) => {
    await desk.faults({ fault: "answer", operation: "start", times: 9, status: 500 });
    await page.goto(desk.url);
    const id = await start(page, "econ-5");
    await expect(page.getByText(/Both UIDs failed to start/)).toBeVisible({ timeout: 20_000 });
    await page.getByRole("link", { name: "Recordings", exact: true }).first().click();
    await expect(page.getByRole("region", { name: "Attention" })).toContainText("Both UIDs failed to start");
    await page.screenshot({ path: "results/start-fails-list.png" });
    await row(page, "econ-5").click();
    await expect(page.getByText(/^accepted [\d:]+, confirmed [\d:]+$/)).toBeVisible({ timeout: 30_000 });

    const ledger = await desk.ledger();
    const starts = requests(ledger, "start");
    expect(starts).toHaveLength(10);
    for (const uid of new Set(starts.map((request) => request.uid))) {
      expectGaps(starts.filter((request) => request.uid === uid).slice(0, 4), () => Infinity);
    }
    // Never earlier than a minute after the try before.
    expect(requests(ledger, "acquire")[2].at - starts[7].answered_at).toBeGreaterThanOrEqual(60_000);
    expectNoTwins(ledger);
    expect(ledger.sessions.filter((session) => session.live)).toHaveLength(1);
    expect((await desk.recordings()).find((one) => one.id === id).sessions.filter((one) => one.phase === "live")).toHaveLength(1);
  });
});
