import { expect, test } from "../harness/test.mjs";
import { row, state } from "../harness/look.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 15 } });

const SAMPLES = ["math-7b", "chem-1", "phys-2a", "econ-5", "lang-6", "music-2"];

test("six sample recordings start with one press, and the faults panel breaks them", async ({ desk, page }) => {
  await page.goto(desk.url);
  await page.getByRole("button", { name: "Start six sample recordings" }).click();
  for (const channel of SAMPLES) {
    await expect(page.getByRole("row", { name: new RegExp(channel) }).getByText("Recording", { exact: true })).toBeVisible({
      timeout: 20_000,
    });
  }
  await expect(page.getByRole("main")).toContainText("6 recording, nothing needs you.");
  await page.screenshot({ path: "results/list-six.png" });
  expect((await desk.ledger()).sessions.filter((session) => session.live)).toHaveLength(6);

  await page.getByRole("link", { name: "Faults" }).click();
  await expect(page.getByRole("heading", { name: "Break things" })).toBeVisible();
  await page.screenshot({ path: "results/faults.png", fullPage: true });
  await page.getByLabel("Channel that a kill, a disconnect or an end meets").selectOption("econ-5");
  await page.getByRole("button", { name: "Break: Disconnect the server" }).click();
  await desk.until("the server is lost", async () =>
    (await desk.ledger()).sessions.some((session) => session.cname === "econ-5" && session.state === "failing_over"),
  );
  await page.getByRole("button", { name: "Break: Answer query with 504, five times" }).click();
  await desk.until("both faults wait", async () => (await desk.waitingFaults()).some((fault) => fault.status === 504));

  await page.getByRole("link", { name: "Recordings", exact: true }).first().click();
  await row(page, "econ-5").click();
  await page.getByRole("button", { name: "Ask now" }).click();
  await expect(state(page)).toHaveText(/Unclear|In doubt/);

  await page.getByRole("link", { name: "Faults" }).click();
  await page.getByRole("button", { name: "Clear all faults" }).click();
  await desk.until("no fault waits", async () => (await desk.waitingFaults()).length === 0);
});
