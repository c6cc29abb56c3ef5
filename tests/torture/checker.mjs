// Compares what truly happened (the ledger of the simulated service), what was written down (the journals) and what each
// page showed. It looks at a finished run and nothing else: no clock, no chance, no I/O.

import { CLOCK_RATE } from "./plan.mjs";

/** What is checked, each by a name that stays. */
export const CHECKS = {
  "sid-kept": "every sid is in a journal, or its start is kept as a possible orphan",
  "entry-kept": "every entry that a page was told, and every press that was answered, is in the journal",
  "uids-differ": "no equal UIDs live in one channel at one time",
  "ten-a-second": "never more than ten requests in a second",
  "written-first": "every request has an entry of its own, written before it came",
  "is-shown": "every session that runs is on the board of every page that is live",
  "not-wrongly-gone": "no page says that a recording has ended, or nobody records, while a session of it runs",
  "not-wrongly-recording": "no page says Recording before a session records, or longer after than the rules need to notice",
  "one-start": "two who ask for a channel within a second get one recording",
  "not-wrongly-starting": "at the end no page says that a start is under way where it was stopped and nothing is being tried",
  "stop-goes-out": "a stop that was asked for is sent until the session is gone",
  "pages-agree": "at the end every page shows the same, and a new one too",
  "nothing-breaks": "no server ends by itself, and no page breaks down",
};

/** States that say that nobody records. */
const GONE = new Set(["Ended", "Ended, idle", "Taken as ended", "Lost", "Not started", "Start refused", "Fatal error"]);

/** States that say that a session is being started. */
const STARTING = new Set(["Starting", "Start retrying", "Replacing", "Waiting for room"]);

/** Whether this word says so wrongly. Who chose another policy than the patient one chose to give up what may come back (M3). */
const saysGone = (word, recording) => GONE.has(word) && !(word === "Lost" && recording.patience !== "patient");

/** How long a page may take, in milliseconds of the wall, until it shows what happened: its way may be slow, the machine too. */
const PAGE_LATE = 3_500;

/** From when on a page that has come back knows all of it. */
const PAGE_SETTLES = 1_500;

/** From its start a session does not record for so long, in milliseconds of the journal (status 4 comes then). */
const STARTS_TO_RECORD = 3_000;

/** The clocks of two processes on one machine show the same within so many milliseconds of the wall. */
const CLOCKS = 50;

/** What D1 leaves between its 1.1 s and the service's second, in milliseconds of the journal. */
const D1_MARGIN = 100;

/** A stop is repeated at most so long after the one before, with the waits for answers, in milliseconds of the wall. */
const STOP_REPEATS = 5_000;

/** An entry's fact: its kind and what it holds. */
function fact(entry) {
  if (typeof entry.fact === "string") return [entry.fact, {}];
  return Object.entries(entry.fact)[0] ?? ["", {}];
}

const overlap = (from, until, other) => Math.max(0, Math.min(until, other.until) - Math.max(from, other.from));

/** How much of a stretch of time is in any of these. */
function within(from, until, stretches) {
  const inside = stretches
    .map((one) => ({ from: Math.max(from, one.from), until: Math.min(until, one.until) }))
    .filter((one) => one.until > one.from)
    .sort((one, other) => one.from - other.from);
  let sum = 0;
  let reached = from;
  for (const one of inside) {
    sum += Math.max(0, one.until - Math.max(reached, one.from));
    reached = Math.max(reached, one.until);
  }
  return sum;
}

