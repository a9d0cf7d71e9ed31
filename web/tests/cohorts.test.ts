import { describe, expect, it } from 'vitest';
import { mostOf, valuesOf } from '@/modules/insight/cohorts';

const cohort = {
  label: '2025-01',
  from: '2025-01-01',
  customers: 4,
  cells: [
    { active: 4, share: 1, revenue_minor: 1000, revenue_per_customer_minor: 250 },
    { active: 2, share: 0.5, revenue_minor: 402, revenue_per_customer_minor: 101 },
  ],
};
const data = { as_of: '2025-02-28', period: 'month', is_last_open: false, cohorts: [cohort], curve: [] };

describe('cells of cohorts', () => {
  it('tell what is asked of them', () => {
    expect(valuesOf(cohort, 'share')).toEqual([1, 0.5]);
    expect(valuesOf(cohort, 'customers')).toEqual([4, 2]);
    expect(valuesOf(cohort, 'revenue')).toEqual([250, 101]);
    // Summed up before it is rounded: 1402 / 4.
    expect(valuesOf(cohort, 'value')).toEqual([250, 351]);
  });

  it('are coloured by the most of what comes after the first period', () => {
    expect(mostOf(data, 'share')).toBe(0.5);
    expect(mostOf(data, 'value')).toBe(351);
    expect(mostOf({ ...data, cohorts: [{ ...cohort, cells: cohort.cells.slice(0, 1) }] }, 'share')).toBe(0);
  });
});
