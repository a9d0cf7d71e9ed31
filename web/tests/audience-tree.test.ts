import { expect, it } from 'vitest';
import {
  addAt,
  asGroup,
  at,
  CHOICES,
  choiceOf,
  defaultOf,
  duplicateAt,
  EVERYONE,
  faultOf,
  incompleteIn,
  isComplete,
  marked,
  moveAt,
  type Node,
  pathOf,
  removeAt,
  replaceAt,
  tidy,
  toggleNotAt,
  turnedInto,
} from '@/modules/insight/tree';

const twice = defaultOf('count');
const lately = defaultOf('last_order');
const vip: Node = { kind: 'tag', tag: 'tag_1' };
const tree: Node = {
  kind: 'all',
  of: [twice, { kind: 'any', of: [lately, { kind: 'not', of: vip }] }],
};

it.each(CHOICES)('a new %s is of its kind, and asks for what only people know', (choice) => {
  const node = defaultOf(choice);
  expect(choiceOf(node)).toBe(choice);
  const asks = ['tier', 'province', 'owner', 'tag', 'name', 'audience', 'sequence', 'level', 'points'];
  expect(isComplete(node)).toBe(!asks.includes(choice));
});

it('a path leads through groups and exclusions', () => {
  expect(at(tree, [])).toBe(tree);
  expect(at(tree, [1, 0])).toBe(lately);
  expect(at(tree, [1, 1, 0])).toBe(vip);
  expect(at(tree, [1, 7])).toBeUndefined();
  expect(at(tree, [0, 0])).toBeUndefined();
});

it('what is edited is another tree, what is not stays the same', () => {
  const next = replaceAt(tree, [1, 1, 0], lately);
  expect(at(next, [1, 1, 0])).toBe(lately);
  expect(at(next, [0])).toBe(twice);
  expect(at(tree, [1, 1, 0])).toBe(vip);
  expect(replaceAt(tree, [5, 1], lately)).toBe(tree);
});

it('a condition is added to groups only', () => {
  expect(at(addAt(tree, [1], twice), [1, 2])).toBe(twice);
  expect(addAt(tree, [0], lately)).toBe(tree);
});

it('a removed part takes its exclusion with it, and without the root everyone is left', () => {
  expect(removeAt(tree, [1, 1, 0])).toEqual({
    kind: 'all',
    of: [twice, { kind: 'any', of: [lately] }],
  });
  expect(removeAt(tree, [0])).toEqual({ kind: 'all', of: [(tree as { of: Node[] }).of[1]] });
  expect(removeAt(tree, [])).toEqual(EVERYONE);
  expect(removeAt(tree, [9])).toBe(tree);
});

it('a part is doubled after itself, with its exclusion', () => {
  expect(duplicateAt(tree, [0])).toMatchObject({ of: [twice, twice, { kind: 'any' }] });
  expect(at(duplicateAt(tree, [1, 1, 0]), [1])).toEqual({
    kind: 'any',
    of: [lately, { kind: 'not', of: vip }, { kind: 'not', of: vip }],
  });
  expect(duplicateAt(tree, [])).toBe(tree);
});

it('a part moves within its group and not beyond', () => {
  expect(moveAt(tree, [1], -1)).toEqual({ kind: 'all', of: [(tree as { of: Node[] }).of[1], twice] });
  expect(moveAt(tree, [0], -1)).toEqual(tree);
  expect(moveAt(tree, [1], 1)).toEqual(tree);
});

it('an exclusion is put around a part and taken away', () => {
  const out = toggleNotAt(tree, [0]);
  expect(at(out, [0])).toEqual({ kind: 'not', of: twice });
  expect(toggleNotAt(out, [0])).toEqual(tree);
});

it('a single condition stands in a group before one adds to it', () => {
  expect(asGroup(vip)).toEqual({ kind: 'all', of: [vip] });
  expect(asGroup(tree)).toBe(tree);
});

it('another figure keeps the choice of orders where it can', () => {
  const before: Node = {
    kind: 'orders',
    measure: 'count',
    of: { when: { last_days: 30 }, product: { contains: 'tea' } },
    bounds: { min: 3 },
  };
  expect(turnedInto(before, 'items')).toMatchObject({ measure: 'items', of: before.of });
  // An average is of whole orders.
  expect(turnedInto(before, 'average_order')).toMatchObject({ of: { when: { last_days: 30 } } });
  expect(turnedInto(before, 'tag')).toEqual({ kind: 'tag', tag: '' });
});

it('what chooses nothing is left out', () => {
  expect(tidy({ when: 'ever', shop: undefined, amount: {} })).toBeUndefined();
  expect(tidy({ when: 'ever', shop: 'shp_1' })).toEqual({ shop: 'shp_1' });
});

it('what lacks a value is counted', () => {
  expect(incompleteIn(tree)).toBe(0);
  expect(incompleteIn({ kind: 'any', of: [defaultOf('tag'), { kind: 'not', of: defaultOf('name') }] })).toBe(
    2,
  );
  expect(isComplete({ kind: 'orders', measure: 'count', bounds: { min: 5, max: 2 } })).toBe(false);
  expect(isComplete({ kind: 'created', when: { days: [null, null] } })).toBe(false);
  expect(isComplete({ kind: 'created', when: { days: ['2026-02-01', '2026-01-01'] } })).toBe(false);
});

it('the places of the server are paths of the tree', () => {
  expect(pathOf('tree')).toEqual([]);
  expect(pathOf('tree.all[1].any[1].not')).toEqual([1, 1, 0]);
  expect(pathOf('name')).toBeUndefined();
});

it('a fault has its place, counted in characters', () => {
  const fault = faultOf('line 2, column 4: expected a number, found `>`');
  expect(fault).toEqual({ line: 2, column: 4, message: 'expected a number, found `>`' });
  expect(marked('a\n\u{1F375}b >> 2', fault)).toEqual(['\u{1F375}b ', '>', '> 2']);
  expect(faultOf('too long')).toEqual({ message: 'too long' });
  expect(marked('a', { line: 1, column: 2, message: '' })).toEqual(['a', ' ', '']);
});
