// People in a real browser: the owner invites somebody → they join by the link → see what their role
// allows → get another role and are signed out at once → as a sales representative see just the customer that
// they are given, its phone number for a reason, and the owner is told why they do not see another.
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
/** Cards of a customer who is given away, and of one who is not. */
let given;
let other;

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
  // By keys: a list that is still opening under the mouse may stay open over the button.
  await role.fill('客服');
  await role.press('Enter');
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
  // By keys: a list that is still opening under the mouse may stay open over the button.
  const role = dialog.getByRole('combobox', { name: '角色' });
  await role.fill('分析师');
  await role.press('Enter');
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

test('a sales representative sees just the customer that is given to them', async () => {
  await owner.goto(`${BASE}/settings/people`);
  await owner.getByRole('button', { name: '修改 小王' }).click();
  const dialog = owner.getByRole('dialog');
  const role = dialog.getByRole('combobox', { name: '角色' });
  await role.fill('销售代表');
  await role.press('Enter');
  await dialog.getByRole('button', { name: /保\s*存/ }).click();
  await dialog.waitFor({ state: 'hidden' });

  // Nothing is theirs yet, and their home is the list of customers.
  await member.goto(`${BASE}/customers`);
  await member.getByLabel('邮箱').fill('kefu@example.com');
  await member.getByLabel('密码').fill(OTHER);
  await member.getByRole('button', { name: '登录' }).click();
  await member.getByText('还没有分给你的客户').waitFor();
  await member.goto(BASE);
  await member.waitForURL(/\/customers$/);

  await owner.goto(`${BASE}/customers`);
  // Whoever was erased by another test has nothing to be shown.
  const rows = owner.locator('.list tr[data-row-key]').filter({ hasNotText: '未具名客户' });
  await rows.nth(1).waitFor();
  [given, other] = await Promise.all(
    [0, 1].map((n) => rows.nth(n).locator('.first-link').getAttribute('href')),
  );
  await rows.first().locator('.ant-checkbox-input').check();
  const bar = owner.getByRole('region', { name: '批量操作' });
  const whom = bar.getByRole('combobox', { name: '分配给' });
  await whom.fill('小王');
  await whom.press('Enter');
  await bar.getByRole('button', { name: /分\s*配/ }).click();
  await owner.getByText('已把 1 位客户分配给小王').waitFor();

  await member.reload();
  await member.locator('.list .first-link').first().waitFor();
  assert.deepEqual(
    await member
      .locator('.list .first-link')
      .evaluateAll((all) => all.map((one) => one.getAttribute('href'))),
    [given],
  );
  await member.goto(BASE + other);
  await member.getByText('这条记录不存在，或者不在你的可见范围内。').waitFor();
});

test('personal data is shown for a reason, until the page is left', async () => {
  await member.goto(BASE + given);
  await member.getByRole('button', { name: '显示完整信息' }).click();
  const dialog = member.getByRole('dialog');
  await dialog.getByRole('button', { name: /显\s*示$/ }).click();
  await dialog.getByText(/请写明原因/).waitFor();
  await dialog.getByLabel('原因').fill('客户来电核对号码');
  await dialog.getByRole('button', { name: /显\s*示$/ }).click();
  await member.getByText('离开本页后不再显示').waitFor();
  await member.getByText(/\+861\d{10}/).waitFor();
  await member.reload();
  await member.getByRole('button', { name: '显示完整信息' }).waitFor();
  assert.equal(await member.getByText(/\+861\d{10}/).count(), 0);
});

test('it is explained why somebody sees a customer or not', async () => {
  await owner.goto(BASE + other);
  await owner.getByRole('button', { name: '谁能看到' }).click();
  const colleague = owner.getByRole('combobox', { name: '同事' });
  await colleague.fill('小王');
  await colleague.press('Enter');
  await owner.getByRole('heading', { name: '小王看不到' }).waitFor();
  await owner.getByText('客户还没有负责人。').waitFor();
  await owner.getByRole('combobox', { name: '客户或订单' }).fill(BASE + given);
  await owner.getByRole('heading', { name: '小王能看到' }).waitFor();
  await owner.getByText('客户由他本人负责。').waitFor();
});

test('no script failed on the way', () => {
  assert.deepEqual(errors, []);
});
