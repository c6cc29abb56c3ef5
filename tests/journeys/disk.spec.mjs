import { record } from "../screens.mjs";
import { expect, test } from "../harness/test.mjs";
import { panel, row, state, stop } from "../harness/look.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 29 } });

test("6.5 while the journal cannot be written every screen says so, starts are refused and a stop goes out", async ({ desk, page, trouble }) => {
  trouble.allow(/\b503\b/);
  const ids = await record(desk, page, ["court-2", "phys-2a"]);
  await desk.room(false);
  const bar = page.locator("#unwritten");
  await expect(bar).toContainText("The journal cannot be written. The reason:");
  await expect(bar).toContainText("Nothing can be started. A stop goes out");
  await page.getByRole("link", { name: "Start recording" }).click();
  const form = page.getByRole("dialog", { name: "Start a recording" });
  await form.getByLabel("Channel").fill("math-7b");
  await expect(form.getByRole("button", { name: "Start recording" })).toHaveAttribute("aria-disabled", "true");
  await expect(form, "a start says why it cannot be").toContainText("only a stop goes out");
  await page.keyboard.press("Escape");

  await row(page, "court-2").click();
  await expect(bar).toBeVisible();
  await stop(page, "court-2");
  await desk.until("the service is told", async () =>
    (await desk.ledger()).requests.some((one) => one.operation === "stop" && one.cname === "court-2"),
  );
  await expect(bar).toContainText(/not recorded yet: court-2/);
  await expect(page.getByText("1 recording; what needs you stands above.")).toBeVisible();
  await panel(page, "Journal").getByRole("button", { name: "Show all entries" }).click();
  await expect(panel(page, "Journal").getByText("not recorded").first()).toBeVisible();
  await page.screenshot({ path: "results/unwritten.png" });

  await desk.room(true);
  await expect(bar).toHaveCount(0);
  await expect(panel(page, "Journal").getByText("not recorded")).toHaveCount(0);
  await expect(panel(page, "Journal").getByText("recorded late").first()).toBeVisible();

  // A byte that the disk gives back wrong: nothing is guessed, and the other recording goes on.
  const sid = (await desk.ledger()).sessions.find((one) => one.cname === "phys-2a").sid;
  trouble.allow(/WebSocket|ERR_CONNECTION_REFUSED/);
  await desk.damage(sid);
  const damaged = page.locator("#damaged");
  await expect(damaged).toContainText("The journal of 1 recording is damaged and set aside.", { timeout: 15_000 });
  await damaged.getByRole("link", { name: "phys-2a" }).click();
  await expect(page).toHaveURL(new RegExp(ids["phys-2a"]));
  await expect(state(page), "what was known of it before is not gone on with").toHaveText("Unreadable");
  await page.screenshot({ path: "results/damaged.png" });
});
