// Audiences and lifetime value in a real browser: made row by row, counted while one edits, written as a text with
// a fault, kept, explained for one customer, deleted.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/targeting-audiences.spec.mjs
//
// Works with any data, and with none.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { accessible, BASE, openPage, signIn, story } from './steps.mjs';

const NAME = `常客 ${Date.now().toString(36)}`;
let browser;
let page;
let errors;

const test = story();

const count = () => page.getByTestId('audience-count');
const shows = (customers) =>
  count()
    .filter({ hasText: new RegExp(`^${customers.toLocaleString('zh-CN')}$`) })
    .waitFor();
/** Does something that asks for a count, and gives the server's answer once the page shows it. */
async function counted(act) {
  const [answer] = await Promise.all([
    page.waitForResponse((one) => one.url().endsWith('/audiences/count') && one.ok()),
    act(),
  ]);
  const said = await answer.json();
  await shows(said.customers);
  return said;
}

before(async () => {
  ({ browser, page, errors } = await openPage());
});
after(async () => browser?.close());

test('the list of audiences leads to a new one', async () => {
  await signIn(page, '/insight/audiences');
  await page.getByRole('heading', { level: 1, name: '人群' }).waitFor();
  await page.getByRole('link', { name: '新建人群' }).waitFor();
  await accessible(page);
  const all = await counted(() => page.getByRole('link', { name: '新建人群' }).click());
  assert.equal(all.customers, all.of);
});

test('a row changes the count', async () => {
  const added = await counted(() => page.getByRole('button', { name: /添加条件$/ }).click());
  assert.deepEqual(added.tree, {
    kind: 'all',
    of: [{ kind: 'orders', measure: 'count', bounds: { min: 2 } }],
  });
  const once = await counted(() => page.getByRole('spinbutton', { name: '订单数' }).fill('1'));
  assert.ok(once.customers >= added.customers);
  const none = await counted(() => page.getByRole('spinbutton', { name: '订单数' }).fill('999999'));
  assert.equal(none.customers, 0);
  // What was asked a moment ago is not asked again.
  await page.getByRole('spinbutton', { name: '订单数' }).fill('1');
  await shows(once.customers);
  const others = await counted(() => page.getByRole('button', { name: '排除: 订单数' }).click());
  assert.equal(others.customers, others.of - once.customers);
  await page.getByRole('button', { name: '排除: 订单数' }).click();
  await shows(once.customers);
  await accessible(page);
});

test('as a text it says the same, and a fault has its place', async () => {
  await page.getByText('文本', { exact: true }).click();
  const text = page.getByRole('textbox', { name: '条件的文本' });
  assert.equal(await text.inputValue(), 'orders >= 1');
  const shown = await count().innerText();
  await text.fill('orders >= 1\n  and orders >> 2');
  await page.getByText('第 2 行第 15 个字').waitFor();
  assert.equal(await page.locator('.fault-line mark').innerText(), '>');
  assert.equal(await count().innerText(), shown, 'the answer before the fault stays');
  await accessible(page);
  const mended = await counted(() =>
    text.fill('orders >= 1 and (last_order in last 36500 days or revenue >= 1)'),
  );
  assert.equal(mended.tree.of[1].kind, 'any');
  await page.getByText('SQL', { exact: true }).click();
  const sql = page.getByRole('region', { name: '条件的 SQL' });
  assert.equal(await sql.innerText(), mended.sql);
  assert.match(mended.sql, /FROM customers c/);
  await accessible(page);
  await page.getByText('逐条设置', { exact: true }).click();
  await page.getByText('最近一次下单').first().waitFor();
  // What was read from a text can be gone on with in rows.
  const more = await counted(() =>
    page
      .getByRole('button', { name: /添加条件$/ })
      .last()
      .click(),
  );
  assert.equal(more.tree.of.length, 3);
  const rows = page.getByRole('button', { name: /^删除: / });
  await rows.last().click();
  await shows(mended.customers);
});

