// Purchase intent in a real browser: a file with a leak is compared, a wrong choice is refused, and a model of the
// organisation's own customers is trained, or the page says what is missing.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/targeting-intent.spec.mjs
//
// Works with any data, and with none.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { accessible, openPage, signIn, story } from './steps.mjs';

let browser;
let page;
let errors;

const test = story();

/** Leads, of whom those who put something into the cart mostly buy; `付款时间` is known only afterwards. */
function leads() {
  const rows = ['线索编号,加购,访问次数,付款时间,成交'];
  for (let row = 0; row < 600; row += 1) {
    const cart = row % 3 === 0;
    const bought = cart ? row % 7 !== 0 : row % 11 === 0;
    const paid = bought ? `2025-01-${String(1 + (row % 28)).padStart(2, '0')}` : '';
    rows.push(`L${row},${cart ? '是' : '否'},${(row * 7919) % 101},${paid},${bought ? '是' : '否'}`);
  }
  return Buffer.from(rows.join('\n'));
}

async function choose(label, name) {
  await page.getByRole('combobox', { name: label }).click();
  await page.locator('.ant-select-item-option').filter({ hasText: name }).click();
}

before(async () => {
  ({ browser, page, errors } = await openPage());
});
after(async () => browser?.close());

test('the page explains itself', async () => {
  await signIn(page, '/insight/intent');
  await page.getByRole('heading', { level: 1, name: '意向度' }).waitFor();
  await page.getByText('谁近期最可能下单').waitFor();
  await page.getByRole('button', { name: /训练/ }).waitFor();
  await accessible(page);
});

test('a file is compared, and the column that gives the outcome away is named', async () => {
  await page.getByText('上传文件', { exact: true }).click();
  await page
    .getByLabel('选择文件')
    .setInputFiles({ name: 'leads.csv', mimeType: 'text/csv', buffer: leads() });
  await page.getByText('600 行，5 列').waitFor();
  await choose('预测哪一列', '成交');
  await page.getByRole('button', { name: '比较模型' }).click();
  await page.getByRole('heading', { name: /^前 20% 的客户里有 .+ 的买家$/ }).waitFor();
  const models = page.getByRole('region', { name: '模型比较' }).or(page.getByLabel('模型比较')).first();
  for (const name of ['逻辑回归', '决策树', '提升树', '瞎猜']) await models.getByText(name).waitFor();
  const excluded = page.getByRole('row').filter({ hasText: '付款时间' });
  await excluded.getByText('单凭它几乎就能断定结果，多半是事后才知道的').waitFor();
  await page.getByRole('row').filter({ hasText: '线索编号' }).getByText('每行各不相同，如编号').waitFor();
  // Behind each picture is its table.
  await page.getByRole('button', { name: '看表格: 哪些表现常伴随下单' }).click();
  await page.getByRole('rowheader', { name: /加购：是/ }).waitFor();
  await accessible(page);
});

test('a wrong choice says what to do', async () => {
  await choose('预测哪一列', '访问次数');
  await page.getByRole('button', { name: '比较模型' }).click();
  await page
    .getByRole('alert')
    .getByText(/different values/)
    .waitFor();
  await accessible(page);
});

test('a model of the own customers is trained, or the page says what is missing', async () => {
  await page.getByText('本店客户', { exact: true }).click();
  await page.getByTitle('14 天').click();
  await page.getByRole('button', { name: /训练/ }).click();
  const young = page.getByText('历史订单不够预测这么多天');
  const failed = page.getByText(/第 \d+ 版没有训练成功/);
  const trained = page.getByRole('heading', { name: '客户意向' });
  const training = page.getByText(/第 \d+ 版正在训练/);
  await young.or(training).first().waitFor();
  await training.waitFor({ state: 'detached' });
  await young.or(failed).or(trained).first().waitFor();
  await accessible(page);
  if (await trained.isVisible()) {
    await page.getByRole('heading', { name: /^前 20% 的客户里有/ }).waitFor();
    await page.getByText(/^高 /).click();
    await page.waitForURL(/tier=high/);
    await page.getByRole('heading', { name: '版本' }).waitFor();
    await accessible(page);
  }
  assert.deepEqual(errors, []);
});
