import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatDay,
  formatInstant,
  formatMoney,
  formatMoneyShort,
  formatPercent,
  formatShort,
  formatStamp,
  formatTime,
  minorDigits,
  placeText,
  zoneName,
} from '@/lib/format';
import { CHINA, offsetIn, offsetOf } from '@/lib/zone';

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
    expect(formatTime('en-US', '2026-11-22T11:30:00Z', undefined, now)).toBe('30 min. ago');
    expect(formatTime('en-US', '2026-11-22T02:00:00Z', undefined, now)).toBe('10 hr. ago');
    expect(formatTime('en-US', '2026-11-20T02:00:00Z', undefined, now)).toMatch(/^2026-11-\d\d \d\d:\d\d$/);
  });
  it('in the future are absolute', () => {
    expect(formatTime('en-US', '2026-12-20T02:00:00Z', undefined, now)).toMatch(/^2026-12-/);
  });
});

describe('times of a shop', () => {
  // Noon in China; the evening before in New York, where the reader sits.
  const noon = '2020-01-10T04:00:00Z';
  const newYear = '2019-12-31T16:30:00Z';

  it('are those of its clocks, wherever one reads them', () => {
    expect(new Date(noon).getHours()).toBe(23);
    expect(formatStamp(noon, CHINA)).toBe('2020-01-10 12:00');
    expect(formatDay(noon, CHINA)).toBe('2020-01-10');
    expect(formatDay(newYear, CHINA)).toBe('2020-01-01');
    expect(formatTime('en-US', noon, CHINA)).toBe('2020-01-10 12:00');
    expect(formatInstant('en-US', noon, CHINA)).toBe('Friday, January 10, 2020 at 12:00:00 PM GMT+8');
    expect(formatInstant('zh-CN', newYear, CHINA)).toMatch(/^2020\D1\D1\D.* 00:30:00 GMT\+8$/);
  });
  it('without a shop are those of the reader', () => {
    expect(formatStamp(noon)).toBe('2020-01-09 23:00');
    expect(formatStamp('2020-07-10T04:00:00Z')).toBe('2020-07-10 00:00');
    expect(formatDay(noon)).toBe('2020-01-09');
    expect(formatDay('2020-01-10')).toBe('2020-01-10');
    expect(formatInstant('en-US', noon)).toContain('11:00:00 PM EST');
  });
  it('know the zone of the shop, of the first shop, and of a mapping', () => {
    const shops = [
      { id: 'a', zone_offset_seconds: -12_600 },
      { id: 'b', zone_offset_seconds: CHINA },
    ];
    expect(offsetOf(shops)).toBe(-12_600);
    expect(offsetOf(shops, 'b')).toBe(CHINA);
    expect(offsetOf(undefined)).toBe(CHINA);
    expect(offsetIn('currency = "JPY"\nutc_offset = "+09:00"\n')).toBe(32_400);
    expect(offsetIn("utc_offset='-03:30'")).toBe(-12_600);
    expect(offsetIn('[columns]\nordered_at = "time"')).toBeUndefined();
    expect([0, CHINA, -12_600].map(zoneName)).toEqual(['GMT', 'GMT+8', 'GMT-3:30']);
  });
});
