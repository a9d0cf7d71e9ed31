// Coupons in a real browser: a kind is written with its sentence, started, its codes are made and taken as a file, it
// is changed, given to an audience, claimed by code on a customer's card, stopped and ended.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/loyalty-coupons.spec.mjs
//
// Works with any data, and with none: what needs customers is done where there are some.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before } from 'node:test';
import { accessible, BASE, openPage, signIn, story } from './steps.mjs';

const MARK = Date.now().toString(36);
const NAME = `满百减十 ${MARK}`;
let browser;
let page;
let errors;
let codes;
let address;

const test = story();
const sentence = () => page.getByTestId('coupon-sentence');
const says = (text) => sentence().filter({ hasText: text }).waitFor();
const button = (name) => page.getByRole('button', { name, exact: true });

/** Asks the interface as the page does. */
async function ask(path, body) {
  const options = { headers: { 'Sec-Fetch-Site': 'same-origin', Origin: BASE } };
  const answer = body
    ? await page.request.post(`${BASE}/api/v1${path}`, { ...options, data: body })
    : await page.request.get(`${BASE}/api/v1${path}`, options);
  assert.ok(answer.ok(), `${path}: ${answer.status()} ${await answer.text()}`);
  return answer.json();
}

before(async () => {
  ({ browser, page, errors } = await openPage());
});
after(async () => browser?.close());

test('the list leads to a new kind of coupon', async () => {
  await signIn(page, '/loyalty/coupons');
  await page.getByRole('heading', { level: 1, name: '优惠券' }).waitFor();
  await page.getByText('进行中').first().waitFor();
  await accessible(page);
  await page.getByRole('link', { name: '新建优惠券' }).first().click();
  await page.getByRole('heading', { level: 1, name: '新建优惠券' }).waitFor();
});

test('what is missing is said beside its field, and the sentence follows what is typed', async () => {
  await button('保 存').or(button('保存')).click();
  await page.getByText('请填写').nth(1).waitFor();
  await page.getByLabel('名称').fill(NAME);
  await page.getByLabel('减多少').fill('10');
  await says('立减 ¥10');
  await page.getByLabel('满多少可用').fill('100');
  await says('满 ¥100 减 ¥10');
  await page.getByText('打折', { exact: true }).click();
  await page.getByLabel('付原价的百分之几').fill('85');
  await says('满 ¥100 打 8.5 折');
  await page.getByText('减金额', { exact: true }).click();
  await page.getByLabel('天数', { exact: true }).fill('7');
  await says('领取后 7 天内有效');
  await page.getByLabel('预算').fill('5000');
  await says('一共最多优惠 ¥5,000.00');
  await accessible(page);
  await button('保 存').or(button('保存')).click();
  await page.getByRole('heading', { level: 1, name: NAME }).waitFor();
  address = page.url();
  await page.getByText('启用后才能发放。').waitFor();
  await accessible(page);
});

test('the same name is refused beside its field', async () => {
  await page.goto(`${BASE}/loyalty/coupons/new`);
  await page.getByLabel('名称').fill(NAME);
  await page.getByLabel('减多少').fill('5');
  await button('保 存').or(button('保存')).click();
  await page.getByText('已有同名的优惠券').first().waitFor();
  await page.goto(address);
});

test('codes are made, counted and taken as a file', async () => {
  await button('启 用').or(button('启用')).click();
  await page.getByRole('heading', { level: 1 }).getByText('进行中').waitFor();
  await page.getByLabel(/^数量/).fill('2500');
  await button('生成券码').click();
  const taken = page.waitForEvent('download');
  await page.getByRole('button', { name: '导出 CSV' }).and(page.locator(':enabled')).click();
  const lines = readFileSync(await (await taken).path(), 'utf8')
    .trim()
    .split('\r\n');
  assert.equal(lines.length, 2501);
  codes = lines.slice(1).map((line) => line.split(',')[1]);
  assert.match(codes[0], /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/);
  assert.equal(new Set(codes).size, 2500);
  await page.getByRole('button', { name: /表格.*券的去向/ }).click();
  await page.getByRole('row', { name: /已发行.*2,500/ }).waitFor();
  await accessible(page);
});

test('a change is a new version, and limits that are not counted cannot be added', async () => {
  await button('修 改').or(button('修改')).click();
  await page.getByText('修改后立即生效').waitFor();
  assert.ok(await page.getByLabel('每天可领').isDisabled());
  await page.getByLabel('减多少').fill('12.5');
  await says('满 ¥100 减 ¥12.50');
  await button('保 存').or(button('保存')).click();
  await page.getByText('满 ¥100 减 ¥12.50').waitFor();
});

test('an audience is given one each, and a code is claimed on a card', async () => {
  const { items } = await ask('/customers?limit=1');
  if (!items.length) return;
  await ask('/insight/audiences', { name: `所有人 ${MARK}`, text: 'everyone' });
  await page.reload();
  await page.getByLabel('人群').click();
  await page.keyboard.type(`所有人 ${MARK}`);
  await page.keyboard.press('Enter');
  await button('发 放').or(button('发放')).first().click();
  const asked = page.getByRole('dialog');
  await asked.getByText('发出的券收不回来').waitFor();
  await asked.getByRole('button', { name: /发\s?放/ }).click();
  await page.getByText('完成', { exact: true }).waitFor();
  await page.getByText(/^发出 .* 张$/).waitFor();
  await accessible(page);
  await page.goto(`${BASE}/customers/${items[0].id}?tab=member`);
  await page.getByText('可用', { exact: true }).first().waitFor();
  const enter = async (code) => {
    await button('输入券码').click();
    await page.getByLabel('券码', { exact: true }).fill(code);
    await button('领 取').or(button('领取')).click();
  };
  await enter('0000 0000 0000 0000');
  await page.getByText('输入的券码也可能不存在').waitFor();
  await button('取 消').or(button('取消')).click();
  await enter(codes[3].toLowerCase());
  await page.getByText(`领到了“${NAME}”`).waitFor();
  await accessible(page);
});

test('it is stopped, resumed, and ended after a question', async () => {
  await page.goto(address);
  await button('停 发').or(button('停发')).click();
  await button('恢复发放').click();
  await page.getByRole('heading', { level: 1 }).getByText('进行中').waitFor();
  await button('结 束').or(button('结束')).click();
  const asked = page.getByRole('dialog');
  await asked.getByText('不能恢复').waitFor();
  await asked.getByRole('button', { name: /结\s?束/ }).click();
  await page.getByRole('heading', { level: 1 }).getByText('已结束').waitFor();
  await page.goto(`${BASE}/loyalty/coupons?state=ended`);
  await page.getByRole('link', { name: NAME }).waitFor();
  await accessible(page);
});

test('nothing was thrown', () => assert.deepEqual(errors, []));
