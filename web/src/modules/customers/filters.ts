import type { CustomerQuery } from '@/api/types';
import type { Search } from '@/lib/url';

const TEXT = [
  'q',
  'shop',
  'tag',
  'tier',
  'classic',
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

export const FILTERS = [...TEXT, ...NUMBERS] as const;

/** The filters of the URL as the server takes them; anything else in the URL is left out. */
export function queryOf(url: Search): CustomerQuery {
  const query: Record<string, string | number> = {};
  for (const name of TEXT) {
    const value = url[name];
    if (value) query[name] = value;
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
