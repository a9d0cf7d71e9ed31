import { Checkbox, DatePicker, Form, Input, InputNumber, Radio, Select } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { minorDigits } from '@/lib/format';
import { Panel } from '@/ui/Page';
import { useShops } from '@/ui/shops';
import { KINDS, type Values } from './terms';

const AMOUNT_MAX = 10_000_000_000;
const COUNT_MAX = 4_294_967_295;

/** A day that the form keeps as text. */
function DayItem(props: { name: keyof Values; label: ReactNode; extra?: ReactNode }) {
  return (
    <Form.Item
      name={props.name}
      label={props.label}
      extra={props.extra}
      getValueProps={(value: string | null) => ({ value: value ? dayjs(value) : null })}
      normalize={(value: Dayjs | null) => value?.format('YYYY-MM-DD') ?? null}
    >
      <DatePicker style={{ width: '100%' }} />
    </Form.Item>
  );
}

function CountItem(props: {
  name: keyof Values;
  label: string;
  extra?: string;
  disabled?: boolean;
  needed?: boolean;
  min?: number;
}) {
  const { t } = useTranslation();
  return (
    <Form.Item
      name={props.name}
      label={props.label}
      extra={props.extra}
      rules={props.needed ? [{ required: true, message: t('loyalty.coupons.need') }] : undefined}
    >
      <InputNumber
        min={props.min ?? 1}
        max={COUNT_MAX}
        precision={0}
        style={{ width: '100%' }}
        disabled={props.disabled}
        placeholder={props.needed ? undefined : t('loyalty.coupons.unlimited')}
      />
    </Form.Item>
  );
}

function AmountItem(props: {
  name: keyof Values;
  label: string;
  currency: string;
  needed?: boolean;
  disabled?: boolean;
  placeholder?: string;
  extra?: string;
}) {
  const { t } = useTranslation();
  return (
    <Form.Item
      name={props.name}
      label={props.label}
      extra={props.extra}
      rules={props.needed ? [{ required: true, message: t('loyalty.coupons.need') }] : undefined}
    >
      <InputNumber
        min={props.needed ? 1 / 10 ** minorDigits(props.currency) : 0}
        max={AMOUNT_MAX}
        precision={minorDigits(props.currency)}
        suffix={props.currency}
        style={{ width: '100%' }}
        disabled={props.disabled}
        placeholder={props.placeholder}
      />
    </Form.Item>
  );
}

