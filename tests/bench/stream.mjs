// `cargo xtask bench stream`: two pages of Chromium and a thousand without a screen at one control desk. Do they change what
// is asked of the service, what does each take of the proxy's memory, and how late do they hear what happened?

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import { Desk } from "../harness/desk.mjs";
import playwright from "../playwright.config.mjs";

const number = (name, usual) => Number(process.env[name] ?? usual);
const CLIENTS = number("TALLYLIGHT_BENCH_CLIENTS", 1_000);
const RECORDINGS = number("TALLYLIGHT_BENCH_RECORDINGS", 10);
const BINARIES = process.env.TALLYLIGHT_BINARIES ?? fileURLToPath(new URL("../../target/debug", import.meta.url));

const RATE = 10;

/** What is compared: the requests of each session from its start until so long after it, in milliseconds of the journal. */
const COMPARED = 120_000;

/** What each page may take of the proxy's resident memory, in bytes, and how late 99 of 100 entries may come, in milliseconds. */
const LIMITS = { memory: 16 * 1024, late: 100 };

/** How far apart recordings are asked for, in milliseconds of the wall: ten seconds of the journal. */
const APART = 1_000;

const pause = (millis) => new Promise((done) => setTimeout(done, millis));

/** The resident memory of a process, in bytes. */
async function resident(pid) {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) * 1024;
}

/** The pages without a screen, in a process of their own. */
class Crowd {
  static async join(desk, count) {
    const crowd = new Crowd();
    const [, rate, , origin] = desk.clock;
    crowd.child = spawn(join(BINARIES, "stream_clients"), [desk.address, String(count), rate, origin], { stdio: ["pipe", "pipe", "inherit"] });
    crowd.lines = createInterface({ input: crowd.child.stdout })[Symbol.asyncIterator]();
    const { value } = await crowd.lines.next();
    if (value !== "ready") throw new Error(`the pages without a screen are not ready: ${value ?? "they ended"}`);
    return crowd;
  }

  /** Ends them; what they say. */
  async leave() {
    this.child.stdin.end();
    const { value } = await this.lines.next();
    return JSON.parse(value);
  }
}

/** Runs in a page: when the row of each recording first says Recording, by the clock of this machine. */
function probe() {
  window.streamSeen = {};
  new MutationObserver(() => {
    for (const row of document.querySelectorAll("table.board a[id^='row-']")) {
      const word = row.closest("tr").querySelector(".state")?.textContent.trim();
      window.streamSeen[row.textContent] ??= {};
      window.streamSeen[row.textContent][word] ??= performance.timeOrigin + performance.now();
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

/** What is asked of the service, session by session: which operation how often. */
function asked(ledger) {
  const sessions = ledger.sessions.map(({ sid, cname, resource_id: resource, started_at: from }) => {
    const own = ledger.requests.filter((request) => request.resource_id === resource && request.at <= from + COMPARED);
    const count = (operation) => own.filter((request) => request.operation === operation).length;
    return { sid, channel: cname, counts: ["acquire", "start", "query", "stop"].map(count) };
  });
  return sessions.sort((one, other) => one.channel.localeCompare(other.channel, "en", { numeric: true })).map(({ counts }) => counts.join("/"));
}

/** One desk with so many pages of Chromium and so many without a screen, and the same recordings each time, so far apart. */
async function measure(browser, pages, clients, apart) {
  const desk = await Desk.start({ clockRate: RATE, seed: 7 });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  try {
    for (let index = 0; index < pages; index += 1) {
      const page = await context.newPage();
      await page.addInitScript(probe);
      await page.goto(desk.url);
      await page.locator("header .live").getByText("Live", { exact: true }).waitFor({ timeout: 20_000 });
    }
    // Half of the recordings are in the snapshot that each page gets, half come when all of them listen.
    const ask = async (from, upto) => {
      for (let index = from; index < upto; index += 1) {
        await desk.request(`lesson-${index}`, { policy: "patient" });
        await pause(apart);
      }
    };
    await ask(0, RECORDINGS / 2);
    await pause(1_000);
    const before = await resident(desk.proxy.child.pid);
    const crowd = clients > 0 ? await Crowd.join(desk, clients) : undefined;
    // What the connections themselves cost, once they have heard a few heartbeats.
    await pause(3_000);
    const joined = await resident(desk.proxy.child.pid);
    await ask(RECORDINGS / 2, RECORDINGS);
    await desk.until("every session runs long enough", async () => {
      const { sessions, now } = await desk.ledger();
      return sessions.length === RECORDINGS && sessions.every(({ started_at: from }) => now > from + COMPARED + 10_000);
    }, 60_000);
    const after = await resident(desk.proxy.child.pid);
    const ledger = await desk.ledger();
    const confirmed = [];
    for (const { id, channel } of await desk.recordings()) {
      const entry = (await desk.journal(id)).find(({ fact }) => fact.Decided?.kind?.confirmed);
      const origin = Number(desk.clock[3]);
      confirmed.push({ channel, at: origin + (entry.at - origin) / RATE });
    }
    const painted = [];
    for (const page of context.pages()) {
      const seen = await page.evaluate(() => window.streamSeen);
      painted.push(...confirmed.map(({ channel, at }) => (seen[channel]?.Recording ?? Number.NaN) - at));
    }
    const told = await crowd?.leave();
    return { asked: asked(ledger), memory: (after - before) / Math.max(1, clients), joined: (joined - before) / Math.max(1, clients), told, painted };
  } finally {
    await context.close();
    await desk.close();
  }
}

const browser = await chromium.launch({ ...playwright.use.launchOptions });
let failed = 0;
const judge = (what, holds, says) => {
  if (!holds) failed += 1;
  console.log(`${holds ? "holds" : "FAILS"}  ${what}: ${says}`);
};
try {
  console.log(`${RECORDINGS} recordings, clock rate ${RATE}; each run takes ${COMPARED / 1000 + 10} s of the journal`);
  const alone = await measure(browser, 1, 0, APART);
  const crowded = await measure(browser, 2, CLIENTS, APART);
  const rushed = await measure(browser, 2, CLIENTS, 0);
  console.log(`one page:   acquire/start/query/stop of each session ${alone.asked.join(" ")}`);
  console.log(`${CLIENTS + 2} pages: acquire/start/query/stop of each session ${crowded.asked.join(" ")}`);
  judge("the same requests as with one page", alone.asked.join() === crowded.asked.join(), `${crowded.asked.length} sessions`);
  judge("the proxy's resident memory for each page", crowded.memory <= LIMITS.memory, `${(crowded.memory / 1024).toFixed(1)} kB of ${LIMITS.memory / 1024} (${(crowded.joined / 1024).toFixed(1)} kB before anything happened)`);
  const { entries, p50, p99, longest, posts, connections } = crowded.told;
  judge("p99 from entry to page", p99 <= LIMITS.late, `${p99.toFixed(1)} ms of ${LIMITS.late} (half below ${p50.toFixed(1)} ms, the longest ${longest.toFixed(1)} ms; ${entries} entries told to ${CLIENTS} pages)`);
  console.log(`       p99 where ${RECORDINGS / 2} recordings are asked for at once: ${rushed.told.p99.toFixed(1)} ms (half below ${rushed.told.p50.toFixed(1)} ms)`);
  console.log(`       the pages without a screen connected ${connections} times and posted ${posts} times`);
  const slowest = Math.max(...crowded.painted);
  console.log(`       in Chromium “Recording” stood on the page at most ${slowest.toFixed(0)} ms after its entry`);
} finally {
  await browser.close();
}
process.exitCode = failed > 0 ? 1 : 0;
