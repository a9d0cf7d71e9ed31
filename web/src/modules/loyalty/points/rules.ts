import { minorDigits } from '@/lib/format';
import type { PointsRules } from './api';

/** The rules of a programme as a form has them: amounts in yuan instead of fen, factors as `1.5`. */
export interface RulesForm {
  earn_points?: number | null;
  earn_per_minor?: number | null;
  products?: { product: string; factor_permille?: number | null }[];
  day_cap?: number | null;
  activities?: { name: string; points?: number | null; times_a_day?: number | null }[];
  pending_days?: number | null;
  expiry?: {
    kind: PointsRules['expiry']['kind'];
    days?: number | null;
    months?: number | null;
    month?: number | null;
    day?: number | null;
    least_days?: number | null;
  };
  negative?: PointsRules['negative'];
  grace_days?: number | null;
  approve_above?: number | null;
  value_points?: number | null;
  value_minor?: number | null;
}

/** A programme to begin with: 1 point for each yuan, usable after 15 days, living a year; 100 points are 1 yuan. */
export const BEGIN: RulesForm = {
  earn_points: 1,
  earn_per_minor: 1,
  products: [],
  activities: [
    { name: 'birthday', points: 200, times_a_day: 1 },
    { name: 'sign_in', points: 5, times_a_day: 1 },
    { name: 'review', points: 20, times_a_day: 3 },
  ],
  pending_days: 15,
  expiry: { kind: 'months', months: 12, days: 365, month: 12, day: 31, least_days: 30 },
  negative: 'allow',
  grace_days: 30,
  approve_above: 1000,
  value_points: 100,
  value_minor: 1,
};

export function formOf(rules: PointsRules, currency: string): RulesForm {
  const unit = 10 ** minorDigits(currency);
  return {
    ...rules,
    earn_per_minor: rules.earn_per_minor / unit,
    value_minor: rules.value_minor / unit,
    products: (rules.products ?? []).map((one) => ({
      ...one,
      factor_permille: one.factor_permille / 1000,
    })),
    expiry: { ...BEGIN.expiry, ...rules.expiry } as RulesForm['expiry'],
  };
}

/** The rules as the server takes them; what is missing is 0, which it refuses where it must be more. */
export function rulesOf(form: RulesForm, currency: string): PointsRules {
  const unit = 10 ** minorDigits(currency);
  const minor = (value?: number | null) => Math.round((value ?? 0) * unit);
  const { expiry } = form;
  const life: PointsRules['expiry'] =
    expiry?.kind === 'days'
      ? { kind: 'days', days: expiry.days ?? 0 }
      : expiry?.kind === 'months'
        ? { kind: 'months', months: expiry.months ?? 0 }
        : expiry?.kind === 'year_day'
          ? {
              kind: 'year_day',
              month: expiry.month ?? 0,
              day: expiry.day ?? 0,
              least_days: expiry.least_days ?? 0,
            }
          : { kind: 'never' };
  return {
    earn_points: form.earn_points ?? 0,
    earn_per_minor: minor(form.earn_per_minor),
    products: (form.products ?? []).map((one) => ({
      product: one?.product?.trim() ?? '',
      factor_permille: Math.round((one?.factor_permille ?? 0) * 1000),
    })),
    day_cap: form.day_cap ?? null,
    activities: (form.activities ?? []).map((one) => ({
      name: one?.name?.trim() ?? '',
      points: one?.points ?? 0,
      times_a_day: one?.times_a_day ?? 0,
    })),
    pending_days: form.pending_days ?? 0,
    expiry: life,
    negative: form.negative ?? 'allow',
    grace_days: form.grace_days ?? 0,
    approve_above: form.approve_above ?? 0,
    value_points: form.value_points ?? 0,
    value_minor: minor(form.value_minor),
  };
}
