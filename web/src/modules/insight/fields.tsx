import { DatePicker, Input, InputNumber, Select } from 'antd';
import dayjs from 'dayjs';
import { useTranslation } from 'react-i18next';
import { majorOf, minorDigits } from '@/lib/format';
import type { Bounds, Product, When } from './tree';

const SIGNS = ['min', 'max', 'is', 'between'] as const;
type Sign = (typeof SIGNS)[number];

const signOf = ({ min, max }: Bounds): Sign =>
  min !== undefined && max !== undefined
    ? min === max
      ? 'is'
      : 'between'
    : max !== undefined
      ? 'max'
      : 'min';

/** A sign of comparison with its number or numbers; money in the currency's unit. */
export function BoundsField(props: {
  label: string;
  value: Bounds;
  unit?: string;
  currency?: string;
  onChange: (bounds: Bounds) => void;
}) {
  const { t } = useTranslation();
  const { value, currency, onChange } = props;
  const sign = signOf(value);
  const scale = currency ? 10 ** minorDigits(currency) : 1;
  const shown = (one?: number) => (one === undefined ? null : currency ? majorOf(one, currency) : one);
  const kept = (one: number | null) => (one === null ? undefined : Math.round(one * scale));
  const sized = (min?: number, max?: number): Bounds => ({
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  });
  const choose = (next: Sign) => {
    const one = value.min ?? value.max;
    if (next === 'min') onChange(sized(one));
    else if (next === 'max') onChange(sized(undefined, one));
    else if (next === 'is') onChange(sized(one, one));
    else onChange(sized(one ?? 0, (value.max ?? one ?? 0) + (value.max === one ? scale : 0)));
  };
  const number = (name: string, one: number | undefined, change: (to?: number) => void) => (
    <InputNumber
      className="figure-field"
      aria-label={name}
      min={0}
      precision={currency ? minorDigits(currency) : 0}
      value={shown(one)}
      suffix={props.unit}
      onChange={(to) => change(kept(to))}
    />
  );
  const { min, max } = value;
  return (
    <span className="fields">
      <Select
        aria-label={t('insight.condition.signOf', { name: props.label })}
        popupMatchSelectWidth={false}
        value={sign}
        onChange={choose}
        options={SIGNS.map((one) => ({ value: one, label: t(`insight.condition.sign.${one}`) }))}
      />
      {sign === 'between' ? (
        <>
          {number(`${props.label} ${t('ui.min')}`, min, (to) => onChange(sized(to, max)))}
          <span className="quiet">{t('ui.to')}</span>
          {number(`${props.label} ${t('ui.max')}`, max, (to) => onChange(sized(min, to)))}
        </>
      ) : (
        number(props.label, min ?? max, (to) =>
          onChange(sign === 'is' ? sized(to, to) : sign === 'max' ? sized(undefined, to) : sized(to)),
        )
      )}
    </span>
  );
}

export function DaysField(props: { label: string; value: number; onChange: (days: number) => void }) {
  const { t } = useTranslation();
  return (
    <InputNumber
      className="figure-field"
      aria-label={props.label}
      min={1}
      max={36_525}
      precision={0}
      value={props.value}
      suffix={t('insight.condition.days')}
      onChange={(days) => days && props.onChange(days)}
    />
  );
}

const WHENS = ['ever', 'last_days', 'before_last_days', 'days'] as const;
const kindOf = (when: When) =>
  when === 'ever'
    ? 'ever'
    : 'last_days' in when
      ? 'last_days'
      : 'before_last_days' in when
        ? 'before_last_days'
        : 'days';

/** A time: always, so many days up to today, what lies before those, or days by name. */
export function WhenField(props: { label: string; value: When; onChange: (when: When) => void }) {
  const { t } = useTranslation();
  const { value, onChange } = props;
  const kind = kindOf(value);
  const days =
    value === 'ever' || 'days' in value
      ? 90
      : 'last_days' in value
        ? value.last_days
        : value.before_last_days;
  const [from, to] = value !== 'ever' && 'days' in value ? value.days : [null, null];
  return (
    <span className="fields">
      <Select
        aria-label={props.label}
        popupMatchSelectWidth={false}
        value={kind}
        onChange={(next) => {
          if (next === 'ever') onChange('ever');
          else if (next === 'days') onChange({ days: [dayjs().startOf('year').format('YYYY-MM-DD'), null] });
          else if (next === 'last_days') onChange({ last_days: days });
          else onChange({ before_last_days: days });
        }}
        options={WHENS.map((one) => ({ value: one, label: t(`insight.condition.when.${one}`) }))}
      />
      {kind === 'last_days' || kind === 'before_last_days' ? (
        <DaysField
          label={t('insight.condition.daysOf', { name: props.label })}
          value={days}
          onChange={(n) => onChange(kind === 'last_days' ? { last_days: n } : { before_last_days: n })}
        />
      ) : null}
      {kind === 'days' ? (
        <DatePicker.RangePicker
          aria-label={props.label}
          allowEmpty={[true, true]}
          placeholder={[t('ui.from'), t('ui.to')]}
          value={[from ? dayjs(from) : null, to ? dayjs(to) : null]}
          onChange={(range) =>
            onChange({
              days: [range?.[0]?.format('YYYY-MM-DD') ?? null, range?.[1]?.format('YYYY-MM-DD') ?? null],
            })
          }
        />
      ) : null}
    </span>
  );
}

/** A product by a part of its code or title, or by some of them exactly. */
export function ProductField(props: { label: string; value: Product; onChange: (product: Product) => void }) {
  const { t } = useTranslation();
  const { value, onChange } = props;
  const exact = 'is' in value;
  return (
    <span className="fields">
      <Select
        aria-label={t('insight.condition.signOf', { name: props.label })}
        popupMatchSelectWidth={false}
        value={exact ? 'is' : 'contains'}
        onChange={(next) => {
          const text = exact ? (value.is[0] ?? '') : value.contains;
          onChange(next === 'is' ? { is: text ? [text] : [] } : { contains: text });
        }}
        options={(['contains', 'is'] as const).map((one) => ({
          value: one,
          label: t(`insight.condition.product.${one}`),
        }))}
      />
      {exact ? (
        <Select
          mode="tags"
          className="wide-field"
          aria-label={props.label}
          placeholder={t('insight.condition.productHint')}
          open={false}
          suffixIcon={null}
          tokenSeparators={[',', '\uff0c', '\u3001']}
          value={value.is}
          onChange={(is) => onChange({ is })}
        />
      ) : (
        <Input
          className="wide-field"
          aria-label={props.label}
          placeholder={t('insight.condition.productHint')}
          maxLength={500}
          value={value.contains}
          onChange={(event) => onChange({ contains: event.target.value })}
        />
      )}
    </span>
  );
}
