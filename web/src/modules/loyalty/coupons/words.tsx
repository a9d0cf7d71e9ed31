import { Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import { useProblemText } from '@/ui/states';
import type { CouponState } from './api';

const COLOUR: Record<CouponState, string | undefined> = {
  draft: undefined,
  live: 'green',
  stopped: 'gold',
  ended: undefined,
};

/** Where a kind of coupon is in its life. */
export function StateMark(props: { state: CouponState }) {
  const { t } = useTranslation();
  return (
    <Tag className="mark" color={COLOUR[props.state]}>
      {t(`loyalty.coupons.state.${props.state}`)}
    </Tag>
  );
}

/** Why coupons were refused, in the reader's words. */
export function useRefusal(): (error: unknown) => string {
  const { t, i18n } = useTranslation();
  const text = useProblemText();
  return (error) => {
    if (error instanceof ProblemError) {
      const known = `loyalty.coupons.refused.${error.problem.code}`;
      if (i18n.exists(known)) return t(known);
      const one = error.problem.errors?.[0];
      const field = `loyalty.coupons.refused.field_${one?.field.replaceAll('.', '_')}`;
      if (one && i18n.exists(field)) return t(field);
      if (one) return `${t('ui.problem.validation')} ${one.message}`;
    }
    return text(error);
  };
}