test('a text of one condition is taken apart in rows, too', async () => {
  await page.getByText('文本', { exact: true }).click();
  const text = page.getByRole('textbox', { name: '条件的文本' });
  const before = await text.inputValue();
  const one = await counted(() => text.fill('orders >= 3'));
  await page.getByText('逐条设置', { exact: true }).click();
  const others = await counted(() => page.getByRole('button', { name: '排除: 订单数' }).click());
  assert.equal(others.customers, others.of - one.customers);
  await page.getByRole('button', { name: '删除: 订单数' }).click();
  await shows(one.of);
  await page.getByText('文本', { exact: true }).click();
  await text.fill(before);
  await page.getByText('逐条设置', { exact: true }).click();
  await page.getByText('最近一次下单').first().waitFor();
});

test('who may be contacted is chosen by channel and purpose', async () => {
  await page.getByText('文本', { exact: true }).click();
  const text = page.getByRole('textbox', { name: '条件的文本' });
  const before = await text.inputValue();
  const granted = await counted(() => text.fill('may_contact(sms)'));
  await page.getByText('逐条设置', { exact: true }).click();
  await page.getByRole('combobox', { name: '联系用途' }).click();
  const served = await counted(() => page.getByTitle('服务', { exact: true }).click());
  assert.deepEqual(served.tree, {
    kind: 'all',
    of: [{ kind: 'may_contact', channel: 'sms', purpose: 'service' }],
  });
  // Without a word what an order calls for is allowed, and advertising is not.
  assert.ok(granted.customers <= served.customers);
  await page.getByRole('combobox', { name: '联系渠道' }).click();
  await counted(() => page.getByTitle('邮件', { exact: true }).click());
  await accessible(page);
  await page.getByText('文本', { exact: true }).click();
  assert.equal(await text.inputValue(), 'may_contact(email, service)');
  await text.fill('may_contact(fax)');
  await page.getByText('第 1 行第 13 个字').waitFor();
  await text.fill(before);
  await page.getByText('逐条设置', { exact: true }).click();
  await page.getByText('最近一次下单').first().waitFor();
});

test('it is kept, and what is not kept is not left by chance', async () => {
  await page.getByLabel('名称').fill(NAME);
  await page.getByRole('navigation', { name: '主菜单' }).getByRole('link', { name: '订单' }).click();
  await page.getByRole('button', { name: '留在这里' }).click();
  await page.getByRole('button', { name: /^保\s*存$/ }).click();
  await page.waitForURL(/\/insight\/audiences\/(?!new)\w+$/);
  await page.getByRole('heading', { level: 1, name: NAME }).waitFor();
  await page.reload();
  await page.getByRole('heading', { level: 1, name: NAME }).waitFor();
  await page.getByText('最近一次下单').first().waitFor();
  await accessible(page);
});

test('a customer is explained condition by condition', async () => {
  const why = page.getByRole('button', { name: /^为什么 / }).first();
  await count().filter({ hasNotText: '–' }).waitFor();
  // An empty store has nobody to explain.
  if ((await count().innerText()) === '0') return;
  await why.click();
  await page.getByText('在这个人群里。').waitFor();
  await page.getByRole('img', { name: '符合', exact: true }).first().waitFor();
  await page.getByText('orders >= 1', { exact: true }).waitFor();
  await accessible(page);
});

test('turned live, it counts by itself and tells who enters', async () => {
  const panel = page.locator('.panel').filter({ has: page.getByRole('heading', { name: '实时人群' }) });
  const turn = panel.getByRole('switch', { name: '实时更新这个人群' });
  await turn.click();
  await page.getByText('已开始实时更新').waitFor();
  // The engine tells the page when it has counted.
  await panel.getByTestId('live-size').waitFor();
  const size = async () => Number((await panel.getByTestId('live-size').innerText()).replaceAll(',', ''));
  const before = await size();
  assert.equal(before, Number((await count().innerText()).replaceAll(',', '')));
  await panel.getByText('还没有人进入或离开。').waitFor();
  // A new definition is told if that is asked.
  await page.getByText('文本', { exact: true }).click();
  const none = await counted(() => page.getByRole('textbox', { name: '条件的文本' }).fill('nobody'));
  assert.equal(none.customers, 0);
  await page.getByRole('checkbox', { name: /也要通知/ }).check();
  await page.getByRole('button', { name: /^保\s*存$/ }).click();
  await panel.getByTestId('live-size').filter({ hasText: /^0$/ }).waitFor();
  // An empty store has nobody who could leave.
  if (before > 0) {
    await panel.getByText('条件修改').first().waitFor();
    await page.getByRole('heading', { name: '每天进入和离开的人数' }).waitFor();
  }
  await accessible(page);
  await turn.click();
  await page.getByText('已停止实时更新').waitFor();
  await turn.and(page.getByRole('switch', { checked: false })).waitFor();
});

