// Signing in through a real OpenID provider (tests/oidc) in a real browser: set up → a newcomer gets in →
// what they may not → who is refused reads why → an account is connected and signs its owner in → removed.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/providers.spec.mjs
//
// The server must be allowed to ask this machine: guanxi serve --outbound-allow 127.0.0.0/8
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from '../dev/browser.mjs';

const BASE = process.env.BASE_URL ?? 'http://127.0.0.1:8420';
const { EMAIL, PASSWORD, SHOTS } = process.env;
const SECRET = 'a secret of the client that nobody guesses';
const NAME = '公司账号';
const errors = [];
let browser;
let owner;
let provider;
let issuer;

async function visitor(options = {}) {
  const context = await browser.newContext({
    locale: 'zh-CN',
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (error) => errors.push(error.message));
  return page;
}

const shot = async (page, name) =>
  SHOTS && (await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true }));
const button = (page, name) => page.getByRole('button', { name, exact: true });
const panel = (page, name) => page.locator('section', { has: page.getByRole('heading', { name }) });

/** At the provider: who one is, and that one agrees. */
async function sayWho(page, name) {
  await page.locator('input[name=login]').fill(name);
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  await page.locator('input[name=prompt][value=consent]').waitFor({ state: 'attached' });
  await page.locator('button[type=submit]').click();
}

before(async () => {
  browser = await launch();
  const script = fileURLToPath(new URL('../../tests/oidc/provider.mjs', import.meta.url));
  provider = spawn(process.execPath, [script, `${BASE}/sign-in/provider`], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const [line] = await once(provider.stdout, 'data');
  issuer = JSON.parse(line).issuer;
});
after(async () => {
  await browser?.close();
  provider?.stdin.end();
});

test('an administrator sets a provider up', async () => {
  owner = await visitor();
  await owner.goto(`${BASE}/settings/people`);
  await owner.getByLabel('邮箱').fill(EMAIL);
  await owner.getByLabel('密码').fill(PASSWORD);
  await owner.getByRole('button', { name: /登\s*录/ }).click();
  await button(owner, '添加登录服务').click();
  const form = panel(owner, '添加登录服务');
  await form.getByLabel('按钮上的名称').fill(NAME);
  await form.getByLabel('签发者地址（Issuer）').fill(`${issuer}/wrong`);
  await form.getByLabel('客户端 ID').fill('guanxi');
  await form.getByLabel('客户端密钥').fill(SECRET);
  await form.getByText(`${BASE}/sign-in/provider`).waitFor();
  await form.getByRole('button', { name: /保\s*存/ }).click();
  await form.locator('.ant-form-item-explain-error').first().waitFor();
  await shot(owner, 'providers-wrong-issuer');
  await form.getByLabel('签发者地址（Issuer）').fill(issuer);
  const role = form.getByLabel('新成员的角色');
  await role.fill('分析师');
  await role.press('Enter');
  await form.getByRole('button', { name: /保\s*存/ }).click();
  await panel(owner, '第三方登录').getByText(issuer).waitFor();
  await shot(owner, 'providers-list');
});

test('a newcomer gets in, and may make a token at once: the provider asked them just now', async () => {
  const page = await visitor();
  await page.goto(`${BASE}/settings/tokens`);
  await page.getByRole('button', { name: new RegExp(NAME) }).waitFor();
  await shot(page, 'providers-sign-in');
  await page.getByRole('button', { name: new RegExp(NAME) }).click();
  await sayWho(page, 'newcomer');
  await page.getByRole('navigation', { name: '主菜单' }).waitFor();
  await page.goto(`${BASE}/settings`);
  await page.getByText('newcomer@example.com').first().waitFor();
  await button(page, `解除绑定 ${NAME}`).waitFor();
  await shot(page, 'providers-account');
  await page.context().close();
});

test('who is refused reads why, on a telephone too', async () => {
  const page = await visitor({ viewport: { width: 360, height: 740 } });
  await page.goto(BASE);
  await page.getByRole('button', { name: new RegExp(NAME) }).click();
  await sayWho(page, 'unverified-bob');
  await page.getByText('登录服务没有验证你的邮箱。').waitFor();
  await shot(page, 'providers-refused');
  await page.context().close();
});

test('an account that is connected signs its owner in', async () => {
  await owner.goto(`${BASE}/settings`);
  await button(owner, `绑定 ${NAME}`).click();
  await sayWho(owner, 'the-boss');
  await button(owner, `解除绑定 ${NAME}`).waitFor();
  const page = await visitor();
  await page.goto(BASE);
  await page.getByRole('button', { name: new RegExp(NAME) }).click();
  await sayWho(page, 'the-boss');
  await page.getByRole('navigation', { name: '主菜单' }).waitFor();
  await page.goto(`${BASE}/settings`);
  await page.getByText(EMAIL).first().waitFor();
  await page.context().close();
});

test('without it there is no button', async () => {
  await owner.goto(`${BASE}/settings/people`);
  await button(owner, `删除 ${NAME}`).click();
  await owner
    .locator('.ant-popconfirm')
    .getByRole('button', { name: /确\s*定|删\s*除/ })
    .press('Enter');
  await panel(owner, '第三方登录').getByText('还没有登录服务').waitFor();
  const page = await visitor();
  await page.goto(BASE);
  await page.getByLabel('密码').waitFor();
  await page.waitForLoadState('networkidle');
  assert.equal(await page.getByRole('button', { name: new RegExp(NAME) }).count(), 0);
  assert.deepEqual(errors, []);
});
