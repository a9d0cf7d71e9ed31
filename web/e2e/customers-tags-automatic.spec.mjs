// Automatic tags in a real browser: a tag gets a rule by products and by an audience, is put on by it, cannot be changed
// by hand on the card, and stays when the rule is turned off.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/customers-tags-automatic.spec.mjs
//
// Works with any data, and with none.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { accessible, BASE, openPage, signIn, story } from './steps.mjs';

const MARK = Date.now().toString(36);
const NAME = `自动 ${MARK}`;
const AUDIENCE = `全部 ${MARK}`;
let browser;
let page;
let errors;
let customers;

const test = story();

const row = () => page.getByRole('row').filter({ hasText: NAME });
const rule = () => page.getByRole('button', { name: `规则 ${NAME}` });
const dialog = () => page.getByRole('dialog', { name: `标签“${NAME}”的规则` });
const save = () =>
  dialog()
    .getByRole('button', { name: /^保\s*存$/ })
    .click();
const current = () => row().locator('[data-state="current"]').waitFor();
/** Asks the interface as the page does. */
const ask = (method, path, body) =>
  page.evaluate(
    async ([method, path, body]) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
      return answer.status === 204 ? undefined : answer.json();
    },
    [method, path, body],
  );

before(async () => {
  ({ browser, page, errors } = await openPage());
});
after(async () => browser?.close());

test('a new tag is put on by hand, and the limits stand beside', async () => {
  await signIn(page, '/settings/tags');
  await page.getByLabel('标签名称').fill(NAME);
  await page.getByRole('button', { name: /^新\s*建$/ }).click();
  await row().getByText('手工').waitFor();
  await page.getByRole('spinbutton', { name: '标签总数上限' }).waitFor();
  await accessible(page);
});

test('a rule by products says what it asks for, and lets nothing wrong through', async () => {
  await rule().click();
  await dialog().getByText('员工自己打上、去掉').waitFor();
  await dialog().getByText('按购买的商品').click();
  await save();
  await dialog().getByText('请至少填写一个商品').waitFor();
  const products = dialog().getByRole('combobox', { name: '商品编码或名称' });
  await products.fill(`没有的商品 ${MARK}、也没有 ${MARK}、`);
  await dialog().getByRole('spinbutton', { name: '最近多少天' }).fill('90');
  await accessible(page);
  await save();
  await dialog().waitFor({ state: 'hidden' });
  await row().getByText(`近 90 天买过“没有的商品 ${MARK}”或“也没有 ${MARK}”，至少 1 单`).waitFor();
  await current();
  await row().getByRole('link', { name: '0', exact: true }).waitFor();
  await accessible(page);
});

test('a rule by an audience puts it on whoever belongs', async () => {
  await ask('POST', '/insight/audiences', { name: AUDIENCE, text: 'everyone' });
  await page.reload();
  await rule().click();
  await dialog().getByText('跟随一个人群').click();
  await dialog().getByRole('combobox', { name: '人群' }).click();
  await page.getByTitle(AUDIENCE).click();
  await save();
  await dialog().waitFor({ state: 'hidden' });
  await row()
    .getByRole('link', { name: `跟随人群“${AUDIENCE}”` })
    .waitFor();
  await current();
  customers = (await ask('GET', '/customers?limit=1')).total;
  await row()
    .getByRole('link', { name: customers.toLocaleString('zh-CN'), exact: true })
    .waitFor();
});

test('on the card it bears a sign and cannot be taken off', async () => {
  // Nobody has it where there is nobody.
  if (customers === 0) return;
  const { items } = await ask('GET', '/customers?limit=1');
  await page.goto(`${BASE}/customers/${items[0].id}`);
  const panel = page.locator('.tag-line');
  await panel.getByText(NAME).waitFor();
  await panel.getByRole('img', { name: '自动标签' }).first().waitFor();
  await page.getByRole('button', { name: '修改标签' }).click();
  await page.getByText('自动标签由规则增减，不能在这里修改').waitFor();
  const chosen = page.locator('.ant-select-selection-item').filter({ hasText: NAME });
  await chosen.waitFor();
  assert.equal(await chosen.locator('.ant-select-selection-item-remove').count(), 0);
  await accessible(page);
});

test('an audience that a tag follows is not deleted', async () => {
  const { items } = await ask('GET', '/insight/audiences');
  const one = items.find((audience) => audience.name === AUDIENCE);
  const refused = await ask('DELETE', `/insight/audiences/${one.id}`);
  assert.equal(refused.code, 'audience_followed');
});

test('turned off it stays, and is deleted as any other', async () => {
  await page.goto(`${BASE}/settings/tags`);
  await rule().click();
  await dialog().getByText('手工打标').click();
  await dialog().getByText('已有这个标签的客户会保留它').waitFor();
  await save();
  await dialog().waitFor({ state: 'hidden' });
  await row().getByText('手工').waitFor();
  await row()
    .getByRole('link', { name: customers.toLocaleString('zh-CN'), exact: true })
    .waitFor();
  await page.getByRole('button', { name: `删除 ${NAME}` }).click();
  await page
    .getByRole('tooltip')
    .getByRole('button', { name: /^删\s*除$/ })
    .click();
  await row().waitFor({ state: 'detached' });
  const { items } = await ask('GET', '/insight/audiences');
  const one = items.find((audience) => audience.name === AUDIENCE);
  assert.equal(await ask('DELETE', `/insight/audiences/${one.id}`), undefined);
  assert.deepEqual(errors, []);
});
