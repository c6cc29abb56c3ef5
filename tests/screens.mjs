// Every screen and every state of it that must be looked at, and how to reach it.
//
// A scene is one control desk; its screens follow each other. `route` is the name that `src/route.rs` gives the screen,
// `dialog` is the id of the title of the dialog that lies over it. A route or a dialog of the page that stands nowhere
// here fails `journeys/screens.spec.mjs`.

import { expect } from "./harness/test.mjs";

const SIX = ["math-7b", "chem-1", "phys-2a", "econ-5", "lang-6", "music-2"];

const row = (page, channel) => page.getByRole("main").getByRole("link", { name: channel, exact: true });

/** Opens an address of the page, such as `?faults`. */
const open = (address) => async ({ desk, page }) => {
  await page.goto(desk.url + address);
};

/** Asks for recordings in these channels and waits until the simulated service records them. */
export async function record(desk, page, channels) {
  // A page is open, so that somebody acts.
  await page.goto(desk.url);
  const ids = {};
  for (const channel of channels) ids[channel] = await desk.request(channel);
  await desk.until("all are confirmed", async () => {
    const recordings = await desk.recordings();
    return channels.every((channel) =>
      recordings.some((one) => one.channel === channel && one.sessions.some((session) => session.phase === "live")),
    );
  });
  return ids;
}

/** Makes a page believe that there are many recordings: the snapshot that it gets holds copies of the real ones. */
async function multiply(page, count) {
  await page.routeWebSocket(/\/api\/v1\/stream/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      const parsed = JSON.parse(message);
      const snapshot = parsed.frame?.content?.snapshot;
      if (snapshot?.recordings?.length) {
        const real = snapshot.recordings;
        snapshot.recordings = Array.from({ length: count }, (_, at) => {
          const one = real[at % real.length];
          return at < real.length ? one : { ...one, id: `${one.id.slice(0, 32)}-${at}`, channel: `${one.channel}-${at}` };
        });
      }
      socket.send(JSON.stringify(parsed));
    });
  });
}

