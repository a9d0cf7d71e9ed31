import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatMoney,
  formatMoneyShort,
  formatPercent,
  formatShort,
  formatTime,
  minorDigits,
  placeText,
} from '@/lib/format';

describe('numbers', () => {
  it('are short in the words of the language', () => {
    expect(formatShort('zh-CN', 9_999)).toBe('9,999');
    expect(formatShort('zh-CN', 12_000)).toBe('1.2 \u4e07');
    expect(formatShort('zh-CN', 340_000_000)).toBe('3.4 \u4ebf');
    expect(formatShort('en-US', 12_000)).toBe('12 K');
    expect(formatShort('en-US', 3_400_000)).toBe('3.4 M');
    expect(formatShort('zh-CN', -12_000)).toBe('-1.2 \u4e07');
  });
  it('are money in its own minor unit', () => {
    expect(formatMoney('zh-CN', 123_450, 'CNY')).toBe('¥1,234.50');
    expect(formatMoney('en-US', 123_450, 'CNY')).toBe('¥1,234.50');
    expect(formatMoney('en-US', 1_234, 'JPY')).toBe('¥1,234');
    expect(minorDigits('JPY')).toBe(0);
    expect(minorDigits('nonsense')).toBe(2);
    expect(formatMoneyShort('en-US', 1_234_500, 'USD')).toBe('$12.3 K');
    expect(formatMoneyShort('zh-CN', 27_700_000, 'CNY')).toBe('¥27.7 \u4e07');
  });
  it('are bytes people read', () => {
    expect(formatBytes('en-US', 3_402_112)).toBe('3.2 MB');
    expect(formatBytes('en-US', 12)).toBe('12 B');
  });
});

describe('shares and places', () => {
  it('keep their digits, so that columns line up', () => {
    expect(formatPercent('en-US', 0.02)).toBe('2.0%');
    expect(formatPercent('en-US', 0.7, 0)).toBe('70%');
  });
  it('name a city that is its own province once', () => {
    expect(placeText('\u5317\u4eac', '\u5317\u4eac\u5e02')).toBe('\u5317\u4eac\u5e02');
    expect(placeText('Jiangsu', 'Suzhou')).toBe('Jiangsu Suzhou');
    expect(placeText(null, 'Suzhou')).toBe('Suzhou');
    expect(placeText('Jiangsu', null)).toBe('Jiangsu');
  });
});

describe('times', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  it('are relative within a day and absolute after', () => {
    expect(formatTime('en-US', '2026-11-22T11:30:00Z', now)).toBe('30 min. ago');
    expect(formatTime('en-US', '2026-11-22T02:00:00Z', now)).toBe('10 hr. ago');
    expect(formatTime('en-US', '2026-11-20T02:00:00Z', now)).toMatch(/^2026-11-\d\d \d\d:\d\d$/);
  });
  it('in the future are absolute', () => {
    expect(formatTime('en-US', '2026-12-20T02:00:00Z', now)).toMatch(/^2026-12-/);
  });
});
