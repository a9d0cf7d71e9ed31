import { describe, expect, it } from 'vitest';
import type { CouponRules } from '@/modules/loyalty/coupons/api';
import {
  dayOf,
  FRESH,
  fieldOf,
  midnight,
  rulesOf,
  type Values,
  valuesOf,
} from '@/modules/loyalty/coupons/terms';

const CHINA = 8 * 3600;

describe('days of coupons', () => {
  it('begin and end at midnight by the clocks of the shop', () => {
    expect(midnight('2026-01-01', CHINA)).toBe('2025-12-31T16:00:00.000Z');
    expect(midnight('2026-01-31', CHINA, 1)).toBe('2026-01-31T16:00:00.000Z');
    expect(dayOf('2025-12-31T16:00:00Z', CHINA)).toBe('2026-01-01');
    expect(dayOf('2026-01-31T16:00:00Z', CHINA, true)).toBe('2026-01-31');
    expect(dayOf(null, CHINA)).toBeNull();
  });
});

describe('the form of a coupon', () => {
  const values: Values = {
    ...FRESH,
    name: '满百减十',
    off: 10.5,
    threshold: 100,
    products: ['A'],
    first: true,
    usesTotal: 1000,
    claimsPerson: 1,
    budget: 5000,
    validity: 'fixed',
    from: '2026-01-01',
    until: '2026-01-31',
    refund: 'return',
    grace: 3,
    code: ' SPRING ',
  };

  it('says what it holds', () => {
    const rules = rulesOf(values, CHINA);
    expect(rules.terms.kind).toEqual({
      type: 'amount_off',
      threshold_minor: 10_000,
      off_minor: 1_050,
      repeat: false,
    });
    expect(rules.terms.conditions).toMatchObject({
      products: ['A'],
      first_order: true,
      minimum_amount_minor: 0,
    });
    expect(rules.validity).toEqual({
      type: 'fixed',
      from: '2025-12-31T16:00:00.000Z',
      until: '2026-01-31T16:00:00.000Z',
    });
    expect(rules.refund).toEqual({ type: 'return', grace_days: 3 });
    expect(rules).toMatchObject({ budget_minor: 500_000, code: 'SPRING', uses: { total: 1000 } });
  });

  it('comes back as it was', () => {
    const kinds: Partial<Values>[] = [
      {},
      { kind: 'percent_off', pay: 85, cap: 20 },
      { kind: 'free_shipping', cap: null },
      { kind: 'gift', gift: 'CUP', pieces: 2 },
    ];
    for (const kind of kinds) {
      const rules = rulesOf({ ...values, ...kind }, CHINA);
      expect(rulesOf(valuesOf('满百减十', rules, CHINA), CHINA, rules)).toEqual(rules);
    }
  });

  it('keeps what it does not show', () => {
    const old = {
      ...rulesOf(values, CHINA),
      terms: {
        currency: 'CNY',
        kind: { type: 'tiered', by: 'amount', steps: [{ from: 1 }] },
        conditions: { tiers: ['champion'], minimum_amount_minor: 700 },
        calendar: { weekdays: [1] },
      },
      validity: { type: 'fixed', from: '2026-01-01T03:04:05Z', until: null },
    } as CouponRules;
    const shown = valuesOf('x', old, CHINA);
    expect(shown.kind).toBe('kept');
    const rules = rulesOf(shown, CHINA, old);
    expect(rules.terms.kind).toEqual(old.terms.kind);
    expect(rules.terms.calendar).toEqual({ weekdays: [1] });
    expect(rules.terms.conditions?.tiers).toEqual(['champion']);
    expect(rules.validity).toEqual(old.validity);
    // Another kind does not bring the threshold of the one before along.
    const amount = rulesOf({ ...shown, kind: 'amount_off', off: 1, threshold: 50 }, CHINA, old);
    expect(amount.terms.conditions?.minimum_amount_minor).toBe(0);
  });

  it('knows the fields of refusals', () => {
    expect(fieldOf('terms.kind.off_minor')).toBe('off');
    expect(fieldOf('terms.conditions.products[3]')).toBe('products');
    expect(fieldOf('terms.calendar')).toBeUndefined();
  });
});
