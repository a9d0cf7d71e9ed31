import { SearchOutlined } from '@ant-design/icons';
import { Button, DatePicker, Input, InputNumber, Space, Tag } from 'antd';
import dayjs from 'dayjs';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { majorOf, minorDigits } from '@/lib/format';
import { useUrl } from '@/lib/url';

/** A search field that waits until typing rests. */
export function SearchField(props: {
  value?: string;
  onChange: (value: string | undefined) => void;
  placeholder: string;
}) {
  const [text, setText] = useState(props.value ?? '');
  useEffect(() => setText(props.value ?? ''), [props.value]);
  const { onChange, value } = props;
  useEffect(() => {
    if (text.trim() === (value ?? '')) return;
    const timer = setTimeout(() => onChange(text.trim() || undefined), 350);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <Input
      className="filter-search"
      allowClear
      prefix={<SearchOutlined />}
      placeholder={props.placeholder}
      aria-label={props.placeholder}
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}

export function DayRange(props: {
  label: string;
  from?: string;
  to?: string;
  onChange: (from: string | undefined, to: string | undefined) => void;
}) {
  const { t } = useTranslation();
  return (
    <DatePicker.RangePicker
      aria-label={props.label}
      placeholder={[`${props.label} ${t('ui.from')}`, t('ui.to')]}
      allowEmpty={[true, true]}
      value={[props.from ? dayjs(props.from) : null, props.to ? dayjs(props.to) : null]}
      onChange={(days) =>
        props.onChange(
          days?.[0]?.format('YYYY-MM-DD') ?? undefined,
          days?.[1]?.format('YYYY-MM-DD') ?? undefined,
        )
      }
    />
  );
}

/** Two numbers; money is shown in the currency's unit and kept in its minor unit. */
export function NumberRange(props: {
  label: string;
  min?: string;
  max?: string;
  currency?: string;
  onChange: (min: string | undefined, max: string | undefined) => void;
}) {
  const { t } = useTranslation();
  const scale = props.currency ? 10 ** minorDigits(props.currency) : 1;
  const shown = (value?: string) =>
    value === undefined ? null : props.currency ? majorOf(Number(value), props.currency) : Number(value);
  const kept = (value: number | null) => (value == null ? undefined : String(Math.round(value * scale)));
  return (
    <Space.Compact block>
      <InputNumber
        min={0}
        aria-label={`${props.label} ${t('ui.min')}`}
        placeholder={t('ui.min')}
        value={shown(props.min)}
        onChange={(value) => props.onChange(kept(value), props.max)}
        style={{ width: '50%' }}
      />
      <InputNumber
        min={0}
        aria-label={`${props.label} ${t('ui.max')}`}
        placeholder={t('ui.max')}
        value={shown(props.max)}
        onChange={(value) => props.onChange(props.min, kept(value))}
        style={{ width: '50%' }}
      />
    </Space.Compact>
  );
}

export function FilterBar(props: { children: ReactNode }) {
  return <div className="filter-bar">{props.children}</div>;
}

/** Whether any of these filters is set in the URL, and the way out of all of them. */
export function useFilters(names: readonly string[]) {
  const [url, setUrl] = useUrl();
  return {
    any: names.some((name) => url[name]),
    clear: () => setUrl(Object.fromEntries(names.map((name) => [name, undefined]))),
  };
}

export interface Chip {
  /** The filters it stands for. */
  names: string[];
  text: ReactNode;
}

/** What is filtered now, each removable, and one way out of all. */
export function FilterChips(props: { chips: (Chip | '' | undefined | false)[]; onClear: () => void }) {
  const { t } = useTranslation();
  const [, setUrl] = useUrl();
  const chips = props.chips.filter((chip) => !!chip);
  if (chips.length === 0) return null;
  return (
    <div className="chips">
      {chips.map((chip) => (
        <Tag
          key={chip.names.join()}
          closable={{ 'aria-label': t('ui.removeFilter') }}
          onClose={() => setUrl(Object.fromEntries(chip.names.map((name) => [name, undefined])))}
          className="mark"
        >
          {chip.text}
        </Tag>
      ))}
      <Button type="link" size="small" onClick={props.onClear}>
        {t('ui.clearFilters')}
      </Button>
    </div>
  );
}

export function Labelled(props: { label: string; children: ReactNode }) {
  return (
    <div className="labelled">
      <span className="labelled-name">{props.label}</span>
      {props.children}
    </div>
  );
}
