// `cargo xtask bench board`: the list with very many recordings, of which many change each second, beside a page that was
// written by hand for this and nothing else. Both are looked at in the same way, in turns, on the same stream.

import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import playwright from "../playwright.config.mjs";
import { Feed, PROBES, pattern } from "./feed.mjs";

const number = (name, usual) => Number(process.env[name] ?? usual);
const COUNT = number("TALLYLIGHT_BENCH_RECORDINGS", 10_000);
const RATE = number("TALLYLIGHT_BENCH_CHANGES", 1_000);
const SECONDS = number("TALLYLIGHT_BENCH_SECONDS", 60);
const ROUNDS = number("TALLYLIGHT_BENCH_ROUNDS", 1);
const ASSETS = process.env.TALLYLIGHT_ASSETS ?? fileURLToPath(new URL("../../dist/", import.meta.url));

/** What the issue of speed allows over the page that was written by hand. */
const LIMITS = { latency: 15, frames: 2, memory: 1.05, longTask: 50 };

/** When the memory is first looked at, in seconds after the rows are there. */
const SETTLED = Math.min(15, SECONDS / 4);

/** Runs in the page before anything else: looks at the probes after each frame, and never touches anything. */
function probe(ids) {
  const now = () => performance.timeOrigin + performance.now();
  const seen = { frames: [], probes: [], tasks: [], first: undefined };
  window.benchSeen = seen;
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) {
      seen.tasks.push({ at: performance.timeOrigin + task.startTime, lasts: task.duration });
    }
  }).observe({ type: "longtask", buffered: true });
  const states = new Map();
  const channel = new MessageChannel();
  // What a message channel brings runs after the work of the frame in which it was posted.
  channel.port1.onmessage = () => {
    const at = now();
    seen.frames.push(at);
    for (const id of ids) {
      const cell = document.getElementById(`row-${id}`)?.closest("tr")?.querySelector(".next");
      if (!cell) continue;
      seen.first ??= at;
      const sending = cell.textContent.includes("sending");
      if (states.get(id) !== sending) {
        states.set(id, sending);
        seen.probes.push({ probe: id, sending, at });
      }
    }
  };
  const frame = () => {
    channel.port2.postMessage(0);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1_000));

async function memory(cdp) {
  await cdp.send("HeapProfiler.collectGarbage");
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 } = await cdp.send("Runtime.getHeapUsage");
  return usedSize + embedderHeapUsedSize + backingStorageSize;
}

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** How long after it was said each change of a probe was painted. One that was never seen before the next counts until then. */
function delays(said, seen, from) {
  const all = [];
  for (const id of new Set(said.map(({ probe }) => probe))) {
    const shown = seen.filter(({ probe }) => probe === id);
    for (const { at, sending } of said.filter(({ probe, at }) => probe === id && at > from)) {
      const painted = shown.find((one) => one.at >= at && one.sending === sending);
      if (painted) all.push(painted.at - at);
    }
  }
  return all.sort((one, other) => one - other);
}

async function measure(browser, feed, path) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  try {
    await page.addInitScript(probe, feed.probes);
    const opened = performance.timeOrigin + performance.now();
    await page.goto(feed.origin + path);
    await page.waitForFunction(() => window.benchSeen.first !== undefined, undefined, { timeout: 120_000 });
    const cdp = await context.newCDPSession(page);
    const client = feed.client;
    // The rows are there; the rest of the page may still come.
    await pause(SETTLED);
    const early = await memory(cdp);
    const from = performance.timeOrigin + performance.now();
    await pause(SECONDS - SETTLED);
    const seen = await page.evaluate(() => window.benchSeen);
    const until = performance.timeOrigin + performance.now();
    const late = await memory(cdp);
    const said = feed.said.get(client) ?? [];
    // The last ones may not be painted yet.
    const found = delays(said.filter(({ at }) => at < until - 2_000), seen.probes, from);
    const frames = seen.frames.filter((at) => at > from && at < until).length / ((until - from) / 1_000);
    const tasks = seen.tasks.filter(({ at }) => at > seen.first);
    return {
      first: seen.first - opened,
      median: quantile(found, 0.5),
      latency: quantile(found, 0.99),
      changes: found.length,
      expected: said.filter(({ at }) => at > from && at < until - 2_000).length,
      frames,
      longTasks: tasks.length,
      tasks: tasks.map(({ at, lasts }) => `${lasts.toFixed(0)} ms at ${((at - seen.first) / 1_000).toFixed(1)} s`),
      longest: Math.max(0, ...tasks.map(({ lasts }) => lasts)),
      early,
      late,
      rows: await page.locator("tbody tr").count(),
    };
  } finally {
    await context.close();
  }
}

