import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { useClocks } from '@/ui/shops';
import type { CouponRules } from './api';
import { dayOf, type Terms } from './terms';

/** Says in plain words what a coupon gives, and under what it holds. */
export function useSentence() {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const offset = useClocks()();
  return useMemo(() => {
    const say = (name: string, values: Record<string, unknown> = {}) =>
      t(`loyalty.coupons.say.${name}`, values);
    const counted = (name: string, n: number) =>
      t(`loyalty.coupons.say.${name}`, { count: n, n: format.int(n) });
    const zh = i18n.language.startsWith('zh');
    /** Tenths of the price that are paid in Chinese; in English how much less is paid. */
    const rate = (bps: number) => (zh ? String(bps / 1000) : String((10_000 - bps) / 100));

    const what = (terms: Terms): string => {
      const { kind, currency } = terms;
      const money = (minor: number) =>
        format.money(minor, currency, minor % 100 === 0 && Math.abs(minor) >= 100);
      const least = terms.conditions?.minimum_amount_minor ?? 0;
      const cap = 'cap_minor' in kind && kind.cap_minor ? say('cap', { cap: money(kind.cap_minor) }) : '';
      const from = least > 0 ? 'From' : '';
      switch (kind.type) {
        case 'amount_off': {
          const name = kind.repeat ? 'amountEach' : kind.threshold_minor > 0 ? 'amountFrom' : 'amount';
          return say(name, { from: money(kind.threshold_minor), off: money(kind.off_minor) }) + cap;
        }
        case 'percent_off':
          return say(`percent${from}`, { from: money(least), rate: rate(kind.pay_bps) }) + cap;
        case 'free_shipping':
          return say(`shipping${from}`, { from: money(least) }) + cap;
        case 'gift': {
          const gifts = kind.gifts
            .map((one) => `${one.product} × ${format.int(one.quantity)}`)
            .join(t('ui.comma'));
          return say(kind.threshold_minor > 0 ? 'giftFrom' : 'gift', {
            from: money(kind.threshold_minor),
            gifts,
          });
        }
        default:
          return say('tiered') + cap;
      }
    };

    const forWhat = ({ conditions = {} }: Terms): string[] => {
      const parts: string[] = [];
      const products = conditions.products?.length ?? 0;
      const categories = conditions.categories?.length ?? 0;
      if (products) parts.push(counted('products', products));
      if (categories)
        parts.push(say('categories', { names: conditions.categories?.join(t('ui.comma')) ?? '' }));
      if (conditions.first_order) parts.push(say('firstOrder'));
      if (conditions.birthday) parts.push(say('birthday'));
      if (conditions.exclude_discounted) parts.push(say('fullPrice'));
      return parts;
    };

    const between = (name: string, from?: string | null, until?: string | null): string | undefined => {
      const days = { from: dayOf(from, offset), until: dayOf(until, offset, true) };
      if (from && until) return say(`${name}Between`, days);
      if (from) return say(`${name}From`, days);
      return until ? say(`${name}Until`, days) : undefined;
    };

    const whole = (rules: CouponRules): string[] => {
      const { terms, validity, refund } = rules;
      const parts = [what(terms), ...forWhat(terms)];
      parts.push(
        validity.type === 'days'
          ? counted('days', validity.days)
          : (between('valid', validity.from, validity.until) ?? say('always')),
      );
      if (rules.is_claimable) parts.push(say('claimable'));
      if (rules.code) parts.push(say('code', { code: rules.code }));
      const window = between('window', rules.window?.from, rules.window?.until);
      if (window && (rules.is_claimable || rules.code)) parts.push(window);
      if (rules.levels?.length) parts.push(say('levels', { names: rules.levels.join(t('ui.comma')) }));
      const limits = [
        ['claimsTotal', rules.claims?.total],
        ['claimsDay', rules.claims?.per_day],
        ['claimsPerson', rules.claims?.per_person],
        ['usesTotal', rules.uses?.total],
        ['usesShop', rules.uses?.per_shop],
        ['usesDay', rules.uses?.per_day],
        ['usesPerson', rules.uses?.per_person],
        ['usesPersonDay', rules.uses?.per_person_per_day],
      ] as const;
      for (const [name, limit] of limits) if (limit != null) parts.push(counted(name, limit));
      if (rules.budget_minor != null)
        parts.push(say('budget', { budget: format.money(rules.budget_minor, terms.currency) }));
      parts.push(
        refund.type === 'return' && refund.grace_days
          ? counted('refund.grace', refund.grace_days)
          : say(`refund.${refund.type}`),
      );
      return parts;
    };
    return { what, whole: (rules: CouponRules) => whole(rules).join(say('joint')) + say('end') };
  }, [t, i18n.language, format, offset]);
}
