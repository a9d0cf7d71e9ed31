// Rights of the person and exports in a real browser: the owner asks for an export over the limit → somebody else
// approves it → the owner downloads it → a request of a person → everything held about them → the request is closed.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/trust-rights.spec.mjs
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch } from '../dev/browser.mjs';

const BASE = process.env.BASE_URL ?? 'http://127.0.0.1:8420';
const errors = [];
let browser;
let owner;
let member;

async function visitor() {
  const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (error) => errors.push(error.message));
  return page;
}

/** Calls the interface as the person who is signed in on `page`. */
const call = (page, method, path, body) =>
  page.evaluate(
    async ([method, path, body]) => {
      const answer = await fetch(`/api/v1${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    [method, path, body],
  );

before(async () => {
  browser = await launch();
  [owner, member] = [await visitor(), await visitor()];
});
after(async () => browser?.close());

test('an export over the limit is asked for', async () => {
  await owner.goto(`${BASE}/settings/exports`);
  await owner.getByLabel('邮箱').fill(process.env.EMAIL);
  await owner.getByLabel('密码').fill(process.env.PASSWORD);
  await owner.getByRole('button', { name: '登录' }).click();
  await owner.getByLabel('一天内可直接导出的客户数').fill('0');
  await owner.getByRole('button', { name: /保\s*存/ }).click();
  await owner.getByText('已保存').waitFor();
  await owner.goto(`${BASE}/customers`);
  await owner.locator('.list .first-link').first().waitFor();
  await owner.getByRole('button', { name: '导出' }).click();
  await owner.getByRole('menuitem', { name: '导出 CSV' }).getByRole('link').click();
  const dialog = owner.getByRole('dialog', { name: '申请导出' });
  await dialog.getByLabel('原因').fill('年终对账');
  await dialog.getByRole('button', { name: '提交申请' }).click();
  const row = owner.getByRole('row', { name: /年终对账/ });
  await row.getByText('待批准').waitFor();
  await row.getByText('未筛选：全部客户').waitFor();
  assert.equal(await row.getByRole('button', { name: /审\s*批/ }).count(), 0, 'not by whoever asked');
});

test('somebody else approves it, and whoever asked downloads it', async () => {
  const { secret } = await call(owner, 'POST', '/identity/invitations', {
    email: 'shenpi@example.com',
    role: 'administrator',
  });
  await member.goto(`${BASE}/join#${secret}`);
  await member.getByLabel('你的姓名').fill('小审');
  await member.getByLabel('密码').fill('another long password');
  await member.getByRole('button', { name: '加入并登录' }).click();
  await member.getByRole('navigation', { name: '主菜单' }).waitFor();
  await member.goto(`${BASE}/settings/exports`);
  await member
    .getByRole('row', { name: /年终对账/ })
    .getByRole('button', { name: /审\s*批/ })
    .click();
  const dialog = member.getByRole('dialog', { name: '审批导出' });
  await dialog.getByLabel('给申请人的话').fill('用完请删除');
  await dialog.getByRole('button', { name: /^批\s*准$/ }).click();
  await dialog.waitFor({ state: 'hidden' });

  const row = owner.getByRole('row', { name: /年终对账/ });
  // A refusal is said in words with what to do, and is no file.
  const problem = { type: '/problems/export_is_stale', code: 'export_is_stale', status: 409, detail: 'x' };
  await owner.route('**/exports/*/file', (route) =>
    route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify(problem) }),
  );
  await row.getByRole('button', { name: '下载文件' }).click();
  await owner.getByText('文件里有你现在不能查看的内容').waitFor();
  await owner.unroute('**/exports/*/file');
  const [download] = await Promise.all([
    owner.waitForEvent('download'),
    row.getByRole('button', { name: '下载文件' }).click(),
  ]);
  // On a phone nothing of a row is cut or scrolls sideways.
  await owner.setViewportSize({ width: 360, height: 780 });
  await owner.waitForFunction(() => {
    const tables = [...document.querySelectorAll('.scroll-x')].filter((one) => one.querySelector('table'));
    return tables.length > 0 && tables.every((one) => one.scrollWidth <= one.clientWidth);
  });
  await owner.setViewportSize({ width: 1440, height: 900 });
  const lines = readFileSync(await download.path(), 'utf8')
    .trim()
    .split('\n');
  assert.ok(lines.length > 2);
  for (const line of lines.slice(1)) assert.match(line, /exp_[0-9a-z]{26}-[0-9a-z]{8}/);
  await member.getByLabel('导出标记').fill(lines[1]);
  await member.getByRole('button', { name: '查询来源' }).click();
  await member.getByRole('alert').filter({ hasText: '位客户' }).waitFor();
  await call(owner, 'PUT', '/customers/settings', { export_limit: 1000 });
});

test('a request is recorded, answered with everything held, and closed', async () => {
  await owner.goto(`${BASE}/customers`);
  // Whoever was erased by another test has nothing to be shown.
  const rows = owner.locator('.list tr[data-row-key]').filter({ hasNotText: '未具名客户' });
  const card = await rows.first().locator('.first-link').getAttribute('href');
  await owner.goto(`${BASE}${card}?tab=requests`);
  await owner.getByRole('button', { name: '登记请求' }).click();
  let dialog = owner.getByRole('dialog', { name: '登记请求' });
  await dialog.getByLabel('请求内容').fill('想要一份自己的资料');
  await dialog.getByRole('button', { name: /保\s*存/ }).click();
  const row = owner.getByRole('row', { name: /想要一份自己的资料/ });
  await row.getByText('待办').waitFor();

  await owner.getByRole('button', { name: '导出全部个人信息' }).click();
  dialog = owner.getByRole('dialog', { name: '导出全部个人信息' });
  await dialog.getByLabel('原因').fill('本人来信要求');
  const [download] = await Promise.all([
    owner.waitForEvent('download'),
    dialog.getByRole('button', { name: '导出文件' }).click(),
  ]);
  const held = JSON.parse(readFileSync(await download.path(), 'utf8'));
  assert.equal(held.requests[0].text, '想要一份自己的资料');
  assert.ok(held.orders.length > 0);

  await row.getByRole('button', { name: /办\s*结/ }).click();
  dialog = owner.getByRole('dialog', { name: /^办结/ });
  await dialog.getByLabel('答复').fill('已当面交付');
  await dialog.getByRole('button', { name: /办\s*结/ }).click();
  await row.getByText('已办理').waitFor();
  await row.getByText('已导出全部个人信息').waitFor();
  await owner.goto(`${BASE}/settings/requests?state=done`);
  await owner.getByRole('row', { name: /已当面交付/ }).waitFor();
  await owner.getByLabel('请求的处理期限（天）').fill('20');
  await owner.getByRole('button', { name: /保\s*存/ }).click();
  await owner.getByText('已保存').waitFor();
  await owner.goto(`${BASE}${card}?tab=requests`);
  const made = await call(owner, 'POST', '/customers/person-requests', {
    customer: card.split('/').pop(),
    kind: 'correction',
  });
  assert.equal(Date.parse(made.due_at) - Date.parse(made.received_at), 20 * 86_400_000);
  await call(owner, 'PUT', '/customers/settings', { request_days: 15 });
});

test('no script failed on the way', () => {
  assert.deepEqual(errors, []);
});
