import { minorDigits } from '@/lib/format';
import type { CouponRules } from './api';

/** What a coupon gives, as the server's pricing knows it. */
export type Kind =
  | {
      type: 'amount_off';
      threshold_minor: number;
      off_minor: number;
      repeat?: boolean;
      cap_minor?: number | null;
    }
  | { type: 'percent_off'; pay_bps: number; cap_minor?: number | null }
  | { type: 'free_shipping'; cap_minor?: number | null }
  | {
      type: 'gift';
      threshold_minor: number;
      repeat?: boolean;
      times?: number | null;
      gifts: { product: string; sku?: string | null; quantity: number; value_minor?: number }[];
    }
  | { type: 'tiered'; by: string; steps: unknown[]; cap_minor?: number | null };

export interface Conditions {
  products?: string[];
  categories?: string[];
  excluded_products?: string[];
  first_order?: boolean;
  birthday?: boolean;
  exclude_discounted?: boolean;
  minimum_amount_minor?: number;
  [more: string]: unknown;
}

export interface Terms {
  currency: string;
  kind: Kind;
  conditions?: Conditions;
  [more: string]: unknown;
}

export const KINDS = ['amount_off', 'percent_off', 'free_shipping', 'gift'] as const;

/** What the form holds; amounts in major units, days as `2026-11-22`. */
export interface Values {
  name: string;
  kind: (typeof KINDS)[number] | 'kept';
  currency: string;
  off?: number | null;
  /** What is paid, in percent. */
  pay?: number | null;
  cap?: number | null;
  threshold?: number | null;
  gift?: string;
  pieces?: number | null;
  products?: string[];
  categories?: string[];
  first?: boolean;
  birthday?: boolean;
  fullPrice?: boolean;
  levels?: string[];
  usesTotal?: number | null;
  usesShop?: number | null;
  usesDay?: number | null;
  usesPerson?: number | null;
  usesPersonDay?: number | null;
  claimable?: boolean;
  claimsTotal?: number | null;
  claimsDay?: number | null;
  claimsPerson?: number | null;
  windowFrom?: string | null;
  windowUntil?: string | null;
  validity: 'days' | 'fixed';
  days?: number | null;
  from?: string | null;
  until?: string | null;
  refund: CouponRules['refund']['type'];
  grace?: number | null;
  budget?: number | null;
  code?: string;
}

export const FRESH: Values = {
  name: '',
  kind: 'amount_off',
  currency: 'CNY',
  usesPerson: null,
  claimable: true,
  claimsPerson: 1,
  validity: 'days',
  days: 30,
  refund: 'return_if_valid',
  pieces: 1,
};

const DAY_MS = 86_400_000;

/** Midnight at the beginning of a day, by clocks `offset` seconds ahead of UTC; `later` days after it. */
export function midnight(day: string, offset: number, later = 0): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) - offset * 1000 + later * DAY_MS).toISOString();
}

/** The day of a moment, by the same clocks; of an end, the last day before it. */
export function dayOf(at: string | null | undefined, offset: number, isEnd = false): string | null {
  if (!at) return null;
  return new Date(Date.parse(at) + offset * 1000 - (isEnd ? 1 : 0)).toISOString().slice(0, 10);
}

/** A moment as it was if its day is the same, since it may not be midnight. */
function moment(
  day: string | null | undefined,
  old: string | null | undefined,
  offset: number,
  isEnd: boolean,
) {
  if (!day) return null;
  if (old && dayOf(old, offset, isEnd) === day) return old;
  return midnight(day, offset, isEnd ? 1 : 0);
}

/** What the form shows of a definition. */
export function valuesOf(name: string, rules: CouponRules, offset: number): Values {
  const { terms, uses, claims, window, validity, refund } = rules;
  const { kind, conditions = {}, currency } = terms;
  const major = (minor?: number | null) =>
    minor == null || minor === 0 ? null : minor / 10 ** minorDigits(currency);
  const has = 'cap_minor' in kind ? major(kind.cap_minor) : null;
  const one = kind.type === 'gift' && kind.gifts.length === 1 ? kind.gifts[0] : undefined;
  const isPlain =
    (kind.type === 'amount_off' && !kind.repeat) ||
    kind.type === 'percent_off' ||
    kind.type === 'free_shipping' ||
    (one !== undefined && !one.sku && kind.type === 'gift' && !kind.repeat);
  return {
    name,
    currency,
    kind: isPlain ? (kind.type as Values['kind']) : 'kept',
    off: kind.type === 'amount_off' ? major(kind.off_minor) : null,
    pay: kind.type === 'percent_off' ? kind.pay_bps / 100 : null,
    cap: has,
    threshold: major('threshold_minor' in kind ? kind.threshold_minor : conditions.minimum_amount_minor),
    gift: one?.product,
    pieces: one?.quantity ?? 1,
    products: conditions.products ?? [],
    categories: conditions.categories ?? [],
    first: conditions.first_order ?? false,
    birthday: conditions.birthday ?? false,
    fullPrice: conditions.exclude_discounted ?? false,
    levels: rules.levels ?? [],
    usesTotal: uses?.total,
    usesShop: uses?.per_shop,
    usesDay: uses?.per_day,
    usesPerson: uses?.per_person,
    usesPersonDay: uses?.per_person_per_day,
    claimable: rules.is_claimable ?? false,
    claimsTotal: claims?.total,
    claimsDay: claims?.per_day,
    claimsPerson: claims?.per_person,
    windowFrom: dayOf(window?.from, offset),
    windowUntil: dayOf(window?.until, offset, true),
    validity: validity.type,
    days: validity.type === 'days' ? validity.days : null,
    from: validity.type === 'fixed' ? dayOf(validity.from, offset) : null,
    until: validity.type === 'fixed' ? dayOf(validity.until, offset, true) : null,
    refund: refund.type,
    grace: refund.type === 'return' ? (refund.grace_days ?? 0) : null,
    budget: major(rules.budget_minor),
    code: rules.code ?? '',
  };
}

