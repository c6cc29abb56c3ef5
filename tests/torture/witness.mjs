// What a page showed, and when: an eye in the page that looks after each change and never touches anything, and what the
// proxy told it.

/** Runs in the page before anything else. `window.tortureTell` takes what was seen out of the page at once. */
function eye() {
  // The wall clock of this page's device can be set; the eye has its own.
  const Real = Date;
  let shift = 0;
  window.Date = class extends Real {
    constructor(...given) {
      if (given.length === 0) super(Real.now() + shift);
      else super(...given);
    }

    static now() {
      return Real.now() + shift;
    }
  };
  window.tortureShift = (by) => {
    shift += by;
  };

  const text = (element) => element?.textContent.trim() ?? "";
  const look = () => {
    const rows = {};
    for (const link of document.querySelectorAll("table.board a[id^='row-']")) {
      rows[link.id.slice("row-".length)] = { channel: text(link), word: text(link.closest("tr").querySelector(".state")) };
    }
    const id = new URLSearchParams(location.search).get("recording");
    const word = text(document.querySelector("main .title .state-tag, main .title .state"));
    const channel = text(document.querySelector("main h1"));
    return {
      link: text(document.querySelector("header .live span[data-tone]")),
      list: document.querySelector("table.board") !== null,
      rows,
      opened: id && word ? { id, channel, word } : undefined,
    };
  };
  let before;
  let told = 0;
  const tell = () => {
    const seen = JSON.stringify(look());
    const at = performance.timeOrigin + performance.now();
    // What is told again stands still and is shown on.
    if (seen === before && at - told < 150) return;
    // Where it stood still itself, nobody saw the page in between.
    const woke = at - told > 1_000;
    window.tortureTell(at, seen === before && !woke ? null : seen, woke);
    before = seen;
    told = at;
  };
  new MutationObserver(tell).observe(document, { subtree: true, childList: true, characterData: true });
  setInterval(tell, 200);
}

/** Everything that the pages of a run showed and were told. */
export class Witness {
  /** Stretches in which one page showed the same, oldest first: `{ page, from, until, woke, link, list, rows, opened }`. */
  stretches = [];

  /** Entries that the proxy told a page: `{ page, at, recording, entry }`. */
  told = [];

  /** What a page complained about that no fault explains. */
  complaints = [];

  /** Watches a page from its first line on. */
  async watch(name, page) {
    let last;
    await page.exposeBinding("tortureTell", (_, at, seen, woke) => {
      if (seen !== null) {
        last = { page: name, from: at, until: at, woke, ...JSON.parse(seen) };
        this.stretches.push(last);
      } else if (last) {
        last.until = at;
      }
    });
    await page.addInitScript(eye);
    page.on("websocket", (socket) => {
      socket.on("framereceived", ({ payload }) => this.#hear(name, payload));
    });
    page.on("pageerror", (error) => {
      // A file of the page that did not come: it says so and offers to load it again. Whether it comes back is looked at.
      if (!/Failed to fetch|NetworkError|dynamically imported module/.test(error.message)) this.complaints.push(`page ${name}: ${error.message}`);
    });
    page.on("console", (message) => {
      if (message.type() === "error" && /panicked|RuntimeError|unreachable executed/.test(message.text())) {
        this.complaints.push(`page ${name}: ${message.text().slice(0, 500)}`);
      }
    });
  }

  #hear(page, payload) {
    let message;
    try {
      message = JSON.parse(payload);
    } catch {
      return;
    }
    for (const told of message.frame?.content?.entries ?? []) this.told.push({ page, at: Date.now(), ...told });
  }
}
