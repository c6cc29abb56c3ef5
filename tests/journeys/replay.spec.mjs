import { readFileSync } from "node:fs";
import { expect, test } from "../harness/test.mjs";
import { decisions, panel, sentence, start, state } from "../harness/look.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 45, notifications: [] } });

const slider = (page) => page.getByRole("slider", { name: "Entry that is looked at" });

/** A recording with a failover behind it, its page open. */
async function recovered(desk, page) {
  await page.goto(desk.url);
  const id = await start(page, "math-7b");
  await expect(state(page)).toHaveText("Recording");
  await desk.faults({ fault: "kill", cname: "math-7b", resumes_after_ms: 25_000 });
  await page.getByRole("button", { name: "Ask now" }).click();
  await desk.until("it is back", async () => decisions(await desk.journal(id), "recovered").length === 1);
  await expect(state(page)).toHaveText("Recording");
  return id;
}

/** Downloads the bundle of the recording whose page is open. */
async function download(page) {
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download bundle" }).click(),
  ]);
  return { path: await file.path(), name: file.suggestedFilename() };
}

test("4.5 any earlier moment of a recording is shown as it was, by hand, by key and by address", async ({ desk, page }) => {
  const id = await recovered(desk, page);
  const journal = await desk.journal(id);
  const [doubt] = decisions(journal, "in_doubt");

  // The line stands at its right end: now, live.
  await expect(slider(page)).toHaveAttribute("aria-valuetext", "now, live");
  await expect(page.getByRole("link", { name: "Stop recording…" })).toBeVisible();

  // An address leads to a moment, and a second person with it sees the same.
  await page.goto(`${desk.url}?recording=${id}&at=${doubt.number}`);
  await expect(state(page)).toHaveText("In doubt");
  await expect(sentence(page)).toContainText(/404 since [\d:]+\./);
  await expect(page.getByRole("img", { name: /^Failover window of 90 seconds/ })).toBeVisible();
  const moment = page.getByText("This is how it stood at");
  await expect(moment).toBeVisible();
  await expect(page.getByText("The rules of this page do the same here.")).toBeVisible();
  await expect(page.getByText(/^Replayed to the same decisions: (\d+) of \1\.$/)).toBeVisible();
  await expect(page.getByText("Next by the rules: Query retry")).toBeVisible();
  await expect(panel(page, "Decisions").getByRole("listitem").first()).toContainText("In doubt, not dead");

  // Nothing can be done from there, and the reason stands beside.
  const stop = page.getByRole("button", { name: "Stop recording…" });
  await expect(stop).toHaveAttribute("aria-disabled", "true");
  await expect(stop).toHaveAccessibleDescription("You look at an earlier moment. Go back to now to do something.");
  await expect(page.getByRole("button", { name: "Ask now" })).toHaveCount(0);

  // Time stands still there.
  const countdown = page.getByRole("timer").first();
  const shown = await countdown.textContent();
  const before = (await desk.journal(id)).length;
  await desk.until("entries came", async () => (await desk.journal(id)).length > before);
  await expect(countdown).toHaveText(shown);
  await expect(state(page)).toHaveText("In doubt");

  // Keys move it an entry at a time, buttons do too, and the address follows.
  await slider(page).focus();
  await page.keyboard.press("ArrowLeft");
  await expect(page).toHaveURL(new RegExp(`at=${doubt.number - 1}$`));
  await page.keyboard.press("ArrowRight");
  await page.getByRole("button", { name: "Next entry" }).click();
  await expect(page).toHaveURL(new RegExp(`at=${doubt.number + 1}$`));
  await page.getByRole("button", { name: "Previous entry" }).click();
  await page.getByRole("button", { name: "Previous step of the rules" }).click();
  await expect(slider(page)).toHaveAttribute("aria-valuetext", /Query/);
  await page.keyboard.press("Tab");
  await slider(page).focus();
  await page.keyboard.press("Home");
  await expect(slider(page)).toHaveAttribute("aria-valuetext", /^entry 1 of \d+, [\d:.]+, Asked for$/);
  await expect(state(page)).toHaveText("Starting");

  await page.getByRole("link", { name: "Back to now" }).click();
  await expect(slider(page)).toHaveAttribute("aria-valuetext", "now, live");
  await expect(state(page)).toHaveText("Recording");
  await expect(page.getByRole("link", { name: "Stop recording…" })).toBeVisible();
});

