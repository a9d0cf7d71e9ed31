import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

const numbers = new Map<string, Intl.NumberFormat>();

function number(lang: string, options: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
  const key = lang + JSON.stringify(options);
  let made = numbers.get(key);
  if (!made) {
    made = new Intl.NumberFormat(lang, options);
    numbers.set(key, made);
  }
  return made;
}

/** Digits after the point of a currency: 2 for CNY, 0 for JPY. */
export function minorDigits(currency: string): number {
  try {
    const { maximumFractionDigits } = number('en-US', { style: 'currency', currency }).resolvedOptions();
    return maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}

/** `Euro (EUR)`; only the code where it has no name. */
export function currencyName(lang: string, currency: string): string {
  const name = new Intl.DisplayNames(lang, { type: 'currency' }).of(currency);
  return name && name !== currency ? `${name} (${currency})` : currency;
}

export function majorOf(minor: number, currency: string): number {
  return minor / 10 ** minorDigits(currency);
}

/** `¥1,234.50`; with `whole` without the cents. */
export function formatMoney(lang: string, minor: number, currency: string, whole = false): string {
  const value = majorOf(minor, currency);
  try {
    return number(lang, {
      style: 'currency',
      currency,
      currencyDisplay: 'narrowSymbol',
      ...(whole ? { maximumFractionDigits: 0, minimumFractionDigits: 0 } : {}),
    }).format(value);
  } catch {
    return `${number(lang).format(value)} ${currency}`;
  }
}

/** In Chinese by ten thousands and hundred millions, in English `12 K`, `3.4 M`; exact below the first step. */
export function formatShort(lang: string, value: number): string {
  const size = Math.abs(value);
  const steps: [number, string][] = lang.startsWith('zh')
    ? [
        [1e8, '\u4ebf'],
        [1e4, '\u4e07'],
      ]
    : [
        [1e9, 'B'],
        [1e6, 'M'],
        [1e4, 'K'],
      ];
  for (const [step, unit] of steps) {
    if (size >= step) {
      const divisor = unit === 'K' ? 1e3 : step;
      const scaled = value / divisor;
      return `${number(lang, { maximumFractionDigits: Math.abs(scaled) < 100 ? 1 : 0 }).format(scaled)} ${unit}`;
    }
  }
  return number(lang, { maximumFractionDigits: 0 }).format(value);
}

/** Money for axes and tiles, such as `¥12 K`. */
export function formatMoneyShort(lang: string, minor: number, currency: string): string {
  const major = majorOf(minor, currency);
  if (Math.abs(major) < 1e4) return formatMoney(lang, minor, currency, Math.abs(major) >= 100);
  const zero = formatMoney(lang, 0, currency, true);
  return zero.replace('0', formatShort(lang, major));
}

export function formatInt(lang: string, value: number): string {
  return number(lang, { maximumFractionDigits: 0 }).format(value);
}

export function formatPercent(lang: string, share: number, digits = 1): string {
  return number(lang, {
    style: 'percent',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(share);
}

export function formatBytes(lang: string, bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${number(lang, { maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0 }).format(value)} ${units[unit]}`;
}

const DAY_MS = 86_400_000;

/** What clocks at `offset` show at an instant, or clocks where the browser is; `2026-11-22T09:05:00`. */
function clockAt(iso: string, offset?: number): string {
  const at = new Date(iso);
  const ahead = offset ?? -at.getTimezoneOffset() * 60;
  return new Date(at.getTime() + ahead * 1000).toISOString().slice(0, 19);
}

/** `2026-11-22 09:05` by clocks `offset` seconds ahead of UTC, or in the zone of the browser. */
export function formatStamp(iso: string, offset?: number): string {
  return clockAt(iso, offset).slice(0, 16).replace('T', ' ');
}

/** Relative within a day, absolute after. */
export function formatTime(lang: string, iso: string, offset?: number, now = Date.now()): string {
  const at = new Date(iso);
  const ago = now - at.getTime();
  if (ago >= -60_000 && ago < DAY_MS) {
    const relative = new Intl.RelativeTimeFormat(lang, { numeric: 'auto', style: 'short' });
    if (ago < 60_000) return relative.format(0, 'second');
    if (ago < 3_600_000) return relative.format(-Math.floor(ago / 60_000), 'minute');
    return relative.format(-Math.floor(ago / 3_600_000), 'hour');
  }
  return formatStamp(iso, offset);
}

/** `GMT+8`, `GMT-3:30`. */
export function zoneName(offset: number): string {
  const minutes = Math.round(Math.abs(offset) / 60);
  if (minutes === 0) return 'GMT';
  const rest = minutes % 60;
  return `GMT${offset < 0 ? '-' : '+'}${Math.floor(minutes / 60)}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`;
}

/** The full instant with its zone, for tooltips. */
export function formatInstant(lang: string, iso: string, offset?: number): string {
  if (offset === undefined) {
    return new Intl.DateTimeFormat(lang, { dateStyle: 'full', timeStyle: 'long' }).format(new Date(iso));
  }
  // Browsers of a few years ago do not take an offset as a zone.
  const clock = new Intl.DateTimeFormat(lang, { dateStyle: 'full', timeStyle: 'medium', timeZone: 'UTC' });
  return `${clock.format(new Date(`${clockAt(iso, offset)}Z`))} ${zoneName(offset)}`;
}

/** `2026-11-22` by clocks `offset` seconds ahead of UTC, or in the zone of the browser. */
export function formatDay(iso: string, offset?: number): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(iso)) return iso;
  return clockAt(iso, offset).slice(0, 10);
}

/** Province and city; a city that is its own province is named once. */
export function placeText(province?: string | null, city?: string | null): string {
  if (!province || !city) return province ?? city ?? '';
  return city.startsWith(province) || province.startsWith(city) ? city : `${province} ${city}`;
}

export function useFormat() {
  const { t, i18n } = useTranslation();
  const lang = i18n.language;
  return useMemo(
    () => ({
      lang,
      money: (minor: number, currency: string, whole = false) => formatMoney(lang, minor, currency, whole),
      moneyShort: (minor: number, currency: string) => formatMoneyShort(lang, minor, currency),
      int: (value: number) => formatInt(lang, value),
      short: (value: number) => formatShort(lang, value),
      percent: (share: number, digits?: number) => formatPercent(lang, share, digits),
      bytes: (value: number) => formatBytes(lang, value),
      time: (iso: string, offset?: number) => formatTime(lang, iso, offset),
      instant: (iso: string, offset?: number) => formatInstant(lang, iso, offset),
      seconds: (value: number) => {
        const whole = Math.max(0, Math.round(value));
        if (value < 0.1) return t('ui.duration.instant');
        if (whole < 60) return t('ui.duration.seconds', { n: value < 10 ? value.toFixed(1) : whole });
        if (whole < 3600) return t('ui.duration.minutes', { m: Math.floor(whole / 60), s: whole % 60 });
        return t('ui.duration.hours', { h: Math.floor(whole / 3600), m: Math.floor((whole % 3600) / 60) });
      },
    }),
    [lang, t],
  );
}