test('its customers are listed, and the list knows whose it is', async () => {
  await page.reload();
  await page.getByRole('heading', { level: 1, name: NAME }).waitFor();
  // It was turned to nobody before; a list of nobody is not offered.
  await page.getByText('文本', { exact: true }).click();
  const all = await counted(() => page.getByRole('textbox', { name: '条件的文本' }).fill('everyone'));
  await page.getByRole('button', { name: /^保\s*存$/ }).click();
  if (all.customers === 0) return;
  await page.getByRole('link', { name: '打开客户名单' }).click();
  await page.getByText(`人群：${NAME}`).waitFor();
  assert.match(page.url(), /\/customers\?audience=adn_\w+$/);
  await page.getByText(new RegExp(`^${all.customers.toLocaleString('zh-CN')} 位客户`)).waitFor();
  await accessible(page);
  // The chip goes like any other.
  await page.locator('.chips').getByRole('button', { name: '移除这个筛选' }).click();
  await page.getByText(`人群：${NAME}`).waitFor({ state: 'detached' });
  await page.goto(`${BASE}/customers?audience=adn_01h455vb4pex5vsknk084sn02q`);
  await page.getByText('这个人群无法列出').waitFor();
  await accessible(page);
  await page.getByRole('button', { name: '不按人群筛选' }).click();
  await page.getByText('这个人群无法列出').waitFor({ state: 'detached' });
});

test('it is deleted, and its customers stay', async () => {
  await page
    .getByRole('navigation', { name: '主菜单' })
    .getByRole('link', { name: '人群', exact: true })
    .click();
  await page.getByRole('button', { name: `删除 ${NAME}` }).click();
  const ask = page.getByRole('dialog');
  await ask.getByText(/里面的 [\d,]+ 位客户不受影响/).waitFor();
  await ask.getByRole('button', { name: /^删\s*除$/ }).click();
  await page.getByText(`已删除人群“${NAME}”`).waitFor();
  await page.getByRole('link', { name: NAME }).waitFor({ state: 'detached' });
});

test('lifetime value shows figures, or says what is missing', async () => {
  await page
    .getByRole('navigation', { name: '主菜单' })
    .getByRole('link', { name: '客户价值', exact: true })
    .click();
  await page.getByRole('heading', { level: 1, name: '客户价值' }).waitFor();
  const young = page.getByText('历史还太短，算不出客户价值');
  const figures = page.getByRole('heading', { name: '各段的人数与预计销售额' });
  await young.or(figures).first().waitFor();
  await accessible(page);
  if (await figures.isVisible()) {
    await page.getByText('90 天', { exact: true }).click();
    await page.getByText('未来 90 天预计下单').waitFor();
  }
  // Before anybody bought there is nothing to learn from.
  await page.goto(`${BASE}/insight/value?held=2001-01-01`);
  await young.waitFor();
  assert.deepEqual(errors, []);
});

test('what asks before a tag goes stands on the page where nothing moves', async () => {
  await page.goto(`${BASE}/settings/tags`);
  await page.getByLabel('标签名称').fill(NAME);
  await page.getByRole('button', { name: /^新\s*建$/ }).click();
  await page.getByRole('button', { name: `删除 ${NAME}` }).click();
  await page
    .getByRole('tooltip')
    .getByRole('button', { name: /^删\s*除$/ })
    .click();
  await page.getByRole('button', { name: `删除 ${NAME}` }).waitFor({ state: 'detached' });
  assert.deepEqual(errors, []);
});
