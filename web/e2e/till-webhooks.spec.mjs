// Webhooks in a real browser: an address is refused in words, kept, its secret shown once; a test reaches a receiver that
// checks the signature; what failed is sent again; another secret; deleted.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/till-webhooks.spec.mjs
//
// The program must be started with --outbound-allow 127.0.0.0/8.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before } from 'node:test';
import { accessible, openPage, signIn, story } from './steps.mjs';

let browser;
let page;
let errors;
let url;
let secret;
let status = 500;
const calls = [];

const test = story();
const NOTE = `商城 ${Date.now().toString(36)}`;
const receiver = createServer(async (request, answer) => {
  let body = '';
  for await (const part of request) body += part;
  calls.push({ headers: request.headers, body });
  answer.writeHead(status).end();
});

/** The row of the address made here. */
const row = () => page.getByRole('row').filter({ hasText: NOTE });
const deliveries = () =>
  page.locator('.panel').filter({ has: page.getByRole('heading', { name: `投递记录：${NOTE}` }) });

before(async () => {
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  url = `http://127.0.0.1:${receiver.address().port}/hook`;
  ({ browser, page, errors } = await openPage());
});
after(async () => {
  receiver.close();
  await browser?.close();
});

test('an address that is none is refused beside its field', async () => {
  await signIn(page, '/settings/webhooks');
  await page.getByRole('heading', { name: '接收地址' }).waitFor();
  await accessible(page);
  await page.getByRole('button', { name: '添加地址' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: /新\s*建$/ }).click();
  await dialog.getByText('请填写地址').waitFor();
  await dialog.getByRole('textbox', { name: /^地址/ }).fill('ftp://example.com/x');
  const [refused] = await Promise.all([
    page.waitForResponse((one) => one.request().method() === 'POST' && one.url().endsWith('/webhooks')),
    dialog.getByRole('button', { name: /新\s*建$/ }).click(),
  ]);
  assert.equal(refused.status(), 422);
  await dialog.getByText('请填写地址').waitFor({ state: 'detached' });
  await dialog.locator('.ant-form-item-explain-error').waitFor();
  await accessible(page);
});

test('one is kept, and its secret is shown once', async () => {
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: /^地址/ }).fill(url);
  await dialog.getByLabel('用途').fill(NOTE);
  await dialog.getByRole('button', { name: /新\s*建$/ }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByText('密钥只显示这一次').waitFor();
  secret = await page.locator('.secret').innerText();
  assert.match(secret, /^whsec_/);
  await accessible(page);
  await page.reload();
  await row().waitFor();
  assert.equal(await page.locator('.secret').count(), 0);
});

test('a test that fails is told with the answer, and sent again', async () => {
  await row().getByRole('button', { name: '发送测试' }).click();
  await deliveries().getByText('500').first().waitFor();
  status = 204;
  // It is tried again by itself; whoever does not want to wait sends it again once it was given up or delivered.
  await row().getByRole('button', { name: '发送测试' }).click();
  await deliveries().getByText('已送达').nth(1).waitFor();
  const { headers, body } = calls.at(-1);
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const mac = createHmac('sha256', key).update(signed).digest('base64');
  assert.equal(headers['webhook-signature'], `v1,${mac}`);
  const before = calls.length;
  await deliveries().getByRole('button', { name: '重新发送' }).first().click();
  await page.getByText('已重新排队').waitFor();
  await deliveries().getByRole('cell', { name: '204' }).first().waitFor();
  assert.ok(calls.length >= before);
  await accessible(page);
});

test('another secret signs beside the old one, and the address goes', async () => {
  await row().getByRole('button', { name: '更换密钥' }).click();
  await page
    .getByRole('tooltip')
    .getByRole('button', { name: /更换密钥/ })
    .click();
  await page.getByText('密钥只显示这一次').waitFor();
  assert.notEqual(await page.locator('.secret').innerText(), secret);
  const before = calls.length;
  await row().getByRole('button', { name: '发送测试' }).click();
  await deliveries().getByText('已送达').nth(2).waitFor();
  const last = calls.slice(before).find((one) => one.headers['webhook-signature'].includes(' '));
  assert.equal(last.headers['webhook-signature'].split(' ').length, 2);
  await row()
    .getByRole('button', { name: /^删\s*除$/ })
    .click();
  await page
    .getByRole('tooltip')
    .getByRole('button', { name: /^删\s*除$/ })
    .click();
  await row().waitFor({ state: 'detached' });
  await accessible(page);
  assert.deepEqual(errors, []);
});
