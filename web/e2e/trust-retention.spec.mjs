// Retention rules in a real browser: the owner shortens one → sees what would go → types its number → it is set, and
// in the audit log.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/trust-retention.spec.mjs
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../dev/browser.mjs';

const BASE = process.env.BASE_URL ?? 'http://127.0.0.1:8420';
const NAME = '已结束订单的个人信息';
const errors = [];
let browser;
let page;

before(async () => {
  browser = await launch();
  const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (error) => errors.push(error.message));
});
after(async () => browser?.close());

test('a shorter rule takes the number of what would go', async () => {
  await page.goto(`${BASE}/settings/retention`);
  await page.getByLabel('邮箱').fill(process.env.EMAIL);
  await page.getByLabel('密码').fill(process.env.PASSWORD);
  await page.getByRole('button', { name: '登录' }).click();
  await page.getByRole('button', { name: `修改保存期限：${NAME}` }).click();
  const dialog = page.getByRole('dialog', { name: NAME });
  await dialog.getByRole('radio', { name: '按天数' }).check();
  const days = dialog.getByLabel('天数', { exact: true });
  await days.fill('3');
  await dialog.getByRole('button', { name: '看看会删除什么' }).click();
  await dialog.locator('.ant-form-item-explain-error').waitFor();
  await days.fill('90');
  await dialog.getByRole('button', { name: '看看会删除什么' }).click();
  const count = Number((await dialog.locator('strong.figure').innerText()).replaceAll(',', ''));
  assert.ok(count > 0, 'some orders of the file ended long ago');
  const confirm = dialog.getByLabel('请输入数字');
  await confirm.fill(String(count - 1));
  await dialog.getByRole('button', { name: '保存规则' }).click();
  await dialog.locator('.ant-form-item-explain-error').waitFor();
  await confirm.fill(String(count));
  await dialog.getByRole('button', { name: '保存规则' }).click();
  await dialog.waitFor({ state: 'hidden' });
  const row = page.getByRole('row', { name: new RegExp(NAME) });
  await row.getByText('90 天').waitFor();

  await page.getByRole('button', { name: '看看现在会删除什么' }).click();
  await row.locator('strong.figure').waitFor();
  assert.equal(Number((await row.locator('strong.figure').innerText()).replaceAll(',', '')), count);
  await row.locator('a').first().waitFor();
});

test('it is in the audit log, and can be lifted again', async () => {
  await page.getByRole('button', { name: `修改保存期限：${NAME}` }).click();
  const dialog = page.getByRole('dialog', { name: NAME });
  await dialog.getByRole('radio', { name: '一直保存' }).check();
  await dialog.getByRole('button', { name: '保存规则' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page
    .getByRole('row', { name: new RegExp(NAME) })
    .getByText('一直保存')
    .waitFor();
  await page.goto(`${BASE}/settings/audit`);
  await page.getByText('修改保存期限').first().waitFor();
});

test('no script failed on the way', () => {
  assert.deepEqual(errors, []);
});
