import { useTranslation } from 'react-i18next';
import type { Reason } from '@/api/types';
import { useFormat } from '@/lib/format';

/** Why a promotion is not applied, from its code; `names` are those of the answer. */
export function useReason(currency: string, names: Record<string, string>): (reason: Reason) => string {
  const { t } = useTranslation();
  const format = useFormat();
  return (reason) => {
    const said: Record<string, string> = {};
    for (const [name, value] of Object.entries(reason)) {
      if (name === 'code' || value == null) continue;
      if (name.endsWith('_minor')) said[name] = format.money(Number(value), currency);
      else if (name.endsWith('_at')) said[name] = format.time(String(value));
      else if (name === 'with') said[name] = names[String(value)] ?? String(value);
      else said[name] = typeof value === 'number' ? format.int(value) : String(value);
    }
    return t(`loyalty.promotions.reason.${reason.code}`, { ...said, defaultValue: reason.code });
  };
}
