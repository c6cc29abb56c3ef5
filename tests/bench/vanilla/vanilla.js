// The same list on the same stream, written by hand and for nothing else: plain objects, a pool of rows for what is seen,
// and a write only where a text differs. It knows no rules: what comes next is the last query and fifteen seconds.

"use strict";

const ROW = 40;
const body = document.querySelector("tbody");
const known = new Map();
let order = [];
let offset = 0;
const pool = [];
const above = space();
const below = space();

function space() {
  const line = document.createElement("tr");
  line.className = "space";
  line.append(document.createElement("td"));
  body.append(line);
  return line;
}

function row() {
  const line = document.createElement("tr");
  const cells = ["state", "name", "ids", "elapsed", "pips", "strip", "answer", "next"].map((kind) => {
    const cell = document.createElement("td");
    cell.className = kind;
    line.append(cell);
    return cell;
  });
  const link = document.createElement("a");
  const says = document.createElement("small");
  cells[1].append(link, says);
  const text = (node) => node.appendChild(document.createTextNode(""));
  const texts = [text(cells[0]), text(link), text(says), ...[2, 3, 4, 5, 6, 7].map((place) => text(cells[place]))];
  return { line, link, texts, shown: new Array(texts.length).fill(""), of: undefined };
}

const seconds = (from, to) => Math.max(0, Math.floor((to - from) / 1000));
const stopwatch = (all) =>
  [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60].map((part) => String(part).padStart(2, "0")).join(":");

function says(one, now) {
  return [
    "● Recording",
    one.channel,
    one.says,
    `${one.mode} · ${one.uid} ${one.sid.slice(0, 8)}`,
    stopwatch(seconds(one.since, now)),
    `${one.failovers} of 3`,
    "▁".repeat(Math.min(20, one.queries)),
    `${one.http} · ${seconds(one.answered, now)} s ago`,
    one.open ? "Query sending…" : `Query ${Math.max(0, Math.ceil((one.answered + 15_000 - now) / 1000))} s`,
  ];
}

function take(recording) {
  const session = recording.sessions.at(-1);
  known.set(recording.id, {
    id: recording.id,
    channel: recording.channel,
    asked: recording.asked_at,
    mode: recording.mode,
    uid: session.uid,
    sid: session.sid,
    since: session.confirmed ?? recording.asked_at,
    failovers: session.failovers ?? 0,
    queries: 1,
    http: session.last_answer?.http ?? 200,
    answered: session.last_answer?.at ?? recording.asked_at,
    open: false,
    says: "Recording; the service confirmed it.",
  });
}

let dirty = false;
let frame = 0;

function hear({ data }) {
  const message = JSON.parse(data);
  if (message.hello) return void (offset = message.hello.now - Date.now());
  if (message.heartbeat) {
    offset = message.heartbeat.now - Date.now();
    socket.send(JSON.stringify({ beat: message.heartbeat.beat }));
  } else if (message.frame.content.snapshot) {
    const { first, last, recordings } = message.frame.content.snapshot;
    if (first) known.clear();
    recordings.forEach(take);
    if (last) order = [...known.values()].sort((one, other) => other.asked - one.asked);
  } else {
    for (const { recording, entry } of message.frame.content.entries ?? []) {
      const one = known.get(recording);
      if (entry.fact.CallSent) one.open = true;
      if (entry.fact.CallAnswered) {
        one.open = false;
        one.answered = entry.at;
        one.http = entry.fact.CallAnswered.answer.status;
        one.queries += 1;
      }
    }
  }
  draw();
}

function draw() {
  if (dirty) return;
  dirty = true;
  frame = requestAnimationFrame(paint);
}

function paint() {
  dirty = false;
  const now = Date.now() + offset;
  const first = Math.max(0, Math.floor(scrollY / ROW) - 5);
  const count = Math.min(order.length - first, Math.ceil(innerHeight / ROW) + 10);
  while (pool.length < count) {
    const made = row();
    pool.push(made);
    body.insertBefore(made.line, below);
  }
  above.style.blockSize = `${first * ROW}px`;
  below.style.blockSize = `${Math.max(0, order.length - first - count) * ROW}px`;
  for (const [place, line] of pool.entries()) {
    const one = order[first + place];
    line.line.hidden = place >= count;
    if (!one || place >= count) continue;
    if (line.of !== one.id) {
      line.of = one.id;
      line.link.id = `row-${one.id}`;
      line.link.href = `?recording=${one.id}`;
    }
    for (const [cell, text] of says(one, now).entries()) {
      if (line.shown[cell] !== text) {
        line.shown[cell] = text;
        line.texts[cell].data = text;
      }
    }
  }
}

addEventListener("scroll", draw, { passive: true });
setInterval(draw, 1_000);
const socket = new WebSocket(`ws://${location.host}/api/v1/stream?protocol=2`);
socket.addEventListener("message", hear);
