import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { minorDigits, useFormat } from '@/lib/format';
import { useShops } from '@/ui/shops';

/** A feature of the organisation's own customers that is counted in a window, such as `orders_90`. */
const WINDOWED = /^(orders|revenue|average)_(\d+|all)$/;
const DAYS = ['recency_days', 'tenure_days', 'mean_gap_days'];
const SHARES = ['weekend_share', 'top_product_share'];
const UNITS = ['season_orders', 'products', 'shops', 'recency_per_gap'];
const KNOWN = [...DAYS, ...SHARES, 'recency_per_gap', 'season_orders', 'products', 'shops'].concat([
  'last_weekday',
  'last_shop',
  'province',
  'moment',
]);

export interface FeatureWords {
  name: (column: string) => string;
  value: (column: string, value: string | null | undefined) => string;
  range: (column: string, range: [number, number]) => string;
}

/** Features and their values in words of people; of a file as they stand in it. */
export function useFeatureWords(own: boolean): FeatureWords {
  const { t } = useTranslation();
  const format = useFormat();
  const { data: shops } = useShops();
  return useMemo(() => {
    const days = (n: number) => t('insight.value.days', { count: n, n: format.int(n) });
    const plain = (number: number) => String(Math.round(number * 100) / 100);
    const name = (column: string) => {
      const windowed = own ? WINDOWED.exec(column) : null;
      if (windowed) {
        const [, what, span] = windowed;
        return span === 'all'
          ? t(`insight.intent.column.${what}_all`)
          : t(`insight.intent.column.${what}`, { days: days(Number(span)) });
      }
      return own && KNOWN.includes(column) ? t(`insight.intent.column.${column}`) : column;
    };
    const figure = (column: string, number: number) => {
      if (!own) return plain(number);
      const currency = shops?.[0]?.currency;
      if (/^(revenue|average)_/.test(column) && currency) {
        return format.money(Math.round(number * 10 ** minorDigits(currency)), currency, true);
      }
      if (DAYS.includes(column)) return days(Math.round(number));
      if (SHARES.includes(column)) return format.percent(number, 0);
      const unit = column.startsWith('orders_') ? 'season_orders' : column;
      if (UNITS.includes(unit)) return t(`insight.intent.unit.${unit}`, { n: plain(number) });
      return plain(number);
    };
    const value = (column: string, text: string | null | undefined) => {
      if (text == null) return t('insight.intent.unknown');
      if (!own) return text;
      if (column === 'last_weekday') return t(`insight.intent.weekday.${text}`, { defaultValue: text });
      if (column === 'last_shop') return shops?.find((one) => one.id === text)?.name ?? text;
      const number = Number(text);
      return text.trim() === '' || Number.isNaN(number) ? text : figure(column, number);
    };
    const range = (column: string, [from, to]: [number, number]) =>
      from === to ? figure(column, from) : `${figure(column, from)} – ${figure(column, to)}`;
    return { name, value, range };
  }, [own, shops, format, t]);
}
