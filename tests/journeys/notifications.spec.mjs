import { expect, test } from "../harness/test.mjs";
import { facts, panel, row, start, stop } from "../harness/look.mjs";

test.describe("with notifications", () => {
  test.use({ deskOptions: { clockRate: 10, seed: 5, notifications: [] } });

  test("a start that was carried out, whose answer was lost and whose page was closed, is adopted from its notification", async ({
    desk,
    page,
    context,
  }) => {
    await desk.faults({ fault: "answer_lost", operation: "start" });
    await page.goto(desk.url);
    const id = await start(page, "econ-5");
    await desk.until("the start was carried out", async () => (await desk.ledger()).sessions.length === 1);
    await page.close();

    // Nobody looks; what the service tells finds the recording all the same.
    const [adopted] = await desk.until("it is adopted", async () => {
      const adoptions = facts(await desk.journal(id), "Adopted");
      return adoptions.length > 0 && adoptions;
    });
    const [session] = (await desk.ledger()).sessions;
    expect([adopted.sid, String(adopted.uid), adopted.by]).toEqual([session.sid, session.uid, "agora"]);
    const notified = facts(await desk.journal(id), "Notified");
    expect(notified.length).toBeGreaterThan(0);
    expect(notified.every((one) => one.sid === session.sid)).toBe(true);

    // Whoever comes next sees a recording that runs, and can stop it.
    const next = await context.newPage();
    await next.goto(desk.url);
    await row(next, "econ-5").click();
    await expect(next.getByText(/^accepted [\d:]+, confirmed [\d:]+$/)).toBeVisible({ timeout: 30_000 });
    expect((await desk.ledger()).sessions).toHaveLength(1);
    await stop(next, "econ-5");
    await desk.until("nothing runs any more", async () => (await desk.ledger()).sessions.every(({ live }) => !live));
    await expect.poll(async () => (await desk.recordings())[0].sessions[0].phase, { timeout: 30_000 }).toHaveProperty("over");
  });
});

test.describe("with notifications that get lost", () => {
  test.use({ deskOptions: { clockRate: 10, seed: 7, notifications: ["--notify-lost", "1000"] } });

  test("staff find an orphan in the notifications that fit no session, and adopt it", async ({ desk, page, context }) => {
    await desk.faults({ fault: "answer_lost", operation: "start", times: 3 });
    await page.goto(desk.url);
    const id = await start(page, "econ-5");
    await desk.until("the start was carried out", async () => (await desk.ledger()).sessions.length === 1);
    await page.close();

    // The service's clock is an hour behind: what it tells may be about an older start of the same UID.
    const [session] = (await desk.ledger()).sessions;
    const told = { cname: session.cname, uid: session.uid, sid: session.sid, sequence: 0, sendts: session.started_at - 3_600_000 };
    const details = { msgName: "recorder_started", status: 0 };
    const notification = { noticeId: "late", productId: 3, eventType: 40, notifyMs: 1, payload: { ...told, serviceType: 1, details } };
    expect(await desk.notify(notification)).toBe(200);

    const next = await context.newPage();
    // Until it is adopted this page's own tries do not get through, so that they cannot find it first.
    await next.route("**/calls", () => {});
    await next.goto(desk.url);
    await next.getByRole("link", { name: /Notified/ }).click();
    const dialog = next.getByRole("dialog", { name: "Notifications" });
    await expect(dialog.getByText("Without a session: 1")).toBeVisible();
    await expect(dialog.getByText(/It may be session 1 of econ-5/)).toBeVisible({ timeout: 20_000 });
    await expect(async () => {
      if (await dialog.getByRole("button", { name: "Adopt this one" }).isVisible()) {
        await dialog.getByRole("button", { name: "Adopt this one" }).click();
      }
      await expect(dialog.getByText("Every notification fits a session.")).toBeVisible({ timeout: 2_000 });
    }).toPass({ timeout: 30_000 });
    await next.screenshot({ path: "results/notices.png" });
    const [adopted] = facts(await desk.journal(id), "Adopted");
    expect([adopted.sid, adopted.session]).toEqual([session.sid, 1]);

    await next.unrouteAll();
    await next.reload();
    await expect(dialog).toBeVisible();
    await next.keyboard.press("Escape");
    await row(next, "econ-5").click();
    await expect(next.getByText(/^accepted [\d:]+, confirmed [\d:]+$/)).toBeVisible({ timeout: 30_000 });
    expect((await desk.ledger()).sessions).toHaveLength(1);
    await stop(next, "econ-5");
    await desk.until("nothing runs any more", async () => (await desk.ledger()).sessions.every(({ live }) => !live));
  });

  test("the webhook is set up from the page", async ({ desk, page }) => {
    await page.goto(`${desk.url}?notices`);
    const dialog = page.getByRole("dialog", { name: "Notifications" });
    await expect(dialog.getByText("Every notification fits a session.")).toBeVisible();
    await dialog.getByRole("button", { name: "Set up notifications" }).click();
    await expect(dialog.getByText("Being set up")).toBeVisible();
    const unsigned = await fetch(`${desk.origin}/api/v1/notifications/journey`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ noticeId: "check", productId: 3, eventType: 40, notifyMs: 1, payload: { cname: "test_webhook", uid: "1", sid: "1" } }),
    });
    expect(unsigned.status).toBe(200);
    await expect(dialog.getByText("Last test delivery")).toBeVisible();
    await expect(dialog.getByRole("definition").nth(1)).toHaveText(/\d+ s ago/);
  });
});

