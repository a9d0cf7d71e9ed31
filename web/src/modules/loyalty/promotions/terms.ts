import { majorOf, minorDigits } from '@/lib/format';

/** What a step, a price or a gift says; as `docs/loyalty.md` describes it. */
export type StepOff = { type: 'amount'; off_minor: number } | { type: 'rate'; pay_bps: number };
export type PriceChange =
  | { type: 'rate'; pay_bps: number }
  | { type: 'less'; off_minor: number }
  | { type: 'fixed'; unit_price_minor: number };

export interface Gift {
  product: string;
  sku?: string;
  quantity: number;
  value_minor?: number;
}

/** What a promotion gives. The contract knows terms as some object. */
export type Kind =
  | { type: 'amount_off'; threshold_minor: number; off_minor: number; repeat?: boolean; cap_minor?: number }
  | { type: 'percent_off'; pay_bps: number; cap_minor?: number }
  | { type: 'tiered'; by: 'amount' | 'pieces'; steps: { from: number; off: StepOff }[]; cap_minor?: number }
  | { type: 'timed_discount'; price: PriceChange }
  | { type: 'flash_sale'; unit_price_minor: number; pieces_per_order?: number }
  | { type: 'free_shipping'; cap_minor?: number }
  | { type: 'gift'; threshold_minor: number; repeat?: boolean; times?: number; gifts: Gift[] }
  | { type: 'n_for_price'; pieces: number; price_minor: number; sets?: number }
  | { type: 'buy_n_pay_m'; buy: number; pay: number }
  | { type: 'nth_piece'; every: number; pay_bps: number }
  | { type: 'level_discount'; levels: { level: string; pay_bps: number }[] };

export interface Conditions {
  products?: string[];
  categories?: string[];
  excluded_products?: string[];
  excluded_categories?: string[];
  shops?: string[];
  levels?: string[];
  tiers?: string[];
  audiences?: string[];
  first_order?: boolean;
  birthday?: boolean;
  minimum_amount_minor?: number;
  minimum_pieces?: number;
  exclude_discounted?: boolean;
}

export interface Terms {
  currency: string;
  kind: Kind;
  scope?: 'item' | 'order';
  conditions?: Conditions;
  calendar?: {
    weekdays?: number[];
    days_of_month?: number[];
    hours?: { from_minute: number; until_minute: number }[];
  };
  exclusive_group?: string;
  stacking_group?: string;
  priority?: number;
}

export interface Rules {
  terms: Terms;
  starts_at?: string | null;
  ends_at?: string | null;
  uses?: Record<string, number | null | undefined>;
  budget_minor?: number | null;
  keeps_uses?: boolean;
}

/** Kinds that are made here, in the order of the list; discounts of levels are those of their scheme. */
export const KINDS = [
  'amount_off',
  'tiered',
  'percent_off',
  'timed_discount',
  'flash_sale',
  'gift',
  'free_shipping',
  'n_for_price',
  'buy_n_pay_m',
  'nth_piece',
] as const;
export type KindName = (typeof KINDS)[number];

/** Kinds that may see each line by itself. */
export const SCOPED: readonly string[] = [
  'amount_off',
  'percent_off',
  'tiered',
  'n_for_price',
  'buy_n_pay_m',
  'nth_piece',
];
export const LIMITS = ['total', 'per_shop', 'per_day', 'per_person', 'per_person_per_day'] as const;
export const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7] as const;

/** What the form holds: amounts in the unit of the currency, rates in per cent of what is paid. */
export interface Values {
  name: string;
  kind: KindName;
  threshold?: number;
  off?: number;
  repeat?: boolean;
  cap?: number;
  pay?: number;
  by?: 'amount' | 'pieces';
  stepOff?: 'amount' | 'rate';
  steps?: { from?: number; off?: number }[];
  price?: 'rate' | 'less' | 'fixed';
  amount?: number;
  pieces?: number;
  free?: number;
  gifts?: { product?: string; sku?: string; quantity?: number; value?: number }[];
  scope?: 'item' | 'order';
  conditions?: Omit<Conditions, 'minimum_amount_minor'> & { minimum_amount?: number };
  starts?: string;
  ends?: string;
  weekdays?: number[];
  hours?: [string, string];
  exclusive?: string;
  stacking?: string;
  priority?: number;
  uses?: Record<string, number | undefined>;
  budget?: number;
  keepsUses?: boolean;
}

