// Looks for violations of accessibility rules on what a page shows now.

import axe from "axe-core";

/** The violations in this theme (`light` or `dark`), each as one readable text. */
export async function violations(page, theme) {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
  // Evaluated through the debugger, because the policy of the page refuses a script that is not its own.
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ["violations"] })).violations);
  return found.map(({ id, help, nodes }) => {
    const places = nodes.map((node) => `${node.target.join(" ")} (${node.any.map((check) => check.message).join("; ")})`);
    return `${id}: ${help}\n  ${places.join("\n  ")}`;
  });
}
