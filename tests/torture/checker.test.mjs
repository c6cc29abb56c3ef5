// The checker finds each kind of violation, and nothing in a run that is as it should be. `node --test torture/`

import assert from "node:assert/strict";
import { test } from "node:test";
import { CHECKS, check } from "./checker.mjs";
import { KINDS, ACT, plan } from "./plan.mjs";

const ORIGIN = 1_000_000;
const RATE = 10;
/** The journal's time of so many seconds of the wall after both pages were live. */
const journal = (seconds) => ORIGIN + seconds * 1_000 * RATE;
const wall = (seconds) => ORIGIN + seconds * 1_000;
const SID = "0123456789abcdef0123456789abcdef";

/** One recording that is asked for, starts, is confirmed, and is stopped at 8 s; two pages show it. */
function calm() {
  let number = 0;
  const entry = (seconds, fact, by = "proxy") => {
    number += 1;
    return { number, board: number, at: journal(seconds), by, version: 1, fact };
  };
  const sent = (seconds, operation) => entry(seconds, { CallSent: { id: `r1:${number}:1:${operation}`, session: 1, operation, uid: 900000, host: "api.agora.io" } });
  const answered = (seconds, name, held) => entry(seconds, { CallAnswered: { id: name, answer: { status: 200, class: held } } });
  const requested = { app: "journey", channel: "room-1", uids: { original: 900000, backup: 900001, reserves: [900002, 900003] }, settings: { mode: "mix", recording_config: { maxIdleTime: 30 } } };
  const entries = [
    entry(0.1, { Requested: requested }),
    sent(0.2, "acquire"),
    answered(0.21, "a", { acquired: "R" }),
    sent(0.25, "start"),
    answered(0.3, "s", { started: SID }),
    sent(0.8, "query"),
    answered(0.81, "q", { status: { status: 5 } }),
    entry(0.85, { Decided: { kind: { confirmed: 1 }, rule: "V2", evidence: [7] } }),
    entry(8, { StopRequested: { not_before: journal(8) } }),
    sent(8.1, "stop"),
    answered(8.15, "t", { stopped: {} }),
  ];
  const request = (index, seconds, operation, more = {}) => ({
    number: index,
    at: journal(seconds),
    host: "api.agora.io:4711",
    operation,
    cname: "room-1",
    uid: "900000",
    carried_out: true,
    status: 200,
    answered_at: journal(seconds + 0.01),
    ...more,
  });
  const row = (word) => ({ r1: { channel: "room-1", word } });
  const stretch = (page, from, until, rows, more = {}) => ({ page, from: wall(from), until: wall(until), link: "Live", list: true, rows, ...more });
  const shown = (page) => [
    stretch(page, -1, 0.12, {}),
    stretch(page, 0.12, 0.9, row("Starting")),
    stretch(page, 0.9, 8.02, row("Recording")),
    stretch(page, 8.02, 12, row("Stopping")),
  ];
  const session = { sid: SID, cname: "room-1", uid: "900000", started_at: journal(0.26), state: "ended", live: false, ended_at: journal(9), legs: [] };
  return {
    seed: 1,
    clockRate: RATE,
    origin: ORIGIN,
    zero: ORIGIN,
    healed: wall(10),
    ended: wall(13),
    disturbances: [],
    presses: [{ what: "ask", channel: "room-1", by: "person", from: wall(0.05), at: wall(0.15), answered: true, recording: "r1" }],
    stretches: [...shown("A"), ...shown("B")],
    told: entries.map((one) => ({ page: "A", at: wall(1), recording: "r1", entry: structuredClone(one) })),
    complaints: [],
    ledger: {
      now: journal(12),
      requests: [request(1, 0.21, "acquire"), request(2, 0.26, "start", { sid: SID }), request(3, 0.801, "query", { sid: SID }), request(4, 8.11, "stop", { sid: SID })],
      sessions: [session],
    },
    recordings: [{ id: "r1", channel: "room-1", sessions: [{ uid: 900000, sid: SID, phase: "live", start: {} }] }],
    journals: { r1: entries },
    final: { pages: { A: row("Stopping"), B: row("Stopping") }, differences: [] },
  };
}

/** The checks that a run breaks after this was done to it. */
function broken(spoil) {
  const history = calm();
  spoil(history);
  return [...new Set(check(history).violations.map((one) => one.check))];
}

const live = (history) => {
  const [session] = history.ledger.sessions;
  Object.assign(session, { live: true, state: "recording" });
  delete session.ended_at;
  history.ledger.requests = history.ledger.requests.filter(({ operation }) => operation !== "stop");
  return session;
};
const noStop = (history) => {
  history.journals.r1 = history.journals.r1.slice(0, 8);
  history.told = history.told.slice(0, 8);
};

