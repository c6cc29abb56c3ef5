// One control desk with its own simulated service: fresh processes, a fresh journal, ports that nobody else has.

import { execFile, spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BINARIES = process.env.TALLYLIGHT_BINARIES ?? join(ROOT, "target/debug");
const ASSETS = process.env.TALLYLIGHT_ASSETS ?? join(ROOT, "dist");

const APP_ID = "0123456789abcdef0123456789abcdef";
const CUSTOMER_KEY = "journey-key";
const CUSTOMER_SECRET = "journey-secret";
const NOTIFICATION_SECRET = "journey-notifications";

/** How long a server may take until it prints its address, in milliseconds. */
const START_LIMIT = 20_000;

/** What runs now, so that nothing outlives this process. */
const children = new Set();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** A program that was started here; what it prints is kept for the report of a journey that fails. */
class Program {
  constructor(name, args) {
    this.name = name;
    this.output = [];
    this.addresses = [];
    this.waiting = [];
    // A disk that becomes full (`Desk.room`) is an error of the write, and not the end of the program.
    const script = 'trap "" XFSZ; exec "$0" "$@"';
    this.child = spawn("sh", ["-c", script, join(BINARIES, name), ...args], { stdio: ["ignore", "pipe", "pipe"] });
    children.add(this.child);
    this.ended = new Promise((resolve) => {
      this.child.once("error", (error) => resolve(`it cannot be started: ${error.message}`));
      this.child.once("exit", (code, signal) => {
        children.delete(this.child);
        resolve(`it ended with ${signal ?? code}`);
      });
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => this.#read(line));
    }
  }

  #read(line) {
    this.output.push(line);
    const address = /listening.*http:\/\/([^\s/]+)/.exec(line)?.[1];
    if (address) this.addresses.push(address);
    for (const look of this.waiting) look();
  }

  /** The first `count` addresses that it prints, as `host:port`. */
  async listening(count) {
    let timer;
    const enough = new Promise((resolve) => {
      const look = () => this.addresses.length >= count && resolve();
      this.waiting.push(look);
      look();
    });
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve(`it printed no address within ${START_LIMIT / 1000} s`), START_LIMIT);
    });
    const trouble = await Promise.race([enough, this.ended, late]);
    clearTimeout(timer);
    if (trouble) throw new Error(`${this.name}: ${trouble}\n${this.output.join("\n")}`);
    return this.addresses.slice(0, count);
  }

  /** Ends it by its own process id. */
  async end(signal = "SIGTERM") {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    const kill = setTimeout(() => this.child.kill("SIGKILL"), 5000);
    await this.ended;
    clearTimeout(kill);
  }
}

/** A running pair of proxy and simulated service. */
export class Desk {
  /** How many requests the simulated service got from somebody else. */
  others = 0;

  /**
   * Starts a pair. `clockRate` is how much faster than the wall its time runs; equal seeds give equal chances. With
   * `notifications`, a list of further options of the simulated service such as `["--notify-redundant"]`, it sends them.
   * With `imports`, files of bundles, these recordings ended a day ago. `between` takes the three addresses of the
   * simulated service and returns those that the proxy is to use; `service` are further options of it. With `origins` it is
   * no demonstration: it lets the pages of these origins in.
   */
  static async start({ clockRate = 10, seed = 1, app = "", notifications, imports = [], between, service = [], origins } = {}) {
    const desk = new Desk();
    desk.folder = await mkdtemp(join(tmpdir(), "tallylight-journey-"));
    desk.clock = ["--clock-rate", String(clockRate), "--clock-origin", String(Date.now())];
    try {
      let notify = [];
      if (notifications) {
        const url = `http://127.0.0.1:${await desk.#webhook()}/api/v1/notifications/journey`;
        notify = ["--notify", url, "--notify-secret", NOTIFICATION_SECRET, ...notifications];
      }
      desk.simulator = new Program("tallylight-simulator", [
        ...["--listen", "--listen-secondary", "--listen-region"].flatMap((listener) => [listener, "127.0.0.1:0"]),
        ...["--app-id", APP_ID, "--customer-key", CUSTOMER_KEY, "--customer-secret", CUSTOMER_SECRET],
        ...["--seed", String(seed), ...desk.clock, ...notify, ...service],
      ]);
      desk.simulatorAddresses = await desk.simulator.listening(3);
      desk.domains = between ? await between(desk.simulatorAddresses) : desk.simulatorAddresses;
      await desk.#configure(app, origins);
      for (const file of imports) await desk.#import(file);
      await desk.startProxy();
    } catch (error) {
      await desk.close();
      throw error;
    }
    return desk;
  }

