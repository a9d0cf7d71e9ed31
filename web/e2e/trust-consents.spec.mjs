// Consents in a real browser: a text is written, a grant by it recorded on a card, and taken back.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/privacy.spec.mjs
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../dev/browser.mjs';

const BASE = process.env.BASE_URL ?? 'http://127.0.0.1:8420';
const SHOTS = process.env.SHOTS;
const errors = [];
let browser;
let page;

before(async () => {
  browser = await launch();
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    reducedMotion: 'reduce',
  });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('pageerror', (error) => errors.push(error.message));
});
after(async () => browser?.close());

const choose = async (label, option) => {
  const box = page.getByRole('combobox', { name: label });
  await box.fill(option);
  await box.press('Enter');
};

test('a text by which people are asked has versions', async () => {
  await page.goto(`${BASE}/settings/consent-texts`);
  await page.getByLabel('邮箱').fill(process.env.EMAIL);
  await page.getByLabel('密码').fill(process.env.PASSWORD);
  await page.getByRole('button', { name: '登录' }).click();
  await page.getByText('还没有授权文本', { exact: true }).waitFor();
  for (const [at, body] of ['我同意接收优惠短信。', '我同意接收优惠短信，可随时退订。'].entries()) {
    await page.getByLabel('名称').fill('优惠短信');
    await page.getByLabel('正文').fill(body);
    await page.getByRole('button', { name: /新\s*建/ }).click();
    await page.getByText(`优惠短信 第 ${at + 1} 版`).waitFor();
  }
});

test('a grant on a card holds until it is taken back, and both stay in the history', async () => {
  await page.goto(`${BASE}/customers`);
  await page.locator('main a[href^="/customers/cus_"]').first().click();
  await page.getByRole('tab', { name: '授权' }).click();
  const panel = page.getByRole('tabpanel', { name: '授权' });
  await panel.getByText('还没有记录').waitFor();
  await panel.getByRole('button', { name: '记录授权或拒绝' }).click();
  await panel.getByText('同意', { exact: true }).click();
  await choose('用途', '营销');
  await choose('渠道', '短信');
  await choose('告知文本', '优惠短信 第 2 版');
  await panel.getByLabel('凭据').fill('录音 2026-11-22');
  await panel.getByRole('button', { name: /^记\s*录$/ }).click();
  const marketing = panel.getByRole('row', { name: /^营销/ });
  await marketing.getByText('同意').waitFor();
  await panel.getByText('优惠短信 第 2 版').waitFor();
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/consents.png`, fullPage: true });

  await panel.getByRole('button', { name: '记录授权或拒绝' }).click();
  await choose('用途', '营销');
  await choose('渠道', '所有渠道');
  await panel.getByRole('button', { name: /^记\s*录$/ }).click();
  await marketing.getByText('拒绝').first().waitFor();
  assert.equal(await marketing.getByText('同意').count(), 0);
  assert.equal(await panel.getByRole('listitem').count(), 2);
  await panel.getByText('录音 2026-11-22').waitFor();
});

test('a person is erased after a look at what goes, and the orders stay', async () => {
  await page.getByRole('button', { name: '清除个人信息' }).click();
  const dialog = page.getByRole('dialog');
  await dialog
    .getByRole('row', { name: /^授权凭据/ })
    .getByText('1', { exact: true })
    .waitFor();
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/erase.png`, fullPage: true });
  await dialog.getByRole('button', { name: '清除个人信息' }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByLabel(/确认$/).fill('清除');
  await dialog.getByRole('button', { name: '清除个人信息' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByRole('tab', { name: '授权' }).click();
  const panel = page.getByRole('tabpanel', { name: '授权' });
  await panel.getByRole('row', { name: /^营销/ }).getByText('拒绝').first().waitFor();
  assert.equal(await panel.getByText('录音 2026-11-22').count(), 0);
  await page.getByRole('tab', { name: '账号' }).click();
  assert.equal(await page.getByText('****').count(), 0);
  await page.getByRole('tab', { name: '订单' }).click();
  await page.getByRole('tabpanel', { name: '订单' }).locator('a[href^="/orders/ord_"]').first().waitFor();
});

test('no script failed on the way', () => {
  assert.deepEqual(errors, []);
});
