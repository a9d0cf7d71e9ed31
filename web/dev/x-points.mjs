import { launch } from './browser.mjs';
const BASE = process.env.BASE_URL ?? 'http://127.0.0.1:8471';
const OUT = process.env.OUT ?? '/tmp/w/points-shots';
import { mkdirSync } from 'node:fs';
mkdirSync(OUT, { recursive: true });
const paths = JSON.parse(process.env.PATHS ?? '[]');
const modes = JSON.parse(process.env.MODES ?? '[["zh-CN","light",1440],["en-US","dark",360]]');
const browser = await launch();
for (const [lang, theme, width] of modes) {
  const context = await browser.newContext({ locale: lang, viewport: { width, height: 900 }, reducedMotion: 'reduce' });
  await context.addInitScript(([l, th]) => { localStorage.setItem('guanxi.lang', l); localStorage.setItem('guanxi.theme', th); }, [lang, theme]);
  const page = await context.newPage();
  page.on('pageerror', (e) => console.log('ERR', e.message));
  await page.request.post(`${BASE}/api/v1/identity/sessions`, { headers: { origin: BASE, 'sec-fetch-site': 'same-origin' }, data: { email: 'demo@example.com', password: 'guanxi-demo' } });
  for (const [name, path, click] of paths) {
    await page.goto(`${BASE}${path}`);
    await page.waitForLoadState('networkidle');
    if (click) { for (const c of click.split('||')) { await page.getByText(c, { exact: true }).first().click(); await page.waitForTimeout(900);} }
    await page.waitForTimeout(1200);
    await page.screenshot({ path: `${OUT}/${name}-${lang}-${theme}-${width}.png`, fullPage: true });
  }
  await context.close();
}
await browser.close();
