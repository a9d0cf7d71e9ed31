import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CustomerRow } from '@/api/types';
import { unknownIn } from '@/lib/known';
import { FIELD_RULES, seesBy } from '@/lib/rights';
import { canFilter, FILTERS, queryOf, rulesOf } from '@/modules/customers/filters';
import { ownerOf, ownersIn } from '@/modules/customers/owners';

const ROLES = readFileSync(join(import.meta.dirname, '../../modules/identity/src/roles/built_in.rs'), 'utf8');

describe('rules for fields', () => {
  it('are those of the server', () => {
    const table = ROLES.slice(ROLES.indexOf('pub const FIELDS'), ROLES.indexOf('const READ'));
    const known = [...table.matchAll(/\("([\w.]+)", &\[([^\]]+)\]/g)].map(([, field, rules]) => [
      field,
      [...(rules ?? '').matchAll(/FieldRule::(\w+)/g)].map(([, rule]) =>
        (rule ?? '').replace(/(?<=.)([A-Z])/g, '_$1').toLowerCase(),
      ),
    ]);
    expect(known).toEqual(FIELD_RULES);
  });

  it('say what is seen, filtered by and changed', () => {
    const sees = seesBy({ a: 'hidden', b: 'masked', c: 'read_only' });
    const told = (field: string) => [sees.any(field), sees.clear(field), sees.free(field)];
    expect(['a', 'b', 'c', 'd'].map(told)).toEqual([
      [false, false, false],
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ]);
  });

  it('take filters and sorts away, and leave the others', () => {
    const sees = seesBy({ 'commerce.amounts': 'hidden', 'customers.region': 'hidden' });
    const url = {
      tier: 'lost',
      province: 'x',
      rating: 'A',
      sort: '-revenue',
      orders_min: '2',
      cell: 'R1F1M1',
    };
    expect(unknownIn(url, rulesOf([], [], sees)).sort()).toEqual(['cell', 'province', 'sort', 'tier']);
    expect(unknownIn(url, rulesOf([], []))).toEqual([]);
    expect(unknownIn({ sort: '-orders' }, rulesOf([], [], sees))).toEqual([]);
    expect(FILTERS.every((name) => canFilter(seesBy({}), name))).toBe(true);
  });
});

describe('owners', () => {
  it('are asked for by id, oneself too', () => {
    expect(queryOf({ owner: 'me' }, 'usr_1')).toEqual({ owner: 'usr_1' });
    expect(queryOf({ owner: 'none' }, 'usr_1')).toEqual({ owner: 'none' });
    expect(unknownIn({ owner: 'someone' }, rulesOf())).toEqual(['owner']);
    expect([ownerOf('me', 'usr_1'), ownerOf('none', 'usr_1'), ownerOf('usr_2')]).toEqual([
      'usr_1',
      null,
      'usr_2',
    ]);
  });

  it('are those of the rows, each once', () => {
    const row = (owner: string | null, name?: string) =>
      ({ owner, owner_person: name ? { name, email: `${name}@example.com` } : null }) as CustomerRow;
    expect(
      ownersIn([row('usr_2', 'b'), row(null), row('usr_1', 'a'), row('usr_2', 'b'), row('usr_3')]),
    ).toEqual([
      { id: 'usr_1', name: 'a', email: 'a@example.com' },
      { id: 'usr_2', name: 'b', email: 'b@example.com' },
    ]);
  });
});
