/** The mapping of a generic file: which column becomes which field. The server reads its TOML. */
export const MAP_FIELDS = [
  'order_no',
  'ordered_at',
  'paid_at',
  'account',
  'buyer_name',
  'buyer_phone',
  'email',
  'total',
  'paid',
  'refund',
  'freight',
  'state',
  'title',
  'sku_code',
  'quantity',
  'unit_price',
  'line_amount',
  'country',
  'province',
  'city',
] as const;

/** What nearly every file has; the rest is offered when asked for. */
export const MAIN_FIELDS: readonly MapField[] = [
  'order_no',
  'ordered_at',
  'account',
  'buyer_name',
  'buyer_phone',
  'total',
  'paid',
  'quantity',
  'unit_price',
  'title',
];

export type MapField = (typeof MAP_FIELDS)[number];

export interface Mapping {
  columns: Partial<Record<MapField, string>>;
  /** Each row is an order of its own, whatever its number. */
  rowIsOrder: boolean;
  /** The amount is the product of quantity and unit price. */
  amountIsProduct: boolean;
  dateFormat: string;
  /** Orders whose number begins so are cancellations. */
  cancelledPrefix: string;
}

export const EMPTY_MAPPING: Mapping = {
  columns: {},
  rowIsOrder: false,
  amountIsProduct: false,
  dateFormat: '',
  cancelledPrefix: '',
};

/** What an order cannot do without and no column gives yet. */
export function missingFields(mapping: Mapping): MapField[] {
  const { columns } = mapping;
  const any = (...names: MapField[]) => names.some((name) => columns[name]);
  const product = mapping.amountIsProduct && columns.quantity && columns.unit_price;
  const missing: MapField[] = [];
  if (!columns.order_no && !mapping.rowIsOrder) missing.push('order_no');
  if (!columns.ordered_at) missing.push('ordered_at');
  if (!any('account', 'buyer_name', 'buyer_phone', 'email')) missing.push('account');
  if (!product && !any('total', 'paid', 'line_amount')) missing.push('total');
  return missing;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

/** The mapping as the server reads it: see examples/mappings for all that can be written. */
export function toToml(mapping: Mapping, currency = 'CNY'): string {
  const { columns } = mapping;
  const lines: string[] = [];
  if (currency !== 'CNY') lines.push(`currency = ${quoted(currency)}`);
  if (mapping.dateFormat) lines.push(`date_formats = [${quoted(mapping.dateFormat)}]`);
  if (!columns.state) lines.push('default_state = "completed"');
  if (mapping.rowIsOrder) {
    lines.push('each_row_is_an_order = true');
    const key = [columns.account ?? columns.buyer_name, columns.ordered_at].filter(
      (name) => name !== undefined,
    );
    if (!columns.order_no) lines.push(`order_key = [${key.map(quoted).join(', ')}]`);
  }
  if (lines.length) lines.push('');
  lines.push('[columns]');
  const product = mapping.amountIsProduct && columns.quantity && columns.unit_price;
  for (const field of MAP_FIELDS) {
    const column = columns[field];
    if (column && !(product && field === 'line_amount')) lines.push(`${field} = ${quoted(column)}`);
  }
  if (product) {
    lines.push(
      '',
      '[products]',
      `line_amount = [${quoted(columns.quantity ?? '')}, ${quoted(columns.unit_price ?? '')}]`,
    );
  }
  if (mapping.cancelledPrefix && columns.order_no) {
    lines.push(
      '',
      '[cancellation]',
      `column = ${quoted(columns.order_no)}`,
      `starts_with = ${quoted(mapping.cancelledPrefix)}`,
      'as = "skip"',
    );
  }
  return `${lines.join('\n')}\n`;
}

const GUESSES: [MapField, RegExp][] = [
  ['order_no', /^(order.?(no|id|number)|invoice.?(no)?|\u8ba2\u5355(\u7f16\u53f7|\u53f7))$/i],
  [
    'ordered_at',
    /^(order.?date|invoice.?date|date|ordered.?at|\u4e0b\u5355\u65f6\u95f4|\u8ba2\u5355\u521b\u5efa\u65f6\u95f4|\u65e5\u671f)$/i,
  ],
  [
    'account',
    /^(customer.?(id|no)?|buyer|account|\u5ba2\u6237(\u7f16\u53f7|id)?|\u4e70\u5bb6(\u4f1a\u5458\u540d|id)?)$/i,
  ],
  ['buyer_name', /^(customer.?name|name|\u59d3\u540d|\u5ba2\u6237\u59d3\u540d)$/i],
  ['buyer_phone', /^(phone|mobile|tel|\u624b\u673a(\u53f7)?|\u8054\u7cfb\u7535\u8bdd)$/i],
  ['email', /^(e-?mail|\u90ae\u7bb1)$/i],
  ['total', /^(amount|revenue|total|dollars?(.?value)?|\u91d1\u989d|\u5b9e\u4ed8(\u91d1\u989d)?)$/i],
  ['quantity', /^(quantity|qty|units|number.?of.*|\u6570\u91cf)$/i],
  ['unit_price', /^(unit.?price|price|\u5355\u4ef7)$/i],
  ['title', /^(description|product|title|\u5546\u54c1(\u540d\u79f0)?)$/i],
  ['sku_code', /^(stock.?code|sku|\u5546\u5bb6\u7f16\u7801)$/i],
  ['country', /^(country|\u56fd\u5bb6)$/i],
];

/** A first mapping from names that mean the same everywhere. */
export function guessMapping(columns: string[]): Mapping {
  const mapping: Mapping = { ...EMPTY_MAPPING, columns: {} };
  for (const [field, pattern] of GUESSES) {
    const column = columns.find((name) => pattern.test(name.trim()));
    if (column) mapping.columns[field] = column;
  }
  const { columns: found } = mapping;
  mapping.rowIsOrder = !found.order_no;
  mapping.amountIsProduct =
    !found.paid && !found.total && !found.line_amount && !!found.quantity && !!found.unit_price;
  return mapping;
}
