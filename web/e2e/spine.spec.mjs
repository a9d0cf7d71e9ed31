// The spine in a real browser: sign-in → import → customers → card → RFM → export.
//
//   BASE_URL=http://127.0.0.1:8420 EMAIL=… PASSWORD=… IMPORT_FILE=…/ExportOrderList.csv \
//     [SHOP=name] [SHOTS=folder] node --test e2e/spine.spec.mjs
//
// The server, its data and its account are made by whoever starts this.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { launch } from '../dev/browser.mjs';
import { story } from './steps.mjs';

const need = (name) => {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
};
const BASE = process.env.BASE_URL ?? 'http://127.0.0.1:8420';
const SHOTS = process.env.SHOTS;
if (SHOTS) mkdirSync(SHOTS, { recursive: true });
const WAIT_MS = 60_000;

let browser;
let page;
const errors = [];
const shot = (name) =>
  SHOTS ? page.screenshot({ path: join(SHOTS, `spine-${name}.png`), fullPage: true }) : undefined;

const test = story(() => shot('failed')?.catch(() => {}));

before(async () => {
  browser = await launch();
  const context = await browser.newContext({
    locale: 'zh-CN',
    // Far from the shop, whose clocks the times of its orders keep.
    timezoneId: 'America/New_York',
    viewport: { width: 1440, height: 900 },
    acceptDownloads: true,
  });
  page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  page.on('pageerror', (error) => errors.push(error.message));
});
after(async () => browser?.close());

test('someone signs in', async () => {
  await page.goto(BASE);
  await page.getByLabel('邮箱').fill(need('EMAIL'));
  await page.getByLabel('密码').fill(need('PASSWORD'));
  await page.getByRole('button', { name: '登录' }).click();
  await page.getByRole('heading', { level: 1, name: '工作台' }).waitFor();
});

test('an order file is dropped in, looked at and imported', async () => {
  await page.getByRole('navigation', { name: '主菜单' }).getByRole('link', { name: '导入' }).click();
  await page
    .getByRole('button', { name: '导入订单' })
    .or(page.getByRole('link', { name: '导入订单' }))
    .first()
    .click();
  await page.getByLabel('选择订单文件').setInputFiles(need('IMPORT_FILE'));
  await page.getByRole('button', { name: '上传并识别' }).click();
  await page.getByRole('heading', { name: '识别结果' }).waitFor();
  await page.getByRole('region', { name: '开头的行将这样写入' }).getByRole('row').nth(1).waitFor();
  await shot('draft');
  const shopName = page.getByLabel('店铺名称');
  // A store with shops offers them; a new shop is asked for by name.
  if (await shopName.isVisible()) await shopName.fill(process.env.SHOP ?? '茶话旗舰店');
  await page.getByRole('button', { name: '开始导入' }).click();
  await page
    .getByText(/导入完成|这些订单都已经导入过/)
    .first()
    .waitFor();
  await shot('result');
  const created = await page
    .getByRole('term')
    .filter({ hasText: '新增订单' })
    .locator('xpath=following-sibling::dd')
    .innerText();
  assert.ok(Number(created.replaceAll(',', '')) > 0, `no order was created: ${created}`);
  await page.getByRole('button', { name: '看看我的客户' }).click();
  await page.getByRole('heading', { level: 1, name: '客户' }).waitFor();
});

test('the preview of any other table follows the mapping', async () => {
  await page.goto(`${BASE}/imports/new`);
  await page.getByLabel('选择订单文件').setInputFiles({
    name: 'orders.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(
      'nr,day,who,sum,note\nA-1,2026-01-02,Ann,12.50,first\nA-2,2026-01-03,Bob,9.90,second\n',
    ),
  });
  await page.getByRole('button', { name: '上传并识别' }).click();
  const raw = page.getByRole('region', { name: '文件开头的行' });
  await raw.getByRole('cell', { name: 'A-1' }).waitFor();
  // By keyboard: a list that is closing would take a click meant for the next one.
  const choose = async (field, column) => {
    const box = page.getByRole('combobox', { name: field, exact: true });
    await box.fill(column);
    await box.press('Enter');
  };
  await choose('订单号', 'nr');
  await choose('下单时间', 'day');
  await choose('客户账号或编号', 'who');
  await choose('应付金额', 'sum');
  const preview = page.getByRole('region', { name: '开头的行将这样写入' });
  await preview.getByRole('row', { name: /A-1.*2026-01-02 00:00.*Ann.*12\.50/ }).waitFor();
  await shot('mapping');
  // The same file with another column as the order number.
  await choose('订单号', 'note');
  await preview.getByRole('row', { name: /first.*Ann/ }).waitFor();
  await page.getByRole('button', { name: '放弃这份文件' }).click();
  await page.locator('.ant-popconfirm').getByRole('button', { name: '放弃这份文件' }).click();
  await page.waitForURL(/\/imports$/);
});

test('the customers are there', async () => {
  await page
    .getByRole('navigation', { name: '主菜单' })
    .getByRole('link', { name: '客户', exact: true })
    .click();
  await page.getByRole('heading', { level: 1, name: '客户' }).waitFor();
  await page.getByRole('table').getByRole('row').nth(1).waitFor();
  await page.getByRole('columnheader', { name: '消费金额' }).click();
  await page.waitForURL(/sort=-revenue/);
  await shot('customers');
});

test('a card opens with its timeline', async () => {
  // The list may still show the old order while the new one is fetched.
  await page.locator('[aria-busy="true"]').waitFor({ state: 'detached' });
  const first = page.getByRole('table').locator('tbody').getByRole('link').first();
  const name = (await first.innerText()).trim();
  await first.click();
  await page.waitForURL(/\/customers\/cus_/);
  await page.getByRole('heading', { level: 1 }).filter({ hasText: name }).waitFor();
  await page.getByRole('tabpanel').getByRole('listitem').first().waitFor();
  await page.getByRole('tab', { name: '订单' }).click();
  await page.getByRole('tabpanel').getByRole('row').nth(1).waitFor();
  await shot('card');
});

test('the tiers lead to their customers', async () => {
  await page.getByRole('navigation', { name: '主菜单' }).getByRole('link', { name: '会员分层' }).click();
  await page.getByRole('heading', { level: 1, name: /会员分层/ }).waitFor();
  const tiers = page.getByRole('region', { name: '各层级的人数与销售额' });
  const filled = tiers
    .getByRole('row')
    .filter({ has: page.getByRole('cell', { name: /^[1-9][\d,]*$/ }) })
    .first();
  await filled.waitFor();
  await page.locator('.chart-ready').first().waitFor();
  await shot('rfm');
  await filled.getByRole('link').first().click();
  await page.waitForURL(/\/customers\?tier=/);
  await page.getByRole('table').getByRole('row').nth(1).waitFor();
});

test('a filter that is not known is left out and told', async () => {
  await page.goto(`${BASE}/customers?tier=zzz&sort=-revenue`);
  await page.getByText('tier=zzz').waitFor();
  await page.waitForURL(/\/customers\?sort=-revenue$/);
  await page.getByRole('table').getByRole('row').nth(1).waitFor();
});

test('the list can be taken away', async () => {
  await page.getByRole('button', { name: '导出' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: '导出 CSV' }).getByRole('link').click(),
  ]);
  const text = readFileSync(await download.path(), 'utf8');
  assert.ok(text.trim().split('\n').length > 1, 'the export has no rows');
});

test('no script failed on the way', () => {
  assert.deepEqual(errors, []);
});
