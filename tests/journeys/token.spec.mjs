import { readFile } from "node:fs/promises";
import { AccessToken2, ServiceRtc } from "agora-token/src/AccessToken2.js";
import { expect, test } from "../harness/test.mjs";
import { start } from "../harness/look.mjs";

const CERTIFICATE = "5cfd2fd1755d40ecb72977518be15d3b";

/** Claims, and the tokens that the vendor's builder and ours make of them: a test of the proxy holds ours to the same file. */
const VECTORS = new URL("../../crates/proxy/tokens/vectors.json", import.meta.url);

test("the vendor's package reads our tokens, and builds those that ours are compared with", async () => {
  for (const { app_id, certificate, channel, uid, issued_at, good_for, salt, vendors, ours } of JSON.parse(await readFile(VECTORS, "utf8"))) {
    const token = new AccessToken2(app_id, certificate, issued_at, good_for);
    Object.assign(token, { salt, issueTs: issued_at });
    const service = new ServiceRtc(channel, uid);
    service.add_privilege(ServiceRtc.kPrivilegeJoinChannel, good_for);
    token.add_service(service);
    const read = (text) => {
      const one = new AccessToken2();
      expect(one.from_string(text)).toBe(true);
      expect(one.verifySignature(certificate)).toBe(true);
      expect(one.verifySignature("0123456789abcdef0123456789abcdef")).toBe(false);
      const [{ __channel_name, __uid, __privileges }] = one.services;
      const { appId, issueTs, expire } = one;
      return { appId: `${appId}`, issueTs, expire, salt: one.salt, channel: `${__channel_name}`, uid: `${__uid}`, privileges: __privileges };
    };
    const expected = { appId: app_id, issueTs: issued_at, expire: good_for, salt, channel, uid: `${uid}`, privileges: { 1: good_for } };
    expect(read(ours)).toEqual(expected);
    expect(read(vendors)).toEqual(expected);
    expect(read(token.build())).toEqual(expected);
  }
});

test.describe("where the App Certificate is enabled", () => {
  test.use({
    deskOptions: {
      clockRate: 10,
      app: `app_certificate = "${CERTIFICATE}"`,
      service: ["--app-certificate", CERTIFICATE, "--unknown", "token-checked=at-start"],
    },
  });

  test("a recording starts with a token that the proxy built, and records", async ({ desk, page }) => {
    await page.goto(desk.url);
    // A start that is repeated has the same bytes, or it would be refused.
    await desk.faults({ fault: "answer", operation: "start", times: 1, status: 503 });
    const id = await start(page, "econ-5");
    await expect(page.getByText(/^accepted [\d:]+, confirmed [\d:]+$/)).toBeVisible({ timeout: 30_000 });
    const starts = (await desk.ledger()).requests.filter(({ operation }) => operation === "start");
    expect(starts).toHaveLength(2);
    // Nobody who looks is told anything of it.
    const shown = JSON.stringify([await desk.recordings(), await desk.journal(id)]) + (await page.content());
    expect(shown).not.toContain(CERTIFICATE);
    expect(shown).not.toMatch(/007eJ/);
  });
});