/** What it gives. `kept`: what an editor of others made and this form cannot show, in words. */
export function GiveFields(props: { values: Values; kept?: string }) {
  const { t } = useTranslation();
  const shops = useShops();
  const { kind, currency } = props.values;
  const currencies = [...new Set([currency, ...(shops.data ?? []).map((shop) => shop.currency)])];
  const needed = [{ required: true, message: t('loyalty.coupons.need') }];
  return (
    <Panel title={t('loyalty.coupons.form.gives')}>
      <Form.Item
        name="name"
        label={t('loyalty.coupons.form.name')}
        rules={[{ required: true, whitespace: true, message: t('loyalty.coupons.need') }]}
      >
        <Input maxLength={60} placeholder={t('loyalty.coupons.form.nameHint')} />
      </Form.Item>
      <Form.Item name="kind" label={t('loyalty.coupons.form.kind')}>
        <Radio.Group className="coupon-kinds">
          {props.kept ? <Radio value="kept">{props.kept}</Radio> : null}
          {KINDS.map((one) => (
            <Radio key={one} value={one}>
              {t(`loyalty.coupons.kind.${one}`)}
            </Radio>
          ))}
        </Radio.Group>
      </Form.Item>
      <div className="form-grid">
        {currencies.length > 1 ? (
          <Form.Item name="currency" label={t('loyalty.coupons.form.currency')}>
            <Select options={currencies.map((one) => ({ value: one, label: one }))} />
          </Form.Item>
        ) : null}
        {kind === 'amount_off' ? (
          <AmountItem name="off" label={t('loyalty.coupons.form.off')} currency={currency} needed />
        ) : null}
        {kind === 'percent_off' ? (
          <Form.Item
            name="pay"
            label={t('loyalty.coupons.form.pay')}
            extra={t('loyalty.coupons.form.payHint')}
            rules={needed}
          >
            <InputNumber min={0.01} max={99.99} precision={2} suffix="%" style={{ width: '100%' }} />
          </Form.Item>
        ) : null}
        {kind === 'gift' ? (
          <>
            <Form.Item
              name="gift"
              label={t('loyalty.coupons.form.gift')}
              rules={[{ required: true, whitespace: true, message: t('loyalty.coupons.need') }]}
            >
              <Input maxLength={200} placeholder={t('loyalty.coupons.form.giftHint')} />
            </Form.Item>
            <CountItem name="pieces" label={t('loyalty.coupons.form.pieces')} needed />
          </>
        ) : null}
        {kind === 'percent_off' || kind === 'free_shipping' ? (
          <AmountItem
            name="cap"
            label={t('loyalty.coupons.form.cap')}
            currency={currency}
            placeholder={t('loyalty.coupons.unlimited')}
          />
        ) : null}
        {kind === 'kept' ? null : (
          <AmountItem
            name="threshold"
            label={t('loyalty.coupons.form.threshold')}
            currency={currency}
            placeholder={t('loyalty.coupons.form.noThreshold')}
          />
        )}
      </div>
    </Panel>
  );
}

/** For what and whom. */
export function ConditionFields() {
  const { t } = useTranslation();
  return (
    <Panel title={t('loyalty.coupons.form.for')}>
      <div className="form-grid">
        <Form.Item name="products" label={t('loyalty.coupons.form.products')}>
          <Select
            mode="tags"
            tokenSeparators={[',', '，', ' ', '\n']}
            open={false}
            suffixIcon={null}
            placeholder={t('loyalty.coupons.form.allProducts')}
          />
        </Form.Item>
        <Form.Item name="categories" label={t('loyalty.coupons.form.categories')}>
          <Select
            mode="tags"
            tokenSeparators={[',', '，', '\n']}
            open={false}
            suffixIcon={null}
            placeholder={t('loyalty.coupons.form.allCategories')}
          />
        </Form.Item>
      </div>
      <div className="coupon-checks">
        <Form.Item name="first" valuePropName="checked">
          <Checkbox>{t('loyalty.coupons.form.first')}</Checkbox>
        </Form.Item>
        <Form.Item name="birthday" valuePropName="checked">
          <Checkbox>{t('loyalty.coupons.form.birthday')}</Checkbox>
        </Form.Item>
        <Form.Item name="fullPrice" valuePropName="checked">
          <Checkbox>{t('loyalty.coupons.form.fullPrice')}</Checkbox>
        </Form.Item>
      </div>
    </Panel>
  );
}

/** When it can be used, and what a refund does. */
export function ValidityFields(props: { values: Values }) {
  const { t } = useTranslation();
  const { validity, refund } = props.values;
  return (
    <Panel title={t('loyalty.coupons.form.validity')}>
      <Form.Item name="validity" label={t('loyalty.coupons.form.how')}>
        <Radio.Group
          options={(['days', 'fixed'] as const).map((one) => ({
            value: one,
            label: t(`loyalty.coupons.form.validity_${one}`),
          }))}
        />
      </Form.Item>
      {validity === 'days' ? (
        <Form.Item
          name="days"
          label={t('loyalty.coupons.form.days')}
          extra={t('loyalty.coupons.form.daysHint')}
          rules={[{ required: true, message: t('loyalty.coupons.need') }]}
        >
          <InputNumber min={1} max={3660} precision={0} />
        </Form.Item>
      ) : (
        <div className="form-grid">
          <DayItem name="from" label={t('loyalty.coupons.form.from')} />
          <DayItem name="until" label={t('loyalty.coupons.form.until')} />
        </div>
      )}
      <Form.Item name="refund" label={t('loyalty.coupons.form.refund')}>
        <Radio.Group className="radio-lines">
          {(['return_if_valid', 'return', 'keep_used'] as const).map((one) => (
            <Radio key={one} value={one}>
              {t(`loyalty.coupons.form.refund_${one}`)}
            </Radio>
          ))}
        </Radio.Group>
      </Form.Item>
      {refund === 'return' ? (
        <Form.Item
          name="grace"
          label={t('loyalty.coupons.form.grace')}
          extra={t('loyalty.coupons.form.graceHint')}
        >
          <InputNumber min={0} max={3660} precision={0} placeholder="0" />
        </Form.Item>
      ) : null}
    </Panel>
  );
}

