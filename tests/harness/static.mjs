// Serves the built page alone, as any host of files does: with nothing behind it, or with the proxy elsewhere.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = process.env.TALLYLIGHT_ASSETS ?? fileURLToPath(new URL("../../dist/", import.meta.url));

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
};

/**
 * Starts a server of the built page on a free port; `close` ends it. The page lies under `folder`, and `config` is the
 * text of the `config.json` beside it instead of the one that was built, once it is set.
 */
export async function servePage({ host = "127.0.0.1", folder = "/" } = {}) {
  const served = { config: undefined };
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    const name = path.startsWith(folder) ? path.slice(folder.length) || "index.html" : "nothing";
    const file = join(DIST, normalize(`/${name}`));
    try {
      const body = name === "config.json" && served.config !== undefined ? served.config : await readFile(file);
      response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(served, {
    origin: `http://${host}:${server.address().port}`,
    url: `http://${host}:${server.address().port}${folder}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  });
}