test("a run that is as it should be breaks nothing, and puts what it can to the test", () => {
  const { reached, violations } = check(calm());
  assert.deepEqual(violations, []);
  for (const name of ["sid-kept", "entry-kept", "ten-a-second", "written-first", "is-shown", "not-wrongly-gone", "not-wrongly-recording", "stop-goes-out", "pages-agree", "nothing-breaks"]) {
    assert.ok(reached[name] > 0, name);
  }
});

test("a sid that is in no journal is found, unless its start is kept as a possible orphan", () => {
  const forget = (history) => {
    history.journals.r1[4].fact = { CallUnanswered: { id: "s", cause: "reset" } };
    history.told[4].entry = structuredClone(history.journals.r1[4]);
    delete history.recordings[0].sessions[0].sid;
  };
  assert.deepEqual(broken(forget), ["sid-kept"]);
  const keep = (history) => {
    forget(history);
    Object.assign(history.recordings[0].sessions[0], { phase: "abandoned", may_run: "possibly" });
  };
  assert.deepEqual(broken(keep), []);
  // One that nobody ever asked for.
  assert.ok(broken((history) => history.ledger.sessions.push({ ...history.ledger.sessions[0], sid: "f".repeat(32), cname: "elsewhere" })).includes("sid-kept"));
});

test("an entry that was told and is gone, or is another one, is found", () => {
  assert.ok(broken((history) => history.journals.r1.pop()).includes("entry-kept"));
  assert.deepEqual(broken((history) => (history.told[2].entry.board = 99)), ["entry-kept"]);
});

test("a press that was answered and is not written down is found", () => {
  const press = { what: "hurry", channel: "room-1", from: wall(3), at: wall(3.1), answered: true, recording: "r1" };
  assert.deepEqual(broken((history) => history.presses.push(press)), ["entry-kept"]);
  assert.ok(broken((history) => history.presses.push({ ...press, what: "ask", recording: "r2" })).includes("entry-kept"));
});

test("equal UIDs that run at the same time in one channel are found", () => {
  const second = (history, more) => {
    history.ledger.sessions.push({ ...history.ledger.sessions[0], sid: SID.replace("0", "e"), ...more });
    history.journals.r1[4].fact.CallAnswered.raw = SID.replace("0", "e");
  };
  assert.deepEqual(broken((history) => second(history, { started_at: journal(2) })), ["uids-differ"]);
  assert.deepEqual(broken((history) => second(history, { started_at: journal(9.5), ended_at: journal(9.9) })), []);
  assert.deepEqual(broken((history) => second(history, { started_at: journal(2), uid: "900001" })), []);
});

test("a request that no entry explains, or whose entry came later, is found", () => {
  assert.deepEqual(broken((history) => history.ledger.requests.push({ ...history.ledger.requests[2], number: 5, at: journal(5) })), ["written-first"]);
  assert.deepEqual(broken((history) => (history.ledger.requests[2].at = journal(0.6))), ["written-first"]);
});

/** Eleven queries, each written down at one instant and come at another. */
function queries(history, written, came) {
  for (let index = 0; index < 11; index += 1) {
    const number = history.journals.r1.length + 1;
    history.journals.r1.push({ number, board: number, at: written(index), by: "proxy", version: 1, fact: { CallSent: { id: `q${index}`, session: 1, operation: "query", uid: 900000, host: "api.agora.io" } } });
    history.ledger.requests.push({ ...history.ledger.requests[2], number: 10 + index, at: came(index) });
  }
}

test("eleven requests in a second are found, and those that were held up on their way are not", () => {
  const at = (index) => journal(4) + index * 95;
  assert.deepEqual(broken((history) => queries(history, at, at)), ["ten-a-second"]);
  const slowly = (index) => journal(4) + index * 115;
  assert.deepEqual(broken((history) => queries(history, slowly, slowly)), []);
  assert.deepEqual(broken((history) => queries(history, slowly, () => journal(5))), []);
  // Held up in the proxy itself, which counted them before.
  const held = (history) => {
    queries(history, slowly, () => journal(5));
    history.disturbances.push({ kind: "stop", where: "proxy", from: wall(3.9), until: wall(5) });
  };
  assert.deepEqual(broken(held), ["ten-a-second"]);
});

test("a session that runs and is not on the board of a live page is found", () => {
  assert.deepEqual(broken((history) => (history.stretches[2].rows = {})), ["is-shown"]);
  // A page that is not live says so, and need not show it.
  assert.deepEqual(broken((history) => Object.assign(history.stretches[2], { rows: {}, link: "Not live" })), []);
  assert.deepEqual(
    broken((history) => {
      live(history);
      noStop(history);
      history.final.pages.B = {};
    }),
    ["is-shown"],
  );
});