/** The rules of what the form holds. What the form does not show stays as it is in `old`. */
export function rulesOf(values: Values, offset: number, old?: CouponRules): CouponRules {
  const digits = minorDigits(values.currency);
  const minor = (major?: number | null) => (major == null ? null : Math.round(major * 10 ** digits));
  const cap_minor = minor(values.cap);
  const threshold = minor(values.threshold) ?? 0;
  const before = old?.terms.kind;
  const gift = before?.type === 'gift' ? before.gifts[0] : undefined;
  const kinds: Record<Values['kind'], () => Kind> = {
    amount_off: () => ({
      type: 'amount_off',
      threshold_minor: threshold,
      off_minor: minor(values.off) ?? 0,
      repeat: false,
    }),
    percent_off: () => ({ type: 'percent_off', pay_bps: Math.round((values.pay ?? 0) * 100), cap_minor }),
    free_shipping: () => ({ type: 'free_shipping', cap_minor }),
    gift: () => ({
      type: 'gift',
      threshold_minor: threshold,
      gifts: [
        {
          product: values.gift?.trim() ?? '',
          quantity: values.pieces ?? 1,
          value_minor: gift?.value_minor ?? 0,
        },
      ],
    }),
    kept: () => before ?? { type: 'free_shipping' },
  };
  const kind = kinds[values.kind]();
  const isOfKind = 'threshold_minor' in kind;
  const conditions: Conditions = {
    ...old?.terms.conditions,
    products: values.products ?? [],
    categories: values.categories ?? [],
    first_order: values.first ?? false,
    birthday: values.birthday ?? false,
    exclude_discounted: values.fullPrice ?? false,
    minimum_amount_minor: isOfKind ? (old?.terms.conditions?.minimum_amount_minor ?? 0) : threshold,
  };
  if (isOfKind && before && !('threshold_minor' in before)) conditions.minimum_amount_minor = 0;
  const was = old?.validity.type === 'fixed' ? old.validity : undefined;
  return {
    ...old,
    terms: { ...old?.terms, currency: values.currency, kind, conditions },
    uses: {
      total: values.usesTotal ?? null,
      per_shop: values.usesShop ?? null,
      per_day: values.usesDay ?? null,
      per_person: values.usesPerson ?? null,
      per_person_per_day: values.usesPersonDay ?? null,
    },
    claims: {
      total: values.claimsTotal ?? null,
      per_day: values.claimsDay ?? null,
      per_person: values.claimsPerson ?? null,
    },
    validity:
      values.validity === 'days'
        ? { type: 'days', days: values.days ?? 0 }
        : {
            type: 'fixed',
            from: moment(values.from, was?.from, offset, false),
            until: moment(values.until, was?.until, offset, true),
          },
    is_claimable: values.claimable ?? false,
    window: {
      from: moment(values.windowFrom, old?.window?.from, offset, false),
      until: moment(values.windowUntil, old?.window?.until, offset, true),
    },
    levels: values.levels ?? [],
    budget_minor: minor(values.budget),
    refund:
      values.refund === 'return'
        ? { type: 'return', grace_days: values.grace ?? 0 }
        : { type: values.refund },
    code: values.code?.trim() || null,
  };
}

/** The field of the form that a field of the server's refusal is about. */
export function fieldOf(field: string): keyof Values | undefined {
  const known: Record<string, keyof Values> = {
    name: 'name',
    code: 'code',
    levels: 'levels',
    budget_minor: 'budget',
    'validity.days': 'days',
    'validity.until': 'until',
    'window.until': 'windowUntil',
    'terms.kind.off_minor': 'off',
    'terms.kind.pay_bps': 'pay',
    'terms.kind.cap_minor': 'cap',
    'terms.kind.threshold_minor': 'threshold',
    'terms.conditions.minimum_amount_minor': 'threshold',
    'terms.kind.gifts[0].product': 'gift',
    'terms.kind.gifts[0].quantity': 'pieces',
    'terms.kind.type': 'kind',
    'terms.currency': 'currency',
  };
  if (field.startsWith('terms.conditions.products')) return 'products';
  if (field.startsWith('terms.conditions.categories')) return 'categories';
  return known[field];
}
