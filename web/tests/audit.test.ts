import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import en from '@/app/words/en';
import zh from '@/app/words/zh';
import { auditQuery } from '@/modules/platform/api';
import { valueText } from '@/modules/platform/Changes';

const TOP = join(import.meta.dirname, '../..');

function sources(): string[] {
  return ['crates', 'modules'].flatMap((folder) =>
    readdirSync(join(TOP, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\bsrc\b.*\.rs$/.test(name))
      .map((name) => readFileSync(join(TOP, folder, name), 'utf8').split('#[cfg(test)]')[0] ?? ''),
  );
}

describe('the audit log', () => {
  it('has words for every action that is recorded', () => {
    const actions = new Set<string>();
    for (const text of sources()) {
      for (const [, action] of text.matchAll(/Entry::new\(\s*"([\w.]+)"/g)) actions.add(action ?? '');
      for (const [, action] of text.matchAll(/"(commerce\.import\.\w+)"/g)) actions.add(action ?? '');
      for (const [, action] of text.matchAll(/"(platform\.audit\.\w+)"/g)) actions.add(action ?? '');
    }
    // The kinds of two jobs are called so, too.
    const known = [...actions].filter((action) => action.split('.').length > 1).sort();
    expect(known.length).toBeGreaterThan(45);
    for (const words of [zh, en]) {
      const told: Record<string, string> = words.platform.audit.actions;
      expect(known.filter((action) => !told[action.replaceAll('.', '_')])).toEqual([]);
    }
  });

  it('asks for whole days by the clocks of the reader', () => {
    const query = auditQuery({ from: '2026-01-02', to: '2026-01-02', action: 'customers.' });
    const length = new Date(query.to ?? '').getTime() - new Date(query.from ?? '').getTime();
    expect(length).toBe(86_400_000);
    expect(new Date(query.from ?? '').getHours()).toBe(0);
    expect(auditQuery({}).to).toBeUndefined();
  });

  it('shows values of any shape in a line', () => {
    expect(valueText(null)).toBeUndefined();
    expect(valueText(false)).toBe('false');
    expect(valueText(['a', 'b'])).toBe('a, b');
    expect(valueText([1, 2, 3, 4, 5, 6])).toBe('1, 2, 3, 4, 5 … (6)');
    expect(valueText({ q: '138****0002', tier: ['lost'] })).toBe('q: 138****0002, tier: lost');
  });
});
