// Records the bundle that the demonstration imports: one lesson with a failover, at a fresh simulated service.
//
//     node harness/bundle.mjs ../crates/xtask/demo/yesterday.json

import { chromium } from "@playwright/test";
import { Desk } from "./desk.mjs";

const [file] = process.argv.slice(2);
if (!file) throw new Error("name the file that is to be written");
const CHANNEL = "history-4";

const desk = await Desk.start({ clockRate: 20, seed: 1815, notifications: [] });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  const page = await browser.newPage();
  await page.goto(desk.url);
  const id = await desk.request(CHANNEL);
  const fold = async () => (await desk.recordings()).find((recording) => recording.id === id);
  const session = async () => (await fold()).sessions?.[0];
  await desk.until("it records", async () => (await session())?.confirmed);
  await page.goto(`${desk.url}?recording=${id}`);
  const good = async (count) => {
    const before = (await session()).last_answer?.at;
    await desk.until("a routine query was answered", async () => (await session()).last_answer?.at !== before, 30_000);
    if (count > 1) await good(count - 1);
  };
  await good(4);
  await desk.faults({ fault: "kill", cname: CHANNEL, resumes_after_ms: 38_000 });
  await page.getByRole("button", { name: "Ask now" }).click();
  await desk.until("it has failed over", async () => (await session()).interruptions?.length === 1, 60_000);
  await good(3);
  await page.getByRole("link", { name: "Stop recording…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop recording", exact: true }).click();
  await desk.until("it is over", async () => JSON.stringify((await session()).phase).includes("over"), 60_000);
  await page.locator(".title .state-tag, .title .state").filter({ hasText: "Ended" }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download bundle" }).click(),
  ]);
  await download.saveAs(file);
} finally {
  await browser.close();
  await desk.close();
}
