import { describe, expect, it } from 'vitest';
import type { ConsentText } from '@/api/types';
import zh from '@/app/words/zh';
import { CHANNELS, newestTexts, PURPOSES, SOURCES, stateOf } from '@/modules/customers/consents';

const text = (name: string, language: string, version: number): ConsentText => ({
  id: `${name}-${language}-${version}`,
  name,
  language,
  version,
  body: '',
  hash: '',
  created_at: '2026-01-01T00:00:00Z',
});

describe('consents', () => {
  it('have words for every way, purpose and source', () => {
    const words = zh.customers.consent;
    expect(Object.keys(words.channels).sort()).toEqual([...CHANNELS].sort());
    expect(Object.keys(words.purposes).sort()).toEqual([...PURPOSES].sort());
    expect(Object.keys(words.sources).sort()).toEqual([...SOURCES].sort());
  });

  it('offer the newest version of each text in each language', () => {
    const all = [text('a', 'zh-CN', 2), text('a', 'zh-CN', 3), text('a', 'en-US', 1), text('b', 'zh-CN', 1)];
    expect(newestTexts(all).map((one) => one.id)).toEqual(['a-zh-CN-3', 'a-en-US-1', 'b-zh-CN-1']);
  });

  it('find the state of a way and purpose, and none where the server told none', () => {
    const state = { channel: 'sms', purpose: 'marketing', standing: 'granted', may: true } as const;
    expect(stateOf([state], 'sms', 'marketing')).toBe(state);
    expect(stateOf([state], 'email', 'marketing')).toBeUndefined();
  });
});
