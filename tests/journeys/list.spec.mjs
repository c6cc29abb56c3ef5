import { expect, test } from "../harness/test.mjs";
import { row } from "../harness/look.mjs";

test.use({ deskOptions: { clockRate: 10, seed: 41 } });

/** The channels of the rows, from top to bottom. */
const channels = (page) => page.getByRole("table").getByRole("rowheader").getByRole("link").allTextContents();

const count = (page, word) => page.getByRole("group", { name: /state/i }).getByRole("button", { name: new RegExp(`^${word}`) });

test("4.2 the list is searched, sorted, arranged and kept, with all of it in the address", async ({ desk, page }) => {
  await page.goto(desk.url);
  await page.getByRole("button", { name: "Start six sample recordings" }).click();
  await expect(page.getByRole("main")).toContainText("6 recording, nothing needs you.", { timeout: 30_000 });
  await page.mouse.move(5, 5);

  await test.step("a query is completed with the keyboard, and hides honestly", async () => {
    const query = page.getByRole("combobox", { name: "Query" });
    await query.focus();
    await page.keyboard.type("ch");
    expect(await channels(page), "half a word hides nothing").toHaveLength(6);
    await expect(page.getByRole("option", { name: /^channel:/ })).toBeVisible();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect(query).toHaveValue("channel:");
    await page.keyboard.type("math");
    await expect.poll(() => channels(page)).toEqual(["math-7b"]);
    await expect(page.getByText("5 recordings are hidden by the query.")).toBeVisible();
    expect(new URL(page.url()).searchParams.get("q")).toBe("channel:math");
  });

  await test.step("a slip is told where it is made, and what was shown stays", async () => {
    const query = page.getByRole("combobox", { name: "Query" });
    await query.fill("channel:math colour:red ");
    await expect(query).toHaveAttribute("aria-invalid", "true");
    await expect(query).toHaveAccessibleDescription(/no field colour.*channel/);
    expect(await channels(page)).toEqual(["math-7b"]);
    await page.getByRole("button", { name: "Clear the query" }).first().click();
    await expect.poll(() => channels(page).then((all) => all.length)).toBe(6);
  });

  await test.step("counts are buttons that ask for a state", async () => {
    await count(page, "Recording").click();
    await expect(page.getByRole("combobox", { name: "Query" })).toHaveValue("state:recording");
    await expect(count(page, "Recording")).toHaveAttribute("aria-pressed", "true");
    await count(page, "Lost").click();
    await expect(page.getByText("No recording fits the query.")).toBeVisible();
    await count(page, "Lost").click();
    await expect.poll(() => channels(page).then((all) => all.length)).toBe(6);
  });

  await test.step("a mode is asked for by the service's own name", async () => {
    const query = page.getByRole("combobox", { name: "Query" });
    for (const [mode, rows] of [["web", 0], ["mix", 6]]) {
      await query.fill(`mode:${mode}`);
      await expect.poll(() => channels(page).then((all) => all.length)).toBe(rows);
    }
    await query.fill("");
    await query.press("Escape");
  });

  await test.step("every column sorts", async () => {
    const head = page.getByRole("columnheader", { name: /Channel and/ });
    await head.getByRole("button").click();
    await page.mouse.move(5, 5);
    await expect(head).toHaveAttribute("aria-sort", "ascending");
    const rising = ["chem-1", "econ-5", "lang-6", "math-7b", "music-2", "phys-2a"];
    await expect.poll(() => channels(page)).toEqual(rising);
    await head.getByRole("button").press("Enter");
    await expect.poll(() => channels(page)).toEqual([...rising].reverse());
    for (const name of ["State", "Mode, UID, sid", "Running", "Failovers", "Last 20 queries", "Answer, age", "Next"]) {
      await page.getByRole("columnheader", { name }).getByRole("button").click();
      await expect(page.getByRole("columnheader", { name })).toHaveAttribute("aria-sort", "ascending");
    }
  });

  await test.step("columns, rows and pins are arranged, and the arrangement is in the address", async () => {
    await page.locator("summary", { hasText: "View" }).click();
    await page.getByRole("checkbox", { name: "Last 20 queries" }).uncheck();
    await page.getByRole("button", { name: "Move Next to the left" }).click();
    await page.getByRole("radio", { name: "compact" }).check();
    await page.getByLabel("Name of the view").fill("Night");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("button", { name: "Night 6" })).toHaveAttribute("aria-pressed", "true");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("columnheader", { name: "Last 20 queries" })).toHaveCount(0);
    await page.getByRole("button", { name: "Pin phys-2a" }).click();
    await page.mouse.move(5, 5);
    await page.locator("summary", { hasText: "View" }).focus();
    await expect.poll(() => channels(page).then((all) => all[0])).toBe("phys-2a");
    await expect(page.getByRole("cell", { name: "Pinned" })).toBeVisible();
  });

  await test.step("the address alone brings it back, and so does the browser", async () => {
    const address = page.url();
    expect(new URL(address).searchParams.get("rows")).toBe("compact");
    await page.reload();
    await expect(row(page, "phys-2a")).toBeVisible();
    expect(page.url()).toBe(address);
    await expect(page.getByRole("columnheader", { name: "Last 20 queries" })).toHaveCount(0);
    await expect(page.getByRole("button", { name: "Night 6" })).toBeVisible();
    await row(page, "phys-2a").click();
    await expect(page.getByRole("complementary").getByRole("heading", { name: "phys-2a" })).toBeVisible();
    await page.goBack();
    await expect(page.getByRole("complementary")).toHaveCount(0);
    await expect(row(page, "phys-2a")).toBeVisible();
    expect(page.url()).toBe(address);
  });
});

test("4.2 nothing moves under a hand, and what is new stands at the end", async ({ desk, page }) => {
  await page.goto(desk.url);
  await page.getByRole("button", { name: "Start six sample recordings" }).click();
  await expect(page.getByRole("main")).toContainText("6 recording, nothing needs you.", { timeout: 30_000 });
  await page.mouse.move(5, 5);
  await expect.poll(() => channels(page).then((all) => all.length)).toBe(6);
  const before = await channels(page);

  await row(page, before[3]).hover();
  await page.mouse.move(600, 400);
  await desk.faults({ fault: "disconnect", cname: before[5], resumes_after_ms: 85_000 });
  await desk.hurry((await desk.recordings()).find((one) => one.channel === before[5]).id);
  await expect(page.getByRole("row", { name: new RegExp(before[5]) })).toContainText(/failover|doubt/i, { timeout: 20_000 });
  expect(await channels(page), "one that needs more attention does not jump").toEqual(before);
  await expect(page.getByRole("button", { name: /Re-sort \(1 moved\)/ })).toBeVisible();
  await page.getByRole("button", { name: /Re-sort/ }).click();
  await expect.poll(() => channels(page).then((all) => all[0])).toBe(before[5]);
});
