import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import firstEn from '@/app/words/en';
import laterEn from '@/app/words/later/en';
import laterZh from '@/app/words/later/zh';
import firstZh from '@/app/words/zh';

const en = { ...firstEn, ...laterEn };
const zh = { ...firstZh, ...laterZh };

const SRC = join(import.meta.dirname, '../src');

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => /\.tsx?$/.test(name));
}

function keys(words: object, prefix = ''): string[] {
  return Object.entries(words).flatMap(([name, value]) =>
    typeof value === 'string' ? [prefix + name] : keys(value as object, `${prefix}${name}.`),
  );
}

function look(words: object, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], words);
}

const dictionary = /(^|\/)(zh|en)\.ts$/;
const sources = files(SRC).filter(
  (name) => !dictionary.test(relative(SRC, name)) && !name.endsWith('schema.d.ts'),
);

describe('the two dictionaries', () => {
  it('have the same keys', () => {
    expect(keys(en).sort()).toEqual(keys(zh).sort());
  });

  it('use the same variables in each text', () => {
    const variables = (text: unknown) =>
      [...String(text).matchAll(/{{\s*(\w+)\s*}}/g)].map((m) => m[1]).sort();
    const different = keys(zh).filter(
      (key) => variables(look(zh, key)).join() !== variables(look(en, key)).join(),
    );
    expect(different).toEqual([]);
  });

  it('have no empty text and no Chinese in English', () => {
    expect(keys(zh).filter((key) => !look(zh, key))).toEqual([]);
    expect(keys(en).filter((key) => /\p{Script=Han}/u.test(String(look(en, key))))).toEqual([]);
  });

  it('count in English by one and by many', () => {
    // These are never of one.
    const many = [
      'customers.scored.bins',
      'insight.rfm.daysBefore',
      'insight.rfm.binsOf',
      'insight.pairs.emptyText',
      'insight.reorders.emptyText',
      'insight.reorders.note',
    ];
    const counted =
      /{{\w+}} (bins|cells|columns|customers|days|duplicates|files|lines|orders|people|problems|rows|tags)\b/;
    const single = keys(en).filter(
      (key) => counted.test(String(look(en, key))) && !/_(one|other)$/.test(key) && !/\bbetween$/.test(key),
    );
    expect(single.filter((key) => !key.startsWith('commerce.told.')).sort()).toEqual(many.sort());
  });

  it('call tiers as the server calls them', () => {
    const source = readFileSync(join(SRC, '../../crates/analytics/src/rfm/tier.rs'), 'utf8');
    const tiers = [...source.matchAll(/ = "(\w+)", "([^"]+)", "([^"]+)";/g)];
    expect(tiers).toHaveLength(19);
    expect(zh.ui.tier).toEqual(Object.fromEntries(tiers.map(([, code, name]) => [code, name])));
    expect(en.ui.tier).toEqual(Object.fromEntries(tiers.map(([, code, , name]) => [code, name])));
  });

  it('hold every key that the pages ask for', () => {
    const all = new Set(keys(zh));
    const missing: string[] = [];
    for (const file of sources) {
      const text = readFileSync(file, 'utf8');
      for (const [, key] of text.matchAll(/\bt\(\s*'([\w.-]+)'/g)) {
        if (key && !all.has(key) && !all.has(`${key}_other`)) missing.push(`${relative(SRC, file)}: ${key}`);
      }
      // A key with a variable end needs at least its beginning.
      for (const [, start] of text.matchAll(/\bt\(\s*`([\w.-]+)\.\$\{/g)) {
        if (start && ![...all].some((key) => key.startsWith(`${start}.`)))
          missing.push(`${relative(SRC, file)}: ${start}.*`);
      }
    }
    expect(missing).toEqual([]);
  });
});

describe('the sources', () => {
  it('have no Chinese text outside the dictionaries', () => {
    // Provinces are data that shops write, not words of the interface.
    const allowed = ['lib/provinces.ts'];
    const found = sources
      .filter((file) => !allowed.includes(relative(SRC, file)))
      .filter((file) => /[\p{Script=Han}]/u.test(readFileSync(file, 'utf8')))
      .map((file) => relative(SRC, file));
    expect(found).toEqual([]);
  });
});
