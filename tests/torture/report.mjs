// Writes the last full result into docs/torture.md, between its two marks.

import { KINDS } from "./plan.mjs";

const BEGIN = "<!-- the last run -->";
const END = "<!-- end of the last run -->";

/** The document with the result of these runs in the place of the one before. */
export function report(document, results, rows) {
  const [before, rest] = document.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`the report needs the marks ${BEGIN} and ${END}`);
  const total = (of) => results.reduce((sum, result) => sum + (of(result) ?? 0), 0);
  const seconds = results.map(({ seconds }) => seconds ?? 0).sort((one, other) => one - other);
  const seeds = results.map(({ seed }) => seed).sort((one, other) => one - other);
  const failed = results.filter(({ violations, trouble }) => violations.length > 0 || trouble);
  const lines = [
    `${results.length} runs, seeds ${seeds[0]} to ${seeds.at(-1)}; ${failed.length === 0 ? "all hold" : `${failed.length} fail: ${failed.map(({ seed }) => seed).join(", ")}`}.`,
    `The longest took ${seconds.at(-1).toFixed(1)} s, half of them less than ${seconds[Math.floor(seconds.length / 2)].toFixed(1)} s.`,
    `${total(({ recordings }) => recordings)} recordings, ${total(({ sessions }) => sessions)} sessions, ${total(({ requests }) => requests)} requests, ${total(({ presses }) => presses)} presses.`,
    "",
    "| check | put to the test | violations | what |",
    "|---|---|---|---|",
    ...rows.map(({ name, reached, violations, says }) => `| ${name} | ${reached} | ${violations} | ${says} |`),
    "",
    "| fault | times |",
    "|---|---|",
    ...KINDS.map((kind) => `| ${kind} | ${total(({ faults }) => faults?.[kind])} |`),
  ];
  return `${before}${BEGIN}\n\n${lines.join("\n")}\n\n${END}${after}`;
}