/** Nothing where a field is empty, so that it is not sent. */
const some = <T>(value: T | null | undefined | ''): T | undefined =>
  value === null || value === '' ? undefined : value;

function without<T extends object>(fields: T): T {
  const kept = Object.entries(fields).filter(
    ([, value]) => value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(kept) as T;
}

const bpsOf = (percent?: number) => Math.round((percent ?? 0) * 100);

/** What the form says, as the server takes it. */
export function rulesOf(values: Values, currency: string): Rules {
  const scale = 10 ** minorDigits(currency);
  const minor = (major?: number | null) =>
    some(major) === undefined ? undefined : Math.round(Number(major) * scale);
  const conditions = values.conditions ?? {};
  const { minimum_amount, ...rest } = conditions;
  const minutes = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
  const hours = values.hours?.[0]
    ? [{ from_minute: minutes(values.hours[0]), until_minute: minutes(values.hours[1]) || 1440 }]
    : [];
  const uses = Object.fromEntries(
    LIMITS.map((limit) => [limit, some(values.uses?.[limit])]).filter(([, value]) => value !== undefined),
  );
  return without({
    terms: without({
      currency,
      kind: without(kindOf(values, minor)),
      scope: SCOPED.includes(values.kind) ? (values.scope ?? 'order') : undefined,
      conditions: without({ ...rest, minimum_amount_minor: minor(minimum_amount) || undefined }),
      calendar: without({ weekdays: values.weekdays, hours }),
      exclusive_group: some(values.exclusive),
      stacking_group: some(values.stacking),
      priority: values.priority || undefined,
    }) as Terms,
    starts_at: some(values.starts),
    ends_at: some(values.ends),
    uses,
    budget_minor: minor(values.budget),
    keeps_uses: values.keepsUses,
  });
}

function kindOf(values: Values, minor: (major?: number | null) => number | undefined): Kind {
  const cap_minor = minor(values.cap);
  switch (values.kind) {
    case 'amount_off':
      return {
        type: 'amount_off',
        threshold_minor: minor(values.threshold) ?? 0,
        off_minor: minor(values.off) ?? 0,
        repeat: values.repeat,
        cap_minor,
      };
    case 'percent_off':
      return { type: 'percent_off', pay_bps: bpsOf(values.pay), cap_minor };
    case 'tiered': {
      const by = values.by ?? 'amount';
      const steps = (values.steps ?? []).map((step) => ({
        from: by === 'amount' ? (minor(step.from) ?? 0) : (step.from ?? 0),
        off:
          values.stepOff === 'rate'
            ? { type: 'rate' as const, pay_bps: bpsOf(step.off) }
            : { type: 'amount' as const, off_minor: minor(step.off) ?? 0 },
      }));
      return { type: 'tiered', by, steps, cap_minor };
    }
    case 'timed_discount':
      return { type: 'timed_discount', price: priceOf(values, minor) };
    case 'flash_sale':
      return {
        type: 'flash_sale',
        unit_price_minor: minor(values.amount) ?? 0,
        pieces_per_order: some(values.pieces),
      };
    case 'free_shipping':
      return { type: 'free_shipping', cap_minor };
    case 'gift':
      return {
        type: 'gift',
        threshold_minor: minor(values.threshold) ?? 0,
        repeat: values.repeat,
        times: some(values.pieces),
        gifts: (values.gifts ?? []).map((gift) =>
          without({
            product: gift.product ?? '',
            sku: some(gift.sku),
            quantity: gift.quantity ?? 1,
            value_minor: minor(gift.value),
          }),
        ),
      };
    case 'n_for_price':
      return {
        type: 'n_for_price',
        pieces: values.pieces ?? 0,
        price_minor: minor(values.amount) ?? 0,
        sets: some(values.free),
      };
    case 'buy_n_pay_m':
      return { type: 'buy_n_pay_m', buy: values.pieces ?? 0, pay: values.free ?? 0 };
    case 'nth_piece':
      return { type: 'nth_piece', every: values.pieces ?? 0, pay_bps: bpsOf(values.pay) };
  }
}

function priceOf(values: Values, minor: (major?: number | null) => number | undefined): PriceChange {
  if (values.price === 'less') return { type: 'less', off_minor: minor(values.amount) ?? 0 };
  if (values.price === 'fixed') return { type: 'fixed', unit_price_minor: minor(values.amount) ?? 0 };
  return { type: 'rate', pay_bps: bpsOf(values.pay) };
}

/** What a promotion says, as the form holds it; nothing where it is of a kind that is not made here. */
export function valuesOf(name: string, rules: Rules): Values | undefined {
  const { terms } = rules;
  const kind = KINDS.find((one) => one === terms.kind.type);
  if (!kind) return undefined;
  const major = (minor?: number | null) => (minor == null ? undefined : majorOf(minor, terms.currency));
  const clock = (minute: number) =>
    `${String(Math.floor(minute / 60) % 24).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  const { minimum_amount_minor, ...conditions } = terms.conditions ?? {};
  const hours = terms.calendar?.hours?.[0];
  return {
    name,
    kind,
    ...kindValues(terms.kind, major),
    scope: terms.scope ?? 'order',
    conditions: { ...conditions, minimum_amount: major(minimum_amount_minor) || undefined },
    starts: rules.starts_at ?? undefined,
    ends: rules.ends_at ?? undefined,
    weekdays: terms.calendar?.weekdays,
    hours: hours ? [clock(hours.from_minute), clock(hours.until_minute)] : undefined,
    exclusive: terms.exclusive_group,
    stacking: terms.stacking_group,
    priority: terms.priority || undefined,
    uses: Object.fromEntries(
      Object.entries(rules.uses ?? {}).map(([name, limit]) => [name, limit ?? undefined]),
    ),
    budget: major(rules.budget_minor),
    keepsUses: rules.keeps_uses,
  };
}

function kindValues(kind: Kind, major: (minor?: number | null) => number | undefined): Partial<Values> {
  switch (kind.type) {
    case 'amount_off':
      return {
        threshold: major(kind.threshold_minor),
        off: major(kind.off_minor),
        repeat: kind.repeat,
        cap: major(kind.cap_minor),
      };
    case 'percent_off':
      return { pay: kind.pay_bps / 100, cap: major(kind.cap_minor) };
    case 'tiered': {
      const isRate = kind.steps[0]?.off.type === 'rate';
      return {
        by: kind.by,
        stepOff: isRate ? 'rate' : 'amount',
        steps: kind.steps.map((step) => ({
          from: kind.by === 'amount' ? major(step.from) : step.from,
          off: step.off.type === 'rate' ? step.off.pay_bps / 100 : major(step.off.off_minor),
        })),
        cap: major(kind.cap_minor),
      };
    }
    case 'timed_discount':
      if (kind.price.type === 'rate') return { price: 'rate', pay: kind.price.pay_bps / 100 };
      if (kind.price.type === 'less') return { price: 'less', amount: major(kind.price.off_minor) };
      return { price: 'fixed', amount: major(kind.price.unit_price_minor) };
    case 'flash_sale':
      return { amount: major(kind.unit_price_minor), pieces: kind.pieces_per_order };
    case 'free_shipping':
      return { cap: major(kind.cap_minor) };
    case 'gift':
      return {
        threshold: major(kind.threshold_minor),
        repeat: kind.repeat,
        pieces: kind.times,
        gifts: kind.gifts.map((gift) => ({ ...gift, value: major(gift.value_minor) })),
      };
    case 'n_for_price':
      return { pieces: kind.pieces, amount: major(kind.price_minor), free: kind.sets };
    case 'buy_n_pay_m':
      return { pieces: kind.buy, free: kind.pay };
    case 'nth_piece':
      return { pieces: kind.every, pay: kind.pay_bps / 100 };
    case 'level_discount':
      return {};
  }
}
