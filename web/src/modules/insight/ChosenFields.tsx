import { CloseOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Dropdown, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSees } from '@/lib/rights';
import { useShops } from '@/ui/shops';
import { useCurrency } from './builder';
import { BoundsField, ProductField, WhenField } from './fields';
import { AMOUNTS, type Chosen, type Condition, type Of, tidy } from './tree';

/** Which orders: a time, and by wish a shop, a product, an amount. */
export function ChosenFields(props: {
  value?: Chosen;
  /** A figure of whole orders knows no product. */
  whole?: boolean;
  /** The condition has a time of its own; another one of the orders is shown only where a text has set it. */
  timeless?: boolean;
  onChange: (of: Chosen | undefined) => void;
}) {
  const { t } = useTranslation();
  const shops = useShops();
  const amounts = useSees().clear('commerce.amounts');
  const of = props.value ?? {};
  const currency = useCurrency(of.shop);
  const set = (change: Chosen) => props.onChange(tidy({ ...of, ...change }));
  const drop = (name: keyof Chosen) => (
    <Button
      type="text"
      size="small"
      icon={<CloseOutlined />}
      aria-label={`${t('ui.remove')} ${t(`insight.condition.choice.${name}`)}`}
      onClick={() => set({ [name]: undefined })}
    />
  );
  const shop = shops.data?.[0];
  const more = [
    ...(!of.shop && shop ? [{ key: 'shop', set: { shop: shop.id } }] : []),
    ...(!of.product && !of.amount && !props.whole
      ? [{ key: 'product', set: { product: { contains: '' } } }]
      : []),
    ...(!of.product && !of.amount && amounts ? [{ key: 'amount', set: { amount: { min: 10_000 } } }] : []),
  ];
  return (
    <>
      {props.timeless && !of.when ? null : (
        <WhenField
          label={t('insight.condition.choice.when')}
          value={of.when ?? 'ever'}
          onChange={(when) => set({ when })}
        />
      )}
      {of.shop ? (
        <span className="fields">
          <span className="quiet">{t('insight.condition.choice.shop')}</span>
          <Select
            aria-label={t('insight.condition.choice.shop')}
            popupMatchSelectWidth={false}
            value={of.shop}
            onChange={(id) => set({ shop: id })}
            options={(shops.data ?? []).map((one) => ({ value: one.id, label: one.name }))}
          />
          {drop('shop')}
        </span>
      ) : null}
      {of.product ? (
        <span className="fields">
          <span className="quiet">{t('insight.condition.choice.product')}</span>
          <ProductField
            label={t('insight.condition.choice.product')}
            value={of.product}
            onChange={(product) => set({ product })}
          />
          {drop('product')}
        </span>
      ) : null}
      {of.amount ? (
        <span className="fields">
          <span className="quiet">{t('insight.condition.choice.amount')}</span>
          <BoundsField
            label={t('insight.condition.choice.amount')}
            value={of.amount}
            currency={currency}
            unit={t(`ui.currency.${currency}`, { defaultValue: currency })}
            onChange={(amount) => set({ amount })}
          />
          {drop('amount')}
        </span>
      ) : null}
      {more.length ? (
        <Dropdown
          trigger={['click']}
          menu={{
            items: more.map((one) => ({
              key: one.key,
              label: t(`insight.condition.choice.${one.key}`),
              onClick: () => set(one.set),
            })),
          }}
        >
          <Button type="text" size="small" icon={<PlusOutlined />} className="more-choices">
            {t('insight.condition.narrow')}
          </Button>
        </Dropdown>
      ) : null}
    </>
  );
}

export function FigureFields(props: { node: Of<'orders'>; onChange: (node: Condition) => void }) {
  const { t } = useTranslation();
  const { node } = props;
  const currency = useCurrency(node.of?.shop);
  const money = AMOUNTS.includes(node.measure);
  return (
    <>
      <BoundsField
        label={t(`insight.condition.kind.${node.measure}`)}
        value={node.bounds}
        currency={money ? currency : undefined}
        unit={
          money
            ? t(`ui.currency.${currency}`, { defaultValue: currency })
            : t(`insight.condition.unit.${node.measure}`)
        }
        onChange={(bounds) => props.onChange({ ...node, bounds })}
      />
      <ChosenFields
        value={node.of}
        whole={node.measure === 'average_order'}
        onChange={(of) => props.onChange({ ...node, of })}
      />
    </>
  );
}