test("a page that says that it has ended, or nobody records, while it runs is found, also one that is not live", () => {
  for (const word of ["Ended", "Taken as ended", "Lost", "Not started"]) {
    assert.deepEqual(broken((history) => (history.stretches[2].rows.r1.word = word)), ["not-wrongly-gone"], word);
  }
  assert.deepEqual(broken((history) => Object.assign(history.stretches[2], { link: "Not live", rows: { r1: { word: "Ended" } } })), ["not-wrongly-gone"]);
  // On its own page.
  assert.deepEqual(broken((history) => Object.assign(history.stretches[2], { list: false, rows: {}, opened: { id: "r1", channel: "room-1", word: "Ended" } })), ["not-wrongly-gone"]);
  // Who chose to replace at once chose to give up what may come back.
  const swift = (history) => {
    history.journals.r1[0].fact.Requested.policy = { patience: "swift" };
    history.stretches[2].rows.r1.word = "Lost";
  };
  assert.deepEqual(broken(swift), []);
  // One that is behind may still speak of the session before.
  const behind = (history) => {
    const [first] = history.ledger.sessions;
    history.ledger.sessions.push({ ...first, sid: "e".repeat(32), uid: "900001", started_at: journal(3) });
    history.ledger.requests[3].sid = "e".repeat(32);
    Object.assign(first, { ended_at: journal(2) });
    history.journals.r1[6].fact.CallAnswered.raw = "e".repeat(32);
    history.stretches.splice(2, 1, { ...history.stretches[2], until: wall(3.2) }, { ...history.stretches[2], from: wall(3.2), until: wall(3.9), rows: { r1: { channel: "room-1", word: "Ended" } } });
  };
  assert.deepEqual(broken(behind), []);
  // After its end it is right.
  assert.deepEqual(broken((history) => (history.stretches[3].from = wall(8.2)) && (history.stretches[3].rows.r1.word = "Ended")), []);
});

test("a page that says Recording before anything records, or too long after, is found", () => {
  assert.deepEqual(broken((history) => (history.stretches[1].rows.r1.word = "Recording")), ["not-wrongly-recording"]);
  const ended = (history) => {
    Object.assign(history.ledger.sessions[0], { ended_at: journal(2) });
    history.ledger.requests.pop();
  };
  assert.deepEqual(broken(ended), ["not-wrongly-recording"]);
  // Unless nobody could notice.
  assert.deepEqual(broken((history) => ended(history) ?? history.disturbances.push({ kind: "hang", where: "primary", from: wall(2), until: wall(7) })), []);
  assert.deepEqual(broken((history) => (history.ledger.sessions[0].ended_at = journal(6))), []);
});

test("two recordings of one channel that were asked for within a second are found", () => {
  const second = (seconds) => (history) => {
    const [requested] = structuredClone(history.journals.r1);
    requested.at = journal(seconds);
    history.journals.r2 = [requested];
    history.recordings.push({ id: "r2", channel: "room-1", sessions: [] });
  };
  assert.deepEqual(broken(second(0.5)), ["one-start"]);
  assert.deepEqual(broken(second(3)), []);
});

test("a stop that is not sent while the session runs is found", () => {
  const unsent = (history) => {
    const session = live(history);
    history.journals.r1 = history.journals.r1.slice(0, 9);
    history.told = history.told.slice(0, 9);
    history.ledger.now = journal(17);
    return session;
  };
  assert.deepEqual(broken(unsent), ["stop-goes-out"]);
  assert.deepEqual(broken((history) => (unsent(history).state = "failing_over")), []);
});

test("a page that says that a start is under way although it was stopped is found", () => {
  const says = (word, phase) => (history) => {
    history.final.pages.B = { r1: { channel: "room-1", word } };
    history.recordings[0].sessions[0].phase = phase;
  };
  assert.deepEqual(broken(says("Start retrying", "abandoned")), ["not-wrongly-starting"]);
  assert.deepEqual(broken(says("Start retrying", "acquiring")), []);
  assert.deepEqual(broken(says("Ended", "abandoned")), []);
});

test("pages that do not agree at the end, that are not live, or that broke down are found", () => {
  assert.deepEqual(broken((history) => (history.final.pages.A = null)), ["pages-agree"]);
  assert.deepEqual(broken((history) => history.final.differences.push({ one: "A", other: "B", id: "r1", words: ["Stopping", "Ended"] })), ["pages-agree"]);
  assert.deepEqual(broken((history) => history.complaints.push("tallylight ended by itself")), ["nothing-breaks"]);
});

test("every check is named and found by a test here", () => {
  assert.equal(Object.keys(CHECKS).length, 13);
});

test("a seed says the same twice, two seeds do not, and every kind of fault comes up and heals in time", () => {
  assert.deepEqual(plan(7), plan(7));
  assert.notDeepEqual({ ...plan(7), seed: 0 }, { ...plan(8), seed: 0 });
  const kinds = new Set();
  for (let seed = 1; seed <= 200; seed += 1) {
    for (const fault of plan(seed).faults) {
      kinds.add(fault.kind);
      assert.ok(fault.at + (fault.for ?? fault.back ?? 0) <= ACT, `seed ${seed}`);
    }
  }
  assert.deepEqual([...kinds].sort(), [...KINDS].sort());
});
