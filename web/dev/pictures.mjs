// The pictures of the READMEs, in both languages: docs/images/NAME-en.png and NAME.png (Chinese).
//   BASE_URL=http://127.0.0.1:8420 EMAIL=demo@example.com PASSWORD=… node dev/pictures.mjs
// Meant for the shop that `guanxi demo` invents.
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';

const BASE = process.env.BASE_URL ?? 'http://127.0.0.1:8420';
const EMAIL = process.env.EMAIL ?? 'demo@example.com';
const PASSWORD = process.env.PASSWORD ?? 'guanxi-demo';
const LIMIT_BYTES = 200_000;
const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url));

const browser = await launch();
let failed = false;
for (const [lang, end] of [
  ['en-US', '-en'],
  ['zh-CN', ''],
]) {
  const context = await browser.newContext({
    locale: lang,
    colorScheme: 'light',
    reducedMotion: 'reduce',
    timezoneId: 'Asia/Shanghai',
  });
  await context.addInitScript((lang) => localStorage.setItem('guanxi.lang', lang), lang);
  const page = await context.newPage();
  await context.request.post(`${BASE}/api/v1/identity/sessions`, {
    data: { email: EMAIL, password: PASSWORD },
  });
  const picture = async (name, path, ready, size) => {
    await page.setViewportSize(size);
    await page.goto(BASE + path);
    await page.locator(ready).first().waitFor();
    await page.waitForTimeout(800);
    const file = `${folder}${name}${end}.png`;
    await page.screenshot({ path: file });
    const bytes = statSync(file).size;
    failed ||= bytes > LIMIT_BYTES;
    console.log(`${name}${end}.png ${bytes} bytes${bytes > LIMIT_BYTES ? ', TOO LARGE' : ''}`);
  };
  await picture('rfm', '/insight/rfm?scheme=classic', '.chart-ready', { width: 1280, height: 1120 });
  await picture('customers', '/customers?sort=-revenue', '.list .first-link', { width: 1440, height: 640 });
  await context.close();
}
await browser.close();
process.exit(failed ? 1 : 0);