export const scenes = [
  {
    name: "nothing is recorded",
    screens: [
      {
        name: "list, empty",
        route: "board",
        reach: async ({ desk, page }) => {
          await page.goto(desk.url);
          await expect(page.getByRole("button", { name: /sample/i })).toBeVisible();
        },
      },
      { name: "start", route: "start", dialog: "start-title", reach: open("?start") },
      {
        name: "start, with mistakes",
        route: "start",
        dialog: "start-title",
        reach: async ({ desk, page }) => {
          await page.goto(`${desk.url}?start`);
          await page.getByLabel("Channel").fill("a".repeat(70));
          await page.getByLabel("Original").fill("0");
        },
      },
      { name: "watch", route: "watch", dialog: "watch-title", reach: open("?watch") },
      { name: "why", route: "why", dialog: "why-title", reach: open("?why=M3") },
      { name: "notifications", route: "notices", dialog: "notices-title", reach: open("?notices") },
      { name: "faults", route: "faults", reach: open("?faults") },
      { name: "settings", route: "settings", dialog: "settings-title", reach: open("?settings") },
      { name: "help and shortcuts", route: "keys", dialog: "keys-title", reach: open("?keys") },
      { name: "wall, empty", route: "wall", reach: open("?wall") },
      {
        name: "audit, empty",
        route: "audit",
        reach: async ({ desk, page }) => {
          await page.goto(`${desk.url}?audit`);
          await expect(page.getByText("Newest record: 0")).toBeVisible();
        },
      },
    ],
  },
  {
    name: "six are recorded",
    prepare: async (scene) => {
      scene.ids = await record(scene.desk, scene.page, SIX);
    },
    screens: [
      {
        name: "list, six",
        route: "board",
        reach: async ({ desk, page }) => {
          await page.goto(desk.url);
          for (const channel of SIX) await expect(row(page, channel)).toBeVisible();
        },
      },
      {
        name: "list, with its menu",
        route: "board",
        reach: async ({ desk, page }) => {
          await page.goto(desk.url);
          await page.locator("summary", { hasText: "View" }).click();
          await expect(page.getByRole("checkbox", { name: "Last 20 queries" })).toBeVisible();
        },
      },
      {
        name: "list, with ways to go on",
        route: "board",
        reach: async ({ desk, page }) => {
          await page.goto(`${desk.url}?q=colour:red`);
          await expect(page.getByText("There is no field colour.")).toBeVisible();
          await page.getByRole("combobox", { name: "Query" }).fill("state:");
          await page.keyboard.press("ArrowDown");
          await expect(page.getByRole("option", { name: /state:lost/ })).toBeVisible();
        },
      },
      {
        name: "recording beside the list",
        route: "beside",
        reach: async ({ desk, page, ids }) => {
          await page.goto(`${desk.url}?open=${ids[SIX[0]]}`);
          await expect(page.getByRole("complementary").getByRole("heading", { name: SIX[0] })).toBeVisible();
          await expect(row(page, SIX[1])).toBeVisible();
        },
      },
      {
        name: "stop of many",
        route: "stop-many",
        dialog: "stop-many-title",
        reach: async ({ desk, page }) => {
          await page.goto(desk.url);
          for (const channel of SIX.slice(0, 3)) await page.getByRole("checkbox", { name: `Choose ${channel}` }).check();
          await page.getByRole("link", { name: "Stop 3…" }).click();
        },
      },
      {
        name: "commands",
        route: "palette",
        dialog: "palette-title",
        reach: async ({ desk, page }) => {
          await page.goto(`${desk.url}?palette`);
          await page.getByRole("combobox", { name: "What to do" }).fill("math");
          await expect(page.getByRole("option", { name: /Open math-7b/ })).toBeVisible();
        },
      },
      {
        name: "recording",
        route: "recording",
        reach: async ({ desk, page, ids }) => {
          await page.goto(`${desk.url}?recording=${ids[SIX[0]]}`);
          await expect(page.getByRole("heading", { name: new RegExp(SIX[0]) })).toBeVisible();
        },
      },
      {
        name: "recording, at an earlier moment",
        route: "recording",
        reach: async ({ desk, page, ids }) => {
          await page.goto(`${desk.url}?recording=${ids[SIX[0]]}&at=5`);
          await expect(page.locator(".recording.past .moment")).toBeVisible();
        },
      },
      { name: "file, none open", route: "file", reach: open("?file") },
      {
        name: "file",
        route: "file",
        reach: async ({ desk, page, ids }) => {
          await page.goto(`${desk.url}?recording=${ids[SIX[0]]}`);
          const [file] = await Promise.all([
            page.waitForEvent("download"),
            page.locator(".recording > .top .buttons button").first().click(),
          ]);
          await page.goto(`${desk.url}?file`);
          await page.locator("input[type=file]").setInputFiles(await file.path());
          await expect(page.locator(".recording.past .moment")).toBeVisible();
        },
      },
      {
        name: "stop",
        route: "stop",
        dialog: "stop-title",
        reach: async ({ desk, page, ids }) => page.goto(`${desk.url}?stop=${ids[SIX[0]]}`),
      },
      {
        name: "stop of one session",
        route: "stop-session",
        dialog: "stop-title",
        reach: async ({ desk, page, ids }) => page.goto(`${desk.url}?stop=${ids[SIX[0]]}&session=1`),
      },
      {
        name: "start beside another",
        route: "start",
        dialog: "start-title",
        reach: async ({ desk, page }) => {
          await page.goto(`${desk.url}?start=${SIX[0]}`);
          await expect(page.locator("dialog[open]").getByRole("checkbox")).toBeVisible();
        },
      },
      {
        name: "list, 300",
        route: "board",
        reach: async ({ desk, page }) => {
          await multiply(page, 300);
          await page.goto(desk.url);
          await expect(row(page, `${SIX[299 % 6]}-299`)).toHaveCount(1);
        },
      },
    ],
  },
  {
    name: "somebody tried what is refused",
    prepare: async (scene) => {
      scene.ids = await record(scene.desk, scene.page, SIX.slice(0, 1));
      await scene.page.request.post(`${scene.desk.url}api/v1/recordings/${scene.ids[SIX[0]]}/dismiss`, {
        data: { session: 7, reason: "none" },
      });
    },
    screens: [
      {
        name: "audit",
        route: "audit",
        reach: async ({ desk, page }) => {
          await page.goto(`${desk.url}?audit`);
          await expect(page.getByRole("cell", { name: /Refused/ }).first()).toBeVisible();
        },
      },
    ],
  },
  {
    name: "much is broken",
    prepare: async (scene) => {
      const { desk, page } = scene;
      scene.ids = await record(desk, page, SIX.slice(0, 3));
      await desk.faults({ fault: "kill", cname: SIX[0] });
      await desk.faults({ fault: "end", cname: SIX[1] });
      await desk.faults({ fault: "answer", operation: "start", times: 100_000, status: 500 });
      scene.ids[SIX[3]] = await desk.request(SIX[3]);
      await desk.faults({ fault: "answer", operation: "acquire", cname: SIX[4], times: 1, status: 400 });
      scene.ids[SIX[4]] = await desk.request(SIX[4]);
      scene.alarmed = await desk.until("both UIDs have failed", async () =>
        (await desk.recordings()).find((one) => one.channel === SIX[3] && one.alarms?.length),
      );
    },
    screens: [
      {
        name: "list, broken",
        route: "board",
        reach: async ({ desk, page }) => {
          await page.goto(desk.url);
          await expect(row(page, SIX[3]).first()).toBeVisible();
        },
      },
      {
        name: "wall, broken",
        route: "wall",
        reach: async ({ desk, page }) => {
          await page.goto(`${desk.url}?wall`);
          await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        },
      },
      {
        name: "recording, broken",
        route: "recording",
        reach: async ({ desk, page, alarmed }) => {
          await page.goto(`${desk.url}?recording=${alarmed.id}`);
          await expect(page.getByRole("heading", { name: new RegExp(alarmed.channel) })).toBeVisible();
        },
      },
      {
        name: "acknowledge",
        route: "acknowledge",
        dialog: "acknowledge-title",
        reach: async ({ desk, page, alarmed }) =>
          page.goto(`${desk.url}?acknowledge=${alarmed.id}&entry=${alarmed.alarms[0].entry}`),
      },
      {
        name: "dismiss",
        route: "dismiss",
        dialog: "dismiss-title",
        reach: async ({ desk, page, alarmed }) => page.goto(`${desk.url}?dismiss=${alarmed.id}&session=1`),
      },
      {
        name: "try again",
        route: "try-again",
        dialog: "try-title",
        reach: async ({ desk, page, ids }) => page.goto(`${desk.url}?try-again=${ids[SIX[4]]}`),
      },
      {
        name: "connection lost",
        route: "board",
        reach: async ({ desk, page, trouble }) => {
          await page.goto(desk.url);
          await expect(row(page, SIX[3]).first()).toBeVisible();
          trouble.allow(/ERR_CONNECTION_REFUSED|WebSocket|api\/v1/);
          await desk.endProxy();
          await expect(page.locator("#connection")).toBeVisible();
        },
      },
    ],
  },
];
