// A stop that was pressed in a page which is closed before the stop is due.

import { expect, test } from "../harness/test.mjs";
import { facts, start, state, stop } from "../harness/look.mjs";

test.use({ deskOptions: { clockRate: 1, seed: 5 } });

const pause = (millis) => new Promise((done) => setTimeout(done, millis));

/** The stops that reached the service, by the ledger of the simulated service. */
const stops = async (desk) => (await desk.ledger()).requests.filter((request) => request.operation === "stop");

test("4.7 a stop pressed in a page that is closed within one second reaches the service when it is due", async ({ desk, page, trouble }) => {
  const channel = "chem-1";
  trouble.allow("request failed");
  await page.goto(desk.url);
  const id = await start(page, channel);
  await expect(state(page)).toHaveText("Recording");
  await page.getByRole("link", { name: "Stop recording…" }).click();
  const dialog = page.getByRole("dialog", { name: channel });
  await expect(dialog).toContainText("also if you close this page");
  await dialog.getByRole("button", { name: "Stop recording", exact: true }).click();
  // It was the only page.
  await page.close();

  let asked;
  await desk.until("the stop is written down", async () => {
    [asked] = facts(await desk.journal(id), "StopRequested");
    return asked !== undefined;
  });
  expect(asked.not_before - asked.at).toBe(5_000);
  expect(await stops(desk)).toEqual([]);
  await desk.until("the stop is answered", async () =>
    facts(await desk.journal(id), "CallAnswered").some((answered) => answered.id.endsWith(":stop")),
  );
  const [sent] = facts(await desk.journal(id), "CallSent").filter(({ operation }) => operation === "stop");
  expect(sent.at).toBeGreaterThanOrEqual(asked.not_before);
  expect(sent.at).toBeLessThan(asked.not_before + 1_000);
  expect((await stops(desk)).map(({ status }) => status)).toEqual([200]);
  expect((await desk.ledger()).sessions.map(({ live }) => live)).toEqual([false]);
});

test("4.7 a stop that is taken back elsewhere is not sent, although its page is closed", async ({ desk, page, trouble }) => {
  const channel = "chem-2";
  trouble.allow("request failed");
  await page.goto(desk.url);
  const id = await start(page, channel);
  await expect(state(page)).toHaveText("Recording");
  await stop(page, channel);
  await page.close();
  const withdrawn = await fetch(`${desk.origin}/api/v1/recordings/${id}/stop/withdraw`, { method: "POST" });
  expect(withdrawn.status).toBe(200);
  await pause(6_000);
  expect(await stops(desk)).toEqual([]);
  expect(facts(await desk.journal(id), "StopWithdrawn")).toHaveLength(1);
  expect((await desk.ledger()).sessions.map(({ live }) => live)).toEqual([true]);
});
