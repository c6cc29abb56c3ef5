// What makes a page bearable that is open all day: settings, shortcuts, commands, alerts, files, the wall.

import { readFile } from "node:fs/promises";
import { expect, test } from "../harness/test.mjs";

/** A page with these recordings, all confirmed. */
async function withRecordings(desk, page, channels) {
  await page.goto(desk.url);
  const ids = {};
  for (const channel of channels) ids[channel] = await desk.request(channel);
  await desk.until("all are confirmed", async () =>
    (await desk.recordings()).every((one) => one.sessions.some((session) => session.phase === "live")),
  );
  return ids;
}

const link = (page, channel) => page.getByRole("main").getByRole("link", { name: channel, exact: true });

test("4.8 a command is found by its name: a recording, an action, a filter, a rule", async ({ desk, page }) => {
  await withRecordings(desk, page, ["math-7b", "chem-1"]);
  const field = page.getByRole("combobox", { name: "What to do" });
  await expect(link(page, "math-7b")).toBeVisible();
  await page.keyboard.press("Control+k");
  await field.fill("open math");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: /math-7b/ })).toBeVisible();

  await page.keyboard.press("Control+k");
  await field.fill("stop chem");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: /Stop recording chem-1/ })).toBeVisible();
  await page.keyboard.press("Escape");

  await page.keyboard.press("Control+k");
  await field.fill("show only lost");
  await page.keyboard.press("Enter");
  await expect(page.getByText("No recording fits the query.")).toBeVisible();
  await expect(page).toHaveURL(/q=state%3Alost/);

  await page.keyboard.press("Control+k");
  await field.fill("why m3");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: /Rule M3/ })).toBeVisible();
});

test("4.8 shortcuts act, not while one types, can be changed and switched off", async ({ desk, page }) => {
  await withRecordings(desk, page, ["math-7b", "chem-1"]);
  await expect(link(page, "math-7b")).toBeVisible();
  await page.keyboard.press("/");
  const query = page.getByRole("combobox", { name: "Query" });
  await expect(query).toBeFocused();
  await page.keyboard.type("?j");
  await expect(query).toHaveValue("?j");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await query.fill("");
  await query.blur();
  await page.keyboard.press("j");
  const first = await page.evaluate(() => document.activeElement?.textContent);
  await page.keyboard.press("j");
  const second = await page.evaluate(() => document.activeElement?.textContent);
  expect([first, second].sort()).toEqual(["chem-1", "math-7b"]);
  await page.keyboard.press("s");
  await expect(page.getByRole("dialog", { name: new RegExp(`Stop recording ${second}`) })).toBeVisible();
  await page.keyboard.press("Escape");

  await page.keyboard.press("?");
  const sheet = page.getByRole("dialog", { name: "Help and shortcuts" });
  await sheet.getByLabel("Key of: Start a recording…").fill("a");
  await page.keyboard.press("Escape");
  await expect(sheet).toBeHidden();
  await page.keyboard.press("n");
  await page.keyboard.press("a");
  await expect(page.getByRole("dialog", { name: "Start a recording" })).toBeVisible();
  await page.keyboard.press("Escape");

  // Kept for the next visit; and off is off, but for the commands.
  await page.reload();
  await expect(link(page, "math-7b")).toBeVisible();
  await page.keyboard.press("a");
  await expect(page.getByRole("dialog", { name: "Start a recording" })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await sheet.getByRole("checkbox", { name: "Single keys do something" }).uncheck();
  await page.keyboard.press("Escape");
  await page.keyboard.press("a");
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog")).toHaveCount(1);
  await expect(page.getByRole("dialog", { name: "Commands" })).toBeVisible();
});

test("4.8 times are told in the zone that was chosen, and the zone beside them", async ({ desk, page }) => {
  await page.goto(`${desk.url}?settings`);
  const clock = page.locator(".topbar .clock");
  const settings = page.getByRole("dialog", { name: "Settings" });
  await settings.getByLabel("Name of the zone").fill("Nowhere/At-All");
  await settings.getByRole("button", { name: "Use this zone" }).click();
  await expect(settings.getByText("This browser knows no zone of that name.")).toBeVisible();
  await settings.getByLabel("Name of the zone").fill("Asia/Kolkata");
  await settings.getByRole("button", { name: "Use this zone" }).click();
  await expect(clock).toContainText("UTC+5:30");
  const shown = await clock.locator("b").textContent();
  const [hours, minutes] = shown.split(":").map(Number);
  const now = (await desk.recordings()) && new Date();
  // The desk's time began with the wall's and runs faster: no more than a few minutes have passed in it.
  const there = (now.getUTCHours() * 60 + now.getUTCMinutes() + 330) % 1440;
  expect((hours * 60 + minutes - there + 1440) % 1440).toBeLessThan(30);
  await settings.getByRole("radio", { name: "UTC", exact: true }).check();
  await expect(clock).toContainText(/UTC$/);
});

test("4.8 times of the list are ages, or times of day", async ({ desk, page }) => {
  await withRecordings(desk, page, ["math-7b"]);
  const answer = page.locator(".board td.answer").first();
  await expect(answer).toHaveText(/200 · \d+ (s|min)/);
  await expect(answer).toHaveAttribute("title", /^\d\d:\d\d:\d\d$/);
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("radio", { name: "time of day" }).check();
  await expect(answer).toHaveText(/200 · \d\d:\d\d:\d\d/);
});

test("4.8 an alert goes by step: quiet at first, the desktop for what needs someone, once", async ({ desk, page, context }) => {
  await context.grantPermissions(["notifications"], { origin: desk.origin });
  await page.addInitScript(() => {
    globalThis.shown = [];
    globalThis.notes = [];
    globalThis.Notification = class {
      static permission = "granted";
      static requestPermission = async () => "granted";
      constructor(title, options) {
        globalThis.shown.push({ title, ...options });
      }
    };
    const made = AudioContext.prototype.createOscillator;
    AudioContext.prototype.createOscillator = function create() {
      globalThis.notes.push(1);
      return made.call(this);
    };
  });
  await page.goto(`${desk.url}?settings`);
  await page.getByRole("checkbox", { name: "Desktop notifications" }).check();
  await page.getByRole("checkbox", { name: "Sound" }).check();
  await page.getByRole("button", { name: "Test the desktop notification" }).click();
  await expect.poll(() => page.evaluate(() => globalThis.shown.length)).toBe(1);
  await page.keyboard.press("Escape");

  await desk.faults({ fault: "answer", operation: "acquire", times: 1, status: 400 });
  const id = await desk.request("bad-1");
  await expect.poll(() => page.evaluate(() => globalThis.shown.slice(1))).toEqual([
    { title: "bad-1: Start refused", tag: id, body: expect.stringContaining("Start refused") },
  ]);
  await expect.poll(() => page.evaluate(() => globalThis.notes.length)).toBe(1);
  // What was so already when a page is opened is no news.
  await page.reload();
  await expect(link(page, "bad-1").first()).toBeVisible();
  expect(await page.evaluate(() => globalThis.shown)).toEqual([]);
  await expect(page).toHaveTitle(/^\(1!\) 1 rec/);
  await expect(page.locator("link[rel=icon]")).toHaveAttribute("href", /f0625a/);
});

test("4.8 the list is taken out as CSV and as JSON, and no cell is a formula", async ({ desk, page }) => {
  await withRecordings(desk, page, ["=2+5", "math-7b"]);
  await page.locator("summary", { hasText: "View" }).click();
  const saved = async (name) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
    return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
  };
  const table = await saved("Export the list as CSV");
  expect(table.name).toMatch(/^recordings-.*\.csv$/);
  expect(table.text).toContain(`"'=2+5"`);
  expect(table.text.trim().split("\r\n")).toHaveLength(3);
  const list = JSON.parse((await saved("Export the list as JSON")).text);
  expect(list.map((one) => one.channel).sort()).toEqual(["=2+5", "math-7b"]);
  expect(list[0]).toMatchObject({ group: "recording", answer: "200", since: expect.stringMatching(/Z$/) });
  // Only what the query shows.
  await page.getByRole("combobox", { name: "Query" }).fill("channel:math-7b ");
  await expect(link(page, "=2+5")).toBeHidden();
  expect(JSON.parse((await saved("Export the list as JSON")).text)).toHaveLength(1);
});

