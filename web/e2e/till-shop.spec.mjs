// The reference shop of examples/shop against the real program: it quotes, reserves, commits, cancels, takes goods back, and
// hears of it by webhooks whose signatures it checks. Needs customers, so it comes after the import of spine.spec.mjs.
//
//   BASE_URL=… EMAIL=… PASSWORD=… node --test e2e/till-shop.spec.mjs
//
// The program must be started with --outbound-allow 127.0.0.0/8.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BASE, story } from './steps.mjs';

const test = story();
const SERVER = fileURLToPath(new URL('../../examples/shop/server.mjs', import.meta.url));
const RUN = Date.now().toString(36);

let cookie;
let api;
let shop;
let shopUrl;
let customer;
const made = [];

/** Calls the program as the owner. */
async function owner(method, path, body, headers = {}) {
  const answer = await fetch(`${BASE}/api/v1${path}`, {
    method,
    headers: { cookie, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const said = text ? JSON.parse(text) : {};
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return said;
}

/** Asks the shop. */
async function ask(path, body) {
  const init = body && { method: 'POST', body: JSON.stringify(body) };
  const answer = await fetch(`${shopUrl}${path}`, init);
  return { status: answer.status, body: await answer.json() };
}

/** Asks until `is` is satisfied; fails after 30 s. */
async function eventually(what, is) {
  const end = Date.now() + 30_000;
  for (;;) {
    const found = await is();
    if (found) return found;
    assert.ok(Date.now() < end, `${what} did not come`);
    await new Promise((go) => setTimeout(go, 100));
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

before(async () => {
  const signed = await fetch(`${BASE}/api/v1/identity/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: process.env.EMAIL, password: process.env.PASSWORD }),
  });
  assert.equal(signed.status, 201);
  cookie = signed.headers.get('set-cookie').split(';')[0];
  const customers = await owner('GET', '/customers?limit=1');
  assert.ok(customers.items.length, 'there must be a customer: run spine.spec.mjs first');
  customer = customers.items[0].id;
  api = (await owner('GET', '/commerce/shops')).items[0];

  // The price of this test does not rest on what else is live: a product that nobody else names takes its own promotion.
  const promotion = await owner('POST', '/loyalty/promotions', {
    name: `reference shop ${RUN}`,
    rules: {
      terms: {
        currency: 'CNY',
        kind: { type: 'amount_off', threshold_minor: 20_000, off_minor: 3_000 },
        conditions: { products: ['longjing'] },
      },
    },
  });
  made.push(promotion.promotion.id);
  await owner('PUT', `/loyalty/promotions/${promotion.promotion.id}/state`, { state: 'live' });

  const port = await freePort();
  shopUrl = `http://127.0.0.1:${port}`;
  const hook = await owner('POST', '/platform/webhooks', {
    url: `${shopUrl}/hook`,
    note: 'the reference shop',
    topics: ['loyalty.reservation_committed.v1', 'loyalty.reservation_released.v1'],
  });
  const token = await owner('POST', '/identity/tokens', { name: `shop ${RUN}` });
  shop = spawn(process.execPath, [SERVER], {
    env: {
      ...process.env,
      GUANXI_URL: BASE,
      GUANXI_TOKEN: token.token,
      GUANXI_SHOP: api.id,
      WEBHOOK_SECRET: hook.secret,
      PORT: String(port),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(shop.stdout, 'data');
  made.push(hook.webhook.id, token.id);
});

after(async () => {
  shop?.kill();
  const [promotion, webhook, token] = made;
  if (promotion) await owner('PUT', `/loyalty/promotions/${promotion}/state`, { state: 'ended' });
  if (webhook) await owner('DELETE', `/platform/webhooks/${webhook}`);
  if (token) await owner('DELETE', `/identity/tokens/${token}`);
});

const said = { items: { longjing: 2 } };

test('a cart has its price and a reason for it', async () => {
  const quote = await ask('/quote', { ...said, customer });
  assert.equal(quote.status, 200, JSON.stringify(quote.body));
  const { priced } = quote.body;
  assert.equal(priced.total_minor, 2 * 12_800 + 800 - 3_000);
  assert.equal(quote.body.names[priced.lines[0].shares[0].promotion], `reference shop ${RUN}`);
});

test('another total than the customer saw is refused with the new one', async () => {
  const order = { ...said, customer, order_key: `${RUN}-0`, expected_total_minor: 1 };
  const refused = await ask('/order', order);
  assert.equal(refused.status, 409);
  assert.equal(refused.body.code, 'price_changed');
  assert.equal(refused.body.current.priced.total_minor, 23_400);
});

test('an order is reserved once, committed once, and heard of', async () => {
  const order = { ...said, customer, order_key: `${RUN}-1`, expected_total_minor: 23_400 };
  const first = await ask('/order', order);
  assert.equal(first.status, 200, JSON.stringify(first.body));
  assert.deepEqual(await ask('/order', order), first);
  assert.equal((await ask('/pay', { order_key: order.order_key })).body.state, 'committed');
  assert.equal((await ask('/pay', { order_key: order.order_key })).body.state, 'committed');
  const late = await ask('/cancel', { order_key: order.order_key });
  assert.deepEqual([late.status, late.body.code], [409, 'wrong_state']);
  const message = await eventually('the webhook', async () =>
    (await ask('/orders')).body.heard.find((one) => one.data.order_key === order.order_key),
  );
  assert.equal(message.type, 'loyalty.reservation_committed.v1');
  assert.equal(message.data.customer, first.body.customer ?? message.data.customer);
});

test('pieces that come back are worth what was paid for them', async () => {
  const back = { order_key: `${RUN}-1`, refund_key: 'r1', items: { longjing: 1 } };
  const first = await ask('/return', back);
  assert.deepEqual(
    [first.body.money_minor, first.body.shipping_minor],
    [11_300, 0],
    JSON.stringify(first.body),
  );
  assert.deepEqual(await ask('/return', back), first);
  const last = await ask('/return', { ...back, refund_key: 'r2' });
  assert.deepEqual(
    [last.body.money_minor, last.body.shipping_minor, last.body.is_whole],
    [11_300, 800, true],
  );
});

test('an order that is given up is free again, and heard of', async () => {
  const order = { ...said, customer, order_key: `${RUN}-2`, expected_total_minor: 23_400 };
  assert.equal((await ask('/order', order)).body.state, 'held');
  assert.equal((await ask('/cancel', { order_key: order.order_key })).body.state, 'cancelled');
  const message = await eventually('the webhook', async () =>
    (await ask('/orders')).body.heard.find((one) => one.data.order_key === order.order_key),
  );
  assert.deepEqual([message.type, message.data.timed_out], ['loyalty.reservation_released.v1', false]);
});

test('a message that Guanxi did not sign is not heard', async () => {
  const count = (await ask('/orders')).body.heard.length;
  const forged = await fetch(`${shopUrl}/hook`, {
    method: 'POST',
    headers: {
      'webhook-id': 'msg_forged',
      'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
      'webhook-signature': 'v1,AAAA',
    },
    body: JSON.stringify({ type: 'loyalty.reservation_released.v1', data: { order_key: `${RUN}-1` } }),
  });
  assert.equal(forged.status, 401);
  assert.equal((await ask('/orders')).body.heard.length, count);
});
