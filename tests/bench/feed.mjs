// A control desk that only looks like one: the stream of a desk with very many recordings, of which many change each second.
//
// What it tells is true to the interface: a recording that a real desk made is the pattern of all of them, and the entries
// of its queries are those of every change. The first rows of the list are the probes: each of them changes once a second,
// between a query that is sent and one that is answered, and the feed notes when it said so.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { WebSocket, WebSocketServer } from "ws";
import { Desk } from "../harness/desk.mjs";

/** The largest frame of the stream, as the desk has it. */
const FRAME_BYTES = 64 * 1024;

/** How long entries are gathered before they travel together, in milliseconds. */
const TICK = 50;

/** How many rows at the top of the list are looked at. */
export const PROBES = 20;

const KINDS = { ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".svg": "image/svg+xml", ".wasm": "application/wasm" };

const VANILLA = fileURLToPath(new URL("vanilla/", import.meta.url));

const epoch = () => performance.timeOrigin + performance.now();

/** One recording as a real desk has it, with the entries of one of its queries and everything that a page reads besides. */
export async function pattern(browser) {
  const desk = await Desk.start({ clockRate: 10 });
  const page = await browser.newPage();
  try {
    // A page acts, and another client listens.
    await page.goto(desk.url);
    const stream = new Listener(`${desk.origin.replace("http", "ws")}/api/v1/stream?protocol=2`);
    const id = await desk.request("pattern");
    const query = await desk.until("a routine query is answered", async () => {
      const journal = await desk.journal(id);
      const confirmed = journal.some(({ fact }) => JSON.stringify(fact.Decided?.kind ?? "").includes("confirmed"));
      const answers = new Map(journal.filter(({ fact }) => fact.CallAnswered).map((entry) => [entry.fact.CallAnswered.id, entry]));
      const queries = journal.filter(({ fact }) => fact.CallSent?.operation === "query" && answers.has(fact.CallSent.id));
      return confirmed && queries.length > 0 ? { sent: queries[0], answered: answers.get(queries[0].fact.CallSent.id) } : undefined;
    }, 60_000);
    // While none is under way.
    const idle = ({ sessions }) => sessions.every(({ query }) => !query?.open);
    const recording = await desk.until("no query is under way", async () => (await desk.recordings()).find(idle));
    const setup = await (await fetch(`${desk.origin}/api/v1/setup`)).json();
    const at = Math.max(...(await desk.journal(id)).map((entry) => entry.at));
    stream.close();
    return { recording, ...query, at, setup, boards: stream.boards };
  } finally {
    await page.close();
    await desk.close();
  }
}

/** Listens to the stream of a real desk, for the board facts. */
class Listener {
  boards = [];

  constructor(url) {
    this.socket = new WebSocket(url, { origin: new URL(url).origin.replace("ws", "http") });
    this.socket.on("message", (data) => {
      const message = JSON.parse(data);
      if (message.heartbeat) this.socket.send(JSON.stringify({ beat: message.heartbeat.beat }));
      const content = message.frame?.content;
      this.boards = content?.snapshot?.boards ?? content?.boards ?? this.boards;
    });
  }

  close() {
    this.socket.close();
  }
}

