import { expect, test } from "../harness/test.mjs";
import { panel, start, state } from "../harness/look.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 19 } });

test("an answer that came while one looked is shown as it came", async ({ desk, page }) => {
  await page.goto(desk.url);
  await start(page, "chem-1");
  await expect(state(page)).toHaveText("Recording");
  await panel(page, "Journal").getByRole("button", { name: "Show all entries" }).click();
  const answered = panel(page, "Journal").getByRole("listitem").filter({ hasText: "200: status 4" }).last();
  await answered.getByText("Raw answer").click();
  await expect(answered).toContainText(/"status":\s*"?4/);
});
