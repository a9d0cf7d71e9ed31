import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '../src');

/** What each room may use beside itself; `app` may use everything. */
const MAY: Record<string, string[]> = {
  api: [],
  lib: ['api'],
  ui: ['api', 'lib'],
  modules: ['api', 'lib', 'ui'],
};

it('no room uses what it must not, and no module another', () => {
  const wrong: string[] = [];
  for (const name of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(name)) continue;
    const path = relative(SRC, join(SRC, name)).split('/');
    const room = path[0] ?? '';
    const allowed = MAY[room];
    if (!allowed) continue;
    const text = readFileSync(join(SRC, name), 'utf8');
    for (const [, target] of text.matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
      if (!target) continue;
      if (target.startsWith('../')) wrong.push(`${name}: climbs to ${target}; use @/…`);
      if (!target.startsWith('@/')) continue;
      const [to, module] = target.slice(2).split('/');
      if (to === room && (room !== 'modules' || module === path[1])) continue;
      if (!to || !allowed.includes(to)) wrong.push(`${name}: ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});
