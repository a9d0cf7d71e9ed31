import { expect, test } from 'vitest';
import { holds } from '@/lib/rights';
import { browserOf } from '@/modules/identity/browser';
import { teamPath } from '@/modules/identity/words';

test('everything holds every right', () => {
  expect(holds(['*'], 'customers.read')).toBe(true);
  expect(holds(['customers.read'], 'customers.read')).toBe(true);
  expect(holds(['customers.read'], 'customers.edit')).toBe(false);
  expect(holds([], 'customers.read')).toBe(false);
});

test('a team is told with those above it', () => {
  const teams = [
    { id: 'a', parent_id: null, name: '销售' },
    { id: 'b', parent_id: 'a', name: '华东' },
    { id: 'r', parent_id: 'r', name: '环' },
  ];
  expect(teamPath(teams, 'b')).toBe('销售 / 华东');
  expect(teamPath(teams, 'a')).toBe('销售');
  expect(teamPath(teams, null)).toBe('');
  expect(teamPath(teams, 'gone')).toBe('');
  expect(teamPath(teams, 'r')).toContain('环');
});

test('browsers are known by what they call themselves', () => {
  const chrome = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36';
  expect(browserOf(chrome)).toBe('Chrome · Windows');
  expect(browserOf(`${chrome} Edg/140.0`)).toBe('Edge · Windows');
  expect(browserOf('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1')).toBe(
    'Safari · iOS',
  );
  expect(browserOf('curl/8.1')).toBe('curl/8.1');
  expect(browserOf(null)).toBeUndefined();
});