/** How customers come by one. */
export function GetFields(props: { values: Values }) {
  const { t } = useTranslation();
  return (
    <Panel title={t('loyalty.coupons.form.get')}>
      <Form.Item name="claimable" valuePropName="checked">
        <Checkbox>{t('loyalty.coupons.form.claimable')}</Checkbox>
      </Form.Item>
      <div className="form-grid">
        <Form.Item
          name="code"
          label={t('loyalty.coupons.form.code')}
          extra={t('loyalty.coupons.form.codeHint')}
          rules={[{ pattern: /^[\sA-Za-z0-9-]*$/, message: t('loyalty.coupons.refused.field_code') }]}
        >
          <Input maxLength={40} placeholder={t('loyalty.coupons.form.noCode')} autoComplete="off" />
        </Form.Item>
        <Form.Item
          name="levels"
          label={t('loyalty.coupons.form.levels')}
          extra={t('loyalty.coupons.form.levelsHint')}
        >
          <Select
            mode="tags"
            tokenSeparators={[',', '，', '\n']}
            open={false}
            suffixIcon={null}
            placeholder={t('loyalty.coupons.form.allLevels')}
          />
        </Form.Item>
        {props.values.claimable || props.values.code ? (
          <>
            <DayItem name="windowFrom" label={t('loyalty.coupons.form.windowFrom')} />
            <DayItem name="windowUntil" label={t('loyalty.coupons.form.windowUntil')} />
          </>
        ) : null}
      </div>
    </Panel>
  );
}

const LIMITS = [
  ['claimsTotal', 'claimsDay', 'claimsPerson'],
  ['usesTotal', 'usesDay', 'usesShop', 'usesPerson', 'usesPersonDay'],
] as const;

/** Limits and budget. Which there are is fixed once it was live: what was not counted cannot be limited. */
export function LimitFields(props: { values: Values; isFrozen: boolean }) {
  const { t } = useTranslation();
  const { values, isFrozen } = props;
  return (
    <Panel title={t('loyalty.coupons.form.limits')}>
      {isFrozen ? <p className="panel-note">{t('loyalty.coupons.form.frozen')}</p> : null}
      {LIMITS.map((names, index) => (
        <fieldset key={names[0]} className="coupon-limits">
          <legend>{t(`loyalty.coupons.form.${index === 0 ? 'claims' : 'uses'}`)}</legend>
          <div className="form-grid">
            {names.map((name) => (
              <CountItem
                key={name}
                name={name}
                label={t(`loyalty.coupons.form.${name}`)}
                disabled={isFrozen && values[name] == null}
                needed={isFrozen && values[name] != null}
              />
            ))}
          </div>
        </fieldset>
      ))}
      <div className="form-grid">
        <AmountItem
          name="budget"
          label={t('loyalty.coupons.form.budget')}
          extra={t('loyalty.coupons.form.budgetHint')}
          currency={values.currency}
          placeholder={t('loyalty.coupons.unlimited')}
          disabled={isFrozen && values.budget == null}
        />
      </div>
    </Panel>
  );
}
