import { describe, expect, it } from 'vitest';
import type { Backup } from '@/api/types';
import { newestWhole } from '@/modules/platform/backups';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const HOUR = 3_600_000;
const made = (hours: number, ok: boolean | null): Backup => ({
  name: `${hours}`,
  created_at: new Date(NOW - hours * HOUR).toISOString(),
  ok,
  rows: 1,
  pieces: 1,
  bytes: 1,
  stored_bytes: 1,
});

describe('the newest whole backup', () => {
  it('is the newest that was found whole, and no other', () => {
    const found = newestWhole([made(1, null), made(2, false), made(3, true), made(30, true)], NOW);
    expect(found).toEqual({ at: made(3, true).created_at, isLate: false });
  });
  it('is late after a day and a half, to the instant', () => {
    expect(newestWhole([made(36, true)], NOW).isLate).toBe(false);
    expect(newestWhole([made(36, true)], NOW + 1).isLate).toBe(true);
  });
  it('is late where there is none', () => {
    expect(newestWhole([], NOW)).toEqual({ at: undefined, isLate: true });
    expect(newestWhole([made(1, false)], NOW).isLate).toBe(true);
  });
});
