// The content security policy in a real browser: every page works under it without a violation, a script
// that somebody got into a page does not run, and the nonce is another one with each page.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/walls.spec.mjs
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../dev/browser.mjs';

const BASE = process.env.BASE_URL ?? 'http://127.0.0.1:8420';
const PAGES = [
  '/',
  '/customers',
  '/customers/suggestions',
  '/orders',
  '/insight/rfm',
  '/insight/audiences',
  '/insight/audiences/new',
  '/insight/value',
  '/insight/retention',
  '/imports',
  '/imports/new',
  '/settings',
  '/settings/people',
  '/settings/tokens',
  '/settings/tags',
  '/settings/shops',
  '/settings/jobs',
  '/settings/audit',
  '/settings/retention',
  '/no-such-page',
];
const violations = [];
let browser;
let page;

before(async () => {
  browser = await launch();
  const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.exposeFunction('violated', (what) => violations.push(what));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const { violatedDirective, blockedURI, sourceFile, lineNumber, sample } = event;
      window.violated(
        [location.pathname, violatedDirective, blockedURI, sourceFile, lineNumber, sample].join(' '),
      );
    });
  });
});
after(async () => browser?.close());

test('every page works without a violation', async () => {
  await page.goto(`${BASE}/customers`);
  await page.getByLabel('邮箱').fill(process.env.EMAIL);
  await page.getByLabel('密码').fill(process.env.PASSWORD);
  await page.getByRole('button', { name: '登录' }).click();
  await page.getByRole('navigation', { name: '主菜单' }).waitFor();
  for (const path of PAGES) {
    await page.goto(`${BASE}${path}`);
    await page.getByRole('main').waitFor();
    await page.waitForLoadState('networkidle');
  }
  // Things that write styles of their own: charts, drop-downs, messages, a card.
  await page.goto(`${BASE}/insight/rfm`);
  await page.waitForLoadState('networkidle');
  const chart = page.locator('canvas').first();
  if (await chart.count()) await chart.hover({ force: true });
  await page.goto(`${BASE}/customers`);
  await page.waitForLoadState('networkidle');
  const row = page.locator('a[href*="/customers/cus_"]').first();
  if (await row.count()) {
    await row.click();
    await page.waitForLoadState('networkidle');
  }
  assert.deepEqual([...new Set(violations)], []);
});

test('what somebody gets into a page does not run, and is seen', async () => {
  await page.goto(`${BASE}/customers`);
  await page.waitForLoadState('networkidle');
  const ran = await page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'window.stolen = true';
    document.body.append(script);
    const holder = document.createElement('div');
    holder.innerHTML = '<img src="x" onerror="window.stolen = true">';
    document.body.append(holder);
    await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
    return window.stolen === true;
  });
  assert.equal(ran, false);
  assert.ok(
    violations.some((what) => what.includes('script-src')),
    violations.join('\n'),
  );
});

test('a nonce is good for one page', async () => {
  const nonce = () => page.evaluate(() => document.querySelector('meta[property="csp-nonce"]').nonce);
  await page.goto(`${BASE}/customers`);
  const first = await nonce();
  assert.ok(first.length >= 22 && first !== 'NONCE_OF_THIS_PAGE', first);
  await page.reload();
  assert.notEqual(await nonce(), first);
});
