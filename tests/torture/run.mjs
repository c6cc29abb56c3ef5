// One run: a desk of its own, two pages, what its seed says, and everything that is needed to judge it afterwards.

import { randomUUID } from "node:crypto";
import { Desk } from "../harness/desk.mjs";
import { Relay } from "../harness/relay.mjs";
import { ACT, CLOCK_RATE, PAGES, SETTLE, plan } from "./plan.mjs";
import { Witness } from "./witness.mjs";

/** How long a person tries to press something before they let it be, in milliseconds. */
const PATIENCE = 2_500;

/** How much longer is waited for a page on a machine that has other things to do, in milliseconds. */
const SLOW = 25_000;

/** How long a page spins to show which process runs it, in milliseconds. */
const SPIN = 150;

/** How long the pages may take until they are live at first, and one that was opened again. */
const OPENS = 15_000;

const pause = (millis) => new Promise((done) => setTimeout(done, Math.max(0, millis)));

/** Waits for something that a fault may keep from ever ending. */
const atMost = (millis, work) => Promise.race([work, pause(millis)]);

/** One of the two people: a browser of their own, whose page is closed and opened again. */
class Person {
  constructor(name, browser, door, witness) {
    Object.assign(this, { name, browser, door, witness });
  }

  async open() {
    this.context ??= await this.browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", timezoneId: "UTC" });
    let { page } = this;
    if (!page) {
      page = await this.context.newPage();
      await this.witness.watch(this.name, page);
      this.page = page;
    }
    // What is in its way may keep it from loading at all: then it is tried again, as a person would.
    for (let tries = 20; tries > 0 && this.page === page && !page.isClosed(); tries -= 1) {
      const loaded = await page.goto(`http://${this.door.address}/`, { timeout: 5_000 }).catch(() => undefined);
      if (loaded?.ok() && !(await this.#stopped())) break;
      await pause(300);
    }
  }

  /** Whether one of the page's files did not come: it says so, and offers to be loaded again. */
  async #stopped() {
    const starts = this.page.locator("header .live, #stopped:not([hidden])").first();
    await starts.waitFor({ timeout: 3_000 }).catch(() => {});
    return !(await this.page.locator("header .live").isVisible().catch(() => false)) || this.page.locator("#stopped").isVisible();
  }

  /** Does what a person does with a page that is not live: it says what to press. */
  async comeBack() {
    if (await this.#stopped()) await this.open();
    else await this.page.getByRole("button", { name: "Reconnect now" }).click({ timeout: 500 }).catch(() => {});
  }

  get isLive() {
    return this.witness.stretches.findLast(({ page }) => page === this.name)?.link === "Live";
  }

  /** What the page says of each recording now, by id; nothing where it is not live or shows no list. */
  get rows() {
    const last = this.witness.stretches.findLast(({ page }) => page === this.name);
    if (last?.link !== "Live") return undefined;
    // Where there is nothing to list it says so in words.
    return last.list || (this.expectsNothing && !last.opened) ? last.rows : undefined;
  }

  async command(method, parameters) {
    const cdp = await this.context.newCDPSession(this.page);
    try {
      return await cdp.send(method, parameters);
    } finally {
      await cdp.detach().catch(() => {});
    }
  }

  /** The process that runs this page: the one that has worked most while the page spun. */
  async process() {
    const cdp = await this.browser.newBrowserCDPSession();
    try {
      const worked = async () => {
        const { processInfo } = await cdp.send("SystemInfo.getProcessInfo");
        return new Map(processInfo.filter(({ type }) => type === "renderer").map(({ id, cpuTime }) => [id, cpuTime]));
      };
      const before = await worked();
      await this.page.evaluate((millis) => {
        const end = performance.now() + millis;
        while (performance.now() < end);
      }, SPIN);
      const after = await worked();
      const [[id]] = [...after].sort((one, other) => other[1] - (before.get(other[0]) ?? 0) - one[1] + (before.get(one[0]) ?? 0));
      return id;
    } finally {
      await cdp.detach().catch(() => {});
    }
  }

  async list() {
    await this.page.getByRole("link", { name: "Recordings", exact: true }).first().click({ timeout: PATIENCE });
  }

  async ask(channel) {
    await this.page.getByRole("link", { name: "Start recording" }).first().click({ timeout: PATIENCE });
    const dialog = this.page.getByRole("dialog", { name: "Start a recording" });
    await dialog.getByLabel("Channel").fill(channel, { timeout: PATIENCE });
    await dialog.getByRole("button", { name: "Start recording" }).click({ timeout: PATIENCE });
    await this.page.getByRole("heading", { level: 1, name: channel }).waitFor({ timeout: PATIENCE });
    await this.list();
  }

  async stop(channel) {
    await this.list();
    await this.page.getByRole("link", { name: `Stop ${channel}…`, exact: true }).first().click({ timeout: PATIENCE });
    const dialog = this.page.getByRole("dialog", { name: channel });
    const name = dialog.getByLabel("Channel");
    if ((await name.count()) > 0) await name.fill(channel, { timeout: PATIENCE });
    await dialog.getByRole("button", { name: "Stop recording", exact: true }).click({ timeout: PATIENCE });
    await dialog.waitFor({ state: "detached", timeout: PATIENCE });
  }

  /** Whatever dialog is open is closed, so that the next press begins anew. */
  async giveUp() {
    if (!this.page) return;
    await atMost(500, this.page.keyboard.press("Escape").catch(() => {}));
    await atMost(PATIENCE, this.list().catch(() => {}));
  }
}

/** Work in order for each place: what breaks the same thing waits until the fault before is over. */
class Lanes {
  #ends = new Map();

  add(where, work) {
    const before = this.#ends.get(where) ?? Promise.resolve();
    this.#ends.set(where, before.then(work));
  }

  async done() {
    await Promise.all(this.#ends.values());
  }
}

/** Runs a seed with this browser; returns what `check` takes. */
export async function run(seed, browser) {
  const began = Date.now();
  const planned = plan(seed);
  const domains = [];
  const witness = new Witness();
  const disturbances = [];
  const presses = [];
  const desk = await Desk.start({
    clockRate: CLOCK_RATE,
    seed,
    notifications: planned.notifications,
    service: planned.unknowns,
    between: async (addresses) => {
      for (const address of addresses) domains.push(await Relay.open(() => address));
      return domains.map(({ address }) => address);
    },
  });
  const doors = Object.fromEntries(await Promise.all(PAGES.map(async (name) => [name, await Relay.open(() => desk.address)])));
  const people = Object.fromEntries(PAGES.map((name) => [name, new Person(name, browser, doors[name], witness)]));
  const newcomer = new Person("C", browser, { get address() { return desk.address; } }, witness);
  let expected = desk.proxy;

  const nobodyEnds = (program) => {
    program.ended.then((how) => {
      if (program !== expected && program !== desk.simulator) return;
      if (!closing) witness.complaints.push(`${program.name} ended by itself: ${how}; ${program.output.slice(-3).join(" / ")}`);
    });
  };
  let closing = false;
  nobodyEnds(desk.proxy);
  nobodyEnds(desk.simulator);

  const disturb = async (kind, where, work) => {
    const disturbance = { kind, where, from: Date.now(), until: Number.MAX_SAFE_INTEGER };
    disturbances.push(disturbance);
    try {
      await work();
    } finally {
      disturbance.until = Date.now();
    }
  };

  const relaysOf = (where) => ({ A: [doors.A], B: [doors.B], primary: [domains[0]], secondary: [domains[1]] })[where] ?? domains;

  const onTheWay = async (fault) => {
    const relays = relaysOf(fault.where);
    const how = {
      refuse: { refuses: true },
      hang: { isSilent: true },
      slow: { delay: fault.delay },
      break: { bytes: fault.bytes },
    }[fault.kind];
    if (fault.kind === "cut" || fault.kind === "refuse") for (const relay of relays) relay.cut();
    if (!how) return;
    for (const relay of relays) relay.become(how);
    await pause(fault.for);
    for (const relay of relays) relay.heal();
  };

  const inTheProxy = async (fault) => {
    if (fault.kind === "stop") {
      desk.proxy.child.kill("SIGSTOP");
      await pause(fault.for);
      desk.proxy.child.kill("SIGCONT");
      return;
    }
    expected = undefined;
    await desk.endProxy();
    await pause(fault.back);
    await desk.startProxy();
    expected = desk.proxy;
    nobodyEnds(desk.proxy);
  };

  const inAPage = async (fault) => {
    const person = people[fault.where];
    switch (fault.kind) {
      case "close":
      case "crash": {
        const { page } = person;
        if (fault.kind === "crash") await atMost(300, person.command("Page.crash").catch(() => {}));
        await atMost(2_000, page.close().catch(() => {}));
        person.page = undefined;
        await pause(fault.back);
        await atMost(OPENS, person.open());
        return;
      }
      case "freeze": {
        // The browser freezes only what nobody looks at, and every page here counts as looked at: its process stands still.
        const id = await atMost(2_000, person.process());
        if (!id) return;
        frozen.add(id);
        process.kill(id, "SIGSTOP");
        await pause(fault.for);
        thaw(id);
        return;
      }
      case "clock":
        await atMost(2_000, person.page.evaluate((by) => window.tortureShift(by), fault.by));
        return;
      case "starve": {
        const cdp = await person.context.newCDPSession(person.page);
        await cdp.send("Emulation.setCPUThrottlingRate", { rate: fault.rate });
        await pause(fault.for);
        await cdp.send("Emulation.setCPUThrottlingRate", { rate: 1 });
        await cdp.detach();
        return;
      }
      default:
        throw new Error(`no page has the fault ${fault.kind}`);
    }
  };

  const frozen = new Set();
  const thaw = (id) => {
    if (!frozen.delete(id)) return;
    try {
      process.kill(id, "SIGCONT");
    } catch {
      // It has ended.
    }
  };

  const inTheService = async (fault) => {
    const order = { ...fault.order };
    if (fault.where === "session") order.cname = planned.channels[fault.channel % planned.channels.length];
    // A session that does not run cannot break.
    await desk.faults(order).catch(() => {});
    if (order.for_ms) await pause(order.for_ms / CLOCK_RATE);
  };

  const breakIt = (fault) =>
    disturb(fault.kind, fault.where, async () => {
      if (["cut", "refuse", "hang", "slow", "break"].includes(fault.kind)) return onTheWay(fault);
      if (fault.where === "proxy") return inTheProxy(fault);
      if (fault.where === "service" || fault.where === "session") return inTheService(fault);
      return inAPage(fault);
    }).catch((error) => {
      // A page that is gone cannot be frozen. What cannot be started again is a fault of the desk.
      if (fault.where === "proxy") witness.complaints.push(`${fault.kind}: ${error.message}`);
    });

  const ids = new Map();
  /** Presses as another program would, straight at the proxy; again under the same key where nothing was answered. */
  const byProgram = async (press) => {
    const headers = { "content-type": "application/json", origin: desk.origin, "idempotency-key": randomUUID() };
    const body =
      press.what === "ask"
        ? { app: "journey", channel: press.channel, storage: "archive", policy: press.policy, settings: { mode: "mix", recording_config: { maxIdleTime: press.idle } } }
        : {};
    for (let tries = 6; tries > 0; tries -= 1) {
      const id = ids.get(press.channel) ?? (await desk.recordings().catch(() => [])).find(({ channel }) => channel === press.channel)?.id;
      const path = { ask: "", stop: `/${id}/stop?undo=${press.undo}`, withdraw: `/${id}/stop/withdraw`, hurry: `/${id}/hurry` }[press.what];
      if (press.what === "ask" || id) {
        const address = `${desk.origin}/api/v1/recordings${path}`;
        const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body), signal: AbortSignal.timeout(3_000) }).catch(() => undefined);
        if (answer?.ok) {
          const recording = press.what === "ask" ? (await answer.json()).recording : id;
          ids.set(press.channel, recording);
          return { answered: true, recording };
        }
        if (answer && answer.status < 500) return { refused: `${answer.status} ${(await answer.text()).slice(0, 200)}` };
      }
      await pause(400);
    }
    return { refused: "no answer" };
  };
  const byPage = async (press) => {
    const person = people[press.by];
    try {
      await (press.what === "ask" ? person.ask(press.channel) : person.stop(press.channel));
      return { pressed: true };
    } catch (error) {
      await person.giveUp();
      return { refused: error.message.split("\n")[0] };
    }
  };

