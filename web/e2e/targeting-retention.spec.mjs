// Who comes back, after how long, what is bought together, and who is alike, in a real browser: every figure of the
// pages is the one that the interface tells.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/targeting-retention.spec.mjs
//
// Works with any data, and with none.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { accessible, BASE, openPage, signIn, story } from './steps.mjs';

let browser;
let page;
let errors;

const test = story();

/** Does something that asks the interface, and gives its answer. */
async function told(path, act) {
  const [answer] = await Promise.all([
    page.waitForResponse((one) => one.url().includes(`/api/v1/insight/${path}`)),
    act(),
  ]);
  return { status: answer.status(), ...(await answer.json()) };
}
const int = (value) => value.toLocaleString('zh-CN');
/** What stands in the rows of a table. */
const rowsOf = (table) =>
  table
    .locator('tbody tr')
    .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent.trim())));

before(async () => {
  ({ browser, page, errors } = await openPage());
});
after(async () => browser?.close());

test('cohorts are those of the interface', async () => {
  const months = await signIn(page, '/insight/retention', (button) => told('cohorts', () => button.click()));
  await page.getByRole('heading', { level: 1, name: '回购与留存' }).waitFor();
  if (months.cohorts.length === 0) {
    await page.getByText('还没有可以分批的客户').waitFor();
    await accessible(page);
    return;
  }
  const grid = page.locator('table.cohort-grid');
  await grid.waitFor();
  await accessible(page);
  const shown = await rowsOf(grid);
  assert.deepEqual(
    shown.map((row) => row.slice(0, 2)),
    months.cohorts.map((one) => [one.label, int(one.customers)]),
  );
  for (const [index, row] of shown.entries()) {
    const shares = months.cohorts[index].cells.map((one) => `${Math.round(one.share * 100)}%`);
    assert.deepEqual(row.slice(2), shares);
  }
  const quarters = await told('cohorts?period=quarter', () =>
    page.getByText('季度', { exact: true }).click(),
  );
  await page.getByRole('combobox', { name: '格子里看' }).click();
  await page.locator('.ant-select-item-option', { hasText: /^人数$/ }).click();
  await grid.getByText(quarters.cohorts[0].label).waitFor();
  const counts = await rowsOf(grid);
  assert.deepEqual(
    counts[0].slice(2),
    quarters.cohorts[0].cells.map((one) => int(one.active)),
  );
  assert.deepEqual(errors, []);
});

test('days between orders are told, and those of a product', async () => {
  const again = await told('repurchase/products', () => page.getByText('回购周期', { exact: true }).click());
  const title = page.getByRole('heading', { name: '两次下单相隔的天数' });
  await title.or(page.getByText('还没有人买过第二次')).first().waitFor();
  await accessible(page);
  if (again.products.length) {
    const { product } = again.products[0];
    const name = product.title || product.code;
    const own = await told('repurchase?', () =>
      page.getByRole('button', { name, exact: true }).first().click(),
    );
    assert.ok(own.all.count >= again.min_again);
    await page.getByText(`只看商品“${name}”`).waitFor();
    await page.getByRole('button', { name: '看全部订单' }).click();
    await page.getByText(`只看商品“${name}”`).waitFor({ state: 'detached' });
  } else {
    await page.getByText('没有可以列出的商品').waitFor();
  }
  assert.deepEqual(errors, []);
});

test('pairs are those of the interface', async () => {
  const pairs = await told('baskets', () => page.getByText('连带购买', { exact: true }).click());
  await page.getByRole('heading', { name: '常一起买的商品' }).waitFor();
  if (pairs.pairs.length) {
    const table = page.getByRole('region', { name: '常一起买的商品' });
    await table.getByText(pairs.pairs[0].a.title).first().waitFor();
    const shown = await rowsOf(table);
    assert.deepEqual(
      shown.map((row) => row[2]),
      pairs.pairs.map((one) => int(one.orders)),
    );
  } else {
    await page.getByText('没有找到常一起买的商品').waitFor();
  }
  await accessible(page);
  assert.deepEqual(errors, []);
});

test('what was paid of the usual price is told', async () => {
  const prices = await told('prices', () => page.getByText('价格敏感', { exact: true }).click());
  if (prices.lines) {
    await page.getByRole('heading', { name: '按平常价的几折买的' }).waitFor();
    const shown = await rowsOf(page.getByRole('region', { name: '客户有多常在打折时买' }));
    assert.deepEqual(
      shown.map((row) => row[1]),
      prices.habits.map((one) => int(one.customers)),
    );
  } else {
    await page.getByText('还看不出价格').waitFor();
  }
  await accessible(page);
  assert.deepEqual(errors, []);
});

test('customers who are alike stand in groups', async () => {
  await page.goto(`${BASE}/insight/rfm?view=clusters&groups=3`);
  const few = page.getByText('客户太少，分不成这么多组').or(page.getByText('还没有可以分层的客户'));
  const heading = page.getByRole('heading', { name: '相似客户分成的组' });
  await heading.or(few).first().waitFor();
  if (await few.first().isVisible()) return;
  const table = page.getByRole('region', { name: '相似客户分成的组' });
  await table.waitFor();
  await accessible(page);
  assert.equal((await rowsOf(table)).length, 3);
  const four = await told('rfm/clusters', async () => {
    await page.getByRole('combobox', { name: '分几组' }).click();
    await page.locator('.ant-select-item-option', { hasText: /^4 组$/ }).click();
  });
  await table.getByText('第 4 组').waitFor();
  const shown = await rowsOf(table);
  assert.deepEqual(
    shown.map((row) => row[1]),
    four.groups.map((one) => int(one.customers)),
  );
  // Back at the tiers.
  await page.getByText('按层级', { exact: true }).click();
  await page.getByRole('heading', { name: '各层级的人数与销售额' }).waitFor();
  assert.deepEqual(errors, []);
});

test('who may be lost stands on the page of value', async () => {
  const value = await told('value', () => page.goto(`${BASE}/insight/value`));
  if (value.status === 409) {
    await page.getByText('历史还太短，算不出客户价值').waitFor();
    return;
  }
  const heading = page.getByRole('heading', { name: '有价值、又可能流失的客户' });
  await heading.waitFor();
  if (value.at_risk.length) {
    const first = page.getByRole('region', { name: '有价值、又可能流失的客户' }).getByRole('link').first();
    assert.equal(await first.getAttribute('href'), `/customers/${value.at_risk[0].customer.id}`);
  }
  await accessible(page);
  assert.deepEqual(errors, []);
});
