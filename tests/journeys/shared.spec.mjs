// What lies at the proxy for everybody: views that the team shares, and the recordings that ended.

import { expect, test } from "../harness/test.mjs";

/** Opens the menu of the view and gives it back. */
async function menu(page) {
  const menu = page.locator("details.menu", { hasText: "Saved views" });
  if ((await menu.getAttribute("open")) === null) await page.locator("summary", { hasText: "View" }).click();
  return menu;
}

async function save(page, query, name) {
  await page.getByRole("combobox", { name: "Query" }).fill(query);
  const sheet = await menu(page);
  await sheet.getByLabel("Name of the view").fill(name);
  await sheet.getByRole("button", { name: "Save this view" }).click();
  return sheet;
}

test("4.2 a view is shared with the team, and nobody writes over what another changed", async ({ desk, page, browser, trouble }) => {
  trouble.allow(/409/);
  await page.goto(desk.url);
  await desk.request("math-7b");
  await expect(page.getByRole("table").getByRole("link", { name: "math-7b", exact: true })).toBeVisible();
  await (await save(page, "state:failover", "Moving")).getByRole("button", { name: "Share the view Moving with the team" }).click();
  const chips = page.getByRole("group", { name: "Saved views" });
  await expect(chips.getByRole("button", { name: /Moving by / })).toBeVisible();

  // Somebody else sees it, with who shared it, and looks through it.
  const context = await browser.newContext();
  trouble.watch(context);
  const other = await context.newPage();
  await other.goto(desk.url);
  await other.getByRole("group", { name: "Saved views" }).getByRole("button", { name: /Moving by / }).click();
  await expect(other.getByRole("combobox", { name: "Query" })).toHaveValue("state:failover");

  // Both go on from what they saw: the second one is told, and nothing is lost.
  const mine = await save(page, "state:lost", "Lost ones");
  await mine.getByRole("button", { name: "Share the view Lost ones with the team" }).click();
  await expect(chips.getByRole("button", { name: /Lost ones by / })).toBeVisible();
  const theirs = await save(other, "mode:web", "Pages");
  await theirs.getByRole("button", { name: "Share the view Pages with the team" }).click();
  await expect(theirs.getByText(/changed the shared views meanwhile/)).toBeVisible();
  await expect(theirs.getByRole("button", { name: "Take the view Lost ones from the team" })).toBeVisible();
  await theirs.getByRole("button", { name: "Share the view Pages with the team" }).click();
  await expect(theirs.getByRole("button", { name: "Take the view Pages from the team" })).toBeVisible();
  await theirs.getByRole("button", { name: "Take the view Moving from the team" }).click();
  await expect(theirs.getByRole("button", { name: "Take the view Moving from the team" })).toHaveCount(0);
  const { version, views } = await (await fetch(`${desk.origin}/api/v1/views`)).json();
  expect([version, views.map(({ name }) => name)]).toEqual([4, ["Lost ones", "Pages"]]);
  await context.close();
});

test.describe("many that ended", () => {
  test.use({ deskOptions: { clockRate: 60, seed: 4, app: "qps = 100" } });

  test("4.2 recordings that ended are searched at the proxy and come by the page", async ({ desk, page, trouble }) => {
    test.slow();
    // The page is loaded again while it still acts for some of them.
    trouble.allow(/\b(40[39]|ERR_ABORTED)\b.*\/(calls|decisions|leases)\b|\/(calls|decisions|leases)\b.*ERR_ABORTED/);
    await page.goto(desk.url);
    const ids = [];
    while (ids.length < 56) {
      const asked = await desk.request(`lesson-${ids.length}`).catch((error) => error);
      if (typeof asked === "string") ids.push(asked);
      else if (!asked.message.includes(" 429 ")) throw asked;
      else await new Promise((done) => setTimeout(done, 200));
    }
    // Stopped before they record: all of them end soon, whatever the limit of sessions is.
    for (const id of ids) await fetch(`${desk.origin}/api/v1/recordings/${id}/stop`, { method: "POST" });
    const ended = async () => (await (await fetch(`${desk.origin}/api/v1/recordings?state=ended`)).json()).total;
    await desk.until("all of them ended", async () => (await ended()) === ids.length, 60_000);

    await page.reload();
    const row = (channel) => page.getByRole("table").getByRole("link", { name: channel, exact: true });
    await expect(row("lesson-55")).toBeVisible();
    await expect(row("lesson-2")).toHaveCount(0);
    const foot = page.locator(".board-foot", { hasText: "ended recordings" });
    await expect(foot).toContainText("50 of 56 ended recordings are here.");

    // By a name: the page does not have it yet.
    await page.getByRole("combobox", { name: "Query" }).fill(ids[2].toUpperCase());
    await page.keyboard.press("Tab");
    await expect(row("lesson-2")).toBeVisible();
    await page.getByRole("combobox", { name: "Query" }).fill("");

    await foot.getByRole("button", { name: "Load more" }).click();
    await expect(row("lesson-0")).toHaveCount(1);
    await expect(foot).toHaveCount(0);
  });
});