  try {
    await Promise.all(PAGES.map((name) => people[name].open()));
    await desk.until("both pages are live", () => PAGES.every((name) => people[name].isLive), OPENS);
    const zero = Date.now();
    const lanes = new Lanes();
    const at = async (instant) => pause(zero + instant - Date.now());
    for (const fault of planned.faults) {
      const lane = PAGES.includes(fault.where) && !["cut", "refuse", "hang", "slow", "break"].includes(fault.kind) ? `page ${fault.where}` : fault.where;
      const shared = ["primary", "secondary", "all domains"].includes(lane) ? "domains" : lane;
      lanes.add(shared === "service" || shared === "session" ? Symbol(shared) : shared, async () => {
        await at(fault.at);
        // One that had to wait for another may have no time left.
        const room = zero + ACT - Date.now();
        if (room < 200) return;
        if (fault.for) fault.for = Math.min(fault.for, room);
        await breakIt(fault);
      });
    }
    for (const press of planned.presses) {
      lanes.add(press.by === "person" ? Symbol("person") : `presses ${press.by}`, async () => {
        await at(press.at);
        if (Date.now() > zero + ACT) return;
        const from = Date.now();
        const came = await (press.by === "person" ? byProgram(press) : byPage(press));
        presses.push({ ...press, from, at: Date.now(), ...came });
      });
    }
    await at(ACT);
    await lanes.done();

    // Everything heals.
    for (const relay of [...domains, ...Object.values(doors)]) relay.heal();
    await fetch(`${desk.simulatorOrigin}/simulator/faults/clear`, { method: "POST" }).catch(() => {});
    const healed = Date.now();
    await newcomer.open();
    const everybody = { ...people, C: newcomer };
    const nothing = (await desk.recordings()).length === 0;
    for (const person of Object.values(everybody)) person.expectsNothing = nothing;
    let differences = [];
    const looked = async () => {
      const [first] = PAGES;
      differences = [];
      for (const [name, { rows }] of Object.entries(everybody)) {
        if (name === first || !rows || !everybody[first].rows) continue;
        const one = everybody[first].rows;
        for (const id of new Set([...Object.keys(one), ...Object.keys(rows)])) {
          const words = [one[id]?.word, rows[id]?.word];
          if (words[0] !== words[1]) differences.push({ one: first, other: name, id, words });
        }
      }
      return differences.length === 0 && Object.values(everybody).every(({ rows }) => rows);
    };
    // As long as it takes at least to notice what happened last, and until all say the same.
    for (let calm = 0, pressed = healed; Date.now() < healed + SETTLE + SLOW; ) {
      const agree = await looked();
      calm = agree ? calm + 1 : 0;
      const still = disturbances.length === 0 ? 500 : SETTLE;
      if (calm >= 2 && Date.now() > healed + still) break;
      if (Date.now() > pressed + 1_500) {
        await Promise.all(Object.values(everybody).filter(({ isLive }) => !isLive).map((person) => atMost(OPENS, person.comeBack())));
        pressed = Date.now() + SETTLE;
      }
      // One whose list is not shown is brought to it.
      if (Date.now() > healed + 2_000) {
        for (const person of Object.values(people)) if (person.isLive && !person.rows) await atMost(600, person.giveUp());
      }
      await pause(150);
    }
    // What is read last knows of all that was read before it.
    const pages = Object.fromEntries(Object.entries(everybody).map(([name, { rows }]) => [name, rows ?? null]));
    const stretches = structuredClone(witness.stretches);
    const told = [...witness.told];
    const ledger = await desk.ledger();
    const recordings = await desk.recordings();
    const journals = Object.fromEntries(await Promise.all(recordings.map(async ({ id }) => [id, await desk.journal(id)])));
    const complaints = [...witness.complaints];
    for (const { name, output } of [desk.proxy, desk.simulator]) {
      for (const line of output) if (/panicked/.test(line)) complaints.push(`${name}: ${line}`);
    }
    return {
      seed,
      clockRate: CLOCK_RATE,
      origin: Number(desk.clock[3]),
      began,
      zero,
      healed,
      ended: Date.now(),
      plan: planned,
      disturbances,
      presses,
      stretches,
      told,
      complaints,
      ledger,
      recordings,
      journals,
      final: { pages, differences },
      printed: desk.proxy.output.slice(-200),
    };
  } finally {
    closing = true;
    for (const id of frozen) thaw(id);
    if (desk.isServed) desk.proxy.child.kill("SIGCONT");
    await atMost(3_000, Promise.all([...Object.values(people), newcomer].map(({ context }) => context?.close().catch(() => {}))));
    await desk.close();
    await Promise.all([...domains, ...Object.values(doors)].map((relay) => relay.close()));
  }
}
