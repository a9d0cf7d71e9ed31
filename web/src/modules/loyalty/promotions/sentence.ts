import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { useAudiences } from '@/ui/audiences';
import { useShops } from '@/ui/shops';
import type { Kind, Rules, StepOff } from './terms';
import { LIMITS } from './terms';

/** What a rate is called, as merchants of the language say it. */
export function useRate(): (payBps: number) => string {
  const { t } = useTranslation();
  const format = useFormat();
  // Chinese names what is paid in tenths, English what is taken off.
  const tenths = format.lang.startsWith('zh');
  return (payBps) => {
    const off = format.percent((10_000 - payBps) / 10_000, payBps % 100 ? 1 : 0);
    return t('loyalty.promotions.say.rate', { rate: tenths ? String(payBps / 1000) : off });
  };
}

/** What a promotion gives, in one clause. */
export function useGives(): (kind: Kind, currency: string) => string {
  const { t } = useTranslation();
  const format = useFormat();
  const rate = useRate();
  return (kind, currency) => {
    const money = (minor: number) => format.money(minor, currency);
    const cap = (minor?: number) =>
      minor == null ? '' : t('loyalty.promotions.say.cap', { cap: money(minor) });
    const off = (step: StepOff) =>
      step.type === 'rate'
        ? rate(step.pay_bps)
        : t('loyalty.promotions.say.off', { off: money(step.off_minor) });
    switch (kind.type) {
      case 'amount_off': {
        const said = { threshold: money(kind.threshold_minor), off: money(kind.off_minor) };
        if (!kind.threshold_minor)
          return t('loyalty.promotions.say.amountAlways', said) + cap(kind.cap_minor);
        if (!kind.repeat) return t('loyalty.promotions.say.amount', said) + cap(kind.cap_minor);
        const end = kind.cap_minor == null ? t('loyalty.promotions.say.noCap') : cap(kind.cap_minor);
        return t('loyalty.promotions.say.amountEvery', said) + end;
      }
      case 'percent_off':
        return rate(kind.pay_bps) + cap(kind.cap_minor);
      case 'tiered': {
        const steps = kind.steps.map((step) =>
          kind.by === 'amount'
            ? t('loyalty.promotions.say.stepAmount', { from: money(step.from), off: off(step.off) })
            : t('loyalty.promotions.say.stepPieces', { from: format.int(step.from), off: off(step.off) }),
        );
        return steps.join(t('ui.comma')) + cap(kind.cap_minor);
      }
      case 'timed_discount':
        if (kind.price.type === 'rate') return rate(kind.price.pay_bps);
        return kind.price.type === 'less'
          ? t('loyalty.promotions.say.less', { off: money(kind.price.off_minor) })
          : t('loyalty.promotions.say.fixed', { price: money(kind.price.unit_price_minor) });
      case 'flash_sale': {
        const price = t('loyalty.promotions.say.flash', { price: money(kind.unit_price_minor) });
        return kind.pieces_per_order
          ? price + t('loyalty.promotions.say.flashEach', { n: format.int(kind.pieces_per_order) })
          : price;
      }
      case 'free_shipping':
        return t('loyalty.promotions.say.shipping') + cap(kind.cap_minor);
      case 'gift': {
        const gifts = kind.gifts
          .map((gift) =>
            t('loyalty.promotions.say.gift', { product: gift.product, n: format.int(gift.quantity) }),
          )
          .join(t('ui.comma'));
        const said = { threshold: money(kind.threshold_minor), gifts };
        if (!kind.threshold_minor) return t('loyalty.promotions.say.giftAlways', said);
        return t(kind.repeat ? 'loyalty.promotions.say.giftEvery' : 'loyalty.promotions.say.giftFrom', said);
      }
      case 'n_for_price':
        return t('loyalty.promotions.say.nForPrice', {
          n: format.int(kind.pieces),
          price: money(kind.price_minor),
        });
      case 'buy_n_pay_m':
        return t('loyalty.promotions.say.buyPay', { n: format.int(kind.buy), m: format.int(kind.pay) });
      case 'nth_piece':
        return kind.pay_bps === 0
          ? t('loyalty.promotions.say.nthFree', { n: format.int(kind.every) })
          : t('loyalty.promotions.say.nth', { n: format.int(kind.every), rate: rate(kind.pay_bps) });
      case 'level_discount':
        return t('loyalty.promotions.say.levels', {
          levels: kind.levels.map((one) => `${one.level} ${rate(one.pay_bps)}`).join(t('ui.comma')),
        });
    }
  };
}

/** What a promotion does, as a person would say it: what, for which goods, for whom, when, and what it goes with. */
export function useSentence(): (rules: Rules) => string {
  const { t } = useTranslation();
  const format = useFormat();
  const gives = useGives();
  const { data: shops } = useShops();
  const { data: audiences } = useAudiences();
  return (rules) => {
    const { terms } = rules;
    const list = (names?: string[]) => (names ?? []).join(t('ui.comma'));
    const named = (ids: string[] | undefined, all?: { id: string; name: string }[]) =>
      list((ids ?? []).map((id) => all?.find((one) => one.id === id)?.name ?? id));
    const on = terms.conditions ?? {};
    const money = (minor: number) => format.money(minor, terms.currency);
    const day = (at: string) => format.time(at);
    const part = (is: unknown, key: string, said: Record<string, string> = {}) =>
      is ? t(`loyalty.promotions.say.${key}`, said) : '';
    const goods = [...(on.products ?? []), ...(on.categories ?? [])];
    const left = [...(on.excluded_products ?? []), ...(on.excluded_categories ?? [])];
    const parts = [
      gives(terms.kind, terms.currency),
      part(terms.scope === 'item', 'item'),
      part(goods.length, 'goods', { goods: list(goods) }),
      part(left.length, 'except', { goods: list(left) }),
      part(on.exclude_discounted, 'noDiscounted'),
      part(on.minimum_amount_minor, 'fromAmount', { amount: money(on.minimum_amount_minor ?? 0) }),
      part(on.minimum_pieces, 'fromPieces', { n: format.int(on.minimum_pieces ?? 0) }),
      part(on.shops?.length, 'shops', { shops: named(on.shops, shops) }),
      part(on.levels?.length, 'onlyLevels', { levels: list(on.levels) }),
      part(on.tiers?.length, 'tiers', {
        tiers: list(on.tiers?.map((tier) => t(`ui.tier.${tier}`, { defaultValue: tier }))),
      }),
      part(on.audiences?.length, 'audiences', { audiences: named(on.audiences, audiences) }),
      part(on.first_order, 'first'),
      part(rules.starts_at, 'from', { at: rules.starts_at ? day(rules.starts_at) : '' }),
      part(rules.ends_at, 'until', { at: rules.ends_at ? day(rules.ends_at) : '' }),
      part(terms.calendar?.weekdays?.length, 'weekdays', {
        days: list(terms.calendar?.weekdays?.map((one) => t(`loyalty.promotions.weekday.d${one}`))),
      }),
      ...LIMITS.map((limit) =>
        part(rules.uses?.[limit], `limit_${limit}`, { n: format.int(rules.uses?.[limit] ?? 0) }),
      ),
      part(rules.budget_minor, 'budget', { amount: money(rules.budget_minor ?? 0) }),
      part(terms.exclusive_group, 'exclusive', { group: terms.exclusive_group ?? '' }),
      part(terms.stacking_group, 'stacking', { group: terms.stacking_group ?? '' }),
    ].filter(Boolean);
    return parts.join(t('loyalty.promotions.say.joint')) + t('loyalty.promotions.say.end');
  };
}