const middle = (values) => quantile([...values].sort((one, other) => one - other), 0.5);

const browser = await chromium.launch({ ...playwright.use.launchOptions });
let failed = 0;
try {
  const made = await pattern(browser);
  const feed = await Feed.start({ made, assets: ASSETS, count: COUNT, rate: RATE });
  const pages = { tallylight: "/", vanilla: "/vanilla/" };
  const results = { tallylight: [], vanilla: [] };
  console.log(`${COUNT} recordings, ${RATE} changes a second, ${SECONDS} s, ${PROBES} rows looked at, ${browser.version()}`);
  try {
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (const [name, path] of Object.entries(pages)) {
        const result = await measure(browser, feed, path);
        results[name].push(result);
        const mega = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
        console.log(
          `${name.padEnd(10)} first row ${(result.first / 1000).toFixed(1)} s, painted p50 ${result.median.toFixed(1)} ms, p99 ${result.latency.toFixed(1)} ms ` +
            `(${result.changes} of ${result.expected}), ${result.frames.toFixed(1)} frames/s, ${result.longTasks} long tasks (longest ${result.longest.toFixed(0)} ms), ` +
            `memory ${mega(result.early)} → ${mega(result.late)}, ${result.rows} rows in the document` +
            (result.tasks.length > 0 ? `\n           long tasks after the first row: ${result.tasks.slice(0, 12).join(", ")}` : ""),
        );
      }
    }
  } finally {
    await feed.close();
  }
  const of = (name, what) => middle(results[name].map(what));
  const both = (what) => [of("tallylight", what), of("vanilla", what)];
  const judge = (what, holds, says) => {
    if (!holds) failed += 1;
    console.log(`${holds ? "holds" : "FAILS"}  ${what}: ${says}`);
  };
  const [p99, theirs] = both(({ latency }) => latency);
  judge("p99 from message to painted cell", p99 <= theirs + LIMITS.latency, `${p99.toFixed(1)} ms, ${(p99 / theirs).toFixed(2)} × the other's, ${(p99 - theirs).toFixed(1)} ms more of ${LIMITS.latency}`);
  const [p50, half] = both(({ median }) => median);
  console.log(`       p50: ${(p50 / half).toFixed(2)} × the other's`);
  const [frames, others] = both(({ frames }) => frames);
  judge("frames a second", frames >= others - LIMITS.frames, `${frames.toFixed(1)}, ${(frames / others).toFixed(2)} × the other's`);
  const [long, longs] = both(({ longTasks }) => longTasks);
  judge("no long task after the first row", long === 0, `${long}, the longest ${of("tallylight", ({ longest }) => longest).toFixed(0)} ms; the other has ${longs}`);
  const [grown, growth] = both(({ early, late }) => late / early);
  judge("memory at the end against that after the start", grown <= LIMITS.memory, `${grown.toFixed(3)} ×; the other ${growth.toFixed(3)} ×`);
  const [size, small] = both(({ late }) => late);
  console.log(`       memory: ${(size / small).toFixed(1)} × the other's`);
  const [first, sooner] = both(({ first }) => first);
  console.log(`       first row: ${(first / sooner).toFixed(2)} × the other's`);
} finally {
  await browser.close();
}
process.exitCode = failed > 0 ? 1 : 0;