test("4.5 a bundle is downloaded, dropped on another page and replayed to the same decisions", async ({ desk, page }) => {
  const id = await recovered(desk, page);
  await page.goto(`${desk.url}?recording=${id}`);
  const { path, name } = await download(page);
  expect(name).toBe(`math-7b-${id}.tallylight.json`);
  const text = readFileSync(path, "utf8");
  const bundle = JSON.parse(text);
  expect(bundle.format).toBe("tallylight-bundle");
  expect(bundle.entries.length).toBeGreaterThan(20);
  for (const secret of ["journey-key", "journey-secret", "journey-access-key", '"raw"']) expect(text).not.toContain(secret);

  // Dropped anywhere on the page: here on the list.
  await page.goto(desk.url);
  await expect(page.getByRole("link", { name: "math-7b", exact: true })).toBeVisible();
  // With the tools of the list comes what takes a file.
  await expect(page.getByPlaceholder(/^Find:/)).toBeVisible();
  const drop = (content, file) =>
    page.evaluate(
      ([content, file]) => {
        const data = new DataTransfer();
        data.items.add(new File([content], file, { type: "application/json" }));
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
      },
      [content, file],
    );
  await drop(text, "lesson.json");
  await expect(page).toHaveURL(/\?file$/);
  await expect(page.getByRole("heading", { level: 1, name: "math-7b" })).toBeVisible();
  await expect(page.getByText("This recording is read from a file. Nothing can be done to it here.")).toBeVisible();
  const steps = bundle.entries.filter(({ fact }) => fact.CallSent || fact.Decided).length;
  await expect(page.getByText(`Replayed to the same decisions: ${steps} of ${steps}.`)).toBeVisible();
  await expect(page.getByRole("link", { name: "Stop recording…" })).toHaveCount(0);
  await expect(panel(page, "Failover history").getByRole("row", { name: "1 of 3" })).toContainText("bak0_");
  await slider(page).focus();
  await page.keyboard.press("Home");
  await expect(page).toHaveURL(/\?file&at=1$/);
  await expect(state(page)).toHaveText("Starting");

  // Somebody else's rules had another idea of one step: that is said, with the way to it.
  const other = structuredClone(bundle);
  const changed = other.entries.find(({ fact }) => fact.CallSent?.operation === "query");
  changed.fact.CallSent.attempt.number += 7;
  await drop(JSON.stringify(other), "other.json");
  await expect(page.getByText(`Replayed to the same decisions: ${steps - 1} of ${steps}. Today's rules differ in 1.`)).toBeVisible();
  await page.getByRole("link", { name: `entry ${changed.number}`, exact: true }).click();
  await expect(page.getByText(/^The rules of this page would do something else here: query V1\.$/i)).toBeVisible();

  // What is no bundle says what to change.
  const refused = page.getByRole("main").getByRole("alert");
  await drop("{", "cut.json");
  await expect(refused).toContainText("cut.json: It is not JSON. It may be cut off: download the bundle again.");
  await drop('{"hello":1}', "hello.json");
  await expect(refused).toContainText("no bundle");
  await drop(JSON.stringify({ ...bundle, version: 9 }), "newer.json");
  await expect(refused).toContainText("version 9");
  await drop(JSON.stringify({ ...bundle, entries: bundle.entries.filter(({ number }) => number !== 4) }), "gap.json");
  await expect(refused).toContainText("Entry 4 is missing.");
  await page.locator("input[type=file]").setInputFiles(path);
  await expect(page.getByRole("heading", { level: 1, name: "math-7b" })).toBeVisible();
});
