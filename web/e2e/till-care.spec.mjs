// Care dates in a real browser: a birthday is noted on a card, by either calendar, found in the care calendar, and taken
// away again.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/till-care.spec.mjs
//
// Needs a customer, so it comes after the import of spine.spec.mjs.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { accessible, BASE, openPage, signIn, story } from './steps.mjs';

let browser;
let page;
let errors;
let customer;

const test = story();
const button = (name) => page.getByRole('button', { name, exact: true });
// The mark of saving stays in its name for a moment.
const save = () => page.getByRole('button', { name: /保\s?存/ }).click();

async function choose(label, text) {
  await page.getByLabel(label, { exact: true }).fill(text);
  await page.locator('.ant-select-item-option-content').getByText(text, { exact: true }).click();
}

before(async () => {
  ({ browser, page, errors } = await openPage());
});
after(async () => browser?.close());

test('the menu leads to the calendar, which has the festivals of the month', async () => {
  await signIn(page, '/customers/care?month=2026-02');
  await page.getByRole('heading', { level: 1, name: '关怀日历' }).waitFor();
  await page.getByText('春节', { exact: true }).waitFor();
  await page.getByText('除夕', { exact: true }).waitFor();
  await accessible(page);
  const found = await page.request.get(`${BASE}/api/v1/customers?limit=100&sort=-orders`);
  for (const row of (await found.json()).items) {
    const card = await (await page.request.get(`${BASE}/api/v1/customers/${row.id}`)).json();
    if (!card.birthday) {
      customer = row;
      break;
    }
  }
  assert.ok(customer, 'there is no customer without a birthday');
});

test('a birthday without a month and a day is not saved', async () => {
  await page.goto(`${BASE}/customers/${customer.id}`);
  await page.getByText('还没有填写生日').waitFor();
  await button('填写生日').click();
  await save();
  await page.getByText('请选择月', { exact: true }).waitFor();
  await page.getByText('请选择日', { exact: true }).waitFor();
  await accessible(page);
});

test('a lunar birthday is noted, and the card says when it is kept next', async () => {
  await page.getByText('农历', { exact: true }).click();
  await choose('月', '八月');
  await choose('日', '十五');
  await page.getByLabel('年（可不填）').fill('1990');
  await save();
  await page.getByText('农历八月十五（1990 年）').waitFor();
  await page.getByText('下一次', { exact: true }).waitFor();
});

test('the calendar has it on its day', async () => {
  await page.goto(`${BASE}/customers/care?month=2027-09&kind=birthday`);
  const day = page.locator('.care-day').filter({ hasText: '八月十五' });
  const person = day.locator('.care-people li').filter({ has: page.locator(`a[href$="${customer.id}"]`) });
  await person.getByText('37 岁').waitFor();
  assert.equal(await page.getByText('中秋节').count(), 0, 'birthdays alone');
  await accessible(page);
  await page.getByText('节日', { exact: true }).click();
  await page.getByText('中秋节').waitFor();
});

test('a leap month that the year did not have is refused beside its field', async () => {
  await page.goto(`${BASE}/customers/${customer.id}`);
  await button('修改生日').click();
  await page.getByLabel('闰月').check();
  await save();
  await page.getByText('这一年没有这个闰月').waitFor();
  await page.getByText('公历', { exact: true }).click();
  await choose('月', '3 月');
  await choose('日', '8 日');
  await save();
  await page.getByText('3月8日（1990 年）').waitFor();
});

test('it is taken away', async () => {
  await button('删除生日').click();
  await page.getByText('删除这位客户的生日？').waitFor();
  await page
    .getByRole('tooltip')
    .getByRole('button', { name: /删\s?除/ })
    .click();
  await page.getByText('还没有填写生日').waitFor();
  assert.deepEqual(errors, []);
});
