import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import type { LevelRules } from './api';

/** What is measured, as people read it: money, or a number of orders. */
export function useMeasured() {
  const { t } = useTranslation();
  const format = useFormat();
  return (value: number, measure: LevelRules['measure'], currency: string) =>
    measure === 'amount'
      ? format.money(value, currency)
      : t('loyalty.levels.orders', { count: value, n: format.int(value) });
}
