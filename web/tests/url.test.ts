import { expect, it } from 'vitest';
import { queryText } from '@/api/client';
import { parseSearch, stringifySearch } from '@/lib/url';
import { queryOf } from '@/modules/customers/filters';

it('the URL keeps filters as plain text', () => {
  expect(stringifySearch({ tier: 'lost', q: '138', after: undefined, x: '' })).toBe('?tier=lost&q=138');
  expect(parseSearch('?tier=lost&q=138')).toEqual({ tier: 'lost', q: '138' });
  expect(queryText({ a: 1, b: undefined, c: '' })).toBe('?a=1');
  expect(queryText({ tier: ['at_risk', 'lost'] })).toBe('?tier=at_risk&tier=lost');
});

it('only known filters reach the server', () => {
  expect(
    queryOf({ tier: 'lost', orders_min: '2', revenue_max: 'x', tab: 'notes', sort: '-revenue' }),
  ).toEqual({
    tier: ['lost'],
    orders_min: 2,
    sort: '-revenue',
  });
});
