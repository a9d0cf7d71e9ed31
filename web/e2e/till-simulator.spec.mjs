// The simulator of promotions in a real browser: a draft is replayed over past orders, what it costs, whom it reaches
// and where it goes too deep with what is live; an unfit period is refused in words.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/till-simulator.spec.mjs
//
// Needs orders, so it comes after the import of spine.spec.mjs.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { accessible, BASE, openPage, signIn, story } from './steps.mjs';

let browser;
let page;
let errors;
let live;
let period;

const test = story();
const RUN = Date.now().toString(36);
const NAME = `六折 ${RUN}`;

/** Calls the program as the page does. */
async function call(method, path, data) {
  const answer = await page.request.fetch(`${BASE}/api/v1${path}`, {
    method,
    data,
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  assert.ok(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`);
  return answer.status() === 204 ? undefined : answer.json();
}

async function choosePeriod([from, to]) {
  const inputs = page.locator('.ant-picker-range input');
  await inputs.nth(0).fill(from);
  await page.keyboard.press('Enter');
  await inputs.nth(1).fill(to);
  await page.keyboard.press('Enter');
}

/** Runs what the form says and gives the answer. */
const run = () =>
  Promise.all([
    page.waitForResponse(
      (one) => one.request().method() === 'POST' && one.url().endsWith('/loyalty/simulations'),
    ),
    page.getByRole('button', { name: '开始模拟' }).click(),
  ]).then(([answer]) => answer);

before(async () => {
  ({ browser, page, errors } = await openPage());
});
after(async () => {
  if (live) await call('PUT', `/loyalty/promotions/${live}/state`, { state: 'ended' });
  await browser?.close();
});

test('an unfit period is refused in words, and the form stays as it was', async () => {
  await signIn(page, '/loyalty/simulator');
  await page.getByRole('heading', { level: 1, name: '促销模拟' }).waitFor();
  await accessible(page);
  const orders = await call('GET', '/commerce/orders?limit=1&sort=-ordered_at');
  assert.ok(orders.items.length, 'there must be an order: run spine.spec.mjs first');
  const last = orders.items[0].ordered_at.slice(0, 10);
  period = [new Date(Date.parse(last) - 365 * 86_400_000).toISOString().slice(0, 10), last];
  await page.getByText('打折', { exact: true }).click();
  await page.getByLabel('实付比例').fill('60');
  await page.getByLabel('名称').fill(NAME);
  await choosePeriod(['2001-01-01', period[1]]);
  const refused = await run();
  assert.equal(refused.status(), 422);
  await page
    .getByRole('alert')
    .getByText(/3,?660/)
    .waitFor();
  await accessible(page);
  assert.equal(await page.getByLabel('名称').inputValue(), NAME);
});

test('a draft is replayed: cost, orders, leaks, customers by tier', async () => {
  const { promotion } = await call('POST', '/loyalty/promotions', {
    name: `单品六折 ${RUN}`,
    rules: { terms: { currency: 'CNY', scope: 'item', kind: { type: 'percent_off', pay_bps: 6_000 } } },
  });
  live = promotion.id;
  await call('PUT', `/loyalty/promotions/${live}/state`, { state: 'live' });
  await choosePeriod(period);
  await page.getByLabel('商品成本占比').fill('30');
  const asked = await run();
  assert.equal(asked.status(), 202);
  const { id } = await asked.json();
  await page.getByRole('heading', { name: /^对比（[\d,]+ 个订单）$/ }).waitFor();
  const done = page.getByRole('row', { name: new RegExp(NAME) }).getByText('已完成');
  await done.waitFor();
  const { result } = await call('GET', `/loyalty/simulations/${id}`);
  assert.ok(result.now.orders > 0);
  assert.ok(result.draft.discount_minor > result.now.discount_minor);
  // 60 % of 60 % is below half: a leak on every line that is priced twice.
  assert.ok(result.leaks > 0);
  const money = (minor) =>
    new Intl.NumberFormat('zh-CN', { style: 'currency', currency: 'CNY' }).format(minor / 100);
  const cost = page.getByRole('row', { name: /^优惠金额/ }).first();
  await cost.getByText(money(result.draft.discount_minor), { exact: true }).waitFor();
  await page
    .getByRole('row', { name: /^享受优惠的订单/ })
    .getByText(result.draft.touched.toLocaleString('zh-CN'), { exact: true })
    .first()
    .waitFor();
  await page.getByRole('row', { name: /^毛利/ }).waitFor();
  await page.getByRole('heading', { name: '按客户分层的优惠金额' }).waitFor();
  await page.getByRole('heading', { name: `叠加漏洞：${result.leaks} 行` }).waitFor();
  await page.getByText(`${NAME}（草案）`).first().waitFor();
  await accessible(page);
  assert.deepEqual(errors, []);
});

test('without any cost no margin is told', async () => {
  await page.getByLabel('商品成本占比').fill('');
  const asked = await run();
  const { id } = await asked.json();
  await page.getByRole('heading', { name: /^对比/ }).waitFor();
  await page.getByRole('row', { name: /^毛利/ }).waitFor({ state: 'detached' });
  await page.waitForURL(new RegExp(id));
});
