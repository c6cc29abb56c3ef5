import { expect, test } from "../harness/test.mjs";
import { row, state, statuses } from "../harness/look.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 9 }, journal: "watched" });

test("one that somebody else started is watched by its ids, and the next query proves them", async ({ desk, page }) => {
  const other = await desk.startElsewhere("guest-room", 4711);
  await page.goto(desk.url);
  await page.getByRole("link", { name: "Watch one that runs…" }).click();
  const dialog = page.getByRole("dialog", { name: "Watch one that already runs" });
  const press = dialog.getByRole("button", { name: "Watch it" });
  await expect(press).toHaveAttribute("aria-disabled", "true");
  await dialog.getByLabel("Channel").fill(other.channel);
  await dialog.getByLabel("UID of its acquire").fill(String(other.uid));
  await dialog.getByLabel("Resource ID").fill(other.resourceId);
  await dialog.getByLabel("Recording ID (sid)").fill(other.sid);
  await press.click();

  await expect(page.getByRole("heading", { level: 1, name: other.channel })).toBeVisible();
  await expect(state(page)).toHaveText("Recording");
  const id = new URL(page.url()).searchParams.get("recording");
  const journal = await desk.journal(id);
  expect(statuses(journal, "query").slice(0, 1)).toEqual([200]);
  expect(statuses(journal, "start")).toEqual([]);
  await page.getByRole("link", { name: "Recordings", exact: true }).first().click();
  await expect(row(page, other.channel)).toBeVisible();
});
