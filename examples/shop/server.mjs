// A small shop that sells by the prices of Guanxi: it quotes, reserves, commits, cancels and returns, and hears of it by
// webhooks. Orders are kept in memory: a real shop keeps them in its database before it asks anything.
//
//   GUANXI_URL=… GUANXI_TOKEN=… GUANXI_SHOP=shp_… WEBHOOK_SECRET=whsec_… PORT=8500 node server.mjs
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { guanxi, isOurs, Refused } from './guanxi.mjs';

const { GUANXI_URL, GUANXI_TOKEN, GUANXI_SHOP, WEBHOOK_SECRET, PORT = '8500' } = process.env;
// Without the secret anybody could send messages.
for (const name of ['GUANXI_URL', 'GUANXI_TOKEN', 'GUANXI_SHOP', 'WEBHOOK_SECRET']) {
  if (!process.env[name]) {
    process.stderr.write(`${name} is not set; see README.md\n`);
    process.exit(2);
  }
}
const BODY_MAX = 256 * 1024;
const GOODS = {
  longjing: { name: 'Longjing', categories: ['tea'], unit_price_minor: 12_800 },
  puer: { name: 'Pu’er', categories: ['tea'], unit_price_minor: 9_900 },
  cup: { name: 'Cup', categories: ['ware'], unit_price_minor: 3_500 },
};
const SHIPPING_MINOR = 800;

const loyalty = guanxi({ url: GUANXI_URL, token: GUANXI_TOKEN, shop: GUANXI_SHOP });
/** Orders by their key. */
const orders = new Map();
/** Messages that came, by `webhook-id`: one may come more than once. */
const heard = new Map();

/** What the interface takes, from `{items: {longjing: 2}, customer?, codes?, points?}`. */
function asked({ items = {}, customer = null, codes = [], points = null, wallet = false }) {
  const lines = Object.entries(items)
    .filter(([product, quantity]) => GOODS[product] && quantity > 0)
    .map(([product, quantity]) => {
      const { categories, unit_price_minor } = GOODS[product];
      return { id: product, product, categories, quantity, unit_price_minor };
    });
  const cart = { currency: 'CNY', lines, shipping_minor: SHIPPING_MINOR };
  return { customer, cart, coupons: codes.map((code) => ({ code })), points, wallet };
}

const ROUTES = {
  'GET /goods': async () => ({ goods: GOODS, shipping_minor: SHIPPING_MINOR }),
  'GET /orders': async () => ({ orders: [...orders.values()], heard: [...heard.values()] }),
  // While somebody fills the cart.
  'POST /quote': (said) => loyalty.quote(asked(said)),
  // Somebody agrees to pay what they were shown.
  'POST /order': async ({ order_key, expected_total_minor, ...said }) => {
    const held = await loyalty.reserve({ ...asked(said), order_key, expected_total_minor });
    const order = { order_key, reservation: held.id, state: held.state, total_minor: expected_total_minor };
    orders.set(order_key, order);
    return order;
  },
  // The money came.
  'POST /pay': ({ order_key }) => move(order_key, (order) => loyalty.commit(order.reservation)),
  // It did not come, or they changed their mind.
  'POST /cancel': ({ order_key }) => move(order_key, (order) => loyalty.cancel(order.reservation)),
  // Pieces came back; the answer says how much money goes to the customer.
  'POST /return': ({ order_key, refund_key, items }) =>
    loyalty.refund({
      order_key,
      refund_key,
      lines: Object.entries(items).map(([line, quantity]) => ({ line, quantity })),
    }),
};

async function move(orderKey, by) {
  const order = orders.get(orderKey);
  if (!order) throw new Refused(404, { code: 'not_found', detail: 'there is no such order' });
  order.state = (await by(order)).state;
  return order;
}

/** Hears a webhook: 401 unless Guanxi sent it, 204 whether it is new or known. */
function hear(headers, raw) {
  if (!isOurs(WEBHOOK_SECRET, headers, raw)) return 401;
  const message = JSON.parse(raw);
  if (heard.has(headers['webhook-id'])) return 204;
  heard.set(headers['webhook-id'], message);
  const order = orders.get(message.data?.order_key);
  // A reservation whose time ran out: the order cannot be paid any more.
  if (order && message.type === 'loyalty.reservation_released.v1') {
    order.state = message.data.timed_out ? 'timed_out' : 'cancelled';
  }
  return 204;
}

async function bodyOf(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > BODY_MAX) throw new Refused(413, { code: 'too_large', detail: `at most ${BODY_MAX} bytes` });
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function answer(request) {
  const path = new URL(request.url, 'http://shop').pathname;
  if (request.method === 'GET' && path === '/') {
    return [200, 'text/html; charset=utf-8', readFileSync(new URL('./index.html', import.meta.url))];
  }
  const raw = await bodyOf(request);
  if (request.method === 'POST' && path === '/hook') return [hear(request.headers, raw), 'text/plain', ''];
  const route = ROUTES[`${request.method} ${path}`];
  if (!route) throw new Refused(404, { code: 'not_found', detail: 'there is no such page' });
  let said = {};
  try {
    if (raw.length) said = JSON.parse(raw);
  } catch {
    throw new Refused(400, { code: 'malformed', detail: 'the body must be JSON' });
  }
  return [200, 'application/json', JSON.stringify(await route(said))];
}

const server = createServer(async (request, response) => {
  let told;
  try {
    told = await answer(request);
  } catch (error) {
    // Refusals are told as they are: `price_changed` has the new price.
    const [status, body] =
      error instanceof Refused
        ? [error.status, error.body]
        : [502, { code: 'unavailable', detail: 'prices cannot be asked just now' }];
    told = [status, 'application/json', JSON.stringify(body)];
  }
  const [status, type, body] = told;
  response.writeHead(status, { 'content-type': type }).end(body);
});
server.listen(Number(PORT), '127.0.0.1', () => {
  process.stdout.write(`the shop is open at http://127.0.0.1:${server.address().port}\n`);
});
