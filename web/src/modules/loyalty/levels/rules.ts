import { minorDigits } from '@/lib/format';
import type { LevelRules } from './api';

/** A level as a form has it: amounts in yuan instead of fen, what is paid in percent, a multiplier as `1.25`. */
export interface LevelForm {
  name?: string;
  bound?: number | null;
  pay_bps?: number | null;
  multiplier_permille?: number | null;
  benefits?: string;
}

export interface RulesForm {
  measure: LevelRules['measure'];
  window_days?: number | null;
  downgrade: {
    kind: LevelRules['downgrade']['kind'];
    validity_days?: number | null;
    grace_days?: number | null;
    fall?: 'to_earned' | 'one_level';
  };
  refunds: LevelRules['refunds'];
  levels: LevelForm[];
}

const unitOf = (measure: LevelRules['measure'], currency: string) =>
  measure === 'amount' ? 10 ** minorDigits(currency) : 1;

export function formOf(rules: LevelRules, currency: string): RulesForm {
  const unit = unitOf(rules.measure, currency);
  return {
    ...rules,
    downgrade: { validity_days: 365, grace_days: 30, fall: 'one_level', ...rules.downgrade },
    levels: rules.levels.map((level) => ({
      ...level,
      bound: level.bound / unit,
      pay_bps: level.pay_bps / 100,
      multiplier_permille: level.multiplier_permille / 1000,
    })),
  };
}

/** A bound as the server takes it. */
export const boundOf = (
  bound: number | null | undefined,
  measure: LevelRules['measure'],
  currency: string,
): number => Math.round((bound ?? 0) * unitOf(measure, currency));

/** The rules as the server takes them; what is missing is 0, which it refuses where it must be more. */
export function rulesOf(form: RulesForm, currency: string): LevelRules {
  const { downgrade } = form;
  return {
    measure: form.measure,
    window_days: form.window_days ?? null,
    downgrade:
      downgrade.kind === 'validity'
        ? {
            kind: 'validity',
            validity_days: downgrade.validity_days ?? 0,
            grace_days: downgrade.grace_days ?? 0,
            fall: downgrade.fall ?? 'one_level',
          }
        : { kind: downgrade.kind },
    refunds: form.refunds,
    levels: form.levels.map((level) => ({
      name: level?.name?.trim() ?? '',
      bound: boundOf(level?.bound, form.measure, currency),
      pay_bps: Math.round((level?.pay_bps ?? 0) * 100),
      multiplier_permille: Math.round((level?.multiplier_permille ?? 0) * 1000),
      benefits: level?.benefits ?? '',
    })),
  };
}
