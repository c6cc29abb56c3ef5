// Starts the page. It is a file of its own because the security policy refuses inline scripts, and it fetches the
// program with its integrity because browsers ignore the attribute on `preload as=fetch`.
const glue = document.querySelector('link[rel="modulepreload"]');
const program = document.querySelector('link[rel="preload"][type="application/wasm"]');

try {
  const { default: start } = await import(glue.href);
  await start({ module_or_path: fetch(program.href, { integrity: program.integrity, credentials: 'same-origin' }) });
} catch (error) {
  document.getElementById('stopped').hidden = false;
  throw error;
}