/** The feed of `count` recordings, of which `rate` change each second, with the built page at `/` and the plain one at `/vanilla/`. */
export class Feed {
  static async start({ made, assets, count, rate }) {
    const feed = new Feed();
    Object.assign(feed, { made, assets, count, rate, client: 0, said: new Map() });
    feed.server = createServer((request, response) => feed.#answer(request, response));
    feed.sockets = new WebSocketServer({ server: feed.server, path: "/api/v1/stream" });
    feed.sockets.on("connection", (socket) => feed.#serve(socket));
    await new Promise((done) => feed.server.listen(0, "127.0.0.1", done));
    return feed;
  }

  get origin() {
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  /** The names of the probes. */
  get probes() {
    return Array.from({ length: PROBES }, (_, place) => this.#id(place));
  }

  async close() {
    for (const socket of this.sockets.clients) socket.terminate();
    await new Promise((done) => this.server.close(done));
  }

  async #answer(request, response) {
    const { pathname } = new URL(request.url, this.origin);
    const json = (body, status = 200) => {
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(JSON.stringify(body));
    };
    const person = { name: "on watch", role: "viewer", capabilities: ["view"] };
    if (pathname === "/api/v1/me") return json(person);
    if (pathname === "/api/v1/setup") return json({ ...this.made.setup, person, clock_rate: 1, demo: false });
    if (pathname === "/api/v1/recordings") return json({ recordings: [], total: 0 });
    if (pathname.startsWith("/api/")) return json({ kind: "no_route", title: "There is nothing here.", status: 404 }, 404);
    const [folder, name] = pathname.startsWith("/vanilla/") ? [VANILLA, pathname.slice(9)] : [this.assets, pathname.slice(1)];
    try {
      const file = join(folder, normalize(`/${name || "index.html"}`));
      const body = await readFile(file);
      response.writeHead(200, { "content-type": KINDS[extname(file)] ?? "application/octet-stream", "cache-control": "no-store" });
      response.end(body);
    } catch {
      json({ kind: "no_route", title: "There is nothing here.", status: 404 }, 404);
    }
  }

  #id(place) {
    return `bench-${String(place).padStart(5, "0")}`;
  }

  /** The recordings as they are at first, the probes as those that were asked for last. */
  #recordings() {
    const { recording } = this.made;
    const text = JSON.stringify(recording);
    const sid = recording.sessions[0].sid;
    return Array.from({ length: this.count }, (_, place) => {
      const own = sid.slice(0, -8) + place.toString(16).padStart(8, "0");
      const one = JSON.parse(text.replaceAll(recording.id, this.#id(place)).replaceAll(sid, own));
      return { ...one, channel: `lesson-${place}`, asked_at: recording.asked_at - place * 10 };
    });
  }

  #serve(socket) {
    const { made } = this;
    const start = epoch();
    // The feed's time goes on from when the pattern was made.
    const begin = made.at + 1_000;
    const now = () => Math.round(begin + epoch() - start);
    const send = (message) => socket.send(JSON.stringify(message));
    let board = 1_000_000;
    this.client += 1;
    send({ hello: { protocol: made.setup.protocol, build: made.setup.build, journal_id: "bench", client: this.client, secret: "bench", now: now(), clock_rate: 1 } });
    const recordings = this.#recordings();
    const parts = [];
    let [part, bytes] = [[], 0];
    for (const recording of recordings) {
      const size = JSON.stringify(recording).length + 1;
      if (bytes + size > FRAME_BYTES - 2_048) {
        parts.push(part);
        [part, bytes] = [[], 0];
      }
      part.push(recording);
      bytes += size;
    }
    parts.push(part);
    parts.forEach((recordings, place) => {
      const boards = place === 0 ? { boards: made.boards } : {};
      const snapshot = { first: place === 0, last: place === parts.length - 1, recordings, ...boards };
      send({ frame: { after: place === 0 ? 0 : board, upto: board, at: now(), content: { snapshot } } });
    });
    // Each recording's newest entry, and whether a query of it is under way.
    const states = recordings.map(({ last, sessions }) => ({ last, sid: sessions[0].sid, sent: 0 }));
    let beat = 0;
    const beats = setInterval(() => send({ heartbeat: { now: now(), beat: (beat += 1), newest: board } }), 1_000);
    let [turn, tick, open] = [PROBES, 0, []];
    const change = (place) => {
      const state = states[place];
      const id = this.#id(place);
      state.last += 1;
      board += 1;
      const pattern = state.sent ? made.answered : made.sent;
      const after = state.sent ? state.sent - 1 : state.last - 1;
      const fact = structuredClone(pattern.fact);
      (fact.CallSent ?? fact.CallAnswered).id = `${id}:${after}:1:query`;
      if (fact.CallSent) Object.assign(fact.CallSent, { rule: "M1", attempt: { number: 1 } });
      if (fact.CallAnswered) {
        delete fact.CallAnswered.raw;
        // An answer about another session would be none.
        const { status } = fact.CallAnswered.answer.class;
        if (status?.sid) status.sid = state.sid;
      }
      state.sent = state.sent ? 0 : state.last;
      return { recording: id, entry: { ...pattern, number: state.last, board, at: now(), fact } };
    };
    const perTick = Math.round((this.rate * TICK) / 1_000);
    let due = epoch();
    const go = () => {
      const after = board;
      const probe = tick % PROBES;
      // What was asked in the tick before is answered now.
      const entries = [change(probe), ...open.map(change)];
      open = [];
      tick += 1;
      while (entries.length < perTick) {
        entries.push(change(turn));
        open.push(turn);
        turn = turn + 1 < this.count ? turn + 1 : PROBES;
        if (open.length >= perTick / 2) break;
      }
      const message = JSON.stringify({ frame: { after, upto: board, at: now(), content: { entries } } });
      const said = this.said.get(this.client) ?? [];
      said.push({ probe: this.#id(probe), sending: states[probe].sent > 0, at: epoch() });
      this.said.set(this.client, said);
      socket.send(message);
      due += TICK;
      this.timer = setTimeout(go, Math.max(0, due - epoch()));
    };
    let ended = false;
    let timer = setInterval(() => {
      // The stream of a desk whose page is behind waits in the socket: so it does here.
      if (!ended && socket.bufferedAmount === 0) {
        clearInterval(timer);
        due = epoch() + TICK;
        go();
      }
    }, TICK);
    socket.on("close", () => {
      ended = true;
      clearInterval(timer);
      clearInterval(beats);
      clearTimeout(this.timer);
    });
    socket.on("error", () => socket.terminate());
  }
}
