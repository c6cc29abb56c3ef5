// What WCAG 2.2 AA asks of a page that moves by itself, beyond what axe can see. docs/accessibility.md says which of its
// criteria each of these holds.

import { violations } from "../harness/axe.mjs";
import { expect, test } from "../harness/test.mjs";

const CHANNELS = ["math-7b", "chem-1", "phys-2a"];

async function withRecordings(desk, page) {
  await page.goto(desk.url);
  const ids = {};
  for (const channel of CHANNELS) ids[channel] = await desk.request(channel);
  await desk.until("all are confirmed", async () =>
    (await desk.recordings()).every((one) => one.sessions.some((session) => session.phase === "live")),
  );
  for (const channel of CHANNELS) await expect(link(page, channel)).toBeVisible();
  return ids;
}

const link = (page, channel) => page.getByRole("main").getByRole("link", { name: channel, exact: true });

/** The addresses of what is looked at in each of these. */
const screens = (ids) => ["", `?recording=${ids["math-7b"]}`, "?start", `?stop=${ids["math-7b"]}`, "?settings", "?keys", "?palette", "?faults", "?wall", "?notices"];

/** A page of the desk is left only when nothing of it is on its way. */
async function show(page, address) {
  await page.evaluate((to) => {
    history.pushState(null, "", to || location.pathname);
    dispatchEvent(new PopStateEvent("popstate"));
  }, address);
  await expect(page.locator("main")).toBeVisible();
  if (/start|stop|settings|keys|palette|notices/.test(address)) await expect(page.locator("dialog[open]")).toBeVisible();
  else await expect(page.locator("dialog")).toHaveCount(0);
}

test("4.9 nothing needs two directions of scrolling, down to 320 px", async ({ desk, page }) => {
  const ids = await withRecordings(desk, page);
  // 640 is 1280 at a zoom of 200 % (1.4.4), 320 is it at 400 % (1.4.10).
  for (const width of [320, 390, 640]) {
    await page.setViewportSize({ width, height: 700 });
    for (const address of screens(ids)) {
      await show(page, address);
      const wider = await page.evaluate(() => {
        const seen = document.querySelector("dialog[open]") ?? document.documentElement;
        return seen.scrollWidth - seen.clientWidth;
      });
      expect.soft(wider, `${address || "list"} at ${width} px`).toBeLessThanOrEqual(0);
    }
  }
});

