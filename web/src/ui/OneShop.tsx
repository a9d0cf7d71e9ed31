import { Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { Shop } from '@/api/types';
import { currencyName, useFormat } from '@/lib/format';
import { EmptyState } from './states';

/** Shops by what they sell in, in the order of the shops. */
export function byCurrency(shops: Shop[]): [currency: string, shops: Shop[]][] {
  const groups = new Map<string, Shop[]>();
  for (const shop of shops) groups.set(shop.currency, [...(groups.get(shop.currency) ?? []), shop]);
  return [...groups];
}

/** Whether it was refused only because amounts of several currencies have no sum. */
export function wantsOneShop(error: unknown, shops?: Shop[]): boolean {
  if (!(error instanceof ProblemError) || error.status !== 422) return false;
  const fields = error.problem.errors?.map((one) => one.field) ?? [];
  const isOfShop = fields.length > 0 && fields.every((field) => ['shop', 'rfm_shop'].includes(field));
  return isOfShop && byCurrency(shops ?? []).length > 1;
}

/** Says so, and offers the shops to choose from. */
export function OneShop(props: { shops: Shop[]; onChoose: (shop: string) => void }) {
  const { t } = useTranslation();
  const { lang } = useFormat();
  const groups = byCurrency(props.shops);
  const currencies = groups.map(([currency]) => currency).join(t('ui.comma'));
  return (
    <EmptyState
      title={t('ui.oneShop.title')}
      text={t('ui.oneShop.text', { currencies })}
      action={
        <Select
          className="one-shop"
          showSearch={{ optionFilterProp: 'label' }}
          aria-label={t('ui.oneShop.choose')}
          placeholder={t('ui.oneShop.choose')}
          onChange={props.onChoose}
          options={groups.map(([currency, shops]) => ({
            label: currencyName(lang, currency),
            options: shops.map((shop) => ({ value: shop.id, label: shop.name })),
          }))}
        />
      }
    />
  );
}
