// Correction and the opt-out of automated decisions in a real browser: a phone number is corrected on the card → one
// that somebody else has is told → an e-mail address is added and taken away → a request of a person who refuses
// automated decisions is recorded and finished in one step → the card and the list say so.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/trust-correction.spec.mjs
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../dev/browser.mjs';

const BASE = process.env.BASE_URL ?? 'http://127.0.0.1:8420';
const OUT = process.env.SHOTS ?? process.env.OUT_DIR;
const RIGHT = '13987650001';
const errors = [];
let browser;
let page;
let one;
let other;

const call = (method, path, body) =>
  page.evaluate(
    async ([method, path, body]) => {
      const answer = await fetch(`/api/v1${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    [method, path, body],
  );

const shot = (name) => (OUT ? page.screenshot({ path: `${OUT}/${name}.png` }) : undefined);

before(async () => {
  browser = await launch();
  const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`${BASE}/customers`);
  await page.getByLabel('邮箱').fill(process.env.EMAIL);
  await page.getByLabel('密码').fill(process.env.PASSWORD);
  await page.getByRole('button', { name: '登录' }).click();
  await page.locator('.list .first-link').first().waitFor();
  const { items } = await call('GET', '/customers?tier=at_risk&tier=lost&tier=hibernating&limit=50');
  const known = items.filter((row) => row.phone && row.tier && row.action);
  [one, other] = known;
  assert.ok(other, 'two customers with phone numbers');
});
after(async () => browser?.close());

const row = (text) => page.getByRole('row', { name: new RegExp(text.replaceAll('*', '\\*')) });

test('a phone number is corrected on the card', async () => {
  await page.goto(`${BASE}/customers/${one.id}?tab=identities`);
  await row(one.phone)
    .first()
    .getByRole('button', { name: /更\s*正/ })
    .click();
  const dialog = page.getByRole('dialog', { name: '更正账号或联系方式' });
  await dialog.getByLabel('正确的内容').fill('138****0001');
  await dialog.getByLabel('原因').fill('客户来电说错了一位');
  await dialog.getByRole('button', { name: /更\s*正/ }).click();
  await dialog.getByText('带星号的脱敏内容可能属于多人').waitFor();
  await dialog.getByLabel('正确的内容').fill(RIGHT);
  await shot('correct-dialog');
  await dialog.getByRole('button', { name: /更\s*正/ }).click();
  await dialog.waitFor({ state: 'hidden' });
  await row('139****0001').getByText('人工添加').waitFor();
  await shot('correct-done');
  await page.goto(`${BASE}/customers/${one.id}`);
  await page.getByText('更正了手机号').waitFor();
});

test('what somebody else has is told, and can be shared', async () => {
  await page.goto(`${BASE}/customers/${other.id}?tab=identities`);
  await page.getByRole('button', { name: '添加账号、手机号或邮箱' }).click();
  const dialog = page.getByRole('dialog', { name: '添加账号、手机号或邮箱' });
  await dialog.getByLabel('内容').fill(RIGHT);
  await dialog.getByLabel('原因').fill('家里人的号码');
  await dialog.getByRole('button', { name: /添\s*加/ }).click();
  await dialog.getByText('另一位客户已有此内容').waitFor();
  await shot('correct-taken');
  await dialog.getByRole('button', { name: '两位都保存' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await row('139****0001')
    .getByRole('button', { name: /移\s*除/ })
    .click();
  const removal = page.getByRole('dialog', { name: '移除账号或联系方式' });
  await removal.getByLabel('原因').fill('弄错了');
  await removal.getByRole('button', { name: /移\s*除/ }).click();
  await removal.waitFor({ state: 'hidden' });
  assert.equal(await row('139****0001').count(), 0);
});

test('who refuses automated decisions is withheld in one step', async () => {
  await call('POST', '/customers/person-requests', { customer: one.id, kind: 'restriction' });
  await page.goto(`${BASE}/customers/${one.id}?tab=requests`);
  await page.getByRole('button', { name: '记录拒绝并办结' }).click();
  await page.getByRole('tooltip').getByRole('button', { name: '记录拒绝并办结' }).click();
  await row('拒绝自动化决策').getByText('已办理').waitFor();
  await page.getByText('不提供：已拒绝自动化决策').waitFor();
  await shot('opted-out-card');
  const card = await call('GET', `/customers/${one.id}`);
  assert.deepEqual([card.automated, card.action], ['refused', null]);
  await page.goto(`${BASE}/customers?automated=refused`);
  await page.locator('.list .first-link').first().waitFor();
  assert.equal(await page.locator('.list .first-link').count(), 1);
  await shot('opted-out-list');
  await page.goto(`${BASE}/insight/rfm`);
  await page.getByText('1 位已拒绝自动化决策的客户除外').first().waitFor();
  await shot('opted-out-rfm');
  await page.setViewportSize({ width: 360, height: 800 });
  await page.goto(`${BASE}/customers/${one.id}?tab=identities`);
  await row('139****0001').waitFor();
  await shot('correct-phone');
  assert.deepEqual(errors, []);
});
