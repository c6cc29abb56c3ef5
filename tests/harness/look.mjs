// What a person sees and does on the page, by roles and names, and how to read a journal.

import { expect } from "./test.mjs";

/** The link of a channel in the list. */
export const row = (page, channel) => page.getByRole("table").getByRole("link", { name: channel, exact: true });

/** One panel of the page of a recording, by its title. */
export const panel = (page, title) => page.getByRole("region", { name: title, exact: true });

/** The state that the page of a recording shows beside its channel. */
export const state = (page) => page.getByRole("main").locator(".title .state-tag, .title .state");

/** The one sentence at the top of the page of a recording. */
export const sentence = (page) => page.getByRole("main").locator("p.sentence");

/**
 * Waits for a text that may be there for a moment only, looking at every frame. Ask before doing what brings it, and await
 * it afterwards: it tells whether it was seen.
 */
export function glimpse(page, text, limit = 20_000) {
  return page
    .waitForFunction((wanted) => document.body.innerText.includes(wanted), text, { polling: "raf", timeout: limit })
    .then(
      () => true,
      () => false,
    );
}

/** Starts a recording by the form, without the mouse once it is open; returns its id. */
export async function start(page, channel) {
  await page.getByRole("link", { name: "Start recording" }).click();
  const dialog = page.getByRole("dialog", { name: "Start a recording" });
  await expect(dialog.getByLabel("Channel")).toBeFocused();
  await page.keyboard.type(channel);
  await expect(dialog.getByRole("button", { name: "Start recording" })).not.toHaveAttribute("aria-disabled", "true");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: channel })).toBeVisible();
  return new URL(page.url()).searchParams.get("recording");
}

/** Stops the recording whose page is shown, by the dialog; where it is away, its name is typed. */
export async function stop(page, channel) {
  await page.getByRole("link", { name: "Stop recording…" }).click();
  const dialog = page.getByRole("dialog", { name: channel });
  await expect(async () => {
    const name = dialog.getByLabel("Channel");
    if ((await name.count()) > 0) await name.fill(channel);
    await dialog.getByRole("button", { name: "Stop recording", exact: true }).click({ timeout: 500 });
  }).toPass({ timeout: 10_000 });
  await expect(dialog).toHaveCount(0);
}

/** The entries of one kind, oldest first: each fact with its number, its time and who caused it. */
export function facts(journal, kind) {
  return journal
    .filter(({ fact }) => fact === kind || fact[kind] !== undefined)
    .map(({ number, at, by, fact }) => ({ ...fact[kind], number, at, by }));
}

/** The decisions of one kind, such as `lost`. */
export function decisions(journal, kind) {
  return facts(journal, "Decided").filter((decided) => JSON.stringify(decided.kind).includes(`"${kind}"`));
}

/** How each call of an operation ended, oldest first: the status of its answer, or nothing. */
export function statuses(journal, operation) {
  const answers = new Map(facts(journal, "CallAnswered").map((answered) => [answered.id, answered.answer.status]));
  return facts(journal, "CallSent")
    .filter((sent) => sent.operation === operation)
    .map((sent) => answers.get(sent.id));
}
