import { Checkbox, DatePicker, Form, Input, InputNumber, Select, TimePicker } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useTranslation } from 'react-i18next';
import { useAudiences } from '@/ui/audiences';
import { useShops } from '@/ui/shops';
import { CountItem, MoneyItem } from './KindFields';
import { LIMITS, WEEKDAYS } from './terms';

/** Tiers of the usual scheme, the best first. */
export const TIERS = [
  'champions',
  'loyal',
  'potential_loyalist',
  'new_customers',
  'promising',
  'need_attention',
  'about_to_sleep',
  'at_risk',
  'cant_lose',
  'hibernating',
  'lost',
] as const;

/** A moment that is kept as text. */
export function MomentItem(props: { name: string; label: string; hint?: string }) {
  return (
    <Form.Item
      name={props.name}
      label={props.label}
      extra={props.hint}
      getValueProps={(at?: string) => ({ value: at ? dayjs(at) : null })}
      getValueFromEvent={(at: Dayjs | null) => at?.toISOString()}
    >
      <DatePicker showTime format="YYYY-MM-DD HH:mm:ss" />
    </Form.Item>
  );
}

/** From when until when, on which days and hours. */
export function TimeFields() {
  const { t } = useTranslation();
  return (
    <div className="form-row">
      <MomentItem name="starts" label={t('loyalty.promotions.field.starts')} />
      <MomentItem name="ends" label={t('loyalty.promotions.field.ends')} />
      <Form.Item name="weekdays" label={t('loyalty.promotions.field.weekdays')}>
        <Select
          mode="multiple"
          style={{ minWidth: 200 }}
          placeholder={t('loyalty.promotions.everyDay')}
          options={WEEKDAYS.map((one) => ({ value: one, label: t(`loyalty.promotions.weekday.d${one}`) }))}
        />
      </Form.Item>
      <Form.Item
        name="hours"
        label={t('loyalty.promotions.field.hours')}
        getValueProps={(hours?: [string, string]) => ({
          value: hours ? hours.map((one) => dayjs(`2000-01-01T${one}`)) : null,
        })}
        getValueFromEvent={(hours: [Dayjs, Dayjs] | null) => hours?.map((one) => one.format('HH:mm'))}
      >
        <TimePicker.RangePicker format="HH:mm" />
      </Form.Item>
    </div>
  );
}

/** For which goods and customers. */
export function ConditionFields(props: { currency: string }) {
  const { t } = useTranslation();
  const { data: shops } = useShops();
  const { data: audiences } = useAudiences();
  const label = (name: string) => t(`loyalty.promotions.field.${name}`);
  const words = (name: string) => (
    <Form.Item name={['conditions', name]} label={label(name)}>
      <Select mode="tags" tokenSeparators={[',', '，', ' ']} open={false} suffixIcon={null} />
    </Form.Item>
  );
  const named = (name: string, options: { value: string; label: string }[]) => (
    <Form.Item name={['conditions', name]} label={label(name)}>
      <Select
        mode="multiple"
        optionFilterProp="label"
        placeholder={t('loyalty.promotions.all')}
        options={options}
      />
    </Form.Item>
  );
  const check = (name: string) => (
    <Form.Item name={['conditions', name]} valuePropName="checked">
      <Checkbox>{label(name)}</Checkbox>
    </Form.Item>
  );
  return (
    <>
      <div className="promotion-grid">
        {words('products')}
        {words('categories')}
        {words('excluded_products')}
        {words('excluded_categories')}
        {named(
          'shops',
          (shops ?? []).map((shop) => ({ value: shop.id, label: shop.name })),
        )}
        {words('levels')}
        {named(
          'tiers',
          TIERS.map((tier) => ({ value: tier, label: t(`ui.tier.${tier}`) })),
        )}
        {named(
          'audiences',
          (audiences ?? []).map((one) => ({ value: one.id, label: one.name })),
        )}
      </div>
      <div className="form-row">
        <MoneyItem
          name={['conditions', 'minimum_amount']}
          label={label('minimumAmount')}
          currency={props.currency}
        />
        <CountItem name={['conditions', 'minimum_pieces']} label={label('minimumPieces')} min={0} />
      </div>
      {check('first_order')}
      {check('exclude_discounted')}
    </>
  );
}

/** What it may be combined with. */
export function GroupFields() {
  const { t } = useTranslation();
  const text = (name: 'exclusive' | 'stacking') => (
    <Form.Item
      name={name}
      label={t(`loyalty.promotions.field.${name}`)}
      extra={t(`loyalty.promotions.field.${name}Hint`)}
    >
      <Input maxLength={60} />
    </Form.Item>
  );
  return (
    <div className="promotion-grid">
      {text('exclusive')}
      {text('stacking')}
      <Form.Item
        name="priority"
        label={t('loyalty.promotions.field.priority')}
        extra={t('loyalty.promotions.field.priorityHint')}
      >
        <InputNumber precision={0} min={-1000} max={1000} />
      </Form.Item>
    </div>
  );
}

/** How often it may be used, and for how much. */
export function LimitFields(props: { currency: string }) {
  const { t } = useTranslation();
  return (
    <>
      <div className="form-row">
        {LIMITS.map((limit) => (
          <CountItem key={limit} name={['uses', limit]} label={t(`loyalty.promotions.limit.${limit}`)} />
        ))}
        <MoneyItem name="budget" label={t('loyalty.promotions.field.budget')} currency={props.currency} />
      </div>
      <Form.Item name="keepsUses" valuePropName="checked">
        <Checkbox>{t('loyalty.promotions.field.keepsUses')}</Checkbox>
      </Form.Item>
    </>
  );
}
