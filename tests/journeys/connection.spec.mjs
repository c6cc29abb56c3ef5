import { expect, test } from "../harness/test.mjs";
import { panel, row, sentence, start, state } from "../harness/look.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 13 } });

const live = (page) => page.getByRole("banner").getByText("Live", { exact: true });
const bar = (page) => page.locator("#connection");

test("6.3 a connection that is lost is said, nothing can be pressed, and it comes back by itself", async ({ desk, page, trouble }) => {
  trouble.allow(/WebSocket|api\/v1\//);
  await page.goto(desk.url);
  await start(page, "music-2");
  // The next query is two minutes away: none is between its entry and its request when the proxy is frozen.
  await expect(sentence(page)).toContainText("status 5");

  // The proxy is frozen: its sockets stay open, and nothing is heard.
  desk.proxy.child.kill("SIGSTOP");
  try {
    await expect(bar(page)).toBeVisible();
    await expect(bar(page)).toContainText(/Connection lost\.|The proxy does not answer\./);
    await expect(bar(page)).toContainText("Actions are off.");
    await expect(page.getByRole("banner")).toContainText("Not live");
    const age = async () => Number(/Nothing heard for (\d+) s/.exec(await bar(page).innerText())?.[1]);
    const before = await age();
    expect(before).toBeGreaterThanOrEqual(3);
    await expect.poll(age, { message: "the age grows" }).toBeGreaterThan(before + 1);
    for (const title of ["Deadlines", "Failovers used", "Files", "Timeline", "Decisions", "Journal"]) {
      const says = panel(page, title).locator("header .age");
      await expect(says, `${title} says how old it is`).toHaveText(/^as of [\d:]+ \(\d+ (s|min)\)$/);
      await expect(says, "and that it is not told any more").toHaveClass(/stale/);
    }
    await page.screenshot({ path: "results/connection-lost.png" });

    await expect(page.getByRole("button", { name: "Ask now" })).toHaveAttribute("aria-disabled", "true");
    await page.getByRole("link", { name: "Stop recording…" }).click();
    const press = page.getByRole("dialog").getByRole("button", { name: "Stop recording", exact: true });
    await expect(press).toHaveAttribute("aria-disabled", "true");
    await expect(press).toHaveAccessibleDescription("Actions are off while the connection is lost.");
    await page.screenshot({ path: "results/connection-lost-stop.png" });
    await page.keyboard.press("Escape");
  } finally {
    desk.proxy.child.kill("SIGCONT");
  }
  await expect(live(page)).toBeVisible({ timeout: 20_000 });
  await expect(bar(page)).toHaveCount(0);
  await expect(state(page)).toHaveText("Recording", { timeout: 20_000 });
  await expect(page.getByRole("button", { name: "Ask now" })).not.toHaveAttribute("aria-disabled", "true");
});

test("6.3 a proxy that is killed and started again is found again, with all that it knew", async ({ desk, page, trouble }) => {
  trouble.allow(/WebSocket|api\/v1\//);
  await page.goto(desk.url);
  const id = await start(page, "music-2");
  await expect(state(page)).toHaveText("Recording");
  await desk.endProxy();
  await expect(bar(page)).toBeVisible();
  await expect(bar(page), "it counts down").toContainText(/Reconnecting in \d+ s\./, { timeout: 20_000 });
  await desk.startProxy();
  await expect(live(page)).toBeVisible({ timeout: 20_000 });
  await expect(state(page)).toHaveText("Recording", { timeout: 20_000 });
  await page.getByRole("link", { name: "Recordings", exact: true }).first().click();
  await expect(row(page, "music-2")).toBeVisible();
  expect((await desk.recordings()).map((one) => one.id)).toEqual([id]);
});
