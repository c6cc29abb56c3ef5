// Stands between a client and a server and breaks their connections on request: what a network does, on one machine.

import { connect, createServer } from "node:net";

/** One direction of a connection: what came and was not passed on yet, in its order. */
class Way {
  constructor(relay, to) {
    this.relay = relay;
    this.to = to;
    this.waiting = [];
    this.timer = undefined;
  }

  take(what) {
    this.waiting.push({ what, due: performance.now() + this.relay.delay });
    this.pass();
  }

  /** Passes on what is due. What is held while nothing gets through arrives afterwards, as TCP would send it again. */
  pass() {
    clearTimeout(this.timer);
    while (this.waiting.length > 0 && !this.relay.isSilent) {
      const [{ what, due }] = this.waiting;
      const wait = due - performance.now();
      if (wait > 1) {
        this.timer = setTimeout(() => this.pass(), wait);
        return;
      }
      this.waiting.shift();
      what();
    }
  }

  forget() {
    clearTimeout(this.timer);
    this.waiting = [];
  }
}

/** A port of its own that leads to a server. */
export class Relay {
  /** How many connections it has broken. */
  broken = 0;

  /** Milliseconds that everything waits, each way. */
  delay = 0;

  /** Nothing gets through, and nobody is told: connections stay open. */
  isSilent = false;

  /** New connections are closed at once. */
  refuses = false;

  /** A connection breaks after so many bytes of the server's. */
  bytes = Number.POSITIVE_INFINITY;

  #pairs = new Set();

  /** A relay that leads to what `to` says when a connection comes (`host:port`); to nothing: the connection is closed. */
  static async open(to) {
    const relay = new Relay();
    relay.server = createServer((near) => relay.#accept(near, to()));
    await new Promise((resolve, reject) => {
      relay.server.once("error", reject);
      relay.server.listen(0, "127.0.0.1", resolve);
    });
    relay.address = `127.0.0.1:${relay.server.address().port}`;
    return relay;
  }

  #accept(near, to) {
    const [host, port] = (to ?? "").split(":");
    if (!port || this.refuses) {
      near.on("error", () => {});
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(port), host);
    const pair = { near, far, ways: [new Way(this, far), new Way(this, near)], passed: 0 };
    this.#pairs.add(pair);
    for (const socket of [near, far]) socket.setNoDelay(true);
    const both = [
      [near, far, pair.ways[0]],
      [far, near, pair.ways[1]],
    ];
    for (const [from, into, way] of both) {
      from.on("data", (bytes) => {
        way.take(() => {
          if (into.destroyed) return;
          let part = bytes;
          if (from === far) {
            part = bytes.subarray(0, Math.max(0, this.bytes - pair.passed));
            pair.passed += part.length;
          }
          into.write(part);
          if (part.length < bytes.length) this.#break(pair);
        });
      });
      from.on("end", () => way.take(() => into.end()));
      // A broken connection is noticed on the other side only when something gets through again.
      from.on("close", (failed) => way.take(() => (failed ? into.destroy() : into.end())));
      from.on("error", () => {});
    }
    const gone = () => near.destroyed && far.destroyed && this.#pairs.delete(pair);
    near.on("close", gone);
    far.on("close", gone);
  }

  #break(pair) {
    this.broken += 1;
    for (const way of pair.ways) way.forget();
    for (const socket of [pair.near, pair.far]) if (!socket.destroyed) socket.resetAndDestroy();
    this.#pairs.delete(pair);
  }

  /** Breaks every connection that is open. */
  cut() {
    for (const pair of [...this.#pairs]) this.#break(pair);
  }

  /** Changes what it does to what passes: some of `delay`, `isSilent`, `refuses`, `bytes`. */
  become(how) {
    Object.assign(this, how);
    for (const { ways } of this.#pairs) for (const way of ways) way.pass();
  }

  /** From now on everything passes again. */
  heal() {
    this.become({ delay: 0, isSilent: false, refuses: false, bytes: Number.POSITIVE_INFINITY });
  }

  /** Ends it with all its connections. */
  async close() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.cut();
    await closed;
  }
}
