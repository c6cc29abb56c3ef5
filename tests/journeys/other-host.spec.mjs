// The page lies on any host of files, and its proxy is elsewhere.

import { Desk } from "../harness/desk.mjs";
import { servePage } from "../harness/static.mjs";
import { panel, start, state } from "../harness/look.mjs";
import { expect, test as base } from "../harness/test.mjs";

/** A host of files under a sub-path, and a proxy that lets its pages in. Both are `localhost`, so they are one site. */
const test = base.extend({
  hosted: async ({ context }, use) => {
    const host = await servePage({ host: "localhost", folder: "/tools/desk/" });
    const desk = await Desk.start({ clockRate: 10, seed: 31, origins: [host.origin] });
    const port = desk.address.split(":").at(-1);
    try {
      await use({ host, desk, port });
    } finally {
      await Promise.all(context.pages().map((page) => page.close()));
      await desk.close();
      await host.close();
    }
  },
});

test("6.6 the page works on another host of the same site, under a sub-path", async ({ hosted, page }) => {
  const { host, desk, port } = hosted;
  host.config = JSON.stringify({ proxy: `http://localhost:${port}` });
  await page.goto(host.url);
  await expect(page.getByRole("banner").getByText("Live", { exact: true })).toBeVisible();
  const id = await start(page, "math-7b");
  await expect(state(page)).toHaveText("Recording", { timeout: 20_000 });
  await expect(panel(page, "What was asked for")).toContainText("Acted for by");
  await expect(panel(page, "What was asked for")).toContainText("Control desk, this page, epoch 1");
  expect(page.url()).toBe(`${host.url}?recording=${id}`);
  await page.reload();
  await expect(state(page)).toHaveText("Recording");
  await desk.agree();
});

test("6.6 the page says plainly that its proxy is of another site, does not let it in, or is not named", async ({ hosted, page, trouble }) => {
  trouble.allow(/WebSocket|api\/v1\/|CORS|JSON|proxy|wasm.* net::ERR_ABORTED/);
  const { host, port } = hosted;
  const bar = page.locator("#connection");
  host.config = JSON.stringify({ proxy: `http://127.0.0.1:${port}/` });
  await page.goto(host.url);
  await expect(bar).toContainText(`This page is of another site than its proxy, http://127.0.0.1:${port}/, and no sign-in crosses that.`);
  await expect(bar).toContainText(/Reconnecting/);
  await page.screenshot({ path: "results/another-site.png" });

  // Another port is another origin.
  const other = await servePage({ host: "localhost" });
  other.config = JSON.stringify({ proxy: `http://localhost:${port}/` });
  await page.goto(other.url);
  await expect(bar).toContainText(`No answer from http://localhost:${port}/: it is down, or its allowed_origins lack ${other.origin}.`);
  for (const wrong of ["<!doctype html>", '{ "proxy": "desk" ', '{ "proxy": "ftp://localhost/" }', '{ "proxy": 7100 }']) {
    other.config = wrong;
    await page.goto(other.url);
    await expect(page.getByRole("alertdialog")).toContainText("The file config.json beside this page cannot be read, or names no proxy");
  }
  await page.goto("about:blank");
  await other.close();
});
