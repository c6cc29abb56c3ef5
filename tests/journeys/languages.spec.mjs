// The page in another language, and whether a text was forgotten: a language in which every text of ours is marked.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "../harness/test.mjs";
import { scenes } from "../screens.mjs";

const CATALOGUE = JSON.parse(readFileSync(fileURLToPath(new URL("../../src/words/zh-CN.json", import.meta.url)), "utf8"));

/** Chosen on an earlier visit. */
const choose = (page, language) =>
  page.addInitScript((chosen) => localStorage.setItem("tallylight-language", chosen), language);

test("4.8 the page speaks Simplified Chinese to who chose it, and to a browser that does", async ({ desk, page, browser }) => {
  await choose(page, "zh-CN");
  await page.goto(desk.url);
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-CN");
  await expect(page.getByRole("link", { name: "录制任务" })).toBeVisible();
  await expect(page.getByRole("button", { name: "启动六个示例录制任务" })).toBeVisible();
  await page.goto(`${desk.url}?start=math-7b`);
  await expect(page.getByRole("dialog", { name: "启动录制" })).toBeVisible();

  const context = await browser.newContext({ locale: "zh-CN" });
  const reader = await context.newPage();
  await reader.goto(desk.url);
  await expect(reader.getByRole("link", { name: "录制任务" })).toBeVisible();
  await context.close();
});

test("4.8 a catalogue that does not come leaves the page in English", async ({ desk, page, trouble }) => {
  trouble.allow("zh-CN.json");
  await choose(page, "zh-CN");
  await page.route("**/zh-CN.json", (route) => route.abort());
  await page.goto(desk.url);
  await expect(page.getByRole("link", { name: "Recordings" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
});

test("4.8 nobody who reads English fetches a catalogue", async ({ desk, page }) => {
  const fetched = [];
  page.on("request", (request) => fetched.push(new URL(request.url()).pathname));
  await page.goto(desk.url);
  await expect(page.getByRole("link", { name: "Recordings" })).toBeVisible();
  expect(fetched.filter((path) => path.endsWith("zh-CN.json"))).toEqual([]);
});

/** Marks the words of a text, and not the values in it; longer by a third, as other languages are. */
const marked = (text) =>
  text
    .split(/(\{\d?\})/)
    .map((part) => (/^\{\d?\}$|^[^A-Za-z]*$/.test(part) ? part : `⟦${part}${"·".repeat(Math.ceil(part.length / 3))}⟧`))
    .join("");

const PSEUDO = JSON.stringify(Object.fromEntries(Object.keys(CATALOGUE).map((text) => [text, marked(text)])));

/** What may stand outside the marks: names and ids, numbers, times, names of the service's things. */
const DATA = [
  // What a build is called.
  /\b[0-9a-f]{12}-trunk-[\w.-]+|\bdevelopment\b/g,
  // An id whose middle went.
  /[\w-]+…[\w-]*/g,
  /\b(math-7b|chem-1|phys-2a|econ-5|lang-6|music-2)(-\d+)?\b/g,
  /\b(journey|archive|Demonstration|Amazon S3|region|bucket|recordings|CSV|JSON|Ctrl K|patient|swift|immediate)\b/gi,
  // What the service said, as it came.
  /\binvalid parameter\b/g,
  // Fields of a query are typed as they stand.
  /\b(colour|state|channel|ha|attempts|running|answer|age|rule|uid|resource|file|mode|app|pinned)\b/g,
  /\bM3 · Monitor\b/g,
  // An id of the service.
  /[\w-]{40,}/g,
  /\b[a-z0-9]{2,}_[\w.-]+/g,
  /\b(?=\w*\d)[0-9a-z]{6,}(…[0-9a-z]+)?\b/gi,
  /\bhttps?:\/\/\S+|\b[\w-]+\.(agora|sd-rtn)\.\w+\b/g,
  /\b(UTC|acquire|query|start|stop|update|updateLayout|maxIdleTime|sid|cname|UID|App|Tallylight|SQLite|client|epoch)\b/g,
  /\b[A-Z]\d{1,2}\b/g,
  /\b(GMT|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b/g,
];

/** Every text that a person sees or hears, with what is marked and what is data taken away; what is left was forgotten. */
async function forgotten(page) {
  const texts = await page.evaluate(() => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) {
        const inside = node.parentElement;
        // The texts of the rules are one language; what the service said stands as it came.
        if (!inside.closest("script, style, noscript, [lang='en'], [translate='no'], code, pre, .mono, #stopped")) found.push(node.data);
      } else {
        for (const name of ["aria-label", "title", "placeholder"]) {
          const value = node.getAttribute(name);
          if (value && !node.closest("#stopped")) found.push(value);
        }
      }
    }
    return found;
  });
  const left = texts.map((text) => {
    let rest = text.replace(/⟦[^⟧]*⟧/g, " ");
    for (const data of DATA) rest = rest.replace(data, " ");
    return [rest, text];
  });
  return [...new Set(left.filter(([rest]) => /[A-Za-z]{2,}/.test(rest)).map(([, text]) => text))];
}

for (const scene of scenes) {
  test(`4.8 no text is forgotten by a translation while ${scene.name}`, async ({ desk, page, trouble }) => {
    test.slow();
    await choose(page, "zh-CN");
    await page.route("**/zh-CN.json", (route) => route.fulfill({ contentType: "application/json", body: PSEUDO }));
    const here = { desk, page, trouble };
    await scene.prepare?.(here);
    // A step that presses something by its English name ends early here: what it had reached by then is looked at.
    page.setDefaultTimeout(2_000);
    page.setDefaultNavigationTimeout(20_000);
    for (const screen of scene.screens) {
      await test.step(screen.name, async () => {
        await screen.reach(here).catch(() => {});
        await expect(page.locator("html")).toHaveAttribute("lang", "zh-CN");
        await page.waitForLoadState("networkidle");
        expect.soft(await forgotten(page), screen.name).toEqual([]);
      });
    }
    if (!desk.isServed) await desk.startProxy();
  });
}
