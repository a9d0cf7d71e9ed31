import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Birthday, LunarDate } from '@/api/types';

/** Names of lunar days and of birthdays. */
export function useDates() {
  const { t, i18n } = useTranslation();
  return useMemo(() => {
    const lunar = (day: Pick<LunarDate, 'month' | 'day' | 'is_leap_month'>) =>
      t('customers.care.lunar', {
        leap: day.is_leap_month ? t('customers.care.leap') : '',
        month: t(`customers.care.month.${day.month}`),
        day: t(`customers.care.day.${day.day}`),
      });
    // A leap year, so that it has every day.
    const solar = (month: number, day: number) =>
      new Intl.DateTimeFormat(i18n.language, { month: 'long', day: 'numeric', timeZone: 'UTC' }).format(
        Date.UTC(2000, month - 1, day),
      );
    const birthday = (of: Birthday) => {
      const date =
        of.calendar === 'lunar'
          ? t('customers.care.byLunar', { date: lunar({ ...of, is_leap_month: of.is_leap_month ?? false }) })
          : solar(of.month, of.day);
      return of.year ? t('customers.care.withYear', { date, year: of.year }) : date;
    };
    return { lunar, birthday };
  }, [t, i18n.language]);
}
