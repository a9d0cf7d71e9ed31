import type { CustomerQuery } from '@/api/types';
import { idOf, isDay, oneOf, type Rules, someOf, sortOf, within } from '@/lib/known';
import type { Search } from '@/lib/url';
import { CLASSIC_TIERS, ELEVEN_TIERS, RATINGS } from '@/lib/words';

const TEXT = [
  'q',
  'shop',
  'tag',
  'cell',
  'as_of',
  'rfm_shop',
  'province',
  'rating',
  'last_order_from',
  'last_order_to',
  'first_order_from',
  'first_order_to',
] as const;
const NUMBERS = ['bins', 'orders_min', 'orders_max', 'revenue_min', 'revenue_max'] as const;

/** Several values, in the URL with commas between them. */
const LISTS = ['tier', 'classic'] as const;

export const FILTERS = [...TEXT, ...LISTS, ...NUMBERS] as const;

const SORTS = ['last_order_at', 'first_order_at', 'orders', 'revenue', 'average_order', 'created_at'];
const SCORE = '(?:[1-9]|10|\\*)';
const CELL = new RegExp(`^R${SCORE}F${SCORE}M${SCORE}$`, 'i');

/** What the filters may be; shops and tags once they are known. */
export function rulesOf(shops?: { id: string }[], tags?: { id: string }[]): Rules {
  return {
    shop: idOf(shops),
    rfm_shop: idOf(shops),
    tag: idOf(tags),
    tier: someOf(ELEVEN_TIERS),
    classic: someOf(CLASSIC_TIERS),
    cell: (value) => CELL.test(value),
    rating: oneOf(RATINGS),
    as_of: isDay,
    last_order_from: isDay,
    last_order_to: isDay,
    first_order_from: isDay,
    first_order_to: isDay,
    bins: within(2, 10),
    orders_min: within(0),
    orders_max: within(0),
    revenue_min: within(0),
    revenue_max: within(0),
    sort: sortOf(SORTS),
  };
}

/** The filters of the URL as the server takes them; anything else in the URL is left out. */
export function queryOf(url: Search): CustomerQuery {
  const query: Record<string, string | number | string[]> = {};
  for (const name of TEXT) {
    const value = url[name];
    if (value) query[name] = value;
  }
  for (const name of LISTS) {
    const value = url[name];
    if (value) query[name] = value.split(',');
  }
  for (const name of NUMBERS) {
    const value = url[name];
    if (value && Number.isFinite(Number(value))) query[name] = Number(value);
  }
  if (url.sort) query.sort = url.sort;
  return query as CustomerQuery;
}

/** Provinces as shop exports write them: data, not words of the interface. */
export const PROVINCES = [
  '北京',
  '天津',
  '河北省',
  '山西省',
  '内蒙古自治区',
  '辽宁省',
  '吉林省',
  '黑龙江省',
  '上海',
  '江苏省',
  '浙江省',
  '安徽省',
  '福建省',
  '江西省',
  '山东省',
  '河南省',
  '湖北省',
  '湖南省',
  '广东省',
  '广西壮族自治区',
  '海南省',
  '重庆',
  '四川省',
  '贵州省',
  '云南省',
  '西藏自治区',
  '陕西省',
  '甘肃省',
  '青海省',
  '宁夏回族自治区',
  '新疆维吾尔自治区',
  '台湾省',
  '香港特别行政区',
  '澳门特别行政区',
];
