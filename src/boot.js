// Starts the page. It is a file of its own because the security policy refuses inline scripts, and it fetches the
// program with its integrity because browsers ignore the attribute on `preload as=fetch`.
const glue = document.querySelector('link[rel="modulepreload"]:not([href*="/snippets/"])');
const program = document.querySelector('link[rel="preload"][type="application/wasm"]');

const stopped = () => { document.getElementById('stopped').hidden = false; };

// A program that has ended itself answers nothing any more, and says so by this error alone.
addEventListener('error', ({ error }) => { if (error instanceof WebAssembly.RuntimeError) stopped(); });
addEventListener('unhandledrejection', ({ reason }) => { if (reason instanceof WebAssembly.RuntimeError) stopped(); });

try {
  const { default: start } = await import(glue.href);
  await start({ module_or_path: fetch(program.href, { integrity: program.integrity, credentials: 'same-origin' }) });
} catch (error) {
  stopped();
  throw error;
}
