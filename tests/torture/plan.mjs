// What staff press and what breaks in one run, when: all of it follows from the seed.

import { Chance } from "./chance.mjs";

/** How much faster than the wall the desk's time runs. */
export const CLOCK_RATE = 10;

/** How long is pressed and broken, in milliseconds; then everything heals. */
export const ACT = 10_000;

/** How long is waited at most until both lists agree again. */
export const SETTLE = 5_000;

/** A run may take so long in all, in milliseconds; on a machine with more to do it takes longer, and says so. */
export const RUN = 20_000;

/** The two pages. */
export const PAGES = ["A", "B"];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR = 8_766 * HOUR;

/** What can break. Each draws what it does from chance; `for` is how long, `back` after how long it is there again. */
const FAULTS = {
  // The control desk itself.
  kill: (chance) => ({ where: "proxy", back: chance.between(50, 2_500) }),
  stop: (chance) => ({ where: "proxy", for: chance.percent(25) ? chance.between(4_000, 8_000) : chance.between(300, 3_500) }),
  // The pages.
  close: (chance) => ({ where: chance.pick(PAGES), back: chance.between(200, 4_000) }),
  crash: (chance) => ({ where: chance.pick(PAGES), back: chance.between(200, 2_000) }),
  freeze: (chance) => ({ where: chance.pick(PAGES), for: chance.between(800, 7_000) }),
  clock: (chance) => ({
    where: chance.pick(PAGES),
    by: chance.pick([-10 * YEAR, -HOUR, -MINUTE, -3_000, 1_500, 3_000, MINUTE, HOUR, 10 * YEAR]),
  }),
  // A page that has hardly any time of the processor.
  starve: (chance) => ({ where: chance.pick(PAGES), rate: chance.pick([8, 20]), for: chance.between(1_000, 4_000) }),
  // The ways between the pages and the control desk, and between it and the service.
  cut: (chance) => ({ where: way(chance) }),
  refuse: (chance) => ({ where: way(chance), for: chance.between(300, 4_000) }),
  hang: (chance) => ({ where: way(chance), for: chance.between(300, 6_000) }),
  slow: (chance) => ({ where: way(chance), delay: chance.pick([20, 60, 150, 400, 900]), for: chance.between(1_000, 6_000) }),
  break: (chance) => ({ where: way(chance), bytes: chance.between(1, 6_000), for: chance.between(500, 3_000) }),
  // The service.
  lose: (chance) => ({ where: "service", order: { fault: "answer_lost", operation: chance.pick(["start", "stop", "query", "acquire"]), times: chance.between(1, 2) } }),
  drop: (chance) => ({ where: "service", order: { fault: "request_lost", operation: chance.pick(["start", "stop", "query"]), times: chance.between(1, 2) } }),
  fail: (chance) => ({
    where: "service",
    order: { fault: "answer", operation: chance.pick(["start", "stop", "query", "acquire"]), times: chance.between(1, 3), ...chance.pick(ANSWERS) },
  }),
  late: (chance) => ({ where: "service", order: { fault: "delay", operation: chance.pick(["start", "stop", "query"]), delay_ms: chance.between(2, 40) * 1_000 } }),
  move: (chance) => ({ where: "session", order: { fault: chance.pick(["kill", "disconnect"]) }, channel: chance.between(0, 9) }),
  end: (chance) => ({ where: "session", order: { fault: "end" }, channel: chance.between(0, 9) }),
  down: (chance) => ({
    where: "service",
    order: { fault: "domain_down", domain: chance.pick(["secondary", "region"]), for_ms: chance.between(5, 60) * 1_000, manner: chance.pick(["close", "hang"]) },
  }),
};

/** Answers that a call may get instead of its own. */
const ANSWERS = [
  { status: 500 },
  { status: 503, body: "html" },
  { status: 504, carried_out: true },
  { status: 206, code: 65, carried_out: true },
  { status: 429, retry_after_s: 3 },
  { status: 200, body: "cut", carried_out: true },
];

/** A way that a fault is on: of one page, or of the control desk to one domain or to all. */
function way(chance) {
  return chance.percent(60) ? chance.pick(PAGES) : chance.pick(["primary", "primary", "all domains", "secondary"]);
}

/** Every kind of fault. */
export const KINDS = Object.keys(FAULTS);

/** The plan of a seed: what it is asked for and when it breaks, in milliseconds after both pages are live. */
export function plan(seed) {
  const chance = new Chance(seed);
  const notifications = chance.percent(50)
    ? chance.pick([[], ["--notify-lost", "300"], ["--notify-doubled", "300", "--notify-late", "300"], ["--notify-redundant"]])
    : undefined;
  const unknowns = ["--unknown", `started-twice-returns-sid=${chance.pick(["yes", "no"])}`];

  // A part of the kinds is on in each run, so that also few kinds meet, and often.
  const on = KINDS.filter(() => chance.percent(40));
  const kinds = on.length > 1 ? on : chance.shuffled(KINDS).slice(0, 3);
  const faults = [];
  for (let left = chance.between(3, 9); left > 0; left -= 1) {
    const kind = chance.pick(kinds);
    const fault = { at: chance.between(200, ACT - 1_000), kind, ...FAULTS[kind](chance) };
    // Everything has healed when the run is judged.
    if (fault.for) fault.for = Math.min(fault.for, ACT - fault.at);
    if (fault.back) fault.back = Math.min(fault.back, ACT - fault.at);
    faults.push(fault);
  }

  // Now and then a whole school begins its lessons at once.
  const many = chance.percent(12);
  const count = many ? chance.between(10, 20) : chance.between(1, 5);
  const presses = [];
  const channels = Array.from({ length: count }, (_, index) => `room-${index + 1}`);
  const presser = () => (many || chance.percent(40) ? "person" : chance.pick(PAGES));
  for (const [index, channel] of channels.entries()) {
    const asked = many ? chance.between(0, 100) : chance.between(0, index === 0 ? 500 : 4_000);
    // What a program asks for; a page has the form's own.
    const idle = chance.pick([30, 30, 300]);
    const policy = chance.pick(["patient", "patient", "swift", "immediate"]);
    presses.push({ at: asked, what: "ask", channel, by: presser(), idle, policy });
    if (chance.percent(25)) presses.push({ at: asked + chance.between(0, 900), what: "ask", channel, by: presser(), idle, policy });
    if (chance.percent(30)) presses.push({ at: asked + chance.between(1_500, 7_000), what: "hurry", channel, by: "person" });
    if (chance.percent(65)) {
      const stopped = Math.min(asked + chance.between(300, 8_000), ACT - 1_000);
      // By a page a stop can be taken back for five seconds of the wall.
      const by = stopped < ACT - 6_500 ? presser() : "person";
      const undo = chance.pick([0, 0, 1, 2]);
      presses.push({ at: stopped, what: "stop", channel, by, undo });
      if (chance.percent(20)) presses.push({ at: stopped + chance.between(100, 1_500), what: "withdraw", channel, by: "person" });
    }
  }
  const inTime = (one, other) => one.at - other.at;
  return { seed, notifications, unknowns, channels, presses: presses.sort(inTime), faults: faults.sort(inTime) };
}
