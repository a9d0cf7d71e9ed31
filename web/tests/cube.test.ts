import { expect, it } from 'vitest';
import { colourAt, contrast, inkOn, project, thirdOf } from '@/modules/insight/cube';
import { HEAT_SCALES } from '@/ui/ChartBox';

const cells = [
  { r: 5, f: 1, m: 1, customers: 2, orders: 2, revenue_minor: 100, withheld: 0 },
  { r: 5, f: 1, m: 2, customers: 3, orders: 4, revenue_minor: 900, withheld: 0 },
  { r: 1, f: 1, m: 2, customers: 7, orders: 7, revenue_minor: 50, withheld: 0 },
];

it('a square sums its cells over the third dimension', () => {
  const squares = project(cells, 5, 'r', 'f', 'customers', undefined);
  expect(squares).toHaveLength(25);
  expect(squares.find((one) => one.x === 5 && one.y === 1)?.value).toBe(5);
  expect(squares.reduce((sum, one) => sum + one.value, 0)).toBe(12);
});

it('a layer keeps only its own cells', () => {
  const squares = project(cells, 5, 'r', 'f', 'revenue_minor', 2);
  expect(squares.find((one) => one.x === 5 && one.y === 1)?.value).toBe(900);
  expect(thirdOf('r', 'm')).toBe('f');
});

it.each(Object.entries(HEAT_SCALES))(
  'figures are readable on every colour of the %s heat map',
  (_, scale) => {
    for (let share = 0; share <= 1; share += 0.01) {
      const ground = colourAt(scale, share);
      expect(contrast(inkOn(ground), ground)).toBeGreaterThanOrEqual(4.5);
    }
  },
);
