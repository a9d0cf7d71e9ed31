import { describe, expect, it } from 'vitest';
import { idOf, isDay, knownOf, oneOf, someOf, sortOf, unknownIn, within } from '@/lib/known';
import { parseSearch } from '@/lib/url';
import { queryOf, rulesOf } from '@/modules/customers/filters';

describe('values in the URL', () => {
  it('mean something or not', () => {
    expect([oneOf(['a'])('a'), oneOf(['a'])('b')]).toEqual([true, false]);
    expect([someOf(['a', 'b'])('b,a'), someOf(['a', 'b'])('a,zzz'), someOf(['a'])('')]).toEqual([
      true,
      false,
      false,
    ]);
    expect([sortOf(['n'])('-n'), sortOf(['n'])('n'), sortOf(['n'])('--n')]).toEqual([true, true, false]);
    expect(['2024-02-29', '2023-02-29', '2024-2-9', 'yesterday', ''].map(isDay)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(['2', '10', '1', '11', '3.5', '-2', 'x', ''].map(within(2, 10))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
      false,
      false,
    ]);
    expect([idOf(undefined)('a'), idOf([{ id: 'a' }])('a'), idOf([])('a')]).toEqual([true, true, false]);
  });

  it('are left out where they mean nothing, and only those', () => {
    const url = parseSearch('?tier=zzz&cell=R5F*M10&rating=A&sort=-name&bins=5&q=tier');
    expect(unknownIn(url, rulesOf()).sort()).toEqual(['sort', 'tier']);
    expect(knownOf(url, rulesOf())).toEqual({ cell: 'R5F*M10', rating: 'A', bins: '5', q: 'tier' });
  });

  it('may be several tiers', () => {
    const url = parseSearch('?tier=at_risk&tier=cant_lose&sort=-revenue');
    expect(unknownIn(url, rulesOf())).toEqual([]);
    expect(queryOf(url)).toEqual({ tier: ['at_risk', 'cant_lose'], sort: '-revenue' });
  });
});
