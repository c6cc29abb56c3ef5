import { expect, test } from "../harness/test.mjs";
import { decisions, glimpse, panel, sentence, start, state, stop } from "../harness/look.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 7 }, journal: "three-failovers-then-replaced-and-stopped" });

test("one recording, end to end", async ({ desk, page }) => {
  const channel = "math-7b";
  const truth = async () => (await desk.ledger()).sessions;
  const lastAnswer = async () => {
    const [session] = (await desk.recordings())[0].sessions;
    return session.last_answer?.at ?? 0;
  };
  const askNow = () => page.getByRole("button", { name: "Ask now" }).click();

  await page.goto(desk.url);
  const accepted = glimpse(page, ", not confirmed");
  const id = await start(page, channel);
  expect(await accepted, "accepted is shown before confirmed").toBe(true);
  await expect(page.getByText(/^accepted [\d:]+, confirmed [\d:]+$/)).toBeVisible();
  await expect(state(page)).toHaveText("Recording");

  // Three times its process is killed, and another server goes on; each time it is proved before the next.
  for (const leg of [0, 1, 2]) {
    // The answer before is fresh, so that the gap is known well.
    const before = await lastAnswer();
    await askNow();
    await desk.until("a query was answered", async () => (await lastAnswer()) > before);
    await desk.faults({ fault: "kill", cname: channel, resumes_after_ms: 28_000 });
    await askNow();
    await expect(sentence(page)).toContainText(/404 since [\d:]+\./);
    await expect(sentence(page)).toContainText("A failover may be running; it is given 90 s before the session is deemed lost.");
    await expect(page.getByRole("img", { name: /^Failover window of 90 seconds from the first 404/ })).toBeVisible();
    await expect(page.getByRole("timer").filter({ hasText: "left" })).toBeVisible();
    if (leg === 0) await page.screenshot({ path: "results/recording-in-doubt.png" });

    const history = panel(page, "Failover history").getByRole("row", { name: `${leg + 1} of 3` });
    await expect(history).toContainText(`bak${leg}_`);
    await expect(history).toContainText(/\d+\.\d s to (\d+\.\d s|\d+ min)/);
    await expect(state(page)).toHaveText("Recording");
    await expect(panel(page, "Files")).toContainText(`bak${leg}_`);
    await expect(panel(page, "Failovers used")).toContainText(`${leg + 1} of 3 used`);
  }
  await page.screenshot({ path: "results/recording-failed-over.png", fullPage: true });
  const [session] = (await desk.recordings())[0].sessions;
  const [recorded] = await truth();
  expect(session.interruptions.map((away) => away.leg)).toEqual([0, 1, 2]);
  for (const [index, away] of session.interruptions.entries()) {
    const [before, after] = recorded.legs.slice(index, index + 2);
    // What is shown as not recorded contains what truly was not.
    expect(away.last_good).toBeLessThanOrEqual(before.ended_at);
    expect(away.t0).toBeGreaterThanOrEqual(before.ended_at);
    expect(away.back).toBeGreaterThanOrEqual(after.began_at);
  }

  // A fourth time nobody goes on: after three proved failovers it is lost after 30 s, and replaced with the other UID.
  await desk.faults({ fault: "kill", cname: channel });
  await askNow();
  await expect(panel(page, "Sessions and recorder UIDs")).toContainText("session 1: deemed lost");
  await expect(panel(page, "Sessions and recorder UIDs")).toContainText("session 2: records");
  const [first, second] = await truth();
  expect(first.live).toBe(false);
  expect(second.live).toBe(true);
  expect(second.uid).not.toBe(first.uid);
  const journal = await desk.journal(id);
  const [doubt] = decisions(journal, "in_doubt").slice(-1);
  const [lost] = decisions(journal, "lost");
  expect(lost.rule).toBe("M3");
  expect(lost.at - doubt.at, "lost not before 30 s").toBeGreaterThanOrEqual(29_000);

  await stop(page, channel);
  await expect(page.getByRole("button", { name: "Undo the stop" })).toBeVisible();
  await expect(panel(page, "Sessions and recorder UIDs")).toContainText("session 2: stopped", { timeout: 20_000 });
  expect((await truth()).filter((one) => one.live)).toEqual([]);
  await page.screenshot({ path: "results/recording-stopped.png", fullPage: true });
});