test("4.8 the wall has nothing to press, ticks, and says what needs someone", async ({ desk, page }) => {
  await withRecordings(desk, page, ["math-7b"]);
  await desk.faults({ fault: "answer", operation: "acquire", times: 1, status: 400 });
  await desk.request("bad-1");
  await expect(link(page, "bad-1").first()).toBeVisible();
  await page.keyboard.press("v");
  await expect(page.getByRole("heading", { level: 1, name: "1 needs someone. 1 records." })).toBeVisible();
  await expect(page.getByRole("button")).toHaveCount(0);
  await expect(page.getByRole("link")).toHaveCount(0);
  const clock = page.locator(".wall .clock");
  const before = await clock.textContent();
  expect(before).toMatch(/UTC/);
  await expect(clock).not.toHaveText(before);
  const place = page.locator(".drift");
  const began = await place.getAttribute("data-place");
  // A minute of the desk is six seconds here.
  await expect(place).not.toHaveAttribute("data-place", began, { timeout: 10_000 });
  await page.keyboard.press("Escape");
  await expect(page.getByRole("link", { name: "Recordings" })).toBeVisible();
});

test("4.8 a call is copied as a command line, without what is secret", async ({ desk, page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: desk.origin });
  const ids = await withRecordings(desk, page, ["math-7b"]);
  await page.goto(`${desk.url}?recording=${ids["math-7b"]}`);
  await page.getByRole("button", { name: "Show the journal" }).or(page.locator("[aria-controls=journal-body]")).first().click();
  const starts = page.locator("#journal-body li", { hasText: /Start/ }).filter({ has: page.getByRole("button", { name: "Copy as curl" }) });
  await starts.first().getByRole("button", { name: "Copy as curl" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Copied the call as curl" })).toHaveCount(1);
  const told = await page.evaluate(() => navigator.clipboard.readText());
  expect(told).toMatch(/^# The proxy's record of it: curl 'http:\/\/127\.0\.0\.1:\d+\/api\/v1\/recordings\/[^/]+\/journal\?after=\d+'\ncurl -X POST 'https:\/\/api\./);
  expect(told).toContain(`-u "$CUSTOMER_KEY:$CUSTOMER_SECRET"`);
  expect(told).toContain(`"secretKey":"'"$SECRET_KEY"'"`);
  expect(told).not.toContain("journey-secret");
});