test("4.9 everything that can be pressed is 24 px large, or stands alone", async ({ desk, page }) => {
  const ids = await withRecordings(desk, page);
  for (const width of [1280, 320]) {
    await page.setViewportSize({ width, height: 800 });
    for (const address of screens(ids)) {
      await show(page, address);
      const small = await page.evaluate(() => {
        const root = document.querySelector("dialog[open]") ?? document;
        const all = [...root.querySelectorAll("a[href], button, input, select, summary, [role=option], [tabindex='0']")].filter(
          (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !one.closest(".skip, .stopped"),
        );
        const boxes = all.map((one) => {
          // A label is pressed with what it names.
          const label = one.matches("input[type=radio], input[type=checkbox]") ? one.closest("label") : null;
          return { one, box: (label ?? one).getBoundingClientRect() };
        });
        const middle = ({ box }) => [box.x + box.width / 2, box.y + box.height / 2];
        return boxes
          .filter(({ box }) => box.width > 0 && (box.width < 23.5 || box.height < 23.5))
          .filter(({ one }) => {
            // 2.5.8 leaves out what stands in a line of text.
            const line = one.closest("p, li, td, th, dd, span");
            return !(one.matches("a, .rule") && line && line.textContent.trim().length > one.textContent.trim().length + 1);
          })
          .filter((small) =>
            boxes.some((other) => {
              // Or what has nothing else within a circle of 24 px.
              if (other === small || small.one.contains(other.one) || other.one.contains(small.one)) return false;
              const [x, y] = middle(small);
              const [near, far] = [Math.max(other.box.left, Math.min(x, other.box.right)), Math.max(other.box.top, Math.min(y, other.box.bottom))];
              return Math.hypot(near - x, far - y) < 12;
            }),
          )
          .map(({ one, box }) => `${one.outerHTML.slice(0, 120)} ${Math.round(box.width)}×${Math.round(box.height)}`);
      });
      expect.soft(small, `${address || "list"} at ${width} px`).toEqual([]);
    }
  }
});

test("4.9 timers are silent, one voice is polite and one interrupts", async ({ desk, page }) => {
  const ids = await withRecordings(desk, page);
  for (const address of ["", `?recording=${ids["math-7b"]}`, "?wall"]) {
    await show(page, address);
    const loud = await page.evaluate(() =>
      [...document.querySelectorAll("[role=timer]")].filter((timer) => {
        const around = timer.closest("[aria-live], [role=status], [role=alert], [role=log]");
        return around && around.getAttribute("aria-live") !== "off";
      }).length,
    );
    expect(loud, address).toBe(0);
    await expect(page.locator("body > [role=status]")).toHaveCount(1);
    await expect(page.locator("body > [role=alert]")).toHaveCount(1);
  }
  // Nothing is said while only the clock goes on; what one does oneself is.
  const said = page.locator("body > [role=status]");
  await expect(said).toBeEmpty();
  await show(page, `?recording=${ids["math-7b"]}`);
  await page.getByRole("button", { name: /^Copy the sid/ }).first().click();
  await expect(said).toHaveText(/sid of math-7b/);
});

test("4.9 the focus stays where it is while rows change, and goes on when its row goes", async ({ desk, page }) => {
  const ids = await withRecordings(desk, page);
  await link(page, "chem-1").focus();
  await desk.faults({ fault: "kill", cname: "chem-1" });
  // It is away for a while only, and is to be seen by then.
  await desk.hurry(ids["chem-1"]);
  await expect(page.getByRole("row", { name: /chem-1/ })).toContainText(/In failover|In doubt/, { timeout: 25_000 });
  await expect(link(page, "chem-1").first()).toBeFocused();
  await expect(page.getByRole("row", { name: /chem-1/ })).toContainText("Recording", { timeout: 20_000 });
  await expect(link(page, "chem-1").first()).toBeFocused();
  // A dialog gives the focus back to what opened it.
  await page.keyboard.press("s");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(link(page, "chem-1").first()).toBeFocused();
});

test("4.9 without motion nothing moves, and nothing moves for ever with it", async ({ desk, page }) => {
  const ids = await withRecordings(desk, page);
  for (const address of screens(ids)) {
    await show(page, address);
    const forever = await page.evaluate(() => document.getAnimations().filter((one) => one.effect.getTiming().iterations === Infinity).length);
    expect(forever, `${address}: animations without an end`).toBe(0);
  }
  await page.emulateMedia({ reducedMotion: "reduce" });
  for (const address of screens(ids)) {
    await show(page, address);
    const moving = await page.evaluate(() =>
      [...document.querySelectorAll("*")].filter((one) => {
        const { transitionDuration, animationName, animationDuration } = getComputedStyle(one);
        const seconds = (text) => Math.max(...text.split(",").map(parseFloat));
        return seconds(transitionDuration) > 0.01 || (animationName !== "none" && seconds(animationDuration) > 0.01);
      }).map((one) => one.className.baseVal ?? one.className),
    );
    expect(moving, `${address}: what moves`).toEqual([]);
  }
});

test("4.9 forced colours keep every mark, every edge and the focus", async ({ desk, page }) => {
  const ids = await withRecordings(desk, page);
  await page.emulateMedia({ forcedColors: "active" });
  for (const address of screens(ids)) {
    await show(page, address);
    const lost = await page.evaluate(() => {
      const root = document.querySelector("dialog[open]") ?? document;
      const ground = getComputedStyle(document.body).backgroundColor;
      const glyphs = [...root.querySelectorAll("svg.glyph, svg.icon")].filter((one) => one.checkVisibility());
      // A mark that has the colour of its ground is not there.
      return glyphs.filter((one) => getComputedStyle(one).color === ground).map((one) => one.outerHTML);
    });
    expect.soft(lost, `${address || "list"}: marks`).toEqual([]);
    const edges = await page.evaluate(() => {
      const root = document.querySelector("dialog[open]") ?? document;
      const buttons = [...root.querySelectorAll("button:not(.plain), input")].filter((one) => one.checkVisibility() && one.matches(".button.large, .button.primary, input[type=text], input:not([type])"));
      return buttons.filter((one) => parseFloat(getComputedStyle(one).borderTopWidth) === 0).map((one) => one.outerHTML.slice(0, 100));
    });
    expect.soft(edges, `${address || "list"}: edges`).toEqual([]);
  }
  await show(page, "");
  await page.keyboard.press("Tab");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  expect(outline).not.toBe("none");
});

test("4.1 the look is chosen once: theme and contrast, kept for the next visit, and axe finds nothing in it", async ({ desk, page }) => {
  const ids = await withRecordings(desk, page);
  await page.getByRole("link", { name: "Settings" }).click();
  const settings = page.getByRole("dialog", { name: "Settings" });
  await settings.getByRole("radio", { name: "dark" }).check();
  await settings.getByRole("radio", { name: "more" }).check();
  const html = page.locator("html");
  await expect(html).toHaveAttribute("data-theme", "dark");
  await expect(html).toHaveAttribute("data-contrast", "more");
  await expect(page.locator("body")).toHaveCSS("background-color", "rgb(0, 0, 0)");
  await page.reload();
  await expect(html).toHaveAttribute("data-theme", "dark");
  for (const theme of ["dark", "light"]) {
    await page.evaluate((theme) => document.documentElement.setAttribute("data-theme", theme), theme);
    for (const address of screens(ids)) {
      await show(page, address);
      expect.soft(await violations(page, theme), `${address || "list"}, ${theme}, more contrast`).toEqual([]);
    }
  }
});

test("4.1 every part in every state has nothing for axe, in every look", async ({ desk, page }) => {
  await page.goto(`${desk.url}?parts`);
  const build = await page.locator("html").getAttribute("data-build");
  test.skip(build !== "development", "only a development build shows its parts");
  await expect(page.getByRole("heading", { name: "Parts" })).toBeVisible();
  await expect(page.locator(".parts > section").first()).toBeVisible();
  for (const contrast of ["usual contrast", "more contrast"]) {
    await page.getByRole("button", { name: contrast }).click();
    for (const theme of ["light", "dark"]) {
      await page.getByRole("button", { name: theme, exact: true }).click();
      expect.soft(await violations(page, theme), `${theme}, ${contrast}`).toEqual([]);
    }
  }
});
