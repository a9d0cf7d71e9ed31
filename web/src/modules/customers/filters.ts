import { ProblemError } from '@/api/client';
import type { CustomerQuery } from '@/api/types';
import { idOf, isDay, oneOf, type Rules, someOf, sortOf, within } from '@/lib/known';
import { type Sees, seesBy } from '@/lib/rights';
import type { Search } from '@/lib/url';
import { CLASSIC_TIERS, ELEVEN_TIERS, RATINGS } from '@/lib/words';

const TEXT = [
  'q',
  'shop',
  'tag',
  'audience',
  'cell',
  'as_of',
  'rfm_shop',
  'province',
  'rating',
  'owner',
  'automated',
  'last_order_from',
  'last_order_to',
  'first_order_from',
  'first_order_to',
] as const;
const NUMBERS = ['bins', 'orders_min', 'orders_max', 'revenue_min', 'revenue_max'] as const;

/** Several values, in the URL with commas between them. */
const LISTS = ['tier', 'classic'] as const;

export const FILTERS = [...TEXT, ...LISTS, ...NUMBERS] as const;

/** Whether the program may decide about somebody by itself. */
export const AUTOMATED = ['allowed', 'refused'];

const SORTS = ['last_order_at', 'first_order_at', 'orders', 'revenue', 'average_order', 'created_at'];
const SCORE = '(?:[1-9]|10|\\*)';
const CELL = new RegExp(`^R${SCORE}F${SCORE}M${SCORE}$`, 'i');

/** What one must see to filter by these. */
const FIELD_OF: Record<string, string> = {
  tag: 'customers.tags',
  rating: 'customers.rating',
  province: 'customers.region',
  ...Object.fromEntries(
    ['tier', 'classic', 'cell', 'as_of', 'bins', 'rfm_shop', 'revenue_min', 'revenue_max'].map((name) => [
      name,
      'commerce.amounts',
    ]),
  ),
};
const BY_AMOUNT = ['revenue', 'average_order'];

/** Whether somebody who sees so much can filter by this. */
export const canFilter = (sees: Sees, name: string) => !FIELD_OF[name] || sees.clear(FIELD_OF[name]);

/** Whose: one's own, nobody's, or a user's. */
export const isOwner = (value: string) => value === 'me' || value === 'none' || /^usr_\w+$/.test(value);

/**
 * What the filters may be; shops and tags once they are known. What one does not see is no filter, and audiences
 * are none without the right to see them.
 */
export function rulesOf(
  shops?: { id: string }[],
  tags?: { id: string }[],
  sees: Sees = seesBy({}),
  audiences = true,
): Rules {
  const hidden = FILTERS.filter((name) => !canFilter(sees, name));
  const sorts = SORTS.filter((name) => sees.clear('commerce.amounts') || !BY_AMOUNT.includes(name));
  return {
    owner: isOwner,
    shop: idOf(shops),
    rfm_shop: idOf(shops),
    tag: idOf(tags),
    audience: (value) => audiences && /^adn_\w+$/.test(value),
    tier: someOf(ELEVEN_TIERS),
    classic: someOf(CLASSIC_TIERS),
    cell: (value) => CELL.test(value),
    rating: oneOf(RATINGS),
    automated: oneOf(AUTOMATED),
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
    sort: sortOf(sorts),
    ...Object.fromEntries(hidden.map((name) => [name, () => false])),
  };
}

/** Whether a list was refused only because its audience is not there, or cannot be asked. */
export function isOfAudience(error: unknown): boolean {
  if (!(error instanceof ProblemError) || error.status !== 422) return false;
  const fields = error.problem.errors?.map((one) => one.field) ?? [];
  return fields.length > 0 && fields.every((field) => field === 'audience');
}

/** The filters of the URL as the server takes them, for the user `me`; anything else in the URL is left out. */
export function queryOf(url: Search, me?: string): CustomerQuery {
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
  if (query.owner === 'me' && me) query.owner = me;
  if (url.sort) query.sort = url.sort;
  return query as CustomerQuery;
}
