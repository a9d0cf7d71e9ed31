// Promotions in a real browser: made as a form whose sentence says what they do, put live, shown in the calendar with
// what is in their way, and tried in the playground, which tells the story of a line.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/till-promotions.spec.mjs
//
// Needs a shop, so it comes after the import of spine.spec.mjs.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { accessible, BASE, openPage, signIn, story } from './steps.mjs';

let browser;
let page;
let errors;

const test = story();
const RUN = Date.now().toString(36);
const NAME = `满减 ${RUN}`;
const OTHER = `打折 ${RUN}`;
const GROUP = `组 ${RUN}`;
const PRODUCT = `tea-${RUN}`;

/** Fills what both promotions have in common. */
async function about(name) {
  await page.getByLabel('名称').fill(name);
  await page.getByLabel('商品或 SKU').first().fill(PRODUCT);
  await page.keyboard.press('Enter');
  await page.getByLabel('互斥组').fill(GROUP);
}

/** Keeps a draft and puts it live. */
async function putLive(name) {
  await page.getByRole('button', { name: '存为草稿' }).click();
  await page.getByRole('heading', { level: 1, name: new RegExp(name) }).waitFor();
  await page.getByRole('button', { name: '上线' }).click();
  await page.getByRole('button', { name: /暂\s*停/ }).waitFor();
}

before(async () => {
  ({ browser, page, errors } = await openPage());
});
after(async () => browser?.close());

test('a promotion is made as a form that says what it does', async () => {
  await signIn(page, '/loyalty/promotions/new');
  await page.getByRole('heading', { level: 1, name: '新建活动' }).waitFor();
  await accessible(page);
  await about(NAME);
  await page.getByLabel('满多少').fill('333');
  await page.getByLabel('减多少', { exact: true }).fill('250');
  await page.getByText(`满 ¥333.00 减 ¥250.00；限 ${PRODUCT}`).waitFor();
  await putLive(NAME);
  await accessible(page);
  assert.deepEqual(errors, []);
});

test('another one of its group is shown to be in its way', async () => {
  await page.goto(`${BASE}/loyalty/promotions/new?kind=percent_off`);
  await about(OTHER);
  await page.getByLabel('顾客付百分之几').fill('50');
  await page.getByText('打 5 折').waitFor();
  await putLive(OTHER);
  await page.goto(`${BASE}/loyalty/promotions?view=calendar`);
  await page.getByRole('link', { name: new RegExp(`${NAME}.*有冲突`) }).waitFor();
  await page.getByText(new RegExp(`互斥组“${GROUP}”`)).waitFor();
  await accessible(page);
  assert.deepEqual(errors, []);
});

test('the playground tells why a line costs what it costs', async () => {
  await page.goto(`${BASE}/loyalty/playground`);
  await page.getByLabel('第 1 行商品').fill(PRODUCT);
  await page.getByLabel('单价').fill('100');
  const price = async () => {
    const [answer] = await Promise.all([
      page.waitForResponse((one) => one.url().includes('/loyalty/playground')),
      page.getByRole('button', { name: '算一算' }).click(),
    ]);
    return answer.json();
  };
  const first = await price();
  assert.equal(first.priced.total_minor, 5_000);
  const line = page.getByRole('region', { name: `${PRODUCT} × 1` });
  await line.getByText('要满 ¥333.00，现在 ¥100.00').waitFor();
  await accessible(page);
  await page.getByLabel('件数').fill('4');
  const more = await price();
  assert.equal(more.priced.total_minor, 15_000);
  await page.getByText(`互斥组“${GROUP}”已用了“${NAME}”`).first().waitFor();
  assert.deepEqual(errors, []);
});

test('what has ended stands in the list as ended', async () => {
  for (const name of [NAME, OTHER]) {
    await page.goto(`${BASE}/loyalty/promotions?state=live`);
    await page.getByRole('link', { name, exact: true }).click();
    await page.getByRole('button', { name: /结\s*束/ }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /结\s*束/ })
      .click();
    await page.getByText('活动已经结束，不能再改。').waitFor();
  }
  await page.goto(`${BASE}/loyalty/promotions?state=ended`);
  await page.getByRole('link', { name: NAME, exact: true }).waitFor();
  await accessible(page);
  assert.deepEqual(errors, []);
});
