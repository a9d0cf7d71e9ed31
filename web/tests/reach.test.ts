import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { homeOf, MENU, MORE_PAGES } from '@/app/pages';
import en from '@/app/words/en';
import { FIELD_RULES, holds } from '@/lib/rights';
import { CUT, fieldKey, fits, REACHES, roleBody } from '@/modules/identity/RoleForm';
import { recordIn } from '@/modules/identity/record';

const ROLES = readFileSync(join(import.meta.dirname, '../../modules/identity/src/roles/built_in.rs'), 'utf8');
const listed = (name: string) => {
  const list = ROLES.slice(ROLES.indexOf(`const ${name}: &[&str] = &[`));
  return [...list.slice(0, list.indexOf('];')).matchAll(/"([\w.]+)"/g)].map(([, one]) => one);
};

describe('a role', () => {
  it('that does not reach all has only rights whose routes are cut', () => {
    expect(CUT).toEqual(listed('CUT'));
    expect(fits('identity.people', 'team')).toBe(false);
    expect(fits('identity.people', 'all')).toBe(true);
    expect(REACHES.every((reach) => fits('customers.read', reach))).toBe(true);
  });

  it('is sent without what does not fit it and without fields that have no rule', () => {
    const fields = { 'customers.name': 'masked', 'customers.phone': undefined } as const;
    const rights = ['customers.read', 'platform.jobs'];
    expect(roleBody({ name: 'x', title: 'X', rights, reach: 'own', fields })).toEqual({
      title: 'X',
      rights: ['customers.read'],
      reach: 'own',
      fields: { 'customers.name': 'masked' },
    });
    expect(roleBody({ name: 'x', title: 'X', reach: 'all' }).rights).toEqual([]);
  });

  it('has words for every right, reach, field and rule', () => {
    const { right, reach, field, rule } = en.identity as unknown as Record<string, Record<string, string>>;
    expect(listed('RIGHTS').filter((one) => !right?.[(one ?? '').replace('.', '_')])).toEqual([]);
    expect(REACHES.filter((one) => !reach?.[one])).toEqual([]);
    expect(FIELD_RULES.filter(([one]) => !field?.[fieldKey(one)])).toEqual([]);
    expect(FIELD_RULES.flatMap(([, rules]) => rules).filter((one) => !rule?.[one])).toEqual([]);
  });
});

it('a record is found in an id, an address, and nothing else', () => {
  const id = `cus_${'0'.repeat(22)}1abc`;
  expect(recordIn(` ${id} `)).toBe(id);
  expect(recordIn(`https://crm.example.com/customers/${id}?tab=orders`)).toBe(id);
  expect(recordIn(id.replace('cus', 'ord'))).toBe(id.replace('cus', 'ord'));
  expect([
    recordIn(id.slice(0, -1)),
    recordIn(`${id}0`),
    recordIn(id.replace('cus', 'tag')),
    recordIn(''),
  ]).toEqual([undefined, undefined, undefined, undefined]);
});

it('everybody has a home that is theirs', () => {
  const home = (...rights: string[]) => homeOf((right) => holds(rights, right));
  expect(home('*')).toBe('/');
  expect(home('customers.read', 'commerce.read')).toBe('/customers');
  expect(home('commerce.read')).toBe('/orders');
  expect(home()).toBe('/settings');
  const known = listed('RIGHTS');
  for (const { right } of [...MENU, ...MORE_PAGES]) if (right) expect(known).toContain(right);
});
