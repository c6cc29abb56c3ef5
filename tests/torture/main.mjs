// `cargo xtask torture`: the real servers and two pages of Chromium, pressed and broken as a seed says, and judged by what
// truly happened. docs/torture.md says what breaks and what is checked.

import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CHECKS } from "./checker.mjs";

const HERE = fileURLToPath(new URL("./", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BINARIES = process.env.TALLYLIGHT_BINARIES ?? join(ROOT, "target/debug");
const ASSETS = process.env.TALLYLIGHT_ASSETS ?? join(ROOT, "dist");
const FOLDER = join(ROOT, "target/torture");
const RESULTS = join(FOLDER, "results.jsonl");

const { values: asked } = parseArgs({
  options: {
    runs: { type: "string", default: "200" },
    first: { type: "string", default: "1" },
    again: { type: "string", multiple: true },
    lanes: { type: "string", default: "2" },
    anew: { type: "boolean", default: false },
    report: { type: "string" },
  },
});
const number = (name, least) => {
  const value = Number(asked[name]);
  if (!Number.isInteger(value) || value < least) throw new Error(`--${name}: a whole number from ${least} on`);
  return value;
};

/** The seeds whose runs found something once: they are always run. */
async function keptSeeds() {
  const lines = (await readFile(join(HERE, "seeds.txt"), "utf8")).split("\n");
  return lines.map((line) => Number.parseInt(line, 10)).filter(Number.isInteger);
}

/** What the results are about: the servers, the page, and these programs. Where one has changed, results mean nothing. */
async function subject() {
  const hash = createHash("sha256");
  for (const file of ["tallylight", "tallylight-simulator"]) hash.update(await readFile(join(BINARIES, file)));
  hash.update(await readFile(join(ASSETS, "index.html")));
  for (const folder of [HERE, join(HERE, "../harness")]) {
    for (const file of (await readdir(folder)).filter((name) => /^(?!main|report|.*\.test).*\.mjs$/.test(name)).sort()) {
      hash.update(await readFile(join(folder, file)));
    }
  }
  return hash.digest("hex").slice(0, 16);
}

async function earlier(about) {
  const text = await readFile(RESULTS, "utf8").catch(() => "");
  const lines = text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const results = new Map(lines.filter((line) => line.about === about).map((line) => [line.seed, line]));
  if (lines.length > 0 && results.size === 0) await rm(RESULTS, { force: true });
  return results;
}

function tell(result) {
  const failed = result.violations.length > 0 || result.trouble;
  const faults = Object.entries(result.faults ?? {}).map(([kind, count]) => (count > 1 ? `${count} ${kind}` : kind));
  console.log(
    `seed ${result.seed}: ${failed ? "FAILS" : "holds"}, ${(result.seconds ?? 0).toFixed(1)} s, ` +
      `${result.recordings ?? 0} recordings, ${result.sessions ?? 0} sessions, ${result.requests ?? 0} requests; ${faults.join(", ") || "no fault"}`,
  );
  if (result.trouble) console.log(`  it could not be judged: ${result.trouble}`);
  for (const { check, says } of result.violations.slice(0, 12)) console.log(`  ${check}: ${says}`);
  if (result.violations.length > 12) console.log(`  and ${result.violations.length - 12} more`);
  if (failed) console.log(`  again: cargo xtask torture --again ${result.seed}   (evidence: target/torture/seed-${result.seed}.json)`);
}

/** Has lanes work through the seeds, side by side. */
async function work(seeds, lanes, done) {
  const left = [...seeds];
  const failures = { inARow: 0 };
  const lane = async () => {
    let child;
    while (left.length > 0 && failures.inARow < 5) {
      const seed = left.shift();
      child = child?.connected ? child : fork(join(HERE, "lane.mjs"));
      const current = child;
      const result = await new Promise((resolve) => {
        const ended = () => resolve({ seed, reached: {}, violations: [], trouble: "the program that runs it ended by itself" });
        current.once("exit", ended);
        current.once("message", (message) => {
          current.off("exit", ended);
          resolve(message);
        });
        current.send({ seed, evidence: join(FOLDER, `seed-${seed}.json`) });
      });
      if (result.trouble) {
        child = undefined;
        await new Promise((resolve) => (current.exitCode === null ? current.once("exit", resolve) : resolve()));
      }
      failures.inARow = result.trouble ? failures.inARow + 1 : 0;
      await done(result);
    }
    if (child?.connected) child.disconnect();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return left.length === 0;
}

await mkdir(FOLDER, { recursive: true });
const began = Date.now();
const about = await subject();
const again = (asked.again ?? []).map(Number);
const runs = number("runs", 1);
const first = number("first", 0);
const kept = await keptSeeds();
const plain = Array.from({ length: runs }, (_, index) => first + index);
// Those that found something go first, and count.
const wanted = again.length > 0 ? again : [...new Set([...kept, ...plain])].slice(0, Math.max(runs, kept.length));
const known = again.length > 0 || asked.anew ? new Map() : await earlier(about);
const open = wanted.filter((seed) => !known.has(seed));
if (open.length < wanted.length) console.log(`${wanted.length - open.length} of ${wanted.length} runs are done already; --anew runs them again`);
const results = new Map([...known].filter(([seed]) => wanted.includes(seed)));
const complete = await work(open, Math.min(number("lanes", 1), Math.max(1, open.length)), async (result) => {
  results.set(result.seed, result);
  tell(result);
  if (!result.trouble) await appendFile(RESULTS, `${JSON.stringify({ about, ...result })}\n`);
});

const all = [...results.values()];
const failed = all.filter(({ violations, trouble }) => violations.length > 0 || trouble);
const total = (of) => all.reduce((sum, result) => sum + (of(result) ?? 0), 0);
const rows = Object.entries(CHECKS).map(([name, says]) => ({
  name,
  says,
  reached: total(({ reached }) => reached[name]),
  violations: total(({ violations }) => violations.filter(({ check }) => check === name).length),
}));
for (const { name, reached, violations, says } of rows) {
  console.log(`${name.padEnd(22)} ${String(reached).padStart(8)}  ${String(violations).padStart(3)}  ${says}`);
}
const seconds = all.map(({ seconds }) => seconds ?? 0).sort((one, other) => one - other);
const took = `${all.length} runs in ${((Date.now() - began) / 1000).toFixed(0)} s, the longest ${(seconds.at(-1) ?? 0).toFixed(1)} s, half of them below ${(seconds[Math.floor(seconds.length / 2)] ?? 0).toFixed(1)} s`;
console.log(took);
if (!complete) console.log("it was given up: five runs in a row could not be judged");
if (asked.report && complete) {
  const { report } = await import("./report.mjs");
  const file = join(ROOT, asked.report);
  await writeFile(file, report(await readFile(file, "utf8"), all, rows));
  console.log(`written to ${asked.report}`);
}
console.log(`runs: ${all.length - failed.length} passed, ${failed.length + (complete ? 0 : 1)} failed`);
process.exitCode = failed.length === 0 && complete ? 0 : 1;