  /** A port that leads to the proxy, whose own is not known before it runs. */
  async #webhook() {
    this.relay = createServer((near) => {
      const [host, port] = (this.address ?? "").split(":");
      if (!port) return void near.destroy();
      const far = connect(Number(port), host);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ]) {
        one.on("error", () => other.destroy());
        one.pipe(other);
      }
    });
    await new Promise((resolve) => this.relay.listen(0, "127.0.0.1", resolve));
    return this.relay.address().port;
  }

  async #configure(app, origins) {
    const [primary, secondary, region] = this.domains;
    const text = (value) => JSON.stringify(value);
    await writeFile(
      join(this.folder, "tallylight.toml"),
      `[server]
demo = ${!origins}
allowed_origins = ${JSON.stringify(origins ?? [])}
assets = ${text(ASSETS)}

[journal]
url = ${text(`sqlite:${join(this.folder, "tallylight.db")}`)}

[[app]]
name = "journey"
app_id = "${APP_ID}"
customer_key = "${CUSTOMER_KEY}"
customer_secret = "${CUSTOMER_SECRET}"
domains = ["http://api.agora.io", "http://api.sd-rtn.com"]
region_domain = "http://api-us-west-1.agora.io"
resolve = { "api.agora.io" = "${primary}", "api.sd-rtn.com" = "${secondary}", "api-us-west-1.agora.io" = "${region}" }
uid_range = [900000, 999999]
notification_secrets = ["${NOTIFICATION_SECRET}"]
${app}

[[app.storage]]
name = "archive"
vendor = 1
region = 0
bucket = "recordings-archive"
access_key = "journey-access-key"
secret_key = "journey-secret-key"
file_name_prefix = ["archive"]

[[staff]]
name = "Control desk"
role = "lead"
`,
    );
  }

  async #import(file) {
    const config = ["--config", join(this.folder, "tallylight.toml")];
    const program = new Program("tallylight", ["import", ...config, "--bundle", join(ROOT, file), ...this.clock]);
    const end = await program.ended;
    if (end !== "it ended with 0") throw new Error(`${file} is not imported: ${end}\n${program.output.join("\n")}`);
  }

  /** Starts the proxy, again at the same address after it was ended: a page reconnects by itself. */
  async startProxy() {
    this.proxy = new Program("tallylight", [
      ...["serve", "--config", join(this.folder, "tallylight.toml")],
      ...["--listen", this.address ?? "127.0.0.1:0", ...this.clock],
    ]);
    [this.address] = await this.proxy.listening(1);
    // It listens before it has read its journal.
    const limit = Date.now() + START_LIMIT;
    while (!(await fetch(`${this.origin}/readyz`).catch(() => ({ ok: false }))).ok) {
      if (Date.now() > limit) throw new Error(`the proxy is not ready\n${this.proxy.output.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends the proxy, by default as a power cut would. */
  async endProxy(signal = "SIGKILL") {
    await this.proxy.end(signal);
  }

  /** Whether the proxy can write anything from now on: without room its disk is full. */
  async room(is) {
    const args = ["--pid", String(this.proxy.child.pid), is ? "--fsize=unlimited:" : "--fsize=0:"];
    await new Promise((resolve, reject) => execFile("prlimit", args, (error) => (error ? reject(error) : resolve())));
  }

  /** Ends the proxy and changes one byte of its journal, in the last place where this text stands; then starts it again. */
  async damage(text) {
    await this.endProxy("SIGTERM");
    // Whoever closes it puts the log into the file.
    await new Program("tallylight", ["verify", "--config", join(this.folder, "tallylight.toml")]).ended;
    const file = join(this.folder, "tallylight.db");
    const bytes = await readFile(file);
    const at = bytes.lastIndexOf(text);
    if (at < 0) throw new Error(`${text} is not in the journal`);
    bytes[at] = bytes[at] === 0x30 ? 0x31 : 0x30;
    await writeFile(file, bytes);
    await this.startProxy();
  }

  /** Whether the proxy runs. */
  get isServed() {
    return this.proxy.child.exitCode === null && this.proxy.child.signalCode === null;
  }

  get origin() {
    return `http://${this.address}`;
  }

  /** The address of the page. */
  get url() {
    return `${this.origin}/`;
  }

  /** The address of the simulated service's controls. */
  get simulatorOrigin() {
    return `http://${this.simulatorAddresses[0]}`;
  }

  /** Every request that the simulated service got, and the true state of every session. */
  async ledger() {
    return ask(`${this.simulatorOrigin}/simulator/ledger`);
  }

  /** Every notification of the simulated service, with each attempt to deliver it. */
  async notices() {
    return (await ask(`${this.simulatorOrigin}/simulator/notifications`)).notices;
  }

  /** Delivers a notification as the service would, signed; returns the status of the answer. */
  async notify(notification) {
    const body = JSON.stringify(notification);
    const signature = createHmac("sha256", NOTIFICATION_SECRET).update(body).digest("hex");
    const answer = await fetch(`${this.origin}/api/v1/notifications/journey`, {
      method: "POST",
      headers: { "content-type": "application/json", "agora-signature-v2": signature },
      body,
    });
    return answer.status;
  }

  /** Asks the simulated service to break something. */
  async faults(order) {
    return ask(`${this.simulatorOrigin}/simulator/faults`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(order),
    });
  }

  /** The faults that wait or are at work. */
  async waitingFaults() {
    return ask(`${this.simulatorOrigin}/simulator/faults`);
  }

  /** Asks for a recording as a page would, and returns its id. */
  async request(channel, more = {}) {
    const asked = await ask(`${this.origin}/api/v1/recordings`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": randomUUID(), origin: this.origin },
      body: JSON.stringify({
        app: "journey",
        channel,
        storage: "archive",
        settings: { mode: "mix", recording_config: { maxIdleTime: 300 } },
        ...more,
      }),
    });
    return asked.recording;
  }

  /** Has one query of a recording go out now. */
  async hurry(id) {
    return ask(`${this.url}api/v1/recordings/${id}/hurry`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  }

  /** Starts a recording straight at the simulated service, as another program would. */
  async startElsewhere(channel, uid) {
    const base = `${this.simulatorOrigin}/v1/apps/${APP_ID}/cloud_recording`;
    const call = (path, clientRequest) =>
      ask(`${base}/${path}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: `Basic ${Buffer.from(`${CUSTOMER_KEY}:${CUSTOMER_SECRET}`).toString("base64")}`,
        },
        body: JSON.stringify({ cname: channel, uid: String(uid), clientRequest }),
      });
    const { resourceId } = await call("acquire", { resourceExpiredHour: 72, scene: 0 });
    const { sid } = await call(`resourceid/${resourceId}/mode/mix/start`, {
      recordingConfig: { channelType: 0, maxIdleTime: 300 },
      storageConfig: { vendor: 1, region: 0, bucket: "elsewhere", accessKey: "key", secretKey: "secret" },
    });
    this.others += 2;
    return { channel, uid, resourceId, sid };
  }

  /** Waits until `look` returns something true, and returns it. For what no page shows. */
  async until(what, look, limit = 20_000) {
    const end = Date.now() + limit;
    for (;;) {
      const found = await look();
      if (found) return found;
      if (Date.now() > end) throw new Error(`within ${limit / 1000} s it did not happen that ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** All recordings, folded by the proxy. */
  async recordings() {
    const recordings = [];
    for (let before; ; ) {
      const page = await ask(`${this.origin}/api/v1/recordings${before ? `?before=${before}` : ""}`);
      recordings.push(...page.recordings);
      before = page.next;
      if (!before) return recordings;
    }
  }

  /** The journal of one recording, oldest entry first. */
  async journal(id) {
    const entries = [];
    for (let more = true; more; ) {
      const page = await ask(`${this.origin}/api/v1/recordings/${id}/journal?after=${entries.at(-1)?.number ?? 0}`);
      entries.push(...page.entries);
      more = page.more && page.entries.length > 0;
    }
    return entries;
  }

  /** The checker: ledger and journal agree, or this throws with the list of what does not. */
  async agree() {
    const args = ["agree", "--server", this.origin, "--simulator", this.simulatorOrigin, "--others", String(this.others)];
    const [code, told] = await new Promise((resolve) => {
      execFile(join(BINARIES, "xtask"), args, (error, stdout, stderr) => resolve([error?.code ?? 0, stdout + stderr]));
    });
    if (code !== 0) throw new Error(`ledger and journal disagree\n${told}`);
  }

  /** Ends what was started and removes its folder. */
  async close() {
    await Promise.all([this.proxy?.end(), this.simulator?.end()]);
    this.relay?.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function ask(url, options) {
  const response = await fetch(url, options);
  const text = await response.text();
  if (!response.ok) throw new Error(`${options?.method ?? "GET"} ${url}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}
