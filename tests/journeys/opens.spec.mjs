import { servePage } from "../harness/static.mjs";
import { expect, test } from "../harness/test.mjs";

test("the page opens without an error", async ({ page }) => {
  const server = await servePage();
  await page.goto(server.url);
  await expect(page.getByRole("banner")).toContainText("Tallylight");
  await expect(page.locator("#skeleton")).toHaveCount(0);
  await server.close();
});
