// Points and levels in a real browser: a programme with its example, the ledger down to lines, what is owed, a scheme
// with what-if, and the tab of membership on a customer's card.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/loyalty-points.spec.mjs
//
// Works with any data; without customers the steps on a card are passed over.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before } from 'node:test';
import { accessible, BASE, openPage, signIn, story } from './steps.mjs';

const NAME = `积分 ${Date.now().toString(36)}`;
let browser;
let page;
let errors;
let customer;

const test = story();

const ask = async (path) => (await page.request.get(`${BASE}/api/v1${path}`)).json();
const answered = (method, path, act) =>
  Promise.all([
    page.waitForResponse(
      (one) => one.request().method() === method && new URL(one.url()).pathname.endsWith(path),
    ),
    act(),
  ]).then(([answer]) => answer);
const dialog = () => page.getByRole('dialog');

before(async () => {
  ({ browser, page, errors } = await openPage());
});
after(async () => browser?.close());

test('a programme shows what an order would earn before it is made', async () => {
  await signIn(page, '/loyalty/points?edit=new');
  await page.getByRole('heading', { level: 2, name: '新建积分方案' }).waitFor();
  const example = page.getByTestId('points-example');
  await example.getByText('得 328 积分，约值 ¥3.28').waitFor();
  await page.getByLabel('得积分').fill('2');
  await example.getByText('得 656 积分，约值 ¥6.56').waitFor();
  await page.getByRole('spinbutton', { name: '一笔现在付款的订单' }).fill('99.99');
  await example.getByText('得 199 积分，约值 ¥1.99').waitFor();
  await page.getByText('永久有效', { exact: true }).click();
  await example.getByText('永久有效').waitFor();
  await page.getByRole('button', { name: /^更多/ }).click();
  await page.getByRole('button', { name: '添加商品' }).click();
  await page.getByLabel('商家编码 1').waitFor();
  await accessible(page);
  // A product without a code is refused beside its field or told, and nothing is lost.
  await page.getByLabel('名称', { exact: true }).fill(NAME);
  const refused = await answered('POST', '/loyalty/programmes', () =>
    page.getByRole('button', { name: '新建积分方案' }).click(),
  );
  assert.equal(refused.status(), 422);
  await page.getByLabel('商家编码 1').fill('TEA');
  const made = await answered('POST', '/loyalty/programmes', () =>
    page.getByRole('button', { name: '新建积分方案' }).click(),
  );
  assert.equal(made.status(), 201);
  const { rules } = await made.json();
  assert.deepEqual(
    [rules.earn_points, rules.earn_per_minor, rules.value_minor, rules.expiry, rules.products],
    [2, 100, 100, { kind: 'never' }, [{ product: 'TEA', factor_permille: 2000 }]],
  );
  await page.getByText(NAME).first().waitFor();
  await accessible(page);
});

test('an edit is a new version', async () => {
  await page.getByRole('button', { name: `修改 ${NAME}` }).click();
  const days = page.getByLabel('多少天后可用');
  await days.waitFor();
  await days.fill('0');
  const changed = await answered('PUT', '', () => page.getByRole('button', { name: /^保\s*存$/ }).click());
  assert.equal(changed.status(), 200);
  const kept = await changed.json();
  assert.deepEqual([kept.version, kept.rules.pending_days, kept.rules.products.length], [2, 0, 1]);
  await page.getByText('第 2 版').first().waitFor();
});

test('a scheme begins with four levels and says who would move', async () => {
  await page.goto(`${BASE}/loyalty/levels?edit=new`);
  await page.getByRole('heading', { level: 2, name: '新建等级方案' }).waitFor();
  await page.getByLabel('名称', { exact: true }).fill(NAME);
  const pays = page.getByRole('spinbutton', { name: '付原价的' });
  assert.equal(await pays.count(), 4);
  await pays.nth(3).fill('0');
  await accessible(page);
  const refused = await answered('POST', '/loyalty/schemes', () =>
    page.getByRole('button', { name: '新建等级方案' }).click(),
  );
  assert.equal(refused.status(), 422);
  await page.getByText(/到 100% 之间/).waitFor();
  await pays.nth(3).fill('88');
  const made = await answered('POST', '/loyalty/schemes', () =>
    page.getByRole('button', { name: '新建等级方案' }).click(),
  );
  assert.equal(made.status(), 201);
  const scheme = await made.json();
  assert.equal(scheme.rules.levels[3].pay_bps, 8800);
  await page.getByRole('heading', { name: '各等级人数' }).waitFor();
  await accessible(page);
  await page.getByRole('button', { name: '修改方案' }).click();
  const bounds = page.getByRole('spinbutton', { name: '达到' });
  await bounds.nth(1).waitFor();
  const told = await answered('GET', '/what-if', () => bounds.nth(1).fill('500'));
  assert.match(told.url(), /rank=2&bound=50000$/);
  const { rise } = await told.json();
  const expected = rise
    ? new RegExp(`${rise.toLocaleString('zh-CN')} 位客户会立即升到这一级`)
    : '没有客户变动';
  await page.getByTestId('what-if-2').getByText(expected).waitFor();
  // It must stay between those below and above.
  await bounds.nth(1).fill('99999');
  await page.getByTestId('what-if-2').getByText('要在上下两级之间').waitFor();
  await accessible(page);
});

