// Pictures of all pages in both languages, widths and modes, with axe's findings.
//   BASE_URL=http://127.0.0.1:8430 EMAIL=… PASSWORD=… OUT=/tmp/shots node dev/shots.mjs [only…]
//   LANGS=zh-CN,en-US WIDTHS=1440,360 MODES=light,dark FULL=0 (only what fits the window)
//   IMPORT_FILE=…/ExportOrderList.csv (for the wizard)
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { launch } from './browser.mjs';

const BASE = process.env.BASE_URL ?? 'http://127.0.0.1:8430';
const OUT = process.env.OUT ?? '/tmp/guanxi-shots';
const EMAIL = process.env.EMAIL ?? 'owner@example.com';
const PASSWORD = process.env.PASSWORD ?? 'guanxi-demo';
const list = (name, fallback) => (process.env[name] ?? fallback).split(',');
const only = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(OUT, { recursive: true });

const browser = await launch();
let serious = 0;
const seen = new Map();
for (const lang of list('LANGS', 'zh-CN,en-US')) {
  for (const width of list('WIDTHS', '1440,360').map(Number)) {
    for (const mode of list('MODES', 'light,dark')) {
      const context = await browser.newContext({
        viewport: { width, height: width < 768 ? 780 : 900 },
        colorScheme: mode,
        locale: lang,
        bypassCSP: true,
        reducedMotion: 'reduce',
        timezoneId: 'Asia/Shanghai',
      });
      await context.addInitScript(
        ({ lang, mode }) => {
          localStorage.setItem('guanxi.lang', lang);
          localStorage.setItem('guanxi.theme', mode);
        },
        { lang, mode },
      );
      const page = await context.newPage();
      page.on('pageerror', (error) => console.log(`  ERROR ${error.message}`));
      page.on('console', (message) => {
        if (message.type() === 'error' && !/401|404|ERR_FAILED/.test(message.text()))
          console.log(`  console: ${message.text().slice(0, 200)}`);
      });
      const shot = async (name, prepare) => {
        if (only.length && !only.some((one) => name.startsWith(one)) && name !== 'sign-in') return;
        await prepare();
        await page.waitForLoadState('networkidle').catch(() => {});
        await page.waitForTimeout(350);
        if (only.length && !only.some((one) => name.startsWith(one))) return;
        const wide = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        if (wide > 0) console.log(`  WIDE ${name} ${lang} ${width}: ${wide} px too wide`);
        await page.screenshot({
          path: join(OUT, `${name}-${lang}-${width}-${mode}.png`),
          fullPage: process.env.FULL !== '0',
        });
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() =>
          window.axe.run(document, { resultTypes: ['violations'] }),
        );
        for (const one of violations.filter((v) => ['serious', 'critical'].includes(v.impact))) {
          serious += 1;
          const key = `${one.id} ${name} ${mode}`;
          if (!seen.has(key)) {
            seen.set(key, 1);
            console.log(
              `  AXE ${one.impact} ${one.id} on ${name} ${lang} ${width} ${mode}: ${one.nodes.length}× ${one.nodes
                .slice(0, 3)
                .map(
                  (n) =>
                    `${n.html.slice(0, 140)} | ${(n.any[0]?.message ?? n.none[0]?.message ?? '').slice(0, 160)}`,
                )
                .join('\n      ')}`,
            );
          }
        }
      };
      const go = (path) => () => page.goto(BASE + path);
      const api = (path) => page.evaluate((path) => fetch(`/api/v1${path}`).then((r) => r.json()), path);
      await shot('sign-in', go('/sign-in'));
      await page.locator('input[type=email]').fill(EMAIL);
      await page.locator('input[type=password]').fill(PASSWORD);
      await page.locator('button[type=submit]').click();
      await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
      const imports = (await api('/commerce/imports')).items ?? [];
      const customer = (await api('/customers?sort=-orders&limit=1')).items?.[0];
      const order = (await api('/commerce/orders?limit=1')).items?.[0];
      await shot('workbench', go('/'));
      await shot('workbench-table', async () => {
        await page.goto(BASE);
        await page.waitForTimeout(400);
        await page.keyboard.press('t');
      });
      await shot('palette', async () => {
        await page.goto(BASE);
        await page.waitForTimeout(400);
        await page.keyboard.press('Control+k');
        await page.getByRole('combobox').waitFor();
        await page.waitForTimeout(300);
        await page.keyboard.type('王');
        await page.waitForTimeout(500);
      });
      await shot('shortcuts', async () => {
        await page.goto(BASE);
        await page.waitForTimeout(400);
        await page.keyboard.press('?');
        await page.waitForTimeout(300);
      });
      await shot('customers', go('/customers'));
      await shot('customers-selected', async () => {
        await page.goto(`${BASE}/customers?tier=champions&sort=-revenue`);
        await page.locator('.list .first-link').first().waitFor();
        for (const key of ['j', 'x', 'j', 'x', 'j']) await page.keyboard.press(key);
      });
      await shot('customers-none', go('/customers?q=zzzz'));
      await shot('customers-filters', async () => {
        await page.goto(`${BASE}/customers?revenue_min=50000&last_order_to=2026-06-30`);
        await page.locator('.list .first-link').first().waitFor();
        await page.locator('.filter-bar > .ant-btn').last().click();
        await page.waitForTimeout(300);
      });
      await shot('customers-offline', async () => {
        await page.route('**/api/v1/customers?*', (route) => route.abort());
        await page.goto(`${BASE}/customers`);
        await page.getByRole('alert').waitFor();
        await page.unroute('**/api/v1/customers?*');
      });
      await shot('suggestions', go('/customers/suggestions'));
      if (customer) {
        await shot('card', go(`/customers/${customer.id}`));
        for (const tab of ['orders', 'notes', 'identities', 'merges'])
          await shot(`card-${tab}`, go(`/customers/${customer.id}?tab=${tab}`));
        await shot('card-suggested', async () => {
          const one = (await api('/customers/suggestions')).items?.[0];
          if (one) await page.goto(`${BASE}/customers/${one.a.id}`);
        });
        await shot('card-merge', async () => {
          await page.goto(`${BASE}/customers/suggestions`);
          const merge = page.locator('.suggestion .ant-btn-primary').first();
          if (
            await merge.waitFor({ timeout: 2_000 }).then(
              () => true,
              () => false,
            )
          )
            await merge.click();
          await page.waitForTimeout(400);
        });
      }
      await shot('card-reveal', async () => {
        await page.goto(`${BASE}/customers/${customer.id}`);
        await page.locator('.panel-extra .anticon-eye').click();
        await page.getByRole('dialog').locator('textarea').waitFor();
        await page.waitForTimeout(300);
      });
      await shot('orders', go('/orders'));
      if (order) await shot('order', go(`/orders/${order.id}`));
      await shot('imports', go('/imports'));
      await shot('import-new', go('/imports/new'));
      await shot('import-draft', async () => {
        await page.goto(`${BASE}/imports/new`);
        await page.locator('input[type=file]').setInputFiles(
          process.env.IMPORT_FILE ?? {
            name: 'ExportOrderList.csv',
            mimeType: 'text/csv',
            buffer: Buffer.from('订单编号,买家会员名\n1,a\n'),
          },
        );
        await page.locator('.buttons .ant-btn-primary').click();
        await page.waitForURL(/imports\/imp_/);
        await page.waitForTimeout(500);
      });
      await shot('import-generic', async () => {
        await page.goto(`${BASE}/imports/new`);
        await page.locator('input[type=file]').setInputFiles({
          name: 'online_retail.csv',
          mimeType: 'text/csv',
          buffer: Buffer.from(
            [
              'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country',
              '536365,85123A,WHITE HANGING HEART HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom',
              '536365,71053,WHITE METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850,United Kingdom',
              'C536379,D,Discount,-1,2010-12-01 09:41:00,27.50,14527,United Kingdom',
              '536370,22728,ALARM CLOCK BAKELIKE PINK,24,12/1/2010,3.75,12583,France\n',
            ].join('\n'),
          ),
        });
        await page.locator('.buttons .ant-btn-primary').click();
        await page.waitForURL(/imports\/imp_/);
        await page.waitForTimeout(500);
      });
      for (const state of ['running', 'paused', 'finished', 'failed', 'undone']) {
        const one = imports.find((i) => i.state === state);
        if (one) await shot(`import-${state}`, go(`/imports/${one.id}`));
      }
      await shot('import-rejects', async () => {
        const one = imports.find((i) => i.rejected > 0);
        if (one) await page.goto(`${BASE}/imports/${one.id}`);
      });
      await shot('import-undo', async () => {
        const one = imports.find((i) => i.state === 'finished' && i.can_undo);
        if (!one) return;
        await page.goto(`${BASE}/imports/${one.id}`);
        await page.locator('.buttons .ant-btn-dangerous').click();
        await page.waitForTimeout(400);
      });
      await shot('rfm', go('/insight/rfm'));
      await shot('rfm-picked', async () => {
        await page.goto(`${BASE}/insight/rfm`);
        await page.locator('.chart-ready').first().waitFor();
        await page.keyboard.press('t');
        await page.locator('.cell-button').first().click();
      });
      await shot('rfm-compare', async () => {
        await page.goto(
          `${BASE}/insight/rfm?compare_to=2026-08-24&bins=3&scheme=classic&metric=revenue&layer=2`,
        );
      });
      await shot('rfm-table', async () => {
        await page.goto(`${BASE}/insight/rfm`);
        await page.waitForTimeout(500);
        await page.keyboard.press('t');
      });
      const audience = (await api('/insight/audiences')).items?.[0];
      await shot('audiences', go('/insight/audiences'));
      await shot('audience-new', go('/insight/audiences/new'));
      if (audience) await shot('audience', go(`/insight/audiences/${audience.id}`));
      await shot('audience-fault', go('/insight/audiences/new?text=orders+>>+2'));
      await shot('value', go('/insight/value?horizon=90'));
      await shot('value-held', go('/insight/value?held=2026-05-01'));
      for (const view of ['cohorts', 'intervals', 'pairs', 'prices']) {
        await shot(`retention-${view}`, go(`/insight/retention?view=${view}`));
      }
      await shot('rfm-clusters', go('/insight/rfm?view=clusters'));
      await shot('value-young', go('/insight/value?held=2001-01-01'));
      await shot('intent', go('/insight/intent'));
      await shot('intent-high', go('/insight/intent?tier=high'));
      await shot('intent-file', go('/insight/intent?tab=file'));
      for (const [name, path] of [
        ['account', ''],
        ['people', '/people'],
        ['explain', '/people/explain'],
        ['shops', '/shops'],
        ['tags', '/tags'],
        ['tokens', '/tokens'],
        ['jobs', '/jobs'],
        ['retention', '/retention'],
        ['backups', '/backups'],
      ])
        await shot(`settings-${name}`, go(`/settings${path}`));
      const people = (await api('/identity/users?limit=20')).items ?? [];
      for (const [index, one] of people.slice(0, 4).entries())
        await shot(
          `settings-explained-${index}`,
          go(`/settings/people/explain?user=${one.id}&record=${customer?.id}`),
        );
      await shot('settings-member', async () => {
        await page.goto(`${BASE}/settings/people`);
        await page.locator('table.plain').first().locator('button').nth(1).click();
        await page.getByRole('dialog').waitFor();
        await page.waitForTimeout(400);
      });
      await shot('missing', go('/nowhere'));
      await shot('not-found', go('/customers/cus_nobody'));
      await context.close();
    }
  }
}
await browser.close();
console.log(`${serious} serious or critical findings; pictures in ${OUT}`);
process.exit(serious ? 1 : 0);