/** Checks a run. `reached` counts how often each check was put to the test, `violations` says what is wrong. */
export function check(history) {
  const reached = Object.fromEntries(Object.keys(CHECKS).map((name) => [name, 0]));
  const violations = [];
  const test = (name, holds, says) => {
    reached[name] += 1;
    if (!holds) violations.push({ check: name, says: says() });
  };
  const rate = history.clockRate ?? CLOCK_RATE;
  const wall = (journal) => history.origin + (journal - history.origin) / rate;
  const second = (at) => `${((at - history.zero) / 1000).toFixed(2)} s`;

  const recordings = history.recordings.map((folded) => {
    const entries = history.journals[folded.id] ?? [];
    const [, requested] = entries.length > 0 ? fact(entries[0]) : ["", {}];
    const uids = requested.uids ?? {};
    return {
      id: folded.id,
      channel: folded.channel,
      folded,
      entries,
      text: JSON.stringify(entries),
      asked: entries.length > 0 ? wall(entries[0].at) : Number.NaN,
      patience: requested.policy?.patience ?? "patient",
      idle: requested.settings?.recording_config?.maxIdleTime ?? 30,
      uids: new Set([uids.original, uids.backup, ...(uids.reserves ?? [])].map(String)),
      facts: (kind) =>
        entries.flatMap((entry) => {
          const [name, held] = fact(entry);
          return name === kind ? [{ ...held, number: entry.number, at: wall(entry.at), journal: entry.at }] : [];
        }),
    };
  });

  // ---- the truth: when each session ran, and whose it is ---------------------------------------------------------

  // Carried out, whatever was answered: what is ended then is not told to stop again.
  const stops = history.ledger.requests.filter(({ operation, carried_out: done, status }) => operation === "stop" && done && status !== 404);
  const sessions = history.ledger.sessions.map((session) => {
    const stopped = stops.filter(({ sid }) => sid === session.sid).map(({ at }) => wall(at));
    const ended = session.live ? [] : [wall(session.ended_at ?? history.ledger.now), ...stopped];
    const owner =
      recordings.find(({ text }) => text.includes(session.sid)) ??
      recordings.find(({ channel, uids }) => channel === session.cname && uids.has(String(session.uid)));
    return { ...session, owner, from: wall(session.started_at), until: Math.min(...ended, Number.POSITIVE_INFINITY) };
  });
  const of = (recording) => sessions.filter(({ owner }) => owner === recording);

  // ---- sid-kept --------------------------------------------------------------------------------------------------

  for (const session of sessions) {
    const known = session.owner?.text.includes(session.sid) ?? false;
    const mayRun = ({ uid, sid, may_run: may, start }) =>
      String(uid) === String(session.uid) && !sid && ((may ?? "no") !== "no" || start?.open !== undefined);
    const kept = known || (session.owner?.folded.sessions ?? []).some(mayRun);
    test("sid-kept", kept, () => `sid ${session.sid} of channel ${session.cname}, UID ${session.uid}, started at ${second(session.from)}, is in no journal and no possible orphan is kept${session.live ? "; it runs" : ""}`);
  }

  // ---- entry-kept ------------------------------------------------------------------------------------------------

  for (const { page, at, recording, entry } of history.told) {
    const kept = history.journals[recording]?.[entry.number - 1];
    const same = kept !== undefined && kept.number === entry.number && kept.board === entry.board && kept.at === entry.at && fact(kept)[0] === fact(entry)[0];
    test("entry-kept", same, () => `page ${page} was told entry ${entry.number} of ${recording} (${fact(entry)[0]}) at ${second(at)}; the journal has ${kept ? fact(kept)[0] : "nothing"} there`);
  }
  for (const press of history.presses.filter(({ answered }) => answered)) {
    const recording = recordings.find(({ id }) => id === press.recording);
    const wanted = { ask: "Requested", stop: "StopRequested", withdraw: "StopWithdrawn", hurry: "Hurried" }[press.what];
    const kept = recording?.facts(wanted).some(({ at }) => press.what === "ask" || at >= press.from - CLOCKS) ?? false;
    test("entry-kept", kept, () => `${press.what} of ${press.channel} was answered at ${second(press.at)}; recording ${press.recording} has no ${wanted}`);
  }

  // ---- uids-differ -----------------------------------------------------------------------------------------------

  for (const [index, one] of sessions.entries()) {
    for (const other of sessions.slice(index + 1)) {
      if (one.cname !== other.cname) continue;
      const both = overlap(one.from, one.until, other) > 0;
      const equal = String(one.uid) === String(other.uid);
      test("uids-differ", !(both && equal), () => `UID ${one.uid} runs twice in ${one.cname} from ${second(Math.max(one.from, other.from))}: ${one.sid}, ${other.sid}`);
    }
  }

  // ---- written-first, ten-a-second -------------------------------------------------------------------------------

  const key = (operation, channel, uid, host) => [operation, channel, uid, (host ?? "").replace(/:\d+$/, "")].join("|");
  const free = new Map();
  for (const recording of recordings) {
    for (const sent of recording.facts("CallSent")) {
      const name = key(sent.operation, recording.channel, sent.uid, sent.host);
      free.set(name, [...(free.get(name) ?? []), sent].sort((one, other) => one.journal - other.journal));
    }
  }
  const proxyStood = history.disturbances.filter(({ kind }) => kind === "stop");
  const left = [];
  for (const request of history.ledger.requests) {
    if (!request.operation) continue;
    const candidates = free.get(key(request.operation, request.cname, request.uid, request.host)) ?? [];
    const came = wall(request.at);
    // The last one before it; one that seems to be a little later where two clocks are read.
    const before = candidates.findLastIndex(({ at }) => at <= came);
    const index = before < 0 ? candidates.findIndex(({ at }) => at <= came + CLOCKS) : before;
    const sent = index < 0 ? undefined : candidates.splice(index, 1)[0];
    test("written-first", sent !== undefined, () => `request ${request.number} (${request.operation}, ${request.cname}, UID ${request.uid}) came at ${second(came)} and has no entry`);
    if (!sent) continue;
    // It counts when it left. What was held up on its way is not the desk's doing; what was held up in it is.
    const heldInside = proxyStood.some((one) => overlap(sent.at, came, one) > 0);
    left.push(heldInside ? request.at : Math.min(request.at, sent.journal + D1_MARGIN));
  }
  left.sort((one, other) => one - other);
  for (const [index, at] of left.entries()) {
    const tenth = left[index + 10];
    test("ten-a-second", tenth === undefined || tenth - at >= 1_000, () => `eleven requests left within ${tenth - at} ms from ${second(wall(at))}`);
  }

  // ---- what each page showed -------------------------------------------------------------------------------------

  const isLive = ({ link }) => link === "Live";
  const pages = [...new Set(history.stretches.map(({ page }) => page))];
  for (const page of pages) {
    let liveSince;
    for (const stretch of history.stretches.filter((one) => one.page === page)) {
      // One that stood still begins anew.
      liveSince = isLive(stretch) ? ((stretch.woke ? undefined : liveSince) ?? stretch.from) : undefined;
      const shown = new Map(Object.entries(stretch.rows));
      if (stretch.opened) shown.set(stretch.opened.id, stretch.opened);

      for (const session of sessions.filter((one) => overlap(stretch.from, stretch.until, one) > 0)) {
        const { owner } = session;
        const seen = owner && shown.get(owner.id);
        // What it showed when the session was there already, or still shows when it must have heard of it.
        // Where another one ended before it, the word may be about that one for as long as a page may be behind.
        const isFirst = !of(owner).some(({ from }) => from < session.from);
        const knew = session.from + (isFirst ? 0 : PAGE_LATE) <= stretch.from;
        const since = knew ? stretch.from : session.from + PAGE_LATE;
        const counts = since < Math.min(stretch.until, session.until) && (knew || isLive(stretch));
        if (seen && counts) {
          test("not-wrongly-gone", !saysGone(seen.word, owner), () => `page ${page} said “${seen.word}” of ${session.cname} from ${second(stretch.from)} to ${second(stretch.until)}; ${session.sid} ran from ${second(session.from)} to ${session.until === Number.POSITIVE_INFINITY ? "the end" : second(session.until)}`);
        }
        if (isLive(stretch) && stretch.list) {
          const due = Math.max(stretch.from, liveSince + PAGE_SETTLES, (owner?.asked ?? session.from) + PAGE_LATE, session.from);
          if (due < Math.min(stretch.until, session.until)) {
            test("is-shown", seen !== undefined, () => `page ${page} was live from ${second(liveSince)} and did not show ${session.cname} from ${second(due)} on; ${session.sid} ran`);
          }
        }
      }

      if (!isLive(stretch)) continue;
      for (const [id, { word, channel }] of shown) {
        const recording = recordings.find((one) => one.id === id);
        if (word !== "Recording" || !recording) continue;
        const own = of(recording);
        const records = ({ from }) => from + STARTS_TO_RECORD / rate - CLOCKS;
        const first = Math.min(...own.map(records), Number.POSITIVE_INFINITY);
        test("not-wrongly-recording", stretch.from >= first, () => `page ${page} said Recording of ${channel} at ${second(stretch.from)}; nothing recorded before ${first === Number.POSITIVE_INFINITY ? "the end" : second(first)}`);
        if (own.some((session) => overlap(stretch.until - 1, stretch.until, session) > 0)) continue;
        const gone = Math.max(...own.map(({ until }) => until).filter((until) => until <= stretch.until), Number.NEGATIVE_INFINITY);
        if (gone === Number.NEGATIVE_INFINITY) continue;
        const excess = stretch.until - gone - within(gone, stretch.until, hindrances(history)) - notices(recording.idle, rate);
        test("not-wrongly-recording", excess <= 0, () => `page ${page} said Recording of ${channel} until ${second(stretch.until)}; all of it was gone at ${second(gone)}, and ${(excess / 1000).toFixed(2)} s of that nothing explains`);
      }
    }
  }

  // ---- one-start -------------------------------------------------------------------------------------------------

  for (const one of recordings) {
    for (const other of recordings) {
      if (one === other || one.channel !== other.channel || other.asked < one.asked || other.asked - one.asked > 1_000) continue;
      const stopped = one.facts("StopRequested").some(({ at }) => at <= other.asked);
      test("one-start", stopped, () => `${one.channel} was asked for at ${second(one.asked)} and ${second(other.asked)}: two recordings, ${one.id} and ${other.id}`);
    }
  }
  const asks = history.presses.filter(({ what, answered }) => what === "ask" && answered);
  reached["one-start"] += asks.length - new Set(asks.map(({ recording }) => recording)).size;

  // ---- stop-goes-out ---------------------------------------------------------------------------------------------

  const judged = wall(history.ledger.now);
  for (const recording of recordings) {
    const asked = recording.facts("StopRequested").at(-1);
    const withdrawn = recording.facts("StopWithdrawn").at(-1);
    if (!asked || (withdrawn && withdrawn.number > asked.number)) continue;
    // Somebody has to be there who sends it.
    const attended = Math.min(...history.stretches.filter((one) => isLive(one) && one.until > history.healed).map(({ from }) => from), judged);
    const due = Math.max(wall(asked.not_before), history.healed, attended);
    for (const session of of(recording).filter(({ sid }) => recording.text.includes(sid))) {
      const last = Math.max(due, ...recording.facts("CallSent").filter(({ operation }) => operation === "stop").map(({ at }) => at));
      const waits = session.state === "failing_over" || judged - last < STOP_REPEATS;
      test("stop-goes-out", !session.live || waits, () => `${session.sid} of ${session.cname} runs; its stop was due at ${second(wall(asked.not_before))} and last sent or due at ${second(last)}`);
    }
  }

  // ---- pages-agree, nothing-breaks -------------------------------------------------------------------------------

  for (const [page, rows] of Object.entries(history.final.pages)) {
    test("pages-agree", rows !== undefined && rows !== null, () => `page ${page} is not live ${((history.ended - history.healed) / 1000).toFixed(1)} s after everything healed`);
    if (!rows) continue;
    for (const session of sessions.filter(({ live }) => live)) {
      const seen = session.owner && rows[session.owner.id];
      test("is-shown", seen !== undefined && !saysGone(seen.word, session.owner), () => `at the end ${session.sid} of ${session.cname} runs; page ${page} shows ${seen ? `“${seen.word}”` : "nothing"}`);
    }
  }
  for (const { id, channel, folded, ...recording } of recordings) {
    const asked = recording.facts("StopRequested").at(-1);
    const taken = recording.facts("StopWithdrawn").at(-1);
    const isTried = folded.sessions.some(({ phase }) => phase === "acquiring" || phase === "starting");
    if (!asked || (taken && taken.number > asked.number) || wall(asked.not_before) > history.healed || isTried) continue;
    for (const [page, rows] of Object.entries(history.final.pages)) {
      const word = rows?.[id]?.word;
      if (word) test("not-wrongly-starting", !STARTING.has(word), () => `at the end page ${page} says “${word}” of ${channel}, which was stopped at ${second(asked.at)}`);
    }
  }
  for (const { one, other, id, words } of history.final.differences) {
    test("pages-agree", false, () => `at the end page ${one} says “${words[0]}” of ${id}, page ${other} “${words[1]}”`);
  }
  for (const says of history.complaints) test("nothing-breaks", false, () => says);
  reached["nothing-breaks"] += 1;

  return { reached, violations };
}

/** Within how long the end of a session is noticed while all is well, in milliseconds of the wall (M1). */
export function notices(idle, rate) {
  const interval = Math.min(120, Math.max(15, 0.9 * idle)) * 1.05;
  // An answer may be waited for before the next question, and the machine is slow.
  return ((interval + 10) * 1_000) / rate + 1_000;
}

/** When nobody could notice anything: the desk was away, no page was live, or the one that acts had just gone. */
export function hindrances(history) {
  const LAPSE = 6_500;
  const found = history.disturbances.map(({ kind, where, from, until }) => {
    if (where === "A" || where === "B") return { from, until: Math.min(until, from + LAPSE) + PAGE_SETTLES, kind };
    return { from, until: until + 2 * PAGE_SETTLES, kind };
  });
  const live = history.stretches.filter(({ link }) => link === "Live").sort((one, other) => one.from - other.from);
  let reached = history.zero;
  for (const { from, until } of live) {
    if (from > reached) found.push({ from: reached, until: from + PAGE_SETTLES, kind: "nobody" });
    reached = Math.max(reached, until);
  }
  return found;
}
