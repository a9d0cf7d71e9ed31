// Serves web/dist and a believable shop, the same every time, to look at pages without the real server.
//   PORT=8430 node dev/mock-server.mjs        any e-mail; password "guanxi-demo"; EMPTY=1 for a new shop
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const PORT = Number(process.env.PORT ?? 8430);
const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const EMPTY = process.env.EMPTY === '1';
const NOW = Date.now();
const DAY = 86_400_000;

let seed = 20_261_122;
const random = () => {
  seed = (seed * 1_664_525 + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};
const int = (low, high) => low + Math.floor(random() * (high - low + 1));
const pick = (list) => list[int(0, list.length - 1)];
const iso = (ms) => new Date(ms).toISOString();
const day = (ms) => new Date(ms + 8 * 3_600_000).toISOString().slice(0, 10);
let serial = 0;
const id = (prefix) => `${prefix}_01k${(++serial).toString(32).padStart(23, '0')}`;

const TIERS = [
  'champions',
  'loyal',
  'potential_loyalist',
  'new_customers',
  'promising',
  'need_attention',
  'about_to_sleep',
  'at_risk',
  'cant_lose',
  'hibernating',
  'lost',
];
const CLASSIC = [
  'important_value',
  'important_develop',
  'important_keep',
  'important_retain',
  'general_value',
  'general_develop',
  'general_keep',
  'general_retain',
];
const SURNAMES = [...'王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗'];
const GIVEN = [
  '伟',
  '芳',
  '秀英',
  '敏',
  '静',
  '丽',
  '强',
  '磊',
  '洋',
  '艳',
  '勇',
  '杰',
  '娟',
  '涛',
  '超',
  '雨桐',
  '子涵',
  '欣怡',
  '浩然',
  '梓萱',
];
const PLACES = [
  ['浙江省', '杭州市'],
  ['上海', '上海市'],
  ['广东省', '深圳市'],
  ['江苏省', '苏州市'],
  ['四川省', '成都市'],
  ['北京', '北京市'],
  ['福建省', '厦门市'],
  ['湖北省', '武汉市'],
  ['新疆维吾尔自治区', '乌鲁木齐市'],
];
const TEAS = [
  '明前西湖龙井 250g 礼盒装',
  '安溪铁观音 清香型 500g',
  '云南普洱熟茶 七子饼 357g',
  '福鼎白毫银针 100g',
  '武夷山大红袍 125g 罐装',
  '冷泡茉莉花茶 20 包',
  '紫砂壶 西施 180ml',
  '旅行茶具套装 一壶四杯',
];

const shops = EMPTY
  ? []
  : [
      { id: id('shp'), name: '茶话旗舰店', channel: 'tmall', currency: 'CNY', orders: 0 },
      { id: id('shp'), name: '茶话淘宝店', channel: 'taobao', currency: 'CNY', orders: 0 },
    ];
const tags = EMPTY
  ? []
  : [
      ['直播间来的', 'magenta'],
      ['爱退货', 'orange'],
      ['企业采购', 'blue'],
      ['送礼', 'gold'],
    ].map(([name, colour]) => ({ id: id('tag'), name, colour }));
const customers = [];
const orders = [];
const notes = new Map();
for (let i = 0; i < (EMPTY ? 0 : 1200); i += 1) {
  const place = pick(PLACES);
  const count = Math.max(1, Math.floor(-Math.log(1 - random()) * 4));
  const last = NOW - Math.floor(random() ** 2 * 900) * DAY - int(0, DAY);
  const customer = {
    id: id('cus'),
    name: pick(SURNAMES) + pick(GIVEN),
    accounts: [
      { channel: 'taobao', value: `${pick(['tb', 'tea_', '小', '爱喝茶的', 'lucky'])}${int(1000, 99999)}` },
    ],
    phone: `1${int(30, 99)}****${int(1000, 9999)}`,
    email: random() < 0.3 ? `${pick([...'zlwcy'])}***@${pick(['qq.com', '163.com', 'example.com'])}` : null,
    province: place[0],
    city: place[1],
    rating: random() < 0.2 ? pick(['A', 'B', 'C', 'D']) : null,
    currency: 'CNY',
    tags: tags.filter(() => random() < 0.08),
    created_at: iso(last - 200 * DAY),
    orders: 0,
    revenue_minor: 0,
    version: 1,
    refund_minor: 0,
  };
  for (let k = 0; k < count; k += 1) {
    const at = last - k * int(12, 70) * DAY - int(0, DAY);
    const fresh = NOW - at < 20 * DAY;
    const state = fresh
      ? pick(['paid', 'paid', 'shipped', 'shipped', 'completed', 'unpaid'])
      : random() < 0.07
        ? 'closed'
        : 'completed';
    const goods = int(29, 900) * 100 - 10;
    const paid = state === 'unpaid' || state === 'closed' ? 0 : goods;
    const refund = paid && random() < 0.05 ? Math.floor(paid / 2) : 0;
    const shop = shops[random() < 0.7 ? 0 : 1];
    shop.orders += 1;
    const order = {
      id: id('ord'),
      external_no: `${3_515_000_000_000_000_000n + BigInt(orders.length) * 7_919_003n}`,
      shop: { id: shop.id, name: shop.name },
      customer: { id: customer.id, name: customer.name },
      state,
      close_reason: state === 'closed' ? '买家未付款' : null,
      ordered_at: iso(at),
      paid_at: paid ? iso(at + 60_000) : null,
      shipped_at: ['shipped', 'completed'].includes(state) ? iso(at + DAY) : null,
      completed_at: state === 'completed' ? iso(at + 6 * DAY) : null,
      currency: 'CNY',
      goods_minor: goods,
      freight_minor: 0,
      total_minor: goods,
      paid_minor: paid,
      refund_minor: refund,
      revenue_minor: paid - refund,
      item_count: int(1, 3),
      item_title: pick(TEAS),
      buyer_message: random() < 0.1 ? '请用礼品袋包装，谢谢' : null,
      seller_remark: random() < 0.1 ? '老客户，多放一包试饮' : null,
      carrier: '顺丰速运',
      tracking_no: `SF${int(1_000_000_000, 2_000_000_000)}`,
      receiver: {
        name: `${customer.name[0]}**`,
        phone: customer.phone,
        province: place[0],
        city: place[1],
        address: '***',
      },
    };
    orders.push(order);
    if (paid) {
      customer.orders += 1;
      customer.revenue_minor += order.revenue_minor;
      customer.refund_minor += refund;
      customer.last_order_at =
        customer.last_order_at > order.ordered_at ? customer.last_order_at : order.ordered_at;
      customer.first_order_at =
        customer.first_order_at && customer.first_order_at < order.ordered_at
          ? customer.first_order_at
          : order.ordered_at;
    }
  }
  customer.average_order_minor = customer.orders ? Math.round(customer.revenue_minor / customer.orders) : 0;
  customers.push(customer);
}
orders.sort((a, b) => (a.ordered_at < b.ordered_at ? 1 : -1));

/** Scores by rank, so that every bin holds about as many. */
function score(bins) {
  const counted = customers.filter((one) => one.orders > 0);
  const rank = (value, name) => {
    [...counted]
      .sort((a, b) => value(a) - value(b))
      .forEach((one, index) => {
        one[name] = Math.min(bins, 1 + Math.floor((index * bins) / counted.length));
      });
  };
  rank((one) => Date.parse(one.last_order_at), 'r');
  rank((one) => one.orders, 'f');
  rank((one) => one.revenue_minor, 'm');
  for (const one of counted) {
    one.cell = `R${one.r}F${one.f}M${one.m}`;
    const r = Math.ceil((one.r * 5) / bins);
    const v = Math.ceil(((one.f + one.m) * 5) / bins / 2);
    one.tier =
      r >= 5
        ? v >= 4
          ? 'champions'
          : v >= 2
            ? 'potential_loyalist'
            : 'new_customers'
        : r >= 4
          ? v >= 4
            ? 'loyal'
            : v >= 2
              ? 'potential_loyalist'
              : 'promising'
          : r >= 3
            ? v >= 4
              ? 'loyal'
              : v >= 3
                ? 'need_attention'
                : 'about_to_sleep'
            : v >= 5
              ? 'cant_lose'
              : v >= 3
                ? 'at_risk'
                : r >= 2
                  ? 'hibernating'
                  : 'lost';
    const high = (x) => (x > 3 ? 1 : 0);
    one.classic =
      CLASSIC[(high(one.m) ? 0 : 4) + (high(one.r) ? (high(one.f) ? 0 : 1) : high(one.f) ? 2 : 3)];
  }
  return counted;
}
score(5);

let importNumber = 0;
const imports = EMPTY
  ? []
  : [
      [
        'ExportOrderList202611211030.csv',
        'finished',
        {
          rows_read: 4906,
          orders_created: 4311,
          orders_updated: 480,
          orders_unchanged: 103,
          rejected: 12,
          customers_created: 955,
          customers_matched: 3356,
          can_undo: true,
        },
      ],
      [
        'ExportOrderList202610.csv',
        'running',
        {
          rows_read: 412_000,
          bytes_read: 310e6,
          bytes_total: 760e6,
          rows_per_second: 61_200,
          seconds_left: 9.8,
          orders_created: 398_200,
          orders_updated: 13_100,
          rejected: 3,
        },
      ],
      [
        'ExportItemList202610.csv',
        'paused',
        { rows_read: 88_000, bytes_read: 31e6, bytes_total: 80e6, orders_updated: 80_100 },
      ],
      ['pdd_orders_2026Q3.xlsx', 'undone', { rows_read: 2100, orders_created: 2100 }],
      [
        'orders-broken.csv',
        'failed',
        { rows_read: 14, error: '第 15 行：文件在一个带引号的单元格中间结束了' },
      ],
      [
        'old_shop_2019.csv',
        'finished',
        {
          rows_read: 900,
          orders_unchanged: 900,
          can_undo: false,
          undo_refusal: '之后的导入 ExportOrderList202611211030.csv 更新了同一批订单',
        },
      ],
    ].map(([name, state, facts], index) =>
      makeImport(name, state, { ...facts, created_at: iso(NOW - index * 7.3 * 3_600_000 - 240_000) }),
    );
function makeImport(name, state, facts) {
  return {
    id: id('imp'),
    number: ++importNumber,
    state,
    dry_run: false,
    shop: shops[0] ? { id: shops[0].id, name: shops[0].name } : null,
    files: [{ name, size_bytes: 3_402_112, format: 'taobao-orders', encoding: 'GB18030' }],
    format: 'taobao-orders',
    encoding: 'GB18030',
    rows_read: 0,
    bytes_read: 3_402_112,
    bytes_total: 3_402_112,
    rows_per_second: 52_000,
    seconds_left: null,
    orders_created: 0,
    orders_updated: 0,
    orders_unchanged: 0,
    lines_created: 0,
    customers_created: 0,
    customers_matched: 0,
    rejected: 0,
    seconds: state === 'finished' ? 2.4 : null,
    error: null,
    can_undo: false,
    undo_refusal: null,
    created_at: iso(NOW),
    started_at: iso(NOW - 60_000),
    finished_at: state === 'finished' ? iso(NOW) : null,
    ...facts,
  };
}
const suggestions = EMPTY
  ? []
  : Array.from({ length: 6 }, (_, i) => ({
      id: id('sug'),
      a: row(customers[i * 2]),
      b: row({ ...customers[i * 2 + 1], name: customers[i * 2].name }),
      evidence:
        i % 2
          ? [{ kind: 'email', value: 'z***@qq.com' }]
          : [
              { kind: 'phone', value: customers[i * 2].phone },
              { kind: 'name', value: customers[i * 2].name },
            ],
      score: i % 2 ? 0.72 : 0.94,
      created_at: iso(NOW - i * DAY),
    }));
const views = EMPTY
  ? []
  : [
      {
        id: id('viw'),
        page: 'customers',
        name: '要流失的大客户',
        query: 'tier=cant_lose&sort=-revenue',
        shared: true,
        own: true,
      },
    ];
const backups = EMPTY
  ? []
  : [0, 1, 2, 3, 8, 15].map((days, at) => ({
      name: `2026-11-${22 - days}T030000Z-1a2b3c`,
      created_at: iso(NOW - days * 86_400_000 - 5 * 3_600_000),
      program: '0.1.0',
      database: 'sqlite',
      data_hash: '0'.repeat(64),
      rows: 1_284_310 - days * 4_000,
      pieces: 61,
      bytes: 241_000_000,
      stored_bytes: 58_400_000 - days * 120_000,
      verified_at: at === 1 ? null : iso(NOW - 4 * 3_600_000),
      ok: at === 1 ? null : at !== 3,
      problem: at === 3 ? `pieces/${'0c9a41d7'.repeat(8)} is missing` : null,
    }));
const jobs = EMPTY
  ? []
  : [
      {
        id: id('job'),
        kind: 'commerce.import',
        state: 'running',
        attempts: 1,
        last_error: null,
        run_at: iso(NOW),
        created_at: iso(NOW - 60_000),
        finished_at: null,
      },
      {
        id: id('job'),
        kind: 'insight.project',
        state: 'dead',
        attempts: 8,
        last_error: 'disk is full: could not write snapshot.tmp (/data/insight, 28 KiB free)',
        run_at: iso(NOW - DAY),
        created_at: iso(NOW - 2 * DAY),
        finished_at: null,
      },
      {
        id: id('job'),
        kind: 'commerce.undo',
        state: 'done',
        attempts: 1,
        last_error: null,
        run_at: iso(NOW - DAY),
        created_at: iso(NOW - DAY),
        finished_at: iso(NOW - DAY + 3000),
      },
    ];
const tokens = EMPTY
  ? []
  : [
      {
        id: id('tok'),
        name: '每晚报表',
        created_at: iso(NOW - 40 * DAY),
        last_used_at: iso(NOW - 5 * 3_600_000),
      },
    ];
const user = { id: id('usr'), email: 'owner@example.com', name: '陈掌柜', role: 'owner', locale: 'zh-CN' };
const person = { name: user.name, email: user.email };
// ROLE=rep looks with the eyes of a sales representative, ROLE=veiled with those of a role that hides every field.
const ROLE = process.env.ROLE ?? 'owner';
const READ = ['customers.read', 'customers.edit', 'customers.reveal', 'commerce.read'];
const VEIL = {
  'customers.name': 'masked',
  ...Object.fromEntries(
    ['accounts', 'phone', 'email', 'region', 'rating', 'tags', 'notes'].map((f) => [
      `customers.${f}`,
      'hidden',
    ]),
  ),
  ...Object.fromEntries(['amounts', 'receiver', 'remarks'].map((f) => [`commerce.${f}`, 'hidden'])),
};
const RIGHTS = [
  ...['customers.read', 'customers.edit', 'customers.assign', 'customers.reveal', 'customers.tags'],
  ...['customers.merge', 'customers.export', 'customers.settings', 'commerce.read', 'commerce.import'],
  ...[
    'commerce.shops',
    'insight.read',
    'identity.people',
    'platform.jobs',
    'platform.audit',
    'platform.backups',
    'platform.keys',
    'platform.retention',
  ],
];
const session = {
  user,
  org: { name: '茶话' },
  rights: { rep: READ, veiled: [...READ, 'insight.read'] }[ROLE] ?? ['*'],
  sees_all: ROLE !== 'rep',
  fields: ROLE === 'veiled' ? VEIL : {},
  expires_at: iso(NOW + 14 * DAY),
};
const member = (name, email, role, more = {}) => ({
  id: id('usr'),
  name,
  email,
  role,
  team_id: null,
  territory_id: null,
  deactivated_at: null,
  last_seen_at: iso(NOW - int(1, 300) * 60_000),
  created_at: iso(NOW - 90 * DAY),
  version: 1,
  ...more,
});
const teams = [
  { id: id('team'), name: '华东', parent_id: null },
  { id: id('team'), name: '杭州组', parent_id: null },
];
teams[1].parent_id = teams[0].id;
const territories = [
  { id: id('ter'), name: '江浙沪', regions: ['上海', '江苏省', '浙江省'] },
  { id: id('ter'), name: '华南', regions: ['广东省', '海南省', '福建省'] },
];
const members = [
  { ...member(user.name, user.email, 'owner'), id: user.id },
  member('林晓', 'lin@example.com', 'sales_representative', { team_id: teams[1].id }),
  member('周倩', 'zhou@example.com', 'sales_manager', { team_id: teams[0].id }),
  member('高远', 'gao@example.com', 'partner_manager', { territory_id: territories[1].id }),
  member('徐敏', 'xu@example.com', 'service_agent', { deactivated_at: iso(NOW - 3 * DAY) }),
];
const roleOf = (name, reach, rights, more = {}) => ({
  name,
  title: null,
  built_in: true,
  reach,
  rights,
  fields: {},
  version: 1,
  ...more,
});
const roles = [
  roleOf('owner', 'all', ['*']),
  roleOf('administrator', 'all', RIGHTS),
  roleOf('analyst', 'all', ['customers.read', 'commerce.read', 'insight.read']),
  roleOf('service_agent', 'all', READ),
  roleOf('partner_manager', 'territory', READ),
  roleOf('sales_representative', 'own', READ),
  roleOf('sales_manager', 'team_and_below', [...READ, 'customers.assign']),
  roleOf('packer', 'team', ['commerce.read'], {
    title: '打包',
    built_in: false,
    fields: { 'commerce.amounts': 'hidden', 'customers.name': 'masked' },
  }),
];
for (const [index, one] of customers.entries()) {
  const who = ROLE === 'rep' ? members[0] : index % 3 ? members[1 + (index % 4)] : null;
  one.owner = who?.id ?? null;
  one.owner_person = who ? { name: who.name, email: who.email } : null;
}
/** What a role does not see is in no answer. */
function veiled(one) {
  if (ROLE !== 'veiled' || !one) return one;
  const none = { phone: null, email: null, province: null, city: null, rating: null, tier: null, cell: null };
  const money = Object.fromEntries(
    Object.keys(one)
      .filter((k) => k.endsWith('_minor'))
      .map((k) => [k, null]),
  );
  return {
    ...one,
    ...none,
    ...money,
    ...(one.name ? { name: `${one.name[0]}**` } : {}),
    ...(one.accounts ? { accounts: [], tags: [] } : {}),
    ...(one.identities ? { identities: [], notes: [], shops: [] } : {}),
    ...(one.customer ? { customer: { ...one.customer, name: `${one.customer.name[0]}**` } } : {}),
    ...(one.lines ? { lines: one.lines.map(veiled) } : {}),
    ...('receiver' in one ? { receiver: null, buyer_message: null, seller_remark: null } : {}),
  };
}

function row(one) {
  const { version: _v, classic: _c, r: _r, f: _f, m: _m, refund_minor: _x, ...rest } = one;
  return { tier: null, cell: null, first_order_at: null, last_order_at: null, ...rest };
}
function paged(list, query) {
  const limit = Math.min(200, Number(query.get('limit') ?? 50));
  const at = Number(query.get('after') ?? 0);
  return { items: list.slice(at, at + limit), next: at + limit < list.length ? String(at + limit) : null };
}
function filterCustomers(query) {
  const q = query.get('q');
  const number = (name) => (query.has(name) ? Number(query.get(name)) : undefined);
  const within = (value, low, high) =>
    (low === undefined || value >= low) && (high === undefined || value <= high);
  const days = (value, from, to) =>
    (!from && !to) ||
    (value && (!from || day(Date.parse(value)) >= from) && (!to || day(Date.parse(value)) <= to));
  const found = customers.filter(
    (one) =>
      (!q || one.name.startsWith(q) || one.accounts.some((a) => a.value.includes(q))) &&
      ['tier', 'classic', 'cell', 'province', 'rating'].every(
        (name) => !query.get(name) || one[name] === query.get(name),
      ) &&
      (!query.get('owner') || (one.owner ?? 'none') === query.get('owner')) &&
      (ROLE !== 'rep' || customers.indexOf(one) % 200 === 0) &&
      (!query.get('tag') || one.tags.some((tag) => tag.id === query.get('tag'))) &&
      within(one.orders, number('orders_min'), number('orders_max')) &&
      within(one.revenue_minor, number('revenue_min'), number('revenue_max')) &&
      days(one.last_order_at, query.get('last_order_from'), query.get('last_order_to')) &&
      days(one.first_order_at, query.get('first_order_from'), query.get('first_order_to')),
  );
  const sort = query.get('sort') ?? '-last_order_at';
  const field =
    { revenue: 'revenue_minor', average_order: 'average_order_minor' }[sort.replace('-', '')] ??
    sort.replace('-', '');
  const sign = sort.startsWith('-') ? -1 : 1;
  return found.sort(
    (a, b) => sign * ((a[field] ?? '') < (b[field] ?? '') ? -1 : (a[field] ?? '') > (b[field] ?? '') ? 1 : 0),
  );
}
function card(one) {
  const own = orders.filter((order) => order.customer?.id === one.id);
  return {
    ...row(one),
    version: one.version,
    classic: one.classic ?? null,
    r: one.r,
    f: one.f,
    m: one.m,
    refund_minor: one.refund_minor,
    median_days_between_orders: one.orders > 1 ? 34.5 : null,
    shops: shops
      .map((shop) => ({
        id: shop.id,
        name: shop.name,
        currency: shop.currency,
        orders: own.filter((o) => o.shop.id === shop.id).length,
        revenue_minor: own.filter((o) => o.shop.id === shop.id).reduce((s, o) => s + o.revenue_minor, 0),
      }))
      .filter((s) => s.orders),
    identities: [
      {
        id: `idn_a_${one.id}`,
        kind: 'account',
        channel: 'taobao',
        value: one.accounts[0].value,
        first_seen_at: one.created_at,
        by_hand: false,
      },
      {
        id: `idn_p_${one.id}`,
        kind: 'phone',
        channel: null,
        value: one.phone,
        first_seen_at: one.created_at,
        by_hand: true,
      },
    ],
    notes: notes.get(one.id) ?? [],
    merges: one.merges ?? [],
    suggestions: suggestions.filter((s) => s.a.id === one.id || s.b.id === one.id),
    merged_into: null,
  };
}
function rfm(query) {
  const bins = Number(query.get('bins') ?? 5);
  const scheme = query.get('scheme') ?? 'eleven';
  const compare = query.get('compare_to');
  const kept = customers.map((one) => ({ ...one }));
  const counted = score(bins).map((one) => ({ ...one }));
  for (const [index, one] of customers.entries()) Object.assign(one, kept[index]);
  const cells = new Map();
  for (const one of counted) {
    const cell = cells.get(one.cell) ?? {
      r: one.r,
      f: one.f,
      m: one.m,
      customers: 0,
      orders: 0,
      revenue_minor: 0,
    };
    cell.customers += 1;
    cell.orders += one.orders;
    cell.revenue_minor += one.revenue_minor;
    cells.set(one.cell, cell);
  }
  const names = scheme === 'classic' ? CLASSIC : TIERS;
  const tiers = names.map((tier, index) => {
    const of = counted.filter((one) => one[scheme === 'classic' ? 'classic' : 'tier'] === tier);
    const base = {
      tier,
      customers: of.length,
      orders: of.reduce((s, o) => s + o.orders, 0),
      revenue_minor: of.reduce((s, o) => s + o.revenue_minor, 0),
    };
    return compare
      ? {
          ...base,
          before: of.length + ((index * 7) % 23) - 11,
          entered: (index * 13) % 31,
          left: (index * 17) % 29,
        }
      : base;
  });
  const bounds = (values) =>
    Array.from(
      { length: bins - 1 },
      (_, i) => [...values].sort((a, b) => a - b)[Math.floor(((i + 1) * values.length) / bins)] ?? 0,
    );
  const counts = (name) =>
    Array.from({ length: bins }, (_, i) => counted.filter((one) => one[name] === i + 1).length);
  return {
    as_of: query.get('as_of') ?? day(NOW),
    bins,
    scheme,
    currency: 'CNY',
    customers: counted.length,
    thresholds: {
      r: bounds(counted.map((o) => Math.round((NOW - Date.parse(o.last_order_at)) / DAY))),
      f: bounds(counted.map((o) => o.orders)),
      m: bounds(counted.map((o) => o.revenue_minor)),
    },
    score_counts: { r: counts('r'), f: counts('f'), m: counts('m') },
    cells: [...cells.values()],
    tiers,
    ...(compare
      ? {
          movement: names
            .flatMap((from, i) =>
              [1, 2].map((step) => ({
                from,
                to: names[(i + step) % names.length],
                customers: ((i * 31 + step * 17) % 60) + 3,
              })),
            )
            .concat([{ from: null, to: 'new_customers', customers: 44 }]),
        }
      : {}),
  };
}
function workbench() {
  const byDay = Array.from({ length: 90 }, (_, i) => day(NOW - (90 - i) * DAY)).map((name) => {
    const of = orders.filter((one) => day(Date.parse(one.ordered_at)) === name);
    return { day: name, revenue_minor: of.reduce((s, o) => s + o.revenue_minor, 0), orders: of.length };
  });
  const delta = (value, before) => ({ value, before });
  const [a, b] = [byDay.at(-1), byDay.at(-2)];
  return {
    day: a.day,
    orders: delta(a.orders, b.orders),
    revenue_minor: ROLE === 'veiled' ? null : delta(a.revenue_minor, b.revenue_minor),
    new_customers: delta(EMPTY ? 0 : 7, EMPTY ? 0 : 7),
    refunds: delta(EMPTY ? 0 : 3, EMPTY ? 0 : 1),
    revenue_by_day: byDay,
    currency: 'CNY',
    recent_imports: ROLE === 'owner' ? imports.slice(0, 4) : [],
    attention: EMPTY
      ? []
      : [
          { kind: 'unshipped', count: 18, link: '/orders?state=paid' },
          { kind: 'slipping_away', count: 41 },
          { kind: 'merge_suggestions', count: 6 },
          { kind: 'rejected_rows', count: 12 },
          { kind: 'failed_jobs', count: 1 },
        ],
  };
}
/** A problem of a cell; a page says it by its code. */
const told = (code, column, cell) => ({
  column,
  reason: `${column}: ${cell}`,
  reason_code: { code, column, cell },
});

function preview(one) {
  const generic = one.format === 'generic';
  const names = generic
    ? [
        'InvoiceNo',
        'InvoiceDate',
        'CustomerID',
        'Country',
        'StockCode',
        'Description',
        'Quantity',
        'UnitPrice',
      ]
    : [
        '订单编号',
        '买家会员名',
        '买家支付宝账号',
        '买家应付货款',
        '买家应付邮费',
        '总金额',
        '买家实际支付金额',
        '订单状态',
        '收货人姓名',
        '收货地址 ',
        '联系手机',
        '订单创建时间',
        '订单付款时间 ',
        '宝贝标题 ',
        '退款金额',
        '主订单编号',
        '修改后的sku',
        '发票抬头',
        '是否手机订单',
      ];
  const means = generic
    ? []
    : [
        'order_no',
        'account',
        'pay_account',
        'goods',
        'freight',
        'total',
        'paid',
        'state',
        'receiver_name',
        'full_address',
        'mobile',
        'ordered_at',
        'paid_at',
        'item_title',
        'refund',
      ];
  return {
    files: [
      {
        name: one.files[0].name,
        format: one.format,
        encoding: one.encoding,
        delimiter: 'comma',
        evidence: [
          'not UTF-8; 412 of 415 two-byte characters are common GB2312',
          'the header',
          'the columns',
        ],
        evidence_codes: [
          { code: 'common_chinese', common: 412, pairs: 415 },
          {
            code: 'header',
            format: 'taobao-orders',
            signs: ['订单编号', '买家会员名', '总金额', '订单状态'],
          },
          { code: 'known_columns', known: 53, columns: 53 },
        ],
        columns: names.map((name, index) => ({ name, understood_as: means[index] ?? null })),
        rows: orders.slice(0, 20).map((order, index) => ({
          line: index + 2,
          order: index === 6 ? { ...order, external_no: undefined } : order,
          problems:
            index === 6
              ? [told('number_shortened', '订单编号', '3.515E+18')]
              : index === 11
                ? [told('impossible_date', '订单创建时间', '2026-02-30')]
                : [],
        })),
      },
    ],
  };
}

const routes = [];
const on = (method, path, handler) =>
  routes.push({ method, match: new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`), handler });
const api = '/api/v1';
const problem = (status, kind, detail, errors = []) => ({
  status,
  body: {
    type: `/problems/${kind}`,
    title: kind,
    status,
    detail,
    code: kind,
    errors,
    request_id: `req_${(++serial).toString(36)}`,
  },
});
const ok = (body, status = 200) => ({ status, body });
let signedIn = false;
let needsSetup = process.env.SETUP === '1';
on('GET', `${api}/identity/setup`, () => ok({ needed: needsSetup }));
on('POST', `${api}/identity/setup`, ({ body }) => {
  if (body.code !== 'TEA-123')
    return problem(422, 'validation', null, [{ field: 'code', message: '启动码不对' }]);
  needsSetup = false;
  signedIn = true;
  return { ...ok(session, 201), cookie: 'guanxi_session=mock; HttpOnly; SameSite=Lax; Path=/' };
});
on('POST', `${api}/identity/sessions`, ({ body }) => {
  if (body.password !== 'guanxi-demo') return problem(401, 'unauthenticated', 'wrong e-mail or password');
  signedIn = true;
  return { ...ok(session, 201), cookie: 'guanxi_session=mock; HttpOnly; SameSite=Lax; Path=/' };
});
on('GET', `${api}/identity/sessions/current`, () => ok(session));
on('DELETE', `${api}/identity/sessions/current`, () => ({
  status: 204,
  cookie: 'guanxi_session=; Max-Age=0; Path=/',
}));
on('GET', `${api}/identity/users`, () => ok({ items: members, next: null }));
on('PATCH', `${api}/identity/users/:id`, ({ id: one, body }) => {
  const found = members.find((m) => m.id === one);
  const { active, ...rest } = body;
  Object.assign(found, rest, active === undefined ? {} : { deactivated_at: active ? null : iso(Date.now()) });
  found.version += 1;
  return ok(found);
});
on('POST', `${api}/identity/users/:id/hand-over`, ({ id: one, body }) => {
  const to = members.find((m) => m.id === body.to);
  const owned = customers.filter((c) => c.owner === one);
  for (const c of owned)
    Object.assign(c, { owner: to?.id ?? null, owner_person: to ? { name: to.name, email: to.email } : null });
  return ok({ customers: owned.length, views: to ? 1 : 0 });
});
on('GET', `${api}/identity/explain`, ({ query }) => {
  const who = members.find((m) => m.id === query.get('user'));
  const order = orders.find((o) => o.id === query.get('record'));
  const one = customers.find((c) => c.id === (order?.customer?.id ?? query.get('record')));
  const role = roles.find((r) => r.name === who?.role);
  const right = order ? 'commerce.read' : 'customers.read';
  const why =
    role?.reach === 'all'
      ? 'all'
      : one?.owner === who?.id
        ? 'own'
        : one?.owner
          ? 'owned_by_others'
          : 'owned_by_nobody';
  const steps = [];
  const look = (looked, holds) => (steps.every((step) => step.holds) ? steps.push({ looked, holds }) : 0);
  look('record_exists', !!one);
  look('user_active', !who?.deactivated_at);
  look('has_right', !!role && (role.rights.includes('*') || role.rights.includes(right)));
  look('in_reach', ['all', 'own'].includes(why));
  return ok({
    sees: steps.length === 4 && steps.every((step) => step.holds),
    steps,
    right,
    reach: role?.reach ?? null,
    why: steps.length === 4 ? why : null,
    customer: one?.id ?? null,
    owner: one?.owner ?? null,
    owner_person: one?.owner_person ?? null,
    province: one?.province ?? null,
    fields: role?.fields ?? {},
  });
});
on('GET', `${api}/identity/roles`, () => ok({ items: roles }));
on('POST', `${api}/identity/roles`, ({ body }) => {
  roles.push({ built_in: false, version: 1, ...body });
  return ok(roles.at(-1), 201);
});
on('PUT', `${api}/identity/roles/:name`, ({ name, body }) => {
  const role = roles.find((r) => r.name === name);
  Object.assign(role, body, { version: role.version + 1 });
  return ok(role);
});
on('GET', `${api}/identity/teams`, () => ok({ items: teams }));
on('GET', `${api}/identity/territories`, () => ok({ items: territories }));
on('POST', `${api}/identity/territories`, ({ body }) => {
  territories.push({ id: id('ter'), ...body });
  return ok(territories.at(-1), 201);
});
on('PUT', `${api}/identity/territories/:id`, ({ id: one, body }) =>
  ok(
    Object.assign(
      territories.find((t) => t.id === one),
      body,
    ),
  ),
);
on('GET', `${api}/identity/invitations`, () => ok({ items: [] }));
on('GET', `${api}/identity/sessions`, () => ok({ items: [] }));
on('POST', `${api}/customers/bulk/owner`, ({ body }) => {
  const to = members.find((m) => m.id === body.owner);
  const found = customers.filter((c) => body.customers.includes(c.id) && c.owner !== (to?.id ?? null));
  for (const c of found)
    Object.assign(c, { owner: to?.id ?? null, owner_person: to ? { name: to.name, email: to.email } : null });
  return ok({ changed: found.length });
});
on('POST', `${api}/customers/:id/reveal`, ({ id: one }) => {
  const c = customers.find((x) => x.id === one);
  return ok({ accounts: [c.accounts[0].value], phones: ['+8613812345678'], emails: ['tea@example.com'] });
});
on('POST', `${api}/commerce/orders/:id/reveal`, ({ id: one }) => {
  const { receiver } = orders.find((o) => o.id === one);
  return ok({
    ...receiver,
    name: '王小明',
    mobile: '+8613812345678',
    district: '西湖区',
    address: '文三路 1 号',
  });
});
let factorSince = null;
const someCodes = Array.from({ length: 10 }, (_, n) => `K7QD-3MXP-9RT${n}`);
on('GET', `${api}/identity/second-factor`, () =>
  ok({
    on_since: factorSince,
    recovery_codes_left: factorSince ? 10 : 0,
    required: false,
    has_password: true,
  }),
);
on('POST', `${api}/identity/second-factor`, () =>
  ok(
    {
      uri: 'otpauth://totp/Guanxi:demo',
      secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
      qr_svg:
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path fill="#fff" d="M0 0h9v9h-9z"/><path d="M1 1h3v3h-3zM5 5h3v3h-3z"/></svg>',
    },
    201,
  ),
);
on('PUT', `${api}/identity/second-factor`, () => {
  factorSince = iso(Date.now());
  return ok({ recovery_codes: someCodes });
});
on('POST', `${api}/identity/second-factor/recovery-codes`, () => ok({ recovery_codes: someCodes }, 201));
on('POST', `${api}/identity/second-factor/off`, () => {
  factorSince = null;
  return { status: 204 };
});
on('GET', `${api}/identity/sign-in/providers`, () => ok({ items: [] }));
on('GET', `${api}/identity/providers`, () => ok({ items: [] }));
on('GET', `${api}/identity/links`, () => ok({ items: [] }));
on('GET', `${api}/identity/settings`, () => ok({ second_factor_required: false }));
on('GET', `${api}/identity/tokens`, () => ok({ items: tokens, next: null }));
on('POST', `${api}/identity/tokens`, ({ body }) => {
  const token = { id: id('tok'), name: body.name, created_at: iso(Date.now()), last_used_at: null };
  tokens.unshift(token);
  return ok({ ...token, token: 'gx_9f3c1b7e2a8d4c60b5e1' }, 201);
});
on('DELETE', `${api}/identity/tokens/:id`, ({ id: one }) => {
  tokens.splice(
    tokens.findIndex((t) => t.id === one),
    1,
  );
  return { status: 204 };
});
on('GET', `${api}/customers`, ({ query }) => {
  const list = filterCustomers(query);
  return ok({ ...paged(list.map(row).map(veiled), query), total: list.length * (query.size <= 2 ? 10 : 1) });
});
on('GET', `${api}/customers/export`, ({ query }) => ({
  status: 200,
  raw: `\ufeff姓名,订单数\n${filterCustomers(query)
    .map((c) => `${c.name},${c.orders}`)
    .join('\n')}\n`,
  type: 'text/csv',
  download: `customers.${query.get('format')}`,
}));
on('GET', `${api}/customers/tags`, () =>
  ok({
    items: tags.map((tag) => ({
      ...tag,
      customers: customers.filter((c) => c.tags.some((one) => one.id === tag.id)).length,
    })),
    next: null,
  }),
);
on('POST', `${api}/customers/tags`, ({ body }) => {
  const tag = { id: id('tag'), ...body };
  tags.push(tag);
  return ok(tag, 201);
});
on('DELETE', `${api}/customers/tags/:id`, ({ id: one }) => {
  tags.splice(
    tags.findIndex((t) => t.id === one),
    1,
  );
  for (const c of customers) c.tags = c.tags.filter((t) => t.id !== one);
  return { status: 204 };
});
on('POST', `${api}/customers/bulk/tags`, ({ body }) => {
  let changed = 0;
  for (const c of customers)
    if (body.customers.includes(c.id)) {
      changed += 1;
      c.tags = [
        ...c.tags.filter((t) => !body.remove.includes(t.id) && !body.add.includes(t.id)),
        ...tags.filter((t) => body.add.includes(t.id)),
      ];
    }
  return ok({ changed });
});
on('GET', `${api}/customers/suggestions`, ({ query }) => ok(paged(suggestions, query)));
let settings = { merge_by_itself: false };
on('GET', `${api}/customers/settings`, () => ok(settings));
on('PUT', `${api}/customers/settings`, ({ body }) => {
  settings = body;
  return ok(settings);
});
on('POST', `${api}/customers/suggestions/:id/dismiss`, ({ id: one }) => {
  suggestions.splice(
    suggestions.findIndex((s) => s.id === one),
    1,
  );
  return { status: 204 };
});
on('POST', `${api}/customers/merges`, ({ body }) => {
  const keep = customers.find((c) => c.id === body.keep);
  const gone = customers.find((c) => c.id === body.absorb);
  const merge = {
    id: id('mrg'),
    ...body,
    absorb_name: gone.name,
    at: iso(Date.now()),
    actor: user.id,
    actor_person: person,
  };
  keep.merges = [merge];
  return ok(merge, 201);
});
on('DELETE', `${api}/customers/merges/:id`, ({ id: one }) => {
  for (const c of customers) c.merges = (c.merges ?? []).filter((m) => m.id !== one);
  return { status: 204 };
});
on('GET', `${api}/customers/views`, () => ok({ items: views, next: null }));
on('POST', `${api}/customers/views`, ({ body }) => {
  const view = { id: id('viw'), own: true, ...body };
  views.push(view);
  return ok(view, 201);
});
on('DELETE', `${api}/customers/views/:id`, ({ id: one }) => {
  views.splice(
    views.findIndex((v) => v.id === one),
    1,
  );
  return { status: 204 };
});
const customerOf = (one) => customers.find((c) => c.id === one);
on('GET', `${api}/customers/:id`, ({ id: one }) =>
  customerOf(one) ? ok(veiled(card(customerOf(one)))) : problem(404, 'not-found', null),
);
on('PATCH', `${api}/customers/:id`, ({ id: one, body, headers }) => {
  const c = customerOf(one);
  if (headers['if-match'] !== `"${c.version}"`) return problem(412, 'precondition-failed', null);
  Object.assign(c, body);
  c.version += 1;
  return ok(card(c));
});
on('GET', `${api}/customers/:id/timeline`, ({ id: one, query }) => {
  const items = orders
    .filter((o) => o.customer?.id === one)
    .flatMap((order) => [
      ...(order.refund_minor
        ? [
            {
              at: order.completed_at ?? order.ordered_at,
              kind: 'refund',
              title: order.item_title,
              order,
              note: null,
              actor: null,
            },
          ]
        : []),
      ...(order.paid_at
        ? [{ at: order.paid_at, kind: 'payment', title: order.item_title, order, note: null, actor: null }]
        : []),
      { at: order.ordered_at, kind: 'order', title: order.item_title, order, note: null, actor: null },
    ])
    .concat(
      (notes.get(one) ?? []).map((note) => ({
        at: note.created_at,
        kind: 'note',
        title: '',
        order: null,
        note,
        actor: note.author,
        actor_person: note.author_person,
      })),
    );
  const { owner, owner_person } = customers.find((c) => c.id === one) ?? {};
  if (owner) {
    const given = { at: iso(NOW - 2 * DAY), kind: 'owner', title: owner_person.name, owner, actor: user.id };
    items.push({ ...given, actor_person: person });
  }
  return ok(
    paged(
      items
        .map((i) => ({ ...i, order: veiled(i.order) }))
        .filter((i) => !query.get('kind') || i.kind === query.get('kind'))
        .sort((a, b) => (a.at < b.at ? 1 : -1)),
      query,
    ),
  );
});
on('POST', `${api}/customers/:id/notes`, ({ id: one, body }) => {
  const note = {
    id: id('not'),
    text: body.text,
    author: user.id,
    author_person: person,
    created_at: iso(Date.now()),
  };
  notes.set(one, [note, ...(notes.get(one) ?? [])]);
  return ok(note, 201);
});
on('DELETE', `${api}/customers/:id/notes/:note`, ({ id: one, note }) => {
  notes.set(
    one,
    (notes.get(one) ?? []).filter((n) => n.id !== note),
  );
  return { status: 204 };
});
on('PUT', `${api}/customers/:id/tags`, ({ id: one, body }) => {
  const c = customerOf(one);
  c.tags = tags.filter((t) => body.tags.includes(t.id));
  return ok({ tags: c.tags });
});
on('GET', `${api}/commerce/shops`, () => ok({ items: shops, next: null }));
on('POST', `${api}/commerce/shops`, ({ body }) => {
  const shop = { id: id('shp'), orders: 0, ...body };
  shops.push(shop);
  return ok(shop, 201);
});
on('GET', `${api}/commerce/orders`, ({ query }) => {
  const list = orders.filter(
    (o) =>
      (!query.get('q') || o.external_no.startsWith(query.get('q'))) &&
      (!query.get('shop') || o.shop.id === query.get('shop')) &&
      (!query.get('state') || o.state === query.get('state')) &&
      (!query.get('customer') || o.customer?.id === query.get('customer')) &&
      (!query.get('from') || day(Date.parse(o.ordered_at)) >= query.get('from')) &&
      (!query.get('to') || day(Date.parse(o.ordered_at)) <= query.get('to')),
  );
  const sort = query.get('sort') ?? '-ordered_at';
  const field = sort.endsWith('paid_amount') ? 'paid_minor' : 'ordered_at';
  list.sort((a, b) => (sort.startsWith('-') ? -1 : 1) * (a[field] < b[field] ? -1 : 1));
  return ok({ ...paged(list.map(veiled), query), total: list.length });
});
on('GET', `${api}/commerce/orders/:id`, ({ id: one }) => {
  const order = orders.find((o) => o.id === one);
  return order
    ? ok(
        veiled({
          ...order,
          lines: [
            {
              title: order.item_title,
              sku_code: 'LJ-250',
              sku_text: '口味:清香;规格:250g',
              quantity: order.item_count,
              unit_price_minor: Math.round(order.goods_minor / order.item_count),
              amount_minor: order.goods_minor,
              refund_minor: order.refund_minor,
              state: order.state,
            },
          ],
        }),
      )
    : problem(404, 'not-found', null);
});
on('GET', `${api}/commerce/imports`, ({ query }) => ok(paged(imports, query)));
on('POST', `${api}/commerce/imports`, ({ raw }) => {
  const name = /filename="([^"]+)"/.exec(raw)?.[1] ?? 'orders.csv';
  const generic = /InvoiceNo|customer_id/.test(raw);
  const one = makeImport(name, 'draft', {
    shop: null,
    format: generic ? 'generic' : 'taobao-orders',
    encoding: generic ? 'UTF-8' : 'GB18030',
  });
  imports.unshift(one);
  return ok(one, 202);
});
const importOf = (one) => imports.find((i) => i.id === one);
on('GET', `${api}/commerce/imports/:id`, ({ id: one }) =>
  importOf(one) ? ok(importOf(one)) : problem(404, 'not-found', null),
);
on('GET', `${api}/commerce/imports/:id/preview`, ({ id: one }) => ok(preview(importOf(one))));
on('POST', `${api}/commerce/imports/:id/preview`, ({ id: one, body }) =>
  ok(preview({ ...importOf(one), format: body.format ?? importOf(one).format })),
);
on('POST', `${api}/commerce/imports/:id/start`, ({ id: one, body }) => {
  const it = importOf(one);
  Object.assign(it, {
    state: 'running',
    dry_run: !!body.dry_run,
    shop: { id: shops[0]?.id ?? id('shp'), name: body.shop || it.shop?.name },
    bytes_read: 0,
    rows_read: 0,
    rows_per_second: 52_000,
    seconds_left: 3,
    orders_created: 0,
  });
  const timer = setInterval(() => {
    if (it.state !== 'running') return;
    it.bytes_read = Math.min(it.bytes_total, it.bytes_read + it.bytes_total / 8);
    it.rows_read += 610;
    it.orders_created += 600;
    it.seconds_left = Math.max(0, it.seconds_left - 0.4);
    if (it.bytes_read >= it.bytes_total) {
      clearInterval(timer);
      Object.assign(it, {
        state: 'finished',
        seconds: 3.2,
        rejected: 2,
        can_undo: !it.dry_run,
        customers_created: 955,
        finished_at: iso(Date.now()),
      });
    }
    tell('import', it);
  }, 250);
  return ok(it, 202);
});
for (const [verb, state] of [
  ['pause', 'paused'],
  ['resume', 'running'],
  ['cancel', 'cancelled'],
  ['undo', 'undone'],
]) {
  on('POST', `${api}/commerce/imports/:id/${verb}`, ({ id: one }) => {
    importOf(one).state = state;
    return ok(importOf(one), 202);
  });
}
on('GET', `${api}/commerce/imports/:id/rejects`, () => ({
  status: 200,
  raw: '\ufeff行,列,原因\n8,订单编号,科学计数法\n',
  type: 'text/csv',
  download: 'rejects.csv',
}));
on('GET', `${api}/insight/rfm`, ({ query }) => ok(rfm(query)));
on('GET', `${api}/insight/workbench`, () => ok(workbench()));
on('GET', `${api}/platform/jobs`, ({ query }) =>
  ok(
    paged(
      jobs.filter((j) => !query.get('state') || j.state === query.get('state')),
      query,
    ),
  ),
);
on('POST', `${api}/platform/jobs/:id/retry`, ({ id: one }) => {
  const job = jobs.find((j) => j.id === one);
  job.state = 'waiting';
  return ok(job, 202);
});
on('GET', `${api}/platform/backups`, () =>
  ok({
    folder: '/srv/guanxi-data/backups',
    items: backups,
    next_at: iso(NOW + 7 * 3_600_000),
    under_way: null,
    failure: EMPTY ? 'backups: No space left on device' : null,
  }),
);
on('POST', `${api}/platform/backups`, () => ok(jobs[0], 202));
on('POST', `${api}/platform/backups/verify`, () => ok(jobs[0], 202));
on('GET', `${api}/platform/keys`, () =>
  ok({
    versions: [
      { version: 3, state: 'active', made_at: iso(NOW - 90_000), retired_at: null },
      { version: 2, state: 'old', made_at: iso(NOW - 200 * 86_400_000), retired_at: null },
      {
        version: 1,
        state: 'retired',
        made_at: iso(NOW - 400 * 86_400_000),
        retired_at: iso(NOW - 200 * 86_400_000),
      },
    ],
    progress: {
      version: 3,
      pass: 1,
      column: 8,
      columns: 13,
      resealed: 182_450,
      started_at: iso(NOW - 90_000),
      finished_at: null,
    },
  }),
);
const retention = [
  ['ended_orders', EMPTY ? null : 1095, 90],
  ['inactive_customers', null, 365],
  ['notes', EMPTY ? null : 730, 90],
  ['imports', EMPTY ? null : 180, 30],
  ['consent_evidence', null, 365],
  ['closed_requests', null, 365],
].map(([name, days, least], at) => ({
  class: name,
  keep_days: days,
  least_days: least,
  most_days: 36_500,
  changed_at: days == null ? null : iso(NOW - 90 * 86_400_000),
  changed_by: null,
  last_run:
    days == null
      ? null
      : {
          began_at: iso(NOW - 3_700_000),
          finished_at: at === 2 ? null : iso(NOW - 3_600_000),
          cutoff: iso(NOW - days * 86_400_000),
          removed: at * 40 + 12,
        },
}));
on('GET', `${api}/platform/retention`, () => ok({ items: retention }));
on('PUT', `${api}/platform/retention/:class`, ({ class: one, body }) => {
  const rule = retention.find((it) => it.class === one);
  rule.keep_days = body.keep_days;
  return ok({ items: retention });
});
on('POST', `${api}/platform/retention/dry-run`, ({ body }) => {
  const rules = body.rules
    ? Object.entries(body.rules)
    : retention.map((rule) => [rule.class, rule.keep_days]);
  return ok({
    items: rules.map(([name, days]) => ({
      class: name,
      keep_days: days,
      cutoff: days == null ? null : iso(NOW - days * 86_400_000),
      count: days == null ? 0 : 1_284,
      held_back: days == null || name !== 'ended_orders' ? 0 : 17,
      oldest: days == null ? null : iso(NOW - 1_500 * 86_400_000),
      examples: days == null || name === 'imports' ? [] : customers.slice(0, 3).map((c) => c.id),
    })),
  });
});
on('POST', `${api}/platform/keys/rotation`, () => ok({ versions: [], progress: null }, 202));
on('GET', `${api}/search`, ({ query }) => {
  const q = query.get('q');
  return ok({
    customers: customers
      .filter((c) => c.name.startsWith(q) || c.accounts[0].value.includes(q))
      .slice(0, 8)
      .map(row),
    orders: orders.filter((o) => o.external_no.startsWith(q)).slice(0, 8),
  });
});

const listeners = new Set();
const tell = (event, data) => {
  for (const response of listeners) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
};
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const CSP =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname === `${api}/events`) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write(': hello\n\n');
    listeners.add(response);
    request.on('close', () => listeners.delete(response));
    return;
  }
  if (url.pathname.startsWith('/api/')) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const raw = Buffer.concat(chunks).toString('utf8');
    const route = routes.find((one) => one.method === request.method && one.match.test(url.pathname));
    const open = /identity\/(setup|sessions|sign-in\/providers)$/.test(url.pathname);
    const known = signedIn && /guanxi_session=mock/.test(request.headers.cookie ?? '');
    const answer =
      !open && !known
        ? problem(401, 'unauthenticated', 'sign in first')
        : route
          ? route.handler({
              ...(route.match.exec(url.pathname).groups ?? {}),
              query: url.searchParams,
              headers: request.headers,
              raw,
              body: /json/.test(request.headers['content-type'] ?? '') && raw ? JSON.parse(raw) : {},
            })
          : problem(404, 'not-found', `no route ${request.method} ${url.pathname}`);
    const headers = { 'Cache-Control': 'no-store' };
    if (answer.cookie) headers['Set-Cookie'] = answer.cookie;
    if (answer.raw !== undefined) {
      response.writeHead(answer.status, {
        ...headers,
        'Content-Type': answer.type,
        'Content-Disposition': `attachment; filename="${answer.download}"`,
      });
      response.end(answer.raw);
    } else if (answer.body === undefined) {
      response.writeHead(answer.status, headers).end();
    } else {
      response.writeHead(answer.status, {
        ...headers,
        'Content-Type': answer.status >= 400 ? 'application/problem+json' : 'application/json',
      });
      response.end(JSON.stringify(answer.body));
    }
    return;
  }
  let file = join(DIST, normalize(url.pathname));
  if (!existsSync(file) || !statSync(file).isFile()) file = join(DIST, 'index.html');
  response.writeHead(200, {
    'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
    'Content-Security-Policy': CSP,
  });
  const stream = createReadStream(file);
  stream.on('error', () => response.destroy());
  stream.pipe(response);
}).listen(PORT, '127.0.0.1', () => console.log(`mock server on http://127.0.0.1:${PORT}`));
