// `cargo xtask images`: the pictures of docs/images/, of the built page, each light and dark.

import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import { Desk } from "./harness/desk.mjs";
import playwright from "./playwright.config.mjs";

const FOLDER = fileURLToPath(new URL("../docs/images/", import.meta.url));
const CHANNELS = ["math-7b", "chem-1", "phys-2a", "econ-5", "lang-6", "music-2", "bio-3c", "hist-1", "geo-4", "art-9"];

const desk = await Desk.start({ clockRate: 10, seed: 3 });
const browser = await chromium.launch({ ...playwright.use.launchOptions });
try {
  await mkdir(FOLDER, { recursive: true });
  const { locale, timezoneId } = playwright.use;
  const context = await browser.newContext({ viewport: { width: 1360, height: 820 }, locale, timezoneId, reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(desk.url);
  const ids = {};
  for (const channel of CHANNELS) ids[channel] = await desk.request(channel);
  const all = async (holds) => (await desk.recordings()).filter(holds);
  const live = ({ sessions }) => sessions.some(({ phase }) => phase === "live");
  await desk.until("all of them record", async () => (await all(live)).length === CHANNELS.length, 60_000);
  // One had a failover before, one needs somebody, one is retrying its start, and one moves to another server now.
  await desk.faults({ fault: "kill", cname: CHANNELS[2] });
  await desk.until("the first failover is over", async () => (await all(({ sessions }) => sessions.some(({ failovers }) => failovers > 0))).length > 0, 60_000);
  await desk.faults({ fault: "answer", operation: "acquire", cname: "civics-2", times: 1, status: 400 });
  ids["civics-2"] = await desk.request("civics-2").catch(() => undefined);
  await desk.faults({ fault: "answer", operation: "start", cname: "latin-8", times: 3, status: 500 });
  ids["latin-8"] = await desk.request("latin-8").catch(() => undefined);
  await desk.faults({ fault: "disconnect", cname: CHANNELS[1], resumes_after_ms: 85_000 });
  await desk.hurry(ids[CHANNELS[1]]);
  await desk.until("one is in doubt", async () => (await all(({ sessions }) => sessions.some(({ doubt }) => doubt))).length > 0, 60_000);

  const shoot = async (name) => {
    for (const theme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      await page.screenshot({ path: `${FOLDER}${name}-${theme}.png` });
      console.log(`docs/images/${name}-${theme}.png`);
    }
  };
  const see = async (address, ready) => {
    await page.goto(desk.url + address);
    await page.getByText(ready).first().waitFor();
    await page.evaluate(() => document.fonts.ready);
  };
  await see("", CHANNELS[1]);
  await shoot("board");
  await see(`?recording=${ids[CHANNELS[1]]}`, CHANNELS[1]);
  await shoot("recording");
  await see("?start", "Pair of recorder UIDs");
  await shoot("start");
  await see("?faults", "Faults of the simulated service");
  await shoot("faults");
} finally {
  await browser.close();
  await desk.close();
}