test.describe("with redundant notifications, some of them doubled and late", () => {
  test.use({
    deskOptions: {
      clockRate: 10,
      seed: 6,
      notifications: ["--notify-redundant", "--notify-doubled", "300", "--notify-late", "100"],
    },
  });

  test("a failover is proved by event 12 and its gap is exact, and no copy is acted on", async ({ desk, page }) => {
    await page.goto(desk.url);
    const id = await start(page, "econ-5");
    await expect(page.getByText(/^accepted [\d:]+, confirmed [\d:]+$/)).toBeVisible({ timeout: 30_000 });
    await desk.faults({ fault: "kill", cname: "econ-5", resumes_after_ms: 20_000 });
    const session = await desk.until("a gap is told", async () => {
      const [one] = (await desk.recordings())[0].sessions;
      return one.heard?.gaps?.length > 0 && one;
    });
    const [gap] = session.heard.gaps;
    const notices = await desk.notices();
    const told = notices.filter(({ event }) => event === 42).map(({ payload }) => payload.details);
    expect(told).toContainEqual(expect.objectContaining({ discontinueUtcMs: gap.from, startUtcMs: gap.to }));
    await desk.until("event 12 came", async () => facts(await desk.journal(id), "Notified").some(({ event }) => event === 12));
    const journal = await desk.journal(id);
    expect(facts(journal, "NotifiedAgain").length).toBeGreaterThan(0);
    const identities = facts(journal, "Notified").map(({ event, uid, sequence, sent_at }) => `${event} ${uid} ${sequence} ${sent_at}`);
    expect(new Set(identities).size).toBe(identities.length);
    const [recording] = await desk.recordings();
    expect(recording.sessions).toHaveLength(1);

    // And so the page says it: what was told, by whom, how often, and what it proves.
    const told12 = panel(page, "Notifications").getByRole("row", { name: "12 session_failover" });
    await expect(told12).toBeVisible();
    await expect(panel(page, "Notifications")).toContainText(/redundant: delivered \d+ more/);
    await expect(panel(page, "Notifications")).toContainText("Last one");
    const history = panel(page, "Failover history").getByRole("row", { name: "1 of 3" });
    await expect(history).toContainText(/Notification 12 names UID \d+/, { timeout: 30_000 });
    await expect(history).not.toContainText("inferred");
    await expect(page.getByRole("banner")).toContainText(/Notified \d+/);
    await page.screenshot({ path: "results/notifications.png", fullPage: true });
  });
});