test('the card of a customer has a tab of its membership', async () => {
  const { items } = await ask('/customers?sort=-revenue&limit=1');
  customer = items[0]?.id;
  if (!customer) return;
  await page.goto(`${BASE}/customers/${customer}?tab=member`);
  const points = page.getByRole('region', { name: '积分' });
  await points.getByRole('button', { name: '调整积分' }).first().click();
  await dialog().getByLabel('增减多少').fill('60');
  await dialog().getByLabel('原因').fill('补偿发货延迟');
  await accessible(page);
  const done = await answered('POST', '/adjustments', () =>
    dialog().getByRole('button', { name: '调整积分' }).click(),
  );
  assert.equal((await done.json()).state, 'posted');
  await page.getByText('已入账').waitFor();
  await points.getByText('手工调整').first().waitFor();
  await points.getByRole('button', { name: '明细' }).first().click();
  await dialog().getByText('各行相加为 0。').waitFor();
  await dialog().getByText('+60').first().waitFor();
  await accessible(page);
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
});

test('a level is pinned for a reason, and released', async () => {
  if (!customer) return;
  const levels = page.getByRole('region', { name: '会员等级' });
  await levels.getByRole('button', { name: '锁定等级' }).last().click();
  await dialog().getByLabel('等级').click();
  await page.getByTitle('至尊 VIP', { exact: true }).last().click();
  await dialog().getByLabel('原因').fill('老朋友');
  await dialog().getByRole('button', { name: '锁定等级' }).click();
  await levels.getByText('锁定为至尊 VIP · 老朋友').waitFor();
  await accessible(page);
  await levels.getByRole('button', { name: '解除锁定' }).last().click();
  await dialog().getByLabel('原因').fill('改回来');
  await dialog().getByRole('button', { name: '解除锁定' }).click();
  await levels.getByText('恢复为实际达到的等级 · 改回来').waitFor();
});

test('the ledger leads from an entry to its lines', async () => {
  await page.goto(`${BASE}/loyalty/points?tab=ledger`);
  await page.getByRole('tab', { name: '账本' }).waitFor();
  await page.getByRole('combobox', { name: '类型' }).click();
  await answered('GET', '/loyalty/entries', () => page.getByTitle('手工调整', { exact: true }).click());
  await page.locator('.chips').getByText('手工调整').waitFor();
  await page.locator('.ant-select-dropdown').last().waitFor({ state: 'hidden' });
  await accessible(page);
  if (!customer) return;
  const programmes = (await ask('/loyalty/programmes')).items;
  const { items } = await ask('/loyalty/entries?kind=adjust&limit=1');
  assert.equal(items[0].moved, 60);
  await page.goto(
    `${BASE}/loyalty/points?tab=ledger&programme=${items[0].programme}&customer=${items[0].customer}`,
  );
  await page.getByText('只看一位客户').waitFor();
  await page.getByRole('button', { name: '明细 手工调整 60' }).first().click();
  await dialog().getByText('各行相加为 0。').waitFor();
  await accessible(page);
  await page.keyboard.press('Escape');
  assert.ok(programmes.length > 0);
});

test('an audience asks for a level and for points, row by row', async () => {
  await page.goto(`${BASE}/insight/audiences/new`);
  const kind = page.getByRole('combobox', { name: '条件种类', exact: true });
  const counted = (act) => answered('POST', '/audiences/count', act).then((answer) => answer.json());
  await page.getByRole('button', { name: /添加条件$/ }).click();
  await kind.click();
  await page.getByTitle('会员等级', { exact: true }).last().click();
  // Several schemes are asked which; one only is meant without a word.
  const which = page.getByRole('combobox', { name: '等级方案' });
  const ranks = page.getByRole('combobox', { name: '会员等级', exact: true });
  await ranks.waitFor();
  if (await which.isVisible()) {
    await which.click();
    await page.getByTitle(NAME, { exact: true }).last().click();
  }
  await ranks.click();
  await page.getByTitle('至尊 VIP', { exact: true }).last().click();
  const highest = await counted(() => page.getByTitle('没有等级', { exact: true }).last().click());
  assert.deepEqual([highest.tree.of[0].kind, highest.tree.of[0].is], ['level', [4, 0]]);
  await page.keyboard.press('Escape');
  await page.locator('.ant-select-dropdown').last().waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: /添加条件$/ }).click();
  await kind.last().click();
  await page.getByTitle('可用积分', { exact: true }).last().click();
  const programme = page.getByRole('combobox', { name: '积分方案' });
  const points = page.getByRole('spinbutton', { name: '可用积分' });
  await points.waitFor();
  if (await programme.isVisible()) {
    await programme.click();
    await page.getByTitle(NAME, { exact: true }).last().click();
  }
  const none = await counted(() => points.fill('999999999'));
  assert.equal(none.customers, 0);
  assert.deepEqual(none.tree.of[1].bounds, { min: 999_999_999 });
  await accessible(page);
  await page.getByText('文本', { exact: true }).click();
  const text = await page.getByRole('textbox', { name: '条件的文本' }).inputValue();
  assert.match(text, /level.* in \("至尊 VIP", none\)/);
  assert.match(text, /points.* >= 999999999/);
});

test('what is owed is told with its months', async () => {
  await page.goto(`${BASE}/loyalty/points?tab=owed`);
  await page.getByText('折合负债').waitFor();
  await accessible(page);
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: '下载 CSV' }).click(),
  ]);
  assert.match(file.suggestedFilename(), /^points-\d{4}-\d\d-\d\d\.csv$/);
  const text = readFileSync(await file.path(), 'utf8');
  const [report] = (await ask('/loyalty/programmes')).items;
  const { outstanding } = await ask(`/loyalty/programmes/${report.id}/liability`);
  assert.ok(text.includes(`"未兑付积分",${outstanding}\r\n`), text);
  await page.goto(`${BASE}/loyalty/points?tab=owed&at=2001-01-01&from=2001-01-01`);
  await page.getByText('2001-01-01 以来的变动').waitFor();
  await page.goto(`${BASE}/loyalty/points?tab=waiting`);
  await page.getByRole('tab', { name: '待审批' }).waitFor();
  await accessible(page);
  assert.deepEqual(errors, []);
});
