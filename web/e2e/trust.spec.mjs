// People in a real browser: the owner invites somebody → they join by the link → see what their role
// allows → get another role and are signed out at once.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/trust.spec.mjs
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../dev/browser.mjs';

const BASE = process.env.BASE_URL ?? 'http://127.0.0.1:8420';
const OTHER = 'another long password';
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

before(async () => {
  browser = await launch();
  [owner, member] = [await visitor(), await visitor()];
});
after(async () => browser?.close());

test('the owner invites, the member joins with the rights of the role', async () => {
  await owner.goto(`${BASE}/settings/people`);
  await owner.getByLabel('邮箱').fill(process.env.EMAIL);
  await owner.getByLabel('密码').fill(process.env.PASSWORD);
  await owner.getByRole('button', { name: '登录' }).click();
  const form = owner
    .getByRole('region', { name: '邀请新成员' })
    .or(owner.locator('section', { has: owner.getByRole('heading', { name: '邀请新成员' }) }));
  await form.getByLabel('邮箱').fill('kefu@example.com');
  const role = form.getByRole('combobox', { name: '角色' });
  await role.click();
  await owner.locator('.ant-select-item-option', { hasText: /^客服$/ }).click();
  await form.getByRole('button', { name: '生成邀请链接' }).click();
  const link = await owner.locator('.secret').innerText();
  assert.match(link, /\/join#1_[\w-]{43}$/);

  await member.goto(link.trim());
  await member.getByLabel('你的姓名').fill('小王');
  await member.getByLabel('密码').fill(OTHER);
  await member.getByRole('button', { name: '加入并登录' }).click();
  const menu = member.getByRole('navigation', { name: '主菜单' });
  await menu.getByRole('link', { name: '客户', exact: true }).waitFor();
  assert.equal(await menu.getByRole('link', { name: '导入' }).count(), 0);
  await member.goto(`${BASE}/imports`);
  await member.getByText('需要“导入订单”权限').waitFor();

  // The link is used up.
  const late = await visitor();
  await late.goto(link.trim());
  await late.getByRole('heading', { name: '邀请已失效' }).waitFor();
});

test('another role signs the member out at once', async () => {
  await owner.reload();
  await owner.getByRole('button', { name: '修改 小王' }).click();
  const dialog = owner.getByRole('dialog');
  await dialog.getByRole('combobox', { name: '角色' }).click();
  await owner.locator('.ant-select-item-option', { hasText: /^分析师$/ }).click();
  await dialog.getByRole('button', { name: /保\s*存/ }).click();
  await owner.getByRole('cell', { name: '分析师' }).first().waitFor();
  await member.goto(`${BASE}/customers`);
  await member.getByRole('heading', { name: '登录' }).waitFor();
  await member.getByLabel('邮箱').fill('kefu@example.com');
  await member.getByLabel('密码').fill(OTHER);
  await member.getByRole('button', { name: '登录' }).click();
  const menu = member.getByRole('navigation', { name: '主菜单' });
  await menu.getByRole('link', { name: '会员分层' }).waitFor();
});

test('a backup is made, checked and shown when the owner asks for it', async () => {
  await owner.goto(`${BASE}/settings/backups`);
  await owner.getByText('还没有检查过完好的备份').waitFor();
  await owner.getByText('还没有备份', { exact: true }).waitFor();
  await owner.getByText(/下一次自动备份/).waitFor();
  await owner.getByRole('button', { name: '立即备份' }).click();
  await owner.getByText(/最近一次完好的备份/).waitFor();
  await owner.getByRole('cell', { name: '完好', exact: true }).waitFor();
  await owner.getByRole('button', { name: '检查全部备份' }).click();
  await owner.getByText('已开始检查').waitFor();
  await owner.getByText(/下一次自动备份/).waitFor();
});

test('no script failed on the way', () => {
  assert.deepEqual(errors, []);
});
