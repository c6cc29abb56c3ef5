import { expect, test } from "../harness/test.mjs";
import { decisions, facts, panel, start, state } from "../harness/look.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 11 }, journal: "controller-changes-in-a-failover" });

const controller = (page) => panel(page, "What was asked for").getByRole("definition").filter({ hasText: "epoch" });

test("6.1 two pages act as one, and the other acts when the acting one is closed", async ({ desk, page, browser, trouble }) => {
  const context = await browser.newContext();
  trouble.watch(context);
  const second = await context.newPage();
  await Promise.all([page.goto(desk.url), second.goto(desk.url)]);
  const id = await start(page, "lang-6");
  await expect(state(page)).toHaveText("Recording");
  await second.goto(`${desk.url}?recording=${id}`);
  await expect(state(second)).toHaveText("Recording");
  await expect(controller(page)).toContainText("this page, epoch 1");
  await expect(controller(second)).not.toContainText("this page");

  // A doubt makes calls fall due at fixed instants: both pages know them, one makes them.
  await desk.faults({ fault: "kill", cname: "lang-6", resumes_after_ms: 28_000 });
  await second.getByRole("button", { name: "Ask now" }).click();
  for (const one of [page, second]) {
    await expect(panel(one, "Failover history").getByRole("row", { name: "1 of 3" })).toContainText("bak0_");
  }
  await desk.until("the recovery is written", async () => decisions(await desk.journal(id), "recovered").length === 1);
  const during = facts(await desk.journal(id), "CallSent");
  expect(new Set(during.map((sent) => sent.id)).size).toBe(during.length);
  expect(during.filter((sent) => sent.operation !== "query").map((sent) => sent.operation)).toEqual(["acquire", "start"]);
  // As many queries as one page would make: the instants 5, 15 and 30 s after the first 404, each once at most.
  const [doubt] = decisions(await desk.journal(id), "in_doubt");
  const [recovered] = decisions(await desk.journal(id), "recovered");
  const instants = during
    .filter((sent) => sent.rule === "M2" && sent.number > doubt.number && sent.number < recovered.number)
    .map((sent) => sent.attempt.number);
  // How many fall into the failover depends on how soon after the fault the first question was asked.
  expect(instants).toEqual([1, 2, 3].slice(0, Math.max(instants.length, 1)));
  const { requests } = await desk.ledger();
  expect(requests.length).toBeLessThanOrEqual(facts(await desk.journal(id), "CallSent").length);

  // The page that acts is closed; whoever it is now, since a press on the other page may have brought it the lease.
  const [acting, other] = (await controller(page).innerText()).includes("this page") ? [page, second] : [second, page];
  const epoch = Number(/epoch (\d+)/.exec(await controller(other).innerText())[1]);
  const closed = Date.now();
  await acting.close();
  await expect(controller(other)).toContainText(`this page, epoch ${epoch + 1}`, { timeout: 8_000 });
  expect(Date.now() - closed).toBeLessThan(8_000);
  const leased = facts(await desk.journal(id), "Leased").at(-1);
  expect(leased.epoch).toBe(epoch + 1);

  // And it acts: what is asked for is sent.
  const before = facts(await desk.journal(id), "CallSent").length;
  await other.getByRole("button", { name: "Ask now" }).click();
  await desk.until("the other page asks", async () => facts(await desk.journal(id), "CallSent").length > before);
  const after = facts(await desk.journal(id), "CallSent");
  expect(after.at(-1).by.client.epoch).toBe(epoch + 1);
  await desk.agree();
  await context.close();
});
