// Starts the page. It is a file of its own because the security policy refuses inline scripts, and it fetches the
// program with its integrity because browsers ignore the attribute on `preload as=fetch`.
const glue = document.querySelector('link[rel="modulepreload"]:not([href*="/snippets/"])');
const program = document.querySelector('link[rel="preload"][type="application/wasm"]');

// The styles of a dialog come with the program's second file, which may be what did not come.
const stopped = () => {
  document.getElementById('skeleton')?.remove();
  if (!document.getElementById('later-styles')) document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href: 'later.css' }));
  document.getElementById('stopped').hidden = false;
};

// A program that has ended itself answers nothing any more, and says so by this error alone.
addEventListener('error', ({ error }) => { if (error instanceof WebAssembly.RuntimeError) stopped(); });
addEventListener('unhandledrejection', ({ reason }) => { if (reason instanceof WebAssembly.RuntimeError) stopped(); });

// What was chosen on an earlier visit, as far as the browser keeps anything.
const kept = (name) => { try { return localStorage.getItem(`tallylight-${name}`); } catch { return null; } };
for (const name of ['theme', 'contrast']) if (kept(name)) document.documentElement.setAttribute(`data-${name}`, kept(name));
try { new Intl.DateTimeFormat('en', { timeZone: kept('zone') || 'UTC' }); } catch { localStorage.removeItem('tallylight-zone'); }

// The language: what was chosen on this page, else the browser's. English is in the program; another one is fetched.
const language = () => kept('language') || (/^zh\b/i.test(navigator.language) ? 'zh-CN' : 'en');
const catalogue = async () => {
  if (language() !== 'zh-CN') return;
  const answer = await fetch('zh-CN.json');
  if (!answer.ok) return;
  const words = await answer.json();
  globalThis.words = Object.entries(words).flat().join('\0');
  for (const node of document.querySelectorAll('[data-say]')) node.textContent = words[node.textContent] ?? node.textContent;
  document.documentElement.lang = 'zh-CN';
};

// Where the proxy is: where the page came from, unless the file beside it names another place.
const find = async () => {
  const answer = await fetch('config.json', { cache: 'no-cache' });
  if (!answer.ok && answer.status !== 404) throw new Error(`config.json: ${answer.status}`);
  try {
    const { proxy } = answer.ok ? await answer.json() : {};
    const address = new URL(proxy ? proxy.replace(/\/*$/, '/') : '.', location.href);
    if (!/^https?:$/.test(address.protocol) || address.search || address.hash) throw new Error(`${address} is no address of a proxy`);
    globalThis.proxy = address.href;
  } catch (error) {
    document.getElementById('stopped-text').hidden = true;
    document.getElementById('misled-text').hidden = false;
    throw error;
  }
};

try {
  // All at once; a catalogue that does not come leaves the page in English.
  const code = fetch(program.href, { integrity: program.integrity, credentials: 'same-origin' });
  const [{ default: start }] = await Promise.all([import(glue.href), catalogue().catch(() => {}), find()]);
  await start({ module_or_path: code });
} catch (error) {
  stopped();
  throw error;
}
