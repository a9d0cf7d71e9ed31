// How long the first page takes: from the navigation to a figure of the workbench that can be clicked.
//   BASE_URL=http://127.0.0.1:8420 EMAIL=… PASSWORD=… [RUNS=5] node dev/interactive.mjs
// Prints {"interactive_ms": [one per run], "script_kb_compressed": N}. Each run has a fresh profile in
// which someone is signed in; nothing is cached. The scripts are those that were there by then, in
// kB (1,000 bytes) as they came over the wire. A headless browser on a very busy machine now and then
// draws no frame at all for half a minute; such a run is named on standard error and done again.
import { launch } from './browser.mjs';

const need = (name) => {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set`);
    process.exit(2);
  }
  return value;
};
const BASE = need('BASE_URL');
const account = { email: need('EMAIL'), password: need('PASSWORD') };
const RUNS = Number(process.env.RUNS ?? 5);
const FIRST = '.tile-link';
const WAIT_MS = 15_000;
const AGAIN_MOST = 3;

/** In the page: notes the first frame in which the element would take a click, once the thread is free. */
function watch(selector) {
  const look = () => {
    const element = document.querySelector(selector);
    const box = element?.getBoundingClientRect();
    const hit = box?.width && document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    if (!hit || !element.contains(hit)) {
      requestAnimationFrame(look);
      return;
    }
    setTimeout(() => {
      const at = performance.now();
      const scripts = performance
        .getEntriesByType('resource')
        .filter((one) => /\.js(\?|$)/.test(one.name) && one.responseEnd <= at);
      window.interactive = {
        at,
        bytes: scripts.reduce((sum, one) => sum + one.encodedBodySize, 0),
      };
    });
  };
  requestAnimationFrame(look);
}

const interactive_ms = [];
let bytes = 0;
let again = 0;
while (interactive_ms.length < RUNS) {
  const browser = await launch();
  try {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const answer = await context.request.post(`${BASE}/api/v1/identity/sessions`, { data: account });
    if (!answer.ok()) throw new Error(`sign-in: ${answer.status()} ${await answer.text()}`);
    const page = await context.newPage();
    await page.addInitScript(watch, FIRST);
    await page.goto(BASE, { waitUntil: 'commit', timeout: WAIT_MS });
    await page.waitForFunction(() => window.interactive, undefined, { timeout: WAIT_MS });
    const seen = await page.evaluate(() => window.interactive);
    interactive_ms.push(Math.round(seen.at));
    bytes = Math.max(bytes, seen.bytes);
  } catch (error) {
    again += 1;
    if (error.name !== 'TimeoutError' || again > AGAIN_MOST) throw error;
    console.error(`run ${interactive_ms.length + 1}: nothing to click within ${WAIT_MS} ms, once more`);
  } finally {
    await browser.close();
  }
}
console.log(JSON.stringify({ interactive_ms, script_kb_compressed: Math.round(bytes / 100) / 10 }));
